"""What pretrained weights change: the gain at each size, where it is made, and for which model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from ..curves.forecast import Worth, worth_in_images
from ..curves.joint import Curves
from ..inputs.cells import Arm, Cell
from ..inputs.grid import Grid
from ..inputs.scoring import Metric
from ..stats.paired import Contrast, compare_cells, compare_differences, significant
from .doubling import as_settled
from .over_sizes import over_sizes
from .types import Finding, Strength


class GainSource(StrEnum):
    """Where most of a gain in test accuracy is made."""

    FIT = "fit"
    """Training accuracy rose more than the generalisation gap shrank."""
    GAP = "gap"


@dataclass(frozen=True)
class OneInit(Finding):
    """All runs start from the same weights: what others bring was not asked."""

    strength = Strength.NOTE
    init: str


@dataclass(frozen=True)
class NoSharedCell(Finding):
    """No cell has finished from two inits."""

    strength = Strength.CANNOT_TELL


@dataclass(frozen=True)
class InitGain(Finding):
    """What `init` brings a model over `base` at each of `sizes`, few images first.

    The same comparison as an option, or in hand, has the same verdict: see `over_sizes`.

    Attributes:
        told: whether each difference counts: its interval leaves out zero, and its p value, with
            Holm's correction over the sizes, is at most one minus its level.
    """

    model: str
    base: str
    init: str
    sizes: tuple[float, ...]
    differences: tuple[Contrast, ...]
    told: tuple[bool, ...]

    @property
    def strength(self) -> Strength:
        return Strength.measured_if(any(self.told))


@dataclass(frozen=True)
class InitGainChange(Finding):
    """How much more an init brings a model on many images than on few."""

    model: str
    init: str
    from_images: float
    to_images: float
    difference: Contrast

    @property
    def strength(self) -> Strength:
        return Strength.measured_if(self.difference.leaves_out_zero)


@dataclass(frozen=True)
class FitAndGap(Finding):
    """What an init changes besides test accuracy, on the most images.

    Attributes:
        train_accuracy_change, gap_change: with `init` minus without, in shares.
        source: where most of the gain is made; None where there is no gain in either, or where the
            study decides by another accuracy than that of which these are parts.
    """

    strength = Strength.SUGGESTIVE
    model: str
    init: str
    train_size: float
    train_accuracy_change: float
    gap_change: float
    source: GainSource | None
    run_ids: tuple[str, ...]


@dataclass(frozen=True)
class FirstEpoch(Finding):
    """Test accuracy after one epoch, mean over the seeds."""

    model: str
    base: str
    init: str
    train_size: float
    base_accuracy: float
    accuracy: float


@dataclass(frozen=True)
class AheadOnFewer(Finding):
    """The cell on the fewest images that is ahead of the same model from the first init on more."""

    fewer: Cell
    more: Cell
    difference: Contrast


@dataclass(frozen=True)
class WorthInImages(Finding):
    """What an init is worth in images by the fitted curves, on the fewest and the most images."""

    strength = Strength.SUGGESTIVE
    model: str
    base: str
    init: str
    worth: tuple[Worth, ...]


@dataclass(frozen=True)
class InitGainByModel(Finding):
    """How much more an init brings the largest model than the smallest, on the most images."""

    small: str
    big: str
    init: str
    train_size: float
    difference: Contrast

    @property
    def strength(self) -> Strength:
        return Strength.measured_if(self.difference.leaves_out_zero)


PretrainingFinding = (
    OneInit
    | NoSharedCell
    | InitGain
    | InitGainChange
    | FitAndGap
    | FirstEpoch
    | AheadOnFewer
    | WorthInImages
    | InitGainByModel
)


def pretraining(grid: Grid, curves: Curves, level: float) -> list[PretrainingFinding]:
    """What pretrained weights change and why, as far as the study has both."""
    base, *others = grid.inits
    if not others:
        return [OneInit(base)]
    found: list[PretrainingFinding] = []
    for init in others:
        for model in grid.models:
            found += _arm(grid, curves, (model, base), (model, init), level)
        found += _by_model(grid, base, init, level)
    return found or [NoSharedCell()]


def _arm(
    grid: Grid, curves: Curves, before: Arm, after: Arm, level: float
) -> list[PretrainingFinding]:
    """What one init changes for one model."""
    rows = over_sizes(grid, before, after, level)
    if not rows:
        return []
    model, init = after
    pairs = [(row.first, row.second) for row in rows]
    sizes = tuple(row.first.train_size for row in rows)
    gains, told = tuple(row.found for row in rows), tuple(row.told for row in rows)
    found: list[PretrainingFinding] = [InitGain(model, before[1], init, sizes, gains, told)]
    if len(pairs) > 1:
        (a0, b0), (a1, b1) = pairs[0], pairs[-1]
        change = compare_differences(grid, (a0, b0), (a1, b1), level)
        change = as_settled(grid, (a0, b0, a1, b1), change)
        found.append(InitGainChange(model, init, a0.train_size, a1.train_size, change))
    a, b = pairs[-1]
    return [
        *found,
        *(_fit_and_gap(grid, a, b, gains[-1]) if told[-1] else ()),
        *_first_epoch(grid, a, b),
        *_ahead_on_fewer(grid, before, after, level),
        *_worth(curves, before, after),
    ]


def _fit_and_gap(grid: Grid, a: Cell, b: Cell, found: Contrast) -> list[FitAndGap]:
    """Whether the gain is made in the fit or in the gap.

    Their sum is the gain of plain accuracy; of another one they do not tell.
    """
    fit = b.mean("train_accuracy") - a.mean("train_accuracy")
    gap = b.mean("gap") - a.mean("gap")
    if not (math.isfinite(fit) and math.isfinite(gap)):
        return []
    source = None
    if grid.metric is Metric.ACCURACY and found.value > 0 and max(fit, -gap) > 0:
        source = GainSource.FIT if fit >= -gap else GainSource.GAP
    ids = (*a.run_ids, *b.run_ids)
    return [FitAndGap(b.model, b.init, b.train_size, fit, gap, source, ids)]


def _first_epoch(grid: Grid, a: Cell, b: Cell) -> list[FirstEpoch]:
    before, after = (_accuracy_after_one_epoch(grid, cell) for cell in (a, b))
    if before is None or after is None:
        return []
    return [FirstEpoch(b.model, a.init, b.init, b.train_size, before, after)]


def _accuracy_after_one_epoch(grid: Grid, cell: Cell) -> float | None:
    """Mean over the cell's seeds; None where histories lack it."""
    values: list[float] = []
    for run in cell.runs:
        history = grid.histories.get(run.run_id)
        if history is not None:
            first = history["test_accuracy"][history["epoch"] == 1]
            values += first[~np.isnan(first)].tolist()
    return sum(values) / len(values) if values else None


def _ahead_on_fewer(grid: Grid, before: Arm, after: Arm, level: float) -> list[AheadOnFewer]:
    """The fewest images with pretrained weights that beat the most images without, if any.

    All pairs of fewer and more images are searched, so they share one error.
    """
    pairs = [
        AheadOnFewer(
            fewer,
            more,
            as_settled(grid, (more, fewer), compare_cells(grid, more, fewer, level)),
        )
        for fewer in grid.curve(after)
        for more in grid.curve(before)
        if more.train_size > fewer.train_size
    ]
    told = significant([pair.difference for pair in pairs])
    ahead = [pair for pair, one in zip(pairs, told, strict=True) if one and pair.difference.low > 0]
    least = min((pair.fewer.train_size for pair in ahead), default=0.0)
    most = (pair for pair in ahead if pair.fewer.train_size == least)
    return sorted(most, key=lambda pair: pair.more.train_size)[-1:]


def _worth(curves: Curves, before: Arm, after: Arm) -> list[WorthInImages]:
    """Empty where a run of the two curves is not at its end, too."""
    if any(cell.so_far for arm in (before, after) for cell in curves.grid.curve(arm)):
        return []
    pairs = curves.grid.shared(before, after)
    sizes = dict.fromkeys(pair[1].train_size for pair in (pairs[:1] + pairs[-1:]))
    found = [worth_in_images(curves, after, before, size) for size in sizes]
    worth = tuple(each for each in found if each is not None and each.factor >= 1)
    return [WorthInImages(before[0], before[1], after[1], worth)] if worth else []


def _by_model(grid: Grid, base: str, init: str, level: float) -> list[InitGainByModel]:
    """Whether the bigger model has more of the pretrained weights than the small one."""
    if not grid.sizes_known:
        return []
    small, big = grid.compared_models
    plain = {a.train_size: (a, b) for a, b in grid.shared((small, base), (big, base))}
    both = [
        (*plain[a.train_size], a, b)
        for a, b in grid.shared((small, init), (big, init))
        if a.train_size in plain
    ]
    if not both:
        return []
    a, b, pre_a, pre_b = both[-1]
    found = compare_differences(grid, (a, pre_a), (b, pre_b), level)
    found = as_settled(grid, (a, pre_a, b, pre_b), found)
    return [InitGainByModel(small, big, init, a.train_size, found)]
