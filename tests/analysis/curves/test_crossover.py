"""Crossovers and sizes for an error: known curves, whose answers can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from talking import discuss, of_kind, text

from sixteenth.analysis import crossover, fit_curves, read_grid
from sixteenth.analysis.curves.crossover import CrossoverOutcome, images_for, size_grid
from sixteenth.analysis.curves.forecast import find_crossover, worth_in_images
from sixteenth.analysis.findings.expectation import ModelCrossover

SIZES = {f"1/{2**k}" if k else "1": 64_000 // 2**k for k in range(6, -1, -1)}


def power(alpha, eta, gamma):
    return lambda n: alpha + eta * np.asarray(n, dtype=float) ** gamma


SMALL, BIG = power(0.10, 4.0, -0.35), power(0.04, 9.0, -0.40)
"""They cross once, at about 12,300 images."""


def true_crossing(first, second):
    n = np.geomspace(100, 1e7, 200_001)
    change = np.flatnonzero(np.diff(np.sign(first(n) - second(n))))
    assert len(change) == 1
    return float(n[change[0]])


def test_curves_without_noise_cross_where_they_cross():
    n = size_grid(1000, 64_000)
    found = crossover(n, np.tile(SMALL(n), (10, 1)), np.tile(BIG(n), (10, 1)), 64_000)
    assert found.inside == 1.0
    assert found.second_overtakes == 1.0
    assert found.size == pytest.approx(true_crossing(SMALL, BIG), rel=0.002)
    swapped = crossover(n, np.tile(BIG(n), (10, 1)), np.tile(SMALL(n), (10, 1)), 64_000)
    assert swapped.second_overtakes == 0.0


def test_a_crossing_beyond_the_measured_range_is_told_from_one_inside():
    n = size_grid(1000, 10_000)
    found = crossover(n, np.tile(SMALL(n), (4, 1)), np.tile(BIG(n), (4, 1)), 10_000)
    assert (found.inside, found.beyond) == (0.0, 1.0)
    assert found.size == pytest.approx(true_crossing(SMALL, BIG), rel=0.003)


def test_curves_that_never_cross_have_no_crossing_and_probabilities_add_up():
    n = size_grid(1000, 64_000)
    worse = SMALL(n) + 0.05
    mixed = np.stack([worse, worse, worse, SMALL(n) - 0.05])
    found = crossover(n, np.tile(SMALL(n), (4, 1)), mixed, 64_000)
    assert (found.first_ahead, found.second_ahead) == (0.75, 0.25)
    assert found.inside == found.beyond == 0.0
    assert np.isnan(found.size)
    assert found.inside + found.beyond + found.first_ahead + found.second_ahead == 1.0


def test_beyond_the_measured_range_no_leader_is_said_to_be_certain(study):
    made = simulated(study, SMALL, lambda n: SMALL(n) - 0.13)
    found = discuss(made.results, made.histories, predictions=made.predictions)
    (lead,) = of_kind(found, ModelCrossover)
    assert (lead.outcome, lead.ahead) == (CrossoverOutcome.STAYS_AHEAD, "resnet50")
    assert lead.crossover.second_ahead > 0.99
    said = text(found, "expectation")
    assert "inside the measured range (probability over 98%)" in said
    assert "resnet50 stays ahead with probability over 95%" in said


def test_images_for_an_error_are_those_of_the_power_law_turned_round():
    n = size_grid(1000, 64_000)
    drawn = np.stack([power(0.0, 4.0, -0.35)(n)] * 3)
    needed = images_for(n, drawn, np.array([0.1, 0.9, 0.001]))
    assert needed[0] == pytest.approx((0.1 / 4.0) ** (1 / -0.35), rel=0.001)
    assert needed[1] == -np.inf  # all sizes are good enough
    assert needed[2] == np.inf


def simulated(study, small, big, **options):
    errors = {("resnet18", "random"): small, ("resnet50", "random"): big}
    accuracy = {
        arm: tuple(1 - np.array([curve(n) for n in SIZES.values()]))
        for arm, curve in errors.items()
    }
    return study(accuracy, fractions=SIZES, epochs=1, **options)


def test_a_simulated_crossing_lies_in_its_interval_nine_times_in_ten(study):
    truth, hits, total = true_crossing(SMALL, BIG), 0, 25
    for i in range(total):
        made = simulated(study, SMALL, BIG, generator=i)
        curves = fit_curves(read_grid(made.results, None, made.predictions))
        found = find_crossover(curves, ("resnet18", "random"), ("resnet50", "random"))
        assert found.inside > 0.9
        assert found.second_overtakes > 0.95
        hits += found.low <= truth <= found.high
    assert hits >= 19  # 22.5 expected; fewer once in a hundred such tests


def test_the_report_says_where_the_bigger_model_overtakes(study):
    made = simulated(study, SMALL, BIG)
    found = discuss(made.results, made.histories, predictions=made.predictions)
    (lead,) = of_kind(found, ModelCrossover)
    assert (lead.outcome, lead.ahead) == (CrossoverOutcome.INSIDE, "resnet50")
    said = text(found, "expectation")
    assert "resnet50 overtakes resnet18 inside the measured range, at about 11,000 images" in said
    assert "probability over 98%" in said


def test_two_equal_curves_give_no_certain_crossing(study):
    made = simulated(study, SMALL, SMALL, test_size=1000)
    curves = fit_curves(read_grid(made.results, None, made.predictions))
    found = find_crossover(curves, ("resnet18", "random"), ("resnet50", "random"))
    assert max(found.inside, found.beyond, found.first_ahead, found.second_ahead) < 0.9


def test_joint_draws_keep_the_pairing_of_the_test_images(study):
    # Few test images: with many, the spread between trainings is all that is left.
    made = simulated(study, SMALL, lambda n: SMALL(n) - 0.01, test_size=1000)
    paired = fit_curves(read_grid(made.results, None, made.predictions))
    apart = fit_curves(read_grid(made.results))
    size = [64_000.0]

    def sd(curves):
        small, big = (curves.errors((name, "random"), size) for name in ("resnet18", "resnet50"))
        return float((small - big).std())

    assert sd(paired) < 0.85 * sd(apart)


def test_what_weights_are_worth_in_images_is_known_where_both_curves_are(study):
    """From scratch the error is 4 n^-0.4; pretrained as if there were 8 times as many images."""
    scratch, pretrained = power(0, 4.0, -0.4), power(0, 4.0 * 8**-0.4, -0.4)
    made = study(
        {
            ("resnet18", "random"): tuple(1 - scratch(np.array(list(SIZES.values())))),
            ("resnet18", "imagenet"): tuple(1 - pretrained(np.array(list(SIZES.values())))),
        },
        fractions=SIZES,
        epochs=1,
    )
    curves = fit_curves(read_grid(made.results, None, made.predictions))
    arms = ("resnet18", "imagenet"), ("resnet18", "random")
    found = worth_in_images(curves, *arms, 4000.0)
    assert found is not None
    assert found.factor == pytest.approx(8, rel=0.15)
    assert found.low < 8 < found.high
    beyond = worth_in_images(curves, *arms, 64_000.0)
    assert beyond is not None
    assert beyond.high == np.inf  # 8 times the largest size is the end of what is followed


def test_two_fractions_that_name_the_same_size_are_one_point_of_the_curve(study):
    made = study(
        {
            ("resnet18", "random"): (0.5, 0.6, 0.6, 0.7),
            ("resnet50", "random"): (0.5, 0.6, 0.6, 0.7),
        },
        fractions={"1/16": 4000, "1/2": 32_000, "32000 images": 32_000, "1": 64_000},
    )
    found = discuss(made.results, made.histories, predictions=made.predictions)
    assert all(len(fit.sizes) == 3 for fit in found.curves.fits.values())
    assert found.advice.steps
