"""What the test predictions of one network say besides its accuracy."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..inputs.scoring import Metric, Scoring

TOP = 5
"""A top-5 accuracy is told of more classes than these; of fewer it is always 100%."""
BINS = 15
"""Bins of equal width of the confidence, as in Guo et al. 2017."""


@dataclass(frozen=True)
class TestMeasures:
    """Measures of one network on the test set, shares in [0, 1].

    Attributes:
        balanced_accuracy: mean of the recalls of the classes that the test set holds.
        balanced_test_size: test images that its noise is that of, see `Scoring.effective_size`.
        top5_accuracy: part of the images whose class is among the five most probable; NaN with five
            classes or fewer.
        ece: expected calibration error.
    """

    __test__ = False
    balanced_accuracy: float
    balanced_test_size: float
    top5_accuracy: float
    ece: float


def measure(labels: NDArray[np.integer], probabilities: NDArray[np.floating]) -> TestMeasures:
    """The measures of predictions of single test images.

    Args:
        labels: (n,) given classes.
        probabilities: (n, C).
    """
    right = np.argmax(probabilities, axis=1) == labels
    scoring = Scoring.of(Metric.BALANCED_ACCURACY, labels)
    top = math.nan
    if probabilities.shape[1] > TOP:
        # The classes that are more probable than the given one; ties go to the lower number, as
        # they do in argmax.
        own = probabilities[np.arange(len(labels)), labels][:, None]
        before = np.arange(probabilities.shape[1]) < labels[:, None]
        ahead = (probabilities > own) | ((probabilities == own) & before)
        top = float((ahead.sum(axis=1) < TOP).mean())
    return TestMeasures(
        float(scoring.score(right)),
        scoring.effective_size(right),
        top,
        calibration_error(right, np.max(probabilities, axis=1).astype(float)),
    )


def calibration_error(right: NDArray[np.bool_], confidence: NDArray[np.float64]) -> float:
    """The expected calibration error (ECE), in [0, 1].

    The sum over `BINS` bins of equal width, (b - 1) / 15 < confidence <= b / 15, of
    n_b / n * |accuracy_b - mean confidence_b| (Guo, Pleiss, Sun & Weinberger 2017, ICML, eq. 3).

    Args:
        right: (n,) whether the predicted class is the given one.
        confidence: (n,) probability of the predicted class.
    """
    bins = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    differences = np.bincount(bins, weights=right - confidence, minlength=BINS)
    return float(np.abs(differences).sum() / len(right))
