"""What could overturn the verdict, in Traditional Chinese."""

from __future__ import annotations

import math
from typing import assert_never

from ...analysis.findings.cautions import (
    Caution,
    LeakedTest,
    MixedData,
    MixedMachines,
    NothingLearned,
    OneSeed,
    PartTrained,
    ReasonFound,
    UnstableModel,
)
from ...analysis.findings.missing_runs import MeasuredSoFar, StoppedEarly, UnfinishedRuns
from ...analysis.findings.not_converged import CatchingUp, NotConverged
from ...analysis.findings.per_class import ImbalancedClasses
from ...spec.fields import is_frozen, is_last_stage
from ..text import portion
from . import explained
from .numbers import count, deviation, interval, percent, points, signed
from .words import Words


def say(found: Caution, words: Words) -> str:
    """One or two sentences."""
    match found:
        case NotConverged(known=False):
            return "訓練久一點，對最佳模型的幫助可能不亞於其他做法，高下也可能改變。"
        case NotConverged():
            return "最佳模型在訓練結束時仍在進步：訓練久一點，高下可能會改變。"
        case CatchingUp():
            return _catching_up(found, words)
        case OneSeed():
            return (
                f"{words.trained_once(found.once)}。如果訓練間的變異是假設值（標準差 "
                f"{deviation(found.deviation)}）的兩倍，這個結論就可能不成立。"
            )
        case UnstableModel():
            number, runs = len(found.falls), len(found.model.runs)
            which = f"的 {runs} 次訓練中有 {number} 次" if runs > 1 else "的"
            most = "最多下降" if number > 1 else "下降"
            return (
                f"{words.cell(found.model)}{which}訓練準確率中途{most} "
                f"{points(found.falls[0].fall)}：降低學習率後，它可能反而領先。"
            )
        case NothingLearned() if found.cell is found.best:
            then = (
                "微調全部權重，或改用較大的影像" if found.frozen else "嘗試其他學習率或較長的訓練"
            )
            return f"從測試影像分不出最佳模型與隨機猜測，因此無法據以建議。請先檢查標籤，再{then}。"
        case NothingLearned():
            how = "微調全部權重" if found.frozen else "換一個學習率"
            return (
                f"從測試影像分不出{words.cell(found.cell)}與隨機猜測。{how}，"
                "它可能就學得起來，結論也可能改變。"
            )
        case ReasonFound():
            return explained.reason(found, words)
        case ImbalancedClasses():
            return (
                f"類別不平衡（測試影像 {count(found.fewest)} 至 {count(found.most)} 張）："
                f"全部影像的準確率是 {percent(found.accuracy)}，但各類別召回率的平均只有 "
                f"{percent(found.balanced)}。這項研究可以改以平衡準確率為準。"
            )
        case LeakedTest():
            share = f"（{percent(found.share)}）" if math.isfinite(found.share) else ""
            return (
                f"有 {count(found.images)} 張測試影像{share}也在訓練影像中，因此準確率偏高。"
                "請從其中一邊移除，再重新訓練。"
            )
        case MixedMachines():
            return (
                f"訓練來自 {found.machines} 種不同的機器或數值精度，準確率與時間可能因此有"
                "偏差。全部在同一台機器上訓練才能比較。"
            )
        case MixedData():
            return "各次訓練看到的影像並不相同：任何比較都不可信。"
        case StoppedEarly():
            longer = ""
            if found.longer is not None:
                right = f"{words.term.accuracy}是 {percent(found.longer.accuracy)}"
                longer = f"完整訓練後，{words.cell(found.longer)}的{right}。"
            return (
                f"{count(found.images)} 張影像的訓練只進行了 {portion(found.length)} 的步數，"
                f"因此所有模型都以這個長度比較。{longer}再次執行這項研究，就會從中斷處繼續訓練。"
            )
        case MeasuredSoFar():
            state = "仍在訓練" if not found.stopped else "中途停止"
            if found.stopped and found.running:
                state = "中途停止或仍在訓練"
            again = "再次執行這項研究，就會接著訓練。" if found.stopped else ""
            return (
                f"{found.runs} 次訓練中有 {found.stopped + found.running} 次{state}，"
                f"準確率還沒有持平；採用的是最後一次測量的結果。{again}"
            )
        case PartTrained():
            model = words.model(found.best.model)
            text = f"{model} 只訓練了分類層，使用的是凍結特徵"
            if is_last_stage(found.best.init):
                text = f"{model} 只訓練了最後階段與分類層"
            if found.tuned:
                return f"{text}。"
            return f"{text}：沒有試過微調全部權重；微調後準確率可能更高，最有幫助的做法也可能不同。"
        case UnfinishedRuns():
            counts = (
                (found.failed, "失敗"),
                (found.missing, "沒有結果"),
                (found.running, "仍在訓練"),
            )
            said = "、".join(f"{number} 次{what}" for number, what in counts if number)
            stopped = ""
            if found.stopped:
                stopped = f"其中 {len(found.stopped)} 次中途中斷，可以接著訓練。"
            if len(found.stopped) == 1:
                epoch, epochs = found.stopped[0]
                stopped = f"其中 1 次停在第 {epoch} 個 epoch（共 {epochs} 個）。"
            diverged = ""
            if found.diverged:
                diverged = (
                    f"失敗的訓練中有 {found.diverged} 次損失變成 NaN 或無限大，照樣重訓還是會"
                    "如此：可以換一個學習率（train.learning_rate）。"
                )
            return f"{found.runs} 次訓練中有 {said}，未列入分析。{stopped}{diverged}"
        case _:
            assert_never(found)


def _catching_up(found: CatchingUp, words: Words) -> str:
    """That longer training may leave less of a lead."""
    behind, lead = words.cell(found.behind), words.term.gain.format(points(found.lead))
    less = f"訓練久一點，兩者之間的 {lead}可能會縮小。"
    if found.longer is not None:
        left = f"{points(found.longer.value)}（平均訓練之間的 {interval(found.longer)}）"
        less = f"訓練步數增為四倍時，兩者之間的 {lead}剩下 {left}。"
        if found.longer.value < 0:
            around = f"（平均訓練之間的 {interval(found.longer, flip=True)}）"
            less = f"訓練步數增為四倍時，反而領先 {points(found.longer.value)}{around}。"
    if math.isnan(found.gain):
        return f"{behind}在訓練結束時仍在進步：{less}"
    head = is_frozen(found.best.init)  # which has no steps
    mine = "" if head else f"，最佳模型則是 {signed(found.best_gain)}"
    return f"{behind}還在追趕：訓練步數最後一次加倍，讓它提升 {points(found.gain)}{mine}。{less}"
