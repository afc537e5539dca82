"""Trains each run as a task of Ray: on this machine, or on the machines of a cluster.

Ray places the tasks and finds out which machine is lost. The plan, the checkpoints and going on
from them are those of every executor. The machines are those of `ray_cluster`.
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ...data import ImageDataset
from ...engine.execution import Execution
from ...errors import InputError, RunError, one_line
from ...spec import RunSpec, TrainSpec
from ...storage.run_record import RunRecord
from ..planning.calibration import Speed
from ..planning.cost import Cost
from ..planning.machine import Machine
from ..planning.schedule import Assignment, Placement, Schedule
from .base import Ended, Event, Executor, Failed, Lost, Started
from .node import NodeMachine, Origin, as_event, train_here
from .place import Place
from .ray_cluster import RayCluster, import_ray, last_line
from .worker import picklable

STOP_SECONDS = 2.5
"""How long runs have to stop by themselves after Ctrl-C; the command ends after four seconds."""


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
        origin = Origin.of(dataset, self.folder, self.data_dir)
        self._machine = RayMachine(self._cluster, origin, runs[0])
        return self._machine

    def executor(self, schedule: Schedule, dataset: ImageDataset) -> Executor:
        if self._machine is not None:
            self._machine.close()
        origin = Origin.of(dataset, self.folder, self.data_dir)
        return RayTasks(self._cluster, schedule, origin, self.workers)


class RayMachine:
    """The machine of a cluster that is asked for the others like it, see `planning.machine`."""

    def __init__(self, cluster: RayCluster, origin: Origin, run: RunSpec) -> None:
        self._cluster, self._origin, self._run = cluster, origin, run
        self._nodes = cluster.nodes()
        self.cores = int(self._nodes[0]["Resources"]["CPU"])
        self._answers: dict[str, Any] = {}

    def count(self, device: str) -> int:
        resource, each = ("GPU", 1) if device.startswith("cuda") else ("CPU", self.cores)
        return max(1, sum(int(node["Resources"].get(resource, 0) // each) for node in self._nodes))

    def default_execution(self, device: str | None, recipe: TrainSpec) -> Execution:
        execution: Execution = self._ask("default_execution", device, recipe)
        return execution

    def free_memory(self, device: str) -> float:
        return float(self._ask("free_memory", device))

    def measure_speeds(
        self,
        models: Mapping[str, tuple[RunSpec, Cost, Execution]],
        placements: Sequence[Placement],
        progress: Callable[[int], None],
    ) -> dict[str, list[Speed]]:
        progress(0)
        speeds: dict[str, list[Speed]] = self._ask("measure_speeds", models, placements)
        return speeds

    def images_per_second(self, run: RunSpec, execution: Execution, seconds: float) -> float:
        return float(self._ask("images_per_second", run, execution, seconds))

    def _ask(self, method: str, *given: Any) -> Any:
        """The answer of the machine, once; what it does meanwhile has it for itself.

        Raises:
            Exception: what the method raises there.
        """
        key = repr((method, given))
        if key not in self._answers:
            ray = self._cluster.ray
            try:
                self._answers[key] = ray.get(self._actor.ask.remote(method, *given))
            except ray.exceptions.RayTaskError as error:
                raise (error.cause or error) from None
            except ray.exceptions.RayError as error:
                raise InputError(f"a machine of the cluster failed: {last_line(error)}") from None
        return self._answers[key]

    @functools.cached_property
    def _actor(self) -> Any:
        node = self._nodes[0]
        cls = self._cluster.ray.remote(NodeMachine)
        return cls.options(
            num_cpus=self.cores,
            num_gpus=1 if node["Resources"].get("GPU") else 0,
            scheduling_strategy=self._cluster.pinned(node["NodeID"]),
        ).remote(self._origin, self._run)

    def close(self) -> None:
        """Give the machine back."""
        if "_actor" in vars(self):
            self._cluster.ray.kill(self._actor)


class RayTasks:
    """Trains each run as one task of Ray.

    Args:
        most: runs at the same time; None for as many as the cluster has room for, also where it
            grows meanwhile.
    """

    attempts = 3

    def __init__(
        self, cluster: RayCluster, schedule: Schedule, origin: Origin, most: int | None = None
    ) -> None:
        ray = self._ray = cluster.ray
        cluster.check(origin, [each.run for each in schedule.assignments])
        self._schedule, self._origin, self._most = schedule, origin, most
        self._live: dict[Any, Assignment] = {}
        self._refs: dict[str, Any] = {}
        self._begun: dict[str, str] = {}
        self._mailbox = _new_mailbox(cluster)
        # One task a process, so that memory of a GPU and torch's state end with the run. Ray itself
        # repeats nothing: a run that is lost begins again by `base.run_all`.
        self._task = ray.remote(max_calls=1, max_retries=0)(_train)

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
        ref = self._task.options(
            num_cpus=execution.threads,
            num_gpus=1 / share if on_gpu else 0,
            name=assignment.run.run_id,
        ).remote(self._origin, assignment.run, execution, self._mailbox)
        self._live[ref] = assignment
        self._refs[assignment.run.run_id] = ref

    def wait(self, emit: Callable[[Event], None], timeout: float) -> None:
        ended, _ = self._ray.wait(list(self._live), num_returns=1, timeout=timeout)
        self._read_mail(emit)
        for ref in ended:
            outcome = self._outcome(ref)
            self._start(self._live[ref], emit)
            assignment = self._live.pop(ref)
            del self._begun[assignment.run.run_id], self._refs[assignment.run.run_id]
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
        with contextlib.suppress(Exception):
            self._ray.kill(self._mailbox)

    def _start(self, assignment: Assignment, emit: Callable[[Event], None], node: str = "") -> None:
        if self._begun.setdefault(assignment.run.run_id, node) == node:
            emit(Started(assignment))

    def _read_mail(self, emit: Callable[[Event], None]) -> None:
        try:
            mail = self._ray.get(self._mailbox.take.remote(), timeout=10.0)
        except self._ray.exceptions.RayError:
            return  # the machine of the mailbox is lost, and Ray starts it anew on another
        for run_id, kind, content in mail:
            assignment = self._live.get(self._refs.get(run_id))
            if assignment is None:
                continue  # of an attempt that was given up
            if kind == "started":
                self._begun.pop(run_id, None)
                self._start(assignment, emit, content)
            elif event := as_event(kind, content):
                emit(event)

    def _outcome(self, ref: Any) -> Event:
        """How a task ended."""
        assignment, exceptions = self._live[ref], self._ray.exceptions
        try:
            kind, content = self._ray.get(ref)
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


def _train(origin: Origin, run: RunSpec, execution: Execution, mailbox: Any) -> tuple[str, Any]:
    """The task: train a run on the machine that Ray chose.

    Returns:
        ended and its record, or raised and the error.
    """
    ray = import_ray()
    last: Any = None
    outcome: tuple[str, Any]

    def send(kind: str, content: Any) -> None:
        nonlocal last
        if kind == "started":
            content = ray.get_runtime_context().get_node_id()
        with contextlib.suppress(ray.exceptions.RayError):
            last = mailbox.put.remote(run.run_id, kind, content)

    try:
        outcome = "ended", train_here(origin, run, execution, send)
    except Exception as error:
        outcome = "raised", picklable(error)
    with contextlib.suppress(ray.exceptions.RayError):
        ray.get(last, timeout=10.0)  # so that what was told is read before the outcome
    return outcome


def _new_mailbox(cluster: RayCluster) -> Any:
    """An actor to which tasks send what they have to tell until the study asks for it.

    Its class is made here, so that Ray sends its code: it needs nothing of this package, and its
    process is small.
    """
    ray = cluster.ray

    class Mailbox:
        def __init__(self) -> None:
            self.mail: list[tuple[str, str, Any]] = []

        def put(self, run_id: str, kind: str, content: Any) -> None:
            self.mail.append((run_id, kind, content))

        def take(self) -> list[tuple[str, str, Any]]:
            mail, self.mail = self.mail, []
            return mail

    # On the machine of this command, if that is one of the cluster: with another it could be lost.
    here = cluster.pinned(ray.get_runtime_context().get_node_id(), soft=True)
    cls = ray.remote(num_cpus=0, max_restarts=-1, scheduling_strategy=here)(Mailbox)
    return cls.remote()


def _first_sentence(error: Exception) -> str:
    return one_line(error).partition(". ")[0][:200]
