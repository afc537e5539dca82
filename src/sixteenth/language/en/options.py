"""The options from the best network, in English: a table's rows, sentences and labels."""

from __future__ import annotations

import math
from typing import assert_never

from ...analysis.findings.levers import Lever
from ...analysis.findings.options import HeldBack, Option, OptionKind, OptionVerdict
from ...spec.fields import is_frozen, is_last_stage
from ..screen import equal_steps, may_be_best, rates
from ..sentences import SURE
from .curves import warning
from .explained import CHANGED
from .numbers import (
    SENTENCE,
    count,
    interval,
    is_nothing,
    plural,
    points,
    probability,
    roughly,
    signed,
)
from .words import ACROSS, Words

CORRECTED = "after correction for several comparisons"
"""Of what does not count although its interval leaves out zero."""


def do(option: Option, words: Words) -> str:
    """The option as an imperative, without a capital and a full stop."""
    start = option.start
    match option.kind:
        case OptionKind.DATA:
            if option.adds_labelled:
                new = count(option.new_images)
                return f"train on {count(option.images)} images, {new} of them newly labelled"
            if option.new_images:
                return f"label {count(option.new_images)} more images"
            return f"train on {count(option.images)} images, which have labels already"
        case OptionKind.MODEL:
            return f"use {label(option, words)}" if option.end else "try a bigger model"
        case OptionKind.INIT:
            if option.fine_tunes:
                return f"train {more(option)}, not {trained(start.init)} alone"
            if option.end:
                return f"start from {_with(words.from_init(option.end[1]), option)}"
            if not option.available:
                return "try a model that has pretrained weights"
            return "try pretrained weights" if start.init == "random" else "try other weights"
        case OptionKind.TRAINING:
            return "train four times as long" if option.times_steps > 3 else "train longer"
        case OptionKind.RESOLUTION:
            if option.lever is Lever.STEM:
                return "use a first layer for small images (stem: cifar)"
            return "use images of twice the size" if option.lever else "try larger images"
        case _:
            assert_never(option.kind)


def trained(init: str) -> str:
    """The part of a network that was trained."""
    return "the classifier" if is_frozen(init) else "the last stage"


def more(option: Option) -> str:
    """What an option trains of a network of which a part was trained."""
    return "the last stage" if option.end and is_last_stage(option.end[1]) else "all weights"


def heading(option: Option, words: Words) -> str:
    """What stands above what an option brings; a loss is nobody told to take."""
    return do(option, words) if option.advised else f"not advised: {do(option, words)}"


def label(option: Option, words: Words) -> str:
    """The option in a few words, beside its point in the figure."""
    match option.kind:
        case OptionKind.DATA:
            steps = option.mixed and option.gain > 0
            if option.doubles:
                return f"twice the images ({count(option.images)}){' and steps' * steps}"
            return f"all labelled images ({count(option.images)}){', with more steps' * steps}"
        case OptionKind.MODEL:
            return _with(words.model(option.end[0]), option) if option.end else "a bigger model"
        case OptionKind.INIT:
            if option.fine_tunes:
                return f"training {more(option)}"
            return _with(words.init(option.end[1]), option) if option.end else "other weights"
        case OptionKind.TRAINING:
            return CHANGED[Lever.STEPS] if option.times_steps > 3 else "twice the training steps"
        case OptionKind.RESOLUTION:
            if option.lever is Lever.STEM:
                return "a first layer for small images"
            return "images of twice the size" if option.lever else "larger images"
        case _:
            assert_never(option.kind)


def _with(name: str, option: Option) -> str:
    """A model or weights, with the lever that they are trained with, if there is one."""
    return f"{name} with {CHANGED[option.lever]}" if option.lever else name


def gain(option: Option, words: Words) -> str:
    """The gain with its interval: ``3.8 points (forecast, 90% interval 1.9 to 5.7)``."""
    if not option.known:
        return "not tried"
    about = "next to nothing" if is_nothing(option.gain) else points(option.gain)
    if option.gain < 0 and not is_nothing(option.gain):
        about = f"{signed(option.gain)} points"
    if not is_nothing(option.gain):
        about = words.term.gain.format(about)
    how = "measured" if option.measured else "forecast"
    across = ACROSS * option.across_machines
    return f"{about} ({how}, {interval(option, measured=option.measured)}{across})"


def why(option: Option, words: Words) -> str:
    """What an option brings, as the rest of a sentence after a colon."""
    if not option.known:
        return f"{untried(option, words)}."
    text = gain(option, words)
    if option.corrected_away:
        text += f", not significant {CORRECTED}"
    elif option.verdict is OptionVerdict.CANNOT_TELL:
        text += ", so it may bring nothing" if option.gain >= 0 else ", so it may change nothing"
    if equal_steps(option) and not is_nothing(option.gain):
        text += f"; {points(option.gain_at_equal_steps)} of it without more training steps"
    if option.mixed and option.gain > 0:
        grow = "grow" if math.isfinite(option.start.mean("steps")) else "may grow"
        text += f"; the training steps {grow} with the images, and the two are not separated"
    if option.converged is False and option.kind is not OptionKind.TRAINING:
        text += "; not settled, because longer training may change it"
    if option.held_back is HeldBack.NOT_AT_END:
        text += "; not settled, because runs on fewer images are not at their end"
    if option.held_back is HeldBack.GUESSING:
        text += "; not settled, because the best network may only be guessing"
    if option.doubts:
        text += f" ({'; '.join(warning(doubt, 0) for doubt in option.doubts)})"
    if may_be_best(option):
        chance = probability(option.chance_best, SURE)
        text += f"; the best of these options with probability {chance}"
        if not is_nothing(option.regret):
            text += f"; choosing it loses {points(option.regret)} on average against the best"
    return f"{text}."


def untried(option: Option, words: Words) -> str:
    """Why nothing is known of what an option brings: a clause."""
    model = words.model(option.start.model)
    if option.without_result:
        runs = f"a bigger model than {model}"
        if option.kind is OptionKind.INIT:
            weights = "pretrained" if option.start.init == "random" else "other"
            runs = f"{model} from {weights} weights"
            if option.fine_tunes:
                runs = f"more trained layers of {model}"
        return f"the runs of {runs} on as many images failed or have not finished"
    match option.kind:
        case OptionKind.DATA:
            return "one size says nothing of what more images bring"
        case OptionKind.MODEL:
            return f"no bigger model than {model} was trained on as many images"
        case OptionKind.INIT:
            if not option.available:
                return f"{model} has none; a model such as resnet18 does"
            if option.fine_tunes:
                if option.elsewhere:
                    return f"all weights of {model} were not trained on as many images"
                return f"this study trained {trained(option.start.init)} alone"
            if option.start.init == "random":
                if option.elsewhere:
                    return f"{model} was not trained from any on as many images"
                return "no run used any"
            return "the study has no other pretrained weights that were trained on as many images"
        case OptionKind.TRAINING:
            if option.converged is False:
                return "training accuracy was still rising at the end; what it brings was not tried"
            return "no shorter training was tested, so what it brings is not known"
        case OptionKind.RESOLUTION:
            return (
                f"the last feature map of {model} is 1x1; larger images, or stem: cifar for a "
                "ResNet, were not tried"
            )
        case _:
            assert_never(option.kind)


def cost(option: Option) -> str:
    """What it takes: ``No new label, about 12 min of training.``; empty where not known."""
    labels = plural(round(option.new_images), "new label") if option.new_images else "no new label"
    if not option.known:
        return ""
    time = ""
    if math.isfinite(option.seconds) and option.seconds > 0:
        time = f", about {roughly(option.seconds)} of training here"
    rated = [
        f"{rate} points {unit}"
        for rate, unit in zip(
            rates(option, SENTENCE), ("per 1,000 labels", "per hour of training"), strict=True
        )
        if rate
    ]
    return f"It takes {labels}{time}{': ' if rated else ''}{', '.join(rated)}."
