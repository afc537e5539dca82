"""Paired comparisons: exact tests against scipy, intervals against simulation."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sixteenth.analysis import compare_cells, contrast, mcnemar_exact, read_grid
from sixteenth.analysis.inputs.predictions import Unpaired
from sixteenth.analysis.stats.paired import Basis, paired_spread


def paired_half_width(z, level=0.95):
    return paired_spread(z).half_width(level)


PAIR = {("resnet18", "random"): (0.80,), ("resnet50", "random"): (0.83,)}
ALL = {"1": 50_000}


def grid_of(study):
    grid = read_grid(study.results, study.histories, study.predictions)
    return grid, grid.cells[0], grid.cells[-1]


def test_mcnemars_exact_p_is_scipys_binomial_test_of_the_discordant_images():
    for b, c in ((0, 0), (0, 6), (10, 3), (150, 120)):
        expected = stats.binomtest(b, b + c).pvalue if b + c else 1.0
        assert mcnemar_exact(b, c) == pytest.approx(expected)
        assert mcnemar_exact(b, c) == mcnemar_exact(c, b)
    assert mcnemar_exact(0, 6) == pytest.approx(2 / 64)  # by hand


def test_a_comparison_counts_the_images_that_only_one_of_the_runs_gets_right(study):
    simulated = study(PAIR, fractions=ALL)
    grid, small, big = grid_of(simulated)
    found = compare_cells(grid, small, big)
    a, b = (grid.correct[cell.run_ids[0]] for cell in (small, big))
    assert found.only_first == int((b & ~a).sum())
    assert found.only_second == int((a & ~b).sum())
    assert found.value == pytest.approx((found.only_first - found.only_second) / 10_000)
    assert found.p_value == pytest.approx(mcnemar_exact(found.only_first, found.only_second))
    assert found.basis is Basis.PAIRED


def test_one_seed_has_the_interval_of_bonett_and_price():
    only_first, only_second, n = 9, 3, 100
    z = np.array([1.0] * only_first + [-1.0] * only_second + [0.0] * (n - 12))
    p, q = (only_first + 1) / (n + 2), (only_second + 1) / (n + 2)
    expected = 1.959964 * math.sqrt((p + q - (p - q) ** 2) / (n + 2))
    assert paired_half_width(z) == pytest.approx(expected, rel=1e-6)


def test_runs_that_agree_on_every_image_still_have_an_interval_with_a_width():
    assert 0 < paired_half_width(np.zeros(100)) < 0.05


@pytest.mark.parametrize(("seeds", "seed_sd"), [(1, 0.0), (2, 0.0), (2, 0.1), (3, 0.05), (5, 0.2)])
def test_paired_intervals_cover_the_true_difference_at_their_level(seeds, seed_sd):
    """Truth: the difference over new images, and, with several seeds, over new trainings."""
    rng = np.random.default_rng(seeds)
    total, images = 1000, 500
    scale = math.sqrt(4 + 1 + seed_sd**2)
    truth = stats.norm.cdf(1.7 / scale) - stats.norm.cdf(1.5 / scale)
    hits = 0
    for _ in range(total):
        easy = rng.normal(1.5, 2, images)
        shift = rng.normal(0, seed_sd, (2, seeds, 1))
        noise = rng.normal(0, 1, (2, seeds, images))
        first, second = easy + shift[0] + noise[0] > 0, easy + 0.2 + shift[1] + noise[1] > 0
        z = second.astype(float) - first
        hits += abs(z.mean() - truth) <= paired_half_width(z)
    assert 0.93 <= hits / total <= 0.985


def test_one_seed_covers_other_test_images_but_not_other_trainings():
    """The reason why the text says so: with a spread between trainings, 95% is not 95%."""
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(300):
        easy = rng.normal(1.5, 2, 2000)
        shift = rng.normal(0, 0.3, (2, 1))
        first, second = (easy + shift + rng.normal(0, 1, (2, 2000)) > 0).astype(float)
        hits += abs((second - first).mean()) <= paired_half_width(second - first)
    assert hits / 300 < 0.6


def test_pairing_narrows_the_interval_and_its_absence_is_said(study):
    simulated = study(PAIR, fractions=ALL)
    grid, small, big = grid_of(simulated)
    paired = compare_cells(grid, small, big)
    simulated.predictions.clear()
    grid, small, big = grid_of(simulated)
    unpaired = compare_cells(grid, small, big)
    assert unpaired.value == pytest.approx(paired.value)
    assert paired.high - paired.low < 0.9 * (unpaired.high - unpaired.low)
    assert unpaired.basis is Basis.UNPAIRED
    assert unpaired.only_first is None
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


def test_only_seeds_that_both_cells_have_are_compared(study):
    simulated = study(PAIR, fractions=ALL, seeds=(0, 1, 2), seed_sd=0.01)
    simulated = simulated.drop("resnet50-random-1-seed1", "failed", "no disk left")
    grid, small, big = grid_of(simulated)
    found = compare_cells(grid, small, big)
    assert found.seeds == 2
    assert "resnet18-random-1-seed1" not in found.run_ids


def test_a_difference_of_the_detectable_size_is_seen_four_times_in_five():
    rng = np.random.default_rng(3)
    n, agree = 2000, 0.9
    z0 = rng.choice([-1.0, 0.0, 1.0], p=[(1 - agree) / 2, agree, (1 - agree) / 2], size=n)
    half = paired_half_width(z0)
    detectable = half * (1 + stats.norm.ppf(0.8) / stats.norm.ppf(0.975))
    p = np.array([(1 - agree - detectable) / 2, agree, (1 - agree + detectable) / 2])
    seen = 0
    for _ in range(1000):
        z = rng.choice([-1.0, 0.0, 1.0], p=p, size=n)
        seen += z.mean() - paired_half_width(z) > 0
    assert 0.76 <= seen / 1000 <= 0.84


def test_a_contrast_of_four_cells_estimates_whether_one_difference_is_larger(reference):
    grid = read_grid(reference.results, None, reference.predictions)
    a, b = grid.curve("resnet18", "random"), grid.curve("resnet50", "random")
    found = contrast(grid, [(1, b[2]), (-1, a[2]), (-1, b[0]), (1, a[0])])
    expected = (b[2].accuracy - a[2].accuracy) - (b[0].accuracy - a[0].accuracy)
    assert found.value == pytest.approx(expected)
    single = compare_cells(grid, a[2], b[2])
    assert found.high - found.low > single.high - single.low


def test_a_table_without_test_sizes_and_predictions_claims_no_difference():
    table = pd.DataFrame({"model": ["a", "b"], "train_size": [10, 10], "test_accuracy": [0.2, 0.9]})
    grid = read_grid(table)
    found = compare_cells(grid, *grid.cells)
    assert found.verdict == "cannot tell"
