"""Two curves compared at every size that both have: one family of tests, with one correction.

A study asks at each of its sizes whether the largest model is ahead of the smallest, and what each
of its pretrained weights brings over the first. Such a comparison is told in the discussion, on a
card, among the options and as a gain in hand; it has one verdict, from here.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..inputs.grid import Arm, Cell, Grid
from ..stats.paired import Contrast, compare_cells, significant
from ..stats.significance import holm
from .doubling import may_change


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
    found = [compare_cells(grid, a, b, level) for a, b in pairs]
    adjusted = holm([one.p_value for one in found])
    return [
        SizeComparison(a, b, one, float(p), told and not may_change(grid, (a, b), one.value))
        for (a, b), one, p, told in zip(pairs, found, adjusted, significant(found), strict=True)
    ]


def p_over_sizes(grid: Grid, start: Cell, end: Cell, level: float) -> float | None:
    """The p of `SizeComparison` for two cells, either of which may be the first.

    None where the study does not compare them at all of its sizes: they are neither the smallest
    and the largest model from one init, nor one model from the first init and another.
    """
    models = grid.sizes_known and {start.model, end.model} == set(grid.compared_models)
    of_models = models and start.init == end.init
    of_inits = start.model == end.model and start.init != end.init
    if not of_models and not (of_inits and grid.inits[0] in (start.init, end.init)):
        return None
    rows = over_sizes(grid, start.arm, end.arm, level)
    return next((row.p for row in rows if (row.first, row.second) == (start, end)), None)


def told_apart(grid: Grid, start: Cell, end: Cell, found: Contrast) -> bool:
    """Whether the difference of two cells counts: by its interval, and by `p_over_sizes`."""
    p = p_over_sizes(grid, start, end, found.level)
    told = found.leaves_out_zero and (p is None or p <= 1 - found.level)
    return told and not may_change(grid, (start, end), found.value)
