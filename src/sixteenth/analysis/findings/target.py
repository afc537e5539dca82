"""How many images a wanted error takes, and with which model it comes first."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...language.numbers import percent, rounded, times
from ..curves.crossover import images_for, size_grid
from ..curves.forecast import FORESEEN, ONE_TRAINING, arm_words, share
from ..curves.joint import CURVE_LEVEL, Arm, Curves
from ..inputs.grid import Grid
from .diagnosis import describe_cell

FARTHEST = 64
"""A wanted error is looked for up to so many times the largest training set: six doublings."""


@dataclass(frozen=True)
class Target:
    """What a wanted test error takes.

    Attributes:
        error: wanted, in [0, 1].
        reached: a trained network is at or below it already.
        images, low, high: of the arm that gets there first, with its interval; NaN or inf where
            the curves cannot tell.
        probability: that this arm's true error at the largest measured size is `error` or less.
    """

    error: float
    reached: bool
    model: str
    init: str
    images: float
    low: float
    high: float
    level: float
    probability: float
    text: str


def reach(grid: Grid, curves: Curves, error: float) -> Target:
    """The arm that reaches an error with the fewest images, and how sure that is."""
    best = max(grid.cells, key=lambda cell: cell.accuracy)
    # 1 - 0.95 is a little more than 0.05 in binary.
    met = [cell for cell in grid.cells if 1 - cell.accuracy <= error + 1e-9]
    wanted = f"An error of {percent(error)}"
    once = "" if curves.repeated or not curves.fits else f" {ONE_TRAINING}"
    if met:
        cell = min(met, key=lambda one: (one.train_size, -one.accuracy))
        p = _probability(curves, (cell.model, cell.init), cell.train_size, error)
        sure = ""
        if p == p:
            sure = f"; its true error is {percent(error)} or less with probability {share(p)}"
        text = (
            f"{wanted} is reached already: {describe_cell(grid, cell)} measured "
            f"{percent(1 - cell.accuracy)}{sure}.{once}"
        )
        size = cell.train_size
        return Target(error, True, cell.model, cell.init, size, size, size, CURVE_LEVEL, p, text)
    ranked = [(*_required(curves, arm, error), arm) for arm in curves.fits]
    if not ranked:
        text = (
            f"{wanted} was not reached; the best measured {percent(1 - best.accuracy)}. With one "
            "size a model there is no curve to say how many images it would take."
        )
        nan = math.nan
        return Target(error, False, best.model, best.init, nan, nan, nan, CURVE_LEVEL, nan, text)
    size, low, high, arm = min(ranked)
    last = grid.curve(*arm)[-1].train_size
    p = _probability(curves, arm, last, error)
    level, most = f"{CURVE_LEVEL:.0%}", f"{FARTHEST} times the images of now"
    if not math.isfinite(low):
        text = (
            f"{wanted} is out of reach of more images alone, for every model here: even with "
            f"{most} it would be reached with a probability below {(1 - CURVE_LEVEL) / 2:.0%}. "
            f"The best measured {percent(1 - best.accuracy)}."
        )
    else:
        about = f"with more than {most}, if at all"
        if math.isfinite(size):
            about = f"at about {rounded(size)} images, {times(size / last)} as many as now"
        end = (
            f"{level} interval {rounded(low)} to {rounded(high)}"
            if math.isfinite(high)
            else (
                f"at least {rounded(low)}; not reachable at {level} certainty by more images alone"
            )
        )
        how = "come first with" if len(ranked) > 1 else "be reached with"
        doubled = share(_probability(curves, arm, 2 * last, error), FORESEEN)
        text = (
            f"{wanted} would {how} {arm_words(curves, arm)}: {about} ({end}). With twice the "
            f"images it is reached with probability {doubled}.{once}"
        )
    return Target(error, False, *arm, size, low, high, CURVE_LEVEL, p, text)


def _required(curves: Curves, arm: Arm, error: float) -> tuple[float, float, float]:
    """Images for an error: median and interval over the joint draws; inf where they do not end."""
    cells = curves.grid.curve(*arm)
    sizes = size_grid(cells[0].train_size, cells[-1].train_size, FARTHEST)
    drawn = curves.errors(arm, sizes)
    found = images_for(sizes, drawn, np.full(len(drawn), error))
    ends = [0.5, (1 - CURVE_LEVEL) / 2, (1 + CURVE_LEVEL) / 2]
    middle, low, high = np.quantile(found, ends, method="closest_observation")
    return float(middle), max(float(low), float(sizes[0])), float(high)


def _probability(curves: Curves, arm: Arm, images: float, error: float) -> float:
    if arm not in curves.fits:
        return math.nan
    return float((curves.errors(arm, [images]) <= error + 1e-9).mean())
