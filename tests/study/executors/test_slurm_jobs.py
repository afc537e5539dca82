"""Jobs of Slurm: submitted once, found again, queued again, and what they tell."""

from __future__ import annotations

import json
import pickle
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from clusters import ON_CPU, Queue, spec

from sixteenth import InputError, Listener
from sixteenth.data import ImageDataset
from sixteenth.engine.records import new_record
from sixteenth.engine.train import Progress
from sixteenth.errors import RunError
from sixteenth.storage.run_record import RunRecord
from sixteenth.storage.study_folder import StudyFolder
from sixteenth.study.executors import run_all, slurm_jobs, slurm_task
from sixteenth.study.executors.base import Ended, Event, Lost, Noticed, Progressed, Started
from sixteenth.study.executors.node import Origin
from sixteenth.study.planning.schedule import Assignment, Schedule


def jobs(origin: Origin, *seeds: int) -> tuple[slurm_jobs.SlurmJobs, list[Assignment]]:
    """An executor that was given a run of each seed."""
    runs = [Assignment(spec(seed), ON_CPU) for seed in seeds]
    schedule = Schedule(tuple(runs), workers=1000, slots=1000)
    executor = slurm_jobs.SlurmJobs(schedule, origin, {"partition": "gpu", "time": 60})
    for each in runs:
        executor.submit(each)
    return executor, runs


def test_runs_are_submitted_as_one_array_and_a_command_called_again_submits_none_twice(
    origin: Origin, queue: Queue
) -> None:
    events = list[Event]()
    first, runs = jobs(origin, 0, 1, 2)
    first.wait(events.append, 0.0)
    assert queue.arrays == [[each.run.run_id for each in runs]]
    assert queue.asked[0]["slurm_partition"] == "gpu"
    assert queue.asked[0]["slurm_time"] == 60
    assert queue.asked[0]["cpus_per_task"] == 2
    # The command is left here: without `close`, as if its terminal was. The first job has ended.
    queue.states["7_0"], queue.states["7_1"] = "COMPLETED", "RUNNING"
    again, runs = jobs(origin, 1, 2, 3)
    again.wait(events.append, 0.0)
    assert queue.arrays[1:] == [[runs[2].run.run_id]]
    assert events == []
    shutil.rmtree(again._folder)  # somebody clears what looks like leftovers
    again.wait(events.append, 0.0)
    assert events == []
    queue.ends("7_1", ("ended", "its record"))
    again.wait(events.append, 0.0)
    assert events == [Started(runs[0]), Ended(runs[0], "its record")]  # type: ignore[arg-type]
    again.close()
    assert Path("cancels").read_text().splitlines() == [
        "--quiet --state=PENDING 7_2 7_3",
        "--quiet --state=RUNNING --signal=INT 7_2 7_3",
        "--quiet 7_2 7_3",
    ]
    # While they end, a command that is called again does not take them for its own.
    queue.states["7_2"] = "COMPLETING"
    jobs(origin, 2)[0].wait(events.append, 0.0)
    assert queue.arrays[2:] == [[runs[1].run.run_id]]


def test_where_slurm_does_not_answer_nothing_is_submitted_twice_and_nothing_is_lost(
    origin: Origin, queue: Queue
) -> None:
    events = list[Event]()
    jobs(origin, 0)[0].wait(events.append, 0.0)
    queue.states["7_0"], queue.answers = "FAILED", False
    again, _ = jobs(origin, 0)
    for _ in range(3):
        again.wait(events.append, 0.0)
    assert events == []
    assert len(queue.arrays) == 1


@pytest.mark.parametrize(
    ("state", "again"),
    [("NODE_FAIL", True), ("PREEMPTED", True), ("OUT_OF_MEMORY", False), ("CANCELLED", False),
     ("UNKNOWN", False)],
)  # fmt: skip
def test_a_run_whose_machine_failed_begins_again_and_one_that_was_stopped_does_not(
    origin: Origin, queue: Queue, state: str, again: bool
) -> None:
    events = list[Event]()
    executor, _ = jobs(origin, 0)
    executor.wait(events.append, 0.0)
    queue.states["7_0"] = "COMPLETING"
    executor.wait(events.append, 0.0)
    queue.states["7_0"] = state
    if state == "UNKNOWN":
        del queue.states["7_0"]  # forgotten, and there is no database of accounts
    executor.wait(events.append, 0.0)
    assert events == []  # its result may come later than the end
    executor.wait(events.append, 0.0)
    started, lost = events
    assert isinstance(started, Started)
    assert isinstance(lost, Lost)
    assert lost.again is again
    assert f"its job 7_0 ended as {state}: what it said last (7_0_0_log.err in" in str(lost.error)
    assert json.loads(executor._ids_path.read_text())["jobs"] == {}


def test_jobs_that_slurm_refuses_end_the_command_only_where_none_is_queued(
    origin: Origin, queue: Queue
) -> None:
    events = list[Event]()
    queue.refuses = "sbatch: error: job submit limit"
    nothing, _ = jobs(origin, 0)
    with pytest.raises(InputError, match=r"takes no job: .* submit limit \(--workers N"):
        nothing.wait(events.append, 0.0)
    queue.refuses = ""
    executor, _ = jobs(origin, 1)
    executor.wait(events.append, 0.0)
    queue.refuses = "sbatch: error: job submit limit"
    executor.submit(Assignment(spec(2), ON_CPU))
    for _ in range(2):
        executor._not_before = 0.0
        executor.wait(events.append, 0.0)
    assert [type(event) for event in events] == [Noticed]
    queue.refuses, executor._not_before = "", 0.0
    executor.wait(events.append, 0.0)
    assert queue.arrays[1:] == [[spec(2).run_id]]


def test_a_machine_that_lacks_the_data_fails_its_run_and_no_other(
    origin: Origin, queue: Queue, digits: ImageDataset
) -> None:
    runs = tuple(Assignment(spec(seed), ON_CPU) for seed in (0, 1))
    schedule = Schedule(runs, workers=2, slots=2)
    executor = slurm_jobs.SlurmJobs(schedule, origin, {"time": 60})
    elsewhere = replace(origin, fingerprint="0" * 64)
    job = slurm_task.TrainJob(elsewhere, runs[0].run, ON_CPU, origin.folder / "an.event", 60)
    record = new_record(runs[1].run, digits, ON_CPU, None)
    for job_id, result in (("7_0", job()), ("7_1", ("ended", record))):
        (queue.folder / f"{job_id}_0_result.pkl").write_bytes(pickle.dumps(result))
    ended = list[RunRecord]()
    run_all(schedule, executor, digits, origin.folder, listener=Listener(), after_run=ended.append)
    failed = StudyFolder(origin.folder).run(runs[0].run.run_id).read_record()
    assert ended == [failed, record]
    assert failed is not None
    assert failed.status == "failed"
    assert "cannot read the data: the data digits on " in str(failed.error)


def test_what_a_job_tells_is_passed_on_once(origin: Origin, queue: Queue) -> None:
    events = list[Event]()
    executor, (run,) = jobs(origin, 0)
    executor.wait(events.append, 0.0)
    job = slurm_task.TrainJob(origin, run.run, ON_CPU, executor._event_path(run), 60)
    job.send("started", "a machine")
    executor.wait(events.append, 0.0)
    progress = Progress(run.run.run_id, 1, 2, 3, 4, 5.0)
    job.send("progress", asdict(progress))
    executor.wait(events.append, 0.0)
    executor.wait(events.append, 0.0)
    assert events == [Started(run), Progressed(progress)]


def test_a_job_that_reaches_its_time_limit_is_queued_again_unless_it_got_nowhere(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitit = pytest.importorskip("submitit", reason="pip install 'sixteenth[slurm]'")
    job = slurm_task.TrainJob(origin, spec(0), ON_CPU, origin.folder / "an.event", 3)
    monkeypatch.setattr(slurm_task, "train_here", lambda *_: "its record")
    assert job() == ("ended", "its record")
    assert job.checkpoint().function is job  # preempted soon after it began
    job.begun -= 60
    with pytest.raises(RunError, match=r"3 minutes was over before .* --slurm time=MINUTES"):
        job.checkpoint()
    job.checkpoint_path.parent.mkdir(parents=True)
    job.checkpoint_path.touch()
    delayed = job.checkpoint()
    assert isinstance(delayed, submitit.helpers.DelayedSubmission)
    assert delayed.function is job


def test_damaged_notes_of_jobs_are_named(origin: Origin, queue: Queue) -> None:
    executor, _ = jobs(origin, 0)
    executor._ids_path.parent.mkdir(parents=True)
    executor._ids_path.write_text("[1")
    with pytest.raises(InputError, match=r"\.json cannot be read .* cancel the jobs"):
        jobs(origin, 0)
