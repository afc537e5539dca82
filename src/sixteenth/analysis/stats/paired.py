"""Differences between cells for another training of each, paired by test image.

Every question of a study is a weighted sum of cell accuracies: the bigger model minus the small
one, all images minus half of them, or whether one difference is larger than another. `contrast`
estimates any of them. Its interval is for another training of each cell, with another seed, subset
and order, on other test images: what a reader who trains again has to expect. Images that two
models both get right or wrong say nothing about their difference, so test images are paired.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..inputs.cells import Cell, CellKey, across_machines
from ..inputs.grid import Grid
from ..inputs.scoring import smoothed_share
from .significance import holm
from .spread import LEVEL, Spread

REPEATED = 20
"""Times that each draw of the spread is used by `average_draws`: its quantiles are then known as
well as the spread itself."""

MOVED = 1.645
"""Standard deviations that a normal number is above its mean by one time in twenty."""


class Side(StrEnum):
    """On which side of zero a difference is told to be."""

    ABOVE = "above"
    BELOW = "below"
    CANNOT_TELL = "cannot tell"


class Basis(StrEnum):
    """What an interval is made of."""

    PAIRED = "paired"
    """Paired by test image."""
    UNPAIRED = "unpaired"
    """Without pairing: a normal approximation that overstates the variance."""
    RISING_CURVE = "rising-curve"
    """No confidence interval: the range that is left if more images never hurt."""


@dataclass(frozen=True)
class Contrast:
    """A weighted sum of accuracies with its interval, in shares (0.01 is one point)."""

    value: float
    low: float
    high: float
    seeds: int
    """Trainings of the cell that has the fewest."""
    basis: Basis
    run_ids: tuple[str, ...]
    spread: Spread
    assumed: bool
    """The spread between trainings of one of the cells is assumed: no cell of its model and init
    was trained twice."""
    level: float = LEVEL
    across_machines: bool = False
    """The trainings come from machines of several kinds, which may be part of the difference."""
    unsettled: bool = False
    """Trainings are not at their end and may still gain as much: its sign is not told."""

    @property
    def side(self) -> Side:
        """On which side of zero the interval lies, where that may be told."""
        if self.unsettled:
            return Side.CANNOT_TELL
        if self.low > 0:
            return Side.ABOVE
        return Side.BELOW if self.high < 0 else Side.CANNOT_TELL

    @property
    def leaves_out_zero(self) -> bool:
        """Whether the sign of the difference is told: the interval lies on one side of zero."""
        return self.side is not Side.CANNOT_TELL

    @property
    def p_value(self) -> float:
        """One minus the level at which the interval ends at zero."""
        return self.spread.p_value(self.value)

    @property
    def half_width(self) -> float:
        """Half the interval's width before its ends were kept within -1 and 1."""
        return self.spread.half_width(self.level)

    @property
    def networks(self) -> tuple[float, float]:
        """The interval for these networks and other test images alone."""
        half = Spread(self.spread.images).half_width(self.level)
        return self.value - half, self.value + half

    @property
    def detectable(self) -> float:
        """Smallest difference that these runs would have shown with probability `POWER`."""
        return self.detectable_of(1)

    def detectable_of(self, comparisons: int) -> float:
        """`detectable` where so many comparisons share the error: it is seen at the level of the
        strictest step of Holm's correction, so the probability is `POWER` at least."""
        found = self.spread.detectable(1 - (1 - self.level) / comparisons)
        # Nothing can be seen where only an impossible difference could.
        return found if found < 1 else math.nan

    def may_be_told_by(self, more: int) -> bool:
        """Whether so many more trainings of each cell could move the interval off zero.

        Erring on that side: the spread counts as known, and the difference may grow by as much as
        the new trainings move it one time in twenty. The test images stay, and so does what one
        training differs by from the next. Always where the spread is assumed, or where nothing
        tells the interval.
        """
        trainings = self.seeds + more
        another = (1 + 1 / trainings) / (1 + 1 / self.seeds)
        spread = Spread(self.spread.images, np.array([np.median(self.spread.trainings) * another]))
        moved = math.sqrt(self.spread.estimate * more / trainings)
        most = abs(self.value) + MOVED * moved
        return self.assumed or not most < spread.half_width(self.level)

    def to_dict(self) -> dict[str, object]:
        """The numbers as a machine reads them."""
        low, high = self.networks
        return {
            "difference": self.value,
            "low": self.low,
            "high": self.high,
            "level": self.level,
            "basis": self.basis,
            "seeds": self.seeds,
            "spread_assumed": self.assumed,
            "networks_low": low,
            "networks_high": high,
            "detectable": self.detectable,
            "p": self.p_value,
            "across_machines": self.across_machines,
            "unsettled": self.unsettled,
            "run_ids": list(self.run_ids),
        }


def compare_cells(grid: Grid, first: Cell, second: Cell, level: float = LEVEL) -> Contrast:
    """Accuracy of `second` minus accuracy of `first`."""
    return contrast(grid, [(1.0, second), (-1.0, first)], level=level)


def best_network(grid: Grid) -> Cell:
    """The most accurate cell; there must be one.

    For each model and its weights the cell on the most images stands, unless one on fewer is ahead
    of it by an interval that leaves out zero. Where the test set is small, the best of all cells is
    otherwise often one on fewer images that was lucky, and what the rest of the images bring looks
    smaller than it is.
    """
    return max((_largest(grid, curve) for curve in grid.curves.values()), key=_accuracy)


def _largest(grid: Grid, curve: Sequence[Cell]) -> Cell:
    largest, best = max(curve, key=lambda cell: cell.train_size), max(curve, key=_accuracy)
    if best is largest or compare_cells(grid, largest, best).leaves_out_zero:
        return best
    return largest


def _accuracy(cell: Cell) -> float:
    return cell.accuracy


def compare_differences(
    grid: Grid, first: tuple[Cell, Cell], second: tuple[Cell, Cell], level: float
) -> Contrast:
    """The difference between the two cells of `second` minus that between those of `first`."""
    (a0, b0), (a1, b1) = first, second
    return contrast(grid, [(1.0, b1), (-1.0, a1), (-1.0, b0), (1.0, a0)], level=level)


def contrast(
    grid: Grid,
    terms: Sequence[tuple[float, Cell]],
    *,
    value: float | None = None,
    level: float = LEVEL,
) -> Contrast:
    """Estimate a weighted sum of cell accuracies, each the mean over the cell's trainings.

    The variance for another training of each cell is that over test images, plus, for a cell of
    weight w, S trainings and variance v between them, w² v (1 + 1/S). Trainings of different cells
    count as independent, also where they share a seed: that errs on the wide side.

    Args:
        grid: the study.
        terms: (weight, cell); weights of one cell add up.
        value: the estimate, where the terms are the gradient of something that is not linear in
            the accuracies (delta method); otherwise it is the weighted sum itself.
        level: coverage of the interval.
    """
    weights: dict[CellKey, float] = {}
    cells: dict[CellKey, Cell] = {}
    for weight, cell in terms:
        weights[cell.key] = weights.get(cell.key, 0.0) + weight
        cells[cell.key] = cell
    vector, used = np.array(list(weights.values())), list(cells.values())
    linear = value is None
    if value is None:
        value = float(vector @ [cell.accuracy for cell in used])
    squares = vector**2
    trainings = sum(
        w * (1 + 1 / len(cell.runs)) * grid.spread.variances[cell.key]
        for w, cell in zip(squares, used, strict=True)
    )
    estimate = sum(
        w * float(np.median(grid.spread.variances[cell.key])) / len(cell.runs)
        for w, cell in zip(squares, used, strict=True)
    )
    right = grid.right(used)
    if right is None:
        images = _unpaired_variance(vector, used)
    else:
        images = float(_paired_covariance(grid, vector[None], right)[0, 0])
    # What an image adds at least is not known of several trainings, which need not agree on it, nor
    # of a gradient, whose weights are no whole numbers.
    whole = linear and all(len(cell.runs) == 1 for cell in used)
    size = float(np.min([cell.effective_size for cell in used])) if whole else math.nan
    spread = Spread(images, np.asarray(trainings, dtype=float), estimate, size)
    half = spread.half_width(level)
    most = max(1.0, float(np.abs(vector).sum()) / 2)
    return Contrast(
        value=value,
        low=float(np.clip(value - half, -most, most)),  # NaN stays NaN
        high=float(np.clip(value + half, -most, most)),
        seeds=min(len(cell.runs) for cell in used),
        basis=Basis.UNPAIRED if right is None else Basis.PAIRED,
        run_ids=tuple(run_id for cell in used for run_id in cell.run_ids),
        spread=spread,
        assumed=any(grid.spread.assumed(cell.key) for cell in used),
        level=level,
        across_machines=across_machines(used),
    )


def significant(family: Sequence[Contrast]) -> tuple[bool, ...]:
    """Whether each of several differences counts, with Holm's correction over all of them.

    Its interval leaves out zero, and its adjusted p value is at most one minus its level.
    """
    adjusted = holm([one.p_value for one in family])
    return tuple(
        one.leaves_out_zero and bool(p <= 1 - one.level)
        for one, p in zip(family, adjusted, strict=True)
    )


def another_draws(grid: Grid, start: Cell, ends: Sequence[Cell]) -> NDArray[np.float64]:
    """Draws of the accuracy of each of `ends` minus that of `start`, (ends, COUNT).

    For another training of each, as in `contrast`. Drawn together: all differences share the
    training of `start` and the test images, so that they can be compared with each other.
    """
    if not ends:
        return np.empty((0, len(grid.spread.variances[start.key])))
    drawn = average_draws(grid, [[(1.0, end), (-1.0, start)] for end in ends], repeated=1)
    another = [grid.spread.another(end.key) for end in ends]
    return np.asarray(drawn + another - grid.spread.another(start.key), dtype=float)


def average_draws(
    grid: Grid, sums: Sequence[Sequence[tuple[float, Cell]]], *, repeated: int = REPEATED
) -> NDArray[np.float64]:
    """Draws of weighted sums of cell accuracies for the average training, (sums, draws).

    Drawn together: what the sums share, they share. The variance of a cell of S trainings and
    variance v between them is v / S, without that of another training; test images are paired as
    in `contrast`. NaN where the number of test images is not known.

    Args:
        repeated: times that each draw of the spread is used.
    """
    cells = list({cell.key: cell for terms in sums for _, cell in terms}.values())
    keys = [cell.key for cell in cells]
    weights = np.zeros((len(sums), len(cells)))
    for row, terms in zip(weights, sums, strict=True):
        for weight, cell in terms:
            row[keys.index(cell.key)] += weight
    images = _sums_covariance(grid, weights, cells)
    spread = [grid.spread.variances[cell.key] / len(cell.runs) for cell in cells]
    deviations = np.sqrt(np.tile(spread, repeated))
    draws = deviations.shape[1]
    own = np.array([_normals(repr(key), 1, draws)[0] for key in keys])
    named = repr([[(weight, cell.key) for weight, cell in terms] for terms in sums])
    shared = _normals(named, len(sums), draws)
    trainings = own * deviations
    drawn = weights @ (np.array([[cell.accuracy] for cell in cells]) + trainings)
    if not np.all(np.isfinite(images)):
        return np.full(drawn.shape, np.nan)
    values, vectors = np.linalg.eigh(images)
    scaled = vectors * np.sqrt(np.maximum(values, 0))
    return np.asarray(drawn + scaled @ shared, dtype=float)


@lru_cache(maxsize=64)  # some 160 kB each
def _normals(name: str, rows: int, draws: int) -> NDArray[np.float64]:
    """Standard normal draws, (rows, draws): the same at every call for a name, and for it alone."""
    return np.random.default_rng(zlib.crc32(name.encode())).standard_normal((rows, draws))


def _sums_covariance(
    grid: Grid, weights: NDArray[np.float64], cells: Sequence[Cell]
) -> NDArray[np.float64]:
    """The covariance of weighted sums over test images, paired where that can be.

    Two images are added to each sum (see `image_covariance`), and not, as to draw learning curves
    (`curves.joint`), to the variance of each cell. NaN where the number of images is not known.
    """
    right = grid.right(cells)
    if right is not None:
        return _paired_covariance(grid, weights, right)
    single = [_unpaired_variance(np.ones(1), [cell]) for cell in cells]
    return np.asarray(weights @ np.diag(single) @ weights.T, dtype=float)


def _paired_covariance(
    grid: Grid, weights: NDArray[np.float64], right: NDArray[np.float64]
) -> NDArray[np.float64]:
    scale = np.abs(weights).sum(axis=1, keepdims=True) / 2
    return grid.scoring.covariance(weights @ right, lambda z: image_covariance(z, scale))


def image_covariance(
    values: NDArray[np.float64], scale: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The covariance of one test image's values, (m, m), from rows of them, (m, n).

    Two images are added, one at +scale and one at -scale, (m, 1). For two classifiers, this over
    n + 2 gives the half-width of the adjusted Wald interval of Bonett & Price (2012, J. Educ.
    Behav. Stat. 37: 479-488), which keeps its coverage when few images differ and does not shrink
    to nothing when none does; its centre, which they move by two images as well, stays where it
    was measured.
    """
    return np.atleast_2d(np.cov(np.hstack([values, scale, -scale]), bias=True))


def _unpaired_variance(weights: NDArray[np.float64], cells: Sequence[Cell]) -> float:
    """The variance of a weighted sum without single predictions, as if no cells shared test images.

    Right answers of two models to one image mostly go together, so this overstates the variance of
    a difference.
    """
    sizes = np.array([cell.effective_size for cell in cells])
    if not np.all(sizes > 0):
        return math.nan
    p = smoothed_share(np.array([cell.accuracy for cell in cells]), sizes)
    return float(np.sum(weights**2 * p * (1 - p) / (sizes + 2)))
