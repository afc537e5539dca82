"""Trains each run as a task of Ray: on this machine, or on the machines of a cluster.

Ray places the tasks and finds out which machine is lost. The plan, the checkpoints and going on
from them are those of every executor. Ray is imported when a study is to be trained with it.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ...data import ImageDataset
from ...engine.execution import Execution, environment
from ...errors import InputError, RunError, one_line
from ...spec import RunSpec, TrainSpec
from ...storage.run_record import RunRecord
from ..planning.calibration import Speed
from ..planning.cost import Cost
from ..planning.machine import Machine
from ..planning.schedule import Assignment, Placement, Schedule
from ..preflight import VERSIONS
from .base import Ended, Event, Executor, Failed, Lost, Started
from .node import NodeMachine, Origin, as_event, train_here, what_is_missing
from .place import Place
from .worker import picklable

OLDEST = (2, 54)

STOP_SECONDS = 2.5
"""How long runs have to stop by themselves after Ctrl-C; the command ends after four seconds."""

ANSWER_SECONDS = 300.0
"""How long a machine may take to say whether it has all that the study needs: it may download."""

LONGEST_SOCKET = 107
"""Bytes of a path that a Unix socket can have."""

_SOCKET = "ray/session_2026-01-01_00-00-00_000000_0000000/sockets/plasma_store"


def import_ray() -> Any:
    """The module ray.

    Raises:
        InputError: it is not installed, or too old.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Else ray would build an environment on each machine when the command was started by uv.
    os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
    way_out = "pip install 'sixteenth[ray]'"
    try:
        import ray
    except ImportError as error:
        raise InputError(f"--executor ray needs the package ray ({error}): {way_out}") from None
    found = tuple(int(part) for part in re.findall(r"\d+", ray.__version__)[:2])
    if found < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise InputError(f"ray {ray.__version__} is too old, {wanted} is needed: {way_out}")
    return ray


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


class RayCluster:
    """The machines of a Ray cluster; connected to at the first use.

    Args:
        address: ``ray://HOST:PORT``, or None for the cluster that RAY_ADDRESS names or that runs on
            this machine; where there is none, or RAY_ADDRESS is local, Ray is started here.
    """

    def __init__(self, address: str | None = None) -> None:
        self._address = address

    def close(self) -> None:
        """Disconnect, and end what was started here."""
        if "ray" in vars(self) and self._mine:
            self.ray.shutdown()

    @functools.cached_property
    def ray(self) -> Any:
        """The module, connected.

        Raises:
            InputError: Ray is not installed, or no cluster answers.
        """
        ray = import_ray()
        self._mine = not ray.is_initialized()
        if self._mine:
            with _own_signals():
                self._connect(ray)
        return ray

    def _connect(self, ray: Any) -> None:
        options = {"log_to_driver": False, "logging_level": "ERROR"}
        address = self._address or os.environ.get("RAY_ADDRESS")
        if address != "local":
            try:
                ray.init(address=address or "auto", **options)
                return
            except ConnectionError as error:
                if address:
                    raise InputError(
                        f"no Ray cluster answers at {address}: {one_line(error)[:200]}"
                    ) from None
        place = os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()
        if len(os.fsencode(os.path.join(place, _SOCKET))) > LONGEST_SOCKET:
            raise InputError(
                f"Ray cannot be started: the path {place} is too long for its sockets: "
                "set RAY_TMPDIR to a shorter one, such as /tmp"
            )
        ray.init(address="local", num_cpus=_cores(), include_dashboard=False, **options)

    def nodes(self) -> list[dict[str, Any]]:
        """The machines that can train, those with most processors and GPUs first."""
        alive = [
            node
            for node in self.ray.nodes()
            if node["Alive"] and node["Resources"].get("CPU", 0) >= 1
        ]
        if not alive:
            raise InputError("the Ray cluster has no machine with a processor to train on")
        return sorted(
            alive,
            key=lambda node: (-node["Resources"].get("GPU", 0), -node["Resources"]["CPU"]),
        )

    def is_this_machine(self) -> bool:
        """Whether all is trained on one machine, this one."""
        nodes = self.nodes()
        return len(nodes) == 1 and nodes[0]["NodeManagerHostname"] == socket.gethostname()

    def check(self, origin: Origin, runs: Sequence[RunSpec]) -> None:
        """Check that each machine has what the runs need.

        Raises:
            InputError: what is missing on which machine.
        """
        if self.is_this_machine():
            return
        ray, here = self.ray, environment().to_dict()
        versions = {package: here[package] for package in VERSIONS}
        task = ray.remote(num_cpus=0, max_calls=1, max_retries=0)(what_is_missing)
        asked = {}
        for node in self.nodes():
            answer = task.options(scheduling_strategy=self.pinned(node["NodeID"])).remote(
                origin, list(runs), versions
            )
            asked[answer] = f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"
        deadline, missing = time.monotonic() + ANSWER_SECONDS, []
        for answer, name in asked.items():
            try:
                found = ray.get(answer, timeout=max(0.0, deadline - time.monotonic()))
            except ray.exceptions.GetTimeoutError:
                found = [f"did not answer within {ANSWER_SECONDS:.0f} seconds"]
            except ray.exceptions.RayError as error:
                found = [f"cannot train ({_last_line(error)})"]
            missing += [f"{name} {each}" for each in found]
        if missing:
            raise InputError(f"not every machine can train this study: {'; '.join(missing)}")

    def pinned(self, node_id: str, *, soft: bool = False) -> Any:
        """Ray's way to say on which machine something runs."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        return NodeAffinitySchedulingStrategy(node_id, soft=soft)


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
                raise InputError(f"a machine of the cluster failed: {_last_line(error)}") from None
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
            return Failed(assignment, RunError(_last_line(error)))
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


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    """Keep this command's handling of SIGTERM, for which Ray has its own."""
    mine = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if mine:
            signal.signal(signal.SIGTERM, before)


def _cores() -> int:
    """Processors that this process may use; Ray would count all of the machine."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _first_sentence(error: Exception) -> str:
    return one_line(error).partition(". ")[0][:200]


def _last_line(error: Exception) -> str:
    """The line of Ray's long messages that says what happened."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:300]
