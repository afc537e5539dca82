"""The steps that advice is made of: what each kind of step rests on, takes and may buy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from ..curves.joint import Arm
from ..curves.points import CurveWarning
from ..inputs.grid import Cell
from ..stats.paired import Contrast
from .types import Finding, Strength


class StepKind(StrEnum):
    """What can be done next."""

    STEPS = "steps"
    """Train longer."""
    INIT = "init"
    """Start from pretrained weights."""
    USE = "use"
    """Train on more images, which have labels already."""
    LABELS = "labels"
    """Train on more images, some of which have no label yet."""
    MODEL = "model"
    """Train a bigger model."""
    SIZES = "sizes"
    """Train on one more number of images, for a better forecast."""
    SEEDS = "seeds"
    """Repeat trainings, for a surer comparison."""


class Sureness(StrEnum):
    """What the expected gain of a step rests on."""

    FORECAST = "forecast"
    NOT_TRIED = "not tried"


class Outlook(StrEnum):
    """How much the forecast of a gain tells."""

    OPEN = "open"
    """Its interval holds no gain at all."""
    ROUGH = "rough"
    """Its interval is much wider than the gain."""
    CLEAR = "clear"


@dataclass(frozen=True, kw_only=True)
class BaseStep(Finding):
    """What all steps have.

    Attributes:
        kind: what is done.
        gain, low, high, level: expected gain in test accuracy, as a share, and its interval; NaN
            where nothing is known of it.
        images: new labelled images that it takes.
        flops: floating-point operations of the training that it takes; NaN where not known.
        sure: what the gain rests on.
    """

    kind: StepKind
    gain: float = math.nan
    low: float = math.nan
    high: float = math.nan
    level: float = math.nan
    images: float = 0.0
    flops: float = math.nan
    sure: Sureness = Sureness.NOT_TRIED

    @property
    def strength(self) -> Strength:
        return Strength.NOTE


@dataclass(frozen=True, kw_only=True)
class TrainLonger(BaseStep):
    """Training had not ended: `climb` is the training accuracy gained in the last third of the
    epochs, `steps` twice the steps of `cell`, NaN where not known."""

    kind: StepKind = StepKind.STEPS
    cell: Cell
    climb: float
    steps: float


@dataclass(frozen=True, kw_only=True)
class TryPretrained(BaseStep):
    """No run used pretrained weights; whether there are any for `model` is `available`."""

    kind: StepKind = StepKind.INIT
    model: str
    available: bool


@dataclass(frozen=True, kw_only=True)
class MoreImages(BaseStep):
    """Twice the images, by the fitted curve.

    Attributes:
        arm: the model and init to train.
        to_images: training images then.
        outlook: how much the forecast tells.
        doubts: what speaks against it besides its interval.
        leader: another arm that would then be the best with a probability above a half.
        leader_probability: that it would.
        labelled: labelled images that there are, where that is more than were trained on.
    """

    arm: Arm
    to_images: float
    outlook: Outlook
    doubts: tuple[CurveWarning, ...] = ()
    leader: Arm | None = None
    leader_probability: float = math.nan
    labelled: float | None = None


@dataclass(frozen=True, kw_only=True)
class BiggerModel(BaseStep):
    """The best network is the bigger of two, and ahead of the small one by `difference`."""

    kind: StepKind = StepKind.MODEL
    small: str
    big: str
    difference: Contrast


@dataclass(frozen=True, kw_only=True)
class AnotherSize(BaseStep):
    """`size` more training images would be one more point of a curve that has `sizes`."""

    kind: StepKind = StepKind.SIZES
    arm: Arm
    size: float
    sizes: int


@dataclass(frozen=True, kw_only=True)
class MoreSeeds(BaseStep):
    """The two best cells of one size, which their seeds do not tell apart for sure."""

    kind: StepKind = StepKind.SEEDS
    best: Cell
    rival: Cell
    difference: Contrast


Step = TrainLonger | TryPretrained | MoreImages | BiggerModel | AnotherSize | MoreSeeds
