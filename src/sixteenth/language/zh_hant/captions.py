"""What is said of figures and tables in Traditional Chinese."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ...analysis.curves.learning_curve import LearningCurve
from ...analysis.findings.options import Option
from ...analysis.findings.per_class import ClassCurves, ClassRecall
from ...analysis.inputs.cells import Arm
from ...analysis.stats.intervals import IntervalKind
from ..captions import Captions, CurveMetric, CurvesShown, Hole, Line, shared_warnings
from ..text import plain
from .curves import warning
from .numbers import NUMBERS, count, coverage, tidy
from .options import label
from .words import Words

_VIEWS = {
    "mirror": "每張影像與其左右翻轉",
    "mirror-shift": "每張影像的六種變化（翻轉與平移一個像素）",
}
_UNFINISHED = {
    "missing": "尚未執行",
    "interrupted": "中途中斷",
    "running": "仍在訓練",
    "finished": "已完成，但沒有訓練過程或準確率的紀錄",
}
_METRICS = {"loss": "損失", "accuracy": "準確率"}


class ChineseCaptions(Captions):
    """Captions with the names of one study."""

    words: Words

    def accuracy(
        self,
        kinds: Collection[IntervalKind],
        level: float,
        *,
        several_seeds: bool,
        several_lines: bool,
        so_far: bool = False,
        band_level: float | None,
    ) -> str:
        points = "實心點是各種子的平均，小空心點是單一種子" if several_seeds else "每個點是一次訓練"
        unended = ""
        if so_far:
            unended = (
                "大空心點的組合有尚未結束的訓練，採用最後一次測量的結果。"
                if several_seeds
                else "空心點是尚未結束的訓練，採用最後一次測量的結果。"
            )
        beside = "同一資料量的點左右錯開，以便分辨各自的信賴區間。" if several_lines else ""
        curve = ""
        if band_level is not None:
            curve = (
                f"淡色範圍是依擬合曲線估計的真正平均{self.words.term.accuracy}的 "
                f"{coverage(band_level)} 區間，"
                "涵蓋測量過的資料量，以及用虛線表示的下一次加倍。"
            )
        return f"{points}。{unended}{_bars(kinds, level, self.words)}{beside}{curve}"

    def accuracy_alt(self, lines: Sequence[Line]) -> str:
        parts = [
            f"{self._arm(line.arm)}："
            + "，".join(
                f"{count(size)} 張{_percent(mean, so_far)}"
                for size, mean, so_far in zip(line.sizes, line.means, line.so_far, strict=True)
            )
            for line in lines
        ]
        listed = "；".join(parts) or "沒有資料"
        return f"折線圖，訓練影像張數與{self.words.term.test_accuracy}。{listed}。"

    def points(self, line: Line) -> str:
        return "\n".join(
            f"{self._arm(line.arm)}，{count(size)} 張影像：{_percent(mean, so_far).lstrip()}"
            f"（{NUMBERS.interval(low, high)}）"
            for size, mean, low, high, so_far in zip(
                line.sizes, line.means, line.lows, line.highs, line.so_far, strict=True
            )
        )

    def options(self, options: Sequence[Option]) -> str:
        levels = dict.fromkeys(option.level for option in options if not option.measured)
        forecast = ""
        if levels:
            forecast = f"菱形是預測值，附 {coverage(next(iter(levels)))} 區間。"
        return (
            f"各種做法能讓最佳模型的{self.words.term.test_accuracy}提升多少個百分點，以及重新訓練的信賴區間。實心："
            "信賴區間不包含零；空心：無法判斷，原因是信賴區間包含零、做多重比較校正後不顯著，"
            f"訓練久一點可能會改變，或影像與步數的效果沒有分開。{forecast}"
        )

    def options_alt(self, options: Sequence[Option]) -> str:
        parts = [
            f"{self.option(option)} {NUMBERS.points(option.gain)} 個百分點"
            f"（{NUMBERS.points_interval(option.low, option.high)}）"
            for option in options
        ]
        return tidy(f"{self.words.term.test_accuracy}的提升：{'；'.join(parts)}。")

    def classes(self, shown: ClassCurves) -> str:
        return (
            f"{self._arm(shown.cell.arm)}：每個類別的測試影像中答對的比例，最低的幾個類別以顏色標示。"
            "信賴區間見上方的表格，所有訓練的所有類別見 per_class.csv。"
        )

    def classes_alt(self, named: Sequence[ClassRecall], shown: ClassCurves) -> str:
        recalls = "；".join(f"{plain(one.name)} {NUMBERS.percent(one.recall)}" for one in named)
        return f"折線圖，訓練影像張數與召回率。影像最多時：{recalls}。"

    def option(self, option: Option) -> str:
        return plain(label(option, self.words))

    def curves(self, shown: CurvesShown) -> str:
        each = "每個種子一條細線" if shown.several_seeds else "每格一次訓練"
        if shown.single:
            each += f"；超過 {shown.single} 次訓練的小圖改畫中位數，色帶由最低值到最高值"
        axes = f"{each}；所有小圖的座標軸相同。"
        ends = (
            "在每個 epoch 結束時測量"
            if shown.every_epoch
            else "只在部分 epoch 結束時測量，每次測量是線上的一個點"
        )
        clean = _clean(shown) if shown.clean else ""
        if shown.shorter:
            clean += f"方形：到該處為止、學習率也在該處降完的訓練，其測試{_METRICS[shown.metric]}。"
        images = "、以增強後的影像" if shown.augmented else ""
        what = _METRICS[shown.metric]
        training = f"訓練{what}是在權重持續更新時{images}計算的各 epoch 平均"
        if shown.metric == "accuracy":
            return f"{training}；測試準確率{ends}。{clean}{axes}"
        smoothed = (
            f"，並包含標籤平滑化（{shown.smoothing:g}），因此相對於測試損失會偏高"
            if shown.smoothing
            else ""
        )
        highest = NUMBERS.decimal(shown.highest, 1 if shown.highest < 100 else 0)
        top = NUMBERS.decimal(shown.top, 1)
        cut = f"縱軸只到 {top}；最大值為 {highest}。" if shown.highest > shown.top else ""
        return f"{training}{smoothed}；測試損失是一般的交叉熵，{ends}。{clean}{axes}{cut}"

    def curves_alt(
        self,
        metric: CurveMetric,
        arms: Sequence[Arm],
        fractions: Sequence[str],
        *,
        shown: int,
        planned: int,
    ) -> str:
        columns = "、".join(NUMBERS.fraction(fraction) for fraction in fractions)
        return (
            f"訓練過程中訓練與測試{_METRICS[metric]}的多格小圖。"
            f"列：{'；'.join(map(self._arm, arms))}。欄，占訓練集的比例：{columns}。"
            f"{planned} 次訓練中有 {shown} 次有曲線。"
        )

    def hole(self, hole: Hole) -> str:
        if hole.unkept:
            return "未保留曲線" if hole.unkept == 1 else f"未保留 {count(hole.unkept)} 條曲線"
        who = "" if hole.seed is None else f"種子 {hole.seed} "
        failed = "失敗" if hole.status == "failed" else plain(hole.status)
        if hole.status in _UNFINISHED:
            return tidy(f"{who}{_UNFINISHED[hole.status]}")
        if hole.error is None:
            return tidy(f"{who}{failed}")
        silent = "沒有留下訊息" if hole.status == "failed" else ""
        why = plain(hole.error) or silent
        return tidy(f"{who}{failed}") + (f"：{why}" if why else "")

    def not_ended(self, number: int, runs: int) -> str:
        if runs == 1:
            return "訓練尚未結束"
        return f"{count(runs)} 次訓練中有 {count(number)} 次尚未結束"

    def results(self, *, several_seeds: bool, test_augmentation: str, frozen: bool = False) -> str:
        but = "（凍結特徵除外）" if frozen else ""
        heads = ""
        if frozen:
            heads = (
                "；凍結特徵的分類層則是訓練影像的一次前向傳播，其時間只計擬合："
                "所有影像只通過模型一次，供所有分類層使用"
            )
        views = (
            f"測試準確率是對{_VIEWS[test_augmentation]}的預測取平均後的結果{but}；訓練準確率與訓練曲線"
            "沒有這樣平均，因此泛化差距比實際小，少掉的就是取平均帶來的提升。"
            if test_augmentation in _VIEWS
            else ""
        )
        means = "平均值的信賴區間依據所有種子。" if several_seeds else ""
        return (
            "95% 信賴區間涵蓋重新訓練一次，並以另一批測試影像測量的結果。"
            f"{means}訓練準確率在訓練結束時以未經增強的影像測量。泛化差距是{self.words.term.gap}。"
            f"{views}訓練運算量是整次訓練的浮點運算次數，包含前向與反向傳播{heads}。"
        )

    def fits(self, fits: Mapping[Arm, LearningCurve]) -> str:
        notes = [
            f"{said}。"
            if len(arms) == len(fits)
            else f"{said}（{'；'.join(map(self._arm, arms))}）。"
            for said, arms in shared_warnings(fits, warning).items()
        ]
        return (
            f"冪律：{self.words.term.test_error} = alpha + eta × 影像張數^gamma，附 90% 區間。"
            "Alpha：影像再多，錯誤率也無法低於此值。資料依賴度（Hoiem et al. 2021）："
            "最大資料量時的 −2 eta gamma 影像張數^gamma，以百分點計。"
            f"最後一欄是預測：影像加倍並重新訓練會測得的錯誤率。{''.join(notes)}"
        )

    def intervals(self, kinds: Collection[IntervalKind]) -> str:
        if not kinds:
            return ""
        return f"95% 信賴區間：重新訓練一次的結果，{_spread(kinds)}；差距：{self.words.term.gap}"

    def _arm(self, arm: Arm) -> str:
        model, init = arm
        return f"{plain(self.words.model(model))}（{plain(self.words.init(init))}）"


def _percent(accuracy: float, so_far: bool) -> str:
    """An accuracy behind other words, maybe of a cell with a training that is not at its end."""
    return f"{'目前' if so_far else ''} {NUMBERS.percent(accuracy)}"


def _spread(kinds: Collection[IntervalKind]) -> str:
    """How the spread between trainings is known."""
    if IntervalKind.MEASURED not in kinds:
        return "訓練間的變異為假設值"
    spread = "訓練間的變異由重複訓練估計"
    if IntervalKind.ASSUMED in kinds:
        spread += "；同一模型與權重的組合都只訓練過一次時，為假設值"
    return spread


def _bars(kinds: Collection[IntervalKind], level: float, words: Words) -> str:
    """What the intervals of the accuracy figure are made of."""
    if not kinds:
        return ""
    return (
        f"誤差線：重新訓練一次並以另一批測試影像測量的{words.term.accuracy}，"
        f"{coverage(level)} 信賴區間；{_spread(kinds)}。"
    )


def _clean(shown: CurvesShown) -> str:
    """What the diamonds are."""
    when = "在驗證集選出的 epoch，" if shown.validated else "訓練結束時"
    gap = "；與測試線的距離就是泛化差距。"
    if shown.test_augmentation in _VIEWS:
        # The table's gap is to the averaged predictions, which no line shows.
        gap = "。菱形與各條線都沒有對多種變化取平均，表中的測試數值則有。"
    return (
        f"菱形：{when}以未經增強的影像測量的訓練{_METRICS[shown.metric]}，"
        f"測量方式與測試影像相同{gap}"
    )
