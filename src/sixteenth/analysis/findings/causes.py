"""Where the expectation did not hold: what speaks for which cause.

The causes rest on an identity. Test accuracy is training accuracy minus the generalisation gap,
so a shortfall on the test images is a shortfall on the training images (the model was not fitted:
too few steps, or a recipe that does not suit it) plus an excess of the gap (it overfits more).
Each cause is ranked by the share of the shortfall that it accounts for. None of them is tested by
an experiment of its own here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from ..inputs.grid import Cell, Grid
from ..stats.paired import Contrast
from .diagnosis import CLIMB, Context, fit_error, mean_climb
from .expectation import Expect, Outcome, SizeVerdict
from .types import Finding, Strength

NOTEWORTHY = 0.01
"""A difference in training accuracy or gap below one point is not brought up as a cause."""
SAME_MAP_SCORE, OWN_MAP_SCORE = 0.2, 0.4
"""Rank of a 1x1 feature map that both models have, or only the one that disappointed: below any
cause that accounts for a larger share of the shortfall, because its effect was not measured."""
TOO_SMALL_SCORE = 0.5
"""Rank of a study that may be too small: always so where nothing was seen, yet no cause of it."""
UNMEASURED_SCORE = 0.1
"""Rank of a spread between seeds that nobody measured: it can never be ruled out, nor be seen."""
SPREAD_SCORE = 0.9
"""Rank of seeds that differ more among themselves than the models do: it was measured, and only a
cause that accounts for nearly all of the shortfall stands above it."""


class Cause(StrEnum):
    """What may be behind an expectation that did not hold, or was ruled out to be."""

    TOO_SMALL_STUDY = "too-small-study"
    TOO_FEW_STEPS = "too-few-steps"
    RECIPE = "recipe"
    """A recipe that suits the model less."""
    POORER_FIT = "poorer-fit"
    """One of these two; no training curves tell which."""
    OVERFITTING = "overfitting"
    NOT_OVERFITTING = "not-overfitting"
    SEEDS = "seeds"
    """The difference varies more between seeds than it is large."""
    NOT_SEEDS = "not-seeds"
    SEEDS_UNMEASURED = "seeds-unmeasured"
    """There is one training of each."""
    RESOLUTION = "resolution"
    """The last convolution sees a single position."""


_STRENGTHS = {
    Cause.TOO_SMALL_STUDY: Strength.CANNOT_TELL,
    Cause.NOT_OVERFITTING: Strength.MEASURED,
    Cause.SEEDS: Strength.MEASURED,
    Cause.NOT_SEEDS: Strength.MEASURED,
    Cause.SEEDS_UNMEASURED: Strength.CANNOT_TELL,
}


@dataclass(frozen=True, kw_only=True)
class LikelyCause(Finding):
    """One cause at one size; the base of all.

    Attributes:
        score: from 0 to 1; the causes are ranked by it.
        favoured, other: the model that was expected to be better, and the one that it was to beat.
        also_first: other training-set sizes at which the same cause has the highest score.
    """

    cause: Cause
    score: float
    favoured: Cell
    other: Cell
    also_first: tuple[float, ...] = ()

    @property
    def strength(self) -> Strength:
        return _STRENGTHS.get(self.cause, Strength.SUGGESTIVE)


@dataclass(frozen=True, kw_only=True)
class TooSmallStudy(LikelyCause):
    """No difference was seen, and a small one could not have been.

    Attributes:
        difference: of the bigger and the smaller model.
        detectable: smallest difference that would have been seen; NaN where there is none.
        test_size: test images; NaN where not known.
    """

    difference: Contrast
    detectable: float
    test_size: float


@dataclass(frozen=True)
class Shortfall:
    """How far the favoured model is behind in test accuracy, as the sum of `fit` and `gap`.

    Attributes:
        total: the shortfall.
        fit: in training accuracy.
        gap: the excess of its generalisation gap.
        noise: two standard errors of the difference in training accuracy, which is measured on a
            part of the images.
    """

    total: float
    fit: float
    gap: float
    noise: float


@dataclass(frozen=True, kw_only=True)
class PoorerFit(LikelyCause):
    """It gets fewer of its training images right: too few steps, or the recipe.

    Attributes:
        climbs: how much training accuracy rose over the last third of the epochs, for `favoured`
            and `other`; None without training curves.
        falling_rate: the learning rate fell at the end, which raises training accuracy by itself.
    """

    shortfall: Shortfall
    climbs: tuple[float, float] | None
    falling_rate: bool


@dataclass(frozen=True, kw_only=True)
class GapDifference(LikelyCause):
    """Its generalisation gap is larger, or smaller.

    Attributes:
        augmented: whether training images were; None where not known.
    """

    shortfall: Shortfall
    augmented: bool | None


@dataclass(frozen=True, kw_only=True)
class TrainingSpread(LikelyCause):
    """Whether other trainings may give another difference.

    Attributes:
        difference: of the bigger and the smaller model.
        deviation: standard deviation of the difference between seeds; NaN with one training.
    """

    difference: Contrast
    deviation: float


@dataclass(frozen=True, kw_only=True)
class SmallFinalMap(LikelyCause):
    """Its last feature map has one position: known to be so, not known to matter.

    Attributes:
        both: the other model's has too.
        image_size: in pixels; None where not known.
        cifar_stem: whether ResNets have the stem for small images already.
    """

    both: bool
    image_size: int | None
    cifar_stem: bool


CauseFinding = TooSmallStudy | PoorerFit | GapDifference | TrainingSpread | SmallFinalMap


def causes(
    grid: Grid, rows: Sequence[SizeVerdict], expect: Expect, context: Context
) -> list[CauseFinding]:
    """Likely causes where the expectation did not hold, best supported first; none if it did."""
    if expect is Expect.NONE:
        return []
    found: list[CauseFinding] = []
    for init in dict.fromkeys(row.init for row in rows):
        for outcome in (Outcome.OPPOSITE, Outcome.CANNOT_TELL):
            failing = [row for row in rows if row.init == init and row.outcome is outcome]
            if failing:
                found += _over_sizes([_at_size(grid, row, expect, context) for row in failing])
                break
    # Seeds that were not measured are no matter of one size or init: they are named once.
    once = {
        (each.cause, each.also_first) if each.cause is Cause.SEEDS_UNMEASURED else each: each
        for each in found
    }
    return sorted(once.values(), key=lambda each: -each.score)


def _over_sizes(ranked: Sequence[Sequence[CauseFinding]]) -> list[CauseFinding]:
    """The causes at the largest size, and what comes first at the others where it differs.

    Args:
        ranked: of each size, few images first, the causes with the highest score first.
    """
    firsts = [found[0] for found in ranked]
    leading: list[CauseFinding] = []
    for cause in dict.fromkeys(first.cause for first in reversed(firsts)):
        *others, largest = [first for first in firsts if first.cause is cause]
        sizes = tuple(other.favoured.train_size for other in others)
        leading.append(replace(largest, also_first=sizes))
    return [leading[0], *ranked[-1][1:], *leading[1:]]


def _at_size(grid: Grid, row: SizeVerdict, expect: Expect, context: Context) -> list[CauseFinding]:
    """The causes at one size, the highest score first; there is always one."""
    favoured, other = (row.big, row.small) if expect is Expect.BIGGER else (row.small, row.big)
    found: list[CauseFinding] = []
    if row.outcome is Outcome.CANNOT_TELL:
        found.append(
            TooSmallStudy(
                cause=Cause.TOO_SMALL_STUDY,
                score=TOO_SMALL_SCORE,
                favoured=favoured,
                other=other,
                difference=row.found,
                detectable=row.detectable,
                test_size=row.small.test_size,
            )
        )
    else:
        found += _fit_and_gap(grid, favoured, other, context)
        found += _resolution(favoured, other, context)
    found += _spread(favoured, other, row.found)
    return sorted(found, key=lambda each: -each.score)


def _fit_and_gap(grid: Grid, favoured: Cell, other: Cell, context: Context) -> list[CauseFinding]:
    """The shortfall as a shortfall of fit plus an excess of the gap."""
    parts = Shortfall(
        total=other.accuracy - favoured.accuracy,
        fit=other.mean("train_accuracy") - favoured.mean("train_accuracy"),
        gap=favoured.mean("gap") - other.mean("gap"),
        # Two accuracies of as many images as were measured: what they scatter by alone.
        noise=2 * math.hypot(fit_error(favoured), fit_error(other)),
    )
    if not (parts.total > 0 and math.isfinite(parts.fit) and math.isfinite(parts.gap)):
        return []
    least = max(NOTEWORTHY, parts.noise)
    found: list[CauseFinding] = []
    if parts.fit >= least:
        found.append(_poorer_fit(grid, favoured, other, context, parts))
    if abs(parts.gap) >= least:
        more = parts.gap > 0
        found.append(
            GapDifference(
                cause=Cause.OVERFITTING if more else Cause.NOT_OVERFITTING,
                score=min(1.0, parts.gap / parts.total) if more else 0.0,
                favoured=favoured,
                other=other,
                shortfall=parts,
                augmented=context.augmented,
            )
        )
    return found


def _poorer_fit(
    grid: Grid, favoured: Cell, other: Cell, context: Context, parts: Shortfall
) -> PoorerFit:
    """Why a model fits its training images less.

    Too few steps only where the model was still learning faster than the other at the end. Where it
    climbs no faster, more steps need not bring it nearer, and the recipe is what is left.
    """
    cause, climbs = Cause.POORER_FIT, None
    ends = mean_climb(grid, favoured), mean_climb(grid, other)
    if ends[0] is not None and ends[1] is not None:
        climbs = ends[0], ends[1]
        # A running accuracy is a mean over the subset's images, and scatters like one.
        shares = [cell.mean("train_accuracy") for cell in (favoured, other)]
        noise = 2 * math.sqrt(sum(p * (1 - p) for p in shares) / favoured.train_size)
        faster = climbs[0] > max(CLIMB, climbs[1] + noise)
        cause = Cause.TOO_FEW_STEPS if faster else Cause.RECIPE
    return PoorerFit(
        cause=cause,
        score=min(1.0, parts.fit / parts.total),
        favoured=favoured,
        other=other,
        shortfall=parts,
        climbs=climbs,
        falling_rate=context.schedule not in ("", "constant"),
    )


def _spread(favoured: Cell, other: Cell, found: Contrast) -> list[TrainingSpread]:
    """The spread between seeds; empty where it neither explains the difference nor is ruled out."""
    deviation = math.nan
    if found.seeds < 2:
        cause, score = Cause.SEEDS_UNMEASURED, UNMEASURED_SCORE
    else:
        a, b = ({run.seed: run.test_accuracy for run in cell.runs} for cell in (favoured, other))
        deviation = float(np.std([b[seed] - a[seed] for seed in sorted(a)], ddof=1))
        if deviation > abs(found.value):
            cause, score = Cause.SEEDS, SPREAD_SCORE
        elif found.verdict != "cannot tell":
            cause, score = Cause.NOT_SEEDS, 0.0
        else:
            return []
    return [
        TrainingSpread(
            cause=cause,
            score=score,
            favoured=favoured,
            other=other,
            difference=found,
            deviation=deviation,
        )
    ]


def _resolution(favoured: Cell, other: Cell, context: Context) -> list[SmallFinalMap]:
    """A feature map of one position."""
    mine, its = (cell.runs[0].final_map.replace(" ", "") == "1x1" for cell in (favoured, other))
    if not mine:
        return []
    return [
        SmallFinalMap(
            cause=Cause.RESOLUTION,
            score=SAME_MAP_SCORE if its else OWN_MAP_SCORE,
            favoured=favoured,
            other=other,
            both=its,
            image_size=context.image_size,
            cifar_stem=context.stem == "cifar",
        )
    ]
