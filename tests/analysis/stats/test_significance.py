"""Exact tests against scipy and statsmodels; the closed form against the bootstrap."""

from __future__ import annotations

import numpy as np
import pytest
from bootstrap import bootstrap_interval, paired_bootstrap
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from sixteenth.analysis import (
    compare_cells,
    holm,
    mcnemar_exact,
    read_grid,
)
from sixteenth.analysis.stats.paired import Spread, paired_spread
from sixteenth.errors import InputError


@pytest.mark.parametrize(("b", "c"), [(0, 0), (0, 6), (10, 3), (150, 120), (1, 1)])
def test_mcnemars_exact_p_is_that_of_statsmodels(b, c):
    expected = mcnemar([[50, b], [c, 7]], exact=True).pvalue
    assert mcnemar_exact(b, c) == pytest.approx(expected)


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


def correlated(rng, seeds, images, seed_sd=0.0):
    """Right answers of two models to the same images, as a matrix of differences."""
    easy = rng.normal(1.5, 2, images)
    shift = rng.normal(0, seed_sd, (2, seeds, 1))
    noise = rng.normal(0, 1, (2, seeds, images))
    first, second = easy + shift[0] + noise[0] > 0, easy + 0.2 + shift[1] + noise[1] > 0
    return second.astype(float) - first


@pytest.mark.parametrize("images", [500, 5000])
def test_with_one_seed_the_closed_form_is_the_paired_bootstrap(images):
    rng = np.random.default_rng(images)
    for _ in range(5):
        z = correlated(rng, 1, images)
        half = paired_spread(z).half_width(0.95)
        low, high = paired_bootstrap(z, resamples=20_000)
        assert (high - low) / 2 == pytest.approx(half, rel=0.04)
        assert (high + low) / 2 == pytest.approx(z.mean(), abs=0.05 * half)


def test_with_many_seeds_the_closed_form_is_the_bootstrap_over_images_and_seeds():
    """Where seeds scatter; the bootstrap counts what is left over three times (Owen 2007)."""
    rng = np.random.default_rng(1)
    ratios = []
    for _ in range(10):
        z = correlated(rng, 30, 400, seed_sd=0.4)
        low, high = paired_bootstrap(z, resamples=3000)
        ratios.append((high - low) / 2 / paired_spread(z).half_width(0.95))
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.06)


def test_with_two_seeds_the_bootstrap_is_too_narrow_and_the_closed_form_is_not():
    """Why the report uses the closed form; truth: the difference over new images and trainings."""
    rng = np.random.default_rng(2)
    scale = np.sqrt(4 + 1 + 0.2**2)
    truth = stats.norm.cdf(1.7 / scale) - stats.norm.cdf(1.5 / scale)
    closed = resampled = 0
    for i in range(300):
        z = correlated(rng, 2, 500, seed_sd=0.2)
        closed += abs(z.mean() - truth) <= paired_spread(z).half_width(0.95)
        low, high = paired_bootstrap(z, resamples=500, seed=i)
        resampled += low <= truth <= high
    assert closed / 300 >= 0.93
    assert resampled / 300 < 0.9


def test_the_bootstrap_of_a_studys_cells_agrees_with_its_comparison(study):
    simulated = study(
        {("resnet18", "random"): (0.80,), ("resnet50", "random"): (0.83,)}, fractions={"1": 50_000}
    )
    grid = read_grid(simulated.results, None, simulated.predictions)
    small, big = grid.cells
    found = compare_cells(grid, small, big)
    low, high = bootstrap_interval(grid, [(1, big), (-1, small)])
    assert (low, high) == pytest.approx((found.low, found.high), abs=0.0006)
    with pytest.raises(InputError, match="needs every run's predictions"):
        bootstrap_interval(read_grid(simulated.results), [(1, big), (-1, small)])


@pytest.mark.parametrize("spread", [Spread(0.0004), Spread(0.0001, 0.0003, 3)])
def test_the_p_of_an_interval_is_five_percent_where_it_ends_at_zero(spread):
    assert spread.p_value(spread.half_width(0.95)) == pytest.approx(0.05)
    assert spread.p_value(spread.half_width(0.5)) == pytest.approx(0.5)
    assert spread.p_value(0.0) == 1.0
    assert spread.p_value(-0.01) == spread.p_value(0.01)


def test_what_could_have_been_seen_grows_with_the_t_quantiles_of_few_seeds():
    few, many = Spread(1e-6, 1e-4, 2), Spread(1e-6, 1e-4, 50)
    assert few.half_width(0.95, 0.8) > 4 * many.half_width(0.95, 0.8)


def test_a_difference_of_the_detectable_size_is_seen_four_times_in_five_with_few_seeds():
    rng = np.random.default_rng(5)
    seeds, sd, images = 4, 0.01, 1e-7
    true = Spread(images, sd**2 / seeds, seeds).half_width(0.95, 0.8)
    seen = 0
    for _ in range(2000):
        values = true + rng.normal(0, sd, seeds)
        spread = Spread(images, float(np.var(values, ddof=1)) / seeds, seeds)
        seen += values.mean() - spread.half_width(0.95) > 0
    assert 0.74 <= seen / 2000 <= 0.88
