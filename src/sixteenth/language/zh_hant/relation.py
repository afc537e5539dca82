"""How accuracy goes with model and data, and the runs left out, in Traditional Chinese."""

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
from .numbers import (
    NUMBERS,
    accuracy_interval,
    count,
    images,
    interval,
    join,
    large,
    percent,
    points,
    signed_points,
)
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
    values = "、".join(f"{images(c.train_size)} {percent(c.accuracy)}" for c in found.cells)
    text = f"{words.arm(first.model, first.init)}的{words.term.test_accuracy}：{values}"
    if found.interval is not None:
        around = accuracy_interval(found.interval)
        text += f"（{around}）" if around else ""
    if found.rise is None:
        return f"{text}。"
    rise = found.rise
    span = interval(rise, flip=rise.side is Side.BELOW)
    if not rise.leaves_out_zero:
        change = signed_points(rise.value)
        why = f"；{UNSETTLED}" * rise.unsettled
        return f"{text}；影像變多是否有幫助無法判斷（從最少到最多 {change}，{span}）{why}。"
    more = "高" if rise.side is Side.ABOVE else "低"
    return f"{text}；影像最多時比最少時{more} {points(rise.value)}（{span}）。"


def _cost(found: ModelCost, words: Words) -> str:
    ratio = NUMBERS.decimal(found.parameters_ratio, 1)
    big, small = words.model(found.big), words.model(found.small)
    text = (
        f"{big} 的參數量是 {small} 的 {ratio} 倍（{large(found.big_parameters)} 對 "
        f"{large(found.small_parameters)}）"
    )
    if found.train_size is not None and found.train_flops_ratio is not None:
        flops = NUMBERS.decimal(found.train_flops_ratio, 1)
        text += f"；用 {images(found.train_size)}訓練時，運算量是 {flops} 倍"
    return f"{text}。"


def _highest(found: HighestAccuracy, words: Words) -> str:
    difference = found.difference
    reached = percent(found.best.accuracy)
    best = f"{words.term.test_accuracy}最高：{words.cell(found.best)}，{reached}"
    behind = f"{words.cell(found.second)}的 {percent(found.second.accuracy)}"
    if found.told:
        around = interval(difference)
        return f"{best}；其次為 {behind}，相差 {points(difference.value)}（{around}）。"
    return f"{best}；與 {behind} 分不出高下。"


def _missing(found: RunsLeftOut) -> str:
    ids = found.run_ids
    shown = join(ids) if len(ids) <= 6 else f"{'、'.join(ids[:5])} 和另外 {count(len(ids) - 5)} 次"
    return f"{shown} 沒有列入任何結論：{missing_reason(found.reason).rstrip('.')}。"
