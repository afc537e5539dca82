"""What longer training changes, in English."""

from __future__ import annotations

from typing import assert_never

from ...analysis.findings.training_time import (
    DifferenceByLength,
    LongerTraining,
    Order,
    TrainingTimeFinding,
)
from ...analysis.stats.paired import Contrast
from .numbers import count, interval, join, percent, signed
from .words import Words


def say(finding: TrainingTimeFinding, words: Words) -> str:
    """A finding on training lengths as one or two sentences."""
    match finding:
        case LongerTraining():
            return _longer(finding, words)
        case DifferenceByLength():
            return _difference(finding, words)
        case _:
            assert_never(finding)


def _longer(found: LongerTraining, words: Words) -> str:
    reached = [
        f"{percent(cell.accuracy)} after {count(cell.mean('steps'))}" for cell in found.cells
    ]
    return (
        f"{words.cell(found.cells[-1])}: {words.term.test_accuracy} {join(reached)} training "
        f"steps; the last increase of the steps changed it by {_points(found.gain)}."
    )


def _difference(found: DifferenceByLength, words: Words) -> str:
    first, second = (words.arm(*arm) for arm in (found.first, found.second))
    values = [
        f"{signed(one.value)} points after {join([*dict.fromkeys(map(count, steps))])} training "
        "steps"
        for *steps, one in zip(found.steps, found.first_steps, found.differences, strict=True)
    ]
    order = {
        Order.SAME: "the order is the same at each length",
        Order.TURNS: "the order reverses with longer training",
        Order.CANNOT_TELL: "whether the order depends on the length cannot be told",
    }[found.order]
    change = f"changes by {_points(found.change)}"
    if found.change.unsettled:
        change += ", but a run is not at its end"
    elif not found.change.leaves_out_zero:
        change = f"does not visibly change ({_points(found.change)})"
    return (
        f"{second} against {first} on {count(found.images)} images: {join(values)}: {order}, and "
        f"the difference {change}."
    )


def _points(found: Contrast) -> str:
    return f"{signed(found.value)} points, {interval(found)}"
