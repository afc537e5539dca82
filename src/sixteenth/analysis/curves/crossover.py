"""Where one curve overtakes another, and how many images one needs to reach another's error.

Both are read off joint draws of the two curves on a grid of sizes, so that their intervals hold
what is uncertain in both. `joint` makes such draws; any others of the same shape do as well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .joint import spread_of
from .learning_curve import CURVE_LEVEL

HORIZON = 8
"""Crossovers are looked for up to so many times the largest training set: three doublings. No
calibration that we know of reaches further, and few labelling budgets do."""
SURE, RARE = 0.9, 0.1
"""Probabilities from which, and up to which, a crossover is said to be there, or not to be."""


class CrossoverOutcome(StrEnum):
    """What can be said of two curves up to the horizon."""

    INSIDE = "inside"
    """One overtakes the other inside the measured range."""
    INSIDE_UNCLEAR = "inside-unclear"
    """Whether one does so there cannot be told."""
    STAYS_AHEAD = "stays-ahead"
    """None does so there, and one of them stays ahead up to the horizon."""
    BEYOND = "beyond"
    """None does so there, but one before the horizon."""
    BEYOND_UNCLEAR = "beyond-unclear"
    """None does so there; whether one does before the horizon cannot be told."""


@dataclass(frozen=True)
class Crossover:
    """Whether the second curve overtakes the first, or the other way round, and where.

    Probabilities are shares of the draws. The four that are named add up to one.

    Attributes:
        inside: the curve that is ahead at the largest measured size was behind at the smallest.
        beyond: no change inside, but one before `horizon` images.
        second_ahead, first_ahead: no change up to there; which of the two leads.
        second_overtakes: of all changes in the likelier of the two ranges, the share in which the
            second curve is the one that comes from behind; NaN where there is none.
        size, low, high: images at the change, median and interval at `level` over the draws that
            have one in the likelier of the two ranges; NaN where that is rarer than one in twenty.
        largest, horizon: images at the ends of the two ranges.
    """

    inside: float
    beyond: float
    second_ahead: float
    first_ahead: float
    second_overtakes: float
    size: float
    low: float
    high: float
    largest: float
    horizon: float
    level: float = CURVE_LEVEL

    @property
    def stays_ahead(self) -> float:
        """Probability that the curve that leads throughout in more of the draws does so."""
        return max(self.second_ahead, self.first_ahead)

    @property
    def outcome(self) -> CrossoverOutcome:
        """What the probabilities allow to say."""
        if self.inside >= SURE:
            return CrossoverOutcome.INSIDE
        if self.inside > RARE:
            return CrossoverOutcome.INSIDE_UNCLEAR
        if self.stays_ahead >= SURE:
            return CrossoverOutcome.STAYS_AHEAD
        return CrossoverOutcome.BEYOND if self.beyond >= SURE else CrossoverOutcome.BEYOND_UNCLEAR

    @property
    def second_leads(self) -> bool | None:
        """Whether the second curve leads, after a crossover or throughout; None where unclear."""
        match self.outcome:
            case CrossoverOutcome.INSIDE | CrossoverOutcome.BEYOND:
                return self.second_overtakes >= 0.5
            case CrossoverOutcome.STAYS_AHEAD:
                return self.second_ahead >= self.first_ahead
            case _:
                return None


def crossover(sizes: ArrayLike, first: ArrayLike, second: ArrayLike, largest: float) -> Crossover:
    """Compare two curves' joint draws.

    Args:
        sizes: (m,) ascending, from the smallest measured size to the horizon, `largest` among them
            or between two of them.
        first, second: (draws, m) errors; row i of both belongs together.
        largest: the largest measured size.
    """
    n = np.asarray(sizes, dtype=float)
    lead = np.asarray(first, dtype=float) - np.asarray(second, dtype=float)  # > 0: second leads
    edge = int(np.searchsorted(n, largest * (1 + 1e-9))) - 1
    start, now, end = lead[:, 0] > 0, lead[:, edge] > 0, lead[:, -1] > 0
    inside, beyond = start != now, (start == now) & (now != end)
    changed = inside | beyond
    places = np.full(len(lead), np.nan)
    places[inside] = _last_change(n[: edge + 1], lead[inside, : edge + 1])
    places[beyond] = _last_change(n[edge:], lead[beyond, edge:])
    where = inside if inside.mean() >= beyond.mean() else beyond
    size = low = high = math.nan
    if where.mean() >= 0.05:
        size, low, high = spread_of(places[where])
    final = np.where(inside, now, end)
    return Crossover(
        inside=float(inside.mean()),
        beyond=float(beyond.mean()),
        second_ahead=float((~changed & now).mean()),
        first_ahead=float((~changed & ~now).mean()),
        second_overtakes=float(final[where].mean()) if where.any() else math.nan,
        size=size,
        low=low,
        high=high,
        largest=float(largest),
        horizon=float(n[-1]),
    )


def size_grid(smallest: float, largest: float, horizon: float = HORIZON) -> NDArray[np.float64]:
    """Sizes evenly spread over log n, from the smallest to `horizon` times the largest one."""
    inside = np.geomspace(smallest, largest, 61)
    return np.concatenate([inside, np.geomspace(largest, horizon * largest, 31)[1:]])


def images_for(sizes: ArrayLike, errors: ArrayLike, targets: ArrayLike) -> NDArray[np.float64]:
    """Images at which each draw of a curve comes down to its target.

    Args:
        sizes: (m,) ascending.
        errors: (draws, m).
        targets: (draws,) errors to reach.

    Returns:
        (draws,) the smallest size from which on the draw is at or below its target: -inf where
        it is so at all sizes, inf where it is not at the largest.
    """
    n, values = np.asarray(sizes, dtype=float), np.asarray(errors, dtype=float)
    wanted, rows = np.asarray(targets, dtype=float), np.arange(len(values))
    above = values > wanted[:, None]
    last = above.shape[1] - 1 - np.argmax(above[:, ::-1], axis=1)  # where it is above, if it is
    found = np.where(above[rows, last], np.inf, -np.inf)
    ends = np.flatnonzero(above[rows, last] & ~above[:, -1])
    k, level = last[ends], wanted[ends]
    found[ends] = _zero(n, k, values[ends, k] - level, values[ends, k + 1] - level)
    return found


def _last_change(n: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where each row changes its sign for the last time, interpolated over log n."""
    if not len(values):
        return np.empty(0)
    above = values > 0
    changes = above[:, 1:] != above[:, :-1]
    k = changes.shape[1] - 1 - np.argmax(changes[:, ::-1], axis=1)
    rows = np.arange(len(values))
    return _zero(n, k, values[rows, k], values[rows, k + 1])


def _zero(
    n: NDArray[np.float64],
    k: NDArray[np.intp],
    left: NDArray[np.float64],
    right: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Where a line over log n is zero that is `left` at ``n[k]`` and `right` at the next size."""
    part = np.divide(left, left - right, out=np.zeros_like(left), where=left != right)
    log = np.log(n)
    found: NDArray[np.float64] = np.exp(log[k] + part * (log[k + 1] - log[k]))
    return found
