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
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from .intervals import LEVEL
from .tables import Cell, Grid

Verdict = Literal["above", "below", "cannot tell"]

POWER = 0.8
"""Chance of being seen that the smallest visible difference is stated for; the usual choice."""


@dataclass(frozen=True)
class Contrast:
    """A weighted sum of accuracies with its interval, in shares (0.01 is one point)."""

    value: float
    low: float
    high: float
    seeds: int
    """Trainings of each cell that were used."""
    paired: bool
    """Whether the test images were paired."""
    method: str
    """What the interval is made of, for a caption."""
    run_ids: tuple[str, ...]
    half_width: float
    """Half the interval's width before its ends were kept within -1 and 1."""
    level: float = LEVEL
    p_value: float = math.nan
    """McNemar's exact test: two runs of one seed, paired. NaN for anything else."""
    only_first: int | None = None
    """Images that only the run with positive weight gets right, where `p_value` is given."""
    only_second: int | None = None

    @property
    def verdict(self) -> Verdict:
        """On which side of zero the interval lies."""
        if self.low > 0:
            return "above"
        return "below" if self.high < 0 else "cannot tell"

    @property
    def detectable(self) -> float:
        """Smallest difference that these runs would have shown with probability `POWER`.

        The interval's half-width, enlarged from its normal quantile to that quantile plus the
        one of `POWER`, as in the planning of any comparison of means (2.8 standard errors at 95%).
        """
        tail = float(stats.norm.isf((1 - self.level) / 2))
        found = self.half_width * (1 + float(stats.norm.ppf(POWER)) / tail)
        # Nothing can be seen where only an impossible difference could.
        return found if found < 1 else math.nan

    def numbers(self) -> dict[str, object]:
        """What a machine reads beside the sentence."""
        found: dict[str, object] = {
            "difference": self.value,
            "low": self.low,
            "high": self.high,
            "level": self.level,
            "method": self.method,
            "seeds": self.seeds,
            "detectable": self.detectable,
            "run_ids": list(self.run_ids),
        }
        if self.only_first is not None:
            found |= {
                "mcnemar_exact_p": self.p_value,
                "only_first_right": self.only_first,
                "only_second_right": self.only_second,
            }
        return found


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """Two-sided exact p that two classifiers err alike (McNemar 1947; exact binomial form).

    Args:
        only_first, only_second: images that only the one, or only the other, gets right.
    """
    discordant = only_first + only_second
    if discordant == 0:
        return 1.0
    return float(stats.binomtest(only_first, discordant, 0.5).pvalue)


def compare_cells(grid: Grid, first: Cell, second: Cell, level: float = LEVEL) -> Contrast:
    """Accuracy of `second` minus accuracy of `first`."""
    return contrast(grid, [(1.0, second), (-1.0, first)], level=level)


def contrast(
    grid: Grid,
    terms: Sequence[tuple[float, Cell]],
    *,
    value: float | None = None,
    level: float = LEVEL,
) -> Contrast:
    """Estimate a weighted sum of cell accuracies.

    Seeds that not all cells have are left out, so that each seed contributes whole.

    Args:
        terms: (weight, cell); weights of one cell add up.
        value: the estimate, where the terms are the gradient of something that is not linear in
            the accuracies (delta method); otherwise it is the weighted sum itself.
        level: coverage of the interval.
    """
    weights: dict[int, float] = {}
    members = {id(cell): cell for _, cell in terms}
    for weight, cell in terms:
        weights[id(cell)] = weights.get(id(cell), 0.0) + weight
    seeds = sorted(set.intersection(*(set(cell.seeds) for cell in members.values())))
    if seeds:
        table = {
            key: [run for run in cell.runs if run.seed in seeds] for key, cell in members.items()
        }
    else:  # no seed in common: the first run of each stands for it, nothing is repeated
        table = {key: [cell.runs[0]] for key, cell in members.items()}
    repeats = min(len(runs) for runs in table.values())
    accuracy = np.array([[r.test_accuracy for r in table[key][:repeats]] for key in table])
    vector = np.array([weights[key] for key in table])
    by_seed = vector @ accuracy
    run_ids = tuple(run.run_id for key in table for run in table[key][:repeats])

    paired = all(run_id in grid.correct for run_id in run_ids)
    if paired:
        right = np.array(
            [[grid.correct[r.run_id] for r in table[key][:repeats]] for key in table], dtype=float
        )
        scale = float(np.abs(vector).sum()) / 2
        half = paired_half_width(np.einsum("c,csn->sn", vector, right), scale, level)
    else:
        sizes = np.array([members[key].test_size for key in table])
        half = _unpaired_half_width(vector, accuracy, by_seed, sizes, level)
    estimate = float(by_seed.mean()) if value is None else value
    p_value, only_first, only_second = math.nan, None, None
    if paired and repeats == 1 and sorted(vector) == [-1.0, 1.0]:
        a, b = (
            grid.correct[table[key][0].run_id] for key in sorted(table, key=weights.__getitem__)
        )
        only_first, only_second = int((b & ~a).sum()), int((a & ~b).sum())
        p_value = mcnemar_exact(only_first, only_second)
    return Contrast(
        value=estimate,
        # Two seeds can give an interval wider than any difference of accuracies.
        low=max(-1.0, estimate - half),
        high=min(1.0, estimate + half),
        half_width=half,
        seeds=repeats,
        paired=paired,
        method=_method(paired, repeats),
        run_ids=run_ids,
        level=level,
        p_value=p_value,
        only_first=only_first,
        only_second=only_second,
    )


def paired_half_width(differences: ArrayLike, scale: float = 1.0, level: float = LEVEL) -> float:
    """Half the width of the interval around the mean of `differences` (S seeds, n images).

    One seed: the variance of the mean over images, after two images were added, one at +scale and
    one at -scale. For two classifiers this is the adjusted Wald interval of Bonett & Price (2012,
    J. Educ. Behav. Stat. 37: 479-488), which keeps its coverage when few images differ and does
    not shrink to nothing when none does. What another training would give is not in it.

    Several seeds: images and seeds are crossed, so the variance of the grand mean is, from the
    mean squares of a two-way layout without replication (Searle, Casella & McCulloch 1992, ch. 4),

        [MS_seeds] / (S n)  +  [MS_images - MS_residual] / (S n).

    The first part, known from S - 1 degrees of freedom, is widened by t, the second by z, and the
    squares of the two half-widths are added (Graybill & Wang 1980; Zou & Donner 2008). One t
    quantile with Satterthwaite's degrees of freedom instead covered 87% with two seeds.
    """
    z = np.atleast_2d(np.asarray(differences, dtype=float))
    repeats, images = z.shape
    added = np.full((repeats, 1), scale)
    by_image = np.hstack([z, added, -added]).mean(axis=0)
    quantile = float(stats.norm.isf((1 - level) / 2))
    # The variance of the mean over images; that of the two added images is a part of it.
    image_part = float(np.var(by_image)) / (images + 2)
    if repeats == 1:
        return quantile * math.sqrt(image_part)
    by_seed = z.mean(axis=1)
    residual = z - z.mean(axis=0) - by_seed[:, None] + z.mean()
    mean_square = float(np.sum(residual**2)) / ((repeats - 1) * max(1, images - 1))
    image_part = max(image_part - mean_square / (repeats * images), 2 * (scale / (images + 2)) ** 2)
    return _combine(by_seed, image_part, level)


def _unpaired_half_width(
    weights: NDArray[np.float64],
    accuracy: NDArray[np.float64],
    by_seed: NDArray[np.float64],
    sizes: NDArray[np.float64],
    level: float,
) -> float:
    """The same without single predictions: as if every cell had its own test images.

    Right answers of two models to one image mostly go together, so this overstates the variance of
    a difference. One right and one wrong image are added (Agresti & Caffo 2000) to stay off zero.
    """
    if not np.all(sizes > 0):
        return math.nan
    p = (accuracy.mean(axis=1) * sizes + 1) / (sizes + 2)
    return _combine(by_seed, float(np.sum(weights**2 * p * (1 - p) / (sizes + 2))), level)


def _combine(by_seed: NDArray[np.float64], image_part: float, level: float) -> float:
    """Half-width from a variance known well and the spread between the seeds' estimates."""
    tail = (1 - level) / 2
    square = float(stats.norm.isf(tail)) ** 2 * image_part
    repeats = len(by_seed)
    if repeats > 1:
        between = float(np.var(by_seed, ddof=1)) / repeats
        square += float(stats.t.isf(tail, repeats - 1)) ** 2 * between
    return math.sqrt(square)


def _method(paired: bool, repeats: int) -> str:
    images = "paired by test image" if paired else "test images not paired (normal approximation)"
    if repeats == 1:
        return f"{images}, one training each: the spread between trainings is not in it"
    return f"{images} and by seed, {repeats} seeds"
