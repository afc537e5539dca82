"""Trains one run after another in this process: no start-up time, no copy of anything.

After a failure that may have left the process unusable, the remaining runs are trained in a process
of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from ...data import ImageDataset
from ...engine.execution import Execution
from ...engine.train import train_run
from ...storage.study_folder import StudyFolder
from ..planning.schedule import Assignment, Schedule
from .base import Ended, Event, Failed, Noticed, Progressed, Started
from .local import LocalProcesses


class InProcess:
    """Trains in this process, inside `wait`."""

    attempts = 1

    def __init__(self, schedule: Schedule, dataset: ImageDataset, folder: Path) -> None:
        self._schedule, self._dataset, self._folder = schedule, dataset, folder
        self._submitted: list[Assignment] = []
        self._replacement: LocalProcesses | None = None

    def may_begin(self, assignment: Assignment, running: Collection[Assignment]) -> bool:
        return not running

    def submit(self, assignment: Assignment) -> None:
        if self._replacement is not None:
            self._replacement.submit(assignment)
        else:
            self._submitted.append(assignment)

    def wait(self, emit: Callable[[Event], None], timeout: float) -> None:
        if self._replacement is not None:
            return self._replacement.wait(emit, timeout)
        assignment = self._submitted.pop()
        emit(Started(assignment))
        outcome: Event
        raised: list[Exception] = []

        def tell(event: Event) -> None:
            try:
                emit(event)
            except Exception as error:
                # It is no failure of the run: like Ctrl-C it stops the run, which can go on later.
                raised.append(error)
                raise KeyboardInterrupt from error

        try:
            record = train_run(
                assignment.run,
                self._dataset,
                StudyFolder(self._folder).run(assignment.run.run_id),
                execution=assignment.execution,
                until=assignment.until,
                on_progress=lambda progress: tell(Progressed(progress)),
                on_notice=lambda notice: tell(Noticed(notice)),
            )
        except KeyboardInterrupt:
            if raised:
                raise raised[0] from None
            raise
        except Exception as error:
            outcome = Failed(assignment, error)
            if _unusable_after_failure(assignment.execution):
                self._replacement = LocalProcesses(self._schedule, self._dataset, self._folder)
        else:
            outcome = Ended(assignment, record)
        emit(outcome)
        return None

    def close(self) -> None:
        if self._replacement is not None:
            self._replacement.close()


def _unusable_after_failure(execution: Execution) -> bool:
    """Whether a failed run may leave the process unusable, as some errors of a GPU do."""
    return not execution.device.startswith("cpu")
