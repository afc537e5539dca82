"""An option: one thing to do next from the best network, and what is known of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from ...spec.fields import is_part_trained, trains_more
from ..curves.forecast import GainDraws
from ..curves.points import CurveWarning
from ..inputs.cells import SAME_SIZE, Arm, Cell
from ..stats.spread import least_detectable
from .levers import Lever
from .types import Finding, Strength

Draws = NDArray[np.float64]


class OptionKind(StrEnum):
    """What could be done next."""

    DATA = "data"
    """Twice the training images, or all that have labels, with the same epochs."""
    MODEL = "model"
    """A bigger model."""
    INIT = "init"
    """Other initial weights."""
    TRAINING = "training"
    """Twice the training steps."""
    RESOLUTION = "resolution"
    """Larger images, or a first layer that reduces them less."""


class OptionVerdict(StrEnum):
    """Whether an option would raise the accuracy of another training."""

    HELPS = "helps"
    DOES_NOT = "does not"
    CANNOT_TELL = "cannot tell"
    NOT_SEPARATED = "not-separated"
    """The training steps grow with the images, and no run tells which of the two helps."""
    NOT_TRIED = "not tried"

    @property
    def is_open(self) -> bool:
        """Whether more runs could decide it."""
        return self in (OptionVerdict.CANNOT_TELL, OptionVerdict.NOT_SEPARATED)


class HeldBack(StrEnum):
    """Why no verdict is told of an option, whatever its interval says."""

    LONGER_TRAINING = "longer-training"
    """Of a gain in hand: the network that is behind was catching up so fast that it may end."""
    NOT_AT_END = "not-at-end"
    """Of a forecast: runs on fewer images are not at their end, which makes the curve too steep."""
    GUESSING = "guessing"
    """The best network cannot be told from guessing: nothing is advised from it."""


@dataclass(frozen=True)
class Option(Finding):
    """One thing to do next from the best network.

    Attributes:
        kind: what is done.
        start: the best network's cell.
        end: (model, init) that are trained then; None where the study has no such model or init.
        gain, low, high, level: of test accuracy for another training, in shares; NaN where nothing
            is known of it.
        verdict: whether it counts, by its interval alone; `told` is what to say.
        measured: both ends were trained; else it is a forecast or unknown.
        converged: the last doubling of the steps of both ends bought less than this difference, and
            as much longer training would bring less than images to be labelled do at equal steps;
            None where nothing tells.
        gain_at_equal_steps: for data, the part of the gain that images bring without more steps, if
            it is the same part as in the last doubling; NaN where unknown.
        separated: for data, False where the training steps grow with the images and no run tells
            what each of the two brings; True of all else.
        new_images: labelled images that it takes and that are not there yet.
        all_labelled: for data, all images with labels, where they are worth training on and fewer
            than twice those of now; NaN of all else.
        seconds: of the training that it takes, at the speed of the study; NaN where unknown.
        times_steps: of longer training, its steps over those of `start`.
        chance_best: that it has the largest gain of all options whose gain is known; NaN where
            there is one.
        regret: gain that is lost on average by choosing it and not the one that is best then, in
            shares; NaN as of `chance_best`.
        points_per_1000_images: gain in percentage points for each 1,000 of `new_images`; NaN where
            it takes none, where unknown, or where it is not told to help.
        points_per_hour: the same for each hour of `seconds`.
        doubts: what speaks against a forecast besides its interval.
        available: such a model or such weights exist, as far as is known.
        elsewhere: other pretrained weights, or trainings of more of these, have runs, though none
            that can be compared with `start`.
        without_result: runs that would tell its gain failed, or have not finished.
        across_machines: the gain rests on trainings from machines of several kinds.
        lever: of `explain`, whose runs measured the gain; None where the study's own did. Of a
            model or weights it is the reason why they are behind in the study, and they have the
            lever here.
        held_back: why no verdict is told of it; None where its interval may speak.
        draws: of the gain for another training; None where nothing is known of it.
        forecast: the two parts of `draws`, where the gain is a forecast.
    """

    kind: OptionKind
    start: Cell
    end: Arm | None = None
    gain: float = math.nan
    low: float = math.nan
    high: float = math.nan
    level: float = math.nan
    verdict: OptionVerdict = OptionVerdict.NOT_TRIED
    measured: bool = False
    converged: bool | None = None
    gain_at_equal_steps: float = math.nan
    separated: bool = True
    new_images: float = 0.0
    all_labelled: float = math.nan
    seconds: float = math.nan
    times_steps: int = 2
    chance_best: float = math.nan
    regret: float = math.nan
    points_per_1000_images: float = math.nan
    points_per_hour: float = math.nan
    doubts: tuple[CurveWarning, ...] = ()
    available: bool = True
    elsewhere: bool = False
    without_result: bool = False
    across_machines: bool = False
    lever: Lever | None = None
    held_back: HeldBack | None = None
    draws: Draws | None = field(default=None, repr=False, compare=False)
    forecast: GainDraws | None = field(default=None, repr=False, compare=False)

    @property
    def known(self) -> bool:
        """Whether there is a gain to speak of."""
        return math.isfinite(self.gain)

    @property
    def images(self) -> float:
        """For data: the training images then."""
        fewer = math.isfinite(self.all_labelled)
        return self.all_labelled if fewer else 2 * self.start.train_size

    @property
    def doublings(self) -> float:
        """For data: of the training images, 1 where they are twice those of now."""
        return math.log2(self.images / self.start.train_size)

    @property
    def doubles(self) -> bool:
        """For data: whether these are twice the images of now, but for a few."""
        return self.images >= (2 - SAME_SIZE) * self.start.train_size

    @property
    def adds_labelled(self) -> bool:
        """For data: whether some that have labels already come with those to be labelled, so that
        the gain is not that of the labels."""
        added = self.images - self.start.train_size - self.new_images
        return self.new_images > 0 and added > SAME_SIZE * self.start.train_size

    @property
    def fine_tunes(self) -> bool:
        """Whether it trains more of the same weights, of which `start` trained a part."""
        init = self.start.init
        return self.kind is OptionKind.INIT and (
            is_part_trained(init) if self.end is None else trains_more(self.end[1], init)
        )

    @property
    def other_weights(self) -> bool:
        """Whether it starts from other pretrained weights, where `start` has some already."""
        from_some = self.start.init != "random"
        return self.kind is OptionKind.INIT and from_some and not self.fine_tunes

    @property
    def advised(self) -> bool:
        """Whether it may be told to be done: not what would lose accuracy."""
        return not (self.known and self.gain < 0)

    @property
    def mixed(self) -> bool:
        """Whether its gain may be one of the steps that come with the images.

        Not where training had ended: the last doubling of the steps bought less than this gain.
        """
        return not self.separated and self.converged is not True

    @property
    def ranked(self) -> bool:
        """Whether its chance to be the best is told: its gain is its own, and may be compared."""
        return not (self.mixed or self.held_back)

    @property
    def told(self) -> OptionVerdict:
        """The verdict as it may be told: where training had not ended, only one on training is, and
        what comes with more steps is credited to neither; none of what is `held_back`."""
        decided = self.verdict in (OptionVerdict.HELPS, OptionVerdict.DOES_NOT)
        if decided and self.held_back:
            return OptionVerdict.CANNOT_TELL
        if self.verdict is OptionVerdict.HELPS and self.mixed:  # a loss has no share to credit
            return OptionVerdict.NOT_SEPARATED
        open_still = self.converged is False and self.kind is not OptionKind.TRAINING
        return OptionVerdict.CANNOT_TELL if decided and open_still else self.verdict

    def to_dict(self) -> dict[str, object]:
        """The fields and `told` for JSON; `chance_best` and `regret` only if it is `ranked`."""
        untold = {} if self.ranked else dict.fromkeys(("chance_best", "regret"))
        return {**super().to_dict(), "told": self.told.value, **untold}

    @property
    def corrected_away(self) -> bool:
        """Whether its interval leaves out zero, and only the correction for several comparisons
        makes it not count."""
        leaves_out = verdict_of(self.low, self.high) is not OptionVerdict.CANNOT_TELL
        return leaves_out and self.verdict is OptionVerdict.CANNOT_TELL

    @property
    def strength(self) -> Strength:
        if self.told.is_open:
            return Strength.CANNOT_TELL
        if self.verdict is OptionVerdict.NOT_TRIED:
            return Strength.NOTE
        return Strength.MEASURED if self.measured else Strength.SUGGESTIVE


def verdict_of(low: float, high: float) -> OptionVerdict:
    """What an interval of a gain allows to say."""
    if low > 0:
        return OptionVerdict.HELPS
    return OptionVerdict.DOES_NOT if high < 0 else OptionVerdict.CANNOT_TELL


def visible_gain(cell: Cell) -> float:
    """The smallest gain that a cell's test images can show; NaN where their number is unknown."""
    return least_detectable(cell.effective_size)
