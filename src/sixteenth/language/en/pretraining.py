"""What pretrained weights change, in English."""

from __future__ import annotations

import math
from typing import assert_never

from ...analysis.curves.forecast import Worth
from ...analysis.findings.pretraining import (
    AheadOnFewer,
    FirstEpoch,
    FitAndGap,
    GainSource,
    InitGain,
    InitGainByModel,
    InitGainChange,
    NoSharedCell,
    OneInit,
    PretrainingFinding,
    WorthInImages,
)
from ...analysis.stats.paired import Contrast, Side
from .numbers import count, interval, join, percent, points, signed, times
from .words import Words


def say(finding: PretrainingFinding, words: Words) -> str:
    """A finding on pretrained weights as a sentence."""
    match finding:
        case OneInit():
            unknown = "pretrained weights would bring"
            if finding.init != "random":
                unknown = "they bring over random weights"
            start = f"All runs start from {words.from_init(finding.init)}"
            return f"{start}: what {unknown} was not part of this study."
        case NoSharedCell():
            return "No cell has finished both with and without pretrained weights."
        case InitGain():
            return _gain(finding, words)
        case InitGainChange():
            return _change(finding, words)
        case FitAndGap():
            return _fit_and_gap(finding, words)
        case FirstEpoch():
            return (
                f"After the first epoch on {count(finding.train_size)} images, test accuracy is "
                f"{percent(finding.accuracy)} from {words.from_init(finding.init)} and "
                f"{percent(finding.base_accuracy)} from {words.from_init(finding.base)}."
            )
        case AheadOnFewer():
            return _ahead_on_fewer(finding, words)
        case WorthInImages():
            return _worth(finding, words)
        case InitGainByModel():
            return _by_model(finding, words)
        case _:
            assert_never(finding)


def _gain(found: InitGain, words: Words) -> str:
    parts = []
    for size, difference, told in zip(found.sizes, found.differences, found.told, strict=True):
        unclear = "" if told else ", cannot tell"
        value = f"{signed(difference.value)} points on {count(size)} images"
        parts.append(f"{value} ({interval(difference)}{unclear})")
    arm = words.arm(found.model, found.init)
    return f"{arm}, against {words.from_init(found.base)}: {join(parts)}."


def _change(found: InitGainChange, words: Words) -> str:
    sizes = f"from {count(found.from_images)} to {count(found.to_images)} images"
    around = _points(found.difference)
    if not found.difference.leaves_out_zero:
        return f"Whether that changes {sizes} cannot be told ({around})."
    verb = "grows" if found.difference.side is Side.ABOVE else "shrinks"
    brings = f"what {words.init(found.init)} bring {verb}"
    return f"For {words.model(found.model)}, {brings} {sizes} ({around})."


def _fit_and_gap(found: FitAndGap, words: Words) -> str:
    most = {
        None: "",
        GainSource.FIT: ": most of the gain is a better fit to the training images",
        GainSource.GAP: ": most of the gain is a smaller gap, not a better fit",
    }
    return (
        f"On {count(found.train_size)} images the training accuracy of {words.model(found.model)} "
        f"changes by {signed(found.train_accuracy_change)} points and its generalisation gap by "
        f"{signed(found.gap_change)}{most[found.source]}."
    )


def _ahead_on_fewer(found: AheadOnFewer, words: Words) -> str:
    fewer, more, difference = found.fewer, found.more, found.difference
    return (
        f"{words.arm(fewer.model, fewer.init)} on {count(fewer.train_size)} images "
        f"({percent(fewer.accuracy)}) is ahead of the same model from "
        f"{words.from_init(more.init)} on {count(more.train_size)} ({percent(more.accuracy)}), by "
        f"{points(difference.value)} ({interval(difference)})."
    )


def _worth(found: WorthInImages, words: Words) -> str:
    parts: list[str] = []
    for worth in found.worth:
        start = "for that" if parts else "for the error that they give"
        need = f"{words.init(found.base)} need {_times_as_many(worth)}"
        parts.append(f"{start} on {count(worth.images)} images, {need}")
    return (
        f"What {words.init(found.init)} are worth in images, for {words.model(found.model)} by "
        f"the fitted curves: {'; '.join(parts)}."
    )


def _times_as_many(found: Worth) -> str:
    if not math.isfinite(found.low):
        return f"more than {times(found.most)} as many images (these curves tell no more)"
    end = times(found.high) if math.isfinite(found.high) else "more than these curves can tell"
    around = f"{found.level:.0%} interval {times(found.low)} to {end}"
    if not math.isfinite(found.factor):
        return f"more than {times(found.most)} as many images ({around})"
    return f"about {times(found.factor)} as many images ({around})"


def _by_model(found: InitGainByModel, words: Words) -> str:
    small, big = words.model(found.small), words.model(found.big)
    head = f"On {count(found.train_size)} images {words.init(found.init)} bring"
    around = _points(found.difference)
    if not found.difference.leaves_out_zero:
        return f"{head} {big} and {small} gains that cannot be told apart ({around})."
    more = "more" if found.difference.side is Side.ABOVE else "less"
    return f"{head} {more} to {big} than to {small} ({around})."


def _points(found: Contrast) -> str:
    return f"{signed(found.value)} points, {interval(found)}"
