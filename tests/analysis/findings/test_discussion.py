"""Discussions of simulated studies whose right conclusion is known."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from talking import CONTEXT, discuss, of_kind, section, talk, text

from chinese import faults
from simulated_study import REFERENCE, REFERENCE_TRAIN, make_study
from sixteenth import InputError
from sixteenth.analysis import read_grid
from sixteenth.analysis.findings.advice import MoreSeeds
from sixteenth.analysis.findings.causes import Cause, TooSmallStudy
from sixteenth.analysis.findings.expectation import (
    ComparisonMethod,
    Expect,
    ExpectationVerdict,
    GainFromData,
    ModelCrossover,
    SizeVerdict,
    verdicts,
)
from sixteenth.analysis.findings.overfitting import NoRisingTestLoss
from sixteenth.analysis.findings.pretraining import InitGainChange
from sixteenth.language import language_for


def test_the_reference_study_is_read_as_it_was_made():
    found = talk(make_study(REFERENCE, train=REFERENCE_TRAIN, seeds=(0, 1, 2), seed_sd=0.003))
    assert found.overview.best.cell.arm == ("resnet50", "imagenet")
    assert "its weights are worth" in found.answer[2]
    assert "ahead of resnet18" in found.answer[2]
    said = text(found, "expectation")
    assert "From random weights, the expectation (bigger is better) did not hold" in said
    by_init = {one.init: one for one in of_kind(found, ExpectationVerdict)}
    assert by_init["random"].opposite == (3125, 25_000, 50_000)
    assert by_init["imagenet"].held[-2:] == (25_000, 50_000)
    assert not by_init["imagenet"].opposite
    # In these numbers neither model was catching up, so more steps are no likely cause.
    causes = [statement.finding.cause for statement in section(found, "reasons")]
    assert Cause.RECIPE in causes
    assert Cause.TOO_FEW_STEPS not in causes
    assert "a recipe that suits resnet50 less" in text(found, "reasons")
    assert len(found.options) == 5


def test_three_trainings_of_each_cell_narrow_every_difference(reference):
    often = make_study(REFERENCE, train=REFERENCE_TRAIN, seeds=(0, 1, 2), seed_sd=0.003)
    once, thrice = (of_kind(talk(made), SizeVerdict) for made in (reference, often))
    assert len(once) == len(thrice) == 6
    for one, three in zip(once, thrice, strict=True):
        assert three.found.half_width < 0.85 * one.found.half_width
        assert three.detectable < one.detectable


def test_every_claim_that_measures_something_carries_numbers_in_text_and_evidence(reference):
    found = talk(reference)
    for part in found.sections:
        for claim in part.statements:
            assert claim.text.endswith(".")
            assert "nan" not in claim.text.lower().split()
            # Runs that showed nothing are not told one by one.
            if claim.strength == "measured" and not isinstance(claim.finding, NoRisingTestLoss):
                assert re.search(r"\d", claim.text), claim.text
    json.dumps(found.to_dict(), allow_nan=False)


def test_a_bigger_model_that_is_better_everywhere_meets_the_expectation(study):
    found = talk(
        study({("resnet18", "random"): (0.4, 0.6, 0.7), ("resnet50", "random"): (0.48, 0.68, 0.78)})
    )
    assert "held at all 3 sizes" in text(found, "expectation")
    assert not section(found, "reasons")
    assert "it is" in found.answer[2]
    assert "ahead of resnet18" in found.answer[2]


def test_a_smaller_model_that_is_better_contradicts_or_meets_what_was_expected(study):
    numbers = {("resnet18", "random"): (0.5, 0.65, 0.75), ("resnet50", "random"): (0.4, 0.6, 0.7)}
    against = talk(study(numbers))
    (verdict,) = of_kind(against, ExpectationVerdict)
    assert len(verdict.opposite) == 3
    assert "the opposite was found at all 3 sizes" in text(against, "expectation")
    assert section(against, "reasons")
    agreeing = talk(study(numbers), expect="smaller-is-better")
    assert "the expectation (smaller is better) held at all 3 sizes" in text(
        agreeing, "expectation"
    )
    assert not section(agreeing, "reasons")
    neither = talk(study(numbers), expect="none")
    assert not of_kind(neither, ExpectationVerdict)
    assert "expectation" not in text(neither, "expectation")
    assert "is ahead of" in text(neither, "expectation")
    with pytest.raises(InputError, match="expect 'bigger' is none of bigger-is-better, "):
        talk(study(numbers), expect="bigger")


def test_which_model_is_small_is_told_by_parameters_and_not_by_order(study):
    found = talk(
        study({("resnet50", "random"): (0.45, 0.66, 0.78), ("resnet18", "random"): (0.4, 0.6, 0.7)})
    )
    assert found.models == ("resnet18", "resnet50")
    assert "ahead of resnet18" in found.answer[2]


def test_equal_models_on_a_small_test_set_give_no_claim_about_either(study):
    equal = (0.50, 0.60, 0.70)
    found = talk(
        study({("resnet18", "random"): equal, ("resnet50", "random"): equal}, test_size=300)
    )
    sizes = of_kind(found, SizeVerdict)
    assert len(sizes) == 3
    assert {row.outcome for row in sizes} == {row.strength for row in sizes} == {"cannot tell"}
    said = text(found, "expectation")
    assert "ahead" not in said
    assert "neither met nor refuted" in said
    assert "would have been seen with 80% probability" in said
    assert not [one for one in found.options if one.measured and one.verdict != "cannot tell"]
    first = section(found, "reasons")[0]
    assert isinstance(first.finding, TooSmallStudy)
    assert "the study may be too small" in first.text


def test_a_shortfall_with_a_fitted_training_set_is_put_down_to_overfitting(study):
    keys = [("resnet18", "random"), ("resnet50", "random")]
    simulated = study(
        dict(zip(keys, [(0.5, 0.65, 0.75), (0.4, 0.6, 0.7)], strict=True)),
        train=dict(zip(keys, [(0.98, 0.97, 0.96), (1.0, 1.0, 0.99)], strict=True)),
    )
    found = talk(simulated)
    first = section(found, "reasons")[0]
    assert "overfitting. The generalisation gap of resnet50" in first.text
    assert first.finding.cause is Cause.OVERFITTING
    assert any(d.kind == "overfitting" for d in found.diagnoses)


def test_too_few_steps_are_suspected_only_where_the_model_was_catching_up(study):
    keys = [("resnet18", "random"), ("resnet50", "random")]
    simulated = study(dict(zip(keys, [(0.75,), (0.60,)], strict=True)), fractions={"1": 50_000})
    late = simulated.histories["model"] == "resnet50"
    simulated.histories.loc[late, "train_accuracy"] = [0.1, 0.2, 0.3, 0.4, 0.55, 0.68]
    first = section(talk(simulated), "reasons")[0]
    assert first.finding.cause is Cause.TOO_FEW_STEPS
    assert "too few steps" in first.text
    assert "it was catching up" in first.text
    simulated.histories.loc[late, "train_accuracy"] = [0.3, 0.5, 0.6, 0.65, 0.67, 0.68]
    first = section(talk(simulated), "reasons")[0]
    assert first.finding.cause is Cause.RECIPE
    assert "a recipe that suits resnet50 less" in first.text
    assert "it was not catching up" in first.text


def test_a_single_difference_among_several_sizes_must_pass_holms_correction(study):
    """Two equal sizes and one whose p is near 0.03: alone it would count, among three not."""
    made = study({("resnet18", "random"): (0.5, 0.6, 0.7), ("resnet50", "random"): (0.5, 0.6, 0.7)})
    table = made.results.assign(test_accuracy=[0.5, 0.6, 0.7, 0.5, 0.6, 0.7], test_size=400)
    for difference in np.arange(0.05, 0.15, 0.001):
        table.loc[5, "test_accuracy"] = 0.7 + difference
        rows = verdicts(read_grid(table), Expect.BIGGER, 0.95)
        if rows[-1].found.p_value < 0.03:
            break
    row, found = rows[-1], discuss(table, context=CONTEXT)
    assert 0.02 < row.found.p_value < 0.045
    assert row.p == pytest.approx(3 * row.found.p_value)
    assert row.found.side == "above"
    assert row.strength == "cannot tell"
    assert "ahead" not in text(found, "expectation")
    assert "a difference counts when p is at most 0.05" in text(found, "expectation")


def test_how_the_sizes_are_compared_is_said_once(study):
    numbers = {("resnet18", "random"): (0.5, 0.65), ("resnet50", "random"): (0.4, 0.6)}
    found = talk(study(numbers, fractions={"1/2": 25_000, "1": 50_000}))
    assert len(of_kind(found, ComparisonMethod)) == 1
    said = text(found, "expectation")
    assert said.count("With Holm's correction for 2 sizes, a difference counts when p is") == 1


def test_a_study_that_cannot_tell_says_so_everywhere(study):
    """Equal models, no gain from data, few test images: no sentence may claim a difference."""
    flat = (0.60, 0.60, 0.60)
    simulated = study(
        {
            ("resnet18", "random"): flat,
            ("resnet50", "random"): flat,
            ("resnet18", "imagenet"): flat,
            ("resnet50", "imagenet"): flat,
        },
        test_size=150,
        generator=6,  # at generator 5, one p is 0.0498: a false finding, as one in twenty is
    )
    found = talk(simulated)
    assert {option.verdict for option in found.options if option.known} == {"cannot tell"}
    assert "In hand" not in " ".join(found.answer)
    assert "is ahead of" not in text(found, "expectation")
    crossings = of_kind(found, ModelCrossover)
    assert len(crossings) == 2
    assert {crossing.strength for crossing in crossings} == {"cannot tell"}
    assert {crossing.ahead for crossing in crossings} == {None}
    assert found.advice.best.rival is not None
    assert "cannot tell it from" in found.said_advice.best
    assert any(isinstance(step, MoreSeeds) for step in found.advice.steps)


def test_what_pretraining_brings_is_said_at_each_size_with_its_trend(reference):
    said = text(talk(reference), "pretraining")
    assert "resnet18 from ImageNet weights, against random weights: +17" in said
    assert "For resnet18, what ImageNet weights bring shrinks from 3,125 to 50,000 images" in said
    found = [s.finding for s in section(talk(reference), "pretraining")]
    changes = {f.model: f for f in found if isinstance(f, InitGainChange)}
    assert changes["resnet18"].difference.side == "below"
    assert changes["resnet18"].strength == "measured"
    assert "is ahead of the same model from random weights" in said


def test_tables_read_back_from_csv_give_the_same_discussion(reference, tmp_path):
    broken = reference.drop("resnet50-random-1-seed0", "failed", "the loss became NaN")
    broken.results.to_csv(tmp_path / "results.csv", index=False)
    broken.histories.to_csv(tmp_path / "histories.csv", index=False)
    # pandas 2 reads the last bit of some numbers otherwise, unless it is asked for.
    exact: Any = {"float_precision": "round_trip"} if pd.__version__ < "3" else {}
    back = discuss(
        pd.read_csv(tmp_path / "results.csv", **exact),
        pd.read_csv(tmp_path / "histories.csv", **exact),
        context=CONTEXT,
        predictions=broken.predictions,
    )
    assert back.to_dict() == talk(broken).to_dict()


def test_models_of_the_users_own_are_called_by_their_last_part(study):
    small, big = "my_models.zoo:lite0", "my_models.zoo:lite2"
    simulated = study({(small, "random"): (0.4, 0.6, 0.7), (big, "random"): (0.5, 0.7, 0.8)})
    simulated.results["parameters"] = simulated.results["parameters"].where(
        simulated.results["model"] == small, 5000
    )
    found = talk(simulated)
    assert "lite2 from random weights" in found.answer[1]
    assert "my_models" not in " ".join(found.answer)


def test_seeds_that_scatter_widely_could_see_no_difference_at_all(study):
    made = study(
        {("resnet18", "random"): [0.5], ("resnet50", "random"): [0.5]},
        fractions={"1": 50_000}, seeds=(0, 1), seed_sd=0.3,
    )  # fmt: skip
    found = discuss(made.results, made.histories, predictions=made.predictions)
    text = " ".join(claim.text for section in found.sections for claim in section.statements)
    assert "nan" not in text.split()
    assert "100.0 points would have been seen" not in text


def test_a_difference_that_nothing_could_show_has_its_true_cause(study):
    arms = {("resnet18", "random"): [0.5], ("resnet50", "random"): [0.5]}
    found = talk(study(arms, fractions={"1": 50_000}, test_size=2))
    (row,) = of_kind(found, SizeVerdict)
    assert math.isnan(row.detectable)
    scattered = replace(row.found.spread, trainings=np.ones(1))
    for each, cause, chinese in (
        (row, "the test images are too few", "測試影像太少"),
        (
            replace(row, found=replace(row.found, spread=scattered)),
            "the spread between trainings is too large",
            "變異太大",
        ),
    ):
        said = language_for(tag="zh-Hant").say(each)
        assert f"no difference, however large, could have been seen: {cause}" in language_for().say(
            each
        )
        assert chinese in said
        assert not faults(said)


def test_a_last_step_that_goes_the_other_way_is_not_hidden(study):
    made = study(
        {("resnet18", "random"): [0.45, 0.72, 0.75], ("resnet50", "random"): [0.45, 0.50, 0.65]}
    )
    found = talk(made)
    (gain,) = of_kind(found, GainFromData)
    assert (gain.difference.side, gain.last_step.side) == ("below", "above")
    assert gain.as_expected is None
    said = text(found, "expectation")
    assert "gained less from more data" in said
    assert "But in the last step, from 25,000 images on, it gained more" in said
    assert "against the expectation" not in said
