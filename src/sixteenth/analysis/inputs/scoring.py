"""What a study decides by, and how a finite test set bears on it: accuracy, or balanced accuracy.

Both are means over parts of the test set of the share that is right in each. Accuracy has one part,
all images. Balanced accuracy has a part for each class: it is the mean of the recalls (Brodersen et
al. 2010, ICPR: 3121-3124). Whatever differs between the two is in `Scoring`; the rest of the
analysis asks it and does not know which of them it works on.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

BORROWED = 2
"""Images of average variance that are added to a class when its own variance is estimated: one
image, or some that are all right, would say that there is none."""


class Metric(StrEnum):
    """What a study decides by. The values are those of a study file."""

    ACCURACY = "accuracy"
    BALANCED_ACCURACY = "balanced-accuracy"

    @property
    def columns(self) -> tuple[str, str]:
        """Of the results table: the metric, and the images that its noise is that of.

        A simple random test set of so many images would leave as much noise in an accuracy.
        """
        if self is Metric.ACCURACY:
            return "test_accuracy", "test_size"
        return "balanced_accuracy", "balanced_test_size"


@dataclass(frozen=True)
class Scoring:
    """The metric on one list of test images.

    Attributes:
        parts: positions of the images of each part; those of a class that the test set lacks are
            not among them, as in scikit-learn's `balanced_accuracy_score`.
        labels: (n,) classes of the images.
    """

    parts: tuple[slice | NDArray[np.intp], ...]
    labels: NDArray[np.integer]

    @classmethod
    def of(cls, metric: Metric, labels: NDArray[np.integer]) -> Scoring:
        """The metric on test images of these classes, (n,)."""
        if metric is Metric.ACCURACY:
            return cls((slice(None),), labels)
        return cls(tuple(np.flatnonzero(labels == k) for k in np.unique(labels)), labels)

    def score(self, right: NDArray[Any]) -> Array:
        """The metric of right answers or any values of single images (..., n), as (...)."""
        means = [right[..., part].mean(axis=-1) for part in self.parts]
        return np.asarray(np.mean(means, axis=0), dtype=float)

    @property
    def chance(self) -> float:
        """The most that one and the same answer to all images gets; NaN without images."""
        if not len(self.labels):
            return math.nan
        names = int(self.labels.max()) + 1
        counts = [np.bincount(self.labels[part], minlength=names) for part in self.parts]
        return float(np.mean([each / each.sum() for each in counts], axis=0).max())

    def covariance(self, values: Array, per_image: Callable[[Array], Array]) -> Array:
        """Covariance over other test images of the scores of some rows of values, (m, m).

        Of one part it is that of an image, over the images and the two that `per_image` adds. Of
        several parts the variances of their means add up: each is estimated from its own images
        and `BORROWED` of the average one. So classes are as many as they are: what differs between
        two test sets is which images of a class they hold.

        Args:
            values: (m, n).
            per_image: covariance of one image, (m, m), of values (m, n) and the images added.
        """
        if len(self.parts) == 1:
            return np.asarray(per_image(values) / (values.shape[1] + 2))
        inside = values.astype(float).copy()
        for part in self.parts:
            inside[:, part] -= inside[:, part].mean(axis=1, keepdims=True)
        pooled = per_image(inside + self.score(values)[:, None])
        added = pooled - inside @ inside.T / inside.shape[1]
        total = np.zeros_like(pooled)
        for part in self.parts:
            own = inside[:, part]
            n = own.shape[1]
            total += (own @ own.T + n * added + BORROWED * pooled) / (n + BORROWED - 1) / n
        return np.asarray(total / len(self.parts) ** 2)

    def noise(self, right: Array) -> float:
        """The variance of the score between trainings that the finite test set alone makes.

        From the interaction of trainings and images (Searle, Casella & McCulloch 1992, ch. 4).

        Args:
            right: (trainings, n), at least two trainings.
        """
        found = 0.0
        for part in self.parts:
            own = right[:, part]
            residual = own - own.mean(axis=0) - own.mean(axis=1, keepdims=True) + own.mean()
            trainings, images = own.shape
            square = float(np.sum(residual**2)) / ((trainings - 1) * max(1, images - 1))
            found += square / images
        return found / len(self.parts) ** 2

    def effective_size(self, right: NDArray[np.bool_]) -> float:
        """Images of a simple random test set that would leave as much noise in an accuracy.

        The effective sample size of Korn & Graubard (1998): p (1 - p) over the score's variance.
        """
        n = len(right)
        if len(self.parts) == 1:
            return float(n)
        p = float(self.score(right))
        share = smoothed_share(p, n)
        variance = self.covariance(right[None].astype(float), _with_right_and_wrong)
        return share * (1 - share) / float(variance[0, 0])


@overload
def smoothed_share(share: float, images: float) -> float: ...
@overload
def smoothed_share(share: Array, images: float | NDArray[Any]) -> Array: ...
def smoothed_share(share: float | Array, images: float | NDArray[Any]) -> float | Array:
    """A share of so many images with two more, one that is right and one that is wrong.

    For variances p (1 - p) that stay off zero where all images are right or all are wrong (Agresti
    & Caffo 2000, The American Statistician 54: 280-288).
    """
    return (share * images + 1) / (images + 2)


def _with_right_and_wrong(values: Array) -> Array:
    """The variance of an image with one image added that is right and one that is wrong."""
    return np.array([[np.var(np.append(values, [1.0, 0.0]))]])
