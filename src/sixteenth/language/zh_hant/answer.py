"""The answer in sentences, in Traditional Chinese."""

from __future__ import annotations

from typing import assert_never

from ...analysis.findings.answer import (
    AnswerFinding,
    BoughtByImages,
    Headline,
    InHand,
    Lead,
    NothingFinished,
    SpreadOfTrainings,
)
from ...analysis.findings.cautions import PartTrained, RunsMissing
from ...analysis.findings.options import OptionVerdict
from ..text import short_name
from . import options
from .doubling import control_run, doubling
from .numbers import (
    NUMBERS,
    accuracy_interval,
    interval,
    is_nothing,
    percent,
    points,
    signed_points,
)
from .overview import ChineseScreen
from .words import Words, trained_once


def say(finding: AnswerFinding, words: Words) -> str:
    """A finding of the answer as one to three sentences."""
    match finding:
        case Headline():
            return _headline(finding, words)
        case InHand():
            return _in_hand(finding, words)
        case BoughtByImages():
            return doubling(finding.doubling, words)
        case SpreadOfTrainings():
            return _spread(finding)
        case NothingFinished():
            return "這項研究還沒有任何一次訓練完成，目前無法下結論。"
        case PartTrained() | RunsMissing():
            return ChineseScreen(words).caution(finding)
        case _:
            assert_never(finding)


def _headline(found: Headline, words: Words) -> str:
    cell = found.best.cell
    data = f"在 {short_name(found.data)} 上，" if found.data else ""
    around = accuracy_interval(found.best.interval)
    around = f"（{around}）" if around else ""
    accuracy = words.term.of_best.format(percent(cell.accuracy))
    best = f"{data}表現最好的是 {words.cell(cell)}，{accuracy}{around}。"
    return f"{_recommendation(found, words)}{best}"


def _recommendation(found: Headline, words: Words) -> str:
    option = found.option
    match found.lead:
        case Lead.DO:
            return f"建議{options.do(option, words)}：{options.gain(option, words)}。"
        case Lead.TRAIN_FIRST:
            gain = f"：{options.gain(option, words)}" if option.known else ""
            return (
                f"先訓練久一點{gain}。模型在訓練結束時還在進步；差異如果和訓練久一點可能帶來的變化"
                "差不多大，就還不能下定論。"
            )
        case Lead.NOT_SEPARATED:
            control = ""
            if found.control is not None:
                control = f"只要再訓練一次就能分辨：{control_run(found.control, words)}。"
            return (
                f"還分不出是影像變多，還是訓練變久的效果：影像加倍時，訓練步數也跟著增加。{control}"
            )
        case Lead.STOP:
            visible = points(found.visible)
            if is_nothing(found.visible):
                visible = f"{NUMBERS.decimal(100 * found.visible, 3)} 個百分點"
            return (
                f"可以到此為止，或改用更多測試影像：剩下的提升空間不到 {visible}，"
                "也就是這些測試影像所能分辨的最小差異。"
            )
        case Lead.TEST_MORE:
            if found.visible >= 1:
                return "請先增加測試影像：目前的張數太少，任何提升都看不出來。"
            return (
                f"請先增加測試影像：這些測試影像所能分辨的最小差異是 {points(found.visible)}，"
                "比已知剩下的提升空間還大。"
            )
        case Lead.CANNOT_TELL:
            most = "最有希望的是" if option.advised else "損失最小的是"
            what = f"{options.do(option, words)}：{options.gain(option, words)}"
            return f"目前還無法判斷怎麼做有幫助。{most}{what}。"
        case Lead.NOTHING_KNOWN:
            return "已完成的訓練中，沒有任何兩次只差一個條件，所以還無法比較。"
        case _:
            assert_never(found.lead)


def _in_hand(found: InHand, words: Words) -> str:
    """What the best network was bought with; what these runs cannot tell is not called in hand."""
    smaller = words.model(found.model.start.model) if found.model else ""
    told, unclear = [], []
    for option, over, unsure in (
        (found.init, "比隨機初始化", "的這組權重是否有幫助"),
        (found.model, f"比 {smaller} ", f"是否優於 {smaller} "),
    ):
        if option is None:
            continue
        around = interval(option)
        if option.verdict is OptionVerdict.HELPS:
            told.append(f"{over}高 {points(option.gain)}（{around}）")
        else:
            corrected = options.CORRECTED if option.corrected_away else ""
            unclear.append(
                f"{unsure}，{corrected}無法判斷（{signed_points(option.gain)}，{around}）"
            )
    sentences = [f"目前已有的優勢：{'；'.join(told)}。"] if told else []
    sentences += [f"最佳模型{'；'.join(unclear)}。"] if unclear else []
    return "".join(sentences)


def _spread(found: SpreadOfTrainings) -> str:
    deviation = f"標準差約 {points(found.deviation)}"
    head = "信賴區間涵蓋的是換一組種子、影像與順序重新訓練，並用另一批測試影像測量的結果"
    if found.repeats:
        return f"{head}；最佳模型訓練間的{deviation}，由這項研究的 {found.repeats} 次重複訓練估計。"
    why = f"：{trained_once(found.once)}" if found.once else ""
    return f"{head}；訓練間的{deviation}，是假設值{why}。"
