"""What single runs show, and by which rules, in Traditional Chinese."""

from __future__ import annotations

import math
from typing import assert_never

from ...analysis.findings.diagnosis import (
    CLIMB,
    FALL,
    FALL_ERRORS,
    FITTED,
    LARGE_GAP,
    LOSS_RISE,
    TRAIN_LOSS_FALL,
    AtChance,
    DiagnosisFinding,
    DiagnosisKind,
    Overfitting,
    RisingTestLoss,
    SmallMap,
    TooFewSteps,
    UnstableTraining,
)
from ...analysis.inputs.scoring import Metric
from .numbers import NUMBERS, count, images, percent, points, significant, tidy
from .words import Words


def say(finding: DiagnosisFinding, words: Words) -> str:
    """A diagnosis as a sentence that starts with the run."""
    run = words.run(finding.cell, finding.seed)
    match finding:
        case Overfitting():
            return (
                f"{run}：訓練準確率 {percent(finding.train_accuracy)}，測試準確率只有 "
                f"{percent(finding.test_accuracy)}，相差 {points(finding.gap)}。"
            )
        case RisingTestLoss():
            test = significant(finding.test_loss_best), significant(finding.test_loss_last)
            train = significant(finding.train_loss_best), significant(finding.train_loss_last)
            return (
                f"{run}：測試損失在第 {finding.best_epoch} 個 epoch 最低（{test[0]}），到第 "
                f"{finding.last_epoch} 個 epoch 升到 {test[1]}，同一段期間訓練損失則從 {train[0]} "
                f"降到 {train[1]}。"
            )
        case TooFewSteps():
            known = math.isfinite(finding.steps)
            steps = f"訓練 {count(finding.steps)} 步後" if known else "結束時"
            rise = ""
            if finding.rise > 0:
                rise = f"最後三分之一的 epoch 中上升了 {points(finding.rise)}，"
            return (
                f"{run}：訓練準確率到最後還在上升，{rise}{steps}為 "
                f"{percent(finding.train_accuracy)}。"
            )
        case UnstableTraining():
            return f"{run}：訓練準確率{between(finding)}。"
        case SmallMap():
            size = finding.image_size
            image = f"影像為 {size}x{size} 像素時，" if size else ""
            return f"{run}：{image}最後一層卷積的特徵圖只有 1x1。"
        case AtChance():
            chance = percent(finding.chance)
            guess = f"沒有高於隨機猜測（{chance}）"
            if finding.above_chance:
                tested = images(round(finding.test_size))
                guess = f"以 {tested}測試，與隨機猜測（{chance}）分不出來"
            return (
                f"{run}：{words.term.images_right.format(percent(finding.test_accuracy))}，{guess}；"
                "從測試影像看不出這次訓練學到了什麼。"
            )
        case _:
            assert_never(finding)


def between(finding: UnstableTraining) -> str:
    """How far training accuracy fell, and when."""
    return (
        f"從第 {finding.high_epoch} 個 epoch 的 {percent(finding.high)} 掉到第 "
        f"{finding.low_epoch} 個 epoch 的 {percent(finding.low)}"
    )


def rule(kind: DiagnosisKind, words: Words) -> str:
    """When a run gets this diagnosis."""
    match kind:
        case DiagnosisKind.OVERFITTING:
            return f"訓練準確率至少 {percent(FITTED)}，而且比測試準確率高至少 {points(LARGE_GAP)}"
        case DiagnosisKind.TEST_LOSS_RISING:
            rise, fall = NUMBERS.percent(LOSS_RISE, 0), NUMBERS.percent(TRAIN_LOSS_FALL, 0)
            return tidy(
                f"測試損失在結束時比最低點高至少 {rise} 且超過兩個標準誤，"
                f"而訓練損失在這段期間下降至少 {fall}"
            )
        case DiagnosisKind.TOO_FEW_STEPS:
            return (
                f"訓練準確率低於 {percent(FITTED)}，而且在最後三分之一的 epoch 中上升至少 "
                f"{points(CLIMB)}"
            )
        case DiagnosisKind.UNSTABLE_TRAINING:
            return (
                f"最後一個 epoch 之前，某個 epoch 的訓練準確率比先前的低至少 {points(FALL)}，"
                f"且超過 {FALL_ERRORS:.0f} 個標準誤"
            )
        case DiagnosisKind.SMALL_MAP:
            return "最後一層卷積的特徵圖是 1x1"
        case DiagnosisKind.AT_CHANCE:
            accuracy = words.term.test_accuracy
            if words.names.metric is Metric.BALANCED_ACCURACY:
                return f"{accuracy}的 95% 信賴區間沒有高於隨機猜測"
            return (
                f"{accuracy}的 95% 信賴區間沒有高於隨機猜測；有各張影像的預測時，平衡準確率的也沒有"
            )
        case _:
            assert_never(kind)
