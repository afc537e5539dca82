"""Options that were trained, by the study or by `explain`: their gains are measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from ...spec.fields import other_weights
from ..inputs.cells import Cell
from ..inputs.grid import Grid
from ..stats.paired import Contrast, another_draws, compare_cells
from ..stats.significance import holm
from .cost import cell_seconds
from .doubling import has_next_images, next_images, of_steps
from .evidence import Evidence
from .explained import Explanation
from .levers import Lever
from .options import Draws, Option, OptionKind, OptionVerdict, verdict_of
from .over_sizes import p_over_sizes


class _Tried(NamedTuple):
    """A cell that was trained, and what it has over the option's start; see `Option`.

    Attributes:
        chosen_of: cells that it is the best of.
    """

    kind: OptionKind
    end: Cell
    gain: Contrast
    draws: Draws
    lever: Lever | None = None
    chosen_of: int = 1

    @property
    def p_value(self) -> float:
        """Of the best of so many (Bonferroni)."""
        return min(1.0, self.chosen_of * self.gain.p_value)

    def option(self, grid: Grid, start: Cell) -> Option:
        """The verdict is by the interval alone."""
        whole = self.lever is Lever.STEPS and self.end.length == 1
        images = next_images(grid, start)
        fewer = self.kind is OptionKind.DATA and images < 2 * start.train_size
        return Option(
            kind=self.kind,
            start=start,
            end=self.end.arm,
            gain=self.gain.value,
            low=self.gain.low,
            high=self.gain.high,
            level=self.gain.level,
            verdict=verdict_of(self.gain.low, self.gain.high),
            measured=True,
            all_labelled=images if fewer else math.nan,
            seconds=cell_seconds(grid, self.end),
            times_steps=4 if whole else 2,
            across_machines=self.gain.across_machines,
            lever=self.lever,
            draws=self.draws,
        )


def measured_options(evidence: Evidence, start: Cell) -> list[Option]:
    """A bigger model, other weights, more images, twice the steps, larger images or another first
    layer, as far as the study or `explain` trained them."""
    grid, level, explanation = evidence.grid, evidence.level, evidence.explanation
    size = [c for c in grid.cells if c.train_size == start.train_size and c is not start]
    parameters = grid.parameters(start.model)
    found = [
        (OptionKind.MODEL, cell)
        for cell in size
        if cell.init == start.init and grid.parameters(cell.model) > parameters
    ]
    found += [
        (OptionKind.INIT, cell)
        for cell in size
        if cell.model == start.model and other_weights(cell.init, start.init)
    ]
    found += [
        (OptionKind.DATA, cell)
        for cell in grid.curve(start.arm)
        if has_next_images(grid, cell, start)
    ]
    steps = start.mean("steps")  # 0 of a head
    longer = of_steps(grid.lengths(start), 2 * steps) if steps > 0 else None
    if longer is not None:
        found.append((OptionKind.TRAINING, longer))
    drawn = another_draws(grid, start, [cell for _, cell in found])
    tried = [
        _mended(
            _Tried(kind, cell, compare_cells(grid, start, cell, level), draws), start, explanation
        )
        for (kind, cell), draws in zip(found, drawn, strict=True)
    ]
    for lever, each in explanation.gains.get((start.arm, start.fraction), {}).items():
        kind = OptionKind.TRAINING if lever is Lever.STEPS else OptionKind.RESOLUTION
        if longer is None or kind is not OptionKind.TRAINING:
            tried.append(_Tried(kind, each.end, each.gain, each.draws, lever))
    return _judged(grid, start, tried, level)


def _mended(tried: _Tried, start: Cell, explanation: Explanation) -> _Tried:
    """A cell of the study; where the reason why it is behind was found, as it is with that mended.

    Without it the verdict would be about the recipe, and not about the model or the weights.
    """
    reason = explanation.reason(tried.end, start)
    if reason is None or reason.remedied is None:
        return tried
    levers, mended = explanation.levers(tried.end, start), reason.remedied
    return _Tried(tried.kind, mended.end, mended.gain, mended.draws, reason.lever, len(levers))


def _judged(grid: Grid, start: Cell, tried: Sequence[_Tried], level: float) -> list[Option]:
    """Options whose ends were trained; their verdicts share one error (Holm 1979).

    But what the study compares at all of its sizes has one verdict, wherever it is told: the one
    that is corrected for the sizes.
    """
    options = [one.option(grid, start) for one in tried]
    adjusted = [
        p if each is None else each
        for p, each in zip(
            holm([one.p_value for one in tried]),
            (None if one.lever else p_over_sizes(grid, start, one.end, level) for one in tried),
            strict=True,
        )
    ]
    return [
        option if p <= 1 - level else replace(option, verdict=OptionVerdict.CANNOT_TELL)
        for option, p in zip(options, adjusted, strict=True)
    ]
