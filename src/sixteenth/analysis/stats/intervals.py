"""Intervals of accuracies: Wilson's for one run, and with seeds the same at an effective size.

What an interval covers depends on what was repeated. One run's interval is about the choice of
test images only; the spread between trainings is not in it. With several seeds, both are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from ..inputs.grid import Cell, Grid, read_grid

LEVEL = 0.95


class IntervalKind(StrEnum):
    """What an interval of an accuracy covers."""

    BINOMIAL = "test-set binomial"
    """The choice of test images: the cell was trained once."""
    SEEDS = "seeds and test set"
    """The spread between seeds too."""


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
    return wilson(
        k / np.where(size > 0, size, np.nan), size, float(stats.norm.isf((1 - level) / 2))
    )


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


def accuracy_interval(
    accuracies: Sequence[float], test_size: float, level: float = LEVEL
) -> tuple[float, float]:
    """Interval of the accuracy that trainings of this cell reach on average.

    One training: Wilson's interval; only the choice of test images is in it.
    Several: the squares of two half-widths are added, t(S - 1) * s / sqrt(S) for the spread s
    between the S seeds and z * sqrt(p (1 - p) / n) for the test images (Zou & Donner 2008). All
    seeds share the n images, so that averaging over seeds does not shrink the second; the first
    already holds a part of it, which errs a little on the wide side. The interval is Wilson's at
    the sample size that has this half-width (effective sample size: Korn & Graubard 1998), so it
    stays in [0, 1] and is that of one run when the seeds agree.
    """
    p, n = float(np.mean(accuracies)), float(test_size)
    if not n > 0:
        return math.nan, math.nan
    z = float(stats.norm.isf((1 - level) / 2))
    repeats, square = len(accuracies), z**2 * p * (1 - p) / n
    if repeats > 1 and square > 0:
        t = float(stats.t.isf((1 - level) / 2, repeats - 1))
        effective = square / (square + t**2 * float(np.var(accuracies, ddof=1)) / repeats)
        n *= effective
    low, high = wilson(p, n, z)
    return float(low), float(high)


@dataclass(frozen=True)
class Interval:
    """An interval of an accuracy; its ends are NaN where nothing tells it."""

    low: float
    high: float
    level: float


def cell_interval(cell: Cell, level: float = LEVEL) -> Interval:
    """`accuracy_interval` of a cell's runs."""
    accuracies = [run.test_accuracy for run in cell.runs]
    return Interval(*accuracy_interval(accuracies, cell.test_size, level), level)


def cells(results: pd.DataFrame, level: float = LEVEL) -> pd.DataFrame:
    """One row for each cell (model, init, fraction) with a finished run, ordered for a figure.

    Columns: model, init, fraction, train_size, n_seeds, n_planned, test_size,
    test_accuracy (mean over seeds), low, high, interval (an `IntervalKind`),
    seed_sd (NaN with one seed), test_min, test_max, train_accuracy, generalisation_gap,
    parameters, run_ids.
    """
    grid = read_grid(results)
    columns = [
        *("model", "init", "fraction", "train_size", "n_seeds", "n_planned"),
        *("test_size", "test_accuracy", "low", "high", "interval", "seed_sd", "test_min"),
        *("test_max", "train_accuracy", "generalisation_gap", "parameters", "run_ids"),
    ]
    return pd.DataFrame([_cell_row(grid, cell, level) for cell in grid.cells], columns=columns)


def _cell_row(grid: Grid, cell: Cell, level: float) -> dict[str, object]:
    accuracies = [run.test_accuracy for run in cell.runs]
    low, high = accuracy_interval(accuracies, cell.test_size, level)
    return {
        "model": cell.model,
        "init": cell.init,
        "fraction": cell.fraction,
        "train_size": int(cell.train_size),
        "n_seeds": len(cell.runs),
        "n_planned": cell.planned,
        "test_size": cell.test_size,
        "test_accuracy": cell.accuracy,
        "low": low,
        "high": high,
        "interval": IntervalKind.SEEDS if len(cell.runs) > 1 else IntervalKind.BINOMIAL,
        "seed_sd": seed_sd(accuracies),
        "test_min": min(accuracies),
        "test_max": max(accuracies),
        "train_accuracy": cell.mean("train_accuracy"),
        "generalisation_gap": cell.mean("gap"),
        "parameters": grid.parameters(cell.model),
        "run_ids": tuple(cell.run_ids),
    }


def seed_sd(values: Sequence[float]) -> float:
    """Standard deviation between seeds; NaN with fewer than two."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else math.nan


def summary_table(results: pd.DataFrame, level: float = LEVEL) -> pd.DataFrame:
    """The results table of the report: one row for each run of the plan, raw numbers.

    Columns: run_id, model, init, fraction, train_size, seed, status,
    test_accuracy, low, high, interval, train_accuracy, generalisation_gap, test_loss, train_loss,
    parameters, train_flops, seconds, error. Intervals are of the single run: `binomial_interval`.
    """
    grid = read_grid(results)
    rows = []
    for run in grid.runs:
        low, high = math.nan, math.nan
        if run.finished:
            low, high = accuracy_interval([run.test_accuracy], run.test_size, level)
        rows.append(
            {
                "run_id": run.run_id,
                "model": run.model,
                "init": run.init,
                "fraction": run.fraction,
                "train_size": run.train_size,
                "seed": run.seed,
                "status": run.status,
                "test_accuracy": run.test_accuracy,
                "low": low,
                "high": high,
                "interval": IntervalKind.BINOMIAL if run.finished else "",
                "train_accuracy": run.train_accuracy,
                "generalisation_gap": run.gap,
                "test_loss": run.test_loss,
                "train_loss": run.train_loss,
                "parameters": run.parameters,
                "train_flops": run.train_flops,
                "seconds": run.seconds,
                "error": "" if run.finished else run.error,
            }
        )
    return pd.DataFrame(rows, columns=list(rows[0]) if rows else None)
