"""What every run predicted of every test image, where all saw the same ones in one order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from ...spec.agreement import agree

Predictions = Mapping[str, tuple[NDArray[np.integer], NDArray[np.floating]]]
"""run_id -> (labels (n,), probabilities (n, C)), all in the order of the one test split."""

Answers = tuple[NDArray[np.integer], NDArray[np.bool_]]
"""Labels (n,) and which of the images one run got right (n,)."""


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
    predicted, confidence, self_confidence = {}, {}, {}

    def answers(run_id: str) -> Answers:
        labels, probabilities = predictions[run_id]
        predicted[run_id] = np.argmax(probabilities, axis=1)
        confidence[run_id] = np.max(probabilities, axis=1).astype(float)
        self_confidence[run_id] = _self_confidence(labels, probabilities)
        return np.asarray(labels), predicted[run_id] == labels

    known = {run_id: each for run_id, each in accuracies.items() if run_id in predictions}
    found = pair_answers(known, answers)
    return replace(
        found,
        predicted={run_id: predicted[run_id] for run_id in found.correct},
        confidence={run_id: confidence[run_id] for run_id in found.correct},
        self_confidence={run_id: self_confidence[run_id] for run_id in found.correct},
    )


def pair_answers(
    accuracies: Mapping[str, float], answers: Callable[[str], Answers]
) -> TestPredictions:
    """`read_predictions` with no more than `labels` and `correct`, which intervals rest on.

    Args:
        accuracies: run_id -> test accuracy of the finished runs that have predictions.
        answers: of a run_id.
    """
    labels: NDArray[np.integer] | None = None
    correct = {}
    for run_id, accuracy in accuracies.items():
        given, right = answers(run_id)
        if labels is None:
            labels = given
        elif not np.array_equal(labels, given):
            return TestPredictions(unpaired=Unpaired.DIFFERENT_IMAGES)
        if len(right) and agree(accuracy, int(right.sum()), len(right)):
            correct[run_id] = right
    if labels is None or len(labels) == 0:
        return TestPredictions()
    return TestPredictions(labels, correct=correct, unpaired=None)


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
