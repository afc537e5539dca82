"""The paired bootstrap: the intervals of `stats.paired` without any formula, to check them by.

`stats.paired` computes its intervals in closed form, which is exact enough and thousands of times
faster; a test holds the two against each other. With two or three seeds the closed form is the one
to trust: a bootstrap over so few trainings is too narrow (it resamples 2 or 3 values and knows no
t quantile).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from sixteenth import InputError
from sixteenth.analysis import Cell, Grid
from sixteenth.analysis.stats.intervals import LEVEL
from sixteenth.analysis.stats.paired import aligned

RESAMPLES = 10_000


def bootstrap_interval(
    grid: Grid,
    terms: Sequence[tuple[float, Cell]],
    *,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile interval of a weighted sum of cell accuracies, e.g. one cell minus another.

    Args:
        terms: (weight, cell), as of `stats.paired.contrast`.
        level: coverage.
        resamples: bootstrap samples.
        seed: of the resampling.

    Raises:
        InputError: a run of these cells has no predictions on the common test images.
    """
    found = aligned(grid, terms)
    if found.differences is None:
        raise InputError("a paired bootstrap needs every run's predictions on the same test images")
    return paired_bootstrap(found.differences, level=level, resamples=resamples, seed=seed)


def paired_bootstrap(
    differences: ArrayLike, *, level: float = LEVEL, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[float, float]:
    """Percentile interval of the mean of `differences` (S seeds, n images), both resampled.

    Images and seeds are crossed, so whole rows and whole columns are drawn (the pigeonhole
    bootstrap: Owen 2007, Ann. Appl. Stat. 1: 386-411; for images alone, Efron & Tibshirani 1993).
    Images with the same column of differences are interchangeable, so counts of the different
    columns are drawn from one multinomial: the same bootstrap, without touching single images.
    """
    z = np.atleast_2d(np.asarray(differences, dtype=float))
    repeats, images = z.shape
    rng = np.random.default_rng(seed)
    columns, counts = np.unique(z, axis=1, return_counts=True)
    drawn = rng.multinomial(images, counts / images, size=resamples)  # (B, columns)
    by_seed = drawn @ columns.T / images  # (B, S)
    weights = rng.multinomial(repeats, np.full(repeats, 1 / repeats), size=resamples) / repeats
    low, high = np.quantile((by_seed * weights).sum(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
