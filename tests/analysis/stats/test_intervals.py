"""Intervals against published values, scipy, and simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from trained import drawn

from sixteenth.analysis import (
    IntervalKind,
    Metric,
    binomial_interval,
    cell_interval,
    cells,
    compare_cells,
    read_grid,
    run_intervals,
    summary_table,
)
from sixteenth.analysis.stats.intervals import networks_interval
from sixteenth.errors import InputError


def test_wilson_interval_agrees_with_scipy_for_all_counts_and_levels():
    for n in (1, 7, 300):
        for level in (0.9, 0.95, 0.99):
            k = np.arange(n + 1)
            low, high = binomial_interval(k, n, level)
            for i in k:
                expected = stats.binomtest(int(i), n).proportion_ci(level, "wilson")
                assert low[i] == pytest.approx(expected.low, abs=1e-12)
                assert high[i] == pytest.approx(expected.high, abs=1e-12)


def test_wilson_interval_gives_newcombes_published_values():
    # Newcombe 1998, Statistics in Medicine 17: 857-872, table I, method 3.
    low, high = binomial_interval([81, 15, 0, 1], [263, 148, 20, 29])
    assert np.round(low, 4).tolist() == [0.2553, 0.0624, 0.0000, 0.0061]
    assert np.round(high, 4).tolist() == [0.3662, 0.1605, 0.1611, 0.1718]


def test_an_empty_test_set_has_no_interval():
    low, high = binomial_interval([0], [0])
    assert np.isnan(low).all()
    assert np.isnan(high).all()


@pytest.mark.parametrize("seeds", [1, 3])
def test_intervals_cover_another_training_at_their_level(seeds: int) -> None:
    """Of accuracies and of differences, over studies whose trainings spread more or less."""
    rng = np.random.default_rng(98)
    cells_hit, differences_hit = [], []
    for _ in range(150):
        grid, another = drawn(rng, (0.55, 0.6, 0.7, 0.75), seeds=seeds, factor=None)
        for cell, truth in zip(grid.cells, another, strict=True):
            found = cell_interval(grid, cell)
            cells_hit.append(found.low <= truth <= found.high)
        for i in (0, 2):
            difference = compare_cells(grid, grid.cells[i], grid.cells[i + 1])
            differences_hit.append(difference.low <= another[i + 1] - another[i] <= difference.high)
    assert 0.93 <= np.mean(cells_hit) <= 0.97
    assert 0.93 <= np.mean(differences_hit) <= 0.97


def test_the_interval_for_these_networks_does_not_cover_another_training() -> None:
    """The reason why it is not the one that is told."""
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(60):
        grid, another = drawn(rng, (0.6,), images=10_000, factor=2.0)
        found = networks_interval(grid.cells[0])
        hits += found.low <= another[0] <= found.high
    assert hits / 60 < 0.6


def test_an_interval_stays_inside_zero_and_one_and_has_a_width_there() -> None:
    table = pd.DataFrame(
        {"model": ["a", "b"], "train_size": 100, "test_accuracy": [0.0, 1.0], "test_size": 50}
    )
    grid = read_grid(table)
    low, high = (cell_interval(grid, cell) for cell in grid.cells)
    assert (low.low, high.high) == (0.0, 1.0)
    assert low.high > 0.02
    assert high.low < 0.98


def test_cells_hold_one_row_for_each_finished_cell_in_the_order_of_a_figure(reference):
    study = reference.drop("resnet50-random-1-seed0", "failed", "the loss became NaN")
    table = cells(read_grid(study.results))
    assert len(table) == 11
    assert table["model"].tolist() == ["resnet18"] * 6 + ["resnet50"] * 5
    assert table["init"].tolist()[:6] == ["random"] * 3 + ["imagenet"] * 3
    assert table["train_size"].tolist()[:3] == [3125, 25_000, 50_000]
    assert (table["low"] < table["test_accuracy"]).all()
    assert (table["test_accuracy"] < table["high"]).all()
    assert set(table["interval"]) == {IntervalKind.ASSUMED}
    assert (table["low"] < table["networks_low"]).all()
    assert (table["networks_high"] < table["high"]).all()
    assert table["seed_sd"].isna().all()


def test_cells_with_several_seeds_say_that_their_spread_was_measured(study):
    simulated = study(
        {("resnet18", "random"): (0.5, 0.6, 0.7)}, seeds=(0, 1, 2), seed_sd=0.01, test_size=1000
    )
    table = cells(read_grid(simulated.results))
    assert table["n_seeds"].tolist() == [3, 3, 3]
    assert set(table["interval"]) == {IntervalKind.MEASURED}
    assert len(table["run_ids"][0]) == 3


def test_the_spread_of_cells_that_train_other_weights_stays_assumed(study):
    heads = study({("resnet18", "imagenet, frozen"): (0.5, 0.6, 0.7)}, seeds=(0, 1, 2))
    tuned = study({("resnet18", "imagenet"): (0.6, 0.7, 0.8)})
    both = read_grid(pd.concat([heads.results, tuned.results]))
    for table in (cells(both), summary_table(both)):
        kinds = table.groupby("init")["interval"].unique().map(list).to_dict()
        assert kinds == {
            "imagenet, frozen": [IntervalKind.MEASURED],
            "imagenet": [IntervalKind.ASSUMED],
        }


def test_the_summary_table_keeps_runs_that_did_not_finish_and_says_why(reference):
    study = reference.drop("resnet50-random-1-seed0", "failed", "the loss became NaN")
    table = summary_table(read_grid(study.results))
    assert len(table) == 12
    row = table.set_index("run_id").loc["resnet50-random-1-seed0"]
    assert row["status"] == "failed"
    assert row["error"] == "the loss became NaN"
    assert np.isnan(row["low"])


def test_accuracies_in_percent_are_refused_with_one_clear_line():
    table = pd.DataFrame({"model": ["a"], "train_size": [10], "test_accuracy": [87.0]})
    with pytest.raises(InputError, match=r"test_accuracy is 87; accuracies lie in \[0, 1\]"):
        read_grid(table)


def test_a_table_of_another_tool_needs_only_three_columns():
    table = pd.DataFrame({"model": ["a", "a"], "train_size": [10, 20], "test_accuracy": [0.5, 0.6]})
    found = cells(read_grid(table))
    assert found["train_size"].tolist() == [10, 20]
    assert found["low"].isna().all()  # nobody said how many test images there were
    with pytest.raises(InputError, match="no column 'train_size'"):
        read_grid(table.drop(columns="train_size"))


def test_networks_of_one_plain_accuracy_have_the_intervals_of_their_own_balanced_accuracies():
    table = pd.DataFrame(
        {
            "model": "m",
            "train_size": 1000,
            "seed": [0, 1],
            "test_accuracy": 0.8,
            "test_size": 1000,
            "balanced_accuracy": [0.7, 0.6],
            "balanced_test_size": 400.0,
        }
    )
    first, second = run_intervals(read_grid(table, metric=Metric.BALANCED_ACCURACY)).values()
    assert first.low < 0.7 < first.high
    assert second.low < 0.6 < second.high < first.high - 0.05
    assert second.low < first.low - 0.05
