"""How accuracy goes with model and training-set size, and the runs left out, in English."""

from __future__ import annotations

from typing import assert_never

from ...analysis.findings.doubling import LastDoubling
from ...analysis.findings.relation import (
    AccuracyCurve,
    HighestAccuracy,
    ModelCost,
    RelationFinding,
    RunsLeftOut,
)
from ...analysis.stats.paired import Side
from .doubling import doubling
from .numbers import accuracy_interval, count, interval, join, large, percent, points, signed
from .words import UNSETTLED, Words, missing_reason


def say(finding: RelationFinding, words: Words) -> str:
    """A finding on the relation of accuracy, model and data as sentences."""
    match finding:
        case AccuracyCurve():
            return _curve(finding, words)
        case LastDoubling():
            return doubling(finding, words)
        case ModelCost():
            return _cost(finding, words)
        case HighestAccuracy():
            return _highest(finding, words)
        case RunsLeftOut():
            return _missing(finding)
        case _:
            assert_never(finding)


def _curve(found: AccuracyCurve, words: Words) -> str:
    first = found.cells[0]
    arm = words.arm(first.model, first.init)
    values = join([f"{percent(c.accuracy)} on {count(c.train_size)}" for c in found.cells])
    text = f"{arm} reaches {values} images"
    if found.interval is not None:
        around = accuracy_interval(found.interval)
        text += f" ({around})" if around else ""
    if found.rise is None:
        return f"{text}."
    rise = found.rise
    span = interval(rise, flip=rise.side is Side.BELOW)
    if not rise.leaves_out_zero:
        why = f", {UNSETTLED}" * rise.unsettled
        text += (
            f"; whether more images helped cannot be told{why} ({signed(rise.value)} points from "
            f"the fewest to the most, {span})"
        )
    else:
        more = "more" if rise.side is Side.ABOVE else "less"
        text += f": {points(rise.value)} {more} with the most images than with the fewest ({span})"
    return f"{text}."


def _cost(found: ModelCost, words: Words) -> str:
    text = (
        f"{words.model(found.big)} against {words.model(found.small)}: "
        f"{found.parameters_ratio:.1f} times the parameters ({large(found.big_parameters)} and "
        f"{large(found.small_parameters)})"
    )
    if found.train_size is not None and found.train_flops_ratio is not None:
        text += (
            f", {found.train_flops_ratio:.1f} times the training FLOPs on "
            f"{count(found.train_size)} images"
        )
    return f"{text}."


def _highest(found: HighestAccuracy, words: Words) -> str:
    difference = found.difference
    text = f"Highest {words.term.test_accuracy}: {words.cell(found.best)}, "
    text += percent(found.best.accuracy)
    behind = f"{words.cell(found.second)} ({percent(found.second.accuracy)})"
    if found.told:
        apart = f"{points(difference.value)} behind ({interval(difference)})"
        return f"{text}; next is {behind}, {apart}."
    return f"{text}; these runs cannot tell it from {behind}."


def _missing(found: RunsLeftOut) -> str:
    ids = found.run_ids
    shown = join(ids) if len(ids) <= 6 else f"{', '.join(ids[:5])} and {len(ids) - 5} more"
    verb = "is" if len(ids) == 1 else "are"
    why = missing_reason(found.reason).rstrip(".")
    return f"{shown} {verb} left out of every conclusion: {why}."
