"""Holm against statsmodels; the interval over test images against the bootstrap; p values."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests
from trained import image_variance

from sixteenth.analysis import compare_cells, holm, read_grid
from sixteenth.analysis.stats.spread import Spread


def test_holms_adjusted_p_values_are_those_of_statsmodels():
    rng = np.random.default_rng(0)
    for m in (1, 2, 3, 8):
        p = rng.uniform(0, 0.2, m)
        p[0] = p[-1]  # ties too
        expected = multipletests(p, method="holm")[1]
        assert holm(p) == pytest.approx(expected)


def test_holm_by_hand_and_with_a_comparison_that_was_not_tested():
    found = holm([0.01, np.nan, 0.04, 0.03])
    assert found[[0, 2, 3]] == pytest.approx([0.03, 0.06, 0.06])
    assert np.isnan(found[1])


def bootstrap(z, resamples=20_000):
    """95% percentile interval of the mean of `z` (n,) over images (Efron & Tibshirani 1993)."""
    values, counts = np.unique(z, return_counts=True)
    rng = np.random.default_rng(0)
    means = rng.multinomial(len(z), counts / len(z), size=resamples) @ values / len(z)
    return np.quantile(means, [0.025, 0.975])


@pytest.mark.parametrize("images", [500, 5000])
def test_over_test_images_the_closed_form_is_the_bootstrap(images):
    rng = np.random.default_rng(images)
    for _ in range(5):
        easy = rng.normal(1.5, 2, images)
        first, second = easy + rng.normal(size=(2, images)) > [[0.0], [-0.2]]
        z = second.astype(float) - first
        half = Spread(image_variance(z)).half_width(0.95)
        low, high = bootstrap(z)
        assert (high - low) / 2 == pytest.approx(half, rel=0.04)
        assert (high + low) / 2 == pytest.approx(z.mean(), abs=0.05 * half)


def test_the_bootstrap_of_two_networks_agrees_with_their_comparison(study):
    simulated = study(
        {("resnet18", "random"): (0.80,), ("resnet50", "random"): (0.83,)}, fractions={"1": 50_000}
    )
    grid = read_grid(simulated.results, None, simulated.predictions)
    small, big = grid.cells
    right = [grid.correct[cell.run_ids[0]].astype(float) for cell in (small, big)]
    found = compare_cells(grid, small, big)
    assert bootstrap(right[1] - right[0]) == pytest.approx(found.networks, abs=0.0006)


MIXED = Spread(0.0001, np.linspace(0.0001, 0.001, 50))


@pytest.mark.parametrize("spread", [Spread(0.0004), MIXED])
def test_the_p_of_an_interval_is_five_percent_where_it_ends_at_zero(spread):
    assert spread.p_value(spread.half_width(0.95)) == pytest.approx(0.05, abs=1e-4)
    assert spread.p_value(spread.half_width(0.5)) == pytest.approx(0.5, abs=1e-4)
    assert spread.p_value(0.0) == 1.0
    assert spread.p_value(-0.01) == spread.p_value(0.01)


def test_the_interval_of_a_mixture_holds_its_share_of_draws():
    rng = np.random.default_rng(0)
    drawn = rng.normal(size=(2000, 50)) * np.sqrt(MIXED.images + MIXED.trainings)
    assert np.mean(np.abs(drawn) <= MIXED.half_width(0.9)) == pytest.approx(0.9, abs=0.005)
    unsure = Spread(0.0001, np.full(50, MIXED.trainings.mean()))
    assert MIXED.half_width(0.99) > unsure.half_width(0.99)
