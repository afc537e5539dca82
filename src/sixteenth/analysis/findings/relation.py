"""How accuracy, model size and training-set size relate, and which runs no conclusion rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..inputs.cells import Cell, MissingReason
from ..inputs.grid import Grid
from ..stats.intervals import Interval, cell_interval
from ..stats.paired import Contrast, compare_cells
from .doubling import LastDoubling, as_settled
from .over_sizes import told_apart
from .types import Finding, Section, SectionKey, Strength


@dataclass(frozen=True)
class AccuracyCurve(Finding):
    """The accuracies of one model and init by training-set size.

    Attributes:
        cells: few images first.
        interval: of the accuracy, where there is one size.
        rise: most images against fewest; None with one size.
    """

    cells: tuple[Cell, ...]
    interval: Interval | None = None
    rise: Contrast | None = None

    @property
    def strength(self) -> Strength:
        return Strength.measured_if(self.rise is None or self.rise.leaves_out_zero)


@dataclass(frozen=True)
class ModelCost(Finding):
    """What the largest model costs beside the smallest.

    Attributes:
        small_parameters, big_parameters: of the two.
        parameters_ratio: of the two.
        train_flops_ratio: at `train_size`, the largest size that both have; None where not known.
    """

    small: str
    big: str
    small_parameters: float
    big_parameters: float
    parameters_ratio: float
    train_size: float | None = None
    train_flops_ratio: float | None = None
    run_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class HighestAccuracy(Finding):
    """The best cell, the next best, and whether they can be told apart."""

    best: Cell
    second: Cell
    difference: Contrast
    told: bool

    @property
    def strength(self) -> Strength:
        return Strength.measured_if(self.told)


@dataclass(frozen=True)
class RunsLeftOut(Finding):
    """Runs that take no part in any conclusion for one and the same reason."""

    strength = Strength.NOTE
    run_ids: tuple[str, ...]
    reason: MissingReason

    def to_dict(self) -> dict[str, object]:
        return super().to_dict() | {"kind": "MissingRuns"}  # as JSON has had it


RelationFinding = AccuracyCurve | LastDoubling | ModelCost | HighestAccuracy | RunsLeftOut


def relation(grid: Grid, doublings: Sequence[LastDoubling], level: float) -> list[Finding]:
    """How accuracy, model size and training-set size relate."""
    found: list[Finding] = []
    for arm, cells in grid.curves.items():
        curve = tuple(cells)
        if len(curve) == 1:
            found.append(AccuracyCurve(curve, cell_interval(grid, curve[0], level)))
        else:
            ends = curve[0], curve[-1]
            rise = as_settled(grid, ends, compare_cells(grid, *ends, level))
            found.append(AccuracyCurve(curve, rise=rise))
            found += [d for d in doublings if d.arm == arm]
    return [*found, *_cost(grid), *_highest(grid, level)]


def missing(grid: Grid) -> Section:
    """The runs that no conclusion rests on, by the reason."""
    groups: dict[MissingReason, list[str]] = {}
    for run in grid.missing:
        groups.setdefault(run.why_missing, []).append(run.run_id)
    found = tuple(RunsLeftOut(tuple(ids), reason) for reason, ids in groups.items())
    return Section(SectionKey.MISSING, found)


def _cost(grid: Grid) -> list[ModelCost]:
    if not grid.sizes_known:
        return []
    small, big = grid.compared_models
    few, many = grid.parameters(small), grid.parameters(big)
    parameters = few, many, many / few
    pairs = [p for init in grid.inits for p in grid.shared((small, init), (big, init))[-1:]]
    if not pairs:
        return [ModelCost(small, big, *parameters)]
    first, second = pairs[0]
    # Not the time: on a machine that was busy with other things it compares nothing.
    before, after = first.mean("train_flops"), second.mean("train_flops")
    ratio = after / before if before > 0 and after > 0 else None
    ids = (*first.run_ids, *second.run_ids)
    return [ModelCost(small, big, *parameters, first.train_size, ratio, ids)]


def _highest(grid: Grid, level: float) -> list[HighestAccuracy]:
    ranked = sorted(grid.cells, key=lambda cell: -cell.accuracy)
    if len(ranked) < 2:
        return []
    best, second = ranked[0], ranked[1]
    found = compare_cells(grid, second, best, level)
    return [HighestAccuracy(best, second, found, told_apart(grid, second, best, found))]
