"""What each lever of `sixteenth explain` does to the difference between two cells, from its runs.

What is found is described in `explained`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..inputs.cells import Arm, Cell
from ..inputs.grid import Grid
from ..inputs.predictions import Predictions
from ..inputs.scoring import Metric
from ..inputs.tables import read_grid, whole_runs
from ..stats.paired import average_draws
from .doubling import of_steps
from .explained import (
    Average,
    ExplainedFinding,
    ExplainedGap,
    ExplainedLever,
    LeverGain,
    LeverGains,
    TriedAhead,
    UnfinishedLevers,
    lever_verdict,
)
from .levers import ALONE, Lever, LeverRuns


def explained(
    results: pd.DataFrame,
    predictions: Predictions | None,
    lever_runs: Sequence[LeverRuns],
    telling: Sequence[LeverRuns],
    level: float,
    metric: Metric = Metric.ACCURACY,
) -> list[ExplainedFinding]:
    """For each pair the difference, what is not trained yet, then what each lever does.

    Levers stand in the order of `Lever`.

    The study's cells and those of all levers make one grid, so that the spread between trainings is
    pooled over all of them.

    Args:
        results, predictions: of the study.
        lever_runs: of the levers that were begun. What is not finished is counted.
        telling: those of them that begin to tell, see `LeverRuns`.
        level: of the intervals of gains.
        metric: what the study decides by.
    """
    if not telling:
        return []
    grid = _grid(results, predictions or {}, telling, metric)
    known = set(results.loc[results["status"] == "finished", "run_id"])
    found: list[ExplainedFinding] = []
    for pair in dict.fromkeys(runs.pair for runs in telling):
        cells = [_cell(grid, arm, pair.fraction) for arm in (pair.behind, pair.ahead)]
        if None in cells:
            continue
        # More trainings of both may have turned them round since the levers were begun.
        behind, ahead = sorted(filter(None, cells), key=lambda cell: cell.accuracy)
        draws = average_draws(grid, [[(1.0, ahead), (-1.0, behind)]])[0]
        found.append(
            ExplainedGap(behind, ahead, Average.of(ahead.accuracy - behind.accuracy, draws))
        )
        progress = [runs.progress(known) for runs in lever_runs if runs.pair == pair]
        unfinished = tuple(one for one in progress if one.finished < one.planned)
        if unfinished:
            found.append(UnfinishedLevers(behind, ahead, unfinished))
        own = {runs.lever: runs.settings for runs in telling if runs.pair == pair}
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
    telling: Sequence[LeverRuns],
    level: float,
    metric: Metric = Metric.ACCURACY,
) -> LeverGains:
    """What twice the steps, larger images or another first layer bring each cell; see `explained`.

    Twice the steps are the half of four times the steps, where that length was measured; else it is
    four times the steps. Trainings of `Lever.SEEDS` count where `results` has them, so that each
    gain starts from the same cell as the other options.
    """
    kept = (Lever.STEPS, Lever.IMAGE_SIZE, Lever.STEM)
    lasting = [runs for runs in telling if runs.lever in kept]
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
    lever_runs: Sequence[LeverRuns],
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
    for runs in lever_runs:
        table = used(runs.results)
        table = table[table["status"] == "finished"]
        if runs.lever is not Lever.SEEDS:
            table = table.assign(fraction=[_label(f, runs.lever) for f in table["fraction"]])
        # What two pairs trained alike is one run with one result.
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
    return next((cell for cell in grid.curve(arm) if cell.fraction == fraction), None)


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
