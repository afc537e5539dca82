"""Intervals of accuracies: for another training on other test images, and for these networks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from ..inputs.cells import Cell, CellKey
from ..inputs.grid import Grid
from ..inputs.scoring import smoothed_share
from .spread import LEVEL, Spread


class IntervalKind(StrEnum):
    """What the spread between trainings in an interval rests on."""

    ASSUMED = "assumed spread"
    """No cell of the same model and init was trained twice."""
    MEASURED = "measured spread"
    """Repeats, of this cell or of others of its model and init, together with those of others."""


def binomial_interval(
    successes: ArrayLike, n: ArrayLike, level: float = LEVEL
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Wilson's score interval of a share (Wilson 1927, J. Am. Stat. Assoc. 22: 209-212).

    It stays inside [0, 1] and has a width at 0 and n successes too, where the textbook interval
    p +- z * sqrt(p (1 - p) / n) shrinks to nothing (Brown, Cai & DasGupta 2001).

    Args:
        successes, n: counts of any one shape.
        level: coverage, such as 0.95.

    Returns:
        Low and high end, of that shape; NaN where n is not positive.
    """
    k, size = np.broadcast_arrays(np.asarray(successes, float), np.asarray(n, float))
    return wilson(k / np.where(size > 0, size, np.nan), size, float(-ndtri((1 - level) / 2)))


def wilson(
    share: ArrayLike, n: ArrayLike, quantile: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Wilson's interval from a share, a (maybe fractional) sample size and a quantile."""
    p, size = np.asarray(share, float), np.asarray(n, float)
    size = np.where(size > 0, size, np.nan)
    square = quantile**2 / size
    centre = (p + square / 2) / (1 + square)
    half = np.sqrt(p * (1 - p) * square + square**2 / 4) / (1 + square)
    return np.clip(centre - half, 0.0, 1.0), np.clip(centre + half, 0.0, 1.0)


@dataclass(frozen=True)
class Interval:
    """An interval of an accuracy; its ends are NaN where nothing tells it."""

    low: float
    high: float
    level: float


def cell_interval(grid: Grid, cell: Cell, level: float = LEVEL) -> Interval:
    """The interval of the accuracy that another training of this cell has on other test images.

    The normal half-width, from p (1 - p) / n of the test images and the spread between trainings,
    becomes Wilson's interval at the sample size that has this half-width (effective sample size:
    Korn & Graubard 1998), which stays within [0, 1].
    """
    p, n = cell.accuracy, cell.effective_size
    if not n > 0:
        return Interval(math.nan, math.nan, level)
    share = smoothed_share(p, n)
    trainings = grid.spread.variances[cell.key] * (1 + 1 / len(cell.runs))
    half = Spread(share * (1 - share) / n, trainings).half_width(level)
    z = float(-ndtri((1 - level) / 2))
    low, high = wilson(p, z**2 * share * (1 - share) / half**2, z)
    return Interval(float(low), float(high), level)


def run_intervals(grid: Grid, level: float = LEVEL) -> dict[str, Interval]:
    """run_id -> `cell_interval` as far as this run alone tells, of all that are finished."""
    found: dict[str, Interval] = {}
    for cell in (*grid.cells, *grid.other_lengths):
        # Of hundreds of seeds many have as many test images right.
        known: dict[tuple[float, float], Interval] = {}
        for run in cell.runs:
            key = run.accuracy, run.effective_size
            if key not in known:
                known[key] = cell_interval(grid, replace(cell, runs=(run,)), level)
            found[run.run_id] = known[key]
    return found


def networks_interval(cell: Cell, level: float = LEVEL) -> Interval:
    """The interval for these networks on other test images: Wilson's."""
    size = cell.effective_size
    low, high = binomial_interval(cell.accuracy * size, size, level)
    return Interval(float(low), float(high), level)


def cells(grid: Grid, level: float = LEVEL) -> pd.DataFrame:
    """One row for each cell (model, init, fraction) with a finished run, ordered for a figure.

    Args:
        grid: as `read_grid` reads it from a results table.
        level: of the intervals.

    Columns: model, init, fraction, train_size, n_seeds, n_planned, test_size,
    test_accuracy (by the grid's metric, mean over seeds), low, high (of another training),
    interval (an `IntervalKind`), networks_low, networks_high (of these networks on other test
    images), seed_sd (NaN with one seed), test_min, test_max, train_accuracy, generalisation_gap,
    parameters, so_far (whether a training of it is not at its end); of each run: run_ids, seeds,
    accuracies.
    """
    columns = [
        *("model", "init", "fraction", "train_size", "n_seeds", "n_planned", "test_size"),
        *("test_accuracy", "low", "high", "interval", "networks_low", "networks_high"),
        *("seed_sd", "test_min", "test_max", "train_accuracy", "generalisation_gap"),
        *("parameters", "so_far", "run_ids", "seeds", "accuracies"),
    ]
    return pd.DataFrame([_cell_row(grid, cell, level) for cell in grid.cells], columns=columns)


def _cell_row(grid: Grid, cell: Cell, level: float) -> dict[str, object]:
    accuracies = [run.accuracy for run in cell.runs]
    another, networks = cell_interval(grid, cell, level), networks_interval(cell, level)
    return {
        "model": cell.model,
        "init": cell.init,
        "fraction": cell.fraction,
        "train_size": int(cell.train_size),
        "n_seeds": len(cell.runs),
        "n_planned": cell.planned,
        "test_size": cell.test_size,
        "test_accuracy": cell.accuracy,
        "low": another.low,
        "high": another.high,
        "interval": _kind(grid, cell.key),
        "networks_low": networks.low,
        "networks_high": networks.high,
        "seed_sd": seed_sd(accuracies),
        "test_min": min(accuracies),
        "test_max": max(accuracies),
        "train_accuracy": cell.mean("train_accuracy"),
        "generalisation_gap": cell.mean("gap"),
        "parameters": grid.parameters(cell.model),
        "so_far": cell.so_far,
        "run_ids": tuple(cell.run_ids),
        "seeds": cell.seeds,
        "accuracies": tuple(accuracies),
    }


def _kind(grid: Grid, cell: CellKey) -> IntervalKind:
    return IntervalKind.ASSUMED if grid.spread.assumed(cell) else IntervalKind.MEASURED


def seed_sd(values: Sequence[float]) -> float:
    """Standard deviation between seeds; NaN with fewer than two."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else math.nan


def summary_table(grid: Grid, level: float = LEVEL) -> pd.DataFrame:
    """The results table of the report: one row for each run of the plan, raw numbers.

    Columns: run_id, model, init, fraction, length, train_size, seed, status,
    test_accuracy, low, high, interval, train_accuracy, generalisation_gap, test_loss, train_loss,
    parameters, train_flops, seconds, error. Low and high are of another training, as far as this
    run alone tells. test_accuracy and its interval are by the grid's metric.
    """
    intervals, unknown = run_intervals(grid, level), Interval(math.nan, math.nan, level)
    found = [intervals.get(run.run_id, unknown) for run in grid.runs]
    table = runs_table(grid)
    place = list(table.columns).index("test_accuracy") + 1
    kinds = [_kind(grid, run.cell_key) if run.finished else "" for run in grid.runs]
    table.insert(place, "low", [one.low for one in found])
    table.insert(place + 1, "high", [one.high for one in found])
    table.insert(place + 2, "interval", kinds)
    return table


def runs_table(grid: Grid) -> pd.DataFrame:
    """`summary_table` without its intervals, which take far longer than the rest."""
    columns = [
        *("run_id", "model", "init", "fraction", "length", "train_size", "seed", "status"),
        *("test_accuracy", "train_accuracy", "generalisation_gap", "test_loss", "train_loss"),
        *("parameters", "train_flops", "seconds", "error"),
    ]
    rows = [
        {
            "run_id": run.run_id,
            "model": run.model,
            "init": run.init,
            "fraction": run.fraction,
            "length": run.length,
            "train_size": run.train_size,
            "seed": run.seed,
            "status": run.status,
            "test_accuracy": run.accuracy,
            "train_accuracy": run.train_accuracy,
            "generalisation_gap": run.gap,
            "test_loss": run.test_loss,
            "train_loss": run.train_loss,
            "parameters": run.parameters,
            "train_flops": run.train_flops,
            "seconds": run.seconds,
            "error": "" if run.finished else run.error,
        }
        for run in grid.runs
    ]
    return pd.DataFrame(rows, columns=columns)
