"""The answer that a report opens with, in English: a few sentences, each with its interval."""

from __future__ import annotations

from typing import assert_never

from ...analysis.findings.answer import (
    AnswerFinding,
    Headline,
    Lead,
    NextDoubling,
    NothingFinished,
    NothingToCompare,
    OpenQuestions,
    WhatNext,
)
from ...analysis.findings.moves import MoveKind, MoveVerdict
from ..base import short_name
from ..text import upper_first
from . import advice
from .curves import warning
from .moves import name, phrase, span
from .numbers import count, is_nothing, join, percent, plural, points, signed
from .words import Words, accuracy_interval


def say(finding: AnswerFinding, words: Words) -> str:
    """A finding of the answer as one to three sentences."""
    match finding:
        case Headline():
            return _headline(finding, words)
        case NextDoubling():
            return _next_doubling(finding, words)
        case NothingToCompare():
            return _nothing_to_compare(finding, words)
        case NothingFinished():
            return "No run of this study has finished, so there is nothing to conclude yet."
        case WhatNext():
            step = advice.step(finding.advice.steps[0], words)
            best = f"{advice.say(finding.advice.best, words)} " if finding.with_best else ""
            return f"{best}What to do next: {step.what}. {step.why}"
        case OpenQuestions():
            return _open(finding)
        case _:
            assert_never(finding)


def _headline(found: Headline, words: Words) -> str:
    data = f" on {short_name(found.data)}" if found.data else ""
    head = f"For {words.arm(*found.arm)}{data}, "
    parts = [phrase(move, words, name_level=i == 0) for i, move in enumerate(found.moves)]
    rest = "".join(f" {upper_first(part)}." for part in parts[1:])
    names = join([name(move, words) for move in found.named])
    match found.lead:
        case Lead.SINGLE:
            return f"{head}{parts[0]}."
        case Lead.NOTHING_SEEN:
            lead = "nothing that was tried helped by an amount that these runs can see"
        case Lead.ONLY_ONE_HELPED:
            lead = f"only {name(found.moves[0], words)} helped"
        case Lead.BEST_TOLD:
            lead = f"{name(found.moves[0], words)} helped most"
        case Lead.TIED:
            lead = f"{names} helped, and these runs cannot tell which of them helps more"
        case Lead.BEST_UNCLEAR:
            lead = f"{names} helped, but which helps most cannot be told"
        case _:
            assert_never(found.lead)
    return f"{head}{lead}: {parts[0]}.{rest}"


def _next_doubling(found: NextDoubling, words: Words) -> str:
    move = found.move
    who = words.arm(*move.start)
    perhaps = "" if move.verdict is MoveVerdict.HELPS else ", or perhaps nothing"
    gain = f"buy {who} about {points(move.gain)}{perhaps}"
    if is_nothing(move.gain):
        gain = f"buy {who} next to nothing"
    elif move.gain < 0:
        gain = f"change the accuracy of {who} by about {signed(move.gain)} points"
    doubts = "; ".join(warning(doubt, 0) for doubt in move.doubts)
    doubt = f"; {doubts}" if doubts else ""
    return (
        f"The next doubling, to {count(move.to_images)} images, was not measured: by the fitted "
        f"curve it would {gain} ({span(move)}){doubt}."
    )


def _nothing_to_compare(found: NothingToCompare, words: Words) -> str:
    cell = found.cell
    around = accuracy_interval(found.interval)
    around = f" ({around})" if around else ""
    return (
        f"{upper_first(words.model(cell.model))} from {words.from_init(cell.init)} reaches "
        f"{percent(cell.accuracy)} on {plural(round(cell.train_size), 'image')}{around}; no two "
        "finished runs differ in just one thing, so nothing can be compared yet."
    )


def _open(found: OpenQuestions) -> str:
    weights = "pretrained weights" if found.pretrained_not_asked else "random weights"
    names = {
        MoveKind.DATA: "more images",
        MoveKind.MODEL: "a bigger model",
        MoveKind.INIT: weights,
    }
    parts = []
    if found.not_asked:
        verb = "was" if found.not_asked == (MoveKind.MODEL,) else "were"
        absent = join([names[kind] for kind in found.not_asked])
        parts.append(f"{absent} {verb} not part of this study")
    if found.trained_once:
        parts.append(
            "each cell was trained once, so the intervals hold for other test images, not for "
            "other trainings"
        )
    if found.missing:
        verb = "is" if found.missing == 1 else "are"
        parts.append(f"{found.missing} of {found.runs} runs {verb} missing and left out")
    return f"{upper_first('; '.join(parts))}."
