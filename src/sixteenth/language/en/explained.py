"""What each tested lever does to a difference between two cells, in English."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import assert_never

from ...analysis.findings.cautions import ReasonFound
from ...analysis.findings.explained import (
    Average,
    ExplainedFinding,
    ExplainedGap,
    ExplainedLever,
    LeverVerdict,
    TriedAhead,
    UnfinishedLevers,
)
from ...analysis.findings.levers import Lever
from ...analysis.inputs.cells import Cell
from .numbers import NUMBERS, count, coverage, interval, join, plural, points, signed
from .words import Words

# What a network is trained with, in a few words.
CHANGED: Mapping[Lever, str] = {
    Lever.STEPS: "four times the training steps",
    Lever.IMAGE_SIZE: "twice the image size",
    Lever.STEM: "stem: cifar",
    Lever.ZERO_INIT: "zero_init_residual",
    Lever.RATE_HALF: "half the learning rate",
    Lever.RATE_DOUBLE: "twice the learning rate",
    Lever.WEIGHT_DECAY: "four times the weight decay",
    Lever.AUGMENTATION: "more augmentation",
    Lever.SEEDS: "more seeds",
}


def say(finding: ExplainedFinding, words: Words) -> str:
    """The difference that was to be explained; of a lever what it brings, then what it explains."""
    match finding:
        case ExplainedGap():
            return _gap(finding, words)
        case UnfinishedLevers():
            return _unfinished(finding)
        case ExplainedLever():
            return _lever(finding, words)
        case TriedAhead():
            return _tried_ahead(finding, words)
        case _:
            assert_never(finding)


def _gap(found: ExplainedGap, words: Words) -> str:
    behind, ahead = found.behind, found.ahead
    trainings = (
        f"{plural(len(behind.runs), 'training')} of the first and {len(ahead.runs)} of the second"
    )
    text = (
        f"{words.cell(behind)} {_is_behind(found.gap.value)} {words.arm(ahead.model, ahead.init)}: "
        f"{interval(found.gap)} between average trainings, by {trainings}."
    )
    if not found.told:
        text += " This difference cannot be told from zero, so no part of it can be explained."
    return text


def _unfinished(found: UnfinishedLevers) -> str:
    parts = [
        f"{count(one.finished)} of {plural(one.planned, 'run')} with {CHANGED[one.lever]}"
        for one in found.levers
    ]
    return (
        f"Not all runs that test this are finished: so far {join(parts)}. The others may change "
        "what is said; the same sixteenth explain trains them."
    )


def _is_behind(value: float) -> str:
    return f"is {points(value)} {'behind' if value >= 0 else 'ahead of'}"


def _lever(found: ExplainedLever, words: Words) -> str:
    behind, ahead = _name(found.behind, found, words), _name(found.ahead, found, words)
    gains = [
        f"{signed(one.gain.value)} points for {name} ({interval(one.gain)})"
        for one, name in zip(found.gains, (behind, ahead), strict=False)
    ]
    text = f"{_what(found.lever, behind)}: {' and '.join(gains)}."
    text += f" {behind} {_is_behind(found.after.value)} {ahead} with this change"
    text += f", and {points(found.before.value)} behind without it"
    if not math.isfinite(found.share.value):
        return f"{text}. Whether it is a reason stays open."
    if found.by_loss:
        return (
            f"{text}. The difference shrinks mostly because {ahead} loses accuracy, "
            f"{_verdict(found)}."
        )
    return f"{text}: it explains {_share(found.share)}, {_verdict(found)}."


def _tried_ahead(found: TriedAhead, words: Words) -> str:
    behind, ahead = _name(found.behind, found, words), _name(found.ahead, found, words)
    gain = found.gain.gain
    text = f"{_what(found.lever, ahead)}: {signed(gain.value)} points ({interval(gain)})."
    return (
        f"{text} {ahead} was behind when this was tried and is ahead now, so it does not tell why "
        f"{behind} is behind."
    )


def _share(share: Average) -> str:
    low, high = NUMBERS.decimal(100 * share.low, 0), NUMBERS.percent(share.high, digits=0)
    ends = f"({coverage(share.level)} interval {NUMBERS.span.format(low, high)})"
    if share.value < 0:
        return f"none of the difference {ends}"
    if share.value > 1:
        return f"all of the difference {ends}"
    return f"{NUMBERS.percent(share.value, digits=0)} of the difference {ends}"


def _verdict(found: ExplainedLever) -> str:
    match found.verdict:
        case LeverVerdict.REASON:
            return "so it is a reason"
        case LeverVerdict.NOT_MAIN:
            return "so it is not the main reason"
        case LeverVerdict.OPEN:
            return "which leaves open whether it is a reason"
        case _:
            assert_never(found.verdict)


def _name(cell: Cell, found: ExplainedLever | TriedAhead, words: Words) -> str:
    """A network by its model; and by its initial weights, where those of the other differ."""
    if found.behind.init == found.ahead.init:
        return words.model(cell.model)
    return words.arm(cell.model, cell.init)


def reason(caution: ReasonFound, words: Words) -> str:
    """What is behind in a study, the lever that is the reason for it, and what a card compares."""
    found = caution.reason
    behind, ahead = _name(found.behind, found, words), _name(found.ahead, found, words)
    where = "" if caution.images is None else f" on {count(found.behind.train_size)} images"
    text = (
        f"As this study trains it, {behind} is {points(found.before.value)} behind {ahead}{where}. "
        f"The reason was found: {_what(found.lever, behind)}. It explains {_share(found.share)}."
    )
    if caution.images is not None:
        untried = f"On {count(caution.images)} images this was not tried, and may help {behind}."
        return f"{text} {untried}"
    if found.remedied is not None:
        has = "without" if found.remedied.start is found.ahead else "with"
        better = f" {has} it, which is more accurate" if len(found.gains) > 1 else ""
        text += f" The card above compares {behind} with this change to {ahead}{better}."
    return text


def _what(lever: Lever, behind: str) -> str:
    match lever:
        case Lever.STEM:
            return f"the first layer for small images ({CHANGED[lever]})"
        case Lever.ZERO_INIT:
            return f"residual blocks that begin as the identity ({CHANGED[lever]})"
        case Lever.RATE_HALF | Lever.RATE_DOUBLE:
            return f"{CHANGED[lever]} for {behind} alone"
        case _:
            return CHANGED[lever]
