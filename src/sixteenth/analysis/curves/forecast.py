"""What fitted curves say beyond single sizes: the next doubling, crossovers, pretraining in images.

All numbers are read off the joint draws of `joint.Curves`; their intervals are at `CURVE_LEVEL`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..inputs.cells import Arm, Cell
from .crossover import Crossover, crossover, images_for, size_grid
from .joint import Curves
from .learning_curve import CURVE_LEVEL
from .points import CurveWarning

CERTAIN = 0.985
"""A probability that a thousand draws give is never said to be higher than this..."""
FORESEEN = 0.95
"""...and not higher than this beyond the measured range: there are learners whose curves drop late,
and of their pairs one in four changed its leader where the draws gave that less than 2%
(`benchmarks/forecasts.py`)."""


@dataclass(frozen=True)
class GainDraws:
    """Draws of a gain that nobody measured: arrays (COUNT,), in shares.

    Attributes:
        average: of the average training.
        another: how far the trainings of both ends stray from it.
    """

    average: NDArray[np.float64]
    another: NDArray[np.float64]

    @property
    def total(self) -> NDArray[np.float64]:
        """Of the gain of another training of both ends."""
        return np.asarray(self.average + self.another)


def doubling_draws(curves: Curves, start: Cell, images: float | None = None) -> GainDraws:
    """What a training on twice the images gains over one of the cell `start`, or one on so many
    `images`. It has the spread of the curve's largest cell.
    """
    grid, size = curves.grid, start.train_size
    errors = curves.errors(start.arm, [size, 2 * size if images is None else images])
    after = grid.spread.another(grid.curve(start.arm)[-1].key, "images x2")
    return GainDraws(errors[:, 0] - errors[:, 1], after - grid.spread.another(start.key))


@dataclass(frozen=True)
class Band:
    """A curve with its interval, for a figure: arrays with one entry a size; errors in [0, 1]."""

    sizes: NDArray[np.float64]
    middle: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    measured: float
    """The largest measured size: beyond it lies the forecast."""
    known: NDArray[np.float64]
    """All measured sizes."""
    level: float = CURVE_LEVEL


def bands(curves: Curves) -> dict[Arm, Band]:
    """The median and interval of the joint draws of every arm, up to twice its largest size."""
    found: dict[Arm, Band] = {}
    for arm in curves.fits:
        known = [cell.train_size for cell in curves.grid.curve(arm)]
        inside = np.geomspace(known[0], known[-1], 41)
        sizes = np.unique([*inside, *known, *np.geomspace(known[-1], 2 * known[-1], 9)])
        ends = [0.5, (1 - CURVE_LEVEL) / 2, (1 + CURVE_LEVEL) / 2]
        middle, low, high = np.quantile(curves.errors(arm, sizes), ends, axis=0)
        found[arm] = Band(sizes, middle, low, high, known[-1], np.array(known))
    return found


def find_crossover(curves: Curves, first: Arm, second: Arm) -> Crossover:
    """Joint draws of two arms over the sizes that both have, and `HORIZON` times the largest."""
    pairs = curves.grid.shared(first, second)
    smallest, largest = pairs[0][0].train_size, pairs[-1][0].train_size
    sizes = size_grid(smallest, largest)
    return crossover(sizes, curves.errors(first, sizes), curves.errors(second, sizes), largest)


@dataclass(frozen=True)
class Worth:
    """How many times the images of one arm another one needs for the same error.

    Attributes:
        images: of the better arm.
        factor, low, high: times as many that the other needs; inf where no draw within `most`
            gets there; `factor` below 1 where the other is the better one.
        most: the factor up to which the curves were followed.
        level: of the interval.
    """

    images: float
    factor: float
    low: float
    high: float
    most: float
    level: float = CURVE_LEVEL


def worth_in_images(curves: Curves, better: Arm, other: Arm, images: float) -> Worth | None:
    """Images that `other` needs for the error of `better` at `images`, as a factor."""
    if better not in curves.fits or other not in curves.fits:
        return None
    cells = curves.grid.curve(other)
    smallest, largest = cells[0].train_size, cells[-1].train_size
    sizes = size_grid(smallest, largest)
    targets = curves.errors(better, [images])[:, 0]
    factors = images_for(sizes, curves.errors(other, sizes), targets) / images
    # Quantiles by order: between a number and infinity nothing can be interpolated.
    ends = [(1 - CURVE_LEVEL) / 2, 0.5, (1 + CURVE_LEVEL) / 2]
    low, middle, high = np.quantile(factors, ends, method="closest_observation")
    low = max(float(low), smallest / images)
    return Worth(images, float(middle), low, float(high), sizes[-1] / images)


def doubts(curves: Curves, arm: Arm) -> tuple[CurveWarning, ...]:
    """What speaks against a curve besides its few sizes: flat, rising, near chance."""
    return tuple(warning for warning in curves.fits[arm].warnings if warning.about_errors)
