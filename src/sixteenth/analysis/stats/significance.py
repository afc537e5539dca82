"""Holm's correction for several comparisons."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


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
