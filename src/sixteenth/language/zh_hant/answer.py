"""What the verdict rests on, in Traditional Chinese."""

from __future__ import annotations

from typing import assert_never

from ...analysis.findings.answer import (
    AnswerFinding,
    BoughtByImages,
    InHand,
    NothingFinished,
    SpreadOfTrainings,
)
from ...analysis.findings.cautions import PartTrained
from ...analysis.findings.missing_runs import UnfinishedRuns
from ...analysis.findings.options import HeldBack, OptionVerdict
from . import cautions, options
from .doubling import doubling
from .numbers import (
    deviation,
    interval,
    points,
    signed_points,
)
from .words import Words


def say(finding: AnswerFinding, words: Words) -> str:
    """A finding of the answer as one to three sentences."""
    match finding:
        case InHand():
            return _in_hand(finding, words)
        case BoughtByImages():
            return doubling(finding.doubling, words)
        case SpreadOfTrainings():
            return _spread(finding, words)
        case NothingFinished():
            return "這項研究還沒有任何一次訓練完成，目前無法下結論。"
        case PartTrained() | UnfinishedRuns():
            return cautions.say(finding, words)
        case _:
            assert_never(finding)


def _in_hand(found: InHand, words: Words) -> str:
    """What the best network was bought with; what these runs cannot tell is not called in hand."""
    smaller = words.model(found.model.start.model) if found.model else ""
    told, unclear = [], []
    weights = "比隨機初始化", "的這組權重是否有幫助"
    if found.init and found.init.fine_tunes:
        less = options.trained(found.init.start.init)
        weights = f"比只訓練{less}", f"訓練{options.more(found.init)}是否有幫助"
    for option, over, unsure in (
        (found.init, *weights),
        (found.model, f"比 {smaller} ", f"是否優於 {smaller} "),
    ):
        if option is None:
            continue
        around = interval(option)
        if option.told is OptionVerdict.HELPS:
            told.append(f"{over}高 {points(option.gain)}（{around}）")
        else:
            why = options.CORRECTED if option.corrected_away else ""
            if option.held_back is HeldBack.LONGER_TRAINING:
                why = "訓練久一點結果可能改變，還"
            unclear.append(f"{unsure}，{why}無法判斷（{signed_points(option.gain)}，{around}）")
    sentences = [f"目前已有的優勢：{'；'.join(told)}。"] if told else []
    sentences += [f"最佳模型{'；'.join(unclear)}。"] if unclear else []
    return "".join(sentences)


def _spread(found: SpreadOfTrainings, words: Words) -> str:
    spread = f"標準差約 {deviation(found.deviation)}"
    head = "信賴區間涵蓋的是換一組種子、影像與順序重新訓練，並用另一批測試影像測量的結果"
    if found.repeats:
        return f"{head}；最佳模型訓練間的{spread}，由這項研究的 {found.repeats} 次重複訓練估計。"
    why = f"：{words.trained_once(found.once)}" if found.once else ""
    return f"{head}；訓練間的{spread}，是假設值{why}。"
