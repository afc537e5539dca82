"""The answer that a report opens with: what helped most, what comes next, what is open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ..curves.joint import Arm
from ..inputs.grid import Cell, Grid
from ..stats.intervals import Interval, cell_interval
from .advice import Advice
from .moves import Move, MoveKind, MoveVerdict, difference_of_moves, reference_arm
from .types import Finding, Strength


class Lead(StrEnum):
    """What can be said of the measured moves from the reference, taken together."""

    SINGLE = "single"
    """There is one move."""
    NOTHING_SEEN = "nothing-seen"
    """None helped by an amount that the runs can see."""
    ONLY_ONE_HELPED = "only-one-helped"
    BEST_TOLD = "best-told"
    """Several helped, the best of them more than the others."""
    TIED = "tied"
    """Those in `named` helped; which of them helps more cannot be told."""
    BEST_UNCLEAR = "best-unclear"
    """Those in `named` helped; another one may help more."""


@dataclass(frozen=True)
class Headline(Finding):
    """Which move helped most, and all of them from the reference, the best first."""

    arm: Arm
    data: str
    lead: Lead
    moves: tuple[Move, ...]
    named: tuple[Move, ...] = ()


@dataclass(frozen=True)
class NextDoubling(Finding):
    """The forecast for the model that the headline is about."""

    move: Move

    @property
    def strength(self) -> Strength:
        return Strength.SUGGESTIVE


@dataclass(frozen=True)
class NothingToCompare(Finding):
    """Finished runs, but no two that differ in one thing only: the first cell alone."""

    cell: Cell
    interval: Interval


@dataclass(frozen=True)
class NothingFinished(Finding):
    """No run of the study has finished."""

    @property
    def strength(self) -> Strength:
        return Strength.NOTE


@dataclass(frozen=True)
class WhatNext(Finding):
    """The first piece of advice; the best network before it where networks were compared."""

    advice: Advice
    with_best: bool

    @property
    def strength(self) -> Strength:
        return Strength.SUGGESTIVE


@dataclass(frozen=True)
class OpenQuestions(Finding):
    """What the study did not ask, what the intervals do not hold, and what is missing."""

    not_asked: tuple[MoveKind, ...]
    pretrained_not_asked: bool
    """What was not asked about init is pretrained weights; else random ones."""
    trained_once: bool
    missing: int
    runs: int

    @property
    def strength(self) -> Strength:
        return Strength.NOTE


AnswerFinding = (
    Headline | NextDoubling | NothingToCompare | NothingFinished | WhatNext | OpenQuestions
)


def answer(
    grid: Grid, moves: Sequence[Move], advice: Advice, data: str, level: float
) -> list[AnswerFinding]:
    """What helped most, what the next doubling would buy, what to do next, what is open.

    Args:
        data: the data set's name or path, for the first sentence; may be empty.
    """
    if not grid.cells:
        return [NothingFinished()]
    main = [move for move in moves if move.main and move.kind is not MoveKind.NEXT]
    found: list[AnswerFinding] = []
    if main:
        found.append(_headline(grid, main, data, level))
        found += [NextDoubling(m) for m in moves if m.main and m.kind is MoveKind.NEXT][:1]
    else:
        cell = grid.cells[0]
        found.append(NothingToCompare(cell, cell_interval(cell, level)))
    if advice.steps:
        found.append(WhatNext(advice, with_best=bool(main)))
    return [*found, *_open(grid, main)]


def _headline(grid: Grid, main: Sequence[Move], data: str, level: float) -> Headline:
    best, others = main[0], main[1:]
    helping = tuple(move for move in main if move.verdict is MoveVerdict.HELPS)
    rivals = [move for move in others if not _ahead(grid, best, move, level)]
    named: tuple[Move, ...] = ()
    if not others:
        lead = Lead.SINGLE
    elif not helping:
        lead = Lead.NOTHING_SEEN
    elif not rivals:
        lead = Lead.ONLY_ONE_HELPED if len(helping) == 1 else Lead.BEST_TOLD
    elif all(move.verdict is MoveVerdict.HELPS for move in rivals):
        lead, named = Lead.TIED, (best, *rivals)
    else:
        lead, named = Lead.BEST_UNCLEAR, helping
    return Headline(reference_arm(grid), data, lead, tuple(main), named)


def _ahead(grid: Grid, best: Move, move: Move, level: float) -> bool:
    if not (best.measured and move.measured):
        return False  # their intervals are no confidence intervals
    found = difference_of_moves(grid, best, move, level)
    return found is not None and found.verdict == "above"


def _open(grid: Grid, main: Sequence[Move]) -> list[AnswerFinding]:
    kinds = {move.kind for move in main}
    several = {
        MoveKind.DATA: len({run.fraction for run in grid.runs}) > 1,
        MoveKind.MODEL: len(grid.models) > 1,
        MoveKind.INIT: len(grid.inits) > 1,
    }
    found = OpenQuestions(
        not_asked=tuple(kind for kind, asked in several.items() if kind not in kinds and not asked),
        pretrained_not_asked="random" in grid.inits,
        trained_once=bool(main) and max(len(cell.runs) for cell in grid.cells) == 1,
        missing=len(grid.missing),
        runs=len(grid.runs),
    )
    return [found] if found.not_asked or found.trained_once or found.missing else []
