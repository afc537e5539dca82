"""Runs of a study that have no result yet, or that were stopped before their end."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from ...errors import DivergedError
from ..inputs.cells import Cell
from ..inputs.grid import Grid
from .cost import training_seconds
from .evidence import Evidence
from .types import Finding, Strength


@dataclass(frozen=True)
class StoppedEarly(Finding):
    """Not all runs were trained to their end, so all networks are compared at a shorter length.

    Attributes:
        length: that they are compared at, as a share of the steps.
        images: that the largest of the runs that were stopped are trained on.
        longer: of trainings that went on, the best cell, if it is better than the best that is
            compared.
    """

    length: float
    images: float
    longer: Cell | None = None

    @classmethod
    def of(cls, grid: Grid, best: Cell) -> Iterator[Self]:
        """The finding of a study; none where whole trainings are compared."""
        if grid.length == 1:
            return
        whole = {cell.without_length: cell for cell in grid.other_lengths if cell.length == 1}
        stopped = [
            c.train_size for c in grid.cells if c.length < 1 and c.without_length not in whole
        ]
        longer = max(whole.values(), key=lambda cell: cell.accuracy, default=None)
        better = longer if longer and longer.accuracy > best.accuracy else None
        yield cls(grid.length, max(stopped, default=best.train_size), better)


@dataclass(frozen=True)
class MeasuredSoFar(Finding):
    """Runs of `epochs: auto` that are not at their end count as they were at their longest length.

    Attributes:
        stopped: runs that go on when the study is run again.
        running: those that are being trained.
        runs: all that were planned.
    """

    stopped: int
    running: int
    runs: int

    @classmethod
    def of(cls, grid: Grid) -> Iterator[Self]:
        """The finding of a study; none where each run with a result has come to its end."""
        states = [run.status for cell in grid.cells for run in cell.runs if run.so_far]
        if states:
            running = states.count("running")
            yield cls(len(states) - running, running, len(grid.runs))


@dataclass(frozen=True)
class UnfinishedRuns(Finding):
    """How many planned runs have no result, of which kinds, and what training them takes.

    Attributes:
        missing: those that have not begun, were interrupted, or have left no result.
        failed: those that ended with an error.
        runs: all that were planned.
        seconds: of training that is left to begin; NaN where not known.
        running: those that are being trained.
        stopped: of the missing ones that go on where they were stopped: the epoch that each has
            come to, and all of its epochs.
        diverged: of the failed ones those whose loss became NaN or infinite, as it would again.
    """

    strength = Strength.NOTE
    missing: int
    failed: int
    runs: int
    seconds: float = math.nan
    running: int = 0
    stopped: tuple[tuple[int, int], ...] = ()
    diverged: int = 0

    def to_dict(self) -> dict[str, object]:
        return super().to_dict() | {"kind": "RunsMissing"}  # as JSON has had it

    @property
    def to_begin(self) -> bool:
        """Whether training the missing and failed runs in the same way may give results."""
        return self.missing + self.failed > self.diverged

    @classmethod
    def of(cls, evidence: Evidence) -> tuple[Self, ...]:
        """The finding of a study; none where all runs have a result."""
        grid = evidence.grid
        left = [run for run in grid.missing if run.status != "running"]
        failures = [run for run in left if run.status == "failed"]
        failed = len(failures)
        diverged = sum(DivergedError.is_in(run.error) for run in failures)
        running = len(grid.missing) - len(left)
        begun = [evidence.context.stopped.get(run.run_id) for run in left]
        seconds = sum(
            training_seconds(grid, [run]) * _part_left(at)
            for run, at in zip(left, begun, strict=True)
        )
        stopped = tuple(at for at in begun if at is not None)
        missing = len(left) - failed
        found = cls(missing, failed, len(grid.runs), seconds, running, stopped, diverged)
        return (found,) if grid.missing else ()


def _part_left(stopped: tuple[int, int] | None) -> float:
    """Part of a run that is still to be trained, if it has come to an epoch of so many."""
    return 1.0 if stopped is None else max(0.0, 1 - stopped[0] / stopped[1])
