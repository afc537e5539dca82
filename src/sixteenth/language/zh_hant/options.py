"""What could be had from the best network, in Traditional Chinese."""

from __future__ import annotations

import math
from typing import assert_never

from ...analysis.findings.levers import Lever
from ...analysis.findings.options import HeldBack, Option, OptionKind, OptionVerdict
from ...spec.fields import is_frozen, is_last_stage
from ..screen import equal_steps, may_be_best, rates
from ..sentences import SURE
from .curves import warning
from .explained import CHANGED
from .numbers import (
    SENTENCE,
    count,
    images,
    interval,
    is_nothing,
    points,
    probability,
    roughly,
    signed_points,
)
from .words import ACROSS, Words

CORRECTED = "做多重比較校正後"  # before what does not count although its interval leaves out zero


def do(option: Option, words: Words) -> str:
    """The option as what one would do, without a full stop."""
    start = option.start
    match option.kind:
        case OptionKind.DATA:
            if option.adds_labelled:
                new = count(option.new_images)
                return f"改用 {images(option.images)}訓練（其中 {new} 張需要新標註）"
            if option.new_images:
                return f"再標註 {images(option.new_images)}"
            return f"改用 {images(option.images)}訓練（這些影像已有標籤）"
        case OptionKind.MODEL:
            return f"改用 {label(option, words)}" if option.end else "試試較大的模型"
        case OptionKind.INIT:
            if option.fine_tunes:
                return f"訓練{more(option)}，而不只是{trained(start.init)}"
            if option.end:
                return f"改用 {label(option, words)}"
            if not option.available:
                return "試試有預訓練權重的模型"
            return "試試預訓練權重" if start.init == "random" else "試試其他預訓練權重"
        case OptionKind.TRAINING:
            return "把訓練步數增為四倍" if option.times_steps > 3 else "訓練久一點"
        case OptionKind.RESOLUTION:
            if option.lever is Lever.STEM:
                return "改用適合小影像的第一層（stem: cifar）"
            return "把影像尺寸加倍" if option.lever else "試試較大的影像尺寸"
        case _:
            assert_never(option.kind)


def trained(init: str) -> str:
    """The part of a network that was trained."""
    return "分類層" if is_frozen(init) else "最後階段"


def more(option: Option) -> str:
    """What an option trains of a network of which a part was trained."""
    return "最後階段" if option.end and is_last_stage(option.end[1]) else "全部權重"


def heading(option: Option, words: Words) -> str:
    """What stands above what an option brings; a loss is nobody told to take."""
    return do(option, words) if option.advised else f"不建議：{do(option, words)}"


def label(option: Option, words: Words) -> str:
    """The option in a few words, beside its point in the figure."""
    match option.kind:
        case OptionKind.DATA:
            steps = option.mixed and option.gain > 0
            if option.doubles:
                return f"影像加倍（{count(option.images)} 張）{'，步數也加倍' * steps}"
            return f"全部已標註的影像（{count(option.images)} 張）{'，步數也增加' * steps}"
        case OptionKind.MODEL:
            return _with(words.model(option.end[0]), option) if option.end else "較大的模型"
        case OptionKind.INIT:
            if option.fine_tunes:
                return f"訓練{more(option)}"
            return _with(words.init(option.end[1]), option) if option.end else "其他權重"
        case OptionKind.TRAINING:
            return CHANGED[Lever.STEPS] if option.times_steps > 3 else "訓練步數加倍"
        case OptionKind.RESOLUTION:
            if option.lever is Lever.STEM:
                return "適合小影像的第一層"
            return "影像尺寸加倍" if option.lever else "較大的影像尺寸"
        case _:
            assert_never(option.kind)


def _with(name: str, option: Option) -> str:
    """A model or weights, with the lever that they are trained with, if there is one."""
    return f"{name}（{CHANGED[option.lever]}）" if option.lever else name


def gain(option: Option, words: Words) -> str:
    """The gain with its interval: ``約 3.8 個百分點（預測，90% 區間 1.9 至 5.7）``."""
    if not option.known:
        return "尚未嘗試"
    if is_nothing(option.gain):
        about = "幾乎沒有差別"
    elif option.gain < 0:
        about = f"{words.term.accuracy}變化 {signed_points(option.gain)}"
    else:
        about = f"{words.term.accuracy}可提升 {points(option.gain)}"
    across = ACROSS * option.across_machines
    how = "實測" if option.measured else "預測"
    return f"{about}（{how}，{interval(option, measured=option.measured)}{across}）"


def why(option: Option, words: Words) -> str:
    """What an option brings, as a sentence."""
    if not option.known:
        return f"{untried(option, words)}。"
    text = gain(option, words)
    if option.corrected_away:
        text += f"，但{CORRECTED}無法確定有差異"
    elif option.verdict is OptionVerdict.CANNOT_TELL:
        text += "，因此也可能沒有幫助" if option.gain >= 0 else "，因此也可能沒有影響"
    if equal_steps(option) and not is_nothing(option.gain):
        text += f"；在訓練步數不變時為 {points(option.gain_at_equal_steps)}"
    if option.mixed and option.gain > 0:
        known = math.isfinite(option.start.mean("steps"))
        text += f"；訓練步數{'' if known else '可能'}隨影像一起增加，兩者的效果沒有分開"
    if option.converged is False and option.kind is not OptionKind.TRAINING:
        text += "；因為訓練久一點可能會改變，這個數字還不算定論"
    if option.held_back is HeldBack.NOT_AT_END:
        text += "；因為影像較少的訓練尚未完成，這個數字還不算定論"
    if option.held_back is HeldBack.GUESSING:
        text += "；因為最佳模型可能只是在猜，這個數字還不算定論"
    if option.doubts:
        text += f"（{'；'.join(warning(doubt, 0) for doubt in option.doubts)}）"
    if may_be_best(option):
        text += f"；是這些做法中效果最好的機率 {probability(option.chance_best, SURE)}"
        if not is_nothing(option.regret):
            text += f"，選擇這項做法平均比最好的做法少 {points(option.regret)}"
    return f"{text}。"


def untried(option: Option, words: Words) -> str:
    """Why nothing is known of what an option brings: a clause."""
    model = words.model(option.start.model)
    if option.without_result:
        runs = f"比 {model} 更大的模型"
        if option.kind is OptionKind.INIT:
            weights = "預訓練權重" if option.start.init == "random" else "其他權重"
            runs = f"{model} 訓練更多層" if option.fine_tunes else f"{model} 從{weights}開始"
        return f"{runs}、用同樣多影像的訓練失敗或尚未完成"
    match option.kind:
        case OptionKind.DATA:
            return "只訓練過一種資料量，看不出增加影像的效果"
        case OptionKind.MODEL:
            return f"沒有用同樣多的影像訓練過比 {model} 更大的模型"
        case OptionKind.INIT:
            if not option.available:
                return f"{model} 沒有預訓練權重；resnet18 等模型則有"
            if option.fine_tunes:
                if option.elsewhere:
                    return f"沒有用同樣多的影像訓練過 {model} 的全部權重"
                return f"這項研究只訓練了{trained(option.start.init)}"
            if option.start.init == "random":
                if option.elsewhere:
                    return f"{model} 沒有用同樣多的影像從預訓練權重開始訓練過"
                return "沒有任何一次訓練使用預訓練權重"
            return "沒有用同樣多的影像訓練過其他預訓練權重"
        case OptionKind.TRAINING:
            if option.converged is False:
                return "訓練準確率在結束時還在上升，但沒有試過訓練更久"
            return "沒有試過較短的訓練，因此不知道訓練更久有沒有幫助"
        case OptionKind.RESOLUTION:
            return (
                f"{model} 最後一層特徵圖只有 1x1；沒有試過較大的影像，也沒有試過把 ResNet 設為 "
                "stem: cifar"
            )
        case _:
            assert_never(option.kind)


def cost(option: Option) -> str:
    """What it takes; empty where not known."""
    if not option.known:
        return ""
    new = round(option.new_images)
    text = f"需要新標註 {images(new)}" if new else "不需要新的標籤"
    if math.isfinite(option.seconds) and option.seconds > 0:
        text += f"，在這台機器上訓練約 {roughly(option.seconds)}"
    rated = [
        f"每{unit} {rate} 個百分點"
        for rate, unit in zip(rates(option, SENTENCE), (" 1,000 張標註", "小時訓練"), strict=True)
        if rate
    ]
    if rated:
        text += f"：{'，'.join(rated)}"
    return f"{text}。"
