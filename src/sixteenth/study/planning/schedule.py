"""Which runs go side by side, on how many threads each, and in which order.

Plain arithmetic on the seconds that each run would take: no torch, no files, nothing is measured
here. Small runs come first, so that the first answers come early, as far as that does not leave
cores idle at the end, where the largest run would then be alone.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...spec import RunSpec

if TYPE_CHECKING:
    from ...engine.execution import Execution

NEAR = 1.05
"""A schedule is simpler, or answers earlier, at no more than so many times the shortest time."""


@dataclass(frozen=True, order=True)
class Placement:
    """So many processes at once, of so many threads each."""

    processes: int
    threads: int


Seconds = Mapping[Placement, float]
"""What a run takes under each placement, all processes busy."""


@dataclass(frozen=True)
class Assignment:
    """One run, how it is computed, and the seconds that it is expected to take."""

    run: RunSpec
    execution: Execution
    seconds: float = 0.0


@dataclass(frozen=True)
class Schedule:
    """The runs of a study in the order in which they begin.

    Attributes:
        assignments: what is still to be trained, and how.
        workers: runs that go side by side at most.
        slots: threads that compute at one time: a run begins when as many are free as it takes.
    """

    assignments: tuple[Assignment, ...]
    workers: int
    slots: int

    def may_begin(self, assignment: Assignment, live: Iterable[Assignment]) -> bool:
        """Whether a run may begin beside those that are `live`."""
        taken = [each.execution.threads for each in live]
        room = len(taken) < self.workers and sum(taken) + assignment.execution.threads <= self.slots
        return room or not taken

    def ends(self) -> list[float]:
        """When each run is expected to be done, in seconds from the beginning."""
        clock = 0.0
        live: list[tuple[float, int]] = []
        ends: list[float] = []
        for place, assignment in enumerate(self.assignments):
            while not self.may_begin(assignment, (self.assignments[i] for _, i in live)):
                clock, _ = heapq.heappop(live)
            ends.append(clock + assignment.seconds)
            heapq.heappush(live, (ends[-1], place))
        return ends


def place(runs: Mapping[str, Seconds]) -> dict[str, Placement]:
    """Choose the placement of each run so that all are done soonest.

    Most runs share one placement. The largest may come after them, one after another with all
    threads, where else one of them would be alone at the end on a part of the cores. Of schedules
    that take nearly the same time the simplest is taken: one after another, then all side by side.

    Args:
        runs: the seconds of each run, by its name; all of them know the same placements.
    """
    placements = sorted({placement for seconds in runs.values() for placement in seconds})
    alone = placements[0]
    largest = sorted(runs, key=lambda name: (-runs[name][alone], name))
    choices: list[tuple[float, dict[str, Placement]]] = []
    for count in (len(runs), *range(len(runs))):
        last, together = largest[:count], largest[count:]
        for placement in placements[1:] if together else placements[:1]:
            total = _finish(
                sorted((runs[name][placement] for name in together), reverse=True),
                placement.processes,
            ) + sum(runs[name][alone] for name in last)
            chosen = dict.fromkeys(together, placement) | dict.fromkeys(last, alone)
            choices.append((total, chosen))
    best = min((total for total, _ in choices), default=0.0)
    return next((chosen for total, chosen in choices if total <= best * NEAR), {})


def put_in_order(assignments: Sequence[Assignment], slots: int) -> list[Assignment]:
    """Order runs whose threads are decided, those of fewer threads first.

    Among runs of as many threads as many small ones come first as cost next to nothing, then the
    rest from the largest on (Graham 1969: at most a third longer than the shortest order). Runs
    that go one after another keep their order.
    """
    order: list[Assignment] = []
    for threads in sorted({each.execution.threads for each in assignments}):
        group = [each for each in assignments if each.execution.threads == threads]
        lanes = max(1, slots // threads)
        if lanes > 1:
            rising = sorted(group, key=lambda each: each.seconds)
            orders = [rising[:k] + rising[k:][::-1] for k in range(len(rising), -1, -1)]
            times = [_finish([each.seconds for each in one], lanes) for one in orders]
            group = next(
                one for one, time in zip(orders, times, strict=True) if time <= min(times) * NEAR
            )
        order += group
    return order


def _finish(seconds: Sequence[float], lanes: int) -> float:
    """When the last is done if each in turn begins on the lane that is free first."""
    ends = [0.0] * max(1, lanes)
    for each in seconds:
        heapq.heapreplace(ends, ends[0] + each)
    return max(ends)
