"""Decides how each run of a study is computed, and how many at the same time.

A run's result depends on its device, precision, layout and threads (`Execution`). So they are
decided once, when the study begins, and kept in STUDY/execution.json and in each run's record: a
study goes on as it was begun, even where it would be begun otherwise today. How many runs are
trained at the same time, and in which order, changes no result and may differ from one start to the
next.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from ...data import ImageDataset
from ...engine.checkpoint import begun_execution
from ...engine.execution import Execution
from ...errors import MismatchError
from ...spec import RunSpec
from ...spec.work import Work
from ...storage.study_folder import StudySnapshot
from ..listener import Listener
from .calibration import Speed, best_format, speeds_of
from .cost import Cost
from .estimates import Estimates
from .executions import ExecutionRequest, read_executions
from .known import KnownSpeeds
from .machine import GPU_SHARES, Machine, room
from .measured import MeasuredSpeeds
from .schedule import Assignment, Placement, Schedule, choose_placements, order_runs


def make_schedule(
    snapshot: StudySnapshot,
    dataset: ImageDataset,
    costs: Mapping[str, Cost],
    request: ExecutionRequest,
    *,
    machine: Machine,
    listener: Listener,
    known: KnownSpeeds | None = None,
    timed: bool = False,
) -> Schedule:
    """The schedule of all runs that are not finished; measures the models if that pays.

    Args:
        snapshot: the runs of the study, and what they left so far.
        dataset: its images.
        costs: of the models, as `preflight.check_models` gives them.
        request: what the user asks for.
        machine: where the runs will be computed.
        listener: is told what is being measured.
        known: speeds of this machine, of runs of this study or of one that it belongs to. What is
            measured is added.
        timed: measure each model, even where nothing depends on it but the expected seconds.

    Raises:
        MismatchError: a run was begun otherwise than is asked for now.
        InputError: the machine has no such device, or execution.json cannot be read.
    """
    planner = _Planner(
        snapshot,
        dataset,
        costs,
        request,
        machine,
        listener,
        KnownSpeeds() if known is None else known,
    )
    return planner.schedule(timed=timed)


@dataclass
class _Planner:
    snapshot: StudySnapshot
    dataset: ImageDataset
    costs: Mapping[str, Cost]
    request: ExecutionRequest
    machine: Machine
    listener: Listener
    known: KnownSpeeds

    def __post_init__(self) -> None:
        # On a machine with GPUs the cores are counted once, however many GPUs share them.
        machines = self.machine.count("cpu")
        self._threads = self.request.threads_per_run(self.machine.cores, machines)
        self._measured = MeasuredSpeeds()
        self._estimates = Estimates(
            self.snapshot, self.dataset, self.costs, self.known, self._measured
        )
        self._todo = self.snapshot.unfinished()

    def schedule(self, *, timed: bool) -> Schedule:
        known = self._decided_before()
        known |= self._decided_alike([run for run in self._todo if run.run_id not in known])
        known |= self._decide([run for run in self._todo if run.run_id not in known], known)
        if timed:
            self._time(known)
        assigned = [self._estimates.assignment(run, known[run.run_id]) for run in self._todo]
        self._estimates.keep(assigned)
        threads = [each.execution.threads for each in assigned] or [1]
        workers = self.request.workers or self._choose_workers(assigned)
        slots = max(max(threads), workers * min(threads))
        order = order_runs(assigned, slots) if workers > 1 else assigned
        devices = {each.execution.device for each in assigned}
        machines = min((self.machine.count(device) for device in devices), default=1)
        paces = self._paces(assigned, machines, max(1, workers // machines))
        return Schedule(tuple(order), workers, slots, machines, paces)

    def _decided_before(self) -> dict[str, Execution]:
        """What was decided before and still holds, by run_id.

        A run with a checkpoint goes on as it was begun. For the others, what is asked for now goes
        before what was decided earlier.
        """
        kept = read_executions(self.snapshot.folder.path)
        known = {}
        for run in self.snapshot.runs:
            folder = self.snapshot.folder.run(run.run_id)
            begun = begun_execution(folder, self.snapshot.records.get(run.run_id))
            execution = begun or kept.get(run.run_id)
            if execution is None:
                continue
            wanted = self.request.apply(execution)
            if begun is not None and wanted != begun:
                raise MismatchError(
                    f"{run.run_id} was begun with another execution ({begun} there, {wanted} asked "
                    "for), which would change its result",
                    "go on without --device and --threads, or choose another folder with --out",
                )
            if wanted.device == execution.device:
                known[run.run_id] = wanted
                self._measured.put(run.network, speeds_of(execution))
        # Is it still there? A study of which nothing is left to train does not need it.
        for device in {execution.device for execution in known.values()} if self._todo else ():
            self.machine.default_execution(device, self.snapshot.runs[0].train)
        return known

    def _decided_alike(self, runs: Sequence[RunSpec]) -> dict[str, Execution]:
        """As others of their model and size were computed here, where there are such: then they
        can be compared to the last bit, and nothing has to be measured."""
        found = {}
        for run in runs:
            alike = self.known.alike(run)
            if alike is None or self.request.device not in (None, alike.execution.device):
                continue
            execution = alike.execution
            if alike.flops != self._estimates.flops(run):
                execution = replace(execution, measured=())  # at another image size
            elif execution.measured:
                self._measured.put(run.network, speeds_of(execution))
            found[run.run_id] = replace(
                execution,
                threads=self._threads or execution.threads,
                reason="as runs of this model and size were computed",
            )
        return found

    def _decide(
        self, new: Sequence[RunSpec], known: Mapping[str, Execution]
    ) -> dict[str, Execution]:
        """Decide for runs that nothing is known of; a network keeps the format of its others."""
        if not new:
            return {}
        decided_of = {
            run.network: known[run.run_id] for run in self.snapshot.runs if run.run_id in known
        }
        executions = {
            run.network: decided_of.get(run.network)
            or self.machine.default_execution(self.request.device, run.train)
            for run in _firsts(new).values()
        }
        heads = [run for run in new if run.finetune == "head"]
        if heads:
            # Measuring speeds of training would take as long as they do.
            reason = "not measured: the head alone is trained"
            decided = self._on_threads(
                heads, executions, self._threads or self.machine.cores, reason
            )
            others = [run for run in new if run.finetune != "head"]
            return decided | self._decide(others, {**known, **decided})
        if self._estimates.are_small(new):
            reason = "not measured: a small study"
            return self._on_threads(new, executions, self._threads or self.machine.cores, reason)
        placements = self._placements(new, next(iter(executions.values())).device)
        self._measure(new, executions, placements)
        for network, default in executions.items():
            speeds = self._measured.of(network)
            if network not in decided_of and speeds:
                precision, layout = best_format(speeds, default)
                measured = tuple(asdict(speed) for speed in speeds)
                executions[network] = replace(
                    default, precision=precision, layout=layout, measured=measured
                )
        if self._threads:
            return self._on_threads(new, executions, self._threads, "threads as asked for")
        placements = self._measured.that_fit(placements)
        seconds = {
            run.run_id: {
                placement: self._estimates.seconds(
                    run,
                    replace(executions[run.network], threads=placement.threads),
                    placement.processes,
                )
                for placement in placements
            }
            for run in new
        }
        device = next(iter(executions.values())).device
        chosen = choose_placements(seconds, self.machine.count(device))
        reason = "the study is done soonest, by the speeds that were measured"
        return {
            run.run_id: replace(
                executions[run.network], threads=chosen[run.run_id].threads, reason=reason
            )
            for run in new
        }

    def _on_threads(
        self,
        runs: Sequence[RunSpec],
        executions: Mapping[str, Execution],
        threads: int,
        reason: str,
    ) -> dict[str, Execution]:
        return {
            run.run_id: replace(executions[run.network], threads=threads, reason=reason)
            for run in runs
        }

    def _placements(self, runs: Sequence[RunSpec], device: str) -> list[Placement]:
        """Placements worth measuring for these runs, the simplest first."""
        machines = self.machine.count(device)
        cores = max(1, self.machine.cores * self.machine.count("cpu") // machines)
        most = min(-(-len(runs) // machines), self._room(device))
        if self.request.workers:
            return [Placement(self.request.workers, self._threads or 1)]
        if device.startswith("cuda"):
            wanted = set(GPU_SHARES)
        elif not device.startswith("cpu"):
            wanted = {1}
        elif self._threads:
            return [Placement(max(1, min(cores // self._threads, most)), self._threads)]
        else:
            wanted = {1, cores // 4, cores // 2, cores}
        counts = sorted({min(count, most) for count in wanted if count > 0})
        return [Placement(count, self._threads or max(1, cores // count)) for count in counts]

    def _measure(
        self,
        runs: Sequence[RunSpec],
        executions: Mapping[str, Execution],
        placements: Sequence[Placement],
    ) -> None:
        # The smallest first: what a process took for a larger one, it would seem to take again.
        firsts = [run for run in _firsts(runs).values() if run.model in self.costs]
        models = {
            run.network: (run, self.costs[run.model], executions[run.network])
            for run in sorted(firsts, key=self._estimates.flops)
        }

        def progress(done: int) -> None:
            self._tell(list(models), done)

        for network, speeds in self.machine.measure_speeds(models, placements, progress).items():
            self._measured.put(network, speeds)
        progress(len(models))
        if busy := self.machine.busy():
            self.listener.noticed(
                f"other processes used {busy:.0%} of this machine's cores while speeds were "
                "measured: the times may be too long, and what was measured is not kept for the "
                "next plan"
            )

    def _time(self, known: Mapping[str, Execution]) -> None:
        """Measure the models whose speed is not known yet, one process at a time."""
        models = {
            network: run
            for network, run in _firsts(self._todo).items()
            if run.model in self.costs
            and not self._measured.of(network)
            and self._estimates.known_rate(run, known[run.run_id]) is None
        }
        for done, (network, run) in enumerate(models.items()):
            self._tell(list(models), done)
            execution = known[run.run_id]
            rate = self.machine.images_per_second(run, execution, seconds=1.0)
            if rate:
                speed = Speed(execution.precision, execution.layout, 1, execution.threads, rate)
                self._measured.put(network, [speed])
        if models:
            self._tell(list(models), len(models))

    def _tell(self, models: Sequence[str], done: int) -> None:
        """What is being measured, of several models; it may take minutes on a busy machine."""
        now = f"{models[done]}, {self.dataset.image_size} px" if done < len(models) else ""
        self.listener.working(Work.TIMING, done, len(models), now)

    def _paces(
        self, assigned: Sequence[Assignment], machines: int, processes: int
    ) -> dict[str, list[float]]:
        """`Schedule.paces` of the models whose speed is known.

        Machines of the kind that was asked come first.

        Args:
            machines: of all kinds, or GPUs.
            processes: at once on each GPU.
        """
        models: dict[str, tuple[RunSpec, Cost, Execution]] = {}
        for run, execution in ((each.run, each.execution) for each in assigned):
            if run.model in self.costs and self._measured.of(run.network):
                models.setdefault(run.network, (run, self.costs[run.model], execution))
        if machines == 1 or not models:
            return {}
        threads = min(execution.threads for _, _, execution in models.values())
        others = [
            (count, MeasuredSpeeds(speeds))
            for count, speeds in self.machine.other_kinds(models, Placement(processes, threads))
        ]
        paces: dict[str, list[float]] = {}
        for network, (_, _, execution) in models.items() if others else ():
            here, slower = self._measured.rate(network, execution), list[float]()
            for count, measured in others:
                there = measured.rate(network, execution)
                slower += [here / there if here and there else 1.0] * count
            paces[network] = [1.0] * (machines - len(slower)) + slower
        return paces

    def _choose_workers(self, assigned: Sequence[Assignment]) -> int:
        """How many runs at the same time: on CPUs as many as have cores for their threads; on a GPU
        as many as were measured to be fastest together, one where that is not known.

        A small study is trained in one process a machine.
        """
        devices = {each.execution.device for each in assigned}
        machines = min((self.machine.count(device) for device in devices), default=1)
        if self._estimates.are_small(self._todo):
            return min(machines, max(1, len(assigned)))
        networks = {each.run.network for each in assigned}
        if all(device.startswith("cpu") for device in devices):
            fewest = min((each.execution.threads for each in assigned), default=1)
            # A job of Slurm gets as many cores as its run has threads, however many a node has.
            most = max(1, self.machine.cores // fewest)
        else:
            most = min(map(self._measured.fastest_share, networks), default=1)
        memory = max(map(self._measured.memory, networks), default=0)
        rooms = [self._room(device, memory) for device in devices]
        # GPUs of one machine share its memory.
        shared = self._room("cpu") * self.machine.count("cpu") if machines > 1 else len(assigned)
        return max(1, min(machines * min(most, *rooms), shared, len(assigned)))

    def _room(self, device: str, memory: int = 0) -> int:
        return room(self.machine, self.dataset, device, memory)


def _firsts(runs: Iterable[RunSpec]) -> dict[str, RunSpec]:
    """The first run of each network, by what is trained of which model."""
    firsts: dict[str, RunSpec] = {}
    for run in runs:
        firsts.setdefault(run.network, run)
    return firsts
