"""Twice the images and twice the steps: measured where they were trained, else forecast."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from options_talk import BIG, ONE, SIZES, SMALL, levelled, options
from talking import CONTEXT, discuss, english, talk

from sixteenth.analysis import fit_learning_curve
from sixteenth.analysis.curves.power_laws import PRIOR, TRAINING_PRIOR
from sixteenth.analysis.findings.recommendation import Lead, recommend
from sixteenth.analysis.stats.paired import best_network


def test_twice_the_images_start_from_the_best_network_and_not_from_the_largest(study):
    sizes = {"1/4": 12_500, "3/4": 37_500, "1": 50_000}
    made = levelled(study({SMALL: (0.80, 0.87, 0.75)}, fractions=sizes))
    found = talk(made)
    data = options(found)["data"]
    assert data.start.train_size == 37_500
    errors = found.findings.curves.errors(SMALL, [37_500, 75_000])
    assert data.gain == pytest.approx(float(np.median(errors[:, 0] - errors[:, 1])), abs=0.005)
    assert data.gain < 0.01, "from 87% on, not from 75%"


def test_of_one_model_the_network_on_the_most_images_stands_where_fewer_did_as_well(study):
    sizes = {"1/2": 25_000, "1": 50_000}
    made = study({SMALL: (0.70, 0.68), BIG: (0.60, 0.62)}, fractions=sizes, test_size=500)
    grid = talk(levelled(made)).findings.grid
    assert max(grid.cells, key=lambda cell: cell.accuracy).train_size == 25_000
    best = best_network(grid)
    assert (best.arm, best.train_size) == (SMALL, 50_000)


def test_twice_the_steps_are_expected_to_bring_less_than_twice_the_images():
    errors = [0.25, 0.21, 0.19]  # images run out: more steps on the same ones do not lead to zero
    gains = [
        np.median(fit_learning_curve([1, 2, 4], errors, test_size=10_000, prior=prior).falls([8]))
        for prior in (TRAINING_PRIOR, PRIOR)
    ]
    assert 0.6 * 0.02 < gains[0] < gains[1] < 0.02


def test_twice_the_images_takes_new_labels_only_where_there_are_none(study):
    halves = {"1/4": 12_500, "1/2": 25_000}
    assert options(talk(study({SMALL: (0.6, 0.7)}, fractions=halves)))["data"].new_images == 0
    some = {"1/4": 12_500, "3/4": 37_500}
    assert options(talk(study({SMALL: (0.6, 0.7)}, fractions=some)))["data"].new_images == 25_000
    whole = study({SMALL: (0.6, 0.7, 0.78)}, fractions=SIZES)
    assert options(talk(whole))["data"].new_images == 50_000
    failed = talk(whole.drop("resnet18-random-1-seed0", "failed", "out of memory"))
    assert options(failed)["data"].new_images == 0
    said = next(one for one in failed.said_advice.options if one.finding.kind == "data")
    assert said.what == "train on 50,000 images, which have labels already"
    assert said.cost.startswith("It takes no new label")
    rounded = talk(study({SMALL: (0.4, 0.6)}, fractions={"1/16": 13, "1": 200}))  # 12.5 images
    assert options(rounded)["data"].new_images == 200


def test_labels_that_the_data_have_are_not_asked_for_whatever_the_fractions_are_called(study):
    counts = {"25 per class": 250, "50 per class": 500, "100 per class": 1000}
    made = study({SMALL: (0.5, 0.6, 0.68)}, fractions=counts)
    assert options(talk(made))["data"].new_images == 1000, "as far as a table tells"
    found = talk(made, context=replace(CONTEXT, train_images=50_000))
    assert options(found)["data"].new_images == 0
    said = next(one for one in found.said_advice.options if one.finding.kind == "data")
    assert said.what == "train on 2,000 images, which have labels already"
    some = talk(made, context=replace(CONTEXT, train_images=1200))
    assert options(some)["data"].new_images == 800
    # A share of 200 images was rounded to 13: the number of images is known better than that.
    rounded = study({SMALL: (0.4, 0.6)}, fractions={"1/16": 13, "3/4": 150})
    found = talk(rounded, context=replace(CONTEXT, train_images=200))
    assert options(found)["data"].new_images == 100


def test_what_has_labels_comes_before_labelling_more_with_its_own_gain_and_no_label(study):
    """Of the gain from 30,000 images to twice as many, 20,000 that lie there bring a part."""
    sizes = {"1/4": 12_500, "0.6": 30_000}
    found = talk(levelled(study({SMALL: (0.6, 0.7)}, fractions=sizes)))
    data = options(found)["data"]
    assert (data.images, data.new_images, data.doubles) == (50_000, 0, False)
    errors = found.findings.curves.errors(SMALL, [30_000, 50_000])
    assert data.gain == pytest.approx(float(np.median(errors[:, 0] - errors[:, 1])), abs=0.005)
    assert math.isnan(data.points_per_1000_images)
    assert data.seconds == pytest.approx(data.start.mean("seconds") * 5 / 3)
    (card,) = (card for card in found.overview.cards if card.option.kind == "data")
    said = english(found.findings).screen.card(card)
    assert said.what.startswith("All labelled images (50,000)")
    lost = talk(levelled(study({SMALL: (0.6, 0.7, 0.6)}, fractions=sizes | {"1": 50_000})))
    data = options(lost)["data"]
    assert (data.measured, data.images, data.told) == (True, 50_000, "does not")


def test_few_more_images_with_labels_are_no_forecast_of_their_own_and_no_reason_to_stop(study):
    """Nine tenths of 10,000 images: what a tenth more brings can hardly be told from nothing."""
    sizes = {"1/8": 1250, "1/4": 2500, "1/2": 5000, "0.9": 9000}
    accuracy = {SMALL: (0.80, 0.86, 0.90, 0.93)}
    made = levelled(study(accuracy, fractions=sizes, seeds=(0, 1, 2), test_size=400))
    found = talk(made, context=replace(CONTEXT, train_images=10_000))
    data = options(found)["data"]
    assert (data.images, data.new_images, data.adds_labelled) == (18_000, 8000, True)
    assert math.isnan(data.points_per_1000_images), "1,000 images with labels bring a part of it"
    assert found.overview.verdict != "stop"
    said = next(one for one in found.said_advice.options if one.finding.kind == "data")
    assert said.what == "train on 18,000 images, 8,000 of them newly labelled"


def test_what_a_few_labelled_images_bring_does_not_bound_what_is_left_to_gain(study):
    sizes = {"1/8": 1250, "1/4": 2500, "0.6": 6000}
    made = levelled(study({SMALL: (0.90, 0.93, 0.95)}, fractions=sizes, test_size=400))
    found = talk(made, context=replace(CONTEXT, train_images=10_000))
    data = options(found)["data"]
    assert (data.doubles, data.images) == (False, 10_000)
    few = [replace(option, high=min(option.high, 0.001)) for option in found.options
           if option.kind == "data"]  # fmt: skip
    assert recommend(few, data.start).lead is not Lead.STOP


def test_twice_the_images_that_were_trained_on_are_measured_and_not_forecast(study):
    found = talk(study({SMALL: (0.6, 0.8, 0.7)}, fractions=SIZES))
    data = options(found)["data"]
    assert (data.start.train_size, data.measured, data.end) == (25_000, True, SMALL)
    assert (data.gain, data.verdict) == (pytest.approx(-0.1, abs=0.02), "does not")
    assert (data.new_images, data.seconds) == (0, pytest.approx(2 * data.start.mean("seconds")))


def test_twice_the_images_are_not_converged_where_the_run_on_them_was_still_improving(study):
    """With steps fixed, more images are fewer epochs: the last half brought them 6 points."""
    halves = {(*SMALL, "1/2", 0.5): 0.795, (*SMALL, "1", 0.5): 0.70}
    lasting = {(*SMALL, "1/2", 0.5): 0.795, (*SMALL, "1", 0.5): 0.755}
    for lengths, converged in ((halves, False), (lasting, True)):
        found = talk(study({SMALL: (0.6, 0.80, 0.76)}, fractions=SIZES, lengths=lengths))
        data = options(found)["data"]
        assert data.measured
        assert data.gain == pytest.approx(-0.04, abs=0.01)
        assert data.converged is converged


def test_the_forecast_of_twice_the_images_holds_the_truth(study):
    sizes = {"1/16": 4000, "1/8": 8000, "1/4": 16_000, "1/2": 32_000, "1": 64_000}
    error = 0.05 + 4.0 * np.array(list(sizes.values()), dtype=float) ** -0.35
    data = options(talk(study({SMALL: tuple(1 - error)}, fractions=sizes)))["data"]
    truth = 4.0 * (64_000**-0.35 - 128_000**-0.35)
    assert not data.measured
    assert data.level == 0.9
    assert data.low < truth < data.high
    assert data.gain == pytest.approx(truth, abs=0.008)


def test_longer_training_is_foreseen_from_shorter_trainings(study):
    """The error falls by a fifth with every doubling of the steps."""
    lengths = {(*SMALL, "1", 0.5): 1 - 0.25, (*SMALL, "1", 0.25): 1 - 0.3125}
    found = talk(levelled(study({SMALL: (0.8,)}, fractions=ONE, lengths=lengths)))
    training = options(found)["training"]
    assert training.known
    assert not training.measured
    assert training.low < 0.2 * 0.2 < training.high
    assert training.converged is False, "twice the steps still help"
    assert found.options[0].kind == "training"


def test_no_option_is_settled_where_training_had_not_ended(study):
    accuracy = {SMALL: (0.60, 0.70, 0.78), BIG: (0.50, 0.62, 0.72)}
    found = talk(study(accuracy, fractions=SIZES))  # its curves rise up to the last epoch
    assert found.options[0].kind == "data", "by its gain"
    assert {option.converged for option in found.options} == {False}
    lengths = {(*SMALL, "1", 0.5): 0.779}
    ended = talk(levelled(study(accuracy, fractions=SIZES, lengths=lengths)))
    assert ended.options[0].kind == "data"
    assert options(ended)["data"].converged is True
    unknown = study(accuracy, fractions=SIZES)
    unknown.histories = unknown.histories.iloc[:0]
    assert options(talk(unknown))["data"].converged is None


def test_a_last_doubling_of_steps_that_bought_more_unsettles_an_option(study):
    lengths = {(*SMALL, "1", 0.5): 0.70}
    accuracy = {SMALL: (0.60, 0.70, 0.78), BIG: (0.56, 0.66, 0.75)}
    found = talk(levelled(study(accuracy, fractions=SIZES, lengths=lengths)))
    assert options(found)["model"].converged is False, "8 points against 3"
    one = {(*SMALL, "1", 0.5): 0.779}
    short = levelled(study(accuracy, fractions=SIZES, lengths=one))
    assert options(talk(short))["model"].converged is None, "of the big one nothing is known"
    climbs = study(accuracy, fractions=SIZES, lengths=one)  # its training accuracy, to the end
    big = options(talk(climbs))["model"]
    assert (big.verdict, big.converged, big.told) == ("does not", False, "cannot tell")
    both = one | {(*BIG, "1", 0.5): 0.749}
    short = levelled(study(accuracy, fractions=SIZES, lengths=both))
    assert options(talk(short))["model"].converged is True


def test_of_equal_networks_none_is_unsettled_where_more_steps_brought_nothing(study):
    lengths = {(*SMALL, "1", 0.5): 0.70, (*BIG, "1", 0.5): 0.70}
    made = levelled(study({SMALL: (0.70,), BIG: (0.70,)}, fractions=ONE, lengths=lengths))
    made.results["test_accuracy"] = 0.7
    found = discuss(made.results, made.histories, context=CONTEXT)
    (model,) = (each for each in found.overview.cards if each.option.kind == "model")
    assert model.option.gain == 0
    assert model.option.converged is True


def test_longer_training_promises_no_more_than_the_error_that_is_left(study):
    """No power law falls as steeply as this: its error after 600 steps lies above the measured."""
    arm = ("resnet18", "random")
    made = study(
        {arm: (0.978,)},
        fractions={"1": 50_000},
        lengths={(*arm, "1", 0.25): 0.26, (*arm, "1", 0.5): 0.55},
    )
    (longer,) = [each for each in talk(made).options if each.kind == "training"]
    assert 0 < longer.gain <= 0.022 + 0.002
    assert longer.high < 0.04  # another training may start from a larger error


def test_twice_the_steps_that_were_trained_are_measured_and_not_forecast(study):
    lengths = {(*SMALL, "1", 0.5): 0.75, (*SMALL, "1", 2.0): 0.85}
    training = options(talk(study({SMALL: (0.8,)}, fractions=ONE, lengths=lengths)))["training"]
    assert (training.measured, training.gain) == (True, pytest.approx(0.05, abs=0.01))
