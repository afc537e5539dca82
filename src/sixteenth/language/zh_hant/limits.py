"""What a study cannot say, in Traditional Chinese."""

from __future__ import annotations

from typing import assert_never

from ...analysis.findings.limits import (
    ChosenLengths,
    DecidedBy,
    Detectable,
    Extrapolation,
    FewEpochs,
    FewSeeds,
    LimitFinding,
    NotAllPaired,
    OneRecipe,
    OneSize,
    Repeats,
    ReportedEpoch,
)
from ...analysis.inputs.predictions import Unpaired
from ...spec.fields import AT_MAX_EPOCHS, AUTO_ENDS, LEVELLED_OFF, STOPPED
from ...spec.train_spec import AUTO_VALIDATION, LEAST_GAIN
from ..text import plain
from .numbers import NUMBERS, count, coverage, images, join, points
from .words import Words


def say(finding: LimitFinding, words: Words) -> str:
    """A limit as sentences."""
    match finding:
        case DecidedBy():
            return _decided_by(finding)
        case FewSeeds():
            return _seeds(finding)
        case FewEpochs():
            order = "，也可能改變模型之間的高下" if finding.several_models else ""
            return (
                f"所有訓練都只有 {count(round(finding.epochs))} 個 epoch，算是很少：訓練久一點通常"
                f"會提高準確率{order}。"
            )
        case ReportedEpoch():
            return _chosen(finding.chosen_by)
        case ChosenLengths():
            return _lengths(finding, words)
        case NotAllPaired():
            return (
                f"有些差異不是逐張測試影像配對比較的，因為{_why(finding.reason)}；"
                "這些信賴區間比必要的寬。"
            )
        case OneSize():
            return f"只有一種資料量（{images(finding.train_size)}），看不出增加影像的效果。"
        case Extrapolation():
            sizes = finding.train_sizes
            few = f"，而 {len(sizes)} 種資料量不足以確定曲線的形狀" if finding.few_sizes else ""
            return (
                f"超過 {images(sizes[-1])}的部分是用冪律外插的預測{few}；{coverage(finding.level)} "
                "區間以其他資料的曲線校準。"
            )
        case Detectable():
            low, high = min(finding.differences), max(finding.differences)
            span = points(high)
            if f"{100 * low:.1f}" != f"{100 * high:.1f}":
                span = NUMBERS.span.format(NUMBERS.decimal(100 * low, 1), span)
            return f"兩個模型的真正差異要大約達到 {span}，才有 80% 的機率看得出來。"
        case OneRecipe():
            changed = "高下可能不同" if finding.several_models else "這些數字可能不同"
            return f"所有訓練使用同一組超參數；針對各個模型或資料量調整後，{changed}。"
        case _:
            assert_never(finding)


_ALIKE = "訓練同一部分權重的"


def _seeds(found: FewSeeds) -> str:
    alike = _ALIKE if found.parts > 1 else ""
    match found.repeats:
        case Repeats.NONE:
            return (
                "每個組合只訓練了一次：同一組合的兩次訓練會差多少，是根據其他研究的假設，"
                "並沒有測量。再用兩個新的種子訓練，信賴區間就會變窄。"
            )
        case Repeats.SOME:
            return (
                f"各組合有 1 至 {found.seeds[-1]} 個種子；只有一個種子的組合，訓練間的變異採用"
                f"{alike}其他組合的結果。"
            )
        case Repeats.NOT_OF_ALL:
            return (
                f"各組合有 1 至 {found.seeds[-1]} 個種子。訓練間的變異採用{_ALIKE}組合的結果；"
                "模型與權重的搭配如果在每種資料量都只訓練過一次，變異可能與其他的不同，因此是假設值。"
            )
        case Repeats.FEW:
            span = join([str(number) for number in found.seeds], "or")
            return (
                f"每個組合有 {span} 個種子，只能粗略估計訓練間的變異（合併所有{alike}組合）；"
                "信賴區間已依此加寬。"
            )
        case _:
            assert_never(found.repeats)


def _decided_by(found: DecidedBy) -> str:
    classes = f"測試集中 {found.classes} 個類別" if found.classes else "各類別"
    absent = f"；{found.absent} 個沒有測試影像的類別不計入" if found.absent else ""
    return (
        f"這項研究以平衡準確率為準：{classes}召回率的平均{absent}。訓練準確率、泛化差距、訓練曲線，"
        "以及 epoch 的選擇，都以一般準確率計算。"
    )


# What chose the epoch, where the runs of a study differ in it.
_WAYS = {
    "last": "最後一個 epoch",
    "validation": "驗證集選出",
    LEVELLED_OFF: "準確率持平",
    AT_MAX_EPOCHS: "達到 max_epochs",
    STOPPED: "停止前最後一次測量",
}


def _chosen(ways: tuple[str, ...]) -> str:
    match ways:
        case ("last",):
            return (
                "準確率取自最後一個 epoch：測試集沒有用來做任何選擇，先前曾經更高的準確率也不計入。"
            )
        case ("validation",):
            return "epoch 由切自每個訓練子集的驗證集選出，因此實際用來訓練的影像比標示的少。"
        case _ if AUTO_ENDS.issuperset(ways):
            return (
                "每次訓練的長度由沒有用來訓練的影像決定：訓練子集的 "
                f"{NUMBERS.percent(AUTO_VALIDATION, 0)}（驗證集），有時再加上子集以外的影像。"
                "epoch 數逐次加倍，直到這些影像上的準確率"
                f"提升不到 {points(LEAST_GAIN)}。因此實際用來訓練的影像比標示的少。"
            )
        case _:
            named = [_WAYS.get(way, plain(way)) for way in ways]
            return f"各次訓練選擇 epoch 的方式不同（{'、'.join(named)}）。"


def _lengths(found: ChosenLengths, words: Words) -> str:
    each, stopped, so_far = [], [], []
    for one in found.cells:
        few, most = round(one.fewest), round(one.most)
        span = count(most) if few == most else NUMBERS.span.format(count(few), count(most))
        each.append(f"{words.cell(one.cell)} {span} 個")
        stopped += [words.run(one.cell, seed) for seed in one.stopped]
        so_far += [words.run(one.cell, seed) for seed in one.so_far]
    text = f"選出的 epoch 數：{'；'.join(each)}。"
    if stopped:
        text += (
            "以下訓練的準確率尚未持平，因為 train.max_epochs 不允許再加倍而停止："
            f"{'；'.join(stopped)}。"
        )
    if so_far:
        text += f"以下訓練尚未結束，採用最後一次測量的結果：{'；'.join(so_far)}。"
    return text


def _why(reason: Unpaired) -> str:
    match reason:
        case Unpaired.NO_PREDICTIONS:
            return "沒有各張測試影像的預測結果"
        case Unpaired.DIFFERENT_IMAGES:
            return "各次訓練用的測試影像不同"
        case Unpaired.SOME_RUNS:
            return "有些訓練沒有與其準確率相符的預測結果"
        case _:
            assert_never(reason)
