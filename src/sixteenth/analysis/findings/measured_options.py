"""Options that were trained, by the study or by `explain`: their gains are measured."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from ...spec.fields import trains_more
from ..inputs.grid import Cell, Grid
from ..stats.paired import Contrast, compare_cells
from ..stats.significance import holm
from .doubling import SAME_SIZE, of_steps
from .explained import Explanation, Lever
from .options import Option, OptionKind, OptionVerdict, verdict_of


class _Tried(NamedTuple):
    """A cell that was trained, and what it has over the best network's; see `Option`.

    Attributes:
        chosen_of: cells that it is the best of.
    """

    kind: OptionKind
    end: Cell
    gain: Contrast
    lever: Lever | None = None
    chosen_of: int = 1

    @property
    def p_value(self) -> float:
        """Of the best of so many (Bonferroni)."""
        return min(1.0, self.chosen_of * self.gain.p_value)


def measured_options(
    grid: Grid, best: Cell, level: float, explanation: Explanation
) -> list[Option]:
    """A bigger model, other weights, twice the images or steps, larger images or another first
    layer, as far as the study or `explain` trained them."""
    size = [cell for cell in grid.cells if cell.train_size == best.train_size and cell is not best]
    parameters = grid.parameters(best.model)
    found = [
        (OptionKind.MODEL, cell)
        for cell in size
        if cell.init == best.init and grid.parameters(cell.model) > parameters
    ]
    found += [
        (OptionKind.INIT, cell)
        for cell in size
        if cell.model == best.model and (best.init == "random" or trains_more(cell.init, best.init))
    ]
    found += [
        (OptionKind.DATA, cell)
        for cell in grid.curve(best.model, best.init)
        if abs(cell.train_size / best.train_size - 2) <= 2 * SAME_SIZE
    ]
    steps = best.mean("steps")  # 0 of a head
    longer = of_steps(grid.lengths(best), 2 * steps) if steps > 0 else None
    if longer is not None:
        found.append((OptionKind.TRAINING, longer))
    tried = [_mended(grid, best, kind, cell, level, explanation) for kind, cell in found]
    for lever, each in explanation.gains.get((best.arm, best.fraction), {}).items():
        kind = OptionKind.TRAINING if lever is Lever.STEPS else OptionKind.RESOLUTION
        if longer is None or kind is not OptionKind.TRAINING:
            tried.append(_Tried(kind, each.end, each.gain, lever))
    return _judged(best, tried, level)


def _mended(
    grid: Grid,
    best: Cell,
    kind: OptionKind,
    cell: Cell,
    level: float,
    explanation: Explanation,
) -> _Tried:
    """A cell of the study; where the reason why it is behind was found, as it is with that mended.

    Without it the verdict would be about the recipe, and not about the model or the weights.
    """
    reason = explanation.reason(cell, best)
    if reason is None or reason.remedied is None:
        return _Tried(kind, cell, compare_cells(grid, best, cell, level))
    tried = len(explanation.levers(cell, best))
    return _Tried(kind, reason.remedied.end, reason.remedied.gain, reason.lever, tried)


def _judged(best: Cell, tried: Sequence[_Tried], level: float) -> list[Option]:
    """Options whose ends were trained; their verdicts share one error (Holm 1979)."""
    options = [
        replace(measured(one.kind, best, one.end, one.gain), lever=one.lever) for one in tried
    ]
    adjusted = holm([one.p_value for one in tried])
    return [
        option if p <= 1 - level else replace(option, verdict=OptionVerdict.CANNOT_TELL)
        for option, p in zip(options, adjusted, strict=True)
    ]


def measured(kind: OptionKind, start: Cell, end: Cell, found: Contrast) -> Option:
    """An option whose ends were trained, with their difference; the verdict is by its interval."""
    return Option(
        kind=kind,
        start=start,
        end=end.arm,
        gain=found.value,
        low=found.low,
        high=found.high,
        level=found.level,
        verdict=verdict_of(found.low, found.high),
        measured=True,
        seconds=end.mean("seconds"),
        across_machines=found.across_machines,
        draws=found.draws(zlib.crc32("\0".join(map(str, end.key)).encode())),
    )
