"""What could overturn the verdict of a study: told beside it, each with what would settle it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...spec.fields import AT_MAX_EPOCHS
from ..inputs.grid import Cell, Grid
from .advice import Advice
from .diagnosis import Context, DiagnosisFinding, TooFewSteps
from .options import Option, OptionKind
from .per_class import ImbalancedClasses, imbalance
from .types import Finding


@dataclass(frozen=True)
class NotConverged(Finding):
    """The best network was still improving when its training ended.

    Attributes:
        setting, value: of the study file, which would train it twice as long; empty and 0 where
            the records do not tell.
    """

    setting: str
    value: int


@dataclass(frozen=True)
class OneSeed(Finding):
    """No cell was trained twice, and the verdict would not stand if trainings differed more.

    Attributes:
        deviation: standard deviation between trainings of the best network that was assumed.
        seeds: those of the study and two more.
    """

    deviation: float
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class LeakedTest(Finding):
    """Test images that stand among the training images, so that all accuracies are too high.

    Attributes:
        share: of the test images; NaN where their number is not known.
    """

    images: int
    share: float


@dataclass(frozen=True)
class MixedMachines(Finding):
    """Runs that were trained on machines of so many kinds, or in as many precisions."""

    machines: int


@dataclass(frozen=True)
class MixedData(Finding):
    """Runs that did not all see the same images."""


@dataclass(frozen=True)
class RunsMissing(Finding):
    """Planned runs that no conclusion rests on."""

    missing: int
    runs: int


Caution = (
    NotConverged
    | OneSeed
    | ImbalancedClasses
    | LeakedTest
    | MixedMachines
    | MixedData
    | RunsMissing
)


def cautions(
    grid: Grid,
    best: Cell,
    decided: Option | None,
    advice: Advice,
    diagnoses: Sequence[DiagnosisFinding],
    context: Context,
    *,
    trained_first: bool,
) -> Iterator[Caution]:
    """What could overturn a verdict, missing runs apart.

    Args:
        best: the best network's cell.
        decided: what the verdict is about, if it is about an option.
        trained_first: the verdict is to train longer.
    """
    unfinished = [
        one for one in advice.options if one.kind is OptionKind.TRAINING and one.converged is False
    ]
    climbing = any(isinstance(d, TooFewSteps) and d.run_id in best.run_ids for d in diagnoses)
    if not trained_first and (climbing or unfinished):
        yield NotConverged(*_twice_as_long(grid, best))
    told = decided is not None and decided.verdict in ("helps", "does not")
    # Twice as wide an interval: what trainings differ by is assumed, and may be twice as much.
    narrow = decided is not None and abs(decided.gain) < decided.high - decided.low
    if told and narrow and not grid.spread.degrees:
        seeds = tuple(dict.fromkeys(run.seed for run in grid.runs))
        more = (*seeds, max(seeds) + 1, max(seeds) + 2)
        yield OneSeed(grid.spread.deviation(best.key), more)
    hidden = imbalance(grid, best)
    if hidden is not None:
        yield hidden
    yield from _of_the_runs(grid, context, best)


def _twice_as_long(grid: Grid, best: Cell) -> tuple[str, int]:
    """The setting of the study file that trains twice as long."""
    epochs, steps = best.mean("epochs"), best.mean("steps")
    if all(run.chosen_by == AT_MAX_EPOCHS for run in best.runs) and math.isfinite(epochs):
        return "train.max_epochs", round(2 * epochs)
    same = {round(cell.mean("epochs")) for cell in grid.cells if math.isfinite(cell.mean("epochs"))}
    if len(same) == 1 and epochs >= 1:
        return "train.epochs", round(2 * epochs)
    return ("train.steps", round(2 * steps)) if math.isfinite(steps) else ("", 0)


def _of_the_runs(grid: Grid, context: Context, best: Cell) -> Iterator[Caution]:
    """What the records say against the numbers."""
    leaked = context.data_checks.leaked_test_images if context.data_checks else None
    if leaked:
        size = best.test_size
        yield LeakedTest(leaked, leaked / size if size > 0 else math.nan)
    machines = {run.machine for run in grid.runs if run.finished} - {""}
    if len(machines) > 1:
        yield MixedMachines(len(machines))
    if context.data_differ:
        yield MixedData()
