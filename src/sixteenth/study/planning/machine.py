"""The machine where runs will be computed: all that planning asks about it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from functools import cache
from pathlib import Path
from typing import Protocol

import torch

from ...data import ImageDataset
from ...data.machine import available_memory
from ...engine.execution import Execution, default_threads, resolve_execution
from ...engine.rehearsal import Rehearsal
from ...errors import InputError
from ...spec import RunSpec, TrainSpec
from .calibration import Speed, Workers, calibrate
from .cost import Cost
from .schedule import Placement

MEMORY_SHARE = 0.8
"""Of the memory that is free; the rest is for what runs take beyond their first steps."""

GPU_PROCESS_BYTES = 5e8
"""What each process takes of a GPU's memory for itself, beyond what torch counts."""

RUN_BYTES = 1.5e9
"""Memory that a run may take where it was not measured: no more runs are trained at the same time
than there is so much memory for."""

GPU_SHARES = (1, 2, 4)
"""How many small runs are tried on one GPU at once."""


def alike_gpus() -> int:
    """How many GPUs from the first on are of its kind: the runs of a study are spread over them.

    On another kind a run would be faster or slower, and its result another one.
    """
    names = [torch.cuda.get_device_name(gpu) for gpu in range(torch.cuda.device_count())]
    return next((i for i, name in enumerate(names) if name != names[0]), max(1, len(names)))


def visible_gpus(*gpus: int | None) -> dict[str, str]:
    """The environment in which a process sees these GPUs of all that this one sees; None: all."""
    seen = [entry for entry in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if entry]
    named = [seen[gpu] if seen else str(gpu) for gpu in gpus if gpu is not None]
    return {"CUDA_VISIBLE_DEVICES": ",".join(named)} if named else {}


def use_gpus(gpus: Sequence[int]) -> None:
    """Let this process and its workers see these GPUs only; before anything is done on one.

    Raises:
        InputError: there are not so many.
    """
    count = torch.cuda.device_count()
    if missing := [gpu for gpu in gpus if gpu >= count]:
        here = f"GPUs 0 to {count - 1}" if count > 1 else ("one GPU, 0" if count else "no GPU")
        raise InputError(f"--devices: there is no GPU {missing[0]} here, there is {here}")
    os.environ |= visible_gpus(*gpus)


class Machine(Protocol):
    """A machine that can train runs of one dataset.

    Attributes:
        cores: threads that compute at the same time without slowing each other down.
    """

    cores: int

    def count(self, device: str) -> int:
        """How many machines, or GPUs of one, there are like the one that is asked and measured."""

    def default_execution(self, device: str | None, recipe: TrainSpec) -> Execution:
        """How a run would be computed without measuring, see `engine.execution.resolve_execution`.

        Args:
            device: None for the machine's best.

        Raises:
            InputError: the machine has no such device.
        """

    def free_memory(self, device: str) -> float:
        """Free memory in bytes, of a CUDA device its own."""

    def measure_speeds(
        self,
        models: Mapping[str, tuple[RunSpec, Cost, Execution]],
        placements: Sequence[Placement],
        progress: Callable[[int], None],
    ) -> dict[str, list[Speed]]:
        """Speeds of models under `placements`, see `calibrate`; known ones are not measured again.

        Args:
            models: by their names, in the order to measure them: any run, the cost, and the
                execution that would be taken without measuring.
            placements: the simplest first.
            progress: is called with the number of models that are done.

        Returns:
            By the models' names, without those that could not be trained.
        """

    def busy(self) -> float:
        """Part of the cores, 0 to 1, that other processes used while speeds were measured here, if
        that was too much for them to be kept; else 0."""

    def other_kinds(
        self, models: Mapping[str, tuple[RunSpec, Cost, Execution]], placement: Placement
    ) -> list[tuple[int, dict[str, list[Speed]]]]:
        """Of each other kind of machine, or GPU, that runs are trained on: how many of those that
        `count` has are of it, and what `measure_speeds` gives there."""

    def images_per_second(self, run: RunSpec, execution: Execution, seconds: float) -> float:
        """How fast one process trains a run's model, 0 if not known; takes about `seconds`.

        Raises:
            Exception: the model cannot be trained.
        """


def room(machine: Machine, dataset: ImageDataset, device: str, memory: int = 0) -> int:
    """How many runs there is memory for, the GPU's included.

    Args:
        dataset: the images, which every process on a GPU has a copy of.
        memory: that one run takes, in bytes; 0 where that is not known.
    """
    free = machine.free_memory("cpu")
    if not device.startswith("cuda"):
        each = memory / MEMORY_SHARE if memory else RUN_BYTES
        return max(1, int(min(free / each, 1024)))
    images = dataset.train.images.nbytes + dataset.test.images.nbytes
    each = (memory or images + RUN_BYTES) + GPU_PROCESS_BYTES
    free_on_device = machine.free_memory(device)
    return max(1, int(min(free_on_device / each, free / RUN_BYTES, 1024)))


class LocalMachine:
    """The machine of this process.

    Args:
        dataset: what is trained on.
        data_dir: where measured speeds are kept.
        new_workers: starts the processes that speeds are measured with.
    """

    def __init__(
        self,
        dataset: ImageDataset,
        data_dir: Path,
        new_workers: Callable[[], AbstractContextManager[Workers]],
    ) -> None:
        self.cores = default_threads()
        self._dataset, self._data_dir, self._new_workers = dataset, data_dir, new_workers
        self._busy = [0.0]

    def count(self, device: str) -> int:
        return alike_gpus() if device == "cuda" else 1

    def default_execution(self, device: str | None, recipe: TrainSpec) -> Execution:
        return resolve_execution(device, recipe)

    def free_memory(self, device: str) -> float:
        if device.startswith("cuda"):
            return float(torch.cuda.mem_get_info(device)[0])
        return float(available_memory())

    def measure_speeds(
        self,
        models: Mapping[str, tuple[RunSpec, Cost, Execution]],
        placements: Sequence[Placement],
        progress: Callable[[int], None],
    ) -> dict[str, list[Speed]]:
        speeds: dict[str, list[Speed]] = {}
        with ExitStack() as stack:
            workers = cache(lambda: stack.enter_context(self._new_workers()))
            for done, (name, (run, cost, default)) in enumerate(models.items()):
                progress(done)
                # A model that cannot be trained is left out: its runs will fail, and say why. But
                # there may only have been no room for so many at once: then fewer are tried.
                for count in range(len(placements), 0, -1):
                    with suppress(Exception):
                        speeds[name] = calibrate(
                            run,
                            cost,
                            default,
                            placements[:count],
                            self._memory_for_runs(default.device),
                            self._data_dir,
                            workers,
                            self._busy.append,
                        )
                        break
        return speeds

    def busy(self) -> float:
        return max(self._busy)

    def other_kinds(
        self, models: Mapping[str, tuple[RunSpec, Cost, Execution]], placement: Placement
    ) -> list[tuple[int, dict[str, list[Speed]]]]:
        return []

    def images_per_second(self, run: RunSpec, execution: Execution, seconds: float) -> float:
        return Rehearsal(run, self._dataset, execution).images_per_second(execution, seconds)

    def _memory_for_runs(self, device: str) -> float:
        """Bytes that all runs at once may take, of a GPU without its processes' own part."""
        memory = MEMORY_SHARE * self.free_memory(device)
        if device.startswith("cuda"):
            memory -= max(GPU_SHARES) * GPU_PROCESS_BYTES
        return memory
