"""Which runs are trained at the same time, on how many threads each, and in which order.

Plain arithmetic on the seconds that each run would take: no torch, no files, nothing is measured
here. Small runs come first, so that the first results come early, unless that leaves cores idle at
the end, where the largest run would then be alone.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ...spec import RunSpec

if TYPE_CHECKING:
    from ...engine.execution import Execution
    from ..listener import Listener

LONGER = 1.05
"""A schedule that is simpler, or has its first results earlier, may take so many times the shortest
time."""
UNSURE, FEW = 0.2, 200
"""Standard deviation of the logarithm of what a run takes over what is expected; of fewer runs than
so many it is drawn several times."""


@dataclass(frozen=True, order=True)
class Placement:
    """A number of processes at once, and the threads of each."""

    processes: int
    threads: int


PlacementSeconds = Mapping[Placement, float]
"""How long a run takes under each placement, all processes busy."""


@dataclass(frozen=True)
class Assignment:
    """One run, how it is computed, the seconds that it is expected to take, and how that is known.

    Attributes:
        basis: a `known.Basis`.
        until: the length that it is trained to; then `seconds` are those until there.
        to_shorter: the seconds until the longest of the run's shorter lengths is measured, 0 where
            it is; None where a run has none.
        doublings: of `epochs: auto`, the lengths before the longest that are still to be measured,
            with the seconds until each is.
        doubled: how many lengths were measured before these.
        done, goal: the parts of all its steps that it has come to, and comes to.
    """

    run: RunSpec
    execution: Execution
    seconds: float = 0.0
    basis: str = ""
    until: str = "1"
    to_shorter: float | None = None
    doublings: tuple[tuple[str, float], ...] = ()
    doubled: int = 0
    done: float = 0.0
    goal: float = 1.0

    def shorter(self) -> Assignment:
        """The assignment of the run to the longest of its shorter lengths."""
        return self.stopping_at(self.run.lengths[-2])

    def stopping_at(self, length: str) -> Assignment:
        """The assignment of the run to a length: the shorter one that it has, one of its
        `doublings`, or its end, ``1``."""
        if length == "1":
            return self
        seconds = dict(self.doublings).get(length, self.to_shorter)
        assert seconds is not None
        share = seconds / self.seconds if self.seconds > 0 else 0.0
        shorter = None if self.to_shorter is None else 0.0
        goal = self.done + (1 - self.done) * share
        return replace(self, until=length, seconds=seconds, to_shorter=shorter, goal=goal)

    def rest(self, length: str) -> Assignment:
        """What is left of a run, once it was trained to a `length`, see `stopping_at`."""
        there = self.stopping_at(length)
        known = [name for name, _ in self.doublings]
        measured = known.index(length) + 1 if length in known else 0
        return replace(
            self,
            seconds=self.seconds - there.seconds,
            to_shorter=there.to_shorter,
            doublings=tuple((each, s - there.seconds) for each, s in self.doublings[measured:]),
            doubled=self.doubled + measured,
            done=there.goal,
        )

    def paced(self, pace: float) -> Assignment:
        """The assignment, where everything takes `pace` times the seconds."""
        return replace(
            self,
            seconds=pace * self.seconds,
            to_shorter=self.to_shorter and pace * self.to_shorter,
            doublings=tuple((each, pace * seconds) for each, seconds in self.doublings),
        )


@dataclass(frozen=True)
class Schedule:
    """The runs of a study in the order in which they begin.

    Attributes:
        assignments: what is still to be trained, and how.
        workers: runs at the same time, at most.
        slots: threads that compute at the same time: a run begins when enough of them are free.
        machines: or GPUs, that the runs are spread over.
        paces: by networks, how many times their expected seconds runs take on each of the machines;
            nothing of a network where all are alike.
    """

    assignments: tuple[Assignment, ...]
    workers: int
    slots: int
    machines: int = 1
    paces: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def of_whole_runs(self) -> Schedule:
        """The schedule, where no run can be stopped at a shorter length."""
        whole = tuple(
            replace(each, to_shorter=None, doublings=(), doubled=0) for each in self.assignments
        )
        return replace(self, assignments=whole)

    def may_begin(self, assignment: Assignment, running: Iterable[Assignment]) -> bool:
        """Whether a run may begin beside those that are `running`."""
        taken = [each.execution.threads for each in running]
        return self._has_room(len(taken), sum(taken), assignment)

    def _has_room(self, runs: int, threads: int, assignment: Assignment) -> bool:
        """Whether a run may begin beside so many runs, of so many threads together."""
        room = runs < self.workers and threads + assignment.execution.threads <= self.slots
        return room or not runs

    def ends(self) -> list[float]:
        """When each run is expected to be done, in seconds from the beginning."""
        return [end for end, _ in self.expected()]

    def seconds_on(self, assignment: Assignment, machine: int) -> float:
        """The seconds that a run is expected to take on one of the machines."""
        paces = self.paces.get(assignment.run.network)
        return assignment.seconds * (paces[machine] if paces else 1.0)

    def expected(self) -> list[tuple[float, int]]:
        """As `ends`, and on which machine: of those with fewest runs, on which it takes least."""
        clock, loads, busy = 0.0, [0] * self.machines, 0
        running: list[tuple[float, int]] = []
        found: list[tuple[float, int]] = []
        for position, assignment in enumerate(self.assignments):
            while not self._has_room(len(running), busy, assignment):
                clock, ended = heapq.heappop(running)
                loads[found[ended][1]] -= 1
                busy -= self.assignments[ended].execution.threads
            machine = loads.index(min(loads))
            if paces := self.paces.get(assignment.run.network):
                alike = [each for each, load in enumerate(loads) if load == loads[machine]]
                machine = min(alike, key=lambda each: paces[each])
            loads[machine] += 1
            busy += assignment.execution.threads
            found.append((clock + self.seconds_on(assignment, machine), machine))
            heapq.heappush(running, (found[-1][0], position))
        return found


def choose_placements(
    runs: Mapping[str, PlacementSeconds], machines: int = 1
) -> dict[str, Placement]:
    """The placement of each run, by its name, with which all are done soonest.

    Most runs share one placement. The largest may come after them, one after another with all
    threads, where otherwise one of them would be alone at the end on a part of the cores. Of
    schedules that take nearly the same time the simplest is taken: one after another, then all at
    the same time.

    Args:
        runs: the seconds of each run, by its name; all of them know the same placements.
        machines: how many there are, each with that placement.
    """
    placements = sorted({placement for seconds in runs.values() for placement in seconds})
    alone = placements[0]
    largest = sorted(runs, key=lambda name: (-runs[name][alone], name))
    choices: list[tuple[float, dict[str, Placement]]] = []
    for count in (len(runs), *some_counts(len(runs))):
        last, together = largest[:count], largest[count:]
        for placement in placements[1:] if together else placements[:1]:
            total = _finish(
                sorted((runs[name][placement] for name in together), reverse=True),
                placement.processes * machines,
            ) + _finish(sorted((runs[name][alone] for name in last), reverse=True), machines)
            chosen = dict.fromkeys(together, placement) | dict.fromkeys(last, alone)
            choices.append((total, chosen))
    best = min((total for total, _ in choices), default=0.0)
    return next((chosen for total, chosen in choices if total <= best * LONGER), {})


def order_runs(assignments: Sequence[Assignment], slots: int) -> list[Assignment]:
    """Runs whose threads are decided, in the order to begin them: those of fewer threads first.

    Among runs of equally many threads, as many small ones come first as cost next to no time, then
    the rest from the largest on (Graham 1969: at most a third longer than the shortest order). What
    that costs is the mean over draws of what runs may take: by the expected seconds alone, the
    largest could all come last, and on hundreds of machines some of them end late. Runs that go one
    after another keep their order.
    """
    order: list[Assignment] = []
    for threads in sorted({each.execution.threads for each in assignments}):
        group = [each for each in assignments if each.execution.threads == threads]
        lanes = max(1, slots // threads)
        if lanes > 1:
            rising = sorted(group, key=lambda each: each.seconds)
            places = range(len(rising))
            counts = [len(rising), *reversed(some_counts(len(rising)))]
            orders = [[*places[:k], *reversed(places[k:])] for k in counts]
            rng = random.Random(0)
            drawn = [
                [each.seconds * rng.lognormvariate(0, UNSURE) for each in rising]
                for _ in range(1 + FEW // len(rising))
            ]
            times = [
                sum(_finish([seconds[i] for i in one], lanes) for seconds in drawn)
                for one in orders
            ]
            best = next(
                one for one, time in zip(orders, times, strict=True) if time <= min(times) * LONGER
            )
            group = [rising[i] for i in best]
        order += group
    return order


def some_counts(most: int) -> list[int]:
    """Numbers from 0 up to `most`, without it, to be tried: all small ones, of large ones a tenth
    apart, so that ten thousand runs are planned in seconds."""
    counts = list(range(min(most, 64)))
    while counts and (following := int(counts[-1] * 1.1) + 1) < most:
        counts.append(following)
    return counts


def _finish(seconds: Sequence[float], lanes: int) -> float:
    """When the last is done if each in turn begins on the lane that is free first."""
    ends = [0.0] * max(1, lanes)
    for each in seconds:
        heapq.heapreplace(ends, ends[0] + each)
    return max(ends)


def tell_planned(
    listener: Listener, done: Sequence[RunSpec], assignments: Sequence[Assignment]
) -> None:
    """Tell which runs of a study are finished already, and which are to be trained how far."""
    listener.runs_planned([*done, *(each.run for each in assignments)])
    listener.parts_planned({each.run.run_id: (each.done, each.goal) for each in assignments})
