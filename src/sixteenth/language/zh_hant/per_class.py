"""The classes that need images most, in Traditional Chinese."""

from __future__ import annotations

import math
from typing import assert_never

from ...analysis.findings.per_class import ClassFinding, ClassRecall, NoWeakClass, WeakClasses
from ..sentences import CLASSES_NAMED
from ..text import plain
from .numbers import accuracy_interval, count, percent, signed
from .words import Words


def say(finding: ClassFinding, words: Words) -> str:
    """A finding on classes as sentences."""
    match finding:
        case WeakClasses():
            return _weak(finding, words)
        case NoWeakClass():
            return (
                f"{words.cell(finding.cell)}沒有特別弱的類別：{count(finding.classes)} 個類別中，"
                f"沒有任何一個的召回率低於平均的程度，超出測試影像"
                f"（最少的類別 {count(finding.fewest)} 張）、"
                "訓練間的變異，以及從這麼多類別中挑選所能解釋的範圍。"
            )
        case ClassRecall():
            grown = " → ".join(percent(recall) for recall in finding.recalls)
            around = accuracy_interval(finding.interval)
            return f"召回率，{plain(finding.name)}：{grown}（{around}）。"
        case _:
            assert_never(finding)


def _weak(found: WeakClasses, words: Words) -> str:
    shown = found.weak[:CLASSES_NAMED]
    listed = "、".join(
        f"{plain(one.name)}（召回率 {percent(one.recall)}，{accuracy_interval(one.interval)}）"
        for one in shown
    )
    more = len(found.weak) - len(shown)
    these = "該類別" if len(found.weak) == 1 else "這些類別"
    rest = f"，以及另外 {count(more)} 個類別" if more else ""
    text = (
        f"最需要影像的類別：{listed}{rest}。以 {words.cell(found.cell)}測試，召回率低於全部 "
        f"{count(found.classes)} 個類別的平均 {percent(found.mean)}，差距超出偶然能解釋的範圍。"
    )
    if math.isfinite(found.mean_gain):
        gain = sum(one.gain for one in found.weak) / len(found.weak)
        text += (
            f"最後一次增加影像時，{these}的召回率約變化 {signed(gain)} 個百分點"
            f"（向全部類別的平均 {signed(found.mean_gain)} 個百分點收縮後的估計值）。"
            if found.gains_differ
            else f"最後一次增加影像時，各類別的召回率平均變化 {signed(found.mean_gain)} 個百分點；"
            "類別之間的不同，沒有超出偶然能解釋的範圍。"
        )
        flat = "、".join(plain(one.name) for one in shown if one.gain <= 0)
        if flat:
            text += f"目前為止增加影像對 {flat} 沒有幫助：請先檢查標籤。"
    return f"{text}只增加{these}的影像是否就夠，沒有試過。"
