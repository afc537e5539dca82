"""What each tested lever does to a difference between two cells, in Traditional Chinese."""

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
from .numbers import NUMBERS, SENTENCE, images, interval, points, signed_points
from .words import Words

# What a network is trained with, in a few words.
CHANGED: Mapping[Lever, str] = {
    Lever.STEPS: "訓練步數變為四倍",
    Lever.IMAGE_SIZE: "影像尺寸加倍",
    Lever.STEM: "stem: cifar",
    Lever.ZERO_INIT: "zero_init_residual",
    Lever.RATE_HALF: "學習率減半",
    Lever.RATE_DOUBLE: "學習率加倍",
    Lever.WEIGHT_DECAY: "權重衰減變為四倍",
    Lever.AUGMENTATION: "更多資料增強",
    Lever.SEEDS: "更多種子",
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
    text = (
        f"{words.cell(behind)}{_stands(found.gap.value)} {words.arm(ahead.model, ahead.init)} "
        f"{points(found.gap.value)}：以平均結果比較，{interval(found.gap)}，前者訓練 "
        f"{len(behind.runs)} 次，後者 {len(ahead.runs)} 次。"
    )
    if not found.told:
        text += "這個差距與零無法區分，因此無法解釋成因。"
    return text


def _unfinished(found: UnfinishedLevers) -> str:
    parts = [
        f"{CHANGED[one.lever]}，{one.planned} 次訓練完成 {one.finished} 次" for one in found.levers
    ]
    return (
        f"檢驗這個差距的訓練尚未全部完成：{'；'.join(parts)}。其餘的訓練可能改變結論，"
        "再次執行相同的 sixteenth explain 即可繼續。"
    )


def _stands(value: float) -> str:
    return "落後" if value >= 0 else "領先"


def _lever(found: ExplainedLever, words: Words) -> str:
    behind, ahead = _name(found.behind, found, words), _name(found.ahead, found, words)
    gains = [
        f"{name} {signed_points(one.gain.value)}（{interval(one.gain)}）"
        for one, name in zip(found.gains, (behind, ahead), strict=False)
    ]
    text = (
        f"{_what(found.lever, behind)}：{'，'.join(gains)}。改變後 {behind}"
        f" {_stands(found.after.value)} {ahead} {points(found.after.value)}，原本落後 "
        f"{points(found.before.value)}"
    )
    if not math.isfinite(found.share.value):
        return f"{text}。這是不是原因，仍無法判斷。"
    if found.by_loss:
        return f"{text}。差距縮小，主要是因為 {ahead} 的準確率下降，{_verdict(found)}。"
    return f"{text}：這項改變解釋了{_share(found.share)}，{_verdict(found)}。"


def _tried_ahead(found: TriedAhead, words: Words) -> str:
    behind, ahead = _name(found.behind, found, words), _name(found.ahead, found, words)
    gain = found.gain.gain
    text = f"{_what(found.lever, ahead)}：{signed_points(gain.value)}（{interval(gain)}）。"
    return f"{text}嘗試時 {ahead} 落後，現在則領先，因此無法說明 {behind} 為何落後。"


def _share(share: Average) -> str:
    low, high = NUMBERS.decimal(100 * share.low, 0), NUMBERS.percent(share.high, digits=0)
    ends = SENTENCE.ends(share.level, low, high)
    if share.value > 1:
        return f"全部差距（{ends}）"
    part = "0%" if share.value < 0 else NUMBERS.percent(share.value, digits=0)
    return f"差距的 {part}（{ends}）"


def _verdict(found: ExplainedLever) -> str:
    match found.verdict:
        case LeverVerdict.REASON:
            return "所以這是一個原因"
        case LeverVerdict.NOT_MAIN:
            return "所以不是主要原因"
        case LeverVerdict.OPEN:
            return "這是不是原因，仍無法判斷"
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
    where = "" if caution.images is None else f"用 {images(found.behind.train_size)}時，"
    text = (
        f"{where}以這項研究的訓練方式，{behind} 落後 {ahead} {points(found.before.value)}。"
        "原因已經找到："
        f"{_what(found.lever, behind)}，這項改變解釋了{_share(found.share)}。"
    )
    if caution.images is not None:
        return f"{text}用 {images(caution.images)}時還沒有試過，{behind} 可能因此變好。"
    if found.remedied is not None:
        has = "不" if found.remedied.start is found.ahead else ""
        other = f" {ahead}"
        if len(found.gains) > 1:
            other = f"{has}採用的 {ahead}，因為 {ahead} 這樣準確率較高"
        text += f"上方的卡片比較的是採用這項改變的 {behind} 與{other}。"
    return text


def _what(lever: Lever, behind: str) -> str:
    match lever:
        case Lever.STEM:
            return f"第一層改成適合小影像的設計（{CHANGED[lever]}）"
        case Lever.ZERO_INIT:
            return f"殘差區塊一開始就是恆等映射（{CHANGED[lever]}）"
        case Lever.RATE_HALF | Lever.RATE_DOUBLE:
            return f"只把 {behind} 的{CHANGED[lever]}"
        case _:
            return CHANGED[lever]
