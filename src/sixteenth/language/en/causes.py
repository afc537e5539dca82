"""What may be behind an expectation that did not hold, and what would test it, in English."""

from __future__ import annotations

import math
from typing import assert_never

from ...analysis.findings.causes import (
    Cause,
    CauseFinding,
    GapDifference,
    PoorerFit,
    SmallFinalMap,
    TooSmallStudy,
)
from ...analysis.findings.training_time import DifferenceByLength
from ...spec.fields import is_frozen
from . import diagnosis
from .expectation import NO_DIFFERENCE, too_much
from .numbers import SENTENCE, count, interval, percent, plural, points, signed
from .words import Words


def say(finding: CauseFinding, words: Words) -> str:
    """A possible cause with the size it is seen at, the evidence and what would test it."""
    favoured = finding.favoured
    place = f"{count(favoured.train_size)} images, {words.init(favoured.init)}"
    return f"{place}: {_cause(finding, words)}"


def _cause(finding: CauseFinding, words: Words) -> str:
    match finding:
        case TooSmallStudy():
            return _too_small(finding)
        case PoorerFit():
            return _poorer_fit(finding, words)
        case GapDifference():
            return _gap(finding, words)
        case SmallFinalMap():
            return _small_map(finding, words)
        case _:
            assert_never(finding)


def _too_small(found: TooSmallStudy) -> str:
    hidden = f"{NO_DIFFERENCE}: {too_much(found.difference)}"
    if math.isfinite(found.detectable):
        hidden = (
            f"differences below about {points(found.detectable)} stay hidden more than one time in "
            "five"
        )
    images = f" and {count(found.test_size)} test images" if found.test_size > 0 else ""
    trainings = plural(found.difference.seeds, "training")
    return f"the study may be too small. With {trainings} a cell{images}, {hidden}."


def _poorer_fit(found: PoorerFit, words: Words) -> str:
    a, b = words.model(found.favoured.model), words.model(found.other.model)
    recipe = f"a recipe that suits {a} less."
    cause = f"too few steps, unstable training, or {recipe}"
    if is_frozen(found.favoured.init):
        cause = f"frozen features of {a} that tell these classes apart less well."
    elif found.cause is Cause.TOO_FEW_STEPS:
        cause = "too few steps."
    elif found.cause is Cause.UNSTABLE_TRAINING:
        cause = "unstable training."
    elif found.cause is Cause.RECIPE:
        cause = recipe
    return (
        f"{cause} {a} gets {percent(found.favoured.mean('train_accuracy'))} of its training images "
        f"right and {b} {percent(found.other.mean('train_accuracy'))}: "
        f"{_part(found.shortfall.fit, found.shortfall.total, words)} there on the training images "
        f"already.{_what_tells(found, a, b)}"
    )


def _what_tells(found: PoorerFit, a: str, b: str) -> str:
    """What was seen of the training, and what would tell more."""
    if found.falls:
        return _fell_back(found, a, b)
    return _climbs(found, a, b) if found.lengths is None else _by_length(found.lengths, a, b)


def _by_length(found: DifferenceByLength, a: str, b: str) -> str:
    """What longer training was measured to change, and what would tell."""
    first, last = count(found.steps[0]), count(found.steps[-1])
    nearer = found.change.value > 0
    moved = f"{'nearer to' if nearer else 'farther behind'} {b} on the test images"
    text = (
        f" From {first} to {last} training steps {a} came {points(found.change.value)} {moved} "
        f"({interval(found.change, flip=not nearer)}): "
    )
    if nearer:
        return f"{text}it was catching up. More steps (train.steps) would tell."
    return (
        f"{text}more steps alone need not help. Another learning rate or weight decay for {a} "
        "would tell."
    )


def _fell_back(found: PoorerFit, a: str, b: str) -> str:
    """How often and how far training fell back, and what would tell."""
    worst, number, runs = found.falls[0], len(found.falls), len(found.favoured.runs)
    often = f"In {number} of {runs} trainings of {a} training accuracy fell back"
    often += f", furthest with seed {worst.seed}" if number > 1 else f", with seed {worst.seed}"
    if runs == 1:
        often = f"Training accuracy of {a} fell back"
    return (
        f" {often}: {diagnosis.between(worst)}. That of {b} did not. Half the learning rate for "
        f"{a} would tell."
    )


def _climbs(found: PoorerFit, a: str, b: str) -> str:
    """How training accuracy went at the end, and what would tell."""
    if found.climbs is None:
        return ""
    steps = found.favoured.mean("steps")
    whole = f" ({count(steps)} steps in all)" if math.isfinite(steps) else ""
    went = f"rose by {points(found.climbs[0])} for {a} and by {points(found.climbs[1])} for {b}"
    if min(found.climbs) < 0:
        went = (
            f"changed by {signed(found.climbs[0])} points for {a} and by "
            f"{signed(found.climbs[1])} for {b}"
        )
    # The slopes, which decide whether it was catching up.
    text = f" By straight lines over the last third of training{whole} training accuracy {went}"
    if found.cause is Cause.TOO_FEW_STEPS:
        if found.falling_rate:
            text += " (a part of that comes from the falling learning rate)"
        return f"{text}: it was catching up. More steps (train.steps) would tell."
    return (
        f"{text}: it was not catching up, so more steps alone need not help. Another learning "
        f"rate or weight decay for {a} would tell."
    )


def _gap(found: GapDifference, words: Words) -> str:
    a, b = words.model(found.favoured.model), words.model(found.other.model)
    gaps = [f"{signed(cell.mean('gap'))} points" for cell in (found.favoured, found.other)]
    augmentation = "stronger augmentation" if found.augmented else "augmentation"
    ways = f", {augmentation} or more weight decay"
    if is_frozen(found.favoured.init):
        ways = ""  # its penalty was chosen, and its images were taken as they are
    return (
        f"overfitting. The generalisation gap of {a} is {gaps[0]}, that of {b} {gaps[1]}: "
        f"{_part(found.shortfall.gap, found.shortfall.total, words)} an excess of the gap. More "
        f"images{ways} would tell."
    )


def _part(part: float, whole: float, words: Words) -> str:
    """How much of the shortfall a cause accounts for, as the subject of a sentence."""
    behind = f"{points(whole)} that it is behind{words.term.plain}"
    if round(part, 3) >= round(whole, 3):
        return f"all of the {behind} are"
    verb = "is" if SENTENCE.is_one(part) else "are"
    return f"{points(part)} of the {behind} {verb}"


def _small_map(found: SmallFinalMap, words: Words) -> str:
    size = f" at {found.image_size}x{found.image_size} pixels" if found.image_size else ""
    whose = "both models" if found.both else words.model(found.favoured.model)
    stem = "" if found.cifar_stem else ", or with stem: cifar for a ResNet,"
    return (
        f"the image resolution is too low for the stem. The last feature map of {whose} is "
        f"1x1{size}: it holds no spatial information. Whether this matters was not tested; a study "
        f"with larger images{stem} would tell."
    )
