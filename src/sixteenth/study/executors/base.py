"""What every executor has in common: its events, its protocol, and the loop that runs a study.

An executor decides where runs are trained, and nothing else. A run needs only its RunSpec, its
execution and the dataset, and all that it leaves is its folder: its result is the same to the last
bit whichever executor trains it, in whatever order and beside whatever other runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ...data import ImageDataset
from ...engine.progress import Progress
from ...engine.records import new_record
from ...storage.lease import Lease
from ...storage.run_facts import Failure
from ...storage.run_folder import RunFolder
from ...storage.run_record import RunRecord
from ...storage.study_folder import StudyFolder
from ..listener import Listener
from ..planning.schedule import Assignment, Schedule

WAIT_SECONDS = 1.0
"""On Windows a wait without a time-out would not be interrupted by Ctrl-C."""


@dataclass(frozen=True)
class Started:
    """A run is being trained from now on."""

    assignment: Assignment


@dataclass(frozen=True)
class Progressed:
    """A run took a step, or ended an epoch."""

    progress: Progress


@dataclass(frozen=True)
class Noticed:
    """Something about a run that the user should know, such as a damaged checkpoint."""

    notice: str


@dataclass(frozen=True)
class Ended:
    """A run finished; its folder is complete, and `record` is what its run.json holds."""

    assignment: Assignment
    record: RunRecord


@dataclass(frozen=True)
class Failed:
    """Training a run raised `error`. Where that concerns this run alone, its run.json says so."""

    assignment: Assignment
    error: Exception


@dataclass(frozen=True)
class Lost:
    """The process or machine that trained a run died, of `error`; run.json may not say so.

    Not `again`: it would die again, as of a lack of memory, or the machine lacks the data.
    """

    assignment: Assignment
    error: Exception
    again: bool = True


Event = Started | Progressed | Noticed | Ended | Failed | Lost


class Executor(Protocol):
    """Trains runs into their folders. `run_all` is its only caller, and calls it from one thread.

    Attributes:
        attempts: how often a run is begun, at most, whose process or machine is lost; each attempt
            goes on from the run's last checkpoint.
    """

    attempts: int

    def may_begin(self, assignment: Assignment, running: Collection[Assignment]) -> bool:
        """Whether there is room for a run beside those that are `running`."""

    def submit(self, assignment: Assignment) -> None:
        """Train a run as soon as possible; does not wait for it."""

    def wait(self, emit: Callable[[Event], None], timeout: float) -> None:
        """Pass the next events to `emit`, and return if there is none within `timeout` seconds.

        Every submitted run leads to one Started, and in the end to one Ended, Failed or Lost. An
        executor that trains in this process does so in here, however long it takes.

        Raises:
            BaseException: whatever `emit` raised.
        """

    def close(self) -> None:
        """Interrupt what is still being trained, cancel what is queued, and free all resources.

        Interrupted runs keep their checkpoints. Returns when nothing writes into the folder.
        """


class RunQueue:
    """The runs that are still to begin, in the order of a schedule; none overtakes another."""

    def __init__(self, schedule: Schedule) -> None:
        self.waiting = list(schedule.assignments)

    def head(self, running: Collection[Assignment]) -> Assignment | None:
        """The next run to begin, beside those that are `running`; None when there is none."""
        return self.waiting[0] if self.waiting else None

    def begin(self, assignment: Assignment) -> None:
        """A run begins, and waits no longer."""
        self.waiting.remove(assignment)

    def put_back(self, assignment: Assignment) -> None:
        """A run was lost and is to begin again, before all others."""
        self.waiting.insert(0, assignment)

    def ended(
        self, assignment: Assignment, *, finished: bool, record: RunRecord | None = None
    ) -> None:
        """A run has finished, failed or stopped, and left a record."""

    def time_is_up(self) -> bool:
        """Whether nothing more begins, and what is being trained is to be interrupted."""
        return False


def run_all(
    schedule: Schedule,
    executor: Executor,
    dataset: ImageDataset,
    folder: Path,
    *,
    listener: Listener,
    after_run: Callable[[RunRecord], None],
    queue: RunQueue | None = None,
) -> None:
    """Train runs of a schedule into ``folder/runs/RUN_ID``, then close the executor.

    A run that fails, or that is lost in its last attempt, stops no other.

    Args:
        queue: decides which run begins next, and when time is up; by default all of the schedule
            are trained, in its order.
        listener: is told of every event.
        after_run: is called with the record of each run that finished or failed, or that was
            interrupted because time was up.

    Raises:
        KeyboardInterrupt: the runs being trained were interrupted, the others were not begun.
        Exception: an error that does not concern one run alone, such as a full disk; likewise.
    """
    waiting = queue or RunQueue(schedule)
    running: dict[str, Assignment] = {}
    begun: Counter[str] = Counter()
    earlier: dict[str, RunRecord | None] = {}
    started: set[str] = set()  # since they were submitted last

    def end(assignment: Assignment, record: RunRecord, *, finished: bool = False) -> None:
        del running[assignment.run.run_id]
        waiting.ended(assignment, finished=finished, record=record)
        listener.run_ended(assignment.run, record, skipped=False)
        after_run(record)

    def handle(event: Event) -> None:
        match event:
            case Started(assignment):
                started.add(assignment.run.run_id)
                listener.run_started(assignment.run)
            case Progressed(progress):
                listener.run_progressed(progress)
                if waiting.time_is_up():  # an executor of this process returns from `wait` too late
                    raise _TimeIsUp
            case Noticed(notice):
                listener.noticed(notice)
            case Ended(assignment, record):
                end(assignment, record, finished=True)
            case Failed(assignment, error):
                end(assignment, _record_of_failed(_folder_of(assignment, folder), error))
            case Lost(assignment, error, again=True) if (
                begun[assignment.run.run_id] < executor.attempts
            ):
                listener.noticed(f"{assignment.run.run_id} begins again: {error}")
                waiting.put_back(running.pop(assignment.run.run_id))
            case Lost(assignment, error):
                target = _folder_of(assignment, folder)
                end(assignment, _record_of_lost(assignment, dataset, target, error))

    try:
        while not waiting.time_is_up():
            while (assignment := waiting.head(running.values())) is not None and (
                executor.may_begin(assignment, running.values())
            ):
                waiting.begin(assignment)
                run_id = assignment.run.run_id
                running[run_id] = assignment
                begun[run_id] += 1
                earlier[run_id] = _folder_of(assignment, folder).read_record()
                started.discard(run_id)
                executor.submit(assignment)
            if not running:
                break
            executor.wait(handle, WAIT_SECONDS)
    except _TimeIsUp:
        pass
    finally:
        executor.close()
    for assignment in [*running.values()]:
        left = _folder_of(assignment, folder).read_record()
        run_id = assignment.run.run_id
        if left is None or (run_id not in started and left == earlier[run_id]):
            continue  # it had not begun
        if left.status == "running":  # its process had to be killed
            left = left.as_interrupted()
        end(assignment, left, finished=left.is_finished)


class _TimeIsUp(Exception):
    """What is being trained is to be interrupted."""


def _folder_of(assignment: Assignment, folder: Path) -> RunFolder:
    return StudyFolder(folder).run(assignment.run.run_id)


def _record_of_failed(target: RunFolder, error: Exception) -> RunRecord:
    """The record that a failed training wrote.

    Raises:
        Exception: `error`, where it does not concern this run alone: the training did not record
            it as the run's failure, or could not.
    """
    found = target.read_record()
    failure = found.error if found is not None and found.status == "failed" else None
    if found is None or failure is None or failure.message != Failure.of(error).message:
        raise error
    return found


def _record_of_lost(
    assignment: Assignment, dataset: ImageDataset, target: RunFolder, error: Exception
) -> RunRecord:
    """The record of a run whose process died, maybe before it had written anything.

    A run that had finished just before stays finished.
    """
    found = target.read_record()
    if found is not None and found.is_finished:
        return found
    # It may live on where it cannot be reached: then it writes nothing more.
    with Lease.acquire(target.path, by_force=True) as lease:
        found = target.read_record()
        if found is None:
            found = new_record(assignment.run, dataset, assignment.execution, None)
        if not found.is_finished:
            found = found.as_failed(error)
            target.leased(lease).write_record(found)
        return found
