"""The answer that a report opens with, in English: a few sentences, each with its interval."""

from __future__ import annotations

from typing import assert_never

from ...analysis.findings.answer import (
    AnswerFinding,
    BoughtByImages,
    Headline,
    InHand,
    Lead,
    NothingFinished,
    SpreadOfTrainings,
)
from ...analysis.findings.cautions import PartTrained, RunsMissing
from ...analysis.findings.options import OptionVerdict
from ..text import short_name, upper_first
from . import options
from .doubling import control_run, doubling
from .numbers import (
    NUMBERS,
    accuracy_interval,
    interval,
    is_nothing,
    percent,
    plural,
    points,
    signed,
)
from .overview import EnglishScreen
from .words import Words, trained_once


def say(finding: AnswerFinding, words: Words) -> str:
    """A finding of the answer as one to three sentences."""
    match finding:
        case Headline():
            return _headline(finding, words)
        case InHand():
            return _in_hand(finding, words)
        case BoughtByImages():
            return doubling(finding.doubling, words)
        case SpreadOfTrainings():
            return _spread(finding)
        case NothingFinished():
            return "No run of this study has finished, so there is nothing to conclude yet."
        case PartTrained() | RunsMissing():
            return EnglishScreen(words).caution(finding)
        case _:
            assert_never(finding)


def _headline(found: Headline, words: Words) -> str:
    cell = found.best.cell
    data = f" on {short_name(found.data)}" if found.data else ""
    around = accuracy_interval(found.best.interval)
    around = f" ({around})" if around else ""
    accuracy = words.term.of_best.format(percent(cell.accuracy))
    best = f"The best network{data} is {words.cell(cell)}: {accuracy}{around}."
    return f"{_recommendation(found, words)} {best}"


def _recommendation(found: Headline, words: Words) -> str:
    option = found.option
    do = upper_first(options.do(option, words))
    match found.lead:
        case Lead.DO:
            return f"{do}: {options.gain(option, words)}."
        case Lead.TRAIN_FIRST:
            gain = f": {options.gain(option, words)}" if option.known else ""
            return (
                f"Train longer first{gain}. The networks were still improving, so differences as "
                "small as what longer training may bring are not settled."
            )
        case Lead.NOT_SEPARATED:
            control = ""
            if found.control is not None:
                control = f" One run would tell: {control_run(found.control, words)}."
            return (
                "Images or training time: not separated yet. Twice the images came with more "
                f"training steps.{control}"
            )
        case Lead.STOP:
            visible = points(found.visible)
            if is_nothing(found.visible):
                visible = f"{NUMBERS.decimal(100 * found.visible, 3)} points"
            return (
                f"Stop here, or test on more images: what is left to gain is less than {visible}, "
                "the smallest gain that these test images can show."
            )
        case Lead.TEST_MORE:
            if found.visible >= 1:
                return "Test on more images first: these are too few to show any gain."
            return (
                "Test on more images first: the smallest gain that these test images can show is "
                f"{points(found.visible)}, more than is known to be left to gain."
            )
        case Lead.CANNOT_TELL:
            what = f"{options.do(option, words)}, {options.gain(option, words)}"
            if not option.advised:
                return f"Cannot tell yet what would help. The smallest loss: {what}."
            return f"Cannot tell yet what would help. The most promising: {what}."
        case Lead.NOTHING_KNOWN:
            return "No two finished runs differ in one thing, so nothing can be compared yet."
        case _:
            assert_never(found.lead)


def _in_hand(found: InHand, words: Words) -> str:
    """What the best network was bought with; what these runs cannot tell is not called in hand."""
    smaller = words.model(found.model.start.model) if found.model else ""
    told, unclear = [], []
    for option, verb, over, unsure in (
        (found.init, "its weights are worth", "over random ones", "whether its weights help"),
        (found.model, "it is", f"ahead of {smaller}", f"whether it is ahead of {smaller}"),
    ):
        if option is None:
            continue
        around = interval(option)
        if option.verdict is OptionVerdict.HELPS:
            told.append(f"{verb} {points(option.gain)} {over} ({around})")
        else:
            corrected = f" {options.CORRECTED}" if option.corrected_away else ""
            unclear.append(
                f"{unsure} cannot be told{corrected} ({signed(option.gain)} points, {around})"
            )
    sentences = [f"In hand already: {'; '.join(told)}."] if told else []
    sentences += [f"{upper_first('; '.join(unclear))}."] if unclear else []
    return " ".join(sentences)


def _spread(found: SpreadOfTrainings) -> str:
    deviation = f"a standard deviation of about {points(found.deviation)}"
    head = "Intervals are for another training (other seed, images and order) on other test images"
    if found.repeats:
        return (
            f"{head}. Between trainings of the best network {deviation} is expected, "
            f"estimated from {plural(found.repeats, 'repeated training')} of this study."
        )
    why = f": {trained_once(found.once)}" if found.once else ""
    return f"{head}; {deviation} between trainings is assumed{why}."
