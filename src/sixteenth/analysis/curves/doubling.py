"""What the last doubling of the training set bought, also where half of it was not trained.

Between measured sizes the error is taken as log-linear in the number of images; the interval then
is no confidence interval but what a rising curve allows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from ..inputs.grid import Cell, Grid, common_seeds
from ..stats.paired import Basis, Contrast, Spread, contrast

SAME_SIZE = 0.01
"""Training sets whose sizes differ by less than this share count as one size: halving an odd
number, or stratifying by class, moves a size by a few images."""


class HalfOrigin(StrEnum):
    """Where the accuracy at half of the largest size comes from."""

    TRAINED = "trained"
    INTERPOLATED = "interpolated"
    """Log-linear in the error between the sizes on both sides."""
    EXTRAPOLATED = "extrapolated"
    """No size is half of the largest or less: the rate between two sizes, over a full doubling."""


@dataclass(frozen=True)
class Half:
    """Half of the largest size, and what its accuracy rests on.

    Attributes:
        images: half of the largest size.
        origin: trained or not.
        between: the two sizes that the rate was taken from; empty where half was trained.
    """

    images: float
    origin: HalfOrigin
    between: tuple[float, ...] = ()


@dataclass(frozen=True)
class LastDoubling:
    """The accuracy at the largest size minus that at half of it.

    Attributes:
        contrast: the gain with its interval.
        terms: the gain as a weighted sum of cells.
        half: of the largest size.
        last: images at the largest size.
        more_steps: with the images the training steps grew.
    """

    contrast: Contrast
    terms: list[tuple[float, Cell]]
    half: Half
    last: float
    more_steps: bool


def is_rise(curve: Sequence[Cell]) -> bool:
    """Whether a curve has two sizes, so that it tells what more images bring."""
    return len(curve) > 1 and curve[-1].train_size > curve[0].train_size * (1 + SAME_SIZE)


def last_doubling(grid: Grid, curve: Sequence[Cell], level: float) -> LastDoubling | None:
    """The last doubling of one model and init; None where there are not two sizes."""
    if not is_rise(curve):
        return None
    last, half = curve[-1], curve[-1].train_size / 2
    near = [c for c in curve if abs(c.train_size - half) <= SAME_SIZE * half]
    if near:
        last, middle = common_seeds(last, near[0])
        terms = [(1.0, last), (-1.0, middle)]
        return LastDoubling(
            contrast=contrast(grid, terms, level=level),
            terms=terms,
            half=Half(half, HalfOrigin.TRAINED),
            last=last.train_size,
            more_steps=last.mean("steps") > 1.5 * middle.mean("steps"),
        )
    below = [c for c in curve if c.train_size < half]
    low = below[-1] if below else curve[0]
    high = next(c for c in curve if c.train_size > max(half, low.train_size))
    reached = high is last
    low, high, last = common_seeds(low, high, last)
    high = last if reached else high  # one cell, not two of the same numbers
    terms, gain = _log_linear(low, high, last, half)
    origin = HalfOrigin.INTERPOLATED if below else HalfOrigin.EXTRAPOLATED
    found = contrast(grid, terms, value=gain, level=level)
    return LastDoubling(
        # Its interval holds the chance in the measured ends, not the curve between them.
        contrast=_without_the_curve(grid, found, curve, last, half, level),
        terms=terms,
        half=Half(half, origin, (low.train_size, high.train_size)),
        last=last.train_size,
        more_steps=False,
    )


def _without_the_curve(
    grid: Grid, found: Contrast, curve: Sequence[Cell], last: Cell, half: float, level: float
) -> Contrast:
    """The interval of a doubling whose half was not trained: what a rising curve allows.

    The estimate's own interval knows the chance in its ends and not the curve between them. If more
    images never hurt, the accuracy at `half` lies between those of its trained neighbours.
    """
    below = [cell for cell in curve if cell.train_size < half]
    above = next(cell for cell in curve if cell.train_size > half)
    low = 0.0
    if above.train_size < last.train_size:
        low = contrast(grid, [(1.0, last), (-1.0, above)], level=level).low
    high = 1.0
    if below:
        high = contrast(grid, [(1.0, last), (-1.0, below[-1])], level=level).high
    return replace(
        found,
        low=min(low, found.low),
        high=max(high, found.high),
        spread=Spread(math.nan),
        p_value=math.nan,
        basis=Basis.RISING_CURVE,
    )


def _log_linear(
    low: Cell, high: Cell, last: Cell, half: float
) -> tuple[list[tuple[float, Cell]], float]:
    """The gain from `half` to `last` images as a gradient in the accuracies, and its value.

    log e(half) = (1 - s) log e(low) + s log e(high), so d e(half) / d e(low) is
    (1 - s) e(half) / e(low), and an accuracy's weight is minus that of its error (delta method).
    """
    s = math.log(half / low.train_size) / math.log(high.train_size / low.train_size)
    floor = 0.5 / last.test_size if last.test_size > 0 else 1e-6  # a logarithm needs an error
    e_low, e_high = max(1 - low.accuracy, floor), max(1 - high.accuracy, floor)
    e_half = min(1.0, e_low ** (1 - s) * e_high**s)
    terms = [
        (-(1 - s) * e_half / e_low, low),
        (-s * e_half / e_high, high),
        (1.0, last),
    ]
    return terms, e_half - (1 - last.accuracy)
