"""What may be behind an expectation that did not hold, in Traditional Chinese."""

from __future__ import annotations

import math
from typing import assert_never

from ...analysis.findings.causes import (
    Cause,
    CauseFinding,
    GapDifference,
    PoorerFit,
    SmallFinalMap,
    TooSmallStudy,
)
from ...analysis.findings.training_time import DifferenceByLength
from ...spec.fields import is_frozen
from . import diagnosis
from .expectation import NO_DIFFERENCE, too_much
from .numbers import count, images, interval, percent, points, signed_points
from .words import Words


def say(finding: CauseFinding, words: Words) -> str:
    """A possible cause with the size it is seen at, the evidence and what would test it."""
    favoured = finding.favoured
    place = f"{images(favoured.train_size)}，{words.init(favoured.init)}"
    return f"{place}：{_cause(finding, words)}"


def _cause(finding: CauseFinding, words: Words) -> str:
    match finding:
        case TooSmallStudy():
            return _too_small(finding)
        case PoorerFit():
            return _poorer_fit(finding, words)
        case GapDifference():
            return _gap(finding, words)
        case SmallFinalMap():
            return _small_map(finding, words)
        case _:
            assert_never(finding)


def _too_small(found: TooSmallStudy) -> str:
    hidden = f"{too_much(found.difference)}，{NO_DIFFERENCE}"
    if math.isfinite(found.detectable):
        hidden = f"小於約 {points(found.detectable)}的差異，看不出來的機率超過五分之一"
    tested = f"，測試影像 {count(found.test_size)} 張" if found.test_size > 0 else ""
    trainings = count(found.difference.seeds)
    return f"研究規模可能太小。每個組合訓練 {trainings} 次{tested}，{hidden}。"


def _poorer_fit(found: PoorerFit, words: Words) -> str:
    a, b = words.model(found.favoured.model), words.model(found.other.model)
    recipe = f"超參數比較不適合 {a}。"
    cause = f"步數太少、訓練不穩定，或是{recipe}"
    if is_frozen(found.favoured.init):
        cause = f"{a} 的凍結特徵較難區分這些類別。"
    elif found.cause is Cause.TOO_FEW_STEPS:
        cause = "步數太少。"
    elif found.cause is Cause.UNSTABLE_TRAINING:
        cause = "訓練不穩定。"
    elif found.cause is Cause.RECIPE:
        cause = recipe
    return (
        f"{cause}{a} 的訓練準確率是 {percent(found.favoured.mean('train_accuracy'))}，{b} 是 "
        f"{percent(found.other.mean('train_accuracy'))}："
        f"{_part(found.shortfall.fit, found.shortfall.total, words)}在訓練影像上就已經出現。"
        f"{_what_tells(found, a, b)}"
    )


def _what_tells(found: PoorerFit, a: str, b: str) -> str:
    """What was seen of the training, and what would tell more."""
    if found.falls:
        return _fell_back(found, a, b)
    return _climbs(found, a, b) if found.lengths is None else _by_length(found.lengths, a, b)


def _by_length(found: DifferenceByLength, a: str, b: str) -> str:
    """What longer training was measured to change, and what would tell."""
    first, last = count(found.steps[0]), count(found.steps[-1])
    nearer = found.change.value > 0
    moved = "縮小" if nearer else "擴大"
    text = (
        f"訓練從 {first} 步增加到 {last} 步，{a} 在測試影像上與 {b} 的差距{moved} "
        f"{points(found.change.value)}（{interval(found.change, flip=not nearer)}）："
    )
    if nearer:
        return f"{text}{a} 正在追上。增加步數（train.steps）就能確認。"
    return f"{text}只增加步數不一定有用。替 {a} 換一個學習率或權重衰減就能確認。"


def _fell_back(found: PoorerFit, a: str, b: str) -> str:
    """How often and how far training fell back, and what would tell."""
    worst, runs = found.falls[0], len(found.favoured.runs)
    often = f"{a} 的 {count(runs)} 次訓練中有 {count(len(found.falls))} 次訓練準確率中途下降"
    if runs == 1:
        often = f"{a} 的訓練準確率中途下降"
    furthest = "幅度最大的是" if len(found.falls) > 1 else ""
    seed = f"，{furthest}種子 {worst.seed}" if runs > 1 else ""
    return (
        f"{often}{seed}：{diagnosis.between(worst)}。{b} 沒有這種情形。"
        f"把 {a} 的學習率減半就能確認。"
    )


def _climbs(found: PoorerFit, a: str, b: str) -> str:
    """How training accuracy went at the end, and what would tell."""
    if found.climbs is None:
        return ""
    steps = found.favoured.mean("steps")
    whole = f"（全部 {count(steps)} 步）" if math.isfinite(steps) else ""
    went = f"{a} 上升 {points(found.climbs[0])}，{b} 上升 {points(found.climbs[1])}"
    if min(found.climbs) < 0:
        went = (
            f"{a} 變化 {signed_points(found.climbs[0])}，{b} 變化 {signed_points(found.climbs[1])}"
        )
    text = f"以直線擬合訓練的最後三分之一{whole}，訓練準確率 {went}"
    if found.cause is Cause.TOO_FEW_STEPS:
        if found.falling_rate:
            text += "（其中一部分來自學習率下降）"
        return f"{text}：{a} 正在追上。增加步數（train.steps）就能確認。"
    return (
        f"{text}：{a} 並沒有在追上，所以只增加步數不一定有用。"
        f"替 {a} 換一個學習率或權重衰減就能確認。"
    )


def _gap(found: GapDifference, words: Words) -> str:
    a, b = words.model(found.favoured.model), words.model(found.other.model)
    gaps = [signed_points(cell.mean("gap")) for cell in (found.favoured, found.other)]
    augmentation = "更強的資料增強" if found.augmented else "資料增強"
    ways = f"、{augmentation}或較大的權重衰減"
    if is_frozen(found.favoured.init):
        ways = ""  # its penalty was chosen, and its images were taken as they are
    return (
        f"過擬合。{a} 的泛化差距是 {gaps[0]}，{b} 是 {gaps[1]}："
        f"{_part(found.shortfall.gap, found.shortfall.total, words)}來自較大的泛化差距。增加影像"
        f"{ways}就能確認。"
    )


def _part(part: float, whole: float, words: Words) -> str:
    """How much of the shortfall a cause accounts for, as the subject of a sentence."""
    if round(part, 3) >= round(whole, 3):
        return f"{words.term.plain}落後的 {points(whole)}全部"
    return f"{words.term.plain}落後的 {points(whole)}中，有 {points(part)}"


def _small_map(found: SmallFinalMap, words: Words) -> str:
    size = f"影像為 {found.image_size}x{found.image_size} 像素時，" if found.image_size else ""
    whose = "兩個模型" if found.both else f"{words.model(found.favoured.model)} "
    stem = "" if found.cifar_stem else "，或把 ResNet 設為 stem: cifar，"
    return (
        f"影像解析度對第一層（stem）來說太低。{size}{whose}最後一層特徵圖只有 1x1，"
        f"不再保留空間資訊。這是否有影響並未測試；用較大的影像{stem}再做一次研究就能確認。"
    )
