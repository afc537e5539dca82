"""Over- and underfitting in the discussion: gaps, losses that rise, steps that were too few, and
training that was not steady."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from scipy.special import ndtri

from ..inputs.cells import Cell
from ..inputs.grid import Grid
from ..stats.paired import compare_cells
from .diagnosis import (
    FITTED,
    DiagnosisFinding,
    Overfitting,
    RisingTestLoss,
    TooFewSteps,
    UnstableTraining,
    fit_error,
)
from .training_curves import mean_rise
from .types import Finding, Strength

GAP_CHANGE = 0.02
"""A change of the generalisation gap below two points is called little, however sure it is."""
MOST_LISTED = 4
"""Runs with a rising test loss that are told one by one."""


class GapTrend(StrEnum):
    """How the generalisation gap goes with the number of training images."""

    CANNOT_TELL = "cannot tell"
    LITTLE = "little"
    """It changes by less than `GAP_CHANGE`."""
    SMALLER = "smaller"
    LARGER = "larger"


@dataclass(frozen=True)
class GeneralisationGap(Finding):
    """Training minus test accuracy of one model and init by training-set size.

    Attributes:
        cells: few images first.
        trend: with more images; None with one size.
        change: of the gap from the fewest to the most images.
        noise: half the interval of `change`.
        little_fitted: with the fewest images too few were fitted to overfit, which is why the gap
            is larger with more.
        loss_gaps: test minus training loss with the fewest and the most images, where known.
    """

    cells: tuple[Cell, ...]
    trend: GapTrend | None = None
    change: float = math.nan
    noise: float = math.nan
    little_fitted: bool = False
    loss_gaps: tuple[float, float] | None = None

    @property
    def strength(self) -> Strength:
        return Strength.measured_if(self.trend is not GapTrend.CANNOT_TELL)


@dataclass(frozen=True)
class OverfittedRuns(Finding):
    """All runs that overfit; `worst` has the largest gap."""

    worst: Overfitting
    run_ids: tuple[str, ...]


@dataclass(frozen=True)
class MoreRisingTestLosses(Finding):
    """Further runs whose test loss rose, besides those that are told one by one."""

    run_ids: tuple[str, ...]


@dataclass(frozen=True)
class NoRisingTestLoss(Finding):
    """Test loss was watched in each epoch, and rose in no run while training loss fell.

    Attributes:
        of_all: the curves of all finished runs are known.
    """

    several_runs: bool
    of_all: bool = True


@dataclass(frozen=True)
class Rise:
    """How far training accuracy of a model and init still rose at its largest size, see `risen`."""

    model: str
    init: str
    rise: float


@dataclass(frozen=True)
class Underfitted(Finding):
    """Runs that were still improving when they ended.

    Attributes:
        runs: finished ones whose curves are known, with these.
        rises: of those that rose.
        of_all: those are all finished runs.
    """

    strength = Strength.SUGGESTIVE
    run_ids: tuple[str, ...]
    runs: int
    rises: tuple[Rise, ...]
    of_all: bool = True


@dataclass(frozen=True)
class UnstableRuns(Finding):
    """All runs whose training fell back; `worst` fell furthest.

    Attributes:
        runs, of_all: as of `Underfitted`.
    """

    worst: UnstableTraining
    run_ids: tuple[str, ...]
    runs: int
    of_all: bool = True


@dataclass(frozen=True)
class UnequalSteps(Finding):
    """All runs had as many epochs, so that large training sets got more steps than small ones."""

    strength = Strength.NOTE
    fewest_images: float
    most_images: float
    fewest_steps: float
    most_steps: float


OverfittingFinding = (
    GeneralisationGap
    | OverfittedRuns
    | MoreRisingTestLosses
    | NoRisingTestLoss
    | Underfitted
    | UnstableRuns
    | UnequalSteps
)


def overfitting(
    grid: Grid, diagnoses: Sequence[DiagnosisFinding], level: float
) -> list[OverfittingFinding | DiagnosisFinding]:
    """How the generalisation gap goes with the number of images, and what the curves show."""
    known = (
        tuple(cell for cell in curve if math.isfinite(cell.mean("gap")))
        for curve in grid.curves.values()
    )
    return [
        *(_gap(grid, cells, level) for cells in known if cells),
        *_overfitted(diagnoses),
        *_rising(grid, diagnoses),
        *_underfitted(grid, diagnoses),
        *_unstable(grid, diagnoses),
        *_unequal_steps(grid),
    ]


def _gap(grid: Grid, cells: tuple[Cell, ...], level: float) -> GeneralisationGap:
    if len(cells) == 1:
        return GeneralisationGap(cells)
    first, last = cells[0], cells[-1]
    change = last.mean("gap") - first.mean("gap")
    # The noise of the test accuracies, and that of training accuracies measured on a part.
    noise = math.hypot(
        compare_cells(grid, first, last, level).half_width,
        -float(ndtri((1 - level) / 2)) * math.hypot(fit_error(first), fit_error(last)),
    )
    if math.isnan(noise) or (abs(change) < noise and noise > GAP_CHANGE):
        return GeneralisationGap(cells, GapTrend.CANNOT_TELL, change, noise)
    if abs(change) < GAP_CHANGE:
        return GeneralisationGap(cells, GapTrend.LITTLE, change, noise)
    trend = GapTrend.SMALLER if change < 0 else GapTrend.LARGER
    fits = first.mean("train_accuracy"), last.mean("train_accuracy")
    little_fitted = trend is GapTrend.LARGER and fits[0] < min(FITTED, fits[1])
    losses = tuple(cell.mean("test_loss") - cell.mean("train_loss") for cell in (first, last))
    known = (losses[0], losses[1]) if all(math.isfinite(loss) for loss in losses) else None
    return GeneralisationGap(cells, trend, change, noise, little_fitted, known)


def _overfitted(diagnoses: Sequence[DiagnosisFinding]) -> list[OverfittedRuns]:
    """Which runs fitted their training images and not the test images."""
    found = [d for d in diagnoses if isinstance(d, Overfitting)]
    if not found:
        return []
    return [OverfittedRuns(max(found, key=lambda d: d.gap), tuple(d.run_id for d in found))]


def _rising(
    grid: Grid, diagnoses: Sequence[DiagnosisFinding]
) -> list[RisingTestLoss | MoreRisingTestLosses | NoRisingTestLoss]:
    """Runs whose test loss rose while the training loss fell, and since which epoch."""
    rising = [d for d in diagnoses if isinstance(d, RisingTestLoss)]
    if rising:
        more = tuple(d.run_id for d in rising[MOST_LISTED:])
        return [*rising[:MOST_LISTED], *([MoreRisingTestLosses(more)] if more else [])]
    runs, of_all = _watched(grid)
    return [NoRisingTestLoss(several_runs=runs > 1, of_all=of_all)] if runs else []


def _underfitted(grid: Grid, diagnoses: Sequence[DiagnosisFinding]) -> list[Underfitted]:
    """Runs that were still learning when they ended."""
    found = tuple(d.run_id for d in diagnoses if isinstance(d, TooFewSteps))
    if not found:
        return []
    rises = ((arm, mean_rise(grid, curve[-1])) for arm, curve in grid.curves.items())
    rose = tuple(Rise(*arm, rise) for arm, rise in rises if rise is not None and rise > 0)
    runs, of_all = _watched(grid)
    return [Underfitted(found, runs, rose, of_all)]


def _unstable(grid: Grid, diagnoses: Sequence[DiagnosisFinding]) -> list[UnstableRuns]:
    """Runs that lost training accuracy on the way."""
    found = [d for d in diagnoses if isinstance(d, UnstableTraining)]
    if not found:
        return []
    worst = max(found, key=lambda d: d.fall)
    return [UnstableRuns(worst, tuple(d.run_id for d in found), *_watched(grid))]


def _watched(grid: Grid) -> tuple[int, bool]:
    """Finished runs with curves of three epochs or more, and whether these are all runs.

    Heads on frozen features have none, nor have runs of which a table alone is left.
    """
    runs = [run.run_id for cell in grid.cells for run in cell.runs]
    watched = [
        key for key in runs if key in grid.histories and len(grid.histories[key]["epoch"]) > 2
    ]
    return len(watched), len(watched) == len(runs)


def _unequal_steps(grid: Grid) -> list[UnequalSteps]:
    """The steps that the smallest and the largest training set got in the same epochs."""
    cells = grid.by_epochs
    epochs = {r.epochs for cell in cells for r in cell.runs if math.isfinite(r.epochs)}
    steps = {c.train_size: c.mean("steps") for c in cells if math.isfinite(c.mean("steps"))}
    if len(epochs) != 1 or len(set(steps.values())) < 2:
        return []
    least, most = min(steps), max(steps)
    return [UnequalSteps(least, most, steps[least], steps[most])]
