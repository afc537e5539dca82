"""Reasons that were tested: what each lever does to the difference between two cells.

A lever is one change of the recipe, the images or the first layer, under which one or both cells
were trained again. If the difference between them goes, the lever is the reason for it; a gain of
both alike explains nothing, but may be the better advice. Differences here are between average
trainings, because a reason is a property of the cells and not of one training.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from ..curves.joint import spread_of
from ..curves.learning_curve import CURVE_LEVEL
from ..inputs.cells import Arm, Cell
from ..inputs.grid import Grid
from ..stats.paired import Contrast, another_draws, compare_cells
from .levers import Lever, LeverProgress
from .types import Finding, Strength

REASON_LOW, REASON_SHARE = 0.25, 0.5
"""A lever is the reason where it explains more than half, and certainly more than a quarter; and
where what the network behind gains by it is certainly more than a quarter of the difference."""
NOT_MAIN_HIGH = 0.5
"""A lever that certainly explains less than half is not the main reason."""


class LeverVerdict(StrEnum):
    """Whether a lever is the reason for a difference."""

    REASON = "reason"
    NOT_MAIN = "not-the-main-reason"
    OPEN = "open"


@dataclass(frozen=True)
class Average:
    """A number with its interval for the average training, not for another one."""

    value: float
    low: float
    high: float
    level: float = CURVE_LEVEL

    @classmethod
    def of(cls, value: float, draws: NDArray[np.float64]) -> Average:
        """With the interval of `draws`; NaN where they are not known."""
        if not np.all(np.isfinite(draws)):
            return cls(value, math.nan, math.nan)
        return cls(value, *spread_of(draws)[1:])


@dataclass(frozen=True)
class ExplainedGap(Finding):
    """The difference that was to be explained: accuracy of `ahead` minus that of `behind`."""

    behind: Cell
    ahead: Cell
    gap: Average

    @property
    def told(self) -> bool:
        """Whether there is one: else no share of it can be explained."""
        return self.gap.low > 0

    @property
    def strength(self) -> Strength:
        return Strength.measured_if(self.told)


@dataclass(frozen=True)
class LeverGain:
    """What a lever brings one cell, for another training of both."""

    start: Cell
    end: Cell
    gain: Contrast
    draws: NDArray[np.float64] = field(repr=False, compare=False)
    """Of the gain, see `paired.another_draws`."""

    @classmethod
    def of(cls, grid: Grid, start: Cell, end: Cell, level: float) -> LeverGain:
        """The gain of two cells of one grid."""
        gain = compare_cells(grid, start, end, level)
        return cls(start, end, gain, another_draws(grid, start, [end])[0])


@dataclass(frozen=True)
class ExplainedLever(Finding):
    """What a lever does to two cells and to the difference between them.

    Attributes:
        gains: of each cell that was trained with it, the one that is behind first.
        before: the difference without the lever.
        after: with it.
        share: of the difference that it explains, 1 - after / before; NaN where `before` cannot be
            told from zero.
        gained: what `behind` gains by it, as a share of the difference; NaN likewise. The rest of
            `share` is what `ahead` loses.
        remedied: from `ahead`, with the lever or without, whichever is better, to `behind` with it;
            None where the lever does not raise `behind`.
        settings: of its runs, see `LeverRuns`.
    """

    lever: Lever
    behind: Cell
    ahead: Cell
    gains: tuple[LeverGain, ...]
    before: Average
    after: Average
    share: Average
    gained: Average
    verdict: LeverVerdict
    remedied: LeverGain | None = None
    settings: tuple[str, ...] = ()

    @property
    def strength(self) -> Strength:
        return Strength.measured_if(self.verdict is not LeverVerdict.OPEN)

    @property
    def by_loss(self) -> bool:
        """Whether it would be the reason, if it were not for `ahead`, whose loss it mostly is."""
        return self.verdict is LeverVerdict.NOT_MAIN and _explains(self.share)

    @property
    def slower(self) -> float:
        """Time of the trainings with the lever over that without; NaN where not known."""
        before, after = (
            sum(getattr(one, end).mean("seconds") for one in self.gains) for end in ("start", "end")
        )
        return after / before if before > 0 else math.nan

    def compares(self, behind: Cell, ahead: Cell) -> bool:
        """Whether it is about these two cells."""
        return (self.behind.key, self.ahead.key) == (behind.key, ahead.key)


@dataclass(frozen=True)
class UnfinishedLevers(Finding):
    """Levers of two cells that were begun and are not done, so that what is said may change."""

    behind: Cell
    ahead: Cell
    levers: tuple[LeverProgress, ...]
    strength = Strength.NOTE


@dataclass(frozen=True)
class TriedAhead(Finding):
    """What a lever for one network alone did to one that was behind then, and is ahead now.

    It does not tell why the other one is behind.
    """

    lever: Lever
    behind: Cell
    ahead: Cell
    gain: LeverGain
    strength = Strength.NOTE


ExplainedFinding = ExplainedGap | UnfinishedLevers | ExplainedLever | TriedAhead

LeverGains = Mapping[tuple[Arm, str], Mapping[Lever, LeverGain]]
"""What levers bring a network that is trained with them for good, by its arm and fraction."""


@dataclass(frozen=True)
class Explanation:
    """What `sixteenth explain` has told of a study; empty where it was not asked.

    Attributes:
        findings: see `lever_effects.explained`.
        gains: see `lever_effects.lever_gains`.
        repeats: run ids of the lever `seeds`, which repeat cells of the study.
    """

    findings: tuple[ExplainedFinding, ...] = ()
    gains: LeverGains = field(default_factory=dict)
    repeats: frozenset[str] = frozenset()

    def levers(self, behind: Cell, ahead: Cell) -> list[ExplainedLever]:
        """The levers that were tried on two cells, in the order of `Lever`."""
        levers = (found for found in self.findings if isinstance(found, ExplainedLever))
        return [one for one in levers if one.compares(behind, ahead)]

    def reason(self, behind: Cell, ahead: Cell) -> ExplainedLever | None:
        """The lever that explains most of the difference between two cells, if it is a reason.

        What the network ahead loses does not count.
        """
        return _strongest(self.levers(behind, ahead))

    def reason_elsewhere(self, behind: Arm, ahead: Arm) -> ExplainedLever | None:
        """The lever that explains most of what one network is behind another by, if it is a reason.

        On the most images on which levers were tried with the two.

        By default `sixteenth explain` tests them on the fewest, which takes the least time.
        """
        levers = [one for one in self.findings if isinstance(one, ExplainedLever)]
        same = [one for one in levers if (one.behind.arm, one.ahead.arm) == (behind, ahead)]
        most = max((one.behind.train_size for one in same), default=math.nan)
        return _strongest([one for one in same if one.behind.train_size == most])


def _strongest(levers: Sequence[ExplainedLever]) -> ExplainedLever | None:
    reasons = [one for one in levers if one.verdict is LeverVerdict.REASON]
    return max(reasons, key=lambda one: min(one.share.value, one.gained.value), default=None)


def lever_verdict(share: Average, gained: Average) -> LeverVerdict:
    """What the intervals of a share explained and of a share gained allow to say.

    A lever that closes the difference by what the network ahead loses is no reason why the other
    one is behind.
    """
    if _explains(share):
        if gained.low > REASON_LOW:
            return LeverVerdict.REASON
        return LeverVerdict.NOT_MAIN if gained.high < NOT_MAIN_HIGH else LeverVerdict.OPEN
    return LeverVerdict.NOT_MAIN if share.high < NOT_MAIN_HIGH else LeverVerdict.OPEN


def _explains(share: Average) -> bool:
    return share.low > REASON_LOW and share.value > REASON_SHARE
