"""Where a study is computed: the machine that planning asks, and the executor that trains."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Self

from ...data import ImageDataset
from ...data.cache import default_data_dir
from ...spec import RunSpec
from ..planning.executions import ExecutionRequest
from ..planning.machine import LocalMachine, Machine
from ..planning.schedule import Schedule
from .base import Executor
from .in_process import InProcess
from .local import LocalProcesses, WorkerPool

EXECUTORS: dict[str, Callable[[Schedule, ImageDataset, Path], Executor]] = {
    "in-process": InProcess,
    "processes": LocalProcesses,
}


@dataclass
class Place:
    """Where a study is computed; this class is this machine. To be used in a with block.

    Attributes:
        folder: of the study.
        data_dir: the user's choice for decoded images and measured speeds; None for the default.
        request: how the user asks for runs to be computed.
        cifar_archive: where a machine elsewhere takes CIFAR from, see `load_dataset`.
        is_here: runs are computed on this machine, so that its devices are the ones there are.
    """

    is_here: ClassVar[bool] = True

    folder: Path
    data_dir: Path | None = None
    request: ExecutionRequest = field(default_factory=ExecutionRequest)
    cifar_archive: str | None = field(default=None, kw_only=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def require(self) -> None:
        """Check what is to be seen on this machine alone, before images are read.

        Raises:
            InputError: runs cannot be sent there from here.
        """

    def machine(self, dataset: ImageDataset, runs: Sequence[RunSpec]) -> Machine:
        """What planning asks.

        Raises:
            InputError: there is no such place.
        """
        return LocalMachine(
            dataset, self.data_dir or default_data_dir(), lambda: WorkerPool(dataset)
        )

    def executor(self, schedule: Schedule, dataset: ImageDataset) -> Executor:
        """The executor of a schedule; its caller has to close it, as `run_all` does.

        Raises:
            InputError: a machine lacks what the runs need; nothing was begun.
        """
        name = "processes" if schedule.workers > 1 else "in-process"
        return EXECUTORS[name](schedule, dataset, self.folder)
