"""Wanted errors that only luck, or the choice of the luckiest network, seems to reach."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from talking import discuss

from sixteenth.analysis import read_grid
from sixteenth.analysis.curves.joint import fit_curves
from sixteenth.analysis.curves.shrinkage import towards_each_other
from sixteenth.analysis.findings.target import REACHED_FROM, Target, TargetOutcome, reach
from sixteenth.language import language_for

SIZES = [250, 500, 1000, 2000, 4000, 8000, 16_000, 32_000]


def table(true_error: Callable[[str, int], float], models: str, test_size: int, seed: int = 0):
    """Results of single trainings, measured on so many test images."""
    rng = np.random.default_rng(seed)
    rows = [
        (model, size, 1 - rng.binomial(test_size, true_error(model, size)) / test_size)
        for model in models
        for size in SIZES
    ]
    made = pd.DataFrame(rows, columns=["model", "train_size", "test_accuracy"])
    return made.assign(test_size=test_size)


def wanted(results: pd.DataFrame, error: float) -> Target:
    grid = read_grid(results)
    return reach(grid, fit_curves(grid, 0.9), error, guesses=False)


def test_a_lucky_measurement_is_not_told_as_reached() -> None:
    """The true error of every network is 15% or more; on 150 test images some measure 14%."""
    found = [
        wanted(table(lambda _, n: 0.15 * (n / 32_000) ** -0.3, "abcd", 150, seed), 0.14)
        for seed in range(8)
    ]
    lucky = [target for target in found if target.measured <= 0.14]
    assert len(lucky) >= 5
    assert {target.outcome for target in lucky} == {TargetOutcome.MEASURED}
    assert np.mean([target.probability for target in lucky]) < 0.5
    for target in lucky:
        assert target.probability < REACHED_FROM
        assert 1 - target.cell.accuracy == target.measured
        assert target.low < target.images, "a forecast of what it takes"


def test_an_error_far_above_the_measured_ones_is_reached_on_the_fewest_images_that_are_sure() -> (
    None
):
    results = table(lambda _, n: 0.15 * (n / 32_000) ** -0.3, "ab", 2000)
    target = wanted(results, 0.2)
    assert target.outcome is TargetOutcome.REACHED
    assert target.probability >= REACHED_FROM
    assert target.images == target.cell.train_size == target.low == target.at_most < 32_000


def test_the_bounds_of_the_network_that_is_first_account_for_the_choice_of_it() -> None:
    """Four equal networks, one of which was lucky at the largest size."""
    results = table(lambda _, n: 0.15 * (n / 32_000) ** -0.3, "abcd", 10**9).assign(test_size=150)
    lucky = (results.model == "c") & (results.train_size == 32_000)
    results.loc[lucky, "test_accuracy"] += 0.03
    chosen = wanted(results, 0.11)
    assert chosen.model == "c"
    alone = wanted(results[results.model == "c"], 0.11)
    assert chosen.outcome is alone.outcome is TargetOutcome.FORECAST
    for bound in ("low", "at_least", "images", "at_most"):
        assert getattr(chosen, bound) > getattr(alone, bound)
    exact = wanted(results.assign(test_size=10**6), 0.11)
    assert exact.images < 0.8 * chosen.images, "what was measured exactly was no luck"


def test_without_curves_luck_has_a_probability_and_no_forecast() -> None:
    rows = pd.DataFrame({"model": ["a", "b"], "train_size": 1000, "test_accuracy": [0.86, 0.85]})
    target = wanted(rows.assign(test_size=150), 0.14)
    assert target.outcome is TargetOutcome.MEASURED
    assert 0.2 < target.probability < 0.6
    assert np.isnan(target.images)
    assert wanted(rows.assign(test_size=150), 0.3).reached


def test_what_may_be_luck_is_said_alike_in_advice_on_the_page_and_in_json() -> None:
    results = table(lambda _, n: 0.15 * (n / 32_000) ** -0.3, "abcd", 150)
    error = 1 - results.test_accuracy.max()
    found = discuss(results, target_error=error).findings
    target = found.advice.target
    made = target.to_dict()
    assert (made["outcome"], made["reached"]) == ("measured", False)
    for tag, luck, curves in (
        ("en", "was measured, which may be luck:", "It would be reached"),
        ("zh-Hant", "曾經測得，但可能是運氣：", "由學習曲線來看"),
    ):
        language = language_for(found, tag)
        assert luck in language.advise(found).target.text
        assert curves in language.advise(found).target.text
        assert luck in language.screen.target(target)


def test_networks_that_differ_by_more_than_noise_keep_their_errors() -> None:
    noise = np.full(4, 0.01**2)
    apart = np.array([0.1, 0.2, 0.3, 0.4])
    assert np.abs(towards_each_other(apart, noise) - apart).max() < 0.002
    near = np.array([0.19, 0.2, 0.2, 0.21])
    moved = towards_each_other(near, noise)
    assert 0.193 < moved[0] < moved[3] < 0.207
    assert towards_each_other(near[:1], noise[:1]) == near[:1]
