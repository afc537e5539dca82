"""Advice on simulated studies for which the right advice is known."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from talking import discuss

from sixteenth.analysis import Context
from sixteenth.analysis.findings import (
    AnotherSize,
    MoreImages,
    MoreSeeds,
    NothingTrained,
    Outlook,
    TargetOutcome,
    TrainLonger,
)
from sixteenth.language import English, Names, SaidAdvice

SIZES = {"1/16": 4000, "1/8": 8000, "1/4": 16_000, "1/2": 32_000, "1": 64_000}
FLAT = {"train_accuracy": [0.2, 0.5, 0.66, 0.68, 0.681, 0.68]}


def errors(alpha, eta, gamma):
    return tuple(1 - (alpha + eta * np.array(list(SIZES.values()), dtype=float) ** gamma))


def advice(study, target=None):
    found = discuss(
        study.results,
        study.histories,
        predictions=study.predictions,
        context=Context(num_classes=10),
        target_error=target,
    )
    json.dumps(found.to_dict(), allow_nan=False)
    assert found.sections[-1].key == "advice"
    assert [said.finding for said in found.sections[-1].statements] == list(found.advice.findings)
    return found.advice


def said(advice) -> SaidAdvice:
    return English(Names()).advise(advice)


def finished(study):
    """The same study, whose training curves had levelled off."""
    epochs = study.histories.groupby("run_id").cumcount()
    study.histories["train_accuracy"] = np.array(FLAT["train_accuracy"])[epochs]
    return study


def test_training_that_had_not_ended_comes_before_new_labels(study):
    found = advice(study({("resnet18", "random"): errors(0.05, 8.0, -0.35)}, fractions=SIZES))
    step = found.steps[0]
    assert isinstance(step, TrainLonger)
    assert step.kind == "steps"
    assert step.steps == 6000
    assert step.images == 0
    assert "train.steps: 6000" in said(found).steps[0].text


def test_pretrained_weights_are_advised_only_where_no_run_used_any(study):
    one = {("resnet18", "random"): errors(0.05, 8.0, -0.35)}
    assert advice(finished(study(one, fractions=SIZES))).steps[0].kind == "init"
    both = one | {("resnet18", "imagenet"): errors(0.05, 4.0, -0.35)}
    kinds = [step.kind for step in advice(finished(study(both, fractions=SIZES))).steps]
    assert kinds[0] == "labels"
    assert "init" not in kinds


def test_more_labels_are_foreseen_with_gain_cost_and_an_interval_that_holds_the_truth(study):
    curve = {
        ("resnet18", "random"): errors(0.05, 8.0, -0.35),
        ("resnet18", "imagenet"): errors(0.05, 4.0, -0.35),
    }
    found = advice(finished(study(curve, fractions=SIZES)))
    step = found.steps[0]
    assert isinstance(step, MoreImages)
    truth = 4.0 * (64_000**-0.35 - 128_000**-0.35)
    assert step.low < truth < step.high
    assert step.gain == pytest.approx(truth, abs=0.008)
    assert step.images == 64_000
    assert step.sure == "forecast"
    assert step.to_images == 128_000
    assert step.flops == pytest.approx(2 * 11_181_642 * 10 * 64_000 * 6)
    assert "at the same epochs" in said(found).steps[0].cost


def test_a_target_is_reached_at_the_size_that_the_curve_says(study):
    curve = {
        ("resnet18", "random"): errors(0.0, 8.0, -0.35),
        ("resnet18", "imagenet"): errors(0.0, 4.0, -0.35),
    }
    found = advice(study(curve, fractions=SIZES), 0.065)
    truth = (0.065 / 4.0) ** (1 / -0.35)
    assert found.target.init == "imagenet"
    assert found.target.images == pytest.approx(truth, rel=0.3)
    assert found.target.low < truth < found.target.high
    assert not found.target.reached
    assert found.target.outcome is TargetOutcome.FORECAST
    text = said(found).target.text
    assert "would come first with resnet18 from ImageNet weights" in text


def test_a_target_that_was_measured_is_reached_and_nothing_more_is_asked_for(study):
    found = advice(
        study({("resnet18", "random"): (0.6, 0.7, 0.8, 0.85, 0.9)}, fractions=SIZES), 0.2
    )
    assert found.target.reached
    assert found.target.images <= 32_000
    assert "is reached already" in said(found).target.text
    assert not found.steps


def test_a_target_below_every_asymptote_is_out_of_reach(study):
    found = advice(study({("resnet18", "random"): errors(0.30, 20.0, -0.6)}, fractions=SIZES), 0.02)
    assert not found.target.reached
    assert found.target.outcome is TargetOutcome.OUT_OF_REACH
    assert "out of reach of more images alone" in said(found).target.text
    assert found.target.images == np.inf


def test_a_target_of_a_study_with_one_size_has_no_answer_and_says_why(study):
    found = advice(study({("resnet18", "random"): (0.7,)}, fractions={"1": 1000}), 0.1)
    assert found.target.outcome is TargetOutcome.NO_CURVE
    assert "no curve to say how many images" in said(found).target.text
    sizes = next(step for step in found.steps if step.kind == "sizes")
    assert sizes.size == 500
    assert sizes.sizes == 1
    assert "500 images" in English(Names()).say(sizes)


def test_models_that_single_trainings_cannot_tell_apart_call_for_seeds(study):
    close = {("resnet18", "random"): (0.6, 0.7), ("resnet50", "random"): (0.6, 0.702)}
    sizes = {"1/2": 5000, "1": 10_000}
    found = advice(study(close, fractions=sizes))
    assert found.best.rival is not None
    assert "cannot tell it from" in said(found).best
    seeds = next(step for step in found.steps if isinstance(step, MoreSeeds))
    assert seeds.difference.verdict == "cannot tell"
    assert "cannot be told apart" in English(Names()).say(seeds)
    apart = {("resnet18", "random"): (0.6, 0.7), ("resnet50", "random"): (0.7, 0.85)}
    assert "seeds" not in [step.kind for step in advice(study(apart, fractions=sizes)).steps]


def test_the_missing_fraction_is_the_middle_of_the_widest_gap(study):
    found = advice(
        study({("resnet18", "random"): (0.4, 0.6, 0.7)}, test_size=500)
    )  # 3,125, 25,000 and 50,000 images
    step = next(step for step in found.steps if isinstance(step, AnotherSize))
    assert step.size == pytest.approx((3125 * 25_000) ** 0.5)
    assert "about 8,800 images" in English(Names()).say(step)


def test_a_study_without_results_gets_no_advice(study):
    simulated = study({("resnet18", "random"): (0.7,)}, fractions={"1": 50_000})
    empty = simulated.drop("resnet18-random-1-seed0", "missing")
    found = discuss(empty.results, empty.histories, target_error=0.1).advice
    assert isinstance(found.best, NothingTrained)
    assert "nothing to advise from yet" in said(found).best
    assert found.steps == ()
    assert found.target is None


def test_advice_in_words_has_all_its_numbers(study):
    found = advice(study({("resnet18", "random"): (0.4, 0.6, 0.7)}, test_size=500), 0.1)
    plain, words = found.to_dict(), said(found).to_dict()
    assert plain["target"].items() <= words["target"].items()
    for numbers, both in zip(plain["steps"], words["steps"], strict=True):
        assert numbers.items() <= both.items()
        assert {"what", "why", "cost", "kind", "gain", "flops"} <= both.keys()
    json.dumps(words, allow_nan=False)


def test_a_loss_that_is_forecast_is_no_gain():
    step = MoreImages(
        kind="labels",
        arm=("resnet18", "random"),
        to_images=200,
        outlook=Outlook.OPEN,
        images=100,
        gain=-0.007,
        low=-0.04,
        high=0.001,
        level=0.9,
    )
    change = "would change by about −0.7 points (90% interval −4.0 to 0.1) by"
    assert change in English(Names()).say(step)
    step = replace(step, gain=0.0004, low=-0.01, high=0.002)
    nothing = "would gain next to nothing (90% interval −1.0 to 0.2) by"
    assert nothing in English(Names()).say(step)
