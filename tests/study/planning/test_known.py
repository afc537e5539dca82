"""What finished runs took tells what others like them will take; measuring is bounded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sixteenth import Listener, RunSpec
from sixteenth.data import load_dataset
from sixteenth.engine.execution import Execution
from sixteenth.engine.records import environment
from sixteenth.spec import TrainSpec, parse_spec
from sixteenth.spec.work import Work
from sixteenth.storage.run_facts import (
    DataChecks,
    DataFacts,
    Environment,
    ExecutionFacts,
    Metrics,
    ModelFacts,
)
from sixteenth.storage.run_record import RunRecord
from sixteenth.storage.study_folder import StudyFolder, StudySnapshot
from sixteenth.study.planning import calibration
from sixteenth.study.planning.calibration import Speed, calibrate
from sixteenth.study.planning.cost import Cost, plan_table, works_of
from sixteenth.study.planning.executions import ExecutionRequest
from sixteenth.study.planning.known import Basis, KnownSpeeds, finished_speeds
from sixteenth.study.planning.planner import make_schedule
from sixteenth.study.planning.schedule import Placement, Schedule

HOW = Execution("cpu", "float32", "channels-first", 3)
FLOPS = 10**12
DIGITS = load_dataset("digits", image_size=8)
RUNS = parse_spec(
    {"data": "digits", "models": ["a", "b"], "fractions": ["1/2"], "seeds": [0, 1],
     "train": {"epochs": 4}}
).runs()  # fmt: skip


class Machine:
    """Two cores; counts what is measured."""

    cores = 2

    def __init__(self) -> None:
        self.measured: list[str] = []

    def count(self, device: str) -> int:
        return 1

    def default_execution(self, device: str | None, recipe: TrainSpec) -> Execution:
        return replace(HOW, threads=2)

    def free_memory(self, device: str) -> float:
        return 1e12

    def busy(self) -> float:
        return 0.0

    def measure_speeds(
        self,
        models: Mapping[str, tuple[RunSpec, Cost, Execution]],
        placements: Sequence[Placement],
        progress: Callable[[int], None],
    ) -> dict[str, list[Speed]]:
        progress(0)
        self.measured += models
        return {
            name: [
                Speed(HOW.precision, HOW.layout, p.processes, p.threads, 50.0) for p in placements
            ]
            for name in models
        }

    def images_per_second(self, run: RunSpec, execution: Execution, seconds: float) -> float:
        self.measured.append(run.model)
        return 50.0


def finished(run: RunSpec, seconds: float, where: Environment) -> RunRecord:
    begun = RunRecord.begin(
        run,
        data=DataFacts(name="digits"),
        data_checks=DataChecks(),
        environment=where,
        execution=ExecutionFacts.from_dict(HOW.as_record()),
        before=None,
    )
    images = works_of([run], DIGITS)[run.run_id].images
    return begun.with_model(ModelFacts(train_flops_per_image=FLOPS)).as_finished(
        Metrics(epoch=4, chosen_by="last", steps=40, test_accuracy=0.9),
        train_flops=FLOPS * images,
        seconds=seconds,
        evaluation_seconds=0.1 * seconds,
        images_per_second=images / seconds,
        peak_memory_bytes=None,
    )


def snapshot_of(folder: Path, runs: Sequence[RunSpec], *records: RunRecord) -> StudySnapshot:
    read = StudySnapshot.read(StudyFolder(folder), runs)
    return replace(read, records={record.run_id: record for record in records})


def schedule(
    snapshot: StudySnapshot,
    known: KnownSpeeds,
    machine: Machine,
    *,
    flops: int = FLOPS,
    listener: Listener | None = None,
    **request: Any,
) -> Schedule:
    return make_schedule(
        snapshot,
        DIGITS,
        {"a": Cost(1000, flops), "b": Cost(1000, flops)},
        ExecutionRequest(**request),
        machine=machine,
        listener=listener or Listener(),
        known=known,
        timed=True,
    )


def half_done(folder: Path, where: Environment | None = None) -> StudySnapshot:
    """The first seed of both models is finished: 50 and 80 seconds."""
    there = where or environment()
    done = [finished(run, 50 if run.model == "a" else 80, there) for run in RUNS if run.seed == 0]
    return snapshot_of(folder, RUNS, *done)


def test_other_seeds_cost_what_the_first_one_took_and_nothing_is_measured(tmp_path: Path) -> None:
    snapshot, machine = half_done(tmp_path), Machine()
    found = schedule(snapshot, finished_speeds(snapshot, DIGITS), machine)
    assert machine.measured == []
    assert [(a.run.model, round(a.seconds, 6), a.basis) for a in found.assignments] == [
        ("a", 50, Basis.RUNS),
        ("b", 80, Basis.RUNS),
    ]
    assert {each.execution for each in found.assignments} == {HOW}, "computed as those were"


def test_more_steps_cost_their_share_and_another_image_size_by_its_operations(
    tmp_path: Path,
) -> None:
    known, machine = finished_speeds(half_done(tmp_path / "base"), DIGITS), Machine()
    longer = [run.model_copy(update={"train": TrainSpec(epochs=16)}) for run in RUNS[:1]]
    (steps,) = schedule(snapshot_of(tmp_path / "a", longer), known, machine).assignments
    efforts = [works_of([run], DIGITS)[run.run_id].effort for run in (RUNS[0], longer[0])]
    assert steps.basis == Basis.RUNS
    assert steps.seconds == pytest.approx(50 * efforts[1] / efforts[0])
    assert 3 < steps.seconds / 50 <= 4, "some of it is evaluation at the end"
    larger = schedule(snapshot_of(tmp_path / "b", RUNS[:1]), known, machine, flops=5 * FLOPS)
    assert larger.assignments[0].basis == Basis.OPERATIONS
    assert larger.assignments[0].seconds == pytest.approx(250)
    assert machine.measured == []


@pytest.mark.parametrize("change", [{"cpu": "another"}, {"cores": 999}])
def test_what_another_machine_took_is_not_taken_for_this_one(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    there = environment().model_copy(update=change)
    assert list(finished_speeds(half_done(tmp_path, there), DIGITS)) == []
    elsewhere = environment().model_copy(update={"gpu": "a GPU that is not here"})
    on_gpu = [
        record.model_copy(
            update={"execution": ExecutionFacts.from_dict({**HOW.as_record(), "device": "cuda"})}
        )
        for record in half_done(tmp_path, elsewhere).records.values()
    ]
    assert list(finished_speeds(snapshot_of(tmp_path, RUNS, *on_gpu), DIGITS)) == []


def test_what_was_measured_once_is_known_to_the_studies_beside(tmp_path: Path) -> None:
    known, machine = KnownSpeeds(), Machine()
    told: list[tuple[object, ...]] = []
    listener = Listener()
    listener.working = lambda *words: told.append(words)  # type: ignore[method-assign]
    first = schedule(snapshot_of(tmp_path / "a", RUNS), known, machine, listener=listener)
    assert {each.basis for each in first.assignments} == {Basis.MEASURED}
    assert sorted(machine.measured) == ["a", "b"]
    assert told[0] == (Work.TIMING, 0, 2, "a, 8 px")
    assert told[-1] == (Work.TIMING, 2, 2, "")
    beside = schedule(snapshot_of(tmp_path / "b", RUNS), known, machine, flops=3 * FLOPS)
    assert sorted(machine.measured) == ["a", "b"], "not again"
    by_id = {each.run.run_id: each for each in first.assignments}
    for each in beside.assignments:
        assert each.basis == Basis.OPERATIONS
        assert each.seconds == pytest.approx(3 * by_id[each.run.run_id].seconds)


def test_other_threads_than_those_of_the_finished_runs_are_measured(tmp_path: Path) -> None:
    snapshot, machine = half_done(tmp_path), Machine()
    found = schedule(snapshot, finished_speeds(snapshot, DIGITS), machine, threads=1)
    assert sorted(machine.measured) == ["a", "b"]
    assert {(a.execution.threads, a.basis) for a in found.assignments} == {(1, Basis.MEASURED)}


def test_the_last_stage_of_a_model_has_a_speed_of_its_own(tmp_path: Path) -> None:
    runs = parse_spec(
        {"data": "digits", "models": ["a"], "init": ["imagenet"], "fractions": ["1/2"],
         "finetune": ["all", "last-stage"], "train": {"epochs": 400}}
    ).runs()  # fmt: skip
    machine, cost = Machine(), Cost(1000, FLOPS, stage_parameters=100, stage_flops=FLOPS // 2)
    known = KnownSpeeds()

    def planned(snapshot: StudySnapshot) -> Schedule:
        return make_schedule(
            snapshot, DIGITS, {"a": cost}, ExecutionRequest(),
            machine=machine, listener=Listener(), known=known,
        )  # fmt: skip

    planned(snapshot_of(tmp_path, runs))
    assert machine.measured == ["a, last stage", "a"]  # what trains least first
    record = finished(runs[0], 100.0, environment())
    known = finished_speeds(snapshot_of(tmp_path, runs, record), DIGITS)
    (left,) = planned(snapshot_of(tmp_path, runs, record)).assignments
    assert left.run.finetune == "last-stage"
    begun = snapshot_of(tmp_path, runs)
    table = plan_table(begun, DIGITS, {"a": cost}, planned(begun))
    all_flops, stage_flops = table["train_flops"]
    assert all_flops == 2 * stage_flops
    assert table["checkpoint_bytes"].tolist() == [4 * 3 * 3 * 1000, 4 * 3 * (1000 + 2 * 100)]
    assert table["disk_bytes"].nunique() == 1
    assert table["init"].tolist() == ["imagenet", "imagenet, last stage"]


class SlowWorkers:
    """Processes whose every step takes eight seconds of a clock."""

    def __init__(self) -> None:
        self.now, self.rehearsals = 0.0, 0

    def start(self, count: int) -> None:
        pass

    def rehearse(
        self, run: RunSpec, execution: Execution, seconds: float, processes: int = 1
    ) -> list[tuple[float, int]]:
        self.now += 8.0
        self.rehearsals += 1
        return [(10.0, 1000)] * processes


def test_a_large_model_on_a_busy_machine_is_measured_for_so_long_only_and_then_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers = SlowWorkers()
    monkeypatch.setattr(calibration, "time", SimpleNamespace(monotonic=lambda: workers.now))
    monkeypatch.setattr(calibration.OtherWork, "share", lambda _: 0.0)
    placements = [Placement(1, 2), Placement(2, 1)]

    def measured() -> list[Speed]:
        return calibrate(
            RUNS[0], Cost(1000, FLOPS), HOW, placements, 1e12, tmp_path, lambda: workers
        )

    speeds = measured()
    assert speeds
    assert workers.now <= calibration.MOST_SECONDS + 16, "what was begun by then is ended"
    assert measured() == speeds
    assert workers.rehearsals * 8 == workers.now <= calibration.MOST_SECONDS + 16


def test_speeds_that_were_measured_in_a_layout_that_is_no_candidate_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers = SlowWorkers()
    monkeypatch.setattr(calibration.OtherWork, "share", lambda _: 0.0)
    found = [
        calibrate(
            RUNS[0],
            Cost(1000, FLOPS),
            replace(HOW, device="mps", layout=layout),
            [Placement(1, 1)],
            1e12,
            tmp_path,
            lambda: workers,
        )
        for layout in ("channels-last", "channels-first")  # the default before, and now
    ]
    layouts = [{speed.layout for speed in speeds} for speeds in found]
    assert layouts == [{"channels-last", "channels-first"}, {"channels-first"}]
