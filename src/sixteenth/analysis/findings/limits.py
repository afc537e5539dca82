"""What a study cannot say, read from how it was run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from ...spec.fields import (
    AT_MAX_EPOCHS,
    AUTO_ENDS,
    BY_VALIDATION,
    LEVELLED_OFF,
    is_frozen,
    trained_part,
)
from ..curves.joint import Curves
from ..curves.learning_curve import CURVE_LEVEL
from ..curves.points import ENOUGH
from ..inputs.cells import Cell, Run
from ..inputs.grid import Grid
from ..inputs.predictions import Unpaired
from ..inputs.scoring import Metric
from .expectation import SizeVerdict
from .types import Finding, Strength

FEW_EPOCHS = 10
"""Below this a study speaks of few epochs: common recipes for small images use 15 to 200."""
MANY_SEEDS = 5
"""From so many trainings of each cell on, the spread between them is called known."""


class Limit(Finding):
    """Base of what a study cannot say."""

    strength = Strength.NOTE


@dataclass(frozen=True)
class DecidedBy(Limit):
    """The study decides by another metric than accuracy.

    Attributes:
        classes: that the test set holds, so that they count; 0: not known.
        absent: that it holds no image of.
    """

    metric: Metric
    classes: int
    absent: int


class Repeats(StrEnum):
    """How well the spread between trainings is known."""

    NONE = "none"
    """Each cell was trained once."""
    SOME = "some"
    """Some cells were trained once, and others of the same model and init were repeated."""
    NOT_OF_ALL = "not-of-all"
    """Some model and init was trained once at every size, and others were repeated."""
    FEW = "few"


@dataclass(frozen=True)
class FewSeeds(Limit):
    """Too few trainings of each cell.

    Attributes:
        seeds: the different numbers of them.
        repeats: how well the spread is known that they tell.
        parts: all weights, those of the last stage, or of the classifier: how many of these the
            cells train. Each has a spread of its own.
    """

    seeds: tuple[int, ...]
    repeats: Repeats
    parts: int = 1


@dataclass(frozen=True)
class FewEpochs(Limit):
    """All runs were short."""

    epochs: float
    several_models: bool


@dataclass(frozen=True)
class ReportedEpoch(Limit):
    """How the epoch of the reported accuracy was chosen in any run: `Metrics.chosen_by`."""

    chosen_by: tuple[str, ...]


@dataclass(frozen=True)
class CellLength:
    """The epochs of a cell's runs, and the seeds of those that have not levelled off: stopped by
    `max_epochs`, and not at their end, see `grid.Run.so_far`."""

    cell: Cell
    fewest: float
    most: float
    stopped: tuple[int, ...]
    so_far: tuple[int, ...] = ()


@dataclass(frozen=True)
class ChosenLengths(Limit):
    """Each run's length was chosen on a validation part, see `engine.lengths`."""

    cells: tuple[CellLength, ...]


@dataclass(frozen=True)
class NotAllPaired(Limit):
    """Not all differences are paired by test image; `run_ids` lack usable predictions."""

    reason: Unpaired
    run_ids: tuple[str, ...]


@dataclass(frozen=True)
class OneSize(Limit):
    """All runs have one training-set size."""

    train_size: float


@dataclass(frozen=True)
class Extrapolation(Limit):
    """What is said beyond the largest size is a forecast, with intervals at `level`."""

    train_sizes: tuple[float, ...]
    level: float

    @property
    def few_sizes(self) -> bool:
        """Whether the sizes are too few to fix the shape of a curve."""
        return len(self.train_sizes) < ENOUGH


@dataclass(frozen=True)
class Detectable(Limit):
    """The smallest true differences between the two models that would be seen.

    Attributes:
        differences: one for each comparison that could see any.
        comparisons: how many were made.
    """

    differences: tuple[float, ...]
    comparisons: int


@dataclass(frozen=True)
class OneRecipe(Limit):
    """All runs were trained in one way."""

    several_models: bool


LimitFinding = (
    DecidedBy
    | FewSeeds
    | FewEpochs
    | ReportedEpoch
    | ChosenLengths
    | NotAllPaired
    | OneSize
    | Extrapolation
    | Detectable
    | OneRecipe
)


def limits(grid: Grid, rows: Sequence[SizeVerdict], curves: Curves) -> list[LimitFinding]:
    """The limits that apply, the weightiest first.

    Args:
        grid: the study.
        rows: its comparisons of the smallest with the largest model.
        curves: its fitted curves.
    """
    runs = [run for cell in grid.cells for run in cell.runs]
    several_models = len(grid.models) > 1
    heads = all(is_frozen(cell.init) for cell in grid.cells)
    return [
        *_metric(grid),
        *_seeds(grid),
        *_epochs(runs, several_models),
        *_chosen(runs),
        *_lengths(grid),
        *_pairing(grid),
        *_sizes(grid, curves),
        *_visible(rows),
        *([OneRecipe(several_models)] if len(grid.cells) > 1 and not heads else []),
    ]


def _metric(grid: Grid) -> list[DecidedBy]:
    if grid.metric is Metric.ACCURACY:
        return []
    read = grid.predictions
    present = len(np.unique(read.labels))
    known = next((len(shares) for shares in read.self_confidence.values()), present)
    return [DecidedBy(grid.metric, present, known - present)]


def _seeds(grid: Grid) -> list[FewSeeds]:
    numbers = tuple(sorted({len(cell.runs) for cell in grid.cells}))
    if not numbers or numbers[0] >= MANY_SEEDS:
        return []
    repeats = Repeats.FEW
    if numbers[0] == 1:
        repeats = Repeats.NONE if numbers == (1,) else Repeats.SOME
        if repeats is Repeats.SOME and any(grid.spread.assumed(cell.key) for cell in grid.cells):
            repeats = Repeats.NOT_OF_ALL
    return [FewSeeds(numbers, repeats, len({trained_part(cell.init) for cell in grid.cells}))]


def _epochs(runs: Sequence[Run], several_models: bool) -> list[FewEpochs]:
    # A head on frozen features has none.
    epochs = {run.epochs for run in runs if math.isfinite(run.epochs) and run.epochs > 0}
    levelled = any(run.chosen_by == LEVELLED_OFF for run in runs)
    stopped = any(run.length < 1 or run.so_far for run in runs)  # the study asks for more already
    best_of_more = any(run.chosen_by == BY_VALIDATION for run in runs)
    if len(epochs) != 1 or min(epochs) >= FEW_EPOCHS or levelled or stopped or best_of_more:
        return []
    return [FewEpochs(min(epochs), several_models)]


def _chosen(runs: Sequence[Run]) -> list[ReportedEpoch]:
    ways = sorted({run.chosen_by for run in runs if run.chosen_by})
    return [ReportedEpoch(tuple(ways))] if ways else []


def _lengths(grid: Grid) -> list[ChosenLengths]:
    found = []
    for cell in grid.cells:
        runs = [r for r in cell.runs if r.chosen_by in AUTO_ENDS and math.isfinite(r.epochs)]
        if runs:
            epochs = [run.epochs for run in runs]
            stopped = tuple(run.seed for run in runs if run.chosen_by == AT_MAX_EPOCHS)
            so_far = tuple(run.seed for run in runs if run.so_far)
            found.append(CellLength(cell, min(epochs), max(epochs), stopped, so_far))
    return [ChosenLengths(tuple(found))] if found else []


def _pairing(grid: Grid) -> list[NotAllPaired]:
    finished = [run_id for cell in grid.cells for run_id in cell.run_ids]
    without = tuple(run_id for run_id in finished if run_id not in grid.correct)
    if len(finished) < 2 or not without:
        return []
    return [NotAllPaired(grid.unpaired or Unpaired.SOME_RUNS, without)]


def _sizes(grid: Grid, curves: Curves) -> list[OneSize | Extrapolation]:
    sizes = sorted({cell.train_size for cell in grid.cells})
    if len(sizes) == 1:
        return [OneSize(sizes[0])]
    return [Extrapolation(tuple(sizes), CURVE_LEVEL)] if curves.fits else []


def _visible(rows: Sequence[SizeVerdict]) -> list[Detectable]:
    """The smallest difference between the two models that the study could have seen."""
    seen = tuple(row.detectable for row in rows if math.isfinite(row.detectable))
    return [Detectable(seen, len(rows))] if seen else []
