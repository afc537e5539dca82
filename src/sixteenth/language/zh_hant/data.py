"""Doubts about labels and data in Traditional Chinese."""

from __future__ import annotations

from typing import assert_never

from ...analysis.findings.doubtful_labels import (
    ConflictingLabels,
    Copies,
    DataFinding,
    Examples,
    LabelCeiling,
    LeakedImages,
    NoCopies,
)
from .numbers import count, images, percent, points
from .words import Words


def say(finding: DataFinding, words: Words) -> str:
    """A finding on labels or data as sentences."""
    match finding:
        case LabelCeiling():
            return _ceiling(finding, words)
        case LeakedImages():
            return _leaked(finding)
        case Copies():
            parts = [
                f"{where}有 {count(number)} 張"
                for number, where in ((finding.train, "訓練集"), (finding.test, "測試集"))
                if number
            ]
            return f"發現重複的影像：{'，'.join(parts)}。不重複的影像比總張數少。"
        case ConflictingLabels():
            return f"有 {images(finding.images)}帶有一個以上的標籤。"
        case Examples():
            return f"例如：{'；'.join(finding.examples)}。"
        case NoCopies():
            return "已檢查重複影像：沒有任何影像出現兩次，訓練集與測試集也沒有重疊。"
        case _:
            assert_never(finding)


def _ceiling(found: LabelCeiling, words: Words) -> str:
    judged = "兩個" if found.networks == 2 else f" {found.networks} 個"
    head = f"用 {images(found.train_images)}訓練出的{judged}網路"
    if found.networks < found.candidates:
        names = "、".join(words.network(*arm) for arm in found.arms)
        head = (
            f"用 {images(found.train_images)}訓練出的 {found.candidates} 個網路中，有 "
            f"{found.networks} 個（{names}）"
        )
    if not found.images_in_doubt:
        return f"{head}，沒有對任何一張測試影像一致且有信心地給出不同的標籤：看不出有標錯的標籤。"
    end = "；請先檢查這些影像"
    if found.small:
        end = "；準確率偏低並非主要由此造成"
    return (
        f"{head}，在 {count(found.test_images)} 張測試影像中，把 {count(found.images_in_doubt)} 張"
        "一致判為另一個類別，信心與平常判為該類別時相當：可能是標籤有誤，也可能是影像本身很難。"
        f"如果全都是標籤錯誤，{words.term.plain}最佳組合的錯誤率（{percent(found.best_error)}）中，"
        f"有 {points(found.share)}不能歸咎於模型{end}。"
    )


def _leaked(found: LeakedImages) -> str:
    text = f"資料洩漏：有 {count(found.images)} 張測試影像也在訓練影像中"
    if found.test_size > 0:
        text += (
            f"（占測試集的 {percent(found.images / found.test_size)}）。測試準確率最多可能因此高估"
            "這麼多；訓練時用到其中越多張，高估越多"
        )
    return f"{text}。"
