"""What longer training changes is told from the lengths that were measured, nothing else."""

from __future__ import annotations

import pytest
from talking import english, of_kind, talk

from sixteenth.analysis.findings.training_time import (
    DifferenceByLength,
    LongerTraining,
    Order,
    training_time,
)

SMALL, BIG, PRETRAINED = ("resnet18", "random"), ("resnet50", "random"), ("resnet18", "imagenet")
ONE = {"1": 50_000}


def found_in(study, kind, level=0.95):
    grid = talk(study).findings.grid
    return [each for each in training_time(grid, level) if isinstance(each, kind)]


def lengths(*arms):
    """{(model, init, fraction, length): accuracy} of a quarter and half of the steps."""
    return {
        (*arm, "1", share): accuracy
        for arm, *accuracies in arms
        for share, accuracy in zip((0.25, 0.5), accuracies, strict=True)
    }


def test_nothing_is_said_of_training_time_where_whole_trainings_alone_were_measured(study):
    found = talk(study({SMALL: (0.6,), BIG: (0.5,)}, fractions=ONE))
    assert "training-time" not in [section.key for section in found.sections]


def test_a_network_s_accuracies_stand_by_its_steps_with_the_last_gain(study):
    made = study({SMALL: (0.70,)}, fractions=ONE, lengths=lengths((SMALL, 0.40, 0.60)))
    (found,) = found_in(made, LongerTraining)
    assert [cell.length for cell in found.cells] == [0.25, 0.5, 1]
    assert found.gain.value == pytest.approx(0.10, abs=0.01)
    assert found.gain.side == "above"
    assert found.gain.run_ids == (found.cells[2].run_ids[0], found.cells[1].run_ids[0])


@pytest.mark.parametrize(
    ("big", "order"),
    [
        ((0.20, 0.40, 0.50), Order.SAME),
        ((0.20, 0.60, 0.90), Order.TURNS),
        ((0.20, 0.40, 0.70), Order.CANNOT_TELL),  # equal at the end
    ],
)
def test_the_order_of_two_models_is_told_over_the_lengths_of_both(study, big, order):
    made = study(
        {SMALL: (0.70,), BIG: (big[2],)},
        fractions=ONE,
        lengths=lengths((SMALL, 0.40, 0.60), (BIG, *big[:2])),
    )
    (found,) = found_in(made, DifferenceByLength)
    assert (found.first, found.second) == (SMALL, BIG)
    assert found.order is order
    assert [one.value for one in found.differences] == pytest.approx(
        [big[0] - 0.40, big[1] - 0.60, big[2] - 0.70], abs=0.02
    )
    assert found.change.value == pytest.approx(
        found.differences[-1].value - found.differences[0].value
    )
    # The change is of four trainings: it is known less well than one difference.
    assert found.change.half_width > found.differences[-1].half_width


def test_weights_are_compared_by_length_too_and_one_shared_length_is_no_comparison(study):
    both = lengths((SMALL, 0.40, 0.60), (PRETRAINED, 0.70, 0.72))
    accuracies = {SMALL: (0.70,), PRETRAINED: (0.75,)}
    (found,) = found_in(study(accuracies, fractions=ONE, lengths=both), DifferenceByLength)
    assert (found.first, found.second) == (SMALL, PRETRAINED)
    assert found.change.value < 0  # what the weights bring shrinks with training
    shorter = lengths((SMALL, 0.40, 0.60))
    assert not found_in(study(accuracies, fractions=ONE, lengths=shorter), DifferenceByLength)


def test_networks_that_chose_their_own_epochs_are_told_with_the_steps_of_each(study):
    made = study(
        {SMALL: (0.70,), BIG: (0.60,)},
        fractions=ONE,
        lengths=lengths((SMALL, 0.40, 0.60), (BIG, 0.30, 0.50)),
    )
    bigger = made.results["model"] == "resnet50"
    made.results.loc[bigger, "steps"] *= 2
    found = talk(made)
    (one,) = of_kind(found, DifferenceByLength)
    small, big = one.first_steps, one.steps
    assert big[:2] == small[:2], "at equal steps"
    assert (small[2], big[2]) == (small[1], 2 * small[1]), "then each at its end"
    assert [each.value for each in one.differences] == pytest.approx(
        [-0.30, -0.20, -0.10], abs=0.02
    )
    tables = next(part for part in found.sections if part.key == "training-time").tables
    row = next(cells for table in tables for cells, each in table.rows if each is one)
    assert "1,173 → 2,346 → 4,692 / 1,173 → 2,346 → 2,346" in row
    assert "after 4,692 and 2,346 training steps" in english(found.findings).say(one)
