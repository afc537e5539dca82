"""Reasons that were tested: what each lever does to the difference between two cells.

A lever is one change of the recipe, the images or the first layer, under which one or both cells
were trained again. If the difference between them goes, the lever is the reason for it; a gain of
both alike explains nothing, but may be the better advice. Differences here are between average
trainings, because a reason is a property of the cells and not of one training.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..curves.joint import CURVE_LEVEL, spread_of
from ..inputs.grid import Arm, Cell, Grid
from ..inputs.predictions import Predictions
from ..inputs.scoring import Metric
from ..inputs.tables import read_grid, whole_runs
from ..stats.paired import Contrast, another_draws, average_draws, compare_cells
from .doubling import of_steps
from .levers import ALONE, Lever, LeverProgress, LeverRuns
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
        findings: see `explained`.
        gains: see `lever_gains`.
        repeats: run ids of the lever `seeds`, which repeat cells of the study.
    """

    findings: tuple[ExplainedFinding, ...] = ()
    gains: LeverGains = field(default_factory=dict)
    repeats: frozenset[str] = frozenset()

    def levers(self, behind: Cell, ahead: Cell) -> list[ExplainedLever]:
        """Those that were tried on two cells, in the order of `Lever`."""
        levers = (found for found in self.findings if isinstance(found, ExplainedLever))
        return [one for one in levers if one.compares(behind, ahead)]

    def reason(self, behind: Cell, ahead: Cell) -> ExplainedLever | None:
        """The lever that explains most of the difference between two cells, if it is a reason.

        What the network ahead loses does not count.
        """
        return _strongest(self.levers(behind, ahead))

    def reason_elsewhere(self, behind: Arm, ahead: Arm) -> ExplainedLever | None:
        """The same of two networks on the most images that they were tested on.

        By default `sixteenth explain` tests them on the fewest, which takes the least time.
        """
        levers = [one for one in self.findings if isinstance(one, ExplainedLever)]
        same = [one for one in levers if (one.behind.arm, one.ahead.arm) == (behind, ahead)]
        most = max((one.behind.train_size for one in same), default=math.nan)
        return _strongest([one for one in same if one.behind.train_size == most])


def _strongest(levers: Sequence[ExplainedLever]) -> ExplainedLever | None:
    reasons = [one for one in levers if one.verdict is LeverVerdict.REASON]
    return max(reasons, key=lambda one: min(one.share.value, one.gained.value), default=None)


def explained(
    results: pd.DataFrame,
    predictions: Predictions | None,
    tested: Sequence[LeverRuns],
    level: float,
    metric: Metric = Metric.ACCURACY,
) -> list[ExplainedFinding]:
    """For each pair the difference, what is not trained yet, then what each lever does.

    Levers stand in the order of `Lever`.

    The study's cells and those of all levers make one grid, so that the spread between trainings is
    pooled over all of them.

    Args:
        results, predictions: of the study.
        tested: the runs of the levers that were begun. What is not finished is counted; nothing is
            told before a run is.
        level: of the intervals of gains.
        metric: what the study decides by.
    """
    begun, tested = tested, [runs for runs in tested if runs.begins_to_tell]
    if not tested:
        return []
    grid = _grid(results, predictions or {}, tested, metric)
    known = set(results.loc[results["status"] == "finished", "run_id"])
    found: list[ExplainedFinding] = []
    for pair in dict.fromkeys(runs.pair for runs in tested):
        cells = [_cell(grid, arm, pair.fraction) for arm in (pair.behind, pair.ahead)]
        if None in cells:
            continue
        # More trainings of both may have turned them round since the levers were begun.
        behind, ahead = sorted(filter(None, cells), key=lambda cell: cell.accuracy)
        draws = average_draws(grid, [[(1.0, ahead), (-1.0, behind)]])[0]
        found.append(
            ExplainedGap(behind, ahead, Average.of(ahead.accuracy - behind.accuracy, draws))
        )
        progress = [runs.progress(known) for runs in begun if runs.pair == pair]
        unfinished = tuple(one for one in progress if one.finished < one.planned)
        if unfinished:
            found.append(UnfinishedLevers(behind, ahead, unfinished))
        own = {runs.lever: runs.settings for runs in tested if runs.pair == pair}
        levers = [lever for lever in Lever if lever in own and lever is not Lever.SEEDS]
        effects = [_effect(grid, lever, behind, ahead, level) for lever in levers]
        found += [
            replace(one, settings=own[one.lever]) if isinstance(one, ExplainedLever) else one
            for one in effects
            if one is not None
        ]
    return found


def lever_gains(
    results: pd.DataFrame,
    predictions: Predictions | None,
    tested: Sequence[LeverRuns],
    level: float,
    metric: Metric = Metric.ACCURACY,
) -> LeverGains:
    """What twice the steps, larger images or another first layer bring each cell; see `explained`.

    Twice the steps are the half of four times the steps, where that length was measured; else it is
    four times the steps. Trainings of `Lever.SEEDS` count where `results` has them, so that each
    gain starts from the same cell as the other options.
    """
    kept = (Lever.STEPS, Lever.IMAGE_SIZE, Lever.STEM)
    lasting = [runs for runs in tested if runs.lever in kept]
    if not lasting:
        return {}
    grid = _grid(results, predictions or {}, lasting, metric, lengths=True)
    if grid.length < 1:
        return {}
    found: dict[tuple[Arm, str], dict[Lever, LeverGain]] = {}
    for runs in lasting:
        fraction = runs.pair.fraction
        for arm in (runs.pair.behind, runs.pair.ahead):
            start = _cell(grid, arm, fraction)
            end = _cell(grid, arm, _label(fraction, runs.lever))
            if start and end and runs.lever is Lever.STEPS:
                end = of_steps(grid.lengths(end), 2 * start.mean("steps")) or end
            if start and end:
                gain = LeverGain.of(grid, start, end, level)
                found.setdefault((arm, fraction), {})[runs.lever] = gain
    return found


def _grid(
    results: pd.DataFrame,
    predictions: Predictions,
    tested: Sequence[LeverRuns],
    metric: Metric,
    *,
    lengths: bool = False,
) -> Grid:
    """The study with the cells of each lever, whose fraction is named with it.

    Args:
        lengths: with all lengths of the runs, not the whole runs alone.
    """
    used = (lambda table: table) if lengths else whole_runs
    tables, predicted = [used(results)], dict(predictions)
    for runs in tested:
        table = used(runs.results)
        table = table[table["status"] == "finished"]
        if runs.lever is not Lever.SEEDS:
            table = table.assign(fraction=[_label(f, runs.lever) for f in table["fraction"]])
        # What two pairs tested alike is one run with one result.
        known = {run_id for earlier in tables for run_id in earlier["run_id"]}
        # Repeats keep their names: `results` may have them already.
        named = "" if runs.lever is Lever.SEEDS else f"{runs.lever}/"
        table = table.assign(run_id=named + table["run_id"])
        tables.append(table[~table["run_id"].isin(known)])
        predicted = {named + run_id: each for run_id, each in runs.predictions.items()} | predicted
    filled = [table.dropna(axis="columns", how="all") for table in tables if len(table)]
    return read_grid(pd.concat(filled, ignore_index=True), None, predicted, metric)


def _label(fraction: object, lever: Lever) -> str:
    return f"{fraction}+{lever}"


def _cell(grid: Grid, arm: Arm, fraction: str) -> Cell | None:
    return next((cell for cell in grid.curve(*arm) if cell.fraction == fraction), None)


def _effect(
    grid: Grid, lever: Lever, behind: Cell, ahead: Cell, level: float
) -> ExplainedLever | TriedAhead | None:
    """None where no cell that it takes has a finished run with the lever."""
    weak, strong = (_cell(grid, cell.arm, _label(cell.fraction, lever)) for cell in (behind, ahead))
    if lever in ALONE:
        if weak is None:
            if strong is None:
                return None
            return TriedAhead(lever, behind, ahead, LeverGain.of(grid, ahead, strong, level))
        strong = ahead  # also where another pair has tried the lever on it
    if weak is None or strong is None:
        return None
    pairs = [(behind, weak)] + ([] if strong is ahead else [(ahead, strong)])
    gap = [(1.0, ahead), (-1.0, behind)]
    draws = average_draws(grid, [gap, [(1.0, strong), (-1.0, weak)]])
    before = Average.of(ahead.accuracy - behind.accuracy, draws[0])
    after = Average.of(strong.accuracy - weak.accuracy, draws[1])
    share = gained = Average(math.nan, math.nan, math.nan)
    if before.low > 0 and math.isfinite(after.low):
        share = gained = _share(
            before.value - after.value, before.value, draws[0] - draws[1], draws[0]
        )
        if strong is not ahead:
            draws = average_draws(grid, [gap, [(1.0, weak), (-1.0, behind)]])
            gained = _share(weak.accuracy - behind.accuracy, before.value, draws[1], draws[0])
    remedied = None
    if weak.accuracy > behind.accuracy:
        top = max(ahead, strong, key=lambda cell: cell.accuracy)
        remedied = LeverGain.of(grid, top, weak, level)
    return ExplainedLever(
        lever=lever,
        behind=behind,
        ahead=ahead,
        gains=tuple(LeverGain.of(grid, a, b, level) for a, b in pairs),
        before=before,
        after=after,
        share=share,
        gained=gained,
        verdict=lever_verdict(share, gained),
        remedied=remedied,
    )


def _share(
    part: float, whole: float, parts: NDArray[np.float64], wholes: NDArray[np.float64]
) -> Average:
    """A part of a difference that is told from zero, and the draws of both."""
    positive = wholes > 0  # at most one draw in twenty is no difference
    return Average.of(part / whole, parts[positive] / wholes[positive])


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
