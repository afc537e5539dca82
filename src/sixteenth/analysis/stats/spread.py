"""How far another measurement may lie from an estimate: over test images and over trainings."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from scipy.special import ndtr, ndtri

LEVEL = 0.95
"""Level of the intervals of what was measured."""

POWER = 0.8
"""Chance of being seen that the smallest visible difference is stated for; the usual choice."""


@dataclass(frozen=True)
class Spread:
    """How far another measurement may lie from an estimate.

    Attributes:
        images: variance over other test images.
        trainings: (m,) draws of the variance that trainings add, those measured and another one of
            each cell; empty where only the test images are meant.
        estimate: variance that the measured trainings alone add to the estimate.
        test_images: their number; NaN where it is not known, or where the estimate is no plain
            difference of accuracies.
    """

    images: float
    trainings: NDArray[np.float64] = field(
        default_factory=lambda: np.zeros(1), repr=False, compare=False
    )
    estimate: float = 0.0
    test_images: float = math.nan

    @property
    def mostly_images(self) -> bool:
        """Whether other test images are the larger part of it."""
        return self.images >= float(np.median(self.trainings))

    def half_width(self, level: float) -> float:
        """Half the interval at `level`: of a normal mixture over the draws; NaN if not known."""
        deviations = np.sqrt(self.images + self.trainings)
        widest = float(deviations.max())
        if not widest > 0:
            return widest  # 0, or NaN
        ends = -ndtri((1 - level) / 2) * np.array([deviations.min() * 0.999, widest])
        if ends[1] - ends[0] < 1e-3 * ends[1]:
            return float(ends[1])

        def excess(half: float) -> float:
            return 2 * float(ndtr(-half / deviations).mean()) - (1 - level)

        return float(optimize.brentq(excess, *ends, xtol=1e-7))

    def detectable(self, level: float) -> float:
        """The smallest true difference that is seen at `level` with probability `POWER`.

        `images` is the variance at the difference that was measured. Where the networks agree on
        nearly all images, that at a larger difference is larger: hence `least_detectable`.
        """
        scatter = math.sqrt(self.images + self.estimate)
        found = self.half_width(level) + float(ndtri(POWER)) * scatter
        least = least_detectable(self.test_images, level)
        return least if least > found else found  # so NaN does not count

    def p_value(self, value: float) -> float:
        """One minus the level at which the interval around `value` ends at zero."""
        if not (math.isfinite(self.images) and math.isfinite(value)):
            return math.nan
        deviations = np.sqrt(self.images + self.trainings)
        with np.errstate(divide="ignore", invalid="ignore"):
            p = 2 * float(ndtr(-abs(value) / deviations).mean())
        return p if math.isfinite(p) else math.nan


def least_detectable(test_images: float, level: float = LEVEL) -> float:
    """The smallest difference that so many test images can show, however alike trainings are.

    At `level` with probability `POWER`, for a network that is right where the other is, and on g n
    images more: these scatter by their root. NaN where the number is not known.
    """
    if not test_images > 0:
        return math.nan
    return float(ndtri((1 + level) / 2) + ndtri(POWER)) ** 2 / test_images
