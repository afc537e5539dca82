"""Studies whose trainings are drawn, so that what another training would reach is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from sixteenth.analysis import Grid, TestPredictions, read_grid
from sixteenth.analysis.inputs.trainings import SIMILARITY, UNCERTAINTY, assumed_deviation
from sixteenth.analysis.stats.paired import image_covariance

SIZE = 3125


def drawn(
    rng: np.random.Generator,
    means: Sequence[float],
    *,
    seeds: int = 1,
    images: int = 1000,
    factor: float | None = 1.0,
) -> tuple[Grid, NDArray[np.float64]]:
    """A study of one cell a mean, and the accuracy of another training of each on all images.

    Trainings spread by `factor` times the assumed deviation, each cell a little otherwise, as the
    analysis supposes; None draws the factor too. Images have a difficulty that all trainings share.
    """
    if factor is None:
        factor = float(np.exp(UNCERTAINTY * rng.normal()))
    easy = rng.normal(size=images)
    rows, correct, others = [], {}, []
    for i, mean in enumerate(means):
        own = np.sqrt(SIMILARITY / rng.chisquare(SIMILARITY))
        true = mean + factor * own * assumed_deviation(mean, SIZE) * rng.normal(size=seeds + 1)
        others.append(true[-1])
        for seed in range(seeds):
            score = np.sqrt(0.7) * easy + np.sqrt(0.3) * rng.normal(size=images)
            right = score < stats.norm.ppf(true[seed])
            correct[f"{i}-{seed}"] = right
            rows.append((f"{i}-{seed}", f"m{i}", SIZE, seed, right.mean(), images, i + 1.0))
    columns = [*("run_id", "model", "train_size", "seed", "test_accuracy"), "test_size"]
    grid = read_grid(pd.DataFrame(rows, columns=[*columns, "parameters"]))
    predictions = TestPredictions(correct=correct, unpaired=None)
    return replace(grid, predictions=predictions), np.array(others)


def image_variance(z: NDArray[np.float64]) -> float:
    """The variance over test images of the mean of the differences (n,) of two networks."""
    return float(image_covariance(z[None], np.ones((1, 1)))[0, 0]) / (len(z) + 2)
