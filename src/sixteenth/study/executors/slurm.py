"""Trains each run as a job of Slurm, through submitit.

Which job trains which run is kept in the user's cache: a command that is started again finds what
is queued and running, and submits nothing twice. submitit keeps jobs and results as pickles, which
can run code: they lie in a folder of STUDY/jobs whose name only that cache tells, so that none is
read from a study that came from elsewhere. A job that reaches its time limit is queued again and
goes on from its checkpoint. submitit is imported when a study is to be trained with it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from ...data import ImageDataset
from ...data.cache import default_data_dir
from ...engine.execution import Execution, resolve_execution
from ...errors import InputError, RunError, one_line
from ...spec import RunSpec, TrainSpec
from ...storage.run_folder import write_text
from ..planning.calibration import Speed
from ..planning.cost import Cost
from ..planning.machine import Machine
from ..planning.schedule import Assignment, Placement, Schedule
from .base import Ended, Event, Executor, Failed, Lost, Started
from .node import Origin, as_event, train_here
from .place import Place
from .worker import picklable

MOST_JOBS = 1000
"""In the queue at a time: Slurm's own limit of an array, unless its administrator changed it."""

REQUEUES = 100
"""How often a run that reaches the time limit of its job is queued again."""

MACHINE_FAILED = ("NODE_FAIL", "BOOT_FAIL", "PREEMPTED", "REVOKED", "DEADLINE")
"""States of jobs that ended by no fault of their run."""


def import_submitit() -> Any:
    """The module submitit.

    Raises:
        InputError: it is not installed.
    """
    try:
        import submitit
    except ImportError as error:
        raise InputError(
            f"--executor slurm needs the package submitit ({error}): pip install 'sixteenth[slurm]'"
        ) from None
    return submitit


def parse_options(text: str) -> dict[str, int | str]:
    """Options of sbatch from a text such as ``partition=gpu,time=240``; time in minutes.

    Raises:
        InputError: it is no such list.
    """
    options: dict[str, int | str] = {}
    for part in filter(None, text.split(",")):
        name, equals, value = part.strip().partition("=")
        if not equals or not name.isidentifier() or not value:
            raise InputError(
                f"--slurm {part!r}: write options of sbatch as partition=NAME,time=MINUTES"
            )
        options[name] = int(value) if value.isdecimal() else value
    if not isinstance(options.get("time", 1), int):
        raise InputError(f"--slurm time={options['time']}: write the minutes of a job, as time=240")
    return options


@dataclass
class SlurmPlace(Place):
    """A Slurm cluster; `cluster` is submitit's name of it, ``local`` for processes in tests."""

    is_here: ClassVar[bool] = False

    options: Mapping[str, int | str] = field(default_factory=dict)
    cluster: str = "slurm"

    def machine(self, dataset: ImageDataset, runs: Sequence[RunSpec]) -> Machine:
        import_submitit()
        return SlurmMachine(self.workers or MOST_JOBS)

    def executor(self, schedule: Schedule, dataset: ImageDataset) -> Executor:
        origin = Origin.of(dataset, self.folder, self.data_dir)
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

    def other_kinds(
        self, models: Mapping[str, tuple[RunSpec, Cost, Execution]], placement: Placement
    ) -> list[tuple[int, dict[str, list[Speed]]]]:
        return []

    def images_per_second(self, run: RunSpec, execution: Execution, seconds: float) -> float:
        return 0.0


class TrainJob:
    """What a job does: it trains one run on the machine that Slurm chose."""

    def __init__(
        self, origin: Origin, run: RunSpec, execution: Execution, event_path: Path
    ) -> None:
        self.origin, self.run, self.execution = origin, run, execution
        self.event_path = event_path

    def __call__(self) -> tuple[str, Any]:
        """Returns ended and the run's record, or raised and the error."""
        try:
            return "ended", train_here(self.origin, self.run, self.execution, self.send)
        except Exception as error:
            return "raised", picklable(error)

    def checkpoint(self) -> Any:
        """For submitit, shortly before the time limit: the same job again. The run goes on from its
        last checkpoint, which is at most two minutes old."""
        return import_submitit().helpers.DelayedSubmission(self)

    def send(self, kind: str, content: Any) -> None:
        """Leave an event where the command finds it; only the last one matters."""
        fresh = self.event_path.with_suffix(".new")
        with contextlib.suppress(OSError):
            fresh.write_text(json.dumps([kind, content]), encoding="utf-8")
            os.replace(fresh, self.event_path)


class SlurmJobs:
    """Trains each run as one job, in arrays of those that are submitted at a time."""

    attempts = 3

    def __init__(
        self,
        schedule: Schedule,
        origin: Origin,
        options: Mapping[str, int | str],
        cluster: str = "slurm",
    ) -> None:
        self._submitit = import_submitit()
        self._schedule, self._origin, self._options = schedule, origin, dict(options)
        self._cluster = cluster
        self._new: list[Assignment] = []
        self._live: dict[str, tuple[Any, Assignment]] = {}
        self._told: dict[str, str] = {}
        token, self._ids = self._read_ids()
        self._folder = origin.folder / "jobs" / token
        self._executor()  # whether there is such a cluster, and such options

    def may_begin(self, assignment: Assignment, running: Collection[Assignment]) -> bool:
        return len(running) < self._schedule.workers

    def submit(self, assignment: Assignment) -> None:
        self._new.append(assignment)

    def wait(self, emit: Callable[[Event], None], timeout: float) -> None:
        self._submit_new()
        ended = []
        for run_id, (job, assignment) in self._live.items():
            self._read_event(assignment, emit)
            if job.done():
                ended.append(run_id)
        for run_id in ended:
            job, assignment = self._live.pop(run_id)
            self._read_event(assignment, emit)
            if self._told.pop(run_id, None) is None:
                emit(Started(assignment))
            self._event_path(assignment).unlink(missing_ok=True)
            self._ids.pop(run_id, None)
            self._write_ids()
            emit(self._outcome(job, assignment))
        if not ended:
            time.sleep(timeout)

    def close(self) -> None:
        """Cancel what is queued and running."""
        for job, _ in self._live.values():
            with contextlib.suppress(Exception):  # it has ended, or Slurm does not answer
                job.cancel(check=False)
        if not self._live and not self._new:
            self._ids_path.unlink(missing_ok=True)

    def _submit_new(self) -> None:
        """Submit the runs that were asked for since, but those that have a job already."""
        alike: dict[tuple[int, bool], list[Assignment]] = {}
        for assignment in self._new:
            job = self._job_of(assignment.run.run_id)
            if job is not None:
                self._live[assignment.run.run_id] = job, assignment
                continue
            execution = assignment.execution
            key = execution.threads, execution.device.startswith("cuda")
            alike.setdefault(key, []).append(assignment)
        self._new = []
        for (threads, on_gpu), assignments in alike.items():
            executor = self._executor(threads, on_gpu)
            with executor.batch():
                jobs = [
                    executor.submit(
                        TrainJob(self._origin, each.run, each.execution, self._event_path(each))
                    )
                    for each in assignments
                ]
            for job, assignment in zip(jobs, assignments, strict=True):
                run_id = assignment.run.run_id
                self._live[run_id], self._ids[run_id] = (job, assignment), job.job_id
            self._write_ids()

    def _executor(self, threads: int = 1, on_gpu: bool = False) -> Any:
        """submitit's executor for runs of so many threads.

        Raises:
            InputError: there is no Slurm here, or no such option.
        """
        try:
            executor = self._submitit.AutoExecutor(
                self._folder, cluster=self._cluster, slurm_max_num_timeout=REQUEUES
            )
            executor.update_parameters(
                name=f"sixteenth-{self._origin.folder.name}",
                cpus_per_task=threads,
                **({"gpus_per_node": 1} if on_gpu else {}),
                **{f"slurm_{name}": value for name, value in self._options.items()},
            )
        except (RuntimeError, ValueError, NameError, TypeError) as error:
            raise InputError(f"--executor slurm: {one_line(error)[:300]}") from None
        return executor

    def _job_of(self, run_id: str) -> Any:
        """The job of an earlier command that is still to train a run, or None."""
        if run_id not in self._ids:
            return None
        job = self._submitit.SlurmJob(self._folder, self._ids[run_id])
        return None if job.done(force_check=True) else job

    def _outcome(self, job: Any, assignment: Assignment) -> Event:
        try:
            kind, content = job.result()
        except Exception as error:  # whatever submitit makes of a job that left no result
            state = str(job.state)
            reason = RunError(f"its job {job.job_id} ended as {state}: {one_line(error)[-300:]}")
            return Lost(assignment, reason, again=state.startswith(MACHINE_FAILED))
        return Ended(assignment, content) if kind == "ended" else Failed(assignment, content)

    def _read_event(self, assignment: Assignment, emit: Callable[[Event], None]) -> None:
        """Emit what a job told last, if that is new."""
        run_id = assignment.run.run_id
        try:
            packed = self._event_path(assignment).read_text(encoding="utf-8")
        except OSError:
            return
        if self._told.get(run_id) == packed:
            return
        if run_id not in self._told:
            emit(Started(assignment))
        self._told[run_id] = packed
        if event := as_event(*json.loads(packed)):
            emit(event)

    def _event_path(self, assignment: Assignment) -> Path:
        return self._folder / f"{assignment.run.run_id}.event"

    @property
    def _ids_path(self) -> Path:
        name = hashlib.sha256(os.fsencode(self._origin.folder)).hexdigest()[:16]
        return default_data_dir() / "jobs" / f"{name}.json"

    def _read_ids(self) -> tuple[str, dict[str, str]]:
        """The name of the folder of jobs, and the job of each run that has one."""
        try:
            content = json.loads(self._ids_path.read_text(encoding="utf-8"))
            return str(content["token"]), dict(content["jobs"])
        except FileNotFoundError:
            return secrets.token_hex(8), {}
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise InputError(
                f"{self._ids_path} cannot be read ({one_line(error)[:80]}): cancel the jobs of "
                "this study, then delete it"
            ) from None

    def _write_ids(self) -> None:
        content = {
            "study": str(self._origin.folder),
            "token": self._folder.name,
            "jobs": self._ids,
        }
        write_text(self._ids_path, json.dumps(content, indent=2) + "\n")
