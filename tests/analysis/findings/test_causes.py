"""Likely causes of an expectation that did not hold: in which order, and which are told once."""

from __future__ import annotations

import pytest
from talking import section, talk

from sixteenth.analysis.findings import Cause, PoorerFit

SMALL, BIG = ("resnet18", "random"), ("resnet50", "random")


def causes(found):
    return [statement.finding for statement in section(found, "reasons")]


def test_seeds_that_nobody_repeated_are_named_once_for_all_initial_weights(study):
    accuracy = {(m, i): (0.6 - 0.1 * (m == "resnet50"),) for m in ("resnet18", "resnet50")
                for i in ("random", "imagenet")}  # fmt: skip
    found = talk(study(accuracy, fractions={"1": 8000}))
    once = [each for each in causes(found) if each.cause is Cause.SEEDS_UNMEASURED]
    assert len(once) == 1
    assert len({each.favoured.init for each in causes(found)}) == 2


def test_the_parts_of_a_shortfall_add_up_and_rank_their_causes(study):
    train = {SMALL: (0.95,), BIG: (0.80,)}
    found = talk(study({SMALL: (0.75,), BIG: (0.65,)}, fractions={"1": 8000}, train=train))
    (fit,) = [each for each in causes(found) if isinstance(each, PoorerFit)]
    parts = fit.shortfall
    assert parts.fit + parts.gap == pytest.approx(parts.total)
    assert fit.score == 1.0  # it accounts for more than all of the shortfall
    scores = [each.score for each in causes(found)]
    assert scores == sorted(scores, reverse=True)
    assert causes(found)[-1].cause is Cause.NOT_OVERFITTING


def test_a_cause_that_comes_first_at_several_sizes_is_told_at_the_largest_with_the_others(study):
    train = {SMALL: (0.6, 0.7, 0.8), BIG: (0.45, 0.58, 0.7)}
    found = talk(study({SMALL: (0.5, 0.6, 0.7), BIG: (0.35, 0.48, 0.6)}, train=train))
    first = section(found, "reasons")[0]
    assert first.finding.cause is Cause.RECIPE
    assert first.finding.favoured.train_size == 50_000
    assert first.finding.also_first == (3125, 25_000)
    assert first.text.startswith("50,000 images, random weights: a recipe")
    assert first.text.endswith("The same comes first on 3,125 and 25,000 images.")
