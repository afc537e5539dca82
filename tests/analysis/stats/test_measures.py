"""Top-5 accuracy, calibration and recalls by class, against scikit-learn and simulation."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import recall_score, top_k_accuracy_score

from classes_study import classes_study
from sixteenth.analysis import Metric, read_grid
from sixteenth.analysis.stats.measures import calibration_error, measure
from sixteenth.analysis.stats.per_class import TRADED, ClassRecalls, class_table

RNG = np.random.default_rng(0)


def test_top_5_accuracy_is_that_of_scikit_learn():
    probabilities = RNG.dirichlet(np.ones(9), 300)
    labels = RNG.integers(0, 9, 300)
    labels[:9] = np.arange(9)
    expected = top_k_accuracy_score(labels, probabilities, k=5)
    assert measure(labels, probabilities).top5_accuracy == pytest.approx(expected)


def test_equal_probabilities_do_not_put_a_class_among_the_first_five_by_themselves():
    labels = np.arange(10)
    found = measure(labels, np.full((10, 10), 0.1))
    assert found.top5_accuracy == 0.5


def test_of_five_classes_there_is_no_top_5_accuracy():
    labels = RNG.integers(0, 5, 50)
    assert math.isnan(measure(labels, RNG.dirichlet(np.ones(5), 50)).top5_accuracy)


def test_the_calibration_error_is_that_of_its_definition():
    confidence, right = RNG.uniform(0.1, 1, 500), RNG.random(500) < 0.6
    expected = 0.0
    for b in range(15):
        inside = (confidence > b / 15) & (confidence <= (b + 1) / 15)
        if inside.any():
            gap = abs(right[inside].mean() - confidence[inside].mean())
            expected += inside.mean() * gap
    assert calibration_error(right, confidence) == pytest.approx(expected)
    assert calibration_error(np.array([True]), np.array([1.0])) == 0


def test_recalls_are_those_of_scikit_learn_and_fractions_tell_the_training_images():
    study = classes_study({("resnet18", "random"): [[0.5, 0.8, 0.2]] * 3}, (90, 30, 12))
    run_id = study.results["run_id"].iloc[-1]
    labels, probabilities = study.predictions[run_id]
    grid = read_grid(study.results, None, study.predictions)
    table = class_table(grid, ["cat", "dog"], {"1": [10, 20, 30]})
    last = table[table["run_id"] == run_id]
    assert list(last["class"]) == ["cat", "dog", "2"]
    assert list(last["train_images"]) == [10, 20, 30]
    assert list(last["test_images"]) == [90, 30, 12]
    expected = recall_score(labels, probabilities.argmax(1), average=None)
    assert list(last["recall"]) == pytest.approx(list(expected))
    assert table["train_images"].isna().sum() == 6
    inside = (table["low"] <= table["networks_low"]) & (table["networks_high"] <= table["high"])
    assert inside.all()  # another training differs more than other images alone


def test_without_predictions_there_is_no_row_of_a_class():
    table = pd.DataFrame({"model": ["a"], "train_size": [9], "test_accuracy": [0.9]})
    assert class_table(read_grid(table)).empty


@pytest.mark.parametrize("metric", list(Metric))
def test_the_interval_of_a_recall_holds_another_training_once_trainings_were_repeated(metric):
    """Recalls that differ by 4 points between trainings, which no spread of the accuracy tells."""
    truth, spread, held, cells = np.linspace(0.5, 0.9, 8), 0.04, 0, 0
    for i in range(6):
        study = classes_study(
            {("resnet18", "random"): [truth] * 3},
            (150,) * 8,
            seeds=(0, 1, 2),
            spread=spread,
            generator=i,
        )
        grid = read_grid(study.results, None, study.predictions, metric)
        found, cell = ClassRecalls(grid), grid.cells[-1]
        low, high = found.interval(cell, found.of(cell), 3)
        other = truth + np.random.default_rng(100 + i).normal(0, spread, 8)
        measured = np.random.default_rng(i).binomial(150, np.clip(other, 0, 1)) / 150
        held += int(((low <= other) & (other <= high)).sum())
        cells += len(measured)
    assert 0.9 <= held / cells <= 1.0


def test_without_repeats_what_classes_take_from_each_other_is_assumed():
    study = classes_study({("resnet18", "random"): [[0.5, 0.8, 0.2]] * 3}, (90, 30, 12))
    assert ClassRecalls(read_grid(study.results, None, study.predictions)).spread_ratio == TRADED
