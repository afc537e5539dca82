"""Over- and underfitting in Traditional Chinese."""

from __future__ import annotations

import math
from typing import assert_never

from ...analysis.findings.diagnosis import FITTED
from ...analysis.findings.overfitting import (
    GAP_CHANGE,
    GapTrend,
    GeneralisationGap,
    MoreRisingTestLosses,
    NoRisingTestLoss,
    OverfittedRuns,
    OverfittingFinding,
    Underfitted,
    UnequalSteps,
    UnstableRuns,
)
from . import diagnosis
from .numbers import NUMBERS, count, images, percent, points, signed, signed_points
from .words import Words

# Of runs, where some have no curves.
WATCHED = "有訓練曲線的"


def say(finding: OverfittingFinding, words: Words) -> str:
    """A finding on over- or underfitting as sentences."""
    match finding:
        case GeneralisationGap():
            return _gap(finding, words)
        case OverfittedRuns():
            others = len(finding.run_ids) - 1
            more = f"另有 {count(others)} 次訓練也是如此，差距較小。" if others else ""
            return f"過擬合：{diagnosis.say(finding.worst, words)}{more}"
        case MoreRisingTestLosses():
            return f"另有 {count(len(finding.run_ids))} 次訓練也是如此。"
        case NoRisingTestLoss():
            where = "沒有任何一次訓練" if finding.several_runs else "這次訓練沒有"
            if not finding.of_all:
                several = f"{WATCHED}訓練中，沒有任何一次"
                where = several if finding.several_runs else f"{WATCHED}那次訓練沒有"
            return f"{where}出現訓練損失持續下降，測試損失卻明顯高於最低點的情形。"
        case Underfitted():
            return _underfitted(finding)
        case UnstableRuns():
            number = len(finding.run_ids)
            worst = words.run(finding.worst.cell, finding.worst.seed)
            furthest = "幅度最大的是 " if number > 1 else ""
            return (
                f"訓練不穩定：{'' if finding.of_all else f'{WATCHED} '}"
                f"{count(finding.runs)} 次訓練中有 {count(number)} 次"
                f"訓練準確率中途下降，{furthest}{worst}：{diagnosis.between(finding.worst)}。"
                "通常的補救方法是降低學習率。"
            )
        case UnequalSteps():
            return (
                f"epoch 數相同，訓練量並不相同：{images(finding.fewest_images)}是 "
                f"{count(finding.fewest_steps)} 步，{images(finding.most_images)}是 "
                f"{count(finding.most_steps)} 步（設定 train.steps: {round(finding.most_steps)}，"
                "各種資料量的步數就會相同）。"
            )
        case _:
            assert_never(finding)


def _gap(found: GeneralisationGap, words: Words) -> str:
    first, last = found.cells[0], found.cells[-1]
    parts = [f"{images(c.train_size)} {signed(c.mean('gap'))}" for c in found.cells]
    text = (
        f"{words.arm(first.model, first.init)}的泛化差距（訓練準確率減測試準確率，百分點）："
        f"{'、'.join(parts)}"
    )
    match found.trend:
        case None:
            return f"{text}。"
        case GapTrend.CANNOT_TELL:
            change = signed_points(found.change)
            return f"{text}；是否隨資料量改變無法判斷（從最少到最多影像 {change}）。"
        case GapTrend.LITTLE:
            return f"{text}；變化不到 {points(GAP_CHANGE)}。"
        case GapTrend.SMALLER:
            text += "，資料變多時差距變小"
        case GapTrend.LARGER:
            text += "，資料變多時差距變大"
        case _:
            assert_never(found.trend)
    fits = [percent(cell.mean("train_accuracy")) for cell in (first, last)]
    if found.little_fitted:
        steps = first.mean("steps")
        after = f"訓練 {count(steps)} 步後" if math.isfinite(steps) else ""
        text += (
            f"；影像最少時{after}訓練準確率只有 {fits[0]}（影像最多時 {fits[1]}），還談不上過擬合"
        )
    else:
        text += f"（訓練準確率從 {fits[0]} 到 {fits[1]}）"
    if found.loss_gaps is not None:
        losses = [NUMBERS.decimal(value, 2) for value in found.loss_gaps]
        text += f"；以損失計算，差距從 {losses[0]} 到 {losses[1]}"
    return f"{text}。"


def _underfitted(found: Underfitted) -> str:
    number = len(found.run_ids)
    watched = "" if found.of_all else WATCHED
    which = f"{watched} {found.runs} 次訓練中有 {number} 次".strip()
    if number == found.runs:
        one = f"{watched}那次訓練" if watched else "這次訓練"
        which = f"{watched}每次訓練都" if number > 1 else one
    ends = ""
    if found.rises:
        least, most = (f([each.rise for each in found.rises]) for f in (min, max))
        rises = points(least)
        if points(least) != points(most):
            rises = f"{NUMBERS.decimal(100 * least, 1)} 至 {points(most)}"
        whose = "各模型" if len(found.rises) > 1 else ""
        ends = f"（{whose}影像最多時，最後三分之一上升 {rises}）"
    return (
        f"{which}在訓練準確率不到 {NUMBERS.percent(FITTED, 0)} 時就結束，而且到最後還在上升{ends}："
        "訓練尚未收斂；步數增加後，泛化差距可能改變。"
    )
