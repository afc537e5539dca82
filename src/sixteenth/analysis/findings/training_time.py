"""What longer training changes: accuracies and differences at each measured training length.

A run measures its accuracy after a part of its steps too (`lengths` of the study). A difference
between two networks that grows or turns round with the steps is one of training time as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import compress, pairwise

from ..inputs.cells import Arm, Cell
from ..inputs.grid import Grid
from ..stats.paired import Contrast, compare_cells, compare_differences, significant
from .doubling import as_settled, of_steps
from .types import Finding, Strength


class Order(StrEnum):
    """Which of two networks is ahead at the training lengths that were measured."""

    SAME = "same"
    """One and the same is ahead at every length."""
    TURNS = "turns"
    """One is ahead at one length and the other at another."""
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True)
class LongerTraining(Finding):
    """A network's accuracy at its training lengths.

    Attributes:
        cells: of one model, init and fraction, at two lengths or more, the shortest first.
        gain: of the longest over the one before it, for another training.
    """

    cells: tuple[Cell, ...]
    gain: Contrast

    @property
    def strength(self) -> Strength:
        return Strength.measured_if(self.gain.leaves_out_zero)


@dataclass(frozen=True)
class DifferenceByLength(Finding):
    """The difference between two networks on the same images at each training length.

    Attributes:
        first, second: (model, init) of each; they share the one or the other.
        images: training images of both.
        steps, first_steps: of each length, the shortest first; those of `second`, and of `first`,
            which may be others where each run chose its epochs.
        differences: accuracy of `second` minus that of `first`, for another training of both.
        change: of the difference, from the shortest to the longest length.
        order: with Holm's correction over the lengths.
    """

    first: Arm
    second: Arm
    images: float
    steps: tuple[float, ...]
    first_steps: tuple[float, ...]
    differences: tuple[Contrast, ...]
    change: Contrast
    order: Order

    @property
    def strength(self) -> Strength:
        return Strength.CANNOT_TELL if self.order is Order.CANNOT_TELL else Strength.MEASURED


TrainingTimeFinding = LongerTraining | DifferenceByLength


def training_time(grid: Grid, level: float) -> list[TrainingTimeFinding]:
    """What each training length brought; empty where whole trainings alone were measured."""
    single = [
        LongerTraining(tuple(cells), compare_cells(grid, cells[-2], cells[-1], level))
        for cells in map(grid.lengths, grid.cells)
        if len(cells) > 1
    ]
    pairs: list[tuple[Arm, Arm]] = []
    if len(grid.models) > 1:
        small, big = grid.compared_models
        pairs += [((small, init), (big, init)) for init in grid.inits]
    pairs += [
        ((model, grid.inits[0]), (model, init)) for model in grid.models for init in grid.inits[1:]
    ]
    both = [
        found
        for first, second in pairs
        for cells in grid.shared(first, second)
        for found in by_length(grid, *cells, level)
    ]
    return [*single, *both]


def by_length(grid: Grid, first: Cell, second: Cell, level: float) -> list[DifferenceByLength]:
    """Two cells at the lengths that both have; empty where it is one.

    Where they were trained for different steps, as runs that choose their own are: at equal steps,
    and at the end of both. A length of a run that is not at its end is no part of its steps.
    """
    mine, others = grid.lengths(first), grid.lengths(second)
    longer = {} if first.so_far or second.so_far else {cell.length: cell for cell in others}
    pairs = [(one, longer[one.length]) for one in mine if one.length in longer]
    at_equal = ((one, of_steps(others, one.mean("steps"))) for one in mine)
    equal = [(one, other) for one, other in at_equal if other is not None]
    if equal and (first, second) not in equal:
        pairs = [*equal, (first, second)]
    if len(pairs) < 2:
        return []
    start, end = pairs[0], pairs[-1]
    differences = tuple(compare_cells(grid, *pair, level) for pair in pairs[:-1])
    differences += (as_settled(grid, end, compare_cells(grid, *end, level)),)
    return [
        DifferenceByLength(
            first=first.arm,
            second=second.arm,
            images=first.train_size,
            steps=tuple(cell.mean("steps") for _, cell in pairs),
            first_steps=tuple(cell.mean("steps") for cell, _ in pairs),
            differences=differences,
            change=as_settled(grid, (*start, *end), compare_differences(grid, start, end, level)),
            order=_order(differences),
        )
    ]


def _order(differences: Sequence[Contrast]) -> Order:
    told = significant(differences)
    clear = [one.side for one in compress(differences, told)]
    if any(one != other for one, other in pairwise(clear)):
        return Order.TURNS
    return Order.SAME if len(clear) == len(differences) else Order.CANNOT_TELL
