"""Paired comparisons: intervals for another training against simulation."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from trained import drawn, image_variance

from sixteenth.analysis import compare_cells, contrast, read_grid
from sixteenth.analysis.findings.options import visible_gain
from sixteenth.analysis.inputs.predictions import Unpaired
from sixteenth.analysis.stats.paired import Basis, Contrast, another_draws, significant
from sixteenth.analysis.stats.spread import LEVEL, Spread

PAIR = {("resnet18", "random"): (0.80,), ("resnet50", "random"): (0.83,)}
ALL = {"1": 50_000}


def grid_of(study):
    grid = read_grid(study.results, study.histories, study.predictions)
    return grid, grid.cells[0], grid.cells[-1]


def test_a_comparison_is_the_difference_of_the_accuracies_paired_by_image(study):
    grid, small, big = grid_of(study(PAIR, fractions=ALL))
    found = compare_cells(grid, small, big)
    assert found.value == pytest.approx(big.accuracy - small.accuracy)
    assert found.basis is Basis.PAIRED
    assert found.p_value < 0.05
    assert found.assumed
    assert found.low < found.networks[0] < found.networks[1] < found.high


def test_the_interval_over_test_images_is_that_of_bonett_and_price():
    only_first, only_second, n = 9, 3, 100
    z = np.array([1.0] * only_first + [-1.0] * only_second + [0.0] * (n - 12))
    p, q = (only_first + 1) / (n + 2), (only_second + 1) / (n + 2)
    expected = 1.959964 * math.sqrt((p + q - (p - q) ** 2) / (n + 2))
    assert Spread(image_variance(z)).half_width(0.95) == pytest.approx(expected, rel=1e-6)


def test_runs_that_agree_on_every_image_still_have_an_interval_with_a_width():
    assert 0 < Spread(image_variance(np.zeros(100))).half_width(0.95) < 0.05


@pytest.mark.parametrize("seeds", [1, 3])
def test_two_equal_models_are_called_different_at_most_as_often_as_the_level_says(seeds):
    rng = np.random.default_rng(10 + seeds)
    wrong = 0
    for _ in range(150):
        grid, _ = drawn(rng, (0.7, 0.7), seeds=seeds)
        wrong += compare_cells(grid, *grid.cells).side != "cannot tell"
    assert wrong / 150 <= 0.05


def test_the_interval_for_these_networks_leaves_out_other_trainings():
    """The reason why it is not the one that is told."""
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(60):
        grid, another = drawn(rng, (0.6, 0.62), images=10_000, factor=2.0)
        low, high = compare_cells(grid, *grid.cells).networks
        hits += low <= another[1] - another[0] <= high
    assert hits / 60 < 0.6


def test_three_seeds_decide_more_than_one():
    rng = np.random.default_rng(1)
    halves, decided = {1: [], 3: []}, {1: 0, 3: 0}
    for _ in range(40):
        for seeds in (1, 3):
            grid, _ = drawn(rng, (0.60, 0.63), seeds=seeds, images=5000)
            found = compare_cells(grid, *grid.cells)
            halves[seeds].append(found.half_width)
            decided[seeds] += found.side == "above"
    assert np.mean(halves[3]) < 0.85 * np.mean(halves[1])
    assert decided[3] > decided[1] + 8


def test_pairing_narrows_the_interval_and_its_absence_is_said(study):
    simulated = study(PAIR, fractions=ALL)
    grid, small, big = grid_of(simulated)
    paired = compare_cells(grid, small, big)
    simulated.predictions.clear()
    grid, small, big = grid_of(simulated)
    unpaired = compare_cells(grid, small, big)
    assert unpaired.value == pytest.approx(paired.value)
    assert paired.spread.images < 0.6 * unpaired.spread.images
    assert paired.half_width < unpaired.half_width
    assert unpaired.basis is Basis.UNPAIRED
    assert unpaired.p_value > paired.p_value


def test_runs_on_different_test_images_are_never_paired(study):
    simulated = study(PAIR, fractions=ALL)
    labels, probabilities = simulated.predictions["resnet50-random-1-seed0"]
    simulated.predictions["resnet50-random-1-seed0"] = (labels[::-1], probabilities[::-1])
    grid, small, big = grid_of(simulated)
    assert compare_cells(grid, small, big).basis is Basis.UNPAIRED
    assert grid.unpaired is Unpaired.DIFFERENT_IMAGES


def test_predictions_that_do_not_give_the_tables_accuracy_are_not_used(study):
    simulated = study(PAIR, fractions=ALL)
    simulated.results.loc[0, "test_accuracy"] -= 0.05
    grid, small, big = grid_of(simulated)
    assert compare_cells(grid, small, big).basis is Basis.UNPAIRED


def test_all_trainings_of_a_cell_are_used_also_where_the_other_lacks_a_seed(study):
    simulated = study(PAIR, fractions=ALL, seeds=(0, 1, 2), seed_sd=0.01)
    simulated = simulated.drop("resnet50-random-1-seed1", "failed", "no disk left")
    grid, small, big = grid_of(simulated)
    found = compare_cells(grid, small, big)
    assert found.seeds == 2
    assert len(found.run_ids) == 5
    assert found.value == pytest.approx(big.accuracy - small.accuracy)


@pytest.mark.parametrize("seeds", [1, 3])
def test_a_difference_of_the_detectable_size_is_seen_four_times_in_five(seeds):
    rng = np.random.default_rng(3)
    typical = [compare_cells(g, *g.cells).detectable
               for g, _ in (drawn(rng, (0.65, 0.7), seeds=seeds) for _ in range(20))]  # fmt: skip
    true, seen = float(np.mean(typical)), 0
    for _ in range(200):
        grid, _ = drawn(rng, (0.65, 0.65 + true), seeds=seeds)
        seen += compare_cells(grid, *grid.cells).side == "above"
    assert 0.72 <= seen / 200 <= 0.9


def test_networks_that_agree_do_not_show_less_than_their_test_images_can(study):
    """Such a difference is then no longer one of networks that agree on nearly all images."""
    images = 300
    simulated = study({**PAIR, ("resnet50", "random"): (0.80,)}, fractions=ALL, test_size=images)
    first, *_ = simulated.predictions.values()
    simulated.predictions.update(dict.fromkeys(simulated.predictions, first))
    simulated.results["test_accuracy"] = simulated.results["test_accuracy"].iloc[0]
    grid, *cells = grid_of(simulated)
    found = compare_cells(grid, *cells)
    assert found.basis is Basis.PAIRED
    alone = replace(found, spread=Spread(found.spread.images, test_images=images))
    assert alone.detectable == visible_gain(cells[0]) <= found.detectable

    def seen(true: float) -> float:
        """How often a network that gains so much and loses nothing is seen to be better."""
        chance = 0.0
        for gained in range(60):
            z = np.repeat([1.0, 0.0], [gained, images - gained])
            excludes_zero = z.mean() > Spread(image_variance(z)).half_width(LEVEL)
            chance += float(binom.pmf(gained, images, true)) * excludes_zero
        return chance

    assert seen(alone.detectable) == pytest.approx(0.8, abs=0.03)
    assert seen(Spread(found.spread.images).detectable(LEVEL)) < 0.4


def test_a_contrast_of_four_cells_estimates_whether_one_difference_is_larger(reference):
    grid = read_grid(reference.results, None, reference.predictions)
    a, b = grid.curve(("resnet18", "random")), grid.curve(("resnet50", "random"))
    found = contrast(grid, [(1, b[2]), (-1, a[2]), (-1, b[0]), (1, a[0])])
    expected = (b[2].accuracy - a[2].accuracy) - (b[0].accuracy - a[0].accuracy)
    assert found.value == pytest.approx(expected)
    single = compare_cells(grid, a[2], b[2])
    assert found.high - found.low > single.high - single.low


def test_a_table_without_test_sizes_and_predictions_claims_no_difference():
    table = pd.DataFrame({"model": ["a", "b"], "train_size": [10, 10], "test_accuracy": [0.2, 0.9]})
    grid = read_grid(table)
    found = compare_cells(grid, *grid.cells)
    assert found.side == "cannot tell"


def test_several_differences_count_with_one_error_for_all():
    """Each alone would count: its interval leaves out zero."""

    def difference(deviations: float) -> Contrast:
        spread = Spread(0.01**2)
        value, half = deviations * 0.01, spread.half_width(LEVEL)
        return Contrast(value, value - half, value + half, 1, Basis.PAIRED, (), spread, True)

    weak, strong = difference(2.2), difference(4)  # p of 0.03 and 0.0001
    assert significant([weak]) == (True,)
    assert significant([weak, weak]) == (False, False)
    assert significant([strong, weak]) == (True, True)
    assert significant([difference(1), strong, weak]) == (False, True, False)
    assert significant([]) == ()


def test_draws_that_are_made_apart_share_the_start_alone(study):
    # So few test images that they and the trainings matter alike.
    three = {**PAIR, ("resnet34", "random"): (0.82,)}
    grid, first, start = grid_of(study(three, fractions=ALL, test_size=4000))
    second = grid.cells[1]
    together = another_draws(grid, start, [first, second])
    apart = np.array([another_draws(grid, start, [cell])[0] for cell in (first, second)])
    assert np.corrcoef(apart)[0, 1] > 0.15, "the training of the start"
    assert np.corrcoef(together)[0, 1] > np.corrcoef(apart)[0, 1] + 0.1, "and the images"
    assert together.std(axis=1) == pytest.approx(apart.std(axis=1), rel=0.15)
    assert not len(another_draws(grid, start, []))
