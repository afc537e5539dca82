"""Which run begins next within a budget: chosen anew whenever a run ends, by the time it took."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from ...spec import RunSpec
from ...storage.run_record import RunRecord
from ..planning.budget import choose_runs
from ..planning.schedule import Assignment, Schedule
from .base import RunQueue

START_SECONDS = 2.0
"""What a run may take beyond its training (loading, writing), before it counts as slower."""


class BudgetQueue(RunQueue):
    """The runs of a schedule that fit into the time that is left, the most telling first.

    Args:
        schedule: all runs that are left to train.
        order: see `planning.budget.stages`.
        deadline: when training should be done, in seconds of `clock`.
        latest: when a run that takes longer than expected is interrupted.
        chosen: is called, whenever that may have changed, with the runs that were begun and those
            that are to begin, as they were and will be.
    """

    def __init__(
        self,
        schedule: Schedule,
        order: Sequence[Sequence[RunSpec]],
        deadline: float,
        *,
        latest: float = math.inf,
        chosen: Callable[[list[Assignment]], None],
        clock: Callable[[], float],
    ) -> None:
        super().__init__(schedule)
        self._schedule, self._order = schedule, order
        self._deadline, self._latest = deadline, latest
        self._told, self._clock = chosen, clock
        self._begun: dict[str, Assignment] = {}
        self._began: dict[str, float] = {}
        self._rests: dict[str, Assignment] = {}
        self._expected = self._took = 0.0
        self._ended = 0
        self._next: list[Assignment] | None = None

    def head(self, running: Collection[Assignment]) -> Assignment | None:
        if self._next is None:
            self._next = self._choose(running)
        return self._next[0] if self._next else None

    def begin(self, assignment: Assignment) -> None:
        # It may be trained to a shorter length than the one that waits.
        waits = next(each for each in self.waiting if each.run == assignment.run)
        super().begin(waits)
        if assignment.until != "1":
            self._rests[assignment.run.run_id] = waits.rest(assignment.until)
        self._begun[assignment.run.run_id] = assignment
        self._began[assignment.run.run_id] = self._clock()
        self._next = None

    def put_back(self, assignment: Assignment) -> None:
        super().put_back(assignment)
        self._next = None

    def ended(
        self, assignment: Assignment, *, finished: bool, record: RunRecord | None = None
    ) -> None:
        if finished:
            self._ended += 1
            came_to = f"{record.metrics.epoch} epochs" if record and record.metrics else ""
            self._expected += dict(assignment.doublings).get(came_to, assignment.seconds)
            self._took += self._clock() - self._began[assignment.run.run_id]
            if assignment.until != "1" and not (record and record.is_finished):
                self.waiting.append(self._rests[assignment.run.run_id])
        self._next = None

    def time_is_up(self) -> bool:
        return self._clock() > self._latest

    @property
    def pace(self) -> float:
        """How many times their expected seconds runs have taken so far."""
        if not self._expected:
            return 1.0
        if self._took < self._expected:
            return self._took / self._expected
        return max(1.0, (self._took - START_SECONDS * self._ended) / self._expected)

    def _choose(self, running: Collection[Assignment]) -> list[Assignment]:
        now, pace = self._clock(), self.pace
        busy = [
            replace(
                each, seconds=max(0.0, pace * each.seconds - (now - self._began[each.run.run_id]))
            )
            for each in running
        ]
        paced = [each.paced(pace) for each in self.waiting]
        left = replace(self._schedule, assignments=tuple(paced))
        found = choose_runs(left, self._order, self._deadline - now, busy)
        asked = {each.run.run_id: each for each in self.waiting}
        following = [asked[each.run.run_id].stopping_at(each.until) for each in found]
        new = [each for each in following if each.run.run_id not in self._begun]
        self._told([*self._begun.values(), *new])
        return following
