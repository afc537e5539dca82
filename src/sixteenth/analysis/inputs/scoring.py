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
from functools import cached_property
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

BORROWED = 2
"""Degrees of freedom of the variance that is lent to a class, see `Scoring._part_variances`: one
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
        several parts the variances of their means add up, see `_part_variances`. So classes are as
        many as they are: what differs between two test sets is which images of a class they hold.

        Args:
            values: (m, n).
            per_image: covariance of one image, (m, m), of values (m, n) and the images added.
        """
        n = values.shape[1]
        if len(self.parts) == 1:
            return np.asarray(per_image(values) / (n + 2))
        inside = values.astype(float).copy()
        for part in self.parts:
            inside[:, part] -= inside[:, part].mean(axis=1, keepdims=True)
        added = (n + 2) * per_image(inside + self.score(values)[:, None]) - inside @ inside.T
        each = (n * self._part_variances(values, added) + added) / (n + 2)
        return np.asarray(np.mean(each / self._counts[:, None, None], axis=0) / len(self.parts))

    def noise(self, right: Array) -> float:
        """The variance of the score between trainings that the finite test set alone makes.

        From the interaction of trainings and images (Searle, Casella & McCulloch 1992, ch. 4).

        Args:
            right: (trainings, n), at least two trainings.
        """
        trainings = len(right)
        if len(self.parts) == 1:
            own = right[:, self.parts[0]]
            residual = own - own.mean(axis=0) - own.mean(axis=1, keepdims=True) + own.mean()
            images = int(own.shape[1])
            square = float(np.sum(residual**2)) / ((trainings - 1) * max(1, images - 1))
            return square / images
        each = self._part_variances(right - right.mean(axis=0), np.zeros((trainings, trainings)))
        squares = np.trace(each, axis1=1, axis2=2) / (trainings - 1)
        return float(np.mean(squares / self._counts) / len(self.parts))

    def _part_variances(self, values: Array, added: Array) -> Array:
        """Covariance of a random image of each of several parts, (parts, m, m).

        What few images of a class do not tell is lent to it in two steps, each with the weight of
        `BORROWED` degrees of freedom: by the classes of about as many images, since recalls often
        rise with the images of a class; and to these by an image of any class, whose variance has
        that between classes in it and so is too large rather than too small. Classes of one image
        have no variance of their own: they are taken together as one, for the same reason on the
        safe side (collapsed strata: Cochran 1977, Sampling Techniques, section 5A.12).

        Args:
            values: (m, n).
            added: (m, m), squares that are added to those of the parts' means.
        """
        classes, counts = len(self.parts), self._counts
        means = np.array([values[:, part].mean(axis=1) for part in self.parts])
        inside = [
            values[:, part] - mean[:, None] for part, mean in zip(self.parts, means, strict=True)
        ]
        squares = np.array([own @ own.T for own in inside])
        between = means - means.mean(axis=0)
        total = (squares / counts[:, None, None]).sum(axis=0) + between.T @ between
        of_any = (total + added) / (classes + 2)
        found = np.empty_like(squares)
        sizes = np.frexp(counts)[1]  # the same from a power of two to below the next
        for size in np.unique(sizes):
            alike = sizes == size
            freedom = float(np.sum(counts[alike] - 1))
            pooled = squares[alike].sum(axis=0)
            if not freedom:
                apart = means[alike] - means[alike].mean(axis=0)
                freedom, pooled = len(apart) - 1.0, apart.T @ apart
            lent = (pooled + BORROWED * of_any) / (freedom + BORROWED)
            own_freedom = counts[alike, None, None] - 1 + BORROWED
            found[alike] = (squares[alike] + BORROWED * lent) / own_freedom
        return found

    @cached_property
    def _counts(self) -> Array:
        """Images of each of several parts."""
        return np.array([len(self.labels[part]) for part in self.parts], dtype=float)

    def effective_size(self, right: NDArray[np.bool_]) -> float:
        """Images of a simple random test set that would leave as much noise in an accuracy.

        The effective sample size of Korn & Graubard (1998): p (1 - p) over the score's variance.
        Never more than there are: then it is that of accuracy where all classes are equally large.
        """
        n = len(right)
        if len(self.parts) == 1:
            return float(n)
        p = float(self.score(right))
        share = smoothed_share(p, n)
        variance = self.covariance(right[None].astype(float), _with_right_and_wrong)
        return min(float(n), share * (1 - share) / float(variance[0, 0]))


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
