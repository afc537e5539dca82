"""What there is, what a wanted error takes and what to do next, in English."""

from __future__ import annotations

import math
from typing import assert_never

from ...analysis.curves.forecast import CERTAIN, FORESEEN
from ...analysis.curves.learning_curve import BOUND
from ...analysis.findings.advice import (
    AdviceFinding,
    AdviceStep,
    AnotherSize,
    BestNetwork,
    LabelledImages,
    MoreSeeds,
    NothingTrained,
    Separate,
)
from ...analysis.findings.options import Option
from ...analysis.findings.target import FARTHEST, Target, TargetOutcome
from ..base import SaidStep
from ..text import upper_first
from . import options
from .doubling import control_run
from .numbers import (
    accuracy_interval,
    count,
    interval,
    percent,
    plural,
    probability,
    ratio,
    roughly,
    rounded,
    signed,
    times,
)
from .options import CORRECTED
from .words import Words


def say(finding: AdviceFinding, words: Words) -> str:
    """A piece of advice, all of it, as sentences."""
    match finding:
        case NothingTrained():
            return "No run of this study has finished, so there is nothing to advise from yet."
        case BestNetwork():
            return _best(finding, words)
        case Target():
            return _target(finding, words)
        case Option() | Separate() | LabelledImages() | AnotherSize() | MoreSeeds():
            return step(finding, words).text
        case _:
            raise TypeError(f"no sentence for {type(finding).__name__}")


def step(found: Option | AdviceStep, words: Words) -> SaidStep:
    """A step in sentences: what to do, why, what it takes."""
    what, why, cost = _parts(found, words)
    text = " ".join(part for part in (f"{upper_first(what)}.", why, cost) if part)
    return SaidStep(text, found, what, why, cost)


def _parts(found: Option | AdviceStep, words: Words) -> tuple[str, str, str]:
    match found:
        case Option():
            why = words.begin(options.why(found, words))
            return options.heading(found, words), why, options.cost(found)
        case Separate():
            return (
                f"train {control_run(found.control, words)}",
                f"It separates what images and steps bring up to {count(found.images)}.",
                "It takes no new label.",
            )
        case LabelledImages():
            return (
                f"train the networks of this study on {count(found.size)} images too",
                "It measures what more images bring.",
                _time(found.seconds),
            )
        case AnotherSize():
            return _another_size(found, words)
        case MoreSeeds():
            return _more_seeds(found, words)
        case _:
            assert_never(found)


def _best(found: BestNetwork, words: Words) -> str:
    cell, rival = found.cell, found.rival
    around = accuracy_interval(found.interval)
    around = f", {around}" if around else ""
    best = words.term.right.format(percent(cell.accuracy))
    text = f"Best network: {words.cell(cell)}, {best}{around}"
    if rival is not None:
        text += f"; these runs cannot tell it from {words.cell(rival)} ({percent(rival.accuracy)})"
    if found.rival_flops is not None:
        text += f", which took {ratio(found.rival_flops)} times the training FLOPs"
    return f"{text}."


def _bounds(found: Target) -> str:
    """Both bounds, or the lower one, of a number of images whose interval has no upper end."""
    if not math.isfinite(found.at_least):
        bounds = f"at least {rounded(found.low)}"
    else:
        bounds = f"at least {rounded(found.at_least)}"
        if math.isfinite(found.at_most):
            bounds += f" and at most {rounded(found.at_most)}, each"
        bounds += f" at {BOUND:.0%} certainty"
    return f"{bounds}; no upper bound at {found.level:.0%} certainty"


def _target(found: Target, words: Words) -> str:
    wanted = f"{upper_first(words.term.error)} of {percent(found.error)}"
    arm = words.arm(found.model, found.init)
    measured, most = percent(found.measured), f"{FARTHEST} times the images of now"
    match found.outcome:
        case TargetOutcome.REACHED | TargetOutcome.MEASURED:
            text = (
                f"{words.cell(found.cell)} measured {measured}; its true error is "
                f"{percent(found.error)} or less with probability "
                f"{probability(found.probability, CERTAIN)}."
            )
            if found.reached:
                return f"{wanted} is reached already: {text}"
            text = f"{wanted} was measured, which may be luck: {text}"
            if not found.arms:
                return text
            if not math.isfinite(found.low):
                return f"{text} By the curves more images alone do not reach it."
            return f"{text} {_forecast(found, 'It', arm)}"
        case TargetOutcome.NO_CURVE:
            return (
                f"{wanted} was not reached; the best measured {measured}. With one size a model "
                "there is no curve to say how many images it would take."
            )
        case TargetOutcome.GUESSING:
            return (
                f"{wanted} was not reached; the best measured {measured}. That network may only be "
                "guessing, so nothing tells how many images it would take."
            )
        case TargetOutcome.OUT_OF_REACH:
            return (
                f"{wanted} is out of reach of more images alone, for every model here: even with "
                f"{most} it would be reached with a probability below {(1 - found.level) / 2:.0%}. "
                f"The best measured {measured}."
            )
        case TargetOutcome.FORECAST:
            return _forecast(found, wanted, arm)
        case _:
            assert_never(found.outcome)


def _forecast(found: Target, wanted: str, arm: str) -> str:
    """How many images `wanted` takes, by the curves."""
    about = f"with more than {FARTHEST} times the images of now, if at all"
    if math.isfinite(found.images):
        about = f"at about {rounded(found.images)} images"
        if found.factor is not None:
            about += f", {times(found.factor)} as many as now"
    around = f"{found.level:.0%} interval {rounded(found.low)} to {rounded(found.high)}"
    if not math.isfinite(found.high):
        around = _bounds(found)
    how = "be reached with"
    if found.arms > 1:
        how = "be reached with the fewest images by"
    return (
        f"{wanted} would {how} {arm}: {about} ({around}). With twice the images it is "
        f"reached with probability {probability(found.doubled, FORESEEN)}."
    )


def _another_size(found: AnotherSize, words: Words) -> tuple[str, str, str]:
    why = "One size says nothing of what more images would buy."
    if found.sizes > 1:
        why = f"{plural(found.sizes, 'size')} leave a wide forecast; one more makes it narrower."
    what = f"train on about {rounded(found.size)} images as well"
    return what, why, _time(found.seconds)


def _more_seeds(found: MoreSeeds, words: Words) -> tuple[str, str, str]:
    best, rival, difference = words.cell(found.best), words.cell(found.rival), found.difference
    around = interval(difference)
    corrected = f" {CORRECTED}" if difference.leaves_out_zero else ""
    why = (
        f"{words.begin(best)} and {rival} cannot be told apart{corrected} "
        f"({signed(difference.value)} points, {around})."
    )
    what = "train two more seeds of the two best"
    if found.seeds:
        what = f"train all networks with {len(found.seeds)} seeds"
    return what, why, _time(found.seconds)


def _time(seconds: float) -> str:
    if not (math.isfinite(seconds) and seconds > 0):
        return "It takes no new label."
    return f"It takes no new label, about {roughly(seconds)} of training here."
