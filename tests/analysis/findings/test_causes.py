"""Suspects where an expectation did not hold: unranked, as what to test."""

from __future__ import annotations

import pytest
from talking import section, talk

from sixteenth.analysis.findings.causes import Cause, GapDifference, PoorerFit, TooSmallStudy

SMALL, BIG = ("resnet18", "random"), ("resnet50", "random")


def causes(found):
    return [statement.finding for statement in section(found, "reasons")]


def test_the_parts_of_a_shortfall_add_up(study):
    train = {SMALL: (0.95,), BIG: (0.90,)}
    found = talk(study({SMALL: (0.80,), BIG: (0.65,)}, fractions={"1": 8000}, train=train))
    kinds = {type(each): each for each in causes(found)}
    assert {PoorerFit, GapDifference} <= kinds.keys()
    parts = kinds[PoorerFit].shortfall
    assert parts.fit + parts.gap == pytest.approx(parts.total)
    assert kinds[GapDifference].shortfall == parts


def test_suspects_are_not_ranked_and_nothing_is_called_the_reason(study):
    train = {SMALL: (0.95,), BIG: (0.80,)}
    found = talk(study({SMALL: (0.75,), BIG: (0.65,)}, fractions={"1": 8000}, train=train))
    (title,) = [part.title for part in found.sections if part.key == "reasons"]
    assert title == "What may be behind it"
    assert {statement.strength for statement in section(found, "reasons")} == {"suggestive"}
    assert not any(hasattr(each, "score") for each in causes(found))
    for statement in section(found, "reasons"):
        assert "would tell" in statement.text


def test_the_largest_size_at_which_the_expectation_failed_is_told(study):
    train = {SMALL: (0.6, 0.7, 0.8), BIG: (0.45, 0.58, 0.7)}
    found = talk(study({SMALL: (0.5, 0.6, 0.7), BIG: (0.35, 0.48, 0.6)}, train=train))
    assert {each.favoured.train_size for each in causes(found)} == {50_000}
    first = section(found, "reasons")[0]
    assert first.finding.cause is Cause.RECIPE
    assert first.text.startswith("50,000 images, random weights: a recipe")


@pytest.mark.parametrize("both", [False, True])
def test_training_that_fell_back_is_suspected_where_the_other_model_trained_steadily(study, both):
    train = {SMALL: (0.95,), BIG: (0.80,)}
    simulated = study({SMALL: (0.75,), BIG: (0.65,)}, fractions={"1": 8000}, train=train)
    fell = simulated.histories["epoch"] == 4
    fell &= both | (simulated.histories["model"] == "resnet50")
    simulated.histories.loc[fell, "train_accuracy"] -= 0.4
    first = section(talk(simulated), "reasons")[0]
    assert (first.finding.cause is Cause.UNSTABLE_TRAINING) is not both
    assert ("Half the learning rate for resnet50 would tell." in first.text) is not both


def test_explain_is_named_only_where_it_can_test_a_suspect(study):
    """It refuses networks of which a part is frozen, and where nobody is known to be behind."""
    frozen = tuple((model, "imagenet, frozen") for model, _ in (SMALL, BIG))
    train = {frozen[0]: (0.95,), frozen[1]: (0.80,)}
    accuracies = {frozen[0]: (0.75,), frozen[1]: (0.65,)}
    heads = talk(study(accuracies, fractions={"1": 8000}, train=train))
    small = talk(study({SMALL: (0.75,), BIG: (0.75,)}, fractions={"1": 8000}))
    assert [type(each) for each in causes(small)] == [TooSmallStudy]
    assert causes(heads)
    for found in (heads, small):
        (title,) = [part.title for part in found.sections if part.key == "reasons"]
        assert title == "What may be behind it"


@pytest.mark.parametrize(("quarter", "cause"), [(0.40, Cause.TOO_FEW_STEPS), (0.62, Cause.RECIPE)])
def test_measured_lengths_tell_whether_a_model_was_catching_up_and_not_the_curves(
    study, quarter, cause
):
    """The bigger model came from 20 points behind to 10, or from 0 to 10."""
    made = study(
        {SMALL: (0.75,), BIG: (0.65,)},
        fractions={"1": 8000},
        train={SMALL: (0.95,), BIG: (0.80,)},
        lengths={(*SMALL, "1", 0.25): 0.61, (*BIG, "1", 0.25): quarter},
    )
    flat = made.histories["epoch"] > 2
    made.histories.loc[flat, "train_accuracy"] = 0.8  # neither learns faster at the end
    first = section(talk(made), "reasons")[0]
    assert first.finding.cause is cause
    near = cause is Cause.TOO_FEW_STEPS
    moved = "nearer to" if near else "farther behind"
    assert f"points {moved} resnet18 on the test images" in first.text
    assert ("it was catching up" in first.text) is near
    assert "By straight lines" not in first.text
