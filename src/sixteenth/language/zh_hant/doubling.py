"""What the last doubling of the images bought, in Traditional Chinese."""

from __future__ import annotations

import math

from ...analysis.findings.doubling import ControlRun, Half, HalfOrigin, LastDoubling
from ...analysis.stats.paired import Basis, Contrast
from ...spec.fields import is_frozen
from .numbers import count, interval, join, roughly, signed, signed_points
from .words import Words


def doubling(found: LastDoubling, words: Words) -> str:
    """The gain, then its two parts, or that they are not separated."""
    later = "有訓練尚未完成，結果可能改變。" if found.gain.unsettled else ""
    return _doubling(found, words) + later


def _doubling(found: LastDoubling, words: Words) -> str:
    text = (
        f"影像從 {count(found.half.images)} 張加倍到 {count(found.images)} 張時，"
        f"{words.arm(found.model, found.init)}的{words.term.accuracy}變化 {_value(found.gain)}"
    )
    mixed = "訓練步數隨影像一起增加，兩者的效果沒有分開，因此這項變化不歸給任何一方。"
    if math.isfinite(found.last_steps):
        steps = signed_points(found.last_steps)
        mixed = f"訓練步數隨影像一起增加；影像不變時，最後一次步數加倍準確率變化 {steps}。"
    if not found.steps_known:
        mixed = "表中沒有步數也沒有週期數，不知道訓練是否隨影像增加，因此這項變化不歸給任何一方。"
    if not found.measured:
        return f"{text}；{_origin(found.half)}。{mixed if found.more_steps else ''}"
    if found.from_images is not None and found.from_steps is not None:
        return (
            f"{text}：訓練步數相同時，影像貢獻 {_value(found.from_images)}；"
            f"步數增加貢獻 {_value(found.from_steps)}。"
        )
    if not found.more_steps:
        equal = found.from_images is not None and not is_frozen(found.init)
        return f"{text}，訓練步數相同。" if equal else f"{text}。"
    return f"{text}。{mixed}"


def _value(found: Contrast) -> str:
    around = interval(found)
    if found.basis is Basis.RISING_CURVE:  # a range, with no level of its own
        around = f"假設準確率不會因影像變多而下降，則為 {signed(found.low)} 至 {signed(found.high)}"
    return f"{signed_points(found.value)}（{around}）"


def control_run(control: ControlRun, words: Words) -> str:
    """``resnet18（隨機初始化，25,000 張影像），共 2,346 步（在這台機器上約 12 分鐘）``."""
    told = [f"{seeds} 個種子"] if (seeds := len(control.cell.runs)) > 1 else []
    if math.isfinite(control.seconds) and control.seconds > 0:
        told.append(f"在這台機器上約 {roughly(control.seconds)}")
    more = f"（{'，'.join(told)}）" if told else ""
    return f"{words.cell(control.cell)}，共 {count(control.steps)} 步{more}"


def _origin(half: Half) -> str:
    between = join([f"{count(size)} 張" for size in half.between])
    how = "的結果內插" if half.origin is HalfOrigin.INTERPOLATED else "之間的變化率推算"
    return f"其中 {count(half.images)} 張並未實際訓練，準確率由 {between}{how}而得"
