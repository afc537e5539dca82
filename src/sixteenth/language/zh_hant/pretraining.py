"""What pretrained weights change, in Traditional Chinese."""

from __future__ import annotations

import math
from typing import assert_never

from ...analysis.curves.forecast import Worth
from ...analysis.findings.pretraining import (
    AheadOnFewer,
    FirstEpoch,
    FitAndGap,
    GainSource,
    InitGain,
    InitGainByModel,
    InitGainChange,
    NoSharedCell,
    OneInit,
    PretrainingFinding,
    WorthInImages,
)
from ...analysis.stats.paired import Contrast, Side
from .numbers import (
    SENTENCE,
    count,
    coverage,
    images,
    interval,
    percent,
    points,
    signed_points,
    times,
)
from .words import Words


def say(finding: PretrainingFinding, words: Words) -> str:
    """A finding on pretrained weights as a sentence."""
    match finding:
        case OneInit():
            unknown = "預訓練權重能帶來多少幫助"
            if finding.init != "random":
                unknown = "它比隨機初始化好多少"
            return f"所有訓練都使用 {words.init(finding.init)}：{unknown}，不在這項研究的範圍內。"
        case NoSharedCell():
            return "沒有任何組合同時完成了使用與不使用預訓練權重的訓練。"
        case InitGain():
            return _gain(finding, words)
        case InitGainChange():
            return _change(finding, words)
        case FitAndGap():
            return _fit_and_gap(finding, words)
        case FirstEpoch():
            return (
                f"用 {images(finding.train_size)}訓練一個 epoch 之後，{words.init(finding.init)}的"
                f"測試準確率為 {percent(finding.accuracy)}，{words.init(finding.base)}為 "
                f"{percent(finding.base_accuracy)}。"
            )
        case AheadOnFewer():
            return _ahead_on_fewer(finding, words)
        case WorthInImages():
            return _worth(finding, words)
        case InitGainByModel():
            return _by_model(finding, words)
        case _:
            assert_never(finding)


def _gain(found: InitGain, words: Words) -> str:
    parts = []
    for size, difference, told in zip(found.sizes, found.differences, found.told, strict=True):
        unclear = "" if told else "，無法判斷"
        gain = f"{signed_points(difference.value)}（{interval(difference)}{unclear}）"
        parts.append(f"{images(size)} {gain}")
    return (
        f"{words.arm(found.model, found.init)}相對於 {words.init(found.base)}：{'；'.join(parts)}。"
    )


def _change(found: InitGainChange, words: Words) -> str:
    sizes = f"影像從 {count(found.from_images)} 張增加到 {count(found.to_images)} 張時"
    around = _points(found.difference)
    brings = f"{words.init(found.init)}為 {words.model(found.model)} 帶來的提升"
    if not found.difference.leaves_out_zero:
        return f"{sizes}，{brings}是否改變無法判斷（{around}）。"
    verb = "變大" if found.difference.side is Side.ABOVE else "變小"
    return f"{sizes}，{brings}{verb}（{around}）。"


def _fit_and_gap(found: FitAndGap, words: Words) -> str:
    most = {
        None: "",
        GainSource.FIT: "：提升主要來自對訓練影像擬合得更好",
        GainSource.GAP: "：提升主要來自泛化差距變小，而不是擬合得更好",
    }
    return (
        f"用 {images(found.train_size)}時，{words.model(found.model)} 的訓練準確率變化 "
        f"{signed_points(found.train_accuracy_change)}，泛化差距變化 "
        f"{signed_points(found.gap_change)}{most[found.source]}。"
    )


def _ahead_on_fewer(found: AheadOnFewer, words: Words) -> str:
    fewer, more, difference = found.fewer, found.more, found.difference
    around = interval(difference)
    return (
        f"{words.arm(fewer.model, fewer.init)}只用 {images(fewer.train_size)}"
        f"（{percent(fewer.accuracy)}），就領先同一模型以 {words.init(more.init)}用 "
        f"{images(more.train_size)}的結果（{percent(more.accuracy)}），領先 "
        f"{points(difference.value)}（{around}）。"
    )


def _worth(found: WorthInImages, words: Words) -> str:
    base = words.init(found.base)
    parts = [
        f"要達到它用 {images(worth.images)}時的錯誤率，{base}需要{_times_as_many(worth)}"
        for worth in found.worth
    ]
    return (
        f"依擬合曲線，{words.init(found.init)}對 {words.model(found.model)} 抵得上多少影像："
        f"{'；'.join(parts)}。"
    )


def _times_as_many(found: Worth) -> str:
    most = f"超過 {times(found.most)}的影像"
    if not math.isfinite(found.low):
        return f"{most}（這些曲線只能推算到這裡）"
    around = f"{coverage(found.level)} 區間 {times(found.low)}以上，上限推算不出來"
    if math.isfinite(found.high):
        around = SENTENCE.ends(found.level, times(found.low), times(found.high))
    if not math.isfinite(found.factor):
        return f"{most}（{around}）"
    return f"約 {times(found.factor)}的影像（{around}）"


def _by_model(found: InitGainByModel, words: Words) -> str:
    small, big = words.model(found.small), words.model(found.big)
    head = f"用 {images(found.train_size)}時，{words.init(found.init)}對 {big} 的提升"
    around = _points(found.difference)
    if not found.difference.leaves_out_zero:
        return f"{head}與對 {small} 的提升，看不出差別（{around}）。"
    more = "大" if found.difference.side is Side.ABOVE else "小"
    return f"{head}比對 {small} 的{more}（{around}）。"


def _points(found: Contrast) -> str:
    return f"{signed_points(found.value)}，{interval(found)}"
