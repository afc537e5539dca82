"""What more trainings of a study would take, at the speed of those that it has."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ..inputs.grid import Grid, Run


def training_seconds(grid: Grid, runs: Iterable[Run]) -> float:
    """Seconds that these runs take one after another; NaN where that of one is not known.

    A run that has not finished takes as long as those of its model and weights on the nearest
    number of images. Where the epochs are equal, the time grows with the images.
    """
    if grid.length < 1:  # stopped early: what is left of each run is not in the records
        return math.nan
    return sum(run.seconds if run.finished else _expected(grid, run) for run in runs)


def study_seconds(grid: Grid) -> float:
    """Seconds that all runs of the study take, see `training_seconds`."""
    return training_seconds(grid, grid.runs)


def _expected(grid: Grid, run: Run) -> float:
    curve, size = grid.curve(run.model, run.init), grid.size_of(run)
    if not curve or not size > 0:
        return math.nan
    near = min(curve, key=lambda cell: abs(math.log(cell.train_size / size)))
    steps = {cell.mean("steps") for cell in curve}
    equal_steps = len(curve) > 1 and len(steps) == 1 and max(steps) > 0  # a head has none
    return near.mean("seconds") * (1.0 if equal_steps else size / near.train_size)
