"""What could overturn the verdict, in English."""

from __future__ import annotations

import math
from typing import assert_never

from ...analysis.findings.cautions import (
    Caution,
    LeakedTest,
    MixedData,
    MixedMachines,
    NothingLearned,
    OneSeed,
    PartTrained,
    ReasonFound,
    UnstableModel,
)
from ...analysis.findings.missing_runs import MeasuredSoFar, StoppedEarly, UnfinishedRuns
from ...analysis.findings.not_converged import CatchingUp, NotConverged
from ...analysis.findings.per_class import ImbalancedClasses
from ...spec.fields import is_frozen, is_last_stage
from ..text import portion
from . import explained
from .numbers import NUMBERS, count, deviation, interval, join, percent, plural, points, signed
from .words import Words


def say(found: Caution, words: Words) -> str:
    """One or two sentences."""
    match found:
        case NotConverged(known=False):
            return (
                "Longer training may bring the best network as much as anything else, and "
                "could change the order."
            )
        case NotConverged():
            return (
                "The best network was still improving when its training ended: longer training "
                "could change the order."
            )
        case CatchingUp():
            return _catching_up(found, words)
        case OneSeed():
            return (
                f"{words.begin(words.trained_once(found.once))}. If trainings differ by twice the "
                f"{deviation(found.deviation)} assumed, the verdict may not stand."
            )
        case UnstableModel():
            number, runs = len(found.falls), len(found.model.runs)
            which = f"In {number} of {runs} trainings of" if runs > 1 else "In the training of"
            most = "by up to" if number > 1 else "by"
            return (
                f"{which} {words.cell(found.model)} training accuracy fell back {most} "
                f"{points(found.falls[0].fall)}. At a lower learning rate this model may be "
                "ahead."
            )
        case NothingLearned() if found.cell is found.best:
            then = (
                "fine-tune all weights, or use larger images"
                if found.frozen
                else "try another learning rate or longer training"
            )
            return (
                "The test images cannot tell the best network from guessing, so nothing is "
                f"advised from it. Look at the labels, then {then}."
            )
        case NothingLearned():
            name = words.begin(words.cell(found.cell))
            how = "if all weights are fine-tuned" if found.frozen else "with another learning rate"
            return (
                f"{name}: the test images cannot tell it from guessing. It may learn {how}, "
                "which could change the verdict."
            )
        case ReasonFound():
            return explained.reason(found, words)
        case ImbalancedClasses():
            return (
                f"Classes are imbalanced ({count(found.fewest)} to {count(found.most)} test "
                f"images): {percent(found.accuracy)} of all images are right, but the mean "
                f"recall of the classes is {percent(found.balanced)}. The study can decide by "
                "balanced accuracy instead."
            )
        case LeakedTest():
            verb = "is" if found.images == 1 else "are"
            share = f" ({percent(found.share)})" if math.isfinite(found.share) else ""
            return (
                f"{plural(found.images, 'test image')}{share} {verb} among the training "
                "images, so accuracies are too high. Take them out of one of the two, then "
                "train anew."
            )
        case MixedMachines():
            return (
                f"Runs come from {found.machines} kinds of machine or precision, which can "
                "shift accuracies and times. All runs of one machine can be compared."
            )
        case MixedData():
            return "The runs did not all see the same images: no comparison can be trusted."
        case StoppedEarly():
            longer = ""
            if found.longer is not None:
                right = words.term.right.format(percent(found.longer.accuracy))
                cell = words.cell(found.longer)
                longer = f" After all of its steps, {cell} has {right}."
            return (
                f"Runs on {count(found.images)} images were stopped after "
                f"{portion(found.length)} of their steps, so all networks are compared at that "
                f"length.{longer} They go on from there when the study is run again."
            )
        case MeasuredSoFar():
            return _so_far(found)
        case PartTrained():
            model = words.model(found.best.model)
            text = f"Only the classifier of {model} was trained, on frozen features"
            if is_last_stage(found.best.init):
                text = f"Only the last stage of {model} and its classifier were trained"
            if found.tuned:
                return f"{text}."
            return (
                f"{text}: fine-tuning all weights was not tried; it may reach more, and other "
                "options may then help most."
            )
        case UnfinishedRuns():
            return _missing(found)
        case _:
            assert_never(found)


def _catching_up(found: CatchingUp, words: Words) -> str:
    """That longer training may leave less of a lead."""
    behind, lead = words.cell(found.behind), words.term.gain.format(points(found.lead))
    less = f"Longer training may leave less of the {lead} between them."
    if found.longer is not None:
        left = NUMBERS.decimal(100 * found.longer.value, 1)
        around = f"({interval(found.longer)} between average trainings)"
        less = f"With four times the steps {left} of the {lead} between them are left {around}."
        if found.longer.value < 0:
            around = f"({interval(found.longer, flip=True)} between average trainings)"
            less = f"With four times the steps it is {points(found.longer.value)} ahead {around}."
    if math.isnan(found.gain):
        return f"{words.begin(behind)} was still improving when its training ended. {less}"
    head = is_frozen(found.best.init)  # which has no steps
    mine = "" if head else f", that of the best network {signed(found.best_gain)}"
    return (
        f"{words.begin(behind)} was still catching up: the last doubling of its training steps "
        f"brought {points(found.gain)}{mine}. {less}"
    )


def _so_far(found: MeasuredSoFar) -> str:
    """How many runs are not at their end, and what they count as."""
    number = found.stopped + found.running
    was, is_, counts, go = (
        ("was", "is", "it counts", "It goes")
        if number == 1
        else ("were", "are", "each counts", "They go")
    )
    stopped, running = f"{was} stopped before the accuracy had levelled off", f"{is_} still running"
    state = stopped if not found.running else running
    if found.stopped and found.running:
        state = f"{was} stopped or {running}"
    again = f" {go} on when the study is run again." if found.stopped else ""
    return f"{number} of {found.runs} runs {state}: {counts} as it was when last measured.{again}"


def _missing(found: UnfinishedRuns) -> str:
    """How many runs have no result, and why."""
    counts = [
        (found.failed, "failed and {} left out", "failed"),
        (found.missing, "{} missing and left out", "{} missing"),
        (found.running, "{} still running and left out", "{} still running"),
    ]
    told = [each for each in counts if each[0]]
    of_all = f" of {found.runs} runs"
    if len(told) == 1:
        number, alone, _ = told[0]
        told_of = f"{number}{of_all} {alone.format('is' if number == 1 else 'are')}."
        return told_of + _stopped(found) + _diverged(found)
    parts = [
        f"{number}{of_all * (i == 0)} {what.format('is' if number == 1 else 'are')}"
        for i, (number, _, what) in enumerate(told)
    ]
    return f"{join(parts)}; they are left out.{_stopped(found)}{_diverged(found)}"


def _diverged(found: UnfinishedRuns) -> str:
    """That runs failed in a way that is no accident, as a further sentence."""
    if not found.diverged:
        return ""
    which = "Its loss" if found.diverged == found.failed == 1 else f"The loss of {found.diverged}"
    return (
        f" {which} became NaN or infinite, and would again: another learning rate may help "
        "(train.learning_rate)."
    )


def _stopped(found: UnfinishedRuns) -> str:
    """Which of the missing runs go on where they were stopped, as a further sentence."""
    match found.stopped:
        case ():
            return ""
        case ((epoch, epochs),):
            alone = found.missing == 1 and not (found.failed or found.running)
            which = "It" if alone else "One of them"
            return f" {which} was stopped at epoch {epoch} of {epochs}."
        case _:
            return f" {len(found.stopped)} of them were stopped on the way."
