"""Advice on simulated studies for which the right advice is known."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from talking import discuss

from sixteenth.analysis import Context, Option, OptionKind, read_grid
from sixteenth.analysis.curves.forecast import CERTAIN
from sixteenth.analysis.curves.joint import fit_curves
from sixteenth.analysis.findings.advice import (
    AnotherSize,
    LabelledImages,
    MoreSeeds,
    NothingTrained,
    _missing_size,
    _seeds,
    _sizes,
)
from sixteenth.analysis.findings.cautions import OneSeed
from sixteenth.analysis.findings.cost import study_seconds
from sixteenth.analysis.findings.evidence import Evidence
from sixteenth.analysis.findings.explained import Explanation
from sixteenth.analysis.findings.options import OptionVerdict, visible_gain
from sixteenth.analysis.findings.target import FARTHEST, TargetOutcome
from sixteenth.language import language_for
from sixteenth.language.commands import command, step_command
from sixteenth.language.en import English
from sixteenth.language.en.numbers import probability, rounded
from sixteenth.language.words import Names
from sixteenth.spec.fields import FROZEN, LAST_STAGE

SIZES = {"1/16": 4000, "1/8": 8000, "1/4": 16_000, "1/2": 32_000, "1": 64_000}


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


def said(advice) -> SimpleNamespace:
    """The parts of the advice in words."""
    english = English(Names())
    return SimpleNamespace(
        best=english.say(advice.best),
        target=None if advice.target is None else english.say(advice.target),
    )


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
    text = said(found).target
    assert "would be reached with the fewest images by resnet18 from ImageNet weights" in text


def test_a_target_that_was_measured_is_reached_and_nothing_more_is_asked_for(study):
    found = advice(
        study({("resnet18", "random"): (0.6, 0.7, 0.8, 0.85, 0.9)}, fractions=SIZES), 0.2
    )
    assert found.target.reached
    assert found.target.images <= 32_000
    assert "is reached already" in said(found).target
    chance = probability(found.target.probability, CERTAIN)
    for tag, told in (
        ("en", "80.0% is reached already: {}; its true accuracy is as high with probability {}"),
        ("zh-Hant", "80.0% 已經達到：{}；真正的準確率不低於此的機率超過 98%"),
    ):
        marked = language_for(tag=tag).screen.target(found.target)
        assert re.fullmatch(told.format(".*", chance), marked)
    assert not found.steps
    wanted = advice(study({("resnet18", "random"): (0.6, 0.7, 0.8)}), 0.01)
    assert wanted.steps, "a target that is not reached asks for more"


def test_a_target_below_every_asymptote_is_out_of_reach(study):
    found = advice(study({("resnet18", "random"): errors(0.30, 20.0, -0.6)}, fractions=SIZES), 0.02)
    assert not found.target.reached
    assert found.target.outcome is TargetOutcome.OUT_OF_REACH
    assert "out of reach of more images alone" in said(found).target
    assert found.target.images == np.inf


def test_of_a_target_that_may_never_be_reached_the_model_is_told_that_is_likeliest_to(study):
    arms = {("resnet18", "random"): (0.60, 0.70, 0.78), ("resnet50", "random"): (0.20, 0.60, 0.75)}
    made = study(arms, test_size=500)
    curves, chances = fit_curves(read_grid(made.results)), {}
    for arm in arms:
        largest = curves.grid.curve(arm)[-1].train_size
        sizes = largest * np.array([1.0, FARTHEST])
        chances[arm] = float((curves.errors(arm, sizes)[:, 1] <= 0.02).mean())
    assert 0 < min(chances.values()) < max(chances.values()) < 0.5, "no middle that would decide"
    target = advice(made, 0.02).target
    assert target.outcome is TargetOutcome.FORECAST
    assert target.images == math.inf
    assert (target.model, target.init) == max(chances, key=chances.get)
    told = English(Names()).screen.target(target)
    most = rounded(FARTHEST * target.largest)
    assert told.startswith(
        f"98.0% needs more than {most} images (90% interval {rounded(target.low)} "
    )


def test_a_target_of_a_study_with_one_size_has_no_answer_and_says_why(study):
    found = advice(study({("resnet18", "random"): (0.7,)}, fractions={"1": 1000}), 0.1)
    assert found.target.outcome is TargetOutcome.NO_CURVE
    assert "no curve to say how many images" in said(found).target
    (sizes,) = [step for step in found.steps if isinstance(step, AnotherSize)]
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
    assert seeds.difference.side == "cannot tell"
    assert seeds.seconds == pytest.approx(2 * (11.181642 + 23.528522) * 10)
    assert "cannot be told apart" in English(Names()).say(seeds)
    assert {seeds.best.model, seeds.rival.model} == {"resnet18", "resnet50"}
    between = [f"{cell.model}-random-1-seed0" for cell in (seeds.rival, seeds.best)]
    runs = f"--between {' '.join(between)} --only seeds"
    assert step_command(seeds) == f"sixteenth explain DIR {runs}"
    apart = {("resnet18", "random"): (0.6, 0.7), ("resnet50", "random"): (0.7, 0.85)}
    steps = advice(study(apart, fractions=sizes)).steps
    assert not [step for step in steps if isinstance(step, MoreSeeds)]


def test_seeds_that_explain_has_trained_already_are_asked_of_the_study(study):
    """`explain --only seeds` trains no more of them a second time."""
    close = {("resnet18", "random"): (0.6, 0.7), ("resnet50", "random"): (0.6, 0.716)}
    made = study(close, fractions={"1/2": 5000, "1": 10_000}, seeds=(0, 1))
    grid = read_grid(made.results)
    told = Explanation(repeats=frozenset({"resnet18-random-1-seed1"}))
    (again,) = _seeds(Evidence(fit_curves(grid), Context(), 0.95, explanation=told))
    assert step_command(again) == "sixteenth run study.yaml --set 'seeds=[0, 1, 2, 3]'"
    assert again.seconds == pytest.approx(study_seconds(grid))


def test_cells_that_explain_has_not_repeated_get_all_seeds_that_they_lack(study):
    """In the study's own order of seeds, or it would be refused as another study."""
    close = {("resnet18", "random"): (0.6, 0.7), ("resnet50", "random"): (0.6, 0.722)}
    made = study(close, fractions={"1/2": 5000, "1": 10_000}, seeds=(7, 3))
    results = made.results
    repeats = {run_id for run_id in results["run_id"] if run_id.endswith("1-seed3")}
    half = results["fraction"] == "1/2"
    grid = read_grid(results[~(half & (results["seed"] == 3))])
    told = Explanation(repeats=frozenset(repeats))
    (again,) = _seeds(Evidence(fit_curves(grid), Context(), 0.95, explanation=told))
    assert step_command(again) == "sixteenth run study.yaml --set 'seeds=[7, 3, 8, 9]'"
    lacking = {"1/2": 3, "1": 2}
    taken = sum(lacking[cell.fraction] * cell.mean("seconds") for cell in grid.cells)
    assert again.seconds == pytest.approx(taken)
    assert English(Names()).say(again).startswith("Train all networks with 4 seeds.")


@pytest.mark.parametrize(
    ("bigger", "spread", "test_size", "seeds", "asked"),
    [
        (0.702, 0.003, 5000, 1, True),  # how much trainings differ is assumed
        (0.702, 0.003, 5000, 3, False),  # as good as equal: the interval would stay around zero
        (0.720, 0.003, 5000, 3, True),
        (0.750, 0.003, 60, 3, False),  # the test images are too few
        (0.750, 0.050, 5000, 5, False),  # so much does one training differ from the next
    ],
)
def test_more_seeds_are_asked_for_only_where_they_may_tell(
    study, bigger, spread, test_size, seeds, asked
):
    made = study(
        {("resnet18", "random"): (0.6, 0.7), ("resnet50", "random"): (0.6, bigger)},
        fractions={"1/2": 5000, "1": 10_000},
        seeds=range(seeds),
        seed_sd=spread,
        test_size=test_size,
    )
    found = advice(made)
    assert found.best.rival is not None
    assert any(isinstance(step, MoreSeeds) for step in found.steps) is asked


LAST, HEAD = f"imagenet{LAST_STAGE}", f"imagenet{FROZEN}"


@pytest.mark.parametrize(
    ("arms", "sizes"),
    [
        ([("resnet18", LAST), ("resnet50", LAST)], {"1/2": 5000, "1": 10_000}),
        ([("resnet18", HEAD), ("resnet50", "imagenet")], {"1/2": 5000, "1": 10_000}),
        ([("resnet18", HEAD), ("resnet50", HEAD)], {"1/4": 2500, "1/2": 5000}),
    ],
    ids=["last stages", "a head and a network", "heads on fewer images"],
)
def test_seeds_of_cells_that_explain_refuses_are_asked_of_the_study(study, arms, sizes):
    made = study(dict(zip(arms, [(0.6, 0.7), (0.6, 0.702)], strict=True)), fractions=sizes)
    (step,) = [each for each in advice(made).steps if isinstance(each, MoreSeeds)]
    assert step_command(step) == "sixteenth run study.yaml --set 'seeds=[0, 1, 2]'"
    assert step.seconds == pytest.approx(2 * study_seconds(read_grid(made.results)))


def test_runs_that_were_stopped_by_a_budget_are_trained_on_before_more_seeds(study):
    close = {("resnet18", "random"): (0.6, 0.7), ("resnet50", "random"): (0.6, 0.702)}
    sizes = {"1/2": 5000, "1": 10_000}
    shorter = {
        (model, "random", fraction, 0.5): accuracy
        for model, _ in close
        for fraction, accuracy in zip(sizes, (0.58, 0.68), strict=True)
    }
    made = study(close, fractions=sizes, lengths=shorter)
    assert [step for step in advice(made).steps if isinstance(step, MoreSeeds)]
    stopped = made.drop("resnet50-random-1-seed0", "interrupted")
    found = discuss(stopped.results, stopped.histories, predictions=stopped.predictions)
    assert found.grid.length == 0.5
    assert not [step for step in found.advice.steps if isinstance(step, MoreSeeds)]


@pytest.mark.parametrize(
    ("disjoint", "seeds", "asked"),
    [
        (False, (0, 1, 2), {LabelledImages}),
        (True, (0, 1, 2), set()),  # three times 6,000 images
        (True, (0,), {LabelledImages, MoreSeeds}),  # once 6,000, and three times 3,000
    ],
)
def test_no_step_asks_for_more_images_than_disjoint_subsets_can_have(study, disjoint, seeds, asked):
    rising = {("resnet18", "random"): (0.3, 0.5, 0.66), ("resnet50", "random"): (0.3, 0.5, 0.658)}
    made = study(
        rising, fractions={"1/12": 750, "1/6": 1500, "1/3": 3000}, seeds=seeds, test_size=5000
    )
    made.results["steps"] = 400
    context = Context(num_classes=10, train_images=9000, disjoint=disjoint)
    found = discuss(made.results, predictions=made.predictions, context=context).advice
    assert asked == {type(step) for step in found.steps} & {LabelledImages, MoreSeeds}


def test_more_seeds_of_all_images_are_no_command_where_no_two_share_an_image(study):
    made = study({("resnet18", "random"): (0.5, 0.56, 0.6)}, test_size=5000)
    made.results["steps"] = 400
    commands = []
    for disjoint in (False, True):
        context = Context(num_classes=10, train_images=50_000, disjoint=disjoint)
        found = discuss(made.results, predictions=made.predictions, context=context)
        (one,) = [c for c in found.overview.cautions if isinstance(c, OneSeed)]
        commands.append(command(one))
    assert commands == ["sixteenth run study.yaml --set 'seeds=[0, 1, 2]'", ""]


def test_one_more_size_takes_the_time_of_all_networks(study):
    made = study(
        {("resnet18", "random"): (0.6,), ("resnet50", "random"): (0.6,)}, fractions={"1": 5000}
    )
    found = advice(made)
    (size,) = [step for step in found.steps if isinstance(step, AnotherSize)]
    assert (size.size, size.fractions) == (2500, ("1", "2500 images"))
    assert size.seconds == pytest.approx(study_seconds(read_grid(made.results)) / 2)


def test_a_study_without_results_gets_no_advice(study):
    simulated = study({("resnet18", "random"): (0.7,)}, fractions={"1": 50_000})
    empty = simulated.drop("resnet18-random-1-seed0", "missing")
    found = discuss(empty.results, empty.histories, target_error=0.1).advice
    assert isinstance(found.best, NothingTrained)
    assert "nothing to advise from yet" in said(found).best
    assert found.steps == ()
    assert found.target is None


def test_advice_in_words_has_all_its_numbers(study):
    made = study({("resnet18", "random"): (0.4, 0.6, 0.7)}, test_size=500)
    found = discuss(made.results, made.histories, predictions=made.predictions, target_error=0.1)
    plain, words = found.advice.to_dict(), found.said_advice.to_dict()
    assert words["verdict"] == found.answer[0], "of the first screen"
    assert plain["target"].items() <= words["target"].items()
    for part in ("options", "steps"):
        assert plain[part]
        for numbers, both in zip(plain[part], words[part], strict=True):
            assert numbers.items() <= both.items()
            assert {"what", "why", "cost", "kind"} <= both.keys()
    json.dumps(words, allow_nan=False)


def test_a_further_size_is_asked_for_where_the_forecast_does_not_say_whether_images_help(study):
    # 3,125, 25,000 and 50,000 images: the widest gap is the first.
    grid = read_grid(study({("resnet18", "random"): (0.6, 0.7, 0.75)}).results)
    evidence, best = Evidence(fit_curves(grid), Context(), 0.95), grid.cells[-1]
    open_ = Option(
        OptionKind.DATA, best, gain=0.03, low=-0.01, high=0.07, verdict=OptionVerdict.CANNOT_TELL
    )
    (step,) = _sizes(evidence, [open_])
    assert step.sizes == 3
    assert step.size == 8800, "the middle of 3,125 and 25,000, as it is said"
    assert "about 8,800 images" in English(Names()).say(step)
    assert not _sizes(evidence, [replace(open_, low=0.01, verdict=OptionVerdict.HELPS)])
    most = visible_gain(best)
    may_be_seen = replace(open_, gain=0.9 * most, high=1.1 * most)
    assert _sizes(evidence, [may_be_seen])
    less_than_the_test_images_can_show = replace(may_be_seen, high=0.9 * most)
    assert not _sizes(evidence, [less_than_the_test_images_can_show])
    of_ten_thousand_classes = replace(evidence, context=Context(num_classes=10_000))
    assert not _sizes(of_ten_thousand_classes, [open_]), "each class needs an image"


def test_twice_the_images_that_have_labels_are_a_command_for_the_whole_study(study):
    accuracy = {("resnet18", "random"): (0.50, 0.62, 0.72)}
    made = study(accuracy, fractions={"1/16": 3125, "1/8": 6250, "1/4": 12_500})
    made.results["steps"] = 400
    made.histories = made.histories.iloc[:0]
    found = discuss(made.results, made.histories)
    step = found.overview.advised
    assert isinstance(step, LabelledImages)
    assert step.seconds == pytest.approx(made.results["seconds"].iloc[-1]), "at equal steps"
    assert step_command(step) == (
        """sixteenth run study.yaml --set 'fractions=["1/16", "1/8", "1/4", "25000 images"]'"""
    )
    planned = made.results.iloc[-1:].assign(
        run_id="resnet18-random-1of2-seed0", fraction="1/2", train_size=25_000, status="missing"
    )
    more = discuss(pd.concat([made.results, planned], ignore_index=True), made.histories)
    assert not any(isinstance(each, LabelledImages) for each in more.advice.steps)


def test_more_sizes_are_not_asked_for_once_there_are_four_without_a_gap():
    sizes = [1000.0, 2000.0, 4000.0, 8000.0]
    assert _missing_size(sizes[:3]) == 500
    assert math.isnan(_missing_size(sizes))
    assert _missing_size([*sizes, 32_000.0]) == 16_000, "a gap has room for one"


def test_a_model_without_counted_operations_has_no_ratio_of_them(study):
    made = study(
        {("resnet18", "random"): (0.60,), ("resnet50", "random"): (0.61,)}, fractions={"1": 50_000}
    )
    made.results["train_flops"] = 0.0
    found = advice(made)
    assert found.best.rival is not None
    assert found.best.rival_flops is None
