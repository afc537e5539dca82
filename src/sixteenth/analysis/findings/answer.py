"""What the verdict rests on: what the best network was bought with, and what the intervals hold."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

from ...spec.fields import trains_more
from ..inputs.cells import Arm, Cell
from ..inputs.grid import Grid
from .advice import Advice, BestNetwork
from .cautions import PartTrained, once
from .doubling import LastDoubling, left_to_gain, training_gain
from .evidence import Evidence
from .explained import Explanation
from .measured_options import measured_options
from .missing_runs import UnfinishedRuns
from .options import HeldBack, Option, OptionKind, OptionVerdict, verdict_of
from .training_curves import mean_climb
from .types import Finding, Strength


@dataclass(frozen=True)
class InHand(Finding):
    """What the best network has over cells that differ in one thing: gains that are spent.

    As options of these cells: what is said of a gain does not depend on where it stands.

    Attributes:
        best: its cell.
        model: from the best of the smaller models; None where there is none.
        init: from random weights; where the study had none, from the same pretrained weights of
            which less was trained. None where there is neither.
    """

    best: Cell
    model: Option | None = None
    init: Option | None = None


@dataclass(frozen=True)
class BoughtByImages(Finding):
    """What the last doubling of the images bought the model and init of the best network."""

    doubling: LastDoubling

    @property
    def strength(self) -> Strength:
        return self.doubling.strength


@dataclass(frozen=True)
class SpreadOfTrainings(Finding):
    """What the intervals hold: another training, with a spread that was measured or assumed.

    Attributes:
        deviation: median standard deviation between trainings of the best network, a share.
        repeats: trainings of cells that had been trained before, of those that train the same
            weights as the best network; 0: none is of its model and init, so that its spread is
            assumed.
        once: model and init of the best network, where others were repeated and not these; else
            None.
    """

    strength = Strength.NOTE
    deviation: float
    repeats: int
    once: Arm | None = None

    @classmethod
    def of(cls, grid: Grid, best: Cell) -> Self:
        """Of the best network's cell."""
        repeats = grid.spread.degrees[best.key]
        return cls(grid.spread.deviation(best.key), repeats, once(grid, best))


@dataclass(frozen=True)
class NothingFinished(Finding):
    """No run of the study has finished."""

    strength = Strength.NOTE


AnswerFinding = (
    PartTrained | InHand | BoughtByImages | SpreadOfTrainings | NothingFinished | UnfinishedRuns
)


def answer(evidence: Evidence, advice: Advice) -> list[AnswerFinding]:
    """What the best network was bought with, and what the intervals hold."""
    if not isinstance(advice.best, BestNetwork):
        return [NothingFinished()]
    grid, best = evidence.grid, evidence.best
    found: list[AnswerFinding] = [*PartTrained.of(grid, best)]
    found += in_hand(evidence, best)
    found += [BoughtByImages(one) for one in evidence.doublings if one.arm == best.arm]
    found.append(SpreadOfTrainings.of(grid, best))
    return [*found, *UnfinishedRuns.of(evidence)]


def in_hand(evidence: Evidence, best: Cell) -> Iterator[InHand]:
    """A cell against the best of the smaller models, and against random weights, or against less
    of its weights trained."""
    grid = evidence.grid
    same = [cell for cell in grid.cells if cell.train_size == best.train_size]
    smaller = [
        cell
        for cell in same
        if cell.init == best.init and grid.parameters(cell.model) < grid.parameters(best.model)
    ]
    rival = max(smaller, key=lambda cell: cell.accuracy, default=None)
    mine = [cell for cell in same if cell.model == best.model and best.init != "random"]
    random = (cell for cell in mine if cell.init == "random")
    less = [cell for cell in mine if trains_more(best.init, cell.init)]
    part = max(less, key=lambda cell: cell.accuracy, default=None)

    def from_cell(start: Cell | None, kind: OptionKind) -> Option | None:
        options = measured_options(evidence, start) if start else []
        found = next((one for one in options if (one.kind, one.end) == (kind, best.arm)), None)
        if found is None:
            return None
        option = _mended(found, best, evidence.explanation)
        return replace(option, held_back=_held_back(evidence, option, best))

    model, init = (
        from_cell(rival, OptionKind.MODEL),
        from_cell(next(random, part), OptionKind.INIT),
    )
    if model or init:
        yield InHand(best, model, init)


def _held_back(evidence: Evidence, option: Option, best: Cell) -> HeldBack | None:
    """Why no lead of a cell over another is told: one that training on may end.

    It stands if the low end of its interval is above what the other network was catching up at the
    end: by what the last doubling of the steps brought both (see `left_to_gain`), where the best
    one is not trained on while a stopped run reaches its steps; else by how far their training
    accuracies rose over the last third of training, which is more than test accuracy does.
    """
    grid = evidence.grid
    if evidence.guesses(evidence.best):
        return HeldBack.GUESSING
    if option.verdict is not OptionVerdict.HELPS:
        return None
    reaches = option.start.so_far and option.start.mean("steps") < best.mean("steps")
    behind = left_to_gain(grid, option.start, best)
    ahead = 0.0 if reaches else training_gain(grid, best)
    if behind != math.inf and not (math.isfinite(behind) and math.isfinite(ahead)):
        behind, ahead = (mean_climb(grid, cell) or 0.0 for cell in (option.start, best))
    return None if option.low > behind - ahead else HeldBack.LONGER_TRAINING


def _mended(option: Option, best: Cell, explanation: Explanation) -> Option:
    """What the best network has over one whose reason for being behind was found: with it mended.

    That is the option of `measured_options` the other way round.
    """
    reason = explanation.reason(option.start, best)
    if reason is None or reason.remedied is None:
        return option
    gain, levers = reason.remedied.gain, len(explanation.levers(option.start, best))
    low, high = -gain.high, -gain.low
    told = levers * gain.p_value <= 1 - gain.level
    return replace(
        option,
        gain=-gain.value,
        low=low,
        high=high,
        verdict=verdict_of(low, high) if told else OptionVerdict.CANNOT_TELL,
        lever=reason.lever,
        draws=-reason.remedied.draws,
    )
