"""How wide the intervals of an answer will be, before anything is trained.

An invented study, whose accuracies lie on a power law and whose trainings differ as is assumed,
goes through the analysis of real ones. Its runs are those of the plan, so that what sizes, seeds
and test images are worth is what they are worth in the report.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

from ...analysis import fit_curves, read_grid
from ...analysis.curves.forecast import doubling_draws
from ...analysis.curves.joint import spread_of
from ...analysis.curves.learning_curve import CURVE_LEVEL
from ...analysis.inputs.grid import TEST_NOISE
from ...analysis.inputs.tables import whole_runs
from ...analysis.inputs.trainings import assumed_deviation
from ...analysis.stats.spread import LEVEL, Spread

ASSUMED_ERROR = 0.2
"""Test error at the study's largest size, where nothing was trained yet; larger on fewer images."""

EXPONENT = -0.35
"""Of the invented power law; fits to the studies in docs/results give -0.34 to -0.47."""

FEW_TEST_IMAGES = 2000
"""With fewer, the test images bound what a comparison can show, and not the trainings."""


@dataclass(frozen=True)
class Precision:
    """Half-widths that are to be expected, in shares of accuracy; NaN where the runs give none.

    Attributes:
        train_size: the largest size at which models or initial weights are compared.
        accuracy: that is assumed there.
        comparison: of the difference of two cells there, at `level`.
        forecast: of the gain from twice the images, at `forecast_level`.
    """

    train_size: int
    accuracy: float
    comparison: float
    forecast: float
    level: float = LEVEL
    forecast_level: float = CURVE_LEVEL


def expected_precision(plan: pd.DataFrame, results: pd.DataFrame, test_images: int) -> Precision:
    """What a study can be expected to tell once the runs that `plan` keeps are trained.

    Args:
        plan: rows of `cost.plan_table`. The runs that have a result or are chosen are kept.
        results: of the study so far: its accuracies are taken where there are any.
        test_images: of the data.
    """
    size, error = float(plan["train_size"].max()), ASSUMED_ERROR
    known = whole_runs(results).dropna(subset=["test_accuracy"])
    counts = plan["run_id"].isin(known.get("run_id", []))
    plan = plan[plan["chosen"] | (plan["status"] == "finished") | counts]
    per_size = plan.groupby("train_size")[["model", "init"]].nunique().max(axis=1)
    compared = per_size[per_size > 1].index
    largest = int(max(compared if len(compared) else per_size.index))
    if len(known):
        size = float(known["train_size"].max())
        error = 1 - float(known.loc[known["train_size"] == size, "test_accuracy"].mean())
    grid = read_grid(_invented(plan, size, error, test_images))
    at_largest = [cell for cell in grid.cells if cell.train_size == largest]
    accuracy = at_largest[0].accuracy
    comparison = forecast = math.nan
    if len(at_largest) > 1:
        trainings = sum(
            (1 + 1 / len(cell.runs)) * grid.spread.variances[cell.key] for cell in at_largest[:2]
        )
        images = image_noise(accuracy, test_images)
        comparison = Spread(images, np.asarray(trainings)).half_width(LEVEL)
    curves = fit_curves(grid)
    if curves.fits:
        ends = (grid.curve(arm)[-1] for arm in curves.fits)
        longest = max(ends, key=lambda cell: cell.train_size)
        _, low, high = spread_of(doubling_draws(curves, longest).total)
        forecast = (high - low) / 2
    return Precision(largest, accuracy, comparison, forecast)


def image_noise(accuracy: float, test_images: int) -> float:
    """Variance of the difference of two like networks on the same test images, for their sake."""
    return 2 * TEST_NOISE * accuracy * (1 - accuracy) / test_images


def least_difference(accuracy: float, test_images: int) -> float:
    """Half-width of the difference of two like networks, of trainings that do not differ at all."""
    return Spread(image_noise(accuracy, test_images)).half_width(LEVEL)


def _invented(plan: pd.DataFrame, size: float, error: float, test_images: int) -> pd.DataFrame:
    """Results of the planned runs, on a power law with `error` at `size`."""
    rows = plan[["run_id", "model", "init", "fraction", "train_size", "seed", "parameters"]].copy()
    rows["test_size"] = test_images
    rows["test_accuracy"] = np.nan
    for _, cell in rows.groupby(["model", "init", "fraction"], sort=False):
        images = float(cell["train_size"].iloc[0])
        expected = 1 - min(0.9, max(error, 0.5 / test_images) * (images / size) ** EXPONENT)
        deviations = ndtri((np.arange(len(cell)) + 0.5) / len(cell))
        if len(cell) > 1:  # as far apart as trainings are, their test images included
            noise = TEST_NOISE * expected * (1 - expected) / test_images
            spread = math.sqrt(assumed_deviation(expected, images) ** 2 + noise)
            deviations *= spread / np.std(deviations, ddof=1)
        rows.loc[cell.index, "test_accuracy"] = np.clip(expected + deviations, 0, 1)
    return rows
