"""A network that was still catching up with the best one when its training ended."""

from __future__ import annotations

import math

import pytest
from options_talk import BIG, PRE, SIZES, SMALL, levelled
from test_explained import base, lever_runs

from sixteenth.analysis import analyse
from sixteenth.analysis.findings.explained import Average, ExplainedLever, LeverVerdict
from sixteenth.analysis.findings.levers import Lever
from sixteenth.analysis.findings.not_converged import CatchingUp, NotConverged
from sixteenth.analysis.findings.overview import Verdict
from sixteenth.language import language_for
from sixteenth.language.commands import command
from sixteenth.spec.fields import AT_MAX_EPOCHS

AHEAD = (0.66, 0.72, 0.76)
STEADY = (0.755, 0.758)
"""The best network after a quarter and a half of its steps."""
BEHIND = (0.40, 0.42, 0.44)


def lengths(arm, quarter, half):
    """On all images, after a quarter and a half of the steps."""
    return {(*arm, "1", 0.25): quarter, (*arm, "1", 0.5): half}


def trained(study, arm, quarter, half, *, behind=BEHIND):
    """The networks from ImageNet weights, and others whose shorter trainings are given."""
    both = lengths(PRE, *STEADY) | lengths(arm, quarter, half)
    return levelled(study({arm: behind, PRE: AHEAD}, fractions=SIZES, lengths=both))


def analysed(made, **more):
    return analyse(made.results, made.histories, predictions=made.predictions, **more)


def caution(found, kind=CatchingUp):
    return next((each for each in found.overview.cautions if isinstance(each, kind)), None)


def test_a_lead_over_a_network_that_was_still_catching_up_is_told_to_be_of_these_steps(study):
    found = analysed(trained(study, SMALL, 0.28, 0.36))
    assert found.overview.verdict is Verdict.IN_HAND
    one = caution(found)
    assert (one.behind.arm, one.best.arm) == (SMALL, PRE)
    assert one.gain == pytest.approx(0.08, abs=0.01)
    assert one.best_gain == pytest.approx(0.002, abs=0.01)
    assert one.lead == found.overview.card.option.gain
    assert command(one) == (
        "sixteenth explain DIR --between resnet18-random-1-seed0 resnet18-imagenet-1-seed0 "
        "--only steps-x4"
    )
    said = " ".join(language_for(found).discuss(found).answer)
    assert "random weights on 50,000 images was still catching up: the last doubling of" in said
    assert f"Longer training may leave less of the {100 * one.lead:.1f} points" in said
    assert "還在追趕" in language_for(found, "zh-Hant").say(one)


@pytest.mark.parametrize(
    ("quarter", "half", "why"),
    [
        (0.43, 0.438, "it had levelled off"),
        (0.41, 0.427, "it gained less than a tenth of what it is behind by"),
    ],
)
def test_no_caution_of_a_network_that_would_not_catch_up_soon(study, quarter, half, why):
    found = analysed(trained(study, SMALL, quarter, half))
    assert found.overview.verdict is Verdict.IN_HAND
    assert caution(found) is None, why


def test_the_same_holds_of_a_bigger_model_unless_explain_has_trained_both_longer(study):
    shorter = {(*SMALL, "1/16", 0.5): 0.697, (*BIG, "1/16", 0.5): 0.47}
    made = levelled(base(study, small=0.70, big=0.55, lengths=shorter))
    found = analysed(made)
    assert found.overview.ruled_out.end == BIG
    one = caution(found)
    assert one.behind.arm == BIG
    assert one.lead == pytest.approx(0.15, abs=0.02)
    tested = [lever_runs(study, {SMALL: 0.71, BIG: 0.62}, Lever.STEPS)]
    assert caution(analysed(made, lever_runs=tested)) is None


def test_a_caution_stays_where_longer_training_left_open_what_becomes_of_the_lead(study):
    shorter = {(*SMALL, "1/16", 0.5): 0.697, (*BIG, "1/16", 0.5): 0.47}
    made = levelled(base(study, small=0.70, big=0.55, lengths=shorter))
    tested = [lever_runs(study, {SMALL: 0.60, BIG: 0.595}, Lever.STEPS)]
    found = analysed(made, lever_runs=tested)
    (lever,) = [
        each
        for section in found.sections
        for each in section.findings
        if isinstance(each, ExplainedLever)
    ]
    assert lever.verdict is not LeverVerdict.REASON
    assert lever.after.low < 0 < lever.after.value
    one = caution(found)
    assert one.longer == lever.after
    assert command(one) == "", "it was done"
    left = f"{100 * lever.after.value:.1f} of the {100 * one.lead:.1f} points between them are left"
    assert f"With four times the steps {left} (90% interval " in language_for(found).say(one)


def test_longer_training_that_turns_the_order_round_says_who_is_ahead(study):
    made = study({SMALL: BEHIND, PRE: AHEAD}, fractions=SIZES)
    grid = analysed(made).grid
    best, behind = grid.curve(PRE)[-1], grid.curve(SMALL)[-1]
    one = CatchingUp(best, behind, 0.1, 0.05, 0.01, Average(-0.023, -0.034, -0.012))
    said = language_for().say(one)
    assert "With four times the steps it is 2.3 points ahead (90% interval 1.2 to 3.4 " in said
    assert "反而領先 2.3 個百分點" in language_for(tag="zh-Hant").say(one)


def test_longer_training_could_change_the_order_until_it_is_told_that_the_lead_stays(study):
    def found(*tested):
        return caution(analysed(made, lever_runs=tested), NotConverged)

    made = base(study, small=0.60, big=0.50)
    assert found() is not None
    assert found(lever_runs(study, {SMALL: 0.61, BIG: 0.60}, Lever.STEPS)) is not None
    assert found(lever_runs(study, {SMALL: 0.61, BIG: 0.50}, Lever.STEPS)) is None


def test_without_shorter_trainings_the_training_curve_tells_it(study):
    made = study({SMALL: BEHIND, PRE: AHEAD}, fractions=SIZES)
    rising = made.histories["train_accuracy"].copy()
    levelled(made)
    random = made.histories["init"] == "random"
    made.histories.loc[random, "train_accuracy"] = rising[random]
    one = caution(analysed(made))
    assert one.behind.arm == SMALL
    assert math.isnan(one.gain)
    assert "was still improving when its training ended. Longer training" in language_for().say(one)


def test_where_the_best_network_was_still_improving_too_that_is_said_instead(study):
    made = study({SMALL: BEHIND, PRE: AHEAD}, fractions=SIZES)
    found = analysed(made)
    assert caution(found, NotConverged) is not None
    assert caution(found) is None


def test_explain_is_not_advised_for_runs_that_chose_their_own_steps(study):
    made = trained(study, SMALL, 0.28, 0.36)
    made.results["chosen_by"] = AT_MAX_EPOCHS
    one = caution(analysed(made))
    assert one is not None
    assert command(one) == ""
