"""How many images a wanted error takes, and with which model it comes first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..curves.crossover import images_for, size_grid
from ..curves.joint import Curves
from ..curves.learning_curve import BOUND, CURVE_LEVEL
from ..curves.shrinkage import shrunk
from ..inputs.cells import Arm, Cell, CellKey
from ..inputs.grid import Grid
from ..stats.paired import best_network
from .types import Finding, Strength

REACHED_FROM = BOUND
"""A wanted error that was measured is reached where its network's true error is that low with this
probability: that of the one-sided bounds. What is measured less surely may be luck."""
FARTHEST = 64
"""A wanted error is looked for up to so many times the largest training set: six doublings."""


class TargetOutcome(StrEnum):
    """What can be said of a wanted error."""

    REACHED = "reached"
    """A trained network is at or below it already, with a probability of `REACHED_FROM` or more."""
    MEASURED = "measured"
    """One measured it, but that cannot be told from luck yet."""
    NO_CURVE = "no-curve"
    """Not reached, and no model was trained on two sizes."""
    OUT_OF_REACH = "out-of-reach"
    """More images alone do not reach it, at the level of the interval."""
    FORECAST = "forecast"
    GUESSING = "guessing"
    """The best network may only be guessing, and then no curve tells when it begins to learn."""


@dataclass(frozen=True)
class Target(Finding):
    """What a wanted test error takes.

    Attributes:
        error: wanted, in [0, 1].
        outcome: what can be said of it.
        model, init: of the arm that gets there first, or got there; without any curve that is asked
            of `cell`.
        images, low, high, level: that it takes, with its interval; NaN or inf where the curves
            cannot tell.
        at_least, at_most: one-sided bounds of `images`, at `BOUND` each; as `low` and `high`, but
            often known where `high` is not.
        cell: the network that reached it, on the fewest images; of several that measured it and may
            have been lucky, the one that is likeliest to have reached it; else the best one.
        measured: the test error of `cell`.
        probability: that the true error of `cell` is `error` or less, where it measured that, given
            that it was chosen for it; else that of this arm is at the largest measured size. Of one
            that is reached, `images`, its interval and its bounds are the number that it has seen.
        arms: how many have a curve, where one was asked.
        largest: training images of this arm now, where its curve was asked.
        doubled: the probability at twice as many images.
    """

    strength = Strength.SUGGESTIVE
    error: float
    outcome: TargetOutcome
    model: str
    init: str
    images: float
    low: float
    high: float
    at_least: float
    at_most: float
    level: float
    probability: float
    measured: float
    cell: Cell
    arms: int = 0
    largest: float = math.nan
    doubled: float = math.nan

    @property
    def reached(self) -> bool:
        """A trained network is at or below the error already, and that is no luck."""
        return self.outcome is TargetOutcome.REACHED

    @property
    def factor(self) -> float | None:
        """`images` over those of now; None where they are not clearly more, or not known."""
        factor = self.images / self.largest
        return factor if 1.05 <= factor < math.inf else None

    def to_dict(self) -> dict[str, object]:
        """The fields and `reached` as plain values for JSON."""
        return super().to_dict() | {"reached": self.reached}


def reach(grid: Grid, curves: Curves, error: float, *, guesses: bool) -> Target:
    """The arm that reaches an error with the fewest images, and how sure that is.

    Args:
        guesses: the best network may only be guessing: no curve is asked.
    """
    return targets(grid, curves, [error], guesses=guesses)[0]


def targets(grid: Grid, curves: Curves, errors: Sequence[float], *, guesses: bool) -> list[Target]:
    """`reach` of several errors; the curves are drawn once."""
    likely = shrunk(curves)
    drawn = {} if guesses else {arm: _Drawn.of(likely, arm) for arm in curves.fits}
    nothing = TargetOutcome.GUESSING if guesses else TargetOutcome.NO_CURVE
    true = likely.true_errors()
    return [_reach(grid, drawn, true, error, nothing) for error in errors]


@dataclass(frozen=True)
class _Drawn:
    """Joint draws of an arm's errors at sizes from the smallest to `FARTHEST` times the largest."""

    curves: Curves
    arm: Arm
    largest: float
    sizes: NDArray[np.float64]
    errors: NDArray[np.float64]

    @classmethod
    def of(cls, curves: Curves, arm: Arm) -> _Drawn:
        cells = curves.grid.curve(arm)
        sizes = size_grid(cells[0].train_size, cells[-1].train_size, FARTHEST)
        return cls(curves, arm, cells[-1].train_size, sizes, curves.errors(arm, sizes))

    def required(self, error: float) -> tuple[float, float, float, float, float, float]:
        """Images for an error: median, the chance that none within reach are enough, interval and
        one-sided bounds; inf where they do not end."""
        found = images_for(self.sizes, self.errors, np.full(len(self.errors), error))
        ends = [0.5, (1 - CURVE_LEVEL) / 2, (1 + CURVE_LEVEL) / 2, 1 - BOUND, BOUND]
        middle, low, high, least, most = map(
            float, np.quantile(found, ends, method="closest_observation")
        )
        first = float(self.sizes[0])
        never = float(np.isinf(found).mean())
        return middle, never, max(low, first), high, max(least, first), most

    def probability(self, images: float, error: float) -> float:
        """That the true error on so many images is `error` or less."""
        return float((self.at(images) <= error + 1e-9).mean())

    def at(self, images: float) -> NDArray[np.float64]:
        """The draws at one size, made once."""
        if images not in self._at:
            self._at[images] = self.curves.errors(self.arm, [images])
        return self._at[images]

    @cached_property
    def _at(self) -> dict[float, NDArray[np.float64]]:
        return {}


def _reach(
    grid: Grid,
    drawn: Mapping[Arm, _Drawn],
    true: Mapping[CellKey, NDArray[np.float64]],
    error: float,
    nothing: TargetOutcome,
) -> Target:
    """See `reach`; `nothing` is what is said of an error that was not reached, without curves."""
    # 1 - 0.95 is a little more than 0.05 in binary.
    met = [cell for cell in grid.cells if 1 - cell.accuracy <= error + 1e-9]
    chances = {cell.key: float((true[cell.key] <= error + 1e-9).mean()) for cell in met}
    sure = [cell for cell in met if chances[cell.key] >= REACHED_FROM]
    images, low, high, *bounds = [math.nan] * 5
    probability = largest = doubled = math.nan
    ranked = []
    if sure:
        cell = min(sure, key=lambda one: (one.train_size, -one.accuracy))
        outcome, images, low, high, *bounds = TargetOutcome.REACHED, *[cell.train_size] * 5
    elif met:
        cell = max(met, key=lambda one: (chances[one.key], -one.train_size))
        outcome = TargetOutcome.MEASURED
    else:
        cell, outcome = best_network(grid), nothing
    arm = cell.arm
    if not sure and drawn:
        ranked = [(*one.required(error), arm) for arm, one in drawn.items()]
        images, _, low, high, *bounds, arm = min(ranked)
        if not met:
            within = math.isfinite(low)
            outcome = TargetOutcome.FORECAST if within else TargetOutcome.OUT_OF_REACH
        largest = drawn[arm].largest
        probability = drawn[arm].probability(largest, error)
        doubled = drawn[arm].probability(2 * largest, error)
    return Target(
        error=error,
        outcome=outcome,
        model=arm[0],
        init=arm[1],
        images=images,
        low=low,
        high=high,
        at_least=bounds[0],
        at_most=bounds[1],
        level=CURVE_LEVEL,
        probability=chances.get(cell.key, probability),
        measured=1 - cell.accuracy,
        cell=cell,
        arms=len(ranked),
        largest=largest,
        doubled=doubled,
    )
