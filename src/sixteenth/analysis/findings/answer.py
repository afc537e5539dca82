"""The answer that a report opens with: what to do next, what there is, what it was bought with."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from ...spec.fields import Finetune
from ..inputs.grid import Cell, Grid
from .advice import Advice, BestNetwork
from .cautions import PartTrained, RunsMissing, once
from .diagnosis import Context
from .doubling import ControlRun, LastDoubling
from .explained import Explanation
from .measured_options import measured_options
from .options import Option, OptionKind, OptionVerdict, verdict_of, visible_gain
from .types import Finding, Strength

COARSE = 0.05
"""A test set that shows no gain below this, as of fewer than 157 images, is no reason to stop."""


class Lead(StrEnum):
    """What the answer recommends."""

    DO = "do"
    """The best option helps."""
    TRAIN_FIRST = "train-first"
    """Training had not ended: what it brings is not settled, so nothing else is."""
    NOT_SEPARATED = "not-separated"
    """Twice the images come first, but what they bought came with more training steps."""
    STOP = "stop"
    """What is left to gain is less than the test set can show."""
    TEST_MORE = "test-more"
    """So it is, but only because the test set is so small that it shows nothing but large gains."""
    CANNOT_TELL = "cannot tell"
    """No option with a known gain is known to help."""
    NOTHING_KNOWN = "nothing-known"
    """No option has a known gain: the study compares nothing."""


@dataclass(frozen=True)
class Headline(Finding):
    """What to do next from the best network.

    Attributes:
        lead: the recommendation.
        best: the best network.
        data: the data set's name or path; may be empty.
        options: all, the best first; the recommendation is about the first, or with TRAIN_FIRST
            about longer training.
        visible: the smallest gain that the test set can show; NaN where its size is not known.
        control: with NOT_SEPARATED, the run that would tell images from steps.
    """

    lead: Lead
    best: BestNetwork
    data: str
    options: tuple[Option, ...]
    visible: float = math.nan
    control: ControlRun | None = None

    @property
    def strength(self) -> Strength:
        unclear = self.lead not in (Lead.DO, Lead.TRAIN_FIRST, Lead.STOP)
        return Strength.CANNOT_TELL if unclear else Strength.SUGGESTIVE

    @property
    def option(self) -> Option:
        """The one that the recommendation is about."""
        if self.lead is Lead.TRAIN_FIRST:
            return next(one for one in self.options if one.kind is OptionKind.TRAINING)
        return self.options[0]


@dataclass(frozen=True)
class InHand(Finding):
    """What the best network has over cells that differ in one thing: gains that are spent.

    As options of these cells: what is said of a gain does not depend on where it stands.

    Attributes:
        best: its cell.
        model: from the next smaller model; None where there is none.
        init: from random weights; None where it starts from them, or the study had none.
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
            weights as the best network; 0: the spread is assumed.
        once: the weights that the best network trains, where cells that train others were repeated
            and none of its own; else None.
    """

    strength = Strength.NOTE
    deviation: float
    repeats: int
    once: Finetune | None = None

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
    Headline
    | PartTrained
    | InHand
    | BoughtByImages
    | SpreadOfTrainings
    | NothingFinished
    | RunsMissing
)


def answer(
    grid: Grid,
    advice: Advice,
    doublings: Sequence[LastDoubling],
    context: Context,
    level: float,
    explanation: Explanation,
) -> list[AnswerFinding]:
    """What to do next, what there is and what it was bought with, and what the intervals hold.

    Args:
        context: what the tables do not say, as the data set's name.
        level: of the intervals of what was measured.
        explanation: what `explain` has told.
    """
    if not isinstance(advice.best, BestNetwork):
        return [NothingFinished()]
    best = advice.best.cell
    mine = [one for one in doublings if (one.model, one.init) == best.arm]
    found: list[AnswerFinding] = [_headline(advice, advice.best, context.data, mine)]
    found += PartTrained.of(grid, best)
    found += _in_hand(grid, best, level, explanation)
    found += [BoughtByImages(one) for one in mine]
    found.append(SpreadOfTrainings.of(grid, best))
    return [*found, *RunsMissing.of(grid, context)]


def _headline(
    advice: Advice, best: BestNetwork, data: str, doublings: Sequence[LastDoubling]
) -> Headline:
    """What to do next; `doublings` are those of the best network's curve."""
    options = advice.options
    visible = visible_gain(best.cell)
    known = [option for option in options if option.known]
    first = options[0]
    training = next((option for option in options if option.kind is OptionKind.TRAINING), None)
    control = next((one.control for one in doublings), None)
    # No option can bring more than the errors that are left; one that nobody tried may bring those.
    most = min(1 - best.cell.accuracy, max(map(_most, options)))
    if most < visible:
        lead = Lead.STOP if visible <= COARSE else Lead.TEST_MORE
    elif training is not None and (
        training.converged is False
        if first is training
        else first.converged is False and training.converged is not True
    ):
        lead = Lead.TRAIN_FIRST
    elif not known:
        lead = Lead.NOTHING_KNOWN
    elif first.mixed:
        lead = Lead.NOT_SEPARATED
    else:
        lead = Lead.DO if first.told is OptionVerdict.HELPS else Lead.CANNOT_TELL
    return Headline(
        lead, best, data, options, visible, control if lead is Lead.NOT_SEPARATED else None
    )


def _most(option: Option) -> float:
    """What an option may bring, as far as is known: the high end of its interval."""
    if option.known:
        return option.high
    ended = option.kind is OptionKind.TRAINING and option.converged is True
    return -math.inf if ended or not option.available else math.inf


def _in_hand(grid: Grid, best: Cell, level: float, explanation: Explanation) -> Iterator[InHand]:
    """The best network against the next smaller model, and against random weights."""
    same = [cell for cell in grid.cells if cell.train_size == best.train_size]
    smaller = [
        cell
        for cell in same
        if cell.init == best.init and grid.parameters(cell.model) < grid.parameters(best.model)
    ]
    random = (cell for cell in same if cell.model == best.model and cell.init == "random")
    next_smaller = max(smaller, key=lambda cell: grid.parameters(cell.model), default=None)
    plain = None if best.init == "random" else next(random, None)

    def from_cell(start: Cell | None, kind: OptionKind) -> Option | None:
        options = measured_options(grid, start, level, explanation) if start else []
        found = (one for one in options if (one.kind, one.end) == (kind, best.arm))
        return next((_mended(one, best, explanation) for one in found), None)

    model, init = from_cell(next_smaller, OptionKind.MODEL), from_cell(plain, OptionKind.INIT)
    if model or init:
        yield InHand(best, model, init)


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
