"""What the last doubling of the images bought, in English."""

from __future__ import annotations

import math

from ...analysis.findings.doubling import ControlRun, Half, HalfOrigin, LastDoubling
from ...analysis.stats.paired import Basis, Contrast
from ...spec.fields import is_frozen
from .numbers import count, interval, join, roughly, signed
from .words import Words


def doubling(found: LastDoubling, words: Words) -> str:
    """The gain, then its two parts, or that they are not separated."""
    later = " This may change: a run is not at its end." if found.gain.unsettled else ""
    return _doubling(found, words) + later


def _doubling(found: LastDoubling, words: Words) -> str:
    arm = words.arm(found.model, found.init)
    text = (
        f"Twice the images, from {count(found.half.images)} to {count(found.images)}, changed the "
        f"{words.term.accuracy} of {arm} by {_value(found.gain)}"
    )
    mixed = (
        "The training steps grew with the images; the two are not separated, so the change is "
        "credited to neither."
    )
    if math.isfinite(found.last_steps):
        mixed = (
            "The training steps grew with the images; the last doubling of the steps alone changed "
            f"it by {signed(found.last_steps)} points."
        )
    if not found.steps_known:
        mixed = (
            "The table has neither steps nor epochs: whether training grew with the images is not "
            "known, so the change is credited to neither."
        )
    if not found.measured:
        return f"{text}; {_origin(found.half)}.{f' {mixed}' if found.more_steps else ''}"
    if found.from_images is not None and found.from_steps is not None:
        return (
            f"{text}: {_value(found.from_images)} by the images at equal training steps, and "
            f"{_value(found.from_steps)} by more steps."
        )
    if not found.more_steps:
        equal = found.from_images is not None and not is_frozen(found.init)
        return f"{text}, at equal training steps." if equal else f"{text}."
    return f"{text}. {mixed}"


def _value(found: Contrast) -> str:
    around = interval(found)
    if found.basis is Basis.RISING_CURVE:  # a range, with no level of its own
        around = f"{signed(found.low)} to {signed(found.high)} if more images never hurt"
    return f"{signed(found.value)} points ({around})"


def control_run(control: ControlRun, words: Words) -> str:
    """``resnet18 from random weights on 25,000 images for 2,346 steps (about 12 min here)``."""
    told = [f"{seeds} seeds"] if (seeds := len(control.cell.runs)) > 1 else []
    if math.isfinite(control.seconds) and control.seconds > 0:
        told.append(f"about {roughly(control.seconds)} here")
    more = f" ({', '.join(told)})" if told else ""
    return f"{words.cell(control.cell)} for {count(control.steps)} steps{more}"


def _origin(half: Half) -> str:
    between = join([count(size) for size in half.between])
    if half.origin is HalfOrigin.INTERPOLATED:
        return f"half of the images was not trained: interpolated between {between}"
    return f"half of the images was not trained: the rate between {between}"
