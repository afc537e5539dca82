"""Differences between cells that were tested on the same images, with their intervals.

Every question of a study is a weighted sum of cell accuracies: the bigger model minus the small
one, all images minus half of them, or whether one difference is larger than another. `contrast`
estimates any of them, paired by test image and by seed, because the images that both models get
right or wrong say nothing about their difference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

from ..inputs.grid import Cell, Grid, Run, common_seeds
from .intervals import LEVEL
from .significance import mcnemar_exact

Verdict = Literal["above", "below", "cannot tell"]

POWER = 0.8
"""Chance of being seen that the smallest visible difference is stated for; the usual choice."""


@dataclass(frozen=True)
class Spread:
    """What an estimate scatters by: over test images, and over trainings where they were repeated.

    Attributes:
        images: variance of the estimate over other test images; taken as well known.
        trainings: variance of the estimate over other trainings, known from `seeds` - 1 degrees of
            freedom; 0 with one seed, which says nothing of it.
        seeds: trainings of each cell.
    """

    images: float
    trainings: float = 0.0
    seeds: int = 1

    def half_width(self, level: float, power: float = 0.5) -> float:
        """Half the interval at `level`; with a `power` above a half, the smallest visible value.

        A normal quantile for the images and a t quantile for the trainings, each times its standard
        deviation; the squares are added (Graybill & Wang 1980; Zou & Donner 2008). One t quantile
        with Satterthwaite's degrees of freedom instead covered 87% with two seeds. A true value
        whose estimate passes the half-width with probability `power` lies that power's quantile
        further out, in both parts (2.8 standard errors for 80% at 95% with one seed).
        """
        tail = (1 - level) / 2
        square = (stats.norm.isf(tail) + stats.norm.ppf(power)) ** 2 * self.images
        if self.seeds > 1:
            df = self.seeds - 1
            square += (stats.t.isf(tail, df) + stats.t.ppf(power, df)) ** 2 * self.trainings
        return float(np.sqrt(square))

    def p_value(self, value: float) -> float:
        """The p at which `value` is just told from zero: 1 - p is the level that reaches it."""
        if not (math.isfinite(self.images) and math.isfinite(value)) or self.half_width(0.5) == 0:
            return math.nan

        def beyond(log_p: float) -> float:
            return self.half_width(1 - math.exp(log_p)) - abs(value)

        least = math.log(1e-12)  # below this 1 - p is no longer told from 1
        if beyond(least) < 0:
            return 1e-12
        return float(math.exp(optimize.brentq(beyond, least, 0.0))) if value else 1.0


class Basis(StrEnum):
    """What an interval is made of."""

    PAIRED = "paired"
    """Paired by test image, one training each: the spread between trainings is not in it."""
    UNPAIRED = "unpaired"
    """The same without pairing: a normal approximation that overstates the variance."""
    PAIRED_SEEDS = "paired-seeds"
    """Paired by test image and by seed."""
    UNPAIRED_SEEDS = "unpaired-seeds"
    """Paired by seed, not by test image."""
    RISING_CURVE = "rising-curve"
    """No confidence interval: the range that is left if more images never hurt."""


@dataclass(frozen=True)
class Contrast:
    """A weighted sum of accuracies with its interval, in shares (0.01 is one point)."""

    value: float
    low: float
    high: float
    seeds: int
    """Trainings of each cell that were used."""
    basis: Basis
    run_ids: tuple[str, ...]
    spread: Spread
    level: float = LEVEL
    p_value: float = math.nan
    """McNemar's exact test for two runs of one seed, paired; else the p of the interval itself."""
    only_first: int | None = None
    """Images that only the run with positive weight gets right, where McNemar's test was made."""
    only_second: int | None = None

    @property
    def verdict(self) -> Verdict:
        """On which side of zero the interval lies."""
        if self.low > 0:
            return "above"
        return "below" if self.high < 0 else "cannot tell"

    @property
    def half_width(self) -> float:
        """Half the interval's width before its ends were kept within -1 and 1."""
        return self.spread.half_width(self.level)

    @property
    def detectable(self) -> float:
        """Smallest difference that these runs would have shown with probability `POWER`."""
        return self.detectable_of(1)

    def detectable_of(self, comparisons: int) -> float:
        """`detectable` where so many comparisons share the error: it is seen at the level of the
        strictest step of Holm's correction, so the probability is `POWER` at least."""
        found = self.spread.half_width(1 - (1 - self.level) / comparisons, POWER)
        # Nothing can be seen where only an impossible difference could.
        return found if found < 1 else math.nan

    def to_dict(self) -> dict[str, object]:
        """The numbers as a machine reads them."""
        found: dict[str, object] = {
            "difference": self.value,
            "low": self.low,
            "high": self.high,
            "level": self.level,
            "basis": self.basis,
            "seeds": self.seeds,
            "detectable": self.detectable,
            "p": self.p_value,
            "run_ids": list(self.run_ids),
        }
        if self.only_first is not None:
            found |= {
                "mcnemar_exact_p": self.p_value,
                "only_first_right": self.only_first,
                "only_second_right": self.only_second,
            }
        return found


def compare_cells(grid: Grid, first: Cell, second: Cell, level: float = LEVEL) -> Contrast:
    """Accuracy of `second` minus accuracy of `first`."""
    return contrast(grid, [(1.0, second), (-1.0, first)], level=level)


@dataclass(frozen=True)
class Aligned:
    """The runs of a weighted sum of cells, brought to common seeds and common test images.

    Attributes:
        runs: one row a cell, one column a seed.
        weights: (C,) of the cells.
        differences: (S, n) weighted sums of right answers by seed and test image; None where a run
            has no predictions on the common images.
    """

    runs: list[list[Run]]
    weights: NDArray[np.float64]
    differences: NDArray[np.float64] | None

    @property
    def run_ids(self) -> tuple[str, ...]:
        return tuple(run.run_id for row in self.runs for run in row)


def aligned(grid: Grid, terms: Sequence[tuple[float, Cell]]) -> Aligned:
    """Align the runs of the cells (see `tables.common_seeds`); weights of one cell add up.

    Cells of one model, init and fraction are one cell, also where some were cut to fewer seeds.
    """
    weights: dict[tuple[str, str, str], float] = {}
    for weight, cell in terms:
        weights[cell.key] = weights.get(cell.key, 0.0) + weight
    common = {cell.key: cell for cell in common_seeds(*(cell for _, cell in terms))}
    runs = [list(common[key].runs) for key in weights]
    vector = np.array(list(weights.values()))
    differences = None
    if all(run.run_id in grid.correct for row in runs for run in row):
        right = np.array([[grid.correct[run.run_id] for run in row] for row in runs], dtype=float)
        differences = np.einsum("c,csn->sn", vector, right)
    return Aligned(runs, vector, differences)


def contrast(
    grid: Grid,
    terms: Sequence[tuple[float, Cell]],
    *,
    value: float | None = None,
    level: float = LEVEL,
) -> Contrast:
    """Estimate a weighted sum of cell accuracies over the seeds that all cells have.

    Args:
        terms: (weight, cell); weights of one cell add up.
        value: the estimate, where the terms are the gradient of something that is not linear in
            the accuracies (delta method); otherwise it is the weighted sum itself.
        level: coverage of the interval.
    """
    found = aligned(grid, terms)
    accuracy = np.array([[run.test_accuracy for run in row] for row in found.runs])
    by_seed = found.weights @ accuracy
    estimate = float(by_seed.mean()) if value is None else value
    paired, repeats = found.differences is not None, len(by_seed)
    if found.differences is not None:
        spread = paired_spread(found.differences, float(np.abs(found.weights).sum()) / 2)
    else:
        sizes = np.array([min(run.test_size for run in row) for row in found.runs])
        spread = _unpaired_spread(found.weights, accuracy, by_seed, sizes)
    p_value, only_first, only_second = spread.p_value(estimate), None, None
    if paired and repeats == 1 and sorted(found.weights) == [-1.0, 1.0]:
        second, first = (grid.correct[found.runs[i][0].run_id] for i in np.argsort(found.weights))
        only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
        p_value = mcnemar_exact(only_first, only_second)
    half = spread.half_width(level)
    most = max(1.0, float(np.abs(found.weights).sum()) / 2)
    return Contrast(
        value=estimate,
        # Two seeds can give an interval wider than anything that accuracies can differ by.
        low=max(-most, estimate - half),
        high=min(most, estimate + half),
        spread=spread,
        seeds=repeats,
        basis=_basis(paired, repeats > 1),
        run_ids=found.run_ids,
        level=level,
        p_value=p_value,
        only_first=only_first,
        only_second=only_second,
    )


def paired_spread(differences: ArrayLike, scale: float = 1.0) -> Spread:
    """The spread of the mean of `differences` (S seeds, n images).

    One seed: the variance of the mean over images, after two images were added, one at +scale and
    one at -scale. For two classifiers this gives the half-width of the adjusted Wald interval of
    Bonett & Price (2012, J. Educ. Behav. Stat. 37: 479-488), which keeps its coverage when few
    images differ and does not shrink to nothing when none does; its centre, which they move by two
    images as well, stays where it was measured. What another training would give is not in it.

    Several seeds: images and seeds are crossed, so the variance of the grand mean is, from the
    mean squares of a two-way layout without replication (Searle, Casella & McCulloch 1992, ch. 4),

        [MS_seeds] / (S n)  +  [MS_images - MS_residual] / (S n).
    """
    z = np.atleast_2d(np.asarray(differences, dtype=float))
    repeats, images = z.shape
    added = np.full((repeats, 1), scale)
    by_image = np.hstack([z, added, -added]).mean(axis=0)
    # The variance of the mean over images; that of the two added images is a part of it.
    image_part = float(np.var(by_image)) / (images + 2)
    if repeats == 1:
        return Spread(image_part)
    by_seed = z.mean(axis=1)
    residual = z - z.mean(axis=0) - by_seed[:, None] + z.mean()
    mean_square = float(np.sum(residual**2)) / ((repeats - 1) * max(1, images - 1))
    image_part = max(image_part - mean_square / (repeats * images), 2 * (scale / (images + 2)) ** 2)
    return Spread(image_part, float(np.var(by_seed, ddof=1)) / repeats, repeats)


def _unpaired_spread(
    weights: NDArray[np.float64],
    accuracy: NDArray[np.float64],
    by_seed: NDArray[np.float64],
    sizes: NDArray[np.float64],
) -> Spread:
    """The same without single predictions: as if every cell had its own test images.

    Right answers of two models to one image mostly go together, so this overstates the variance of
    a difference. One right and one wrong image are added (Agresti & Caffo 2000) to stay off zero.
    """
    if not np.all(sizes > 0):
        return Spread(math.nan)
    p = (accuracy.mean(axis=1) * sizes + 1) / (sizes + 2)
    images = float(np.sum(weights**2 * p * (1 - p) / (sizes + 2)))
    repeats = len(by_seed)
    trainings = float(np.var(by_seed, ddof=1)) / repeats if repeats > 1 else 0.0
    return Spread(images, trainings, repeats)


def _basis(paired: bool, several_seeds: bool) -> Basis:
    if several_seeds:
        return Basis.PAIRED_SEEDS if paired else Basis.UNPAIRED_SEEDS
    return Basis.PAIRED if paired else Basis.UNPAIRED
