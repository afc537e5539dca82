"""The first screen of a report in Traditional Chinese."""

from __future__ import annotations

import math
from typing import assert_never

from ...analysis.curves.forecast import CERTAIN
from ...analysis.findings.advice import AdviceStep, AnotherSize, BestNetwork, MoreSeeds
from ...analysis.findings.cautions import Caution
from ...analysis.findings.options import Option, OptionKind, OptionVerdict
from ...analysis.findings.overview import Card, HowSure, Overview, Verdict
from ...analysis.findings.recommendation import Lead
from ...analysis.findings.target import FARTHEST, Target, TargetOutcome
from ..provenance import Fact
from ..screen import OverviewFinding, Screen, ScreenLabels, knows_seconds
from ..text import plain
from . import advice, cautions, explained, options
from .numbers import (
    SENTENCE,
    accuracy_interval,
    count,
    coverage,
    deviation,
    is_nothing,
    percent,
    points,
    probability,
    roughly,
    rounded,
    signed_points,
    tidy,
)
from .words import Words

LABELS = ScreenLabels(
    kinds={
        OptionKind.DATA: "更多影像",
        OptionKind.MODEL: "較大的模型",
        OptionKind.INIT: "預訓練權重",
        OptionKind.TRAINING: "訓練更久",
        OptionKind.RESOLUTION: "較大的影像",
    },
    fine_tuning="微調",
    use_fine_tuning="微調",
    other_weights="其他權重",
    first_layer="第一層",
    verdicts={
        OptionVerdict.HELPS: "有幫助",
        OptionVerdict.DOES_NOT: "沒有幫助",
        OptionVerdict.CANNOT_TELL: "無法判斷",
        OptionVerdict.NOT_SEPARATED: "未分開",
        OptionVerdict.NOT_TRIED: "未嘗試",
    },
    on_fewer="影像較少時",
    on_images="{what}（影像 {images} 張時）",
    no_result="沒有結果",
    measured="實測",
    forecast="預測",
    short="{how}，{ends}（{level}）",
    basis="{how}（{level}）",
    around="{how}，{interval}",
    over="{has}，相較於 {compared}",
    and_part="{what}；步數相同時 {part}",
    and_all="{what}；步數相同時也是如此",
    in_hand="已經具備",
    takes="訓練約 {time}：",
    between="",
)


def say(finding: OverviewFinding, words: Words) -> str:
    """A part of the first screen as sentences."""
    screen = ChineseScreen(words)
    match finding:
        case Overview():
            title = screen.title(finding)
            return title if title.endswith("？") else f"{title}。"
        case Card():
            said = screen.card(finding)
            return f"{said.kind}：{said.gain}（{said.around or said.what}），{said.verdict}。"
        case HowSure():
            return "".join(f"{fact.name}：{fact.text}。" for fact in screen.sure(finding))
        case _:
            assert_never(finding)


class ChineseScreen(Screen):
    """The first screen with the names of one study."""

    words: Words
    labels = LABELS
    numbers = SENTENCE

    def title(self, found: Overview) -> str:
        return plain(tidy(self._title(found)))

    def _title(self, found: Overview) -> str:
        option = found.card.option if found.card else None
        gain = (
            f"：{_gain(option, self.words)}" if option and option.known and option.gain > 0 else ""
        )
        match found.verdict:
            case Verdict.NOTHING_FINISHED:
                return "所有訓練都失敗了" if found.all_failed else "還沒有任何訓練完成"
            case Verdict.IN_HAND:
                assert option is not None
                return f"使用 {self.in_hand(option)}{gain}"
            case Verdict.DO:
                assert option is not None
                return f"{options.do(option, self.words)}{gain}"
            case Verdict.TRAIN_FIRST:
                known = option is not None and option.verdict is OptionVerdict.HELPS
                what = options.do(option, self.words) if option and known else "訓練久一點"
                return f"先{what}{gain if known else ''}"
            case Verdict.NOT_SEPARATED:
                return "還無法判斷：該增加影像，還是訓練久一點？"
            case Verdict.STOP:
                return _stop(found.visible)
            case Verdict.TEST_MORE:
                return _test_more(found.visible)
            case Verdict.CANNOT_TELL:
                out = found.ruled_out
                if out is None or out.end is None:
                    return f"還無法判斷{_surer(found)}"
                name = options.label(out, self.words)
                rest = "其他做法" if found.some_told else "其餘"
                does_not = f"{name} 沒有幫助（{_gain(out, self.words)}）"
                return f"{does_not}；{rest}還無法判斷{_surer(found)}"
            case Verdict.NOTHING_KNOWN:
                return f"還無法比較{_surer(found)}"
            case _:
                assert_never(found.verdict)

    def lead(self, found: Overview) -> str:
        if found.best is None:
            return plain(f"第一個錯誤：{found.error}") if found.error else ""
        text = f"最佳模型：{self._best(found.best)}。"
        if found.next is not None:
            text += f"接下來可以{self.do(found.next)}：{options.gain(found.next, self.words)}。"
        match found.onwards:
            case Lead.STOP:
                text += f"{_stop(found.visible)}。"
            case Lead.TEST_MORE:
                text += f"{_test_more(found.visible)}。"
            case Lead.TRAIN_FIRST if found.next is None:
                text += "接下來請先訓練久一點。"
        return plain(tidy(text))

    def _best(self, best: BestNetwork) -> str:
        interval = accuracy_interval(best.interval)
        interval = f"（{interval}）" if interval else ""
        right = self.words.term.right.format(percent(best.cell.accuracy))
        return f"{self.words.cell(best.cell)}，{right}{interval}"

    def do(self, option: Option) -> str:
        return tidy(options.do(option, self.words))

    def label(self, option: Option) -> str:
        return tidy(options.label(option, self.words))

    def untried(self, option: Option) -> str:
        if option.without_result:
            return "相關的訓練沒有結果"
        match option.kind:
            case OptionKind.DATA:
                return "只訓練過一種資料量"
            case OptionKind.MODEL:
                return "沒有用同樣多的影像訓練更大的模型"
            case OptionKind.INIT:
                if not option.available:
                    return f"{self.words.model(option.start.model)} 沒有預訓練權重"
                if option.elsewhere:
                    return "這個模型沒有用同樣多的影像試過"
                if option.fine_tunes:
                    return "沒有試過微調全部權重"
                return "沒有使用過" if option.start.init == "random" else "沒有試過其他預訓練權重"
            case OptionKind.TRAINING if option.converged is False:
                return "訓練結束時仍在進步"
            case _:
                return "沒有試過其他訓練長度"

    def cost(self, option: Option) -> str:
        new = round(option.new_images)
        parts = [f"新標註 {count(new)} 張" if new else "不需新標籤"]
        if knows_seconds(option):
            parts.append(f"訓練約 {roughly(option.seconds)}")
        return "，".join(parts) if option.known or option.kind is OptionKind.DATA else ""

    def caution(self, found: Caution) -> str:
        return cautions.say(found, self.words)

    def step(self, found: AdviceStep) -> str:
        return advice.step(found, self.words).text

    def sure(self, found: HowSure) -> tuple[Fact, ...]:
        trainings = f"{found.fewest} 至 {found.most}"
        if found.fewest == found.most:
            trainings = str(found.most)
        how = f"由 {found.repeats} 次重複估計" if found.repeats else "假設值"
        facts = [Fact("每個組合的訓練次數", trainings)]
        facts.append(Fact("測試影像", count(found.test_images)))
        if math.isfinite(found.detectable):
            facts.append(Fact("看得出的最小差異", f"{points(found.detectable)}（單一比較）"))
        return (*facts, Fact("訓練間的標準差", f"±{deviation(found.deviation)}，{how}"))

    def target(self, found: Target) -> str:
        wanted, arm = percent(1 - found.error), self.words.arm(found.model, found.init)
        match found.outcome:
            case TargetOutcome.REACHED:
                said = f"已經達到：{self._measured(found)}"
            case TargetOutcome.MEASURED:
                said = f"曾經測得，但可能是運氣：{self._measured(found)}"
                if found.arms:
                    said += f"；由學習曲線來看，{_needs(found, arm)}"
            case TargetOutcome.NO_CURVE:
                said = "還沒有達到；每個模型只有一種資料量，沒有學習曲線可以推算"
            case TargetOutcome.GUESSING:
                said = "還沒有達到，而且最佳模型可能只是在猜"
            case TargetOutcome.OUT_OF_REACH | TargetOutcome.FORECAST:
                said = _needs(found, arm)
            case _:
                assert_never(found.outcome)
        return plain(tidy(f"{wanted} {said}"))

    def _measured(self, found: Target) -> str:
        """The network that measured a wanted accuracy, and how sure that is."""
        chance = probability(found.probability, CERTAIN)
        cell = self.words.cell(found.cell)
        return f"{cell}；真正的{self.words.term.accuracy}不低於此的機率 {chance}"

    def summary(self, found: Overview, data: str) -> tuple[str, ...]:
        title = self.title(found)
        if found.best is None or found.sure is None:
            return (f"{title}。",)
        option = self.helping(found)
        if option is not None and title[-1] != "？":
            title += f"（{self.around(option)}）"
        on = f"在 {plain(data)} 上，" if data else ""
        sure = found.sure
        trainings = str(sure.most)
        if sure.fewest != sure.most:
            trainings = f"{sure.fewest} 至 {sure.most}"
        tested = ""
        if math.isfinite(sure.test_images):
            tested = f"，以 {count(round(sure.test_images))} 張測試影像測量"
        return (
            f"{title}{'' if title.endswith('？') else '。'}",
            plain(tidy(f"{on}最佳模型是 {self._best(found.best)}。")),
            f"依據：每個組合訓練 {trainings} 次{tested}。",
        )


def _stop(visible: float) -> str:
    if is_nothing(visible):
        return "可以到此為止：幾乎沒有提升空間了"
    return f"可以到此為止：剩下的提升空間不到 {points(visible)}"


def _test_more(visible: float) -> str:
    if visible >= 1:
        return "請先增加測試影像：目前的張數太少，任何提升都看不出來"
    return f"請先增加測試影像：目前很難看出小於 {points(visible)}的差異"


def _surer(found: Overview) -> str:
    """What would tell, after the verdict."""
    if found.guesses:
        return "：最佳模型可能只是在猜"
    if found.reason is not None:
        return f"：請以此設定訓練：{explained.CHANGED[found.reason]}"
    if found.unfinished:
        return "：請先完成這項研究其餘的訓練"
    if found.running:
        return "：請等候仍在進行的訓練"
    if found.part_trained:
        return "：請微調全部權重"
    match found.step:
        case MoreSeeds():
            return "：請再用兩個新的種子訓練"
        case AnotherSize():
            return "：請再用另一種資料量訓練"
        case None:
            return ""
        case _:
            return "：請再加一次對照訓練"


def _gain(option: Option, words: Words) -> str:
    """``+24.0 個百分點``; of a forecast ``約 +2.0 個百分點``."""
    about = "" if option.measured else "約 "
    return words.term.gain.format(f"{about}{signed_points(option.gain)}")


def _needs(found: Target, arm: str) -> str:
    """How many images a wanted accuracy takes, by the curves."""
    if not math.isfinite(found.low):
        return f"只靠增加影像達不到，就算增加到目前的 {FARTHEST} 倍"
    needs = f"需要 {rounded(found.images)} 張影像"
    if not math.isfinite(found.images):
        needs = f"需要 {rounded(FARTHEST * found.largest)} 張以上的影像"
    low, high = rounded(found.low), rounded(found.high)
    ends = SENTENCE.ends(found.level, low, high)
    if not math.isfinite(found.high):
        ends = f"{coverage(found.level)} 區間 {low} 張以上，也可能永遠達不到"
    return f"{needs}（{ends}），使用 {arm}"
