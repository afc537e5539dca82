"""Machines of several kinds: how much longer runs take on one than on another, as measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ...engine.execution import Execution
from ...spec import RunSpec
from .calibration import Speed
from .cost import Cost
from .machine import Machine
from .schedule import Placement


def rate_of(speeds: Iterable[Speed], execution: Execution, processes: int = 0) -> float:
    """Images a second of one process, by the speeds that were measured; 0 where none fits.

    Args:
        processes: at once; 0 for as many as are fastest.
    """
    rates = [
        speed.images_per_second / speed.processes
        for speed in speeds
        if (speed.precision, speed.layout) == (execution.precision, execution.layout)
        and speed.threads == execution.threads
        and processes in (0, speed.processes)
    ]
    return max(rates, default=0.0)


def paces_of(
    machine: Machine,
    models: Mapping[str, tuple[RunSpec, Cost, Execution]],
    speeds: Mapping[str, Sequence[Speed]],
    machines: int,
    processes: int,
) -> dict[str, list[float]]:
    """`Schedule.paces`; machines of the kind that was asked come first.

    Args:
        models: those whose speed is known: any run, the cost, how its runs are computed.
        speeds: of them, on the machine that was asked.
        machines: of all kinds, or GPUs.
        processes: at once on each GPU.
    """
    if machines == 1 or not models:
        return {}
    threads = min(execution.threads for _, _, execution in models.values())
    others = machine.other_kinds(models, Placement(processes, threads))
    paces: dict[str, list[float]] = {}
    for model, (_, _, execution) in models.items() if others else ():
        here, slower = rate_of(speeds[model], execution), list[float]()
        for count, measured in others:
            there = rate_of(measured.get(model, ()), execution)
            slower += [here / there if here and there else 1.0] * count
        paces[model] = [1.0] * (machines - len(slower)) + slower
    return paces
