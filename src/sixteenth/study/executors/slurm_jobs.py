"""Trains each run as a job of Slurm, through submitit.

Which job trains which run is kept in the user's cache: a command that is started again finds what
is queued and running, and submits nothing twice. Each submission has a name of its own, kept before
it begins: jobs of one that broke off, of which the cache knows no more, are found by it and
cancelled. They would train nothing: submitit writes what a job does when sbatch has named it.

submitit keeps jobs and results as pickles, which can run code: they lie in a folder of STUDY/jobs
whose name only that cache tells, so that none is read from a study that came from elsewhere. A job
that reaches its time limit is queued again and goes on from its checkpoint. submitit is imported
when a study is to be trained with it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import time
import warnings
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from ...data.cache import default_data_dir
from ...errors import InputError, NodeError, RunError
from ...messages import one_line
from ...storage.whole_files import write_text
from ..planning.schedule import Assignment, Schedule
from .base import Ended, Event, Failed, Lost, Noticed, Started
from .node import Origin, as_event
from .slurm_queue import ENDED, GONE, ask, cancel_apart, import_submitit, job_states, jobs_named
from .slurm_task import TrainJob

MINUTES = 60
"""Of a job, where --slurm names no time; it is queued again and again."""

REQUEUES = 100
"""How often a run that reaches the time limit of its job is queued again."""

RETRY_SECONDS = 60.0
"""Time until Slurm is asked again to take jobs that it refused."""

LOOK_SECONDS = 15.0
"""Time between two looks at Slurm's queue, which all users share."""

CANCEL_SECONDS = 2.5
"""How long the end of scancel is waited for: a clean stop has four seconds."""

MACHINE_FAILED = ("NODE_FAIL", "BOOT_FAIL", "PREEMPTED", "REVOKED", "DEADLINE")
"""States of jobs that ended by no fault of their run."""

SlurmOption = int | str | list[str]
"""The value of an option of sbatch, as submitit takes it."""


class SlurmJobs:
    """Trains each run as one job, in arrays of those that are submitted at a time."""

    attempts = 3

    def __init__(
        self,
        schedule: Schedule,
        origin: Origin,
        options: Mapping[str, SlurmOption],
        cluster: str = "slurm",
    ) -> None:
        self._submitit = import_submitit()
        self._schedule, self._origin = schedule, origin
        self._options = {"time": MINUTES, **options}
        self._cluster = cluster
        self._new: list[Assignment] = []
        self._live: dict[str, tuple[Any, Assignment]] = {}
        self._told: dict[str, str] = {}
        self._looked = -LOOK_SECONDS
        self._not_before, self._refused = 0.0, ""
        self._states: dict[str, str] = {}
        self._suspected: set[str] = set()
        token, self._ids, self._unwanted, self._unsure = self._read_ids()
        self._folder = origin.folder / "jobs" / token
        self._executor()  # whether there is such a cluster, and such options

    def may_begin(self, assignment: Assignment, running: Collection[Assignment]) -> bool:
        return len(running) < self._schedule.workers

    def submit(self, assignment: Assignment) -> None:
        self._new.append(assignment)

    def wait(self, emit: Callable[[Event], None], timeout: float) -> None:
        self._submit_new(emit)
        # One listing: it also shows what a network's file system said a moment ago was not there.
        self._folder.mkdir(parents=True, exist_ok=True)  # somebody may have removed it
        there, without = set(os.listdir(self._folder)), self._left_without_result()
        ended = []
        for run_id, (job, assignment) in self._live.items():
            self._read_event(assignment, emit)
            if run_id in without or job.paths.result_pickle.name in there:
                ended.append(run_id)
        for run_id in ended:
            job, assignment = self._live.pop(run_id)
            self._read_event(assignment, emit)
            if self._told.pop(run_id, None) is None:
                emit(Started(assignment))
            self._event_path(assignment).unlink(missing_ok=True)
            self._forget(run_id)
            emit(self._outcome(job, assignment))
        if not ended:
            time.sleep(timeout)

    def close(self) -> None:
        """Cancel what is queued and interrupt what runs, for which Slurm waits 30 seconds."""
        jobs = [job for job, _ in self._live.values()]
        if self._cluster != "slurm":
            for job in jobs:
                job.cancel(check=False)
        elif jobs or self._unsure:
            ids = [job.job_id for job in jobs]
            before, self._unwanted = self._unwanted, [*self._unwanted, *ids]
            with contextlib.suppress(OSError):  # a full disk keeps no job in the queue
                # Now: the same command is not to wait for jobs that are being cancelled.
                self._write_ids()
            done = cancel_apart(ids, self._unsure, CANCEL_SECONDS)
            if done is not None:
                self._unwanted = before
                self._forget(*(self._live if done else ()))
            if not done and ids:
                these = f"the jobs {', '.join(ids[:5])}{' ...' if len(ids) > 5 else ''}"
                warnings.warn(
                    f"Slurm is slow to cancel {these}: scancel goes on without this command"
                    if done is None
                    else f"Slurm does not cancel {these}: the same command goes on with them",
                    stacklevel=2,
                )
        if not (self._live or self._new or self._unsure):
            self._ids_path.unlink(missing_ok=True)

    def _submit_new(self, emit: Callable[[Event], None]) -> None:
        """Submit the runs that were asked for since, but those that have a job already.

        Raises:
            InputError: Slurm takes none of them, and no job is left that could end first.
        """
        if not self._new or time.monotonic() < self._not_before:
            return
        alike: dict[tuple[int, bool], list[Assignment]] = {}
        states = job_states() if self._ids else None
        for assignment in self._new:
            run_id = assignment.run.run_id
            job_id = self._ids.get(run_id)
            # Where Slurm does not answer, the next look will tell.
            if job_id and (states is None or states.get(job_id, GONE) not in ENDED):
                job = self._submitit.SlurmJob(self._folder, job_id)
                self._live[run_id] = job, assignment
                continue
            execution = assignment.execution
            key = execution.threads, execution.device.startswith("cuda")
            alike.setdefault(key, []).append(assignment)
        if alike and not self._cancel_unwanted():
            self._new = [each for assignments in alike.values() for each in assignments]
            self._put_off("Slurm does not cancel what an earlier command left queued", "", emit)
            return
        self._new = []
        for (threads, on_gpu), assignments in alike.items():
            name = self._new_name()
            executor = self._executor(threads, on_gpu, name)
            if self._cluster == "slurm":
                # Before, since this command may end while sbatch runs.
                self._unsure.append(name)
                self._write_ids()
            try:
                with executor.batch():
                    jobs = [
                        executor.submit(
                            TrainJob(
                                self._origin,
                                each.run,
                                each.execution,
                                self._event_path(each),
                                int(str(self._options["time"])),
                            )
                        )
                        for each in assignments
                    ]
            except self._submitit.core.utils.FailedJobError as error:
                # The name stays: where an answer came too late, Slurm may have taken them.
                refused = f"Slurm takes no job: {one_line(error)[-200:]}"
                self._put_off(refused, " (--workers N queues N at most)", emit)
                self._new += assignments
                continue
            for job, assignment in zip(jobs, assignments, strict=True):
                run_id = assignment.run.run_id
                self._live[run_id], self._ids[run_id] = (job, assignment), job.job_id
            self._unsure = [each for each in self._unsure if each != name]
            self._write_ids()

    def _put_off(self, refused: str, way_out: str, emit: Callable[[Event], None]) -> None:
        """Let `_new` wait, and say why, once.

        Raises:
            InputError: no job is left that could end first.
        """
        if not self._live:
            raise InputError(f"{refused}{way_out}")
        if refused != self._refused:
            emit(Noticed(f"{refused}; tried again every {RETRY_SECONDS:.0f} seconds"))
        self._refused, self._not_before = refused, time.monotonic() + RETRY_SECONDS

    def _cancel_unwanted(self) -> bool:
        """Cancel what stops and submissions left that broke off; false if Slurm does not answer."""
        if not (self._unwanted or self._unsure):
            return True
        unsure = jobs_named(self._unsure) if self._unsure else []
        if unsure is None:
            return False
        ids = [*self._unwanted, *unsure]
        if ids and ask("scancel", "--quiet", *ids) is None:
            return False
        self._unwanted, self._unsure = [], []
        self._write_ids()
        return True

    def _new_name(self) -> str:
        """A name for the jobs of one submission, by which they are found in the queue."""
        name = self._options.get("job_name", f"sixteenth-{self._origin.folder.name}")
        # squeue takes a comma for the end of a name.
        return re.sub(r"[^\w.-]", "-", f"{name}-{secrets.token_hex(4)}")

    def _forget(self, *run_ids: str) -> None:
        """Let no command wait any more for the jobs of these runs."""
        for run_id in run_ids:
            self._ids.pop(run_id, None)
        self._write_ids()

    def _executor(self, threads: int = 1, on_gpu: bool = False, name: str = "") -> Any:
        """submitit's executor for runs of so many threads, in jobs of this name.

        Raises:
            InputError: there is no Slurm here, or no such option.
        """
        options = {**self._options, **({"job_name": name} if name else {})}
        try:
            executor = self._submitit.AutoExecutor(
                self._folder, cluster=self._cluster, slurm_max_num_timeout=REQUEUES
            )
            executor.update_parameters(
                cpus_per_task=threads,
                **({"gpus_per_node": 1} if on_gpu else {}),
                **{f"slurm_{option}": value for option, value in options.items()},
            )
        except (RuntimeError, ValueError, NameError, TypeError) as error:
            raise InputError(f"--executor slurm: {one_line(error)[:300]}") from None
        return executor

    def _left_without_result(self) -> set[str]:
        """The runs whose jobs have ended and left nothing, as two looks at the queue found.

        Two, because a result may come later than the end, over a network's file system.
        """
        if self._cluster != "slurm":
            return {run_id for run_id, (job, _) in self._live.items() if job.done()}
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return set()
        self._looked, states = now, job_states()
        if states is None:
            return set()
        self._states = states
        ended = {
            run_id
            for run_id, (job, _) in self._live.items()
            if states.get(job.job_id, GONE) in ENDED
        }
        sure, self._suspected = ended & self._suspected, ended
        return sure

    def _outcome(self, job: Any, assignment: Assignment) -> Event:
        state = self._states.get(job.job_id, GONE)
        try:
            if not job.paths.result_pickle.exists():
                said = (job.stderr() or "").strip().rpartition("\n")[2] or "it left no result"
                raise RunError(f"{said[:200]} ({job.paths.stderr.name} in STUDY/jobs)")
            kind, content = job.result()
        except Exception as error:  # whatever submitit makes of a result that cannot be read
            reason = RunError(f"its job {job.job_id} ended as {state}: {one_line(error)[-300:]}")
            return Lost(assignment, reason, again=state in MACHINE_FAILED)
        if isinstance(content, NodeError):
            return Lost(assignment, content, again=False)
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

    def _read_ids(self) -> tuple[str, dict[str, str], list[str], list[str]]:
        """What `_write_ids` wrote: the name of the folder of jobs, the job of each run that has
        one, jobs that are to be cancelled, and names of submissions whose jobs are not known."""
        try:
            content = json.loads(self._ids_path.read_text(encoding="utf-8"))
            unwanted = list(content.get("unwanted", ()))  # older files have neither
            ids = {run: job for run, job in content["jobs"].items() if job not in unwanted}
            return str(content["token"]), ids, unwanted, list(content.get("unsure", ()))
        except FileNotFoundError:
            return secrets.token_hex(8), {}, [], []
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise InputError(
                f"{self._ids_path} cannot be read ({one_line(error)[:80]}): cancel the jobs of "
                "this study, then delete it"
            ) from None

    def _write_ids(self) -> None:
        content = {
            "study": str(self._origin.folder),
            "token": self._folder.name,
            "jobs": self._ids,
            "unwanted": self._unwanted,
            "unsure": self._unsure,
        }
        write_text(self._ids_path, json.dumps(content, indent=2) + "\n")
