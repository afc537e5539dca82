"""What could overturn the verdict of a study: told beside it, each with what would settle it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy import stats

from ...spec.fields import is_frozen, is_last_stage, is_part_trained, weights_of
from ..inputs.cells import Arm, Cell
from ..inputs.grid import Grid
from .cost import seeds_seconds, study_seconds
from .diagnosis import UnstableTraining, falls_back
from .evidence import Evidence
from .explained import ExplainedLever
from .levers import Lever
from .missing_runs import MeasuredSoFar, StoppedEarly, UnfinishedRuns
from .not_converged import CatchingUp, NotConverged
from .options import Option, OptionVerdict
from .per_class import ImbalancedClasses, imbalance
from .types import Finding, Strength

ENOUGH_SEEDS = 3
"""Trainings of each cell that measure the spread between them well enough for a verdict."""


@dataclass(frozen=True)
class OneSeed(Finding):
    """A network was trained once at every size, and the verdict would not stand if trainings
    differed more.

    Attributes:
        deviation: standard deviation between trainings of a network that was assumed.
        seeds: those of the study, and as many more as make three; none where the images are too few
            for three subsets without a common one.
        seconds: of training that these take; NaN where not known.
        once: model and init of this network, where others were repeated; else None.
    """

    deviation: float
    seeds: tuple[int, ...]
    seconds: float = math.nan
    once: Arm | None = None

    @classmethod
    def of(cls, evidence: Evidence, cells: Iterable[Cell]) -> Iterator[Self]:
        """Where the spread of one of the cells is assumed.

        Where more seeds of it are planned, the missing runs are the way to them.
        """
        grid = evidence.grid
        most = max(cell.train_size for cell in grid.cells)
        for cell in cells:
            planned = {run.seed for run in grid.runs if run.arm == cell.arm}
            if grid.spread.assumed(cell.key) and len(planned) == 1:
                seeds = tuple(dict.fromkeys(run.seed for run in grid.runs))
                seeds += tuple(max(seeds) + i for i in range(1, ENOUGH_SEEDS - len(seeds) + 1))
                seeds = seeds if evidence.can_have(most, len(seeds)) else ()
                deviation = grid.spread.deviation(cell.key)
                yield cls(deviation, seeds, seeds_seconds(grid, len(seeds)), once(grid, cell))
                return


@dataclass(frozen=True)
class UnstableModel(Finding):
    """Training of a smaller or bigger model than the best network's fell back, and its own did not.

    Attributes:
        best, model: the two cells.
        falls: the runs of `model` that fell back, the largest fall first.
    """

    best: Cell
    model: Cell
    falls: tuple[UnstableTraining, ...]

    @classmethod
    def of(cls, evidence: Evidence, compared: Sequence[Cell]) -> Iterator[Self]:
        """The finding of a study; none where `explain` has tried a remedy.

        Args:
            compared: the cells that the best network's is compared with.
        """
        grid, best = evidence.grid, evidence.best
        if falls_back(grid, best):
            return
        remedies = (Lever.RATE_HALF, Lever.ZERO_INIT)
        left = (
            cell
            for cell in compared
            if all(one.lever not in remedies for one in evidence.explanation.levers(cell, best))
        )
        found = [cls(best, cell, falls) for cell in left if (falls := falls_back(grid, cell))]
        if found:
            yield max(found, key=lambda one: one.falls[0].fall)


@dataclass(frozen=True)
class NothingLearned(Finding):
    """A network is no better than guessing, in all trainings.

    Its recipe, and not its size or weights, may be why it is behind. Where it is the best network,
    the study tells nothing yet.
    """

    best: Cell
    cell: Cell

    @classmethod
    def of(cls, evidence: Evidence, compared: Sequence[Cell]) -> Iterator[Self]:
        """The best network, or each such cell of those that are `compared` with it."""
        best = evidence.best
        cells = [best] if evidence.guesses(best) else compared
        yield from (cls(best, cell) for cell in cells if evidence.guesses(cell))

    @property
    def frozen(self) -> bool:
        """Whether only its classifier was trained, which has no learning rate and no steps."""
        return is_frozen(self.cell.init)


@dataclass(frozen=True)
class ReasonFound(Finding):
    """What a smaller or bigger model is behind the best network by has a reason that was tested.

    The comparison in the study is one of recipes, then, and not of models.

    Attributes:
        seconds: of training that the study takes with the lever, which makes its runs as much
            slower as those that were tried; NaN where not known.
        images: of the comparison, where the reason was tested on another number of them; else None.
    """

    strength = Strength.MEASURED
    reason: ExplainedLever
    seconds: float = math.nan
    images: float | None = None

    @classmethod
    def of(cls, evidence: Evidence, compared: Sequence[Cell]) -> Iterator[Self]:
        """One finding for each model that is compared with the best network's; see `cautions`."""
        explanation, best = evidence.explanation, evidence.best
        seconds = study_seconds(evidence.grid, explanation.repeats)
        for cell in compared:
            if (here := explanation.reason(cell, best)) is not None:
                yield cls(here, here.slower * seconds)
            elif explanation.levers(cell, best):
                continue  # what holds elsewhere was tried here
            elif (other := explanation.reason_elsewhere(cell.arm, best.arm)) is not None:
                yield cls(other, other.slower * seconds, cell.train_size)


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
class PartTrained(Finding):
    """Of the best network only a part was trained: its classifier, or its last stage too.

    Attributes:
        finetune: of the study file, which would train all weights, too.
        tuned: the study has trained all weights of this model from the same start.
    """

    strength = Strength.NOTE
    best: Cell
    finetune: tuple[str, ...]
    tuned: bool

    @classmethod
    def of(cls, grid: Grid, best: Cell) -> Iterator[Self]:
        """The finding of a study; none where all weights of the best network were trained."""
        if not is_part_trained(best.init):
            return
        inits = [cell.init for cell in grid.cells]
        parts = {"head": any(map(is_frozen, inits)), "last-stage": any(map(is_last_stage, inits))}
        trained = (part for part, was_trained in parts.items() if was_trained)
        tuned = any(cell.arm == (best.model, weights_of(best.init)) for cell in grid.cells)
        yield cls(best, (*trained, "all"), tuned)


Caution = (
    NotConverged
    | CatchingUp
    | OneSeed
    | UnstableModel
    | NothingLearned
    | ReasonFound
    | ImbalancedClasses
    | LeakedTest
    | MixedMachines
    | MixedData
    | StoppedEarly
    | MeasuredSoFar
    | PartTrained
    | UnfinishedRuns
)


def once(grid: Grid, cell: Cell) -> Arm | None:
    """Model and init of a cell, where they were trained once at every size, and others were not.

    None where its spread between trainings is measured, or that of no cell of the study is.
    """
    assumed = grid.spread.assumed
    others = any(not assumed(other.key) for other in grid.cells)
    return cell.arm if assumed(cell.key) and others else None


def cautions(
    evidence: Evidence,
    options: Sequence[Option],
    decided: Option | None,
    *,
    trained_first: bool,
    compared: Sequence[Cell],
    leads: Iterable[tuple[Cell, float]],
) -> Iterator[Caution]:
    """What could overturn a verdict, missing runs apart.

    Args:
        options: what could be had from the best network.
        decided: what the verdict is about, if it is about an option.
        trained_first: the verdict is to train longer; this is how.
        compared: the cells of other models that the best network's is compared with.
        leads: cells that it is told to be ahead of, and by how much.
    """
    grid, best = evidence.grid, evidence.best
    yield from ReasonFound.of(evidence, compared)
    yield from StoppedEarly.of(grid, best)
    yield from MeasuredSoFar.of(grid)
    yield from (part for part in PartTrained.of(grid, best) if not part.tuned)
    unfinished = [*NotConverged.of(evidence, options, compared, trained_first=trained_first)]
    yield from unfinished or CatchingUp.of(evidence, leads)
    yield from UnstableModel.of(evidence, compared)
    ends = [*compared, *([decided.start] if decided else [])]
    others = [cell for i, cell in enumerate(ends) if cell is not best and cell not in ends[:i]]
    yield from NothingLearned.of(evidence, others)
    if decided is not None and decided.told in (OptionVerdict.HELPS, OptionVerdict.DOES_NOT):
        same_size = [c for c in grid.cells if c.train_size == decided.start.train_size]
        end = [cell for cell in same_size if cell.arm == decided.end]
        if _reaches_zero(grid, decided, end):
            yield from OneSeed.of(evidence, [best, decided.start, *end])
    hidden = imbalance(grid, best)
    if hidden is not None:
        yield hidden
    yield from _of_the_runs(evidence)


def _reaches_zero(grid: Grid, option: Option, ends: Sequence[Cell]) -> bool:
    """Whether an option's interval would reach zero if trainings differed by twice as much.

    As if it were that of a normal distribution: the part of its variance that is the spread between
    trainings of both ends counts four times.

    Args:
        ends: the cell of another model or weights that the option leads to; where there is none,
            the start's spread stands for its own.
    """
    both = [option.start, *(ends or [option.start])][:2]
    variance = sum(
        float(np.median(grid.spread.variances[cell.key])) * (1 + 1 / len(cell.runs))
        for cell in both
    )
    near = option.low if option.gain > 0 else option.high
    deviations = stats.norm.ppf((1 + option.level) / 2)
    wider = math.hypot(option.gain - near, deviations * math.sqrt(3 * variance))
    return bool(wider >= abs(option.gain))


def _of_the_runs(evidence: Evidence) -> Iterator[Caution]:
    """What the records say against the numbers."""
    context = evidence.context
    leaked = context.data_checks.leaked_test_images if context.data_checks else None
    if leaked:
        size = evidence.best.test_size
        yield LeakedTest(leaked, leaked / size if size > 0 else math.nan)
    machines = {run.machine for run in evidence.grid.runs if run.finished} - {""}
    if len(machines) > 1:
        yield MixedMachines(len(machines))
    if context.data_differ:
        yield MixedData()
