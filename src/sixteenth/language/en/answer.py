"""What the verdict rests on, in English: a few sentences, each with its interval."""

from __future__ import annotations

from typing import assert_never

from ...analysis.findings.answer import (
    AnswerFinding,
    BoughtByImages,
    InHand,
    NothingFinished,
    SpreadOfTrainings,
)
from ...analysis.findings.cautions import PartTrained
from ...analysis.findings.missing_runs import UnfinishedRuns
from ...analysis.findings.options import HeldBack, OptionVerdict
from ..text import upper_first
from . import cautions, options
from .doubling import doubling
from .numbers import (
    deviation,
    interval,
    plural,
    points,
    signed,
)
from .words import Words


def say(finding: AnswerFinding, words: Words) -> str:
    """A finding of the answer as one to three sentences."""
    match finding:
        case InHand():
            return _in_hand(finding, words)
        case BoughtByImages():
            return doubling(finding.doubling, words)
        case SpreadOfTrainings():
            return _spread(finding, words)
        case NothingFinished():
            return "No run of this study has finished, so there is nothing to conclude yet."
        case PartTrained() | UnfinishedRuns():
            return cautions.say(finding, words)
        case _:
            assert_never(finding)


def _in_hand(found: InHand, words: Words) -> str:
    """What the best network was bought with; what these runs cannot tell is not called in hand."""
    smaller = words.model(found.model.start.model) if found.model else ""
    told, unclear = [], []
    weights = "its weights are worth", "over random ones", "whether its weights help"
    if found.init and found.init.fine_tunes:
        more = f"training {options.more(found.init)}"
        weights = (
            f"{more} is worth",
            f"over {options.trained(found.init.start.init)} alone",
            f"whether {more} helps",
        )
    for option, verb, over, unsure in (
        (found.init, *weights),
        (found.model, "it is", f"ahead of {smaller}", f"whether it is ahead of {smaller}"),
    ):
        if option is None:
            continue
        around = interval(option)
        if option.told is OptionVerdict.HELPS:
            told.append(f"{verb} {points(option.gain)} {over} ({around})")
        else:
            why = f" {options.CORRECTED}" if option.corrected_away else ""
            if option.held_back is HeldBack.LONGER_TRAINING:
                why = ", because longer training may change it"
            unclear.append(f"{unsure} cannot be told{why} ({signed(option.gain)} points, {around})")
    sentences = [f"In hand already: {'; '.join(told)}."] if told else []
    sentences += [f"{upper_first('; '.join(unclear))}."] if unclear else []
    return " ".join(sentences)


def _spread(found: SpreadOfTrainings, words: Words) -> str:
    spread = f"a standard deviation of about {deviation(found.deviation)}"
    head = "Intervals are for another training (other seed, images and order) on other test images"
    if found.repeats:
        return (
            f"{head}. Between trainings of the best network {spread} is expected, "
            f"estimated from {plural(found.repeats, 'repeated training')} of this study."
        )
    why = f": {words.trained_once(found.once)}" if found.once else ""
    return f"{head}; {spread} between trainings is assumed{why}."
