"""How fast a model trains on this machine: measured once, in a few seconds, and kept.

Candidates are the format (precision and layout, where the study leaves them open) and the
placement (how many runs at once, of how many threads each). They take turns, so that whatever else
the machine does affects all of them, and count by their median step. What was measured is kept
beside the decoded images, for this machine, model, image size and version of torch; a copy that is
damaged or incomplete is measured again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import psutil

from ...engine.execution import Execution, candidate_formats
from ...engine.records import environment
from ...spec import RunSpec
from ...storage.whole_files import write_text
from .cost import Cost
from .schedule import Placement

FORMAT = 5
"""Raise it when what is measured, or how, changes."""

ROUNDS = 2
WINDOW_SECONDS = 0.4
"""Each candidate trains for so long in a round, and one step at least."""

MOST_SECONDS = 20.0
"""After so long with one model no further candidate is begun: of a large model on a busy machine a
step takes seconds."""

MUCH_SLOWER = 1.25
"""A candidate so many times slower in its first round is not measured again."""

MAX_OTHER_WORK = 0.1
"""Speeds are kept if other processes used less than this part of all cores meanwhile: a fifth of
one core of two."""

NEARLY_EQUAL = 1.05
"""The default format is taken unless another is faster by more than this."""


@dataclass(frozen=True)
class Speed:
    """Images a second of all processes together, as measured.

    `memory` is the most that one of them took by then, in bytes: of the device where that is a GPU;
    0 where it is not known.
    """

    precision: str
    layout: str
    processes: int
    threads: int
    images_per_second: float
    memory: int = 0

    @property
    def placement(self) -> Placement:
        return Placement(self.processes, self.threads)


def speeds_of(execution: Execution) -> list[Speed]:
    """The speeds that an execution was chosen by.

    Raises:
        TypeError: one of them is none.
    """
    return [Speed(**each) for each in execution.measured]


class Workers(Protocol):
    """Processes to measure with, as `executors.local.WorkerPool` has them."""

    def start(self, count: int) -> None: ...

    def rehearse(
        self, run: RunSpec, execution: Execution, seconds: float, processes: int = 1
    ) -> list[tuple[float, int]]: ...


def calibrate(
    run: RunSpec,
    cost: Cost,
    default: Execution,
    placements: Sequence[Placement],
    room: float,
    data_dir: Path,
    workers: Callable[[], Workers],
    busy: Callable[[float], None] = lambda _: None,
) -> list[Speed]:
    """The speeds of a model: of each format that is open, and of `placements` in the best format.

    Args:
        run: any run of the model.
        cost: of the model.
        default: what would be taken without measuring.
        placements: the simplest first; those that need too much memory are left out.
        room: memory in bytes that all processes together may take.
        data_dir: where what was measured is kept.
        workers: gives the processes to measure with; called only if something has to be measured.
        busy: is called with the part of all cores that other processes used meanwhile, where that
            is too much for the speeds to be kept.

    Raises:
        SixteenthError, RuntimeError, ...: the model cannot be trained.
    """
    identity = _identity(run, cost, default)
    key = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]
    path = data_dir / "calibration" / f"{key}.json"
    known, cut_short = _read(path, identity)
    memory = max((speed.memory for speed in known), default=0)
    fitting = _that_fit(placements, memory, room)
    lacks = not cut_short and not set(fitting) <= {speed.placement for speed in known}
    if not known or lacks:
        others, began = OtherWork(), time.monotonic()
        known = _measure(run, default, placements, room, workers())
        if (share := others.share()) < MAX_OTHER_WORK:
            _keep(path, identity, known, cut_short=time.monotonic() - began > MOST_SECONDS)
        else:
            busy(share)
    return known


def _that_fit(placements: Sequence[Placement], memory: int, room: float) -> list[Placement]:
    """The placements with enough memory, where each process takes `memory`; one in any case."""
    fewest = min(placement.processes for placement in placements)
    return [
        placement
        for placement in placements
        if placement.processes in (1, fewest) or placement.processes * memory <= room
    ]


class OtherWork:
    """How busy other processes keep this machine, from when this object is made.

    Two threads that wait for each other at every operation lose far more to one busy core than two
    processes do: kept, such a measurement would misplace the runs of every later study.
    """

    def __init__(self) -> None:
        self._began, self._before = time.monotonic(), self._seconds()

    def share(self) -> float:
        """Part of all cores that processes kept busy which are not this one's, 0 to 1."""
        elapsed = max(time.monotonic() - self._began, 1e-3)
        cores = psutil.cpu_count() or 1
        return min(max((self._seconds() - self._before) / (elapsed * cores), 0.0), 1.0)

    @staticmethod
    def _seconds() -> float:
        """Processor time of all processes there were, without this one's and its workers'."""
        machine, this = psutil.cpu_times(), psutil.Process()
        own = this.cpu_times()
        total = machine.user + machine.system + getattr(machine, "nice", 0.0)
        total -= sum(own[:4])  # user, system, and both of children that have ended
        for child in this.children(recursive=True):
            with contextlib.suppress(psutil.Error):  # it has ended just now
                total -= sum(child.cpu_times()[:4])
        return total


def best_format(speeds: Iterable[Speed], default: Execution) -> tuple[str, str]:
    """Precision and layout that train most images a second; the default's on a near tie.

    Of what was measured under more placements than the rest, the rest was already given up.
    """
    rates: dict[tuple[str, str], list[float]] = {}
    for speed in speeds:
        rates.setdefault((speed.precision, speed.layout), []).append(speed.images_per_second)
    most = max(map(len, rates.values()), default=0)
    of = {form: max(each) for form, each in rates.items() if len(each) == most}
    usual = default.precision, default.layout
    best = max(of, key=lambda form: of[form], default=usual)
    return usual if of.get(usual, 0.0) * NEARLY_EQUAL >= of.get(best, 0.0) else best


def _measure(
    run: RunSpec, default: Execution, placements: Sequence[Placement], room: float, workers: Workers
) -> list[Speed]:
    """Measure formats under the widest placement, and placements in the best format.

    Layouts come one after another, because each needs a model of its own.
    """
    taken, until = 0, time.monotonic() + MOST_SECONDS
    workers.start(max(placements).processes)
    with contextlib.suppress(Exception):  # this format may be the one that the model refuses
        # First one process alone: several might not have the memory, and then others lose theirs.
        ((_, taken),) = workers.rehearse(run, replace(default, threads=1), 0.0)
    placements = _that_fit(placements, taken, room)
    widest = max(placements)
    precisions, layouts = candidate_formats(default, run.train)
    found: dict[_Candidate, list[float]] = {}
    memories: dict[_Candidate, int] = {}
    refusals: list[Exception] = []

    def take_turns(candidates: Sequence[_Candidate]) -> None:
        remaining = list(candidates)
        for _ in range(ROUNDS):
            for candidate in list(remaining):
                if found and time.monotonic() > until:
                    return
                try:
                    rate, memory = _rate(run, default, candidate, workers)
                except Exception as error:  # a model may refuse some formats, and not others
                    refusals.append(error)
                    remaining.remove(candidate)
                    found.pop(candidate, None)
                else:
                    found.setdefault(candidate, []).append(rate)
                    memories[candidate] = memory
            if not remaining:
                break
            top = max(statistics.median(found[each]) for each in remaining)
            remaining = [
                each for each in remaining if statistics.median(found[each]) * MUCH_SLOWER >= top
            ]
            if len(remaining) < 2:
                break

    for layout in layouts:
        take_turns([(precision, layout, widest) for precision in precisions])
        alike = [speed for speed in _speeds(found, memories) if speed.placement == widest]
        if alike:
            precision, leading = best_format(alike, default)
            precisions = [precision]
            if leading == layout and len(placements) > 1:
                take_turns([(precision, layout, placement) for placement in placements])
    if not found:
        raise refusals[0]
    return _speeds(found, memories)


_Candidate = tuple[str, str, Placement]


def _rate(
    run: RunSpec, default: Execution, candidate: _Candidate, workers: Workers
) -> tuple[float, int]:
    """Images a second of as many processes at once as the candidate's placement has, and the most
    memory that one of them took."""
    precision, layout, placement = candidate
    execution = replace(default, precision=precision, layout=layout, threads=placement.threads)
    if placement.processes > 1:
        # None may have its model yet: all build it first, so that they are timed at once.
        workers.rehearse(run, execution, 0.0, placement.processes)
    measured = workers.rehearse(run, execution, WINDOW_SECONDS, placement.processes)
    rates, memories = zip(*measured, strict=True)
    return float(sum(rates)), max(memories)


def _speeds(
    found: Mapping[_Candidate, list[float]], memories: Mapping[_Candidate, int]
) -> list[Speed]:
    return [
        Speed(
            precision,
            layout,
            placement.processes,
            placement.threads,
            round(statistics.median(rates), 1),
            memories[candidate],
        )
        for candidate, rates in found.items()
        for precision, layout, placement in [candidate]
    ]


def _identity(run: RunSpec, cost: Cost, default: Execution) -> dict[str, Any]:
    """All that a speed depends on."""
    recipe = run.train.model_dump(
        mode="json",
        include={"batch_size", "optimizer", "precision", "layout", "lower_convolutions"},
    )
    _, layouts = candidate_formats(default, run.train)
    if len(layouts) == 1:
        recipe["layout"] = layouts[0]  # where `auto` leaves no choice: nothing else was measured
    return {
        "format": FORMAT,
        "environment": environment(default.device).to_dict(),
        "device": default.device,
        "threads": default.threads,
        "model": run.network,
        "parameters": cost.parameters,
        "flops": cost.of_run(run),
        "stem": run.stem,
        "image_size": run.image_size,
        **recipe,
    }


def _read(path: Path, identity: Mapping[str, Any]) -> tuple[list[Speed], bool]:
    """The speeds in a file, none if it is damaged; and whether there was no time for all."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["identity"] != identity:
            return [], False
        speeds = [Speed(**each) for each in content["speeds"]]
        valid = all(speed.images_per_second > 0 and speed.placement for speed in speeds)
    except (OSError, ValueError, TypeError, KeyError):
        return [], False
    return (speeds if valid else []), bool(content.get("cut_short"))


def _keep(
    path: Path, identity: Mapping[str, Any], speeds: Sequence[Speed], *, cut_short: bool
) -> None:
    """Write what was measured; if that fails, it is measured again next time."""
    kept = [asdict(speed) for speed in speeds]
    content = {"identity": identity, "cut_short": cut_short, "speeds": kept}
    with contextlib.suppress(OSError):
        write_text(path, json.dumps(content, indent=2) + "\n")
