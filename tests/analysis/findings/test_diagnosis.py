"""Each diagnosis where it must be made, and where it must not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from classes_study import classes_study
from sixteenth.analysis import Context, Metric, analyse, read_grid
from sixteenth.analysis.findings.cautions import NothingLearned
from sixteenth.analysis.findings.diagnosis import (
    AtChance,
    DiagnosisKind,
    chance_accuracy,
    diagnose,
)
from sixteenth.analysis.findings.overfitting import Underfitted, overfitting
from sixteenth.language.en import English
from sixteenth.language.words import Names

SMALL, BIG = ("resnet18", "random"), ("resnet50", "random")
ONE = {SMALL: (0.6,)}
ALL = {"1": 50_000}


def kinds(study, predictions=None, context=None):
    grid = read_grid(study.results, study.histories, predictions)
    return {d.kind: d for d in diagnose(grid, context or Context())}


def said(diagnosis):
    return English(Names()).say(diagnosis)


def underfitted(made, last):
    """What the discussion tells of runs whose last epochs have these training accuracies."""
    curve = np.array([0.2, 0.3, 0.4, 0.45, 0.5, *last])
    made.histories["train_accuracy"] = curve[made.histories.groupby("run_id").cumcount()]
    grid = read_grid(made.results, made.histories)
    found = overfitting(grid, diagnose(grid, Context()), 0.95)
    return [each for each in found if isinstance(each, Underfitted)]


def with_history(study, **columns):
    study.histories = study.histories.assign(**columns)
    return study


def test_a_fitted_run_with_a_large_gap_overfits(study):
    found = kinds(study(ONE, fractions=ALL, train={("resnet18", "random"): (1.0,)}))
    assert "overfitting" in found
    assert found["overfitting"].train_accuracy == 1.0
    assert found["overfitting"].gap == pytest.approx(1.0 - found["overfitting"].test_accuracy)
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
    assert (found.best_epoch, found.last_epoch) == (3, 6)
    assert (found.test_loss_best, found.test_loss_last) == (1.0, 1.5)
    assert (found.train_loss_best, found.train_loss_last) == (0.9, 0.2)
    assert said(found).endswith(
        ": test loss was lowest at epoch 3 (1.00) and rose to 1.50 by epoch 6, while training loss "
        "fell from 0.900 to 0.200."
    )


@pytest.mark.parametrize(
    ("test_loss", "train_loss"),
    [
        ([1.5, 1.1, 1.0, 1.1, 1.03, 1.04], [1.6, 1.2, 0.9, 0.6, 0.4, 0.2]),  # within the noise
        ([1.5, 1.1, 1.0, 1.1, 1.3, 1.5], [1.6, 1.2, 0.9, 1.2, 1.4, 1.6]),  # both rise
        ([1.5, 1.2, 1.0, 0.9, 0.8, 0.7], [1.6, 1.2, 0.9, 0.6, 0.4, 0.2]),  # both fall
        ([1.8, 1.7, 1.6, 1.7, 1.8, 1.9], [1.9, 1.8, 1.733, 1.73, 1.731, 1.729]),  # no fall to see
    ],
)
def test_test_loss_is_not_called_rising_by_noise_or_with_training_loss(
    study, test_loss, train_loss
):
    simulated = with_history(study(ONE, fractions=ALL), test_loss=test_loss, train_loss=train_loss)
    assert "test-loss-rising" not in kinds(simulated)


@pytest.mark.parametrize(
    ("losses", "written"),
    [
        ([0.9, 0.7, 0.504, 0.502, 0.5, 0.498], "from 0.504 to 0.498."),
        ([0.1, 0.05, 0.0042, 0.003, 0.002, 0.001], "from 0.00420 to 0.00100."),
        ([9e29, 8e29, 4.05e29, 4e29, 3.6e29, 3.47e29], "from 4.05e+29 to 3.47e+29."),
    ],
)
def test_a_training_loss_that_fell_shows_it_in_what_is_written(study, losses, written):
    test_loss = [1.5, 1.1, 1.0, 1.1, 1.3, 1.5]
    simulated = with_history(study(ONE, fractions=ALL), test_loss=test_loss, train_loss=losses)
    assert said(kinds(simulated)["test-loss-rising"]).endswith(written)


def test_a_run_that_still_climbs_had_too_few_steps(study):
    simulated = with_history(
        study(ONE, fractions=ALL), train_accuracy=[0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    )
    found = kinds(simulated)["too-few-steps"]
    assert found.climb == pytest.approx(0.2)
    flat = with_history(
        study(ONE, fractions=ALL), train_accuracy=[0.2, 0.5, 0.66, 0.68, 0.681, 0.68]
    )
    assert "too-few-steps" not in kinds(flat)


def test_what_is_told_of_a_climb_is_what_was_measured(study):
    """Flat, and then a jump where the learning rate falls: a straight line rises too far."""

    def climbed(*last):
        accuracy = [0.2, 0.3, 0.4, 0.45, 0.5, *last]
        return kinds(with_history(study(ONE, fractions=ALL, epochs=9), train_accuracy=accuracy))[
            "too-few-steps"
        ]

    jump = climbed(0.5, 0.5, 0.6, 0.6)
    assert (jump.climb, jump.rise) == (pytest.approx(0.12), pytest.approx(0.1))
    assert "climbing at the end, by 10.0 points over the last third of the epochs," in said(jump)
    fell = climbed(0.5, 0.5, 0.62, 0.5)
    assert fell.climb > 0.02
    assert "climbing at the end and stood at" in said(fell), "it rose by nothing"
    (told,) = underfitted(
        study({SMALL: (0.6,), BIG: (0.7,)}, fractions=ALL, epochs=9), [0.5, 0.5, 0.6, 0.6]
    )
    assert "(by 10.0 points in the last third, on each model's most images)" in said(told)


def test_training_accuracy_that_falls_back_is_dated(study):
    simulated = with_history(
        study(ONE, fractions=ALL), train_accuracy=[0.2, 0.5, 0.45, 0.39, 0.6, 0.7]
    )
    found = kinds(simulated)["unstable-training"]
    assert (found.high_epoch, found.low_epoch) == (2, 4)
    assert found.fall == pytest.approx(0.11)
    assert said(found).endswith(
        ": training accuracy fell from 50.0% in epoch 2 to 39.0% in epoch 4."
    )


@pytest.mark.parametrize(
    ("images", "train_accuracy"),
    [
        (50_000, [0.2, 0.5, 0.46, 0.55, 0.6, 0.7]),  # as steady trainings do
        (200, [0.2, 0.5, 0.35, 0.55, 0.6, 0.7]),  # as few images scatter
        (50_000, [0.2, 0.5, 0.55, 0.6, 0.7, 0.5]),  # the last epoch may have few images
        (50_000, [float("nan")] * 6),
    ],
)
def test_training_accuracy_falls_back_by_more_than_noise(study, images, train_accuracy):
    simulated = with_history(study(ONE, fractions={"1": images}), train_accuracy=train_accuracy)
    assert "unstable-training" not in kinds(simulated)


def test_epochs_without_training_accuracy_are_passed_over(study):
    simulated = with_history(
        study(ONE, fractions=ALL), train_accuracy=[0.2, 0.5, float("nan"), 0.3, 0.6, 0.7]
    )
    assert kinds(simulated)["unstable-training"].fall == pytest.approx(0.2)


def test_a_feature_map_of_one_position_is_noticed(study):
    assert "small-map" in kinds(study(ONE, fractions=ALL))
    assert "small-map" not in kinds(study(ONE, fractions=ALL, final_map="4x4"))


def test_a_run_no_better_than_guessing_is_named(study):
    simulated = study({("resnet18", "random"): (0.1,)}, fractions=ALL)
    found = kinds(simulated, context=Context(num_classes=10))
    assert found["at-chance"].chance == 0.1
    assert not found["at-chance"].above_chance
    assert "no more than guessing gets (10.0%)" in said(found["at-chance"])
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
    assert found["at-chance"].chance == 1.0


def test_who_finds_the_rare_class_does_not_guess_though_one_answer_is_right_as_often():
    """Of 99 sound parts and one faulty one: 40% of the faulty ones are found, in 99.1% right."""
    found = inspected([0.997, 0.4])
    accuracies = found.grid.cells[0].accuracy, chance_accuracy(found.grid, Context())
    assert accuracies[0] < accuracies[1] + 0.002
    assert not [each for each in found.diagnoses if isinstance(each, AtChance)]
    assert not [each for each in found.overview.cautions if isinstance(each, NothingLearned)]


def test_who_finds_none_of_the_rare_class_guesses():
    found = inspected([0.999, 0.001])
    guesses = [each for each in found.diagnoses if isinstance(each, AtChance)]
    assert {each.run_id for each in guesses} == set(found.grid.correct)
    assert said(guesses[0]).endswith("the test images show no sign of learning.")
    rules = [
        English(Names.of(("a",), ("random",), metric)).rule(DiagnosisKind.AT_CHANCE)
        for metric in Metric
    ]
    assert "nor that of the balanced accuracy" in rules[0]
    assert rules[1].startswith("the 95% interval of the balanced accuracy does not")


def inspected(recalls):
    """The findings of one model on 1,980 images of one class and 20 of the other."""
    made = classes_study({("resnet18", "random"): [recalls] * 3}, (1980, 20))
    return analyse(made.results, predictions=made.predictions)


def test_diagnoses_need_no_histories(study):
    simulated = study(ONE, fractions=ALL, train={("resnet18", "random"): (1.0,)})
    found = diagnose(read_grid(simulated.results, pd.DataFrame()), Context())
    assert {d.kind for d in found} == {"overfitting", "small-map"}


def test_a_run_is_named_by_its_seed_only_where_there_are_others(study):
    one = kinds(study(ONE, fractions=ALL))["small-map"]
    assert said(one).startswith("resnet18 from random weights on 50,000 images: ")
    twice = study(ONE, fractions=ALL, seeds=(0, 1))
    second = diagnose(read_grid(twice.results), Context())[1]
    assert second.seed == 1
    assert said(second).startswith("resnet18 from random weights on 50,000 images, seed 1: ")


def test_each_kind_has_a_rule_in_words_and_is_named_by_its_kind_for_machines(study):
    rules = {kind: English(Names()).rule(kind) for kind in DiagnosisKind}
    assert len(set(rules.values())) == len(DiagnosisKind)
    assert rules[DiagnosisKind.OVERFITTING] == (
        "training accuracy at least 98.0% and at least 5.0 points above test accuracy"
    )
    found = kinds(study(ONE, fractions=ALL))["small-map"].to_dict()
    assert (found["kind"], found["run_id"]) == ("small-map", "resnet18-random-1-seed0")
