"""Decides how each run of a study is computed, and how many go side by side.

A run's result depends on its device, precision, layout and threads (`Execution`). So they are
decided once, when the study begins, and kept in STUDY/execution.json and in each run's record: a
study goes on as it was begun, also where it would be begun otherwise today. How many runs go side
by side, and in which order, changes no result and may differ from one start to the next.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import psutil
import torch

from ...data import ImageDataset
from ...engine.execution import Execution, resolve_execution
from ...engine.rehearsal import Rehearsal
from ...engine.train import begun_execution
from ...errors import InputError, MismatchError
from ...spec import RunSpec
from ...storage.run_folder import RunFolder, write_text
from ..executors.local import Pool
from ..listener import Listener
from .calibration import Speed, best_numbers, calibrate
from .cost import Cost, work_of
from .schedule import Assignment, Placement, Schedule, place, put_in_order

SMALL_FLOPS = 1e13
"""A study of less than this (half a minute or so on two cores) is trained in this process: to
measure and to start others would take longer than they save."""

GUESSED_FLOPS = 5e10
"""A thread's FLOPs a second, where only an order of runs is needed and nothing was measured."""

RUN_BYTES = 1.5e9
"""Memory that a run may take where it was not measured: no more runs go side by side than there is
so much memory for."""

MEMORY_SHARE = 0.8
"""Of the memory that is free; the rest is for what runs take beyond their first steps."""

GPU_PROCESS_BYTES = 5e8
"""What each process takes of a GPU's memory for itself, beyond what torch counts."""

GPU_SHARES = (1, 2, 4)
"""How many small runs are tried on one GPU at once."""


@dataclass(frozen=True)
class Asked:
    """What the user asked for; None leaves it open."""

    device: str | None = None
    workers: int | None = None
    threads: int | None = None


def make_schedule(
    runs: Sequence[RunSpec],
    dataset: ImageDataset,
    folder: Path,
    costs: Mapping[str, Cost],
    asked: Asked,
    *,
    data_dir: Path,
    listener: Listener,
    timed: bool = False,
) -> Schedule:
    """Decide for every run that is not finished; measures the models if that pays.

    Args:
        runs: the runs of the study.
        folder: the study's.
        costs: of the models, as `preflight.check_models` gives them.
        asked: the user's wishes.
        data_dir: where measured speeds are kept.
        listener: hears what is being measured.
        timed: measure each model, also where nothing depends on it but the expected seconds.

    Raises:
        MismatchError: a run was begun otherwise than is asked for now.
        InputError: the device is not there, or execution.json cannot be read.
    """
    planner = _Planner(runs, dataset, folder, costs, asked, data_dir, listener)
    return planner.schedule(timed=timed)


def keep_executions(folder: Path, schedule: Schedule) -> None:
    """Write how the runs are computed, those of earlier schedules included."""
    kept = _kept_executions(folder)
    kept |= {each.run.run_id: each.execution for each in schedule.assignments}
    content = {"format": 1, "runs": {name: each.as_record() for name, each in kept.items()}}
    write_text(folder / "execution.json", json.dumps(content, indent=2) + "\n")


@dataclass
class _Planner:
    runs: Sequence[RunSpec]
    dataset: ImageDataset
    folder: Path
    costs: Mapping[str, Cost]
    asked: Asked
    data_dir: Path
    listener: Listener

    def __post_init__(self) -> None:
        self._cores = torch.get_num_threads()
        self._speeds: dict[str, list[Speed]] = {}
        self._todo = [run for run in self.runs if not self._is_finished(run)]
        self._work = {run.run_id: work_of(run, self.dataset) for run in self._todo}

    def schedule(self, *, timed: bool) -> Schedule:
        known = self._known()
        known |= self._decide([run for run in self._todo if run.run_id not in known], known)
        if timed:
            self._time(known)
        assigned = [
            Assignment(run, known[run.run_id], self._seconds(run, known[run.run_id]))
            for run in self._todo
        ]
        threads = [each.execution.threads for each in assigned] or [1]
        workers = self.asked.workers or (1 if self._is_small(self._todo) else self._lanes(assigned))
        slots = max(max(threads), workers * min(threads))
        order = put_in_order(assigned, slots) if workers > 1 else assigned
        return Schedule(tuple(order), workers, slots)

    def _known(self) -> dict[str, Execution]:
        """What was decided before and still holds, by run_id.

        A run with a checkpoint goes on as it was begun. For the others, what is asked for now goes
        before what was decided earlier.
        """
        kept = _kept_executions(self.folder)
        known = {}
        for run in self.runs:
            folder = RunFolder(self.folder / "runs" / run.run_id)
            begun = begun_execution(folder, folder.read_record())
            execution = begun or kept.get(run.run_id)
            if execution is None:
                continue
            wanted = self._as_asked(execution)
            if begun is not None and wanted != begun:
                raise MismatchError(
                    f"{run.run_id} was begun with another execution ({begun} there, {wanted} asked "
                    "for), which would change its result: go on without --device and --threads, "
                    "or choose another folder with --out"
                )
            if wanted.device == execution.device:
                known[run.run_id] = wanted
                self._speeds[run.model] = [Speed(**each) for each in execution.measured]
        for device in {execution.device for execution in known.values()}:
            resolve_execution(device, self.runs[0].train)  # is it still there?
        return known

    def _as_asked(self, execution: Execution) -> Execution:
        return replace(
            execution,
            device=self.asked.device or execution.device,
            threads=self.asked.threads or execution.threads,
        )

    def _decide(
        self, new: Sequence[RunSpec], known: Mapping[str, Execution]
    ) -> dict[str, Execution]:
        """Decide for runs that nothing is known of; a model keeps the numbers of its other runs."""
        if not new:
            return {}
        of_model = {run.model: known[run.run_id] for run in self.runs if run.run_id in known}
        numbers = {}
        for model in dict.fromkeys(run.model for run in new):
            first = next(run for run in new if run.model == model)
            numbers[model] = of_model.get(model) or resolve_execution(
                self.asked.device, first.train
            )
        if self._is_small(new):
            reason = "not measured: a small study"
            threads = self._asked_threads() or self._cores
            return {run.run_id: _on(numbers[run.model], threads, reason) for run in new}
        placements = self._placements(new, next(iter(numbers.values())))
        self._measure(new, numbers, placements)
        for model, default in numbers.items():
            speeds = self._speeds.get(model, [])
            if model not in of_model and speeds:
                precision, layout = best_numbers(speeds, default)
                measured = tuple(asdict(speed) for speed in speeds)
                numbers[model] = replace(
                    default, precision=precision, layout=layout, measured=measured
                )
        if asked := self._asked_threads():
            reason = "threads as asked for"
            return {run.run_id: _on(numbers[run.model], asked, reason) for run in new}
        for speeds in self._speeds.values():
            # What was not measured had no memory.
            had = {speed.placement for speed in speeds}
            placements = [each for each in placements if each in had] or placements
        seconds = {
            run.run_id: {
                placement: self._seconds(
                    run,
                    replace(numbers[run.model], threads=placement.threads),
                    placement.processes,
                )
                for placement in placements
            }
            for run in new
        }
        chosen = place(seconds)
        return {
            run.run_id: _on(
                numbers[run.model],
                chosen[run.run_id].threads,
                "the study is done soonest, by the speeds that were measured",
            )
            for run in new
        }

    def _placements(self, runs: Sequence[RunSpec], default: Execution) -> list[Placement]:
        """Worth a try for these runs, the simplest first."""
        device, threads = torch.device(default.device), self._asked_threads()
        most = min(len(runs), self._room(device))
        if self.asked.workers:
            return [Placement(self.asked.workers, threads or 1)]
        if device.type == "cuda":
            wanted = set(GPU_SHARES)
        elif device.type != "cpu":
            wanted = {1}
        elif threads:
            return [Placement(max(1, min(self._cores // threads, most)), threads)]
        else:
            wanted = {1, self._cores // 4, self._cores // 2, self._cores}
        counts = sorted({min(count, most) for count in wanted if count > 0})
        return [Placement(count, threads or max(1, self._cores // count)) for count in counts]

    def _measure(
        self,
        runs: Sequence[RunSpec],
        numbers: Mapping[str, Execution],
        placements: Sequence[Placement],
    ) -> None:
        with ExitStack() as stack:
            pools: list[Pool] = []

            def pool() -> Pool:
                if not pools:
                    pools.append(stack.enter_context(Pool(self.dataset)))
                return pools[0]

            # The smallest first: what a process took for a larger one, it would seem to take again.
            order = sorted(numbers, key=lambda model: self._flops(model))
            for done, model in enumerate(order):
                default = numbers[model]
                self.listener.working("timing the models", done, len(numbers))
                first = next(run for run in runs if run.model == model)
                if model not in self.costs:
                    continue
                # Whatever is wrong with the model: its runs will fail of it, and say so. But it may
                # be that as many at once had no room: then fewer.
                for count in range(len(placements), 0, -1):
                    with suppress(Exception):
                        few, cost = placements[:count], self.costs[model]
                        room = self._bytes_for_runs(torch.device(default.device))
                        self._speeds[model] = calibrate(
                            first, cost, default, few, room, self.data_dir, pool
                        )
                        break
            self.listener.working("timing the models", len(numbers), len(numbers))

    def _time(self, known: Mapping[str, Execution]) -> None:
        """Measure in this process what the models do whose speed is not known yet."""
        models = dict.fromkeys(run.model for run in self._todo)
        for done, model in enumerate(models):
            self.listener.working("timing the models", done, len(models))
            if not self._speeds.get(model) and model in self.costs:
                run = next(run for run in self._todo if run.model == model)
                execution = known[run.run_id]
                rate = Rehearsal(run, self.dataset, execution).images_per_second(execution, 1.0)
                self._speeds[model] = [
                    Speed(execution.precision, execution.layout, 1, execution.threads, rate)
                ]
        self.listener.working("timing the models", len(models), len(models))

    def _seconds(self, run: RunSpec, execution: Execution, processes: int = 0) -> float:
        """What a run is expected to take; a guess where nothing was measured."""
        images = self._work[run.run_id].effort
        rates = [
            speed.images_per_second / speed.processes
            for speed in self._speeds.get(run.model, ())
            if (speed.precision, speed.layout) == (execution.precision, execution.layout)
            and speed.threads == execution.threads
            and processes in (0, speed.processes)
        ]
        if rates:
            return images / max(rates)
        return images * self._flops(run.model) / (GUESSED_FLOPS * execution.threads)

    def _flops(self, model: str) -> int:
        """To train on one image; 0 of a model that cannot be built."""
        return self.costs[model].flops if model in self.costs else 0

    def _is_small(self, runs: Iterable[RunSpec]) -> bool:
        """Whether runs are done so soon that nothing is gained by measuring or more processes."""
        total = 0.0
        for run in runs:
            if run.model in self.costs:
                total += self._work[run.run_id].images * self.costs[run.model].flops
        return total < SMALL_FLOPS

    def _asked_threads(self) -> int | None:
        """Threads of a run that follow from what was asked for."""
        if self.asked.threads or self.asked.workers is None:
            return self.asked.threads
        return max(1, self._cores // self.asked.workers)

    def _lanes(self, assigned: Sequence[Assignment]) -> int:
        """How many runs go side by side: on CPUs as many as have cores for their threads; on a GPU
        as many as were measured to be fastest together, one where that is not known."""
        devices = {torch.device(each.execution.device) for each in assigned}
        if all(device.type == "cpu" for device in devices):
            most = self._cores // min((each.execution.threads for each in assigned), default=1)
        else:
            most = min((self._share(each) for each in assigned), default=1)
        memory = max((self._memory(each.run.model) for each in assigned), default=0)
        rooms = [self._room(device, memory) for device in devices]
        return max(1, min(most, len(assigned), *rooms))

    def _memory(self, model: str) -> int:
        """What one run of a model was seen to take; 0 where that is not known."""
        return max((speed.memory for speed in self._speeds.get(model, ())), default=0)

    def _share(self, assignment: Assignment) -> int:
        """How many processes at once trained a run's model fastest."""
        speeds = self._speeds.get(assignment.run.model, ())
        best = max(speeds, key=lambda speed: speed.images_per_second, default=None)
        return best.processes if best else 1

    def _room(self, device: torch.device, memory: int = 0) -> int:
        """How many runs there is memory for, the GPU's included, where each takes `memory`."""
        if device.type != "cuda":
            each = memory / MEMORY_SHARE if memory else RUN_BYTES
            return max(1, int(min(_free_memory() / each, 1024)))
        images = self.dataset.train.images.nbytes + self.dataset.test.images.nbytes
        each = (memory or images + RUN_BYTES) + GPU_PROCESS_BYTES
        free, _ = torch.cuda.mem_get_info(device)
        return max(1, int(min(free / each, _free_memory() / RUN_BYTES, 1024)))

    def _bytes_for_runs(self, device: torch.device) -> float:
        """Memory that all runs side by side may take, of a GPU without its processes' own part."""
        if device.type != "cuda":
            return MEMORY_SHARE * _free_memory()
        free, _ = torch.cuda.mem_get_info(device)
        return MEMORY_SHARE * free - max(GPU_SHARES) * GPU_PROCESS_BYTES

    def _is_finished(self, run: RunSpec) -> bool:
        record = RunFolder(self.folder / "runs" / run.run_id).read_record()
        return record is not None and record.is_finished


def _on(numbers: Execution, threads: int, reason: str) -> Execution:
    return replace(numbers, threads=threads, reason=reason)


def _kept_executions(folder: Path) -> dict[str, Execution]:
    """What execution.json holds, nothing where there is none.

    Raises:
        InputError: it cannot be read.
    """
    kept: dict[str, Execution] = {}
    path = folder / "execution.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        for name, record in content["runs"].items():
            kept[name] = Execution.from_record(record)
            for each in kept[name].measured:
                Speed(**each)  # raises where it is no speed
    except FileNotFoundError:
        pass
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(
            f"{path} cannot be read ({type(error).__name__}): delete it to choose anew how the "
            "runs that were not begun are computed"
        ) from None
    return kept


def _free_memory() -> float:
    """Memory in bytes that this machine has left."""
    return float(psutil.virtual_memory().available)
