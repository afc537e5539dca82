"""What there is, what a wanted error takes and what to do next, in English."""

from __future__ import annotations

import math
from typing import assert_never

from ...analysis.curves.forecast import CERTAIN, FORESEEN
from ...analysis.curves.learning_curve import BOUND
from ...analysis.findings.advice import AdviceFinding, BestNetwork, NothingTrained
from ...analysis.findings.steps import (
    AnotherSize,
    BaseStep,
    BiggerModel,
    MoreImages,
    MoreSeeds,
    Outlook,
    Step,
    StepKind,
    TrainLonger,
    TryPretrained,
)
from ...analysis.findings.target import FARTHEST, Target, TargetOutcome
from ..base import SaidStep
from ..text import upper_first
from .curves import warning
from .numbers import (
    count,
    interval,
    is_nothing,
    large,
    percent,
    plural,
    points,
    probability,
    rounded,
    signed,
    times,
)
from .words import ONE_TRAINING, Words, accuracy_interval


def say(finding: AdviceFinding, words: Words) -> str:
    """A piece of advice, all of it, as sentences."""
    match finding:
        case NothingTrained():
            return "No run of this study has finished, so there is nothing to advise from yet."
        case BestNetwork():
            return _best(finding, words)
        case Target():
            return _target(finding, words)
        case BaseStep():
            return step(finding, words).text
        case _:
            assert_never(finding)


def step(found: Step, words: Words) -> SaidStep:
    """A step in sentences: what to do, why, what it takes."""
    what, why, cost = _parts(found, words)
    text = " ".join(part for part in (f"{upper_first(what)}.", why, cost) if part)
    return SaidStep(text, found, what, why, cost)


def _parts(found: Step, words: Words) -> tuple[str, str, str]:
    match found:
        case TrainLonger():
            return _train_longer(found, words)
        case TryPretrained():
            return _try_pretrained(found, words)
        case MoreImages():
            return _more_images(found, words)
        case BiggerModel():
            big, difference = words.model(found.big), found.difference
            around = interval(difference.low, difference.high, difference.level)
            why = (
                f"Going up to {big} from {words.model(found.small)} bought "
                f"{points(difference.value)} ({around}); whether the next size up does too was not "
                "tried."
            )
            return f"try a bigger model than {big}", why, ""
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
    text = (
        f"The best of what was trained is {words.cell(cell)}: {percent(cell.accuracy)} of the test "
        f"images are right{around}"
    )
    if rival is not None:
        text += f"; these runs cannot tell it from {words.cell(rival)} ({percent(rival.accuracy)})"
    if found.rival_flops is not None:
        text += f", which took {found.rival_flops:.2f} times the training FLOPs"
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
    return f"{bounds}; not reachable at {found.level:.0%} certainty by more images alone"


def _target(found: Target, words: Words) -> str:
    wanted, arm = f"An error of {percent(found.error)}", words.arm(found.model, found.init)
    measured, most = percent(found.measured), f"{FARTHEST} times the images of now"
    once = f" {ONE_TRAINING}" if found.trained_once else ""
    match found.outcome:
        case TargetOutcome.REACHED:
            sure = ""
            if math.isfinite(found.probability):
                sure = (
                    f"; its true error is {percent(found.error)} or less with probability "
                    f"{probability(found.probability, CERTAIN)}"
                )
            cell = f"{arm} on {plural(round(found.images), 'image')}"
            return f"{wanted} is reached already: {cell} measured {measured}{sure}.{once}"
        case TargetOutcome.NO_CURVE:
            return (
                f"{wanted} was not reached; the best measured {measured}. With one size a model "
                "there is no curve to say how many images it would take."
            )
        case TargetOutcome.OUT_OF_REACH:
            return (
                f"{wanted} is out of reach of more images alone, for every model here: even with "
                f"{most} it would be reached with a probability below {(1 - found.level) / 2:.0%}. "
                f"The best measured {measured}."
            )
        case TargetOutcome.FORECAST:
            about = f"with more than {most}, if at all"
            if math.isfinite(found.images):
                factor = times(found.images / found.largest)
                about = f"at about {rounded(found.images)} images, {factor} as many as now"
            around = f"{found.level:.0%} interval {rounded(found.low)} to {rounded(found.high)}"
            if not math.isfinite(found.high):
                around = _bounds(found)
            how = "come first with" if found.arms > 1 else "be reached with"
            return (
                f"{wanted} would {how} {arm}: {about} ({around}). With twice the images it is "
                f"reached with probability {probability(found.doubled, FORESEEN)}.{once}"
            )
        case _:
            assert_never(found.outcome)


def _train_longer(found: TrainLonger, words: Words) -> tuple[str, str, str]:
    cell = found.cell
    why = (
        f"Training accuracy of {words.cell(cell)} was still climbing at the end, by "
        f"{points(found.climb)} over the last third of the epochs, and stood at "
        f"{percent(cell.mean('train_accuracy'))}."
    )
    steps = f" (train.steps: {round(found.steps)})" if math.isfinite(found.steps) else ""
    work = _work(found.flops, ", but")
    cost = f"Twice the steps{steps} take no label{work}; what they buy was not tried."
    return "train longer, before labelling more", why, cost


def _try_pretrained(found: TryPretrained, words: Words) -> tuple[str, str, str]:
    if not found.available:
        return (
            "try a model that has pretrained weights, such as resnet18",
            f"{upper_first(words.model(found.model))} has none, and no run here used any.",
            "They need no label; what they buy here is not known.",
        )
    return (
        "try pretrained weights",
        "No run here used any, and what they buy on these images is not known.",
        f"They need no label, and a run costs what this one did{_work(found.flops, ':')}.",
    )


def _more_images(found: MoreImages, words: Words) -> tuple[str, str, str]:
    arm, to_images = words.arm(*found.arm), count(found.to_images)
    open_ = ", which leaves open whether it would gain at all"
    outlook = {Outlook.OPEN: open_, Outlook.ROUGH: ", a rough forecast", Outlook.CLEAR: ""}
    why = (
        f"With {to_images} images {arm} would {_gain(found)} by its fitted "
        f"curve{outlook[found.outlook]}"
    )
    if found.doubts:
        why += f" ({'; '.join(warning(doubt, 0) for doubt in found.doubts)})"
    if found.leader is not None:
        why += (
            f"; {words.arm(*found.leader)} would then be the best with probability "
            f"{probability(found.leader_probability, FORESEEN)}"
        )
    what = f"label {count(found.images)} more images"
    labelled = f"{count(found.labelled)} are labelled already." if found.labelled else ""
    if found.kind is StepKind.USE:
        what, labelled = f"train {arm} on {to_images} images", "They are labelled already."
    work = _work(found.flops)
    cost = f"Training on them costs{work} at the same epochs." if work else ""
    return what, f"{why}.", " ".join(part for part in (labelled, cost) if part)


def _gain(found: MoreImages) -> str:
    """The forecast as the end of a sentence: a gain, or what may be a loss, with its interval."""
    around = interval(found.low, found.high, found.level)
    if is_nothing(found.gain):
        return f"gain next to nothing ({around})"
    if found.gain < 0:
        return f"change by about {signed(found.gain)} points ({around})"
    return f"gain about {points(found.gain)} ({around})"


def _another_size(found: AnotherSize, words: Words) -> tuple[str, str, str]:
    why = "One size says nothing of what more images would buy."
    if found.sizes > 1:
        why = (
            f"{plural(found.sizes, 'size')} leave a wide forecast of what more images would buy; "
            "one more makes it narrower."
        )
    what = f"train {words.arm(*found.arm)} on about {rounded(found.size)} images as well"
    return what, why, f"That takes no label{_work(found.flops, ', but')}."


def _more_seeds(found: MoreSeeds, words: Words) -> tuple[str, str, str]:
    best, rival, difference = words.cell(found.best), words.cell(found.rival), found.difference
    if difference.verdict == "below":
        why = (
            f"{best} is best over all its seeds, but over those that both have {rival} is ahead by "
            f"{points(difference.value)}."
        )
    elif difference.verdict == "above":
        why = (
            f"{best} is ahead of {rival} by {points(difference.value)}, but one training of each "
            "does not show the spread between trainings."
        )
    else:
        around = interval(difference.low, difference.high, difference.level)
        apart = f"{signed(difference.value)} points, {around}"
        why = f"{best} and {rival} cannot be told apart ({apart})."
    what = "train two more seeds of the two best, before choosing between them"
    return what, why, f"Two more seeds take no label{_work(found.flops, ', but')}."


def _work(flops: float, word: str = "") -> str:
    """Training work after a word, or nothing where it is not known."""
    return f"{word} {large(flops)} FLOPs" if math.isfinite(flops) and flops > 0 else ""
