"""Where the expectation did not hold: what may be behind it, as what to test.

The suspects rest on an identity. Test accuracy is training accuracy minus the generalisation gap,
so a shortfall on the test images is a shortfall on the training images (the model was not fitted:
too few steps, unstable training, or a recipe that does not suit it) plus an excess of the gap
(it overfits more). None of them is tested here and none is ranked: which one it is, only further
runs can tell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ...spec.fields import is_part_trained
from ..inputs.cells import Cell
from ..inputs.context import Context
from ..inputs.grid import Grid
from ..stats.paired import Contrast
from .diagnosis import CLIMB, UnstableTraining, falls_back, fit_error
from .expectation import Expect, Outcome, SizeVerdict
from .training_curves import mean_climb
from .training_time import DifferenceByLength, by_length
from .types import Finding, Strength

NOTEWORTHY = 0.01
"""A difference in training accuracy or gap below one point is not brought up as a cause."""


class Cause(StrEnum):
    """What may be behind an expectation that did not hold, or was ruled out to be."""

    TOO_SMALL_STUDY = "too-small-study"
    TOO_FEW_STEPS = "too-few-steps"
    UNSTABLE_TRAINING = "unstable-training"
    """Its training fell back, and that of the other model did not."""
    RECIPE = "recipe"
    """A recipe that suits the model less."""
    POORER_FIT = "poorer-fit"
    """One of these; no training curves tell which."""
    OVERFITTING = "overfitting"
    RESOLUTION = "resolution"
    """The last convolution sees a single position."""


@dataclass(frozen=True, kw_only=True)
class PossibleCause(Finding):
    """What may be behind a shortfall at one size; the base of all.

    Attributes:
        favoured, other: the model that was expected to be better, and the one that it was to beat.
    """

    strength = Strength.SUGGESTIVE
    cause: Cause
    favoured: Cell
    other: Cell

    @property
    def testable(self) -> bool:
        """Whether `sixteenth explain` can test it: its levers are for networks trained whole."""
        return not any(is_part_trained(cell.init) for cell in (self.favoured, self.other))


@dataclass(frozen=True, kw_only=True)
class TooSmallStudy(PossibleCause):
    """No difference was seen, and a small one could not have been.

    Attributes:
        difference: of the bigger and the smaller model.
        detectable: smallest difference that would have been seen; NaN where there is none.
        test_size: test images; NaN where not known.
    """

    strength = Strength.CANNOT_TELL
    difference: Contrast
    detectable: float
    test_size: float

    @property
    def testable(self) -> bool:
        """Never: nobody is known to be behind."""
        return False


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
class PoorerFit(PossibleCause):
    """It gets fewer of its training images right: too few steps, unstable training, or the recipe.

    Attributes:
        climbs: how much training accuracy rose over the last third of the epochs by straight lines,
            for `favoured` and `other`; None without training curves.
        lengths: what longer training was measured to change of the shortfall; None where it was
            not, or where that cannot be told. It decides then, and not the training curves.
        falling_rate: the learning rate fell at the end, which raises training accuracy by itself.
        falls: the runs of `favoured` whose training fell back, where none of `other` did.
    """

    shortfall: Shortfall
    climbs: tuple[float, float] | None
    lengths: DifferenceByLength | None
    falling_rate: bool
    falls: tuple[UnstableTraining, ...]


@dataclass(frozen=True, kw_only=True)
class GapDifference(PossibleCause):
    """Its generalisation gap is larger.

    Attributes:
        augmented: whether training images were; None where not known.
    """

    shortfall: Shortfall
    augmented: bool | None


@dataclass(frozen=True, kw_only=True)
class SmallFinalMap(PossibleCause):
    """Its last feature map has one position: known to be so, not known to matter.

    Attributes:
        both: the other model's has too.
        image_size: in pixels; None where not known.
        cifar_stem: whether ResNets have the stem for small images already.
    """

    both: bool
    image_size: int | None
    cifar_stem: bool


CauseFinding = TooSmallStudy | PoorerFit | GapDifference | SmallFinalMap


def causes(
    grid: Grid, rows: Sequence[SizeVerdict], expect: Expect, context: Context
) -> list[CauseFinding]:
    """What may be behind it at the largest size where the expectation failed; none if it held."""
    if expect is Expect.NONE:
        return []
    found: list[CauseFinding] = []
    for init in dict.fromkeys(row.init for row in rows):
        for outcome in (Outcome.OPPOSITE, Outcome.CANNOT_TELL):
            mine = [row for row in rows if row.init == init and not row.found.unsettled]
            failing = [row for row in mine if row.outcome is outcome]
            if failing:
                found += _at_size(grid, failing[-1], expect, context)
                break
    return found


def _at_size(grid: Grid, row: SizeVerdict, expect: Expect, context: Context) -> list[CauseFinding]:
    favoured, other = (row.big, row.small) if expect is Expect.BIGGER else (row.small, row.big)
    if row.outcome is Outcome.CANNOT_TELL:
        return [
            TooSmallStudy(
                cause=Cause.TOO_SMALL_STUDY,
                favoured=favoured,
                other=other,
                difference=row.found,
                detectable=row.detectable,
                test_size=row.small.test_size,
            )
        ]
    return [
        *_fit_and_gap(grid, favoured, other, context, row.found.level),
        *_resolution(favoured, other, context),
    ]


def _fit_and_gap(
    grid: Grid, favoured: Cell, other: Cell, context: Context, level: float
) -> list[CauseFinding]:
    """The shortfall as a shortfall of fit plus an excess of the gap."""
    parts = Shortfall(
        # Plain accuracies, as the training accuracy and the gap are.
        total=other.mean("test_accuracy") - favoured.mean("test_accuracy"),
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
        found.append(_poorer_fit(grid, favoured, other, context, parts, level))
    if parts.gap >= least:
        found.append(
            GapDifference(
                cause=Cause.OVERFITTING,
                favoured=favoured,
                other=other,
                shortfall=parts,
                augmented=context.augmented,
            )
        )
    return found


def _poorer_fit(
    grid: Grid, favoured: Cell, other: Cell, context: Context, parts: Shortfall, level: float
) -> PoorerFit:
    """Why a model fits its training images less.

    Training that fell back comes first: how fast such a model learns at the end says little. Too
    few steps only where the model was still learning faster than the other at the end. Where it
    climbs no faster, more steps need not bring it nearer, and the recipe is what is left. But where
    shorter trainings show that more steps brought it nearer, or left it farther behind, they tell.
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
    measured = (
        one
        for one in by_length(grid, other, favoured, level)
        if one.change.leaves_out_zero and all(map(math.isfinite, one.steps))
    )
    lengths = next(measured, None)
    if lengths is not None:
        cause = Cause.TOO_FEW_STEPS if lengths.change.value > 0 else Cause.RECIPE
    falls = () if falls_back(grid, other) else falls_back(grid, favoured)
    if falls:
        cause = Cause.UNSTABLE_TRAINING
    return PoorerFit(
        cause=cause,
        favoured=favoured,
        other=other,
        shortfall=parts,
        climbs=climbs,
        lengths=lengths,
        falling_rate=context.schedule not in ("", "constant"),
        falls=falls,
    )


def _resolution(favoured: Cell, other: Cell, context: Context) -> list[SmallFinalMap]:
    """A feature map of one position."""
    if not favoured.runs[0].one_position:
        return []
    return [
        SmallFinalMap(
            cause=Cause.RESOLUTION,
            favoured=favoured,
            other=other,
            both=other.runs[0].one_position,
            image_size=context.image_size,
            cifar_stem=context.stem == "cifar",
        )
    ]
