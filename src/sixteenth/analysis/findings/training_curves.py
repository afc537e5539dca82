"""How training accuracy moved at the end of training, read from the training curves."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..inputs.cells import Cell
from ..inputs.grid import Grid, History

LAST_PART = 1 / 3
"""The part of the epochs over which "at the end" is judged: long enough for a slope, short enough
to be the end."""


def climbing(history: History | None) -> float | None:
    """Rise of the running training accuracy over the last third of the epochs.

    A straight line through these epochs (at least two), so that one epoch does not decide. Where
    the curve bends, as it does when the learning rate falls, this is not what was `risen`.
    """
    part = _last_part(history)
    if part is None:
        return None
    slope = float(np.polyfit(np.arange(len(part)), part, 1)[0])
    return slope * (len(part) - 1)


def risen(history: History | None) -> float | None:
    """The running training accuracy of the last epoch, minus that of the first of the last third.

    To be told; `climbing` decides.
    """
    part = _last_part(history)
    return None if part is None else float(part[-1] - part[0])


def _last_part(history: History | None) -> NDArray[np.float64] | None:
    """Running training accuracy of the last third of the epochs; None where it is not known."""
    accuracy = np.empty(0) if history is None else history["train_accuracy"]
    if len(accuracy) < 3 or not np.all(np.isfinite(accuracy)):
        return None
    return accuracy[-max(2, math.ceil(len(accuracy) * LAST_PART) + 1) :]


def mean_climb(grid: Grid, cell: Cell) -> float | None:
    """`climbing`, mean over the cell's seeds; None where no history tells."""
    return _mean_over_runs(grid, cell, climbing)


def mean_rise(grid: Grid, cell: Cell) -> float | None:
    """`risen`, mean over the cell's seeds; None where no history tells."""
    return _mean_over_runs(grid, cell, risen)


def _mean_over_runs(
    grid: Grid, cell: Cell, of: Callable[[History | None], float | None]
) -> float | None:
    found = (of(grid.histories.get(run.run_id)) for run in cell.runs)
    known = [each for each in found if each is not None]
    return sum(known) / len(known) if known else None
