"""Accuracy and balanced accuracy as one thing: scores, their noise over test images, and chance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score

from classes_study import classes_study
from sixteenth.analysis import Metric, cell_interval, compare_cells, read_grid
from sixteenth.analysis.inputs.scoring import Scoring
from sixteenth.analysis.stats.paired import image_covariance
from sixteenth.errors import InputError

COUNTS = (400, 300, 150, 100, 40, 10)
RECALLS = np.array([0.95, 0.9, 0.85, 0.8, 0.6, 0.5])


def labels_of(counts: tuple[int, ...]) -> NDArray[np.int64]:
    return np.repeat(np.arange(len(counts)), counts)


def variance(scoring: Scoring, z: NDArray[np.float64]) -> float:
    return float(scoring.covariance(z[None], lambda v: image_covariance(v, np.ones((1, 1))))[0, 0])


def test_balanced_accuracy_is_that_of_scikit_learn_also_where_a_class_has_no_test_image():
    rng = np.random.default_rng(0)
    labels = rng.choice([0, 1, 3, 4], 500, p=[0.6, 0.3, 0.07, 0.03])
    predicted = np.where(rng.random(500) < 0.7, labels, rng.permutation(labels))
    scoring = Scoring.of(Metric.BALANCED_ACCURACY, labels)
    expected = balanced_accuracy_score(labels, predicted)
    assert float(scoring.score(predicted == labels)) == pytest.approx(expected)


def test_chance_is_the_share_of_the_most_frequent_class_or_one_over_the_classes():
    labels = labels_of(COUNTS)
    assert Scoring.of(Metric.ACCURACY, labels).chance == pytest.approx(0.4)
    assert Scoring.of(Metric.BALANCED_ACCURACY, labels).chance == pytest.approx(1 / 6)


def test_the_noise_of_balanced_accuracy_is_what_other_test_images_make():
    """Of a difference of two networks, over test sets drawn anew with the same counts."""
    rng, labels = np.random.default_rng(1), labels_of(COUNTS)
    scoring = Scoring.of(Metric.BALANCED_ACCURACY, labels)
    differences, variances = [], []
    for _ in range(300):
        easy = rng.random(len(labels))
        first, second = (easy + rng.normal(0, 0.2, (2, len(labels)))) < RECALLS[labels]
        z = first.astype(float) - second
        differences.append(float(scoring.score(z)))
        variances.append(variance(scoring, z))
    assert np.mean(variances) == pytest.approx(np.var(differences), rel=0.2)
    # The plain formula with the images' weights would count the classes' sizes as chance, too.
    ends = 1.96 * np.sqrt(variances)
    assert 0.92 <= np.mean(np.abs(differences) <= ends) <= 0.98


FEW_OF_MANY = [
    *(([images] * 100, "uneven") for images in (1, 2, 3)),
    ([1] * 90 + [21] * 10, "uneven"),
    ([1] * 90 + [21] * 10, "rising"),
    ([1] * 10 + [21] * 90, "rising"),
    ([2] * 10 + [21] * 90, "rising"),
]
"""Test images of each class, and whether recalls rise with them, as they do in long tails."""


@pytest.mark.parametrize(("counts", "recalls"), FEW_OF_MANY)
def test_few_images_of_many_classes_have_the_noise_that_other_images_make(
    counts: list[int], recalls: str
):
    """Of one score, of a difference of two and between three trainings of the same recalls."""
    rng, labels = np.random.default_rng(3), labels_of(tuple(counts))
    uneven = np.random.default_rng(9).normal(0.7, 0.15, len(counts)).clip(0.05, 0.98)
    recall = uneven if recalls == "uneven" else np.where(np.array(counts) > 2, 0.9, 0.5)
    scoring = Scoring.of(Metric.BALANCED_ACCURACY, labels)
    easy, own, shared = rng.random((3, 400, 3, len(labels)))
    right = (np.where(shared < 0.7, easy[:, :1], own) < recall[labels]).astype(float)
    difference = right[:, 0] - right[:, 1]
    ratios = {
        "score": variances(scoring, right[:, 0] - 0.5, 0.5) / np.var(scoring.score(right[:, 0])),
        "difference": variances(scoring, difference, 1.0) / np.var(scoring.score(difference)),
        "trainings": np.mean([scoring.noise(each) for each in right[:100]])
        / np.mean(np.var(scoring.score(right), axis=1, ddof=1)),
    }
    assert all(0.85 <= ratio <= 1.3 for ratio in ratios.values()), ratios


def variances(scoring: Scoring, z: NDArray[np.float64], scale: float) -> float:
    """The mean of the rows' variances; a few rows at a time are faster than one."""
    found = [
        np.diag(
            scoring.covariance(rows, lambda v: image_covariance(v, np.full((len(v), 1), scale)))
        )
        for rows in np.split(z, 20)
    ]
    return float(np.mean(found))


def test_no_test_set_of_balanced_accuracy_counts_for_more_images_than_it_has():
    labels = labels_of((10,) * 20)
    right = labels < 12  # each class is wholly right or wholly wrong
    assert Scoring.of(Metric.BALANCED_ACCURACY, labels).effective_size(right) == 200


def test_one_image_of_each_class_gives_balanced_accuracy_the_noise_of_accuracy():
    labels = labels_of((1,) * 100)
    right = (np.random.default_rng(4).random((3, 100)) < 0.7).astype(float)
    plain, balanced = (Scoring.of(metric, labels) for metric in Metric)
    for z in (right[0], right[0] - right[1]):
        assert variance(balanced, z) == pytest.approx(variance(plain, z), rel=0.05)
    assert balanced.noise(right) == pytest.approx(plain.noise(right), rel=0.03)


def test_a_class_of_one_image_does_not_make_a_test_set_certain():
    labels = labels_of((200, 1))
    scoring = Scoring.of(Metric.BALANCED_ACCURACY, labels)
    z = (np.random.default_rng(0).random(201) < 0.8).astype(float)
    assert variance(scoring, z) > 0.25 * z[:200].var() * 0.5


def test_equally_large_classes_give_balanced_accuracy_the_noise_of_accuracy():
    labels = labels_of((100,) * 10)
    z = (np.random.default_rng(2).random(1000) < 0.8).astype(float)
    plain, balanced = (variance(Scoring.of(metric, labels), z) for metric in Metric)
    assert balanced == pytest.approx(plain, rel=0.03)


def test_differences_are_of_balanced_accuracy_and_paired_by_image():
    known = list(RECALLS)
    better = [*known[:-2], 0.85, 0.8]
    study = classes_study(
        {("resnet18", "random"): [known] * 3, ("resnet50", "random"): [better] * 3}, COUNTS
    )
    found = {}
    for metric in Metric:
        grid = read_grid(study.results, None, study.predictions, metric)
        small, big = (grid.curve((model, "random"))[-1] for model in ("resnet18", "resnet50"))
        found[metric] = compare_cells(grid, small, big)
        assert found[metric].value == pytest.approx(big.accuracy - small.accuracy)
        assert found[metric].basis == "paired"
    plain, balanced = found[Metric.ACCURACY], found[Metric.BALANCED_ACCURACY]
    assert balanced.value > 3 * plain.value
    assert balanced.half_width > plain.half_width  # 50 images decide about it


def test_without_predictions_balanced_accuracy_is_read_from_the_table():
    table = pd.DataFrame(
        {
            "model": ["a", "b"],
            "train_size": [100, 100],
            "test_accuracy": [0.9, 0.8],
            "test_size": [1000, 1000],
            "balanced_accuracy": [0.7, np.nan],
            "balanced_test_size": [90, np.nan],
        }
    )
    grid = read_grid(table, metric=Metric.BALANCED_ACCURACY)
    assert [cell.accuracy for cell in grid.cells] == [0.7]
    assert [run.why_missing.lacks for run in grid.missing] == ["predictions"]
    wide = cell_interval(grid, grid.cells[0])
    assert wide.high - wide.low > 0.15  # that of 90 images, not of 1,000


def test_a_balanced_accuracy_outside_0_and_1_is_refused():
    table = pd.DataFrame(
        {"model": ["a"], "train_size": [9], "test_accuracy": [0.9], "balanced_accuracy": [70.0]}
    )
    with pytest.raises(InputError, match="balanced_accuracy is 70"):
        read_grid(table, metric=Metric.BALANCED_ACCURACY)
