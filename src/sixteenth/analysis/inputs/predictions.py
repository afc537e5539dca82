"""What every run predicted of every test image, where all saw the same ones in one order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from ...spec.agreement import agree

Predictions = Mapping[str, tuple[NDArray[np.integer], NDArray[np.floating]]]
"""run_id -> (labels (n,), probabilities (n, C)), all in the order of the one test split."""


class Unpaired(StrEnum):
    """Why differences between runs are not paired by test image."""

    NO_PREDICTIONS = "no-predictions"
    """No predictions of single test images were given."""
    DIFFERENT_IMAGES = "different-images"
    """The runs were not tested on the same images."""
    SOME_RUNS = "some-runs"
    """Some runs have no predictions that match their accuracy."""


@dataclass(frozen=True)
class TestPredictions:
    """The predicted class and its probability for each run and test image.

    Attributes:
        labels: (n,) the given classes.
        predicted, confidence, correct: run_id -> (n,); only runs whose predictions can be used.
        self_confidence: run_id -> (C,) mean probability of each class over the images that are
            given as it; NaN for a class without images.
        unpaired: why test images cannot be paired between runs; None when they can.
    """

    labels: NDArray[np.integer] = field(default_factory=lambda: np.empty(0, dtype=int))
    predicted: Mapping[str, NDArray[np.integer]] = field(default_factory=dict)
    confidence: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    correct: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    self_confidence: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    unpaired: Unpaired | None = Unpaired.NO_PREDICTIONS


def read_predictions(accuracies: Mapping[str, float], predictions: Predictions) -> TestPredictions:
    """The predictions of the finished runs, as long as all saw the same list of labels.

    Args:
        accuracies: run_id -> test accuracy of the finished runs.
        predictions: of these runs or more.
    """
    labels: NDArray[np.integer] | None = None
    predicted, confidence, correct, self_confidence = {}, {}, {}, {}
    for run_id, accuracy in accuracies.items():
        if run_id not in predictions:
            continue
        given, probabilities = predictions[run_id]
        if labels is None:
            labels = np.asarray(given)
        elif not np.array_equal(labels, given):
            return TestPredictions(unpaired=Unpaired.DIFFERENT_IMAGES)
        best = np.argmax(probabilities, axis=1)
        right = best == labels
        if len(right) and agree(accuracy, int(right.sum()), len(right)):
            predicted[run_id], correct[run_id] = best, right
            confidence[run_id] = np.max(probabilities, axis=1).astype(float)
            self_confidence[run_id] = _self_confidence(labels, probabilities)
    if labels is None or len(labels) == 0:
        return TestPredictions()
    return TestPredictions(labels, predicted, confidence, correct, self_confidence, None)


def _self_confidence(
    labels: NDArray[np.integer], probabilities: NDArray[np.floating]
) -> NDArray[np.float64]:
    classes = probabilities.shape[1]
    own = probabilities[np.arange(len(labels)), labels].astype(float)
    number = np.bincount(labels, minlength=classes)
    total = np.bincount(labels, weights=own, minlength=classes)
    mean: NDArray[np.float64] = np.full(classes, np.nan)
    np.divide(total, number, out=mean, where=number > 0)
    return mean
