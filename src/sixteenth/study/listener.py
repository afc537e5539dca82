"""What a study tells its caller while it works. A display overrides what it wants to show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..spec import RunSpec
from ..spec.work import Work

if TYPE_CHECKING:
    from ..engine.progress import Progress
    from ..storage.run_record import RunRecord


class Listener:
    """Is told of everything and does nothing: every method is a hook to override."""

    def working(self, what: Work, done: int, total: int, detail: str = "") -> None:
        """Something besides the runs is under way, such as a download or the decoding of images.

        Args:
            what: what it is; as text, what it is called in English.
            done, total: how much of it is done, in images, models or megabytes; a total of 0 is
                not known.
            detail: what is worked on, such as the name of a file; may be empty.
        """

    def understood(self, line: str) -> None:
        """What an input was taken for, in a line; told before `noticed`."""

    def noticed(self, what: str) -> None:
        """Something about the data that a person should know before training."""

    def runs_planned(self, runs: list[RunSpec]) -> None:
        """The study begins; these are all runs of it that are to be trained or were, in order.

        Within a budget this is told again whenever they change.
        """

    def parts_planned(self, parts: Mapping[str, tuple[float, float]]) -> None:
        """Told after `runs_planned`, of each run that is to be trained or is: the parts of all its
        steps that it begins and ends at. One that was stopped goes on from there; within a budget
        one may end before its last step."""

    def run_started(self, run: RunSpec) -> None:
        """A run is being trained from now on."""

    def run_progressed(self, progress: Progress) -> None:
        """A step was taken, or an epoch ended."""

    def run_ended(self, run: RunSpec, record: RunRecord, *, skipped: bool) -> None:
        """A run is finished or failed; `skipped` when it had been finished before."""


class Listeners(Listener):
    """Tells several listeners everything, in their order."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self._all = listeners

    def working(self, what: Work, done: int, total: int, detail: str = "") -> None:
        for each in self._all:
            each.working(what, done, total, detail)

    def understood(self, line: str) -> None:
        for each in self._all:
            each.understood(line)

    def noticed(self, what: str) -> None:
        for each in self._all:
            each.noticed(what)

    def runs_planned(self, runs: list[RunSpec]) -> None:
        for each in self._all:
            each.runs_planned(runs)

    def parts_planned(self, parts: Mapping[str, tuple[float, float]]) -> None:
        for each in self._all:
            each.parts_planned(parts)

    def run_started(self, run: RunSpec) -> None:
        for each in self._all:
            each.run_started(run)

    def run_progressed(self, progress: Progress) -> None:
        for each in self._all:
            each.run_progressed(progress)

    def run_ended(self, run: RunSpec, record: RunRecord, *, skipped: bool) -> None:
        for each in self._all:
            each.run_ended(run, record, skipped=skipped)
