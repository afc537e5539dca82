"""What to do next from the best network: which option comes first, or what must come before any.

It weighs what could be had, and not what is in hand: `overview` makes the verdict of both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ..inputs.cells import Cell
from .options import HeldBack, Option, OptionKind, OptionVerdict, visible_gain

COARSE = 0.05
"""A test set that shows no gain below this, as of fewer than 157 images, is no reason to stop."""


class Lead(StrEnum):
    """What is recommended."""

    DO = "do"
    """The best option helps."""
    TRAIN_FIRST = "train-first"
    """Training had not ended: what it brings is not settled, so nothing else is."""
    NOT_SEPARATED = "not-separated"
    """More images come first, but what they bought came with more training steps."""
    STOP = "stop"
    """What is left to gain is less than the test set can show."""
    TEST_MORE = "test-more"
    """So it is, but only because the test set is so small that it shows nothing but large gains."""
    CANNOT_TELL = "cannot tell"
    """No option with a known gain is known to help."""
    NOTHING_KNOWN = "nothing-known"
    """No option has a known gain: the study compares nothing."""


@dataclass(frozen=True)
class Recommendation:
    """What to do next from the best network.

    Attributes:
        option: what it is about: the best option, or with TRAIN_FIRST longer training.
        visible: the smallest gain that the test set can show; NaN where its size is not known.
    """

    lead: Lead
    option: Option
    visible: float


def recommend(options: Sequence[Option], best: Cell) -> Recommendation:
    """What to do next.

    Args:
        options: from the best network, the best first.
        best: its cell.
    """
    first, visible = options[0], visible_gain(best)
    if first.held_back is HeldBack.GUESSING:
        return Recommendation(Lead.CANNOT_TELL, first, visible)
    training = next((option for option in options if option.kind is OptionKind.TRAINING), None)
    # No option can bring more than the errors that are left; one that nobody tried may bring those.
    most = min(1 - best.accuracy, max(map(_most, options)))
    if most < visible:
        return Recommendation(Lead.STOP if visible <= COARSE else Lead.TEST_MORE, first, visible)
    if training is not None and (
        training.converged is False
        if first is training
        else first.converged is False and training.converged is not True
    ):
        return Recommendation(Lead.TRAIN_FIRST, training, visible)
    if not any(option.known for option in options):
        lead = Lead.NOTHING_KNOWN
    elif first.told is OptionVerdict.NOT_SEPARATED:
        lead = Lead.NOT_SEPARATED
    else:
        lead = Lead.DO if first.told is OptionVerdict.HELPS else Lead.CANNOT_TELL
    return Recommendation(lead, first, visible)


def _most(option: Option) -> float:
    """What an option may bring, as far as is known: the high end of its interval."""
    if option.known and (option.kind is not OptionKind.DATA or option.doubles):
        return option.high  # that of a few more images does not bound what twice as many bring
    ended = option.kind is OptionKind.TRAINING and option.converged is True
    return -math.inf if ended or not option.available else math.inf
