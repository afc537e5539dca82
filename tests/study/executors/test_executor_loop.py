"""The loop that every executor runs under, here with executors that train nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from sixteenth import Listener, RunSpec, Study
from sixteenth.data import ImageDataset
from sixteenth.engine.execution import Execution
from sixteenth.engine.records import new_record
from sixteenth.engine.train import Progress
from sixteenth.errors import RunError
from sixteenth.storage.run_folder import RunFolder
from sixteenth.storage.run_record import RunRecord
from sixteenth.study.executors import run_all
from sixteenth.study.executors.base import (
    Ended,
    Event,
    Failed,
    Lost,
    Noticed,
    Progressed,
    RunQueue,
    Started,
)
from sixteenth.study.planning.schedule import Assignment, Schedule
from tiny_study import TrainedStudy

Step = Callable[[Assignment], Event]


@dataclass
class Simulated:
    """An executor whose runs do what a script says; the runs being trained take turns.

    Attributes:
        scripts: by seed, the events of each attempt.
    """

    scripts: dict[int, list[list[Step]]]
    attempts: int = 1
    workers: int = 2
    closed: int = 0
    submitted: list[int] = field(default_factory=list)
    live: list[Iterator[Event]] = field(default_factory=list)

    def may_begin(self, assignment: Assignment, running: Collection[Assignment]) -> bool:
        return len(running) < self.workers

    def submit(self, assignment: Assignment) -> None:
        self.submitted.append(assignment.run.seed)
        script = self.scripts[assignment.run.seed].pop(0)
        self.live.append(iter([step(assignment) for step in script]))

    def wait(self, emit: Callable[[Event], None], timeout: float) -> None:
        script = self.live.pop(0)
        event = next(script)
        if not isinstance(event, Ended | Failed | Lost):
            self.live.append(script)
        emit(event)

    def close(self) -> None:
        self.closed += 1


class Recording(Listener):
    """Remembers what it was told, in order."""

    def __init__(self) -> None:
        self.events: list[tuple[Any, ...]] = []

    def noticed(self, what: str) -> None:
        self.events.append(("noticed", what))

    def run_started(self, run: RunSpec) -> None:
        self.events.append(("started", run.seed))

    def run_progressed(self, progress: Progress) -> None:
        self.events.append(("progressed", progress.run_id, progress.step))

    def run_ended(self, run: RunSpec, record: Any, *, skipped: bool) -> None:
        assert not skipped
        self.events.append(("ended", run.seed, record))


def schedule(count: int) -> Schedule:
    """`count` runs with the seeds 0, 1, ..."""
    runs = [
        RunSpec(model="m", init="random", fraction="1", seed=seed, data="digits", image_size=8)
        for seed in range(count)
    ]
    execution = Execution("cpu", "float32", "channels-last", 1)
    return Schedule(tuple(Assignment(run, execution) for run in runs), workers=2, slots=2)


def step(number: int) -> Step:
    return lambda a: Progressed(Progress(a.run.run_id, 1, 1, number, 2, 1.0))


def ended(record: object) -> Step:
    return lambda a: Ended(a, record)  # type: ignore[arg-type]


def lost(a: Assignment) -> Event:
    return Lost(a, RunError("its machine has gone"))


def record_of(folder: Path, assignment: Assignment) -> Any:
    return RunFolder(folder / "runs" / assignment.run.run_id).read_record()


def test_the_listener_is_told_of_all_events_in_order(tmp_path: Path, digits: ImageDataset) -> None:
    plan = schedule(4)
    ids = [each.run.run_id for each in plan.assignments]

    def failed(a: Assignment) -> Event:
        error = ValueError("no such layer")
        record = new_record(a.run, digits, a.execution, None)
        RunFolder(tmp_path / "runs" / a.run.run_id).write_record(record.as_failed(error))
        return Failed(a, error)

    executor = Simulated(
        attempts=2,
        scripts={
            0: [[Started, step(1), lost], [Started, step(2), ended("record of 0")]],
            1: [[Started, lambda _: Noticed("a damaged checkpoint"), step(1), failed]],
            2: [[Started, lost], [Started, lost]],
            3: [[Started, ended("record of 3")]],
        },
    )
    told = Recording()
    after: list[int] = []
    run_all(
        plan,
        executor,
        digits,
        tmp_path,
        listener=told,
        after_run=lambda _: after.append(len(told.events)),
    )
    failure = record_of(tmp_path, plan.assignments[1])
    given_up = record_of(tmp_path, plan.assignments[2])
    assert told.events == [
        ("started", 0),
        ("started", 1),
        ("progressed", ids[0], 1),
        ("noticed", "a damaged checkpoint"),
        ("noticed", f"{ids[0]} begins again: its machine has gone"),
        ("progressed", ids[1], 1),
        ("started", 0),
        ("ended", 1, failure),
        ("progressed", ids[0], 2),
        ("started", 2),
        ("ended", 0, "record of 0"),
        ("noticed", f"{ids[2]} begins again: its machine has gone"),
        ("started", 3),
        ("started", 2),
        ("ended", 3, "record of 3"),
        ("ended", 2, given_up),
    ]
    assert executor.submitted == [0, 1, 0, 2, 3, 2]
    assert after == [i for i, event in enumerate(told.events, 1) if event[0] == "ended"]
    assert executor.closed == 1
    assert (failure.status, given_up.status) == ("failed", "failed")
    assert str(failure.error) == "ValueError: no such layer"
    assert str(given_up.error) == "RunError: its machine has gone"


def test_a_run_that_would_die_again_is_not_begun_again(
    tmp_path: Path, digits: ImageDataset
) -> None:
    def out_of_memory(a: Assignment) -> Event:
        return Lost(a, RunError("out of memory"), again=False)

    executor = Simulated({0: [[Started, out_of_memory]]}, attempts=3)
    plan, told = schedule(1), Recording()
    run_all(plan, executor, digits, tmp_path, listener=told, after_run=lambda _: None)
    assert executor.submitted == [0]
    assert str(record_of(tmp_path, plan.assignments[0]).error) == "RunError: out of memory"


def test_a_run_whose_worker_died_after_it_had_finished_is_finished(
    trained: TrainedStudy, digits: ImageDataset
) -> None:
    run = Study.open(trained.folder).runs()[0]
    assignment = replace(schedule(1).assignments[0], run=run)
    plan = Schedule((assignment,), workers=1, slots=1)
    before = record_of(trained.folder, assignment)
    told = Recording()
    executor = Simulated({run.seed: [[Started, lost]]})
    run_all(plan, executor, digits, trained.folder, listener=told, after_run=lambda _: None)
    assert told.events == [("started", run.seed), ("ended", run.seed, before)]
    assert record_of(trained.folder, assignment) == before


def test_an_error_that_is_not_a_runs_own_ends_the_study_and_closes_the_executor(
    tmp_path: Path, digits: ImageDataset
) -> None:
    full = OSError("No space left on device")
    executor = Simulated({0: [[Started, lambda a: Failed(a, full)]], 1: [[Started]]})
    with pytest.raises(OSError, match="No space"):
        run_all(
            schedule(3), executor, digits, tmp_path, listener=Listener(), after_run=lambda _: None
        )
    assert executor.closed == 1
    assert executor.submitted == [0, 1]


def test_ctrl_c_begins_no_further_run_and_closes_the_executor(
    tmp_path: Path, digits: ImageDataset
) -> None:
    class Interrupting(Listener):
        def run_progressed(self, progress: Progress) -> None:
            raise KeyboardInterrupt

    executor = Simulated({seed: [[Started, step(1)]] for seed in range(2)})
    with pytest.raises(KeyboardInterrupt):
        run_all(
            schedule(3),
            executor,
            digits,
            tmp_path,
            listener=Interrupting(),
            after_run=lambda _: None,
        )
    assert executor.closed == 1
    assert executor.submitted == [0, 1]


class UpAfter(RunQueue):
    """Time is up once that was asked `asked` times."""

    def __init__(self, plan: Schedule, asked: int) -> None:
        super().__init__(plan)
        self.left = asked

    def time_is_up(self) -> bool:
        self.left -= 1
        return self.left < 0


def test_a_run_that_had_not_begun_when_time_was_up_is_not_told_of(
    tmp_path: Path, digits: ImageDataset
) -> None:
    """Its record says failed, of an earlier command; the other one's says what this one left."""
    plan = schedule(2)
    old = new_record(plan.assignments[0].run, digits, plan.assignments[0].execution, None)
    place = RunFolder(tmp_path / "runs" / plan.assignments[0].run.run_id)
    place.write_record(old.as_failed(ValueError("no such layer")))

    def interrupted(a: Assignment) -> Event:
        record = new_record(a.run, digits, a.execution, None)
        RunFolder(tmp_path / "runs" / a.run.run_id).write_record(record.as_interrupted())
        return Started(a)

    executor = Simulated(scripts={0: [[step(1), step(2)]], 1: [[interrupted, step(1), step(2)]]})
    told = Recording()
    after: list[Any] = []
    run_all(
        plan,
        executor,
        digits,
        tmp_path,
        listener=told,
        after_run=after.append,
        queue=UpAfter(plan, asked=4),
    )
    assert executor.submitted == [0, 1]
    assert [event[:2] for event in told.events if event[0] == "ended"] == [("ended", 1)]
    assert [record.status for record in after] == ["interrupted"]


def test_a_run_that_goes_on_and_is_interrupted_again_is_told_of_once(
    tmp_path: Path, digits: ImageDataset
) -> None:
    """Its record is the same as before: with fixed epochs nothing new was measured."""
    plan = schedule(1)
    run, execution = plan.assignments[0].run, plan.assignments[0].execution
    place = RunFolder(tmp_path / "runs" / run.run_id)
    place.write_record(new_record(run, digits, execution, None).as_interrupted())

    def again(a: Assignment) -> Event:
        place.write_record(new_record(run, digits, execution, place.read_record()).as_interrupted())
        return Started(a)

    told = Recording()
    after: list[Any] = []
    executor = Simulated(scripts={0: [[again, step(1), step(2)]]})
    queue = UpAfter(plan, asked=3)
    run_all(plan, executor, digits, tmp_path, listener=told, after_run=after.append, queue=queue)
    assert [event[0] for event in told.events] == ["started", "progressed", "ended"]
    assert [record.status for record in after] == ["interrupted"]


def test_a_run_whose_next_part_does_not_begin_is_not_told_of_twice(
    tmp_path: Path, digits: ImageDataset
) -> None:
    plan = schedule(1)
    run, execution = plan.assignments[0].run, plan.assignments[0].execution
    place = RunFolder(tmp_path / "runs" / run.run_id)
    record = new_record(run, digits, execution, None).as_interrupted()

    class InParts(UpAfter):
        def ended(
            self, assignment: Assignment, *, finished: bool, record: RunRecord | None = None
        ) -> None:
            self.waiting.append(assignment)

    def part(a: Assignment) -> Event:
        place.write_record(record)
        return Started(a)

    told = Recording()
    executor = Simulated(
        scripts={0: [[part, ended(record)], [lambda _: Noticed("it waits for a machine")]]}
    )
    queue = InParts(plan, asked=3)
    run_all(plan, executor, digits, tmp_path, listener=told, after_run=lambda _: None, queue=queue)
    assert executor.submitted == [0, 0]
    assert [event[0] for event in told.events] == ["started", "ended", "noticed"]


def test_a_listener_that_fails_is_no_failure_of_the_run(tiny_folder: Path) -> None:
    class Broken(Listener):
        def run_progressed(self, progress: object) -> None:
            raise LookupError("mine")

    study = Study.load("tiny.yaml", ["fractions=[50 images]"])
    with pytest.raises(LookupError, match="mine"):
        study.run(device="cpu", workers=1, threads=1, listener=Broken())
    assert [record.status for record in study.records()] == ["interrupted"]
    study.run(device="cpu", workers=1, threads=1)
    assert {record.status for record in study.records()} == {"finished"}
