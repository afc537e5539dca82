"""Two curves compared at every size that both have: one family of tests, with one correction.

A study asks at each of its sizes whether the largest model is ahead of the smallest, and what each
of its pretrained weights brings over the first. A comparison is told in the discussion, on a
card, among the options and as a gain in hand; it has one verdict, from here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..inputs.cells import Arm, Cell
from ..inputs.grid import Grid
from ..stats.paired import Contrast, compare_cells, significant
from ..stats.significance import holm
from .doubling import as_settled


@dataclass(frozen=True)
class SizeComparison:
    """Two cells of one size.

    Attributes:
        first, second: the cells.
        found: accuracy of `second` minus that of `first`.
        p: Holm's adjusted p over the sizes of the two curves; NaN where no test could be made.
        told: whether the difference counts: its interval leaves out zero, `p` is at most one minus
            its level, and runs that are not at their end cannot overturn it, see `may_change`.
    """

    first: Cell
    second: Cell
    found: Contrast
    p: float
    told: bool


def over_sizes(grid: Grid, first: Arm, second: Arm, level: float) -> list[SizeComparison]:
    """The comparison at every size that both curves have finished, few images first."""
    pairs = grid.shared(first, second)
    found = [as_settled(grid, pair, compare_cells(grid, *pair, level)) for pair in pairs]
    adjusted = holm([one.p_value for one in found])
    return [
        SizeComparison(a, b, one, float(p), told)
        for (a, b), one, p, told in zip(pairs, found, adjusted, significant(found), strict=True)
    ]


def p_over_sizes(grid: Grid, start: Cell, end: Cell, level: float) -> float | None:
    """The p of `SizeComparison` for two cells, either of which may be the first.

    A study asks for the smallest and the largest model from each init, and for each model from the
    first init and another. Any other two models, or two inits, are one pair of several that it may
    be asked for: their p is also corrected for the number of these pairs (Bonferroni). None where
    two cells differ in both, or in neither.
    """
    if (start.model == end.model) == (start.init == end.init):
        return None
    if start.init == end.init:
        asked = grid.sizes_known and {start.model, end.model} == set(grid.compared_models)
        others = math.comb(len(grid.finished_models), 2) - 1
    else:
        asked = grid.inits[0] in (start.init, end.init)
        others = math.comb(len(grid.inits) - 1, 2)
    rows = over_sizes(grid, start.arm, end.arm, level)
    p = next((row.p for row in rows if (row.first, row.second) == (start, end)), None)
    return p if p is None or asked else min(1.0, max(1, others) * p)


def told_apart(grid: Grid, start: Cell, end: Cell, found: Contrast) -> bool:
    """Whether the difference of two cells counts: by its interval, and by `p_over_sizes`."""
    p = p_over_sizes(grid, start, end, found.level)
    told = as_settled(grid, (start, end), found).leaves_out_zero
    return told and (p is None or p <= 1 - found.level)
