"""How accuracy, model size and training-set size relate, and which runs no conclusion rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ..inputs.grid import Cell, Grid, MissingReason, common_seeds
from ..stats.intervals import Interval, cell_interval
from ..stats.paired import Contrast, compare_cells
from .moves import Move, MoveKind
from .types import Finding, Section, SectionKey, Strength


class SeedsUsed(StrEnum):
    """Which seeds an accuracy over several sizes rests on."""

    ALL = "all"
    COMMON = "common"
    """Those that all sizes have; some sizes have more."""
    NONE_COMMON = "none-common"
    """No seed is common to all sizes: one training of each."""


@dataclass(frozen=True)
class AccuracyCurve(Finding):
    """The accuracies of one model and init by training-set size.

    Attributes:
        cells: of the common seeds, few images first.
        interval: of the accuracy, where there is one size.
        rise: most images against fewest; None with one size.
        seeds_used: which seeds `cells` hold.
        last_doubling: the measured move, where there are more than two sizes.
    """

    cells: tuple[Cell, ...]
    interval: Interval | None = None
    rise: Contrast | None = None
    seeds_used: SeedsUsed = SeedsUsed.ALL
    last_doubling: Move | None = None

    @property
    def strength(self) -> Strength:
        if self.rise is not None and self.rise.verdict == "cannot tell":
            return Strength.CANNOT_TELL
        return Strength.MEASURED


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

    @property
    def strength(self) -> Strength:
        unclear = self.difference.verdict == "cannot tell"
        return Strength.CANNOT_TELL if unclear else Strength.MEASURED


@dataclass(frozen=True)
class MissingRuns(Finding):
    """Runs that take no part in any conclusion for one and the same reason."""

    run_ids: tuple[str, ...]
    reason: MissingReason

    @property
    def strength(self) -> Strength:
        return Strength.NOTE


RelationFinding = AccuracyCurve | ModelCost | HighestAccuracy | MissingRuns


def relation(grid: Grid, moves: Sequence[Move], level: float) -> list[Finding]:
    """How accuracy, model size and training-set size relate."""
    found: list[Finding] = []
    for model in grid.models:
        for init in grid.inits:
            curve = grid.curve(model, init)
            if curve:
                found.append(_curve(grid, curve, moves, level))
    return [*found, *_cost(grid), *_highest(grid, level)]


def missing(grid: Grid) -> Section:
    """The runs that no conclusion rests on, by the reason."""
    groups: dict[MissingReason, list[str]] = {}
    for run in grid.missing:
        groups.setdefault(run.why_missing, []).append(run.run_id)
    found = tuple(MissingRuns(tuple(ids), reason) for reason, ids in groups.items())
    return Section(SectionKey.MISSING, found)


def _curve(grid: Grid, whole: Sequence[Cell], moves: Sequence[Move], level: float) -> AccuracyCurve:
    curve = tuple(common_seeds(*whole))  # so that the accuracies and their differences agree
    if len(curve) == 1:
        return AccuracyCurve(curve, cell_interval(curve[0], level))
    arm = (curve[0].model, curve[0].init)
    doublings = [m for m in moves if m.kind is MoveKind.DATA and m.start == arm]
    return AccuracyCurve(
        curve,
        rise=compare_cells(grid, curve[0], curve[-1], level),
        seeds_used=_seeds_used(whole, curve),
        last_doubling=doublings[0] if doublings and len(curve) > 2 else None,
    )


def _seeds_used(whole: Sequence[Cell], used: Sequence[Cell]) -> SeedsUsed:
    if all(len(a.runs) == len(b.runs) for a, b in zip(whole, used, strict=True)):
        return SeedsUsed.ALL
    common = set.intersection(*(set(cell.seeds) for cell in whole))
    return SeedsUsed.COMMON if common else SeedsUsed.NONE_COMMON


def _cost(grid: Grid) -> list[ModelCost]:
    if not grid.sizes_known:
        return []
    small, big = grid.models[0], grid.models[-1]
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
    return [HighestAccuracy(best, second, compare_cells(grid, second, best, level))]
