"""Models, initial weights and cells in Traditional Chinese, as all sentences name them."""

from __future__ import annotations

from dataclasses import dataclass

from ...analysis.inputs.cells import Arm, Cell, MissingReason
from ...analysis.inputs.scoring import Metric
from ...spec.fields import is_frozen, is_part_trained, weights_of
from ..text import portion
from ..words import MetricTerms
from ..words import Words as BaseWords
from .numbers import images, tidy

ACROSS = "，跨不同種類的機器"
TERMS = {
    Metric.ACCURACY: MetricTerms(
        accuracy="準確率",
        test_accuracy="測試準確率",
        error="錯誤率",
        test_error="測試錯誤率",
        column="測試",
        gap="訓練準確率減測試準確率",
        right="準確率 {}",
        images_right="測試準確率 {}",
    ),
    Metric.BALANCED_ACCURACY: MetricTerms(
        accuracy="平衡準確率",
        test_accuracy="平衡準確率",
        error="平衡錯誤率",
        test_error="平衡錯誤率",
        column="平衡",
        gap="訓練準確率減一般測試準確率（表中未列）",
        right="平衡準確率 {}",
        images_right="平衡準確率 {}",
        gain="平衡準確率 {}",
        plain="以一般準確率計，",
    ),
}


@dataclass(frozen=True)
class Words(BaseWords):
    """The names of one study as parts of Chinese sentences."""

    across = ACROSS
    terms = TERMS

    def tidy(self, text: str) -> str:
        return tidy(text)

    def init(self, init: str) -> str:
        """``隨機初始化``, ``ImageNet 預訓練權重``, ``mine.pth 的權重``.

        With ``凍結的`` before them if only the classifier was trained, and ``只訓練最後階段的`` if
        only the last stage was.
        """
        if is_part_trained(init):
            trained = "凍結" if is_frozen(init) else "只訓練最後階段"
            return tidy(f"{trained}的 {self.init(weights_of(init)).replace(' 的權重', ' 權重')}")
        if init == "random":
            return "隨機初始化"
        if init == "imagenet":
            return "ImageNet 預訓練權重"
        if init.startswith("imagenet:"):
            return f"ImageNet {init.removeprefix('imagenet:')} 預訓練權重"
        return f"{self.names.inits.get(init, init)} 的權重"

    def arm(self, model: str, init: str) -> str:
        """``resnet18（隨機初始化）``."""
        return f"{self.model(model)}（{self.init(init)}）"

    def cell(self, cell: Cell) -> str:
        """``resnet18（隨機初始化，3,125 張影像）``."""
        return f"{self.model(cell.model)}（{self._of(cell)}）"

    def run(self, cell: Cell, seed: int) -> str:
        """One run of a cell; its seed only where others were planned."""
        if cell.planned <= 1:
            return self.cell(cell)
        return f"{self.model(cell.model)}（{self._of(cell)}，種子 {seed}）"

    def trained_once(self, arm: Arm | None) -> str:
        """That all cells of a model and init were trained once; of None, all cells of the study."""
        return f"{f'{self.arm(*arm)}的' if arm else ''}每個組合只訓練了一次"

    def _of(self, cell: Cell) -> str:
        steps = f"，{portion(cell.length)} 的步數" if cell.length < 1 else ""
        return f"{self.init(cell.init)}，{images(round(cell.train_size))}{steps}"


# Why the sign of a difference is not told, as a clause.
UNSETTLED = "有訓練尚未完成，差距可能改變"


def missing_reason(reason: MissingReason) -> str:
    """Why a run takes no part, in a few words; its own error as it said it."""
    if reason.error:
        return reason.error
    if reason.lacks:
        lacks = {"train_size": "訓練影像的張數", "test_accuracy": "測試準確率"}
        lacks["predictions"] = "每張測試影像的預測結果"
        return f"沒有留下{lacks[reason.lacks]}"
    return {
        "missing": "尚未執行",
        "interrupted": "中途中斷",
        "running": "仍在訓練",
        "failed": "失敗，但沒有留下訊息",
    }.get(reason.status, f"狀態為 {reason.status}")
