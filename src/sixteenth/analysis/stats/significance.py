"""Exact and corrected tests: McNemar's for two classifiers, Holm's for several comparisons."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """Two-sided exact p that two classifiers err alike (McNemar 1947; exact binomial form).

    Args:
        only_first, only_second: images that only the one, or only the other, gets right.
    """
    discordant = only_first + only_second
    if discordant == 0:
        return 1.0
    return float(stats.binomtest(only_first, discordant, 0.5).pvalue)


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Holm's adjusted p values of one family of tests (Holm 1979, Scand. J. Stat. 6: 65-70).

    The chance of even one false finding among those with an adjusted p below 0.05 is below 5%,
    however the tests depend on each other.

    Args:
        p_values: (m,), any order; NaN where no test was made, which takes no part.

    Returns:
        (m,) adjusted p values, at most 1, in the given order; NaN stays NaN.
    """
    p = np.asarray(p_values, dtype=float)
    adjusted = np.full(p.shape, np.nan)
    order = [i for i in np.argsort(p, kind="stable") if np.isfinite(p[i])]
    highest = 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * p[i]))
        adjusted[i] = highest
    return adjusted
