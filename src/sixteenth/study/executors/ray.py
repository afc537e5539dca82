"""Trains each run as a task of Ray: on this machine, or on the machines of a cluster.

Ray places the tasks and finds out which machine is lost. The plan, the checkpoints and going on
from them are those of every executor. The machines are those of `ray_cluster`.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from ...data import ImageDataset
from ...errors import InputError, NodeError, RunError
from ...messages import one_line
from ...spec import RunSpec
from ...storage.run_record import RunRecord
from ..planning.machine import Machine
from ..planning.schedule import Assignment, Schedule
from .base import Ended, Event, Executor, Failed, Lost, Started
from .node import Origin, as_event
from .place import Place
from .ray_cluster import RayCluster, last_line
from .ray_machine import RayMachine
from .ray_task import new_mailbox, train
from .unshared import RETURN_SECONDS, Keeper

STOP_SECONDS = 2.5
"""How long runs have to stop by themselves after Ctrl-C; the command ends after four seconds."""

MAIL_SECONDS = 60.0
"""How long what was told may take to come here: with files of a run, over a slow network."""


@dataclass
class RayPlace(Place):
    """A Ray cluster, which may be this machine alone; `address` is that of `RayCluster`."""

    is_here: ClassVar[bool] = False

    address: str | None = None

    def __post_init__(self) -> None:
        self._cluster = RayCluster(self.address)
        self._machine: RayMachine | None = None

    def __exit__(self, *_: object) -> None:
        self._cluster.close()

    def machine(self, dataset: ImageDataset, runs: Sequence[RunSpec]) -> Machine:
        if self._cluster.is_this_machine():
            return super().machine(dataset, runs)
        origin = self._origin(dataset)
        self._machine = RayMachine(self._cluster, origin, runs[0])
        return self._machine

    def executor(self, schedule: Schedule, dataset: ImageDataset) -> Executor:
        if self._machine is not None:
            self._machine.close()
        origin = replace(self._origin(dataset), shared=self.request.shared_folder)
        return RayTasks(self._cluster, schedule, origin, self.request.workers)

    def _origin(self, dataset: ImageDataset) -> Origin:
        return Origin.of(dataset, self.folder, self.data_dir, cifar_archive=self.cifar_archive)


class RayTasks:
    """Trains each run as one task of Ray.

    Args:
        most: runs at the same time; None for as many as the cluster has room for, also where it
            grows meanwhile.

    Raises:
        InputError: a machine lacks what the runs need, or none has as many processors as a run
            has threads.
    """

    attempts = 3

    def __init__(
        self, cluster: RayCluster, schedule: Schedule, origin: Origin, most: int | None = None
    ) -> None:
        ray = self._ray = cluster.ray
        _check_threads(cluster, schedule)
        cluster.check(origin, [each.run for each in schedule.assignments])
        self._schedule, self._origin, self._most = schedule, origin, most
        self._live: dict[Any, Assignment] = {}
        self._refs: dict[int, Any] = {}
        self._attempts = itertools.count()
        self._begun: dict[str, str] = {}
        self._keeper = None if origin.shared else Keeper(origin.folder)
        self._mailbox = new_mailbox(cluster)
        # One task a process, so that memory of a GPU and torch's state end with the run. Ray itself
        # repeats nothing: a run that is lost begins again by `base.run_all`.
        self._task = ray.remote(max_calls=1, max_retries=0)(train)

    def may_begin(self, assignment: Assignment, running: Collection[Assignment]) -> bool:
        if self._most is not None:
            return len(running) < self._most
        # Some wait at Ray, so that no machine is idle, and so that a cluster that can grow does.
        room = max(self._schedule.workers, self._room(assignment.execution.threads))
        return len(running) < room + max(2, room // 4)

    def submit(self, assignment: Assignment) -> None:
        execution = assignment.execution
        share = max(1, self._schedule.workers // self._schedule.machines)
        on_gpu = execution.device.startswith("cuda")
        run, attempt = assignment.run, next(self._attempts)
        given = self._keeper.begin(run.run_id) if self._keeper else {}
        ref = self._task.options(
            num_cpus=execution.threads,
            num_gpus=1 / share if on_gpu else 0,
            name=run.run_id,
        ).remote(attempt, self._origin, run, execution, given, RETURN_SECONDS, self._mailbox)
        self._live[ref], self._refs[attempt] = assignment, ref

    def wait(self, emit: Callable[[Event], None], timeout: float) -> None:
        ended, _ = self._ray.wait(list(self._live), num_returns=1, timeout=timeout)
        self._read_mail(emit)
        for ref in ended:
            outcome = self._outcome(ref)
            self._start(self._live[ref], emit)
            run_id = self._live.pop(ref).run.run_id
            del self._begun[run_id]
            self._refs = {attempt: one for attempt, one in self._refs.items() if one != ref}
            if self._keeper:
                self._keeper.end(run_id)
            emit(outcome)

    def close(self) -> None:
        """Interrupt all tasks; those that take longer than `STOP_SECONDS` are ended."""
        left = list(self._live)
        for force in (False, True):
            for ref in left:
                with contextlib.suppress(Exception):  # it has just ended, or its machine is lost
                    self._ray.cancel(ref, force=force)
            if left:
                _, left = self._ray.wait(left, num_returns=len(left), timeout=STOP_SECONDS)
        if self._keeper:
            self._publish_last(self._keeper)
        with contextlib.suppress(Exception):
            self._ray.kill(self._mailbox)

    def _publish_last(self, keeper: Keeper) -> None:
        """Publish what came back of runs that were interrupted, or ended at the same time."""
        with contextlib.suppress(Exception):
            self._read_mail(lambda _: None)
        for ref, assignment in self._live.items():
            with contextlib.suppress(Exception):
                _, _, files = self._ray.get(ref, timeout=0)
                keeper.publish(assignment.run.run_id, files, whole=True)
        keeper.close()

    def _start(self, assignment: Assignment, emit: Callable[[Event], None], node: str = "") -> None:
        if self._begun.setdefault(assignment.run.run_id, node) == node:
            emit(Started(assignment))

    def _read_mail(self, emit: Callable[[Event], None]) -> None:
        more = True
        while more:
            try:
                mail = self._ray.get(self._mailbox.take.remote(), timeout=MAIL_SECONDS)
            except self._ray.exceptions.RayError:
                return  # the machine of the mailbox is lost, and Ray starts it anew on another
            for attempt, kind, content in mail:
                assignment = self._live.get(self._refs.get(attempt))
                if assignment is not None:  # else of an attempt that was given up
                    self._handle(assignment, kind, content, emit)
            more = any(kind == "files" for _, kind, _ in mail)

    def _handle(
        self, assignment: Assignment, kind: str, content: Any, emit: Callable[[Event], None]
    ) -> None:
        """What a task has told."""
        if kind == "started":
            self._begun.pop(assignment.run.run_id, None)
            self._start(assignment, emit, content)
        elif kind == "files" and self._keeper:
            self._keeper.publish(assignment.run.run_id, content)
        elif event := as_event(kind, content):
            emit(event)

    def _outcome(self, ref: Any) -> Event:
        """How a task ended."""
        assignment, exceptions = self._live[ref], self._ray.exceptions
        try:
            kind, content, files = self._ray.get(ref)
        except exceptions.RayTaskError as error:  # the task could not begin, or a bug
            return Failed(assignment, RunError(last_line(error)))
        except exceptions.OutOfMemoryError as error:
            return Lost(assignment, RunError(_first_sentence(error)), again=False)
        except exceptions.WorkerCrashedError as error:
            lost = self._is_lost(self._begun.get(assignment.run.run_id))
            return Lost(assignment, RunError(_first_sentence(error)), again=lost)
        except exceptions.RayError as error:
            said = f"the machine that trained it was lost ({_first_sentence(error)})"
            return Lost(assignment, RunError(said))
        if self._keeper:
            self._keeper.publish(assignment.run.run_id, files, whole=True)
        if isinstance(content, NodeError):
            return Lost(assignment, content, again=False)
        if kind == "raised":
            return Failed(assignment, content)
        record: RunRecord = content
        return Ended(assignment, record)

    def _is_lost(self, node_id: str | None) -> bool:
        """Whether a machine has gone; a process that dies on one that has not would die again."""
        deadline = time.monotonic() + 10.0  # Ray may tell of the process first
        while time.monotonic() < deadline:
            alive = {node["NodeID"] for node in self._ray.nodes() if node["Alive"]}
            if node_id not in alive:
                return True
            time.sleep(0.2)
        return False

    def _room(self, threads: int) -> int:
        """How many runs of so many threads the cluster has room for now."""
        now = time.monotonic()
        if now - getattr(self, "_asked", -60.0) > 10.0:
            self._asked, self._resources = now, self._ray.cluster_resources()
        return int(self._resources.get("CPU", 0) // threads)


def _check_threads(cluster: RayCluster, schedule: Schedule) -> None:
    """Refuse a run that no machine has enough processors for: Ray would let it wait for ever."""
    nodes = [node["Resources"] for node in cluster.nodes()]
    for run, execution in ((each.run, each.execution) for each in schedule.assignments):
        on_gpu = execution.device.startswith("cuda")
        most = max((int(has["CPU"]) for has in nodes if has.get("GPU") or not on_gpu), default=0)
        if execution.threads > most:
            raise InputError(
                f"{run.run_id} needs {execution.threads} processors for its threads, and no "
                f"{'machine with a GPU' if on_gpu else 'machine'} of the Ray cluster has more than "
                f"{most}: use --threads {max(1, most)}, or add a larger machine"
            )


def _first_sentence(error: Exception) -> str:
    return one_line(error).partition(". ")[0][:200]
