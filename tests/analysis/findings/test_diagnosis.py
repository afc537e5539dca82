"""Each diagnosis where it must be made, and where it must not."""

from __future__ import annotations

import pandas as pd
import pytest

from sixteenth.analysis import Context, diagnose

ONE = {("resnet18", "random"): (0.6,)}
ALL = {"1": 50_000}


def kinds(study, **options):
    return {d.kind: d for d in diagnose(study.results, study.histories, **options)}


def with_history(study, **columns):
    study.histories = study.histories.assign(**columns)
    return study


def test_a_fitted_run_with_a_large_gap_overfits(study):
    found = kinds(study(ONE, fractions=ALL, train={("resnet18", "random"): (1.0,)}))
    assert "overfitting" in found
    assert "100.0% of the training images" in found["overfitting"].text
    assert "overfitting" not in kinds(
        study(ONE, fractions=ALL, train={("resnet18", "random"): (0.7,)})
    )


def test_test_loss_that_rises_while_training_loss_falls_is_dated(study):
    simulated = with_history(
        study(ONE, fractions=ALL),
        test_loss=[1.5, 1.1, 1.0, 1.1, 1.3, 1.5],
        train_loss=[1.6, 1.2, 0.9, 0.6, 0.4, 0.2],
    )
    found = kinds(simulated)["test-loss-rising"]
    assert found.numbers["best_epoch"] == 3
    assert "lowest at epoch 3 (1.00) and rose to 1.50 by epoch 6" in found.text


@pytest.mark.parametrize(
    ("test_loss", "train_loss"),
    [
        ([1.5, 1.1, 1.0, 1.1, 1.03, 1.04], [1.6, 1.2, 0.9, 0.6, 0.4, 0.2]),  # within the noise
        ([1.5, 1.1, 1.0, 1.1, 1.3, 1.5], [1.6, 1.2, 0.9, 1.2, 1.4, 1.6]),  # both rise
        ([1.5, 1.2, 1.0, 0.9, 0.8, 0.7], [1.6, 1.2, 0.9, 0.6, 0.4, 0.2]),  # both fall
    ],
)
def test_test_loss_is_not_called_rising_by_noise_or_with_training_loss(
    study, test_loss, train_loss
):
    simulated = with_history(study(ONE, fractions=ALL), test_loss=test_loss, train_loss=train_loss)
    assert "test-loss-rising" not in kinds(simulated)


def test_a_run_that_still_climbs_had_too_few_steps(study):
    simulated = with_history(
        study(ONE, fractions=ALL), train_accuracy=[0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    )
    found = kinds(simulated)["too-few-steps"]
    assert found.numbers["climb_last_third"] == pytest.approx(0.2)
    flat = with_history(
        study(ONE, fractions=ALL), train_accuracy=[0.2, 0.5, 0.66, 0.68, 0.681, 0.68]
    )
    assert "too-few-steps" not in kinds(flat)


def test_a_feature_map_of_one_position_is_noticed(study):
    assert "small-map" in kinds(study(ONE, fractions=ALL))
    assert "small-map" not in kinds(study(ONE, fractions=ALL, final_map="4x4"))


def test_a_run_no_better_than_guessing_is_named(study):
    simulated = study({("resnet18", "random"): (0.1,)}, fractions=ALL)
    found = kinds(simulated, context=Context(num_classes=10))
    assert "no more than guessing gets (10.0%)" in found["at-chance"].text
    assert "at-chance" not in kinds(simulated)  # nobody said how many classes there are
    assert "at-chance" not in kinds(study(ONE, fractions=ALL), context=Context(num_classes=10))


def test_guessing_means_the_most_frequent_class_where_predictions_tell_it(study):
    simulated = study({("resnet18", "random"): (0.3,)}, fractions=ALL)
    run_id = simulated.results["run_id"][0]
    labels, probabilities = simulated.predictions[run_id]
    right = probabilities.argmax(axis=1) == labels
    labels[:] = 0  # one class only: guessing it is always right
    probabilities[:] = 0.0
    probabilities[range(len(labels)), [0 if r else 1 for r in right]] = 1.0
    found = kinds(simulated, predictions=simulated.predictions, context=Context(num_classes=10))
    assert found["at-chance"].numbers["chance"] == 1.0


def test_diagnoses_need_no_histories(study):
    simulated = study(ONE, fractions=ALL, train={("resnet18", "random"): (1.0,)})
    found = diagnose(simulated.results, pd.DataFrame())
    assert {d.kind for d in found} == {"overfitting", "small-map"}
