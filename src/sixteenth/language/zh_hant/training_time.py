"""What longer training changes, in Traditional Chinese."""

from __future__ import annotations

from typing import assert_never

from ...analysis.findings.training_time import (
    DifferenceByLength,
    LongerTraining,
    Order,
    TrainingTimeFinding,
)
from ...analysis.stats.paired import Contrast
from .numbers import count, images, interval, percent, signed_points
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
        f"訓練 {count(cell.mean('steps'))} 步後 {percent(cell.accuracy)}" for cell in found.cells
    ]
    return (
        f"{words.cell(found.cells[-1])}的{words.term.test_accuracy}：{'、'.join(reached)}；"
        f"最後一次增加步數的變化為 {_points(found.gain)}。"
    )


def _difference(found: DifferenceByLength, words: Words) -> str:
    first, second = (words.arm(*arm) for arm in (found.first, found.second))
    values = [
        f"訓練 {' 與 '.join(dict.fromkeys(map(count, steps)))} 步後 {signed_points(one.value)}"
        for *steps, one in zip(found.steps, found.first_steps, found.differences, strict=True)
    ]
    order = {
        Order.SAME: "高下不變",
        Order.TURNS: "訓練更久時高下互換",
        Order.CANNOT_TELL: "高下是否隨訓練長度而變，無法判斷",
    }[found.order]
    change = f"差距變化 {_points(found.change)}"
    if found.change.unsettled:
        change += "，但有訓練尚未完成"
    elif not found.change.leaves_out_zero:
        change = f"差距看不出變化（{_points(found.change)}）"
    return (
        f"{images(found.images)}，{second} 相較於 {first}：{'、'.join(values)}；{order}，{change}。"
    )


def _points(found: Contrast) -> str:
    return f"{signed_points(found.value)}，{interval(found)}"
