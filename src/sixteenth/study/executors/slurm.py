"""A Slurm cluster: its options, and what planning may know of it. Its jobs are in `slurm_jobs`."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from ...data import ImageDataset
from ...engine.execution import Execution, resolve_execution
from ...errors import InputError
from ...spec import RunSpec, TrainSpec
from ..planning.calibration import Speed
from ..planning.cost import Cost
from ..planning.machine import Machine
from ..planning.schedule import Placement, Schedule
from .base import Executor
from .node import Origin
from .place import Place
from .slurm_jobs import SlurmJobs, SlurmOption
from .slurm_queue import import_submitit

MOST_JOBS = 1000
"""In the queue at a time: Slurm's own limit of an array, unless its administrator changed it."""

LISTS = ("setup", "teardown", "srun_args")
"""Options that submitit takes as lists: shell commands of a job before and after, and arguments."""

LEAST_MINUTES = 3
"""Of a job: 90 seconds before its limit it is told to queue again, and must have begun by then."""


def parse_options(text: str) -> dict[str, SlurmOption]:
    """Options of sbatch from a text such as ``partition=gpu,time=240``; time in minutes.

    Raises:
        InputError: it is no such list.
    """
    options: dict[str, SlurmOption] = {}
    # A comma also stands within a value, such as exclude=n1,n2: the next option has a name.
    for part in filter(None, re.split(r",(?=\s*\w+=|\s*$)", text)):
        name, equals, value = part.strip().partition("=")
        if not equals or not name.isidentifier() or not value:
            raise InputError(
                f"--slurm {part!r}: write options of sbatch as partition=NAME,time=MINUTES"
            )
        options[name] = int(value) if value.isdecimal() else value
        if name in LISTS:
            options[name] = [value]
    time_limit = options.get("time", LEAST_MINUTES)
    if not isinstance(time_limit, int):
        raise InputError(f"--slurm time={time_limit}: write the minutes of a job, as time=240")
    if time_limit < LEAST_MINUTES:
        raise InputError(f"--slurm time={time_limit}: a job needs {LEAST_MINUTES} minutes at least")
    return options


@dataclass
class SlurmPlace(Place):
    """A Slurm cluster; `cluster` is submitit's name of it, ``local`` for processes in tests."""

    is_here: ClassVar[bool] = False

    options: Mapping[str, SlurmOption] = field(default_factory=dict)
    cluster: str = "slurm"

    def require(self) -> None:
        import_submitit()
        missing = [name for name in ("sbatch", "srun") if shutil.which(name) is None]
        if self.cluster == "slurm" and missing:
            raise InputError(
                f"--executor slurm: there is no {missing[0]} on the PATH of this machine: run this "
                "where jobs of Slurm are submitted, or without --executor"
            )

    def machine(self, dataset: ImageDataset, runs: Sequence[RunSpec]) -> Machine:
        import_submitit()
        return SlurmMachine(self.request.workers or MOST_JOBS)

    def executor(self, schedule: Schedule, dataset: ImageDataset) -> Executor:
        origin = Origin.of(dataset, self.folder, self.data_dir, cifar_archive=self.cifar_archive)
        return SlurmJobs(schedule, origin, self.options, self.cluster)


@dataclass
class SlurmMachine:
    """Planning for machines that cannot be asked before a job runs: nothing is measured.

    Precisions that the study leaves open are those of this machine's processor, on GPUs bfloat16.
    """

    machines: int
    cores: int = 1

    def count(self, device: str) -> int:
        return self.machines

    def default_execution(self, device: str | None, recipe: TrainSpec) -> Execution:
        if device is None or device == "cpu":
            return resolve_execution("cpu", recipe)
        if device != "cuda":
            raise InputError(f"--device {device}: jobs of Slurm are trained on cpu or cuda")
        precision = "bfloat16" if recipe.precision == "auto" else recipe.precision
        layout = "channels-last" if recipe.layout == "auto" else recipe.layout
        return Execution("cuda", precision, layout, 1)

    def free_memory(self, device: str) -> float:
        return float("1e15")  # it is asked for in --slurm

    def measure_speeds(
        self,
        models: Mapping[str, tuple[RunSpec, Cost, Execution]],
        placements: Sequence[Placement],
        progress: Callable[[int], None],
    ) -> dict[str, list[Speed]]:
        return {}

    def busy(self) -> float:
        return 0.0

    def other_kinds(
        self, models: Mapping[str, tuple[RunSpec, Cost, Execution]], placement: Placement
    ) -> list[tuple[int, dict[str, list[Speed]]]]:
        return []

    def images_per_second(self, run: RunSpec, execution: Execution, seconds: float) -> float:
        return 0.0
