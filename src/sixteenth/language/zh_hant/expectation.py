"""Whether the bigger model was better, as expected, in Traditional Chinese."""

from __future__ import annotations

import math
from typing import assert_never

from ...analysis.curves.crossover import HORIZON, Crossover, CrossoverOutcome
from ...analysis.curves.forecast import CERTAIN, FORESEEN
from ...analysis.findings.expectation import (
    ComparedModels,
    ComparisonMethod,
    Expect,
    ExpectationFinding,
    ExpectationVerdict,
    GainFromData,
    ModelCrossover,
    NoComparison,
    NotCompared,
    Outcome,
    SizeVerdict,
)
from ...analysis.stats.paired import Contrast, Side
from .numbers import (
    NUMBERS,
    SENTENCE,
    count,
    images,
    interval,
    join,
    p_value,
    percent,
    points,
    probability,
    rounded,
    signed,
    signed_points,
)
from .words import UNSETTLED, Words

NO_DIFFERENCE = "再大的差異也看不出來"


def say(finding: ExpectationFinding, words: Words) -> str:
    """A finding on the bigger and the smaller model as one to three sentences."""
    match finding:
        case SizeVerdict():
            return _size(finding, words)
        case NoComparison():
            return _no_comparison(finding.reason)
        case ComparedModels():
            return (
                f"在 {finding.models} 個模型中，比較的是最小的 {words.model(finding.small)} 與"
                f"最大的 {words.model(finding.big)}。"
            )
        case ComparisonMethod():
            return _method(finding)
        case ExpectationVerdict():
            return _verdict(finding, words)
        case GainFromData():
            return _gain_from_data(finding, words)
        case ModelCrossover():
            return f"{words.init(finding.init)}：{_overtaking(finding, words)}。"
        case _:
            assert_never(finding)


def _size(row: SizeVerdict, words: Words) -> str:
    """One size: who is ahead, by how much, and how sure that is."""
    found = row.found
    big, small = (
        f"{words.model(cell.model)}（{percent(cell.accuracy)}）" for cell in (row.big, row.small)
    )
    head = f"{words.init(row.init)}，{images(row.small.train_size)}："
    test = f"，p {p_value(row.p, 1 - row.found.level)}" if math.isfinite(row.p) else ""
    span = interval(found)
    if found.unsettled:
        return (
            f"{head}{big}與 {small}還分不出高下：{signed_points(found.value)}（{span}）；"
            f"{UNSETTLED}。"
        )
    if row.corrected_away:
        return (
            f"{head}對 {row.sizes} 種資料量做校正後，{big}與 {small}分不出高下："
            f"{signed_points(found.value)}（{span}{test}）；{_visible(row)}。"
        )
    if row.outcome is Outcome.CANNOT_TELL:
        return (
            f"{head}{big}與 {small}之間看不出差異：{signed_points(found.value)}（{span}{test}）；"
            f"{_visible(row)}。"
        )
    first, second = big, small
    if found.value < 0:
        first, second = small, big
        span = interval(found, flip=True)
    return f"{head}{first}領先 {second} {points(found.value)}（{span}{test}）。"


def _visible(row: SizeVerdict) -> str:
    """How small a difference these runs could have seen."""
    if not math.isfinite(row.detectable):
        return f"{too_much(row.found)}，{NO_DIFFERENCE}"
    return f"差異要有 {points(row.detectable)}，才有 80% 的機率看得出來"


def too_much(found: Contrast) -> str:
    """Why no difference, however large, could have been seen."""
    return "測試影像太少" if found.spread.mostly_images else "訓練間的變異太大"


def _no_comparison(reason: NotCompared) -> str:
    match reason:
        case NotCompared.ONE_MODEL:
            return "這項研究只有一個模型，較大的模型是否較好不在研究範圍內。"
        case NotCompared.SIZES_UNKNOWN:
            return "無法得知哪個模型較大：它們的參數量沒有差別。"
        case NotCompared.SIZE_NOT_TOLD:
            return "無法得知哪個模型較大：有模型的參數量查不到。"
        case NotCompared.NO_SHARED_SIZE:
            return "沒有任何一種資料量同時完成了最小與最大模型的訓練。"
        case _:
            assert_never(reason)


def _method(found: ComparisonMethod) -> str:
    holm = f"對 {found.most_sizes} 種資料量做 Holm 校正，" if found.most_sizes > 1 else ""
    return f"{holm}p 值不大於 {NUMBERS.decimal(1 - found.level, 2)} 時才視為有差異。"


def _verdict(found: ExpectationVerdict, words: Words) -> str:
    ahead = "小" if found.expect is Expect.SMALLER else "大"
    head = f"以 {words.init(found.init)}訓練時，「模型愈{ahead}愈好」的預期"
    outcomes = [
        ("成立", found.held),
        ("相反", found.opposite),
        ("無法判斷", found.cannot_tell),
    ]
    told = [(outcome, sizes) for outcome, sizes in outcomes if sizes]
    if len(told) > 1:
        parts = [f"{join([count(n) for n in sizes])} 張影像時{what}" for what, sizes in told]
        return f"{head}，{'，'.join(parts)}。"
    number = len(told[0][1])
    whole = {1: "唯一測量過的資料量下", 2: "兩種資料量下"}.get(number, f"全部 {number} 種資料量下")
    if found.held:
        return f"{head}在 {whole}{'都' * (number > 1)}成立。"
    if found.opposite:
        return f"{head}不成立：在 {whole}，結果正好相反。"
    return f"{head}既沒有得到證實，也沒有遭到否定：在 {whole}，這些訓練無法判斷。"


def _gain_from_data(found: GainFromData, words: Words) -> str:
    whole = found.difference
    text = (
        f"影像從 {count(found.from_images)} 張增加到 {count(found.to_images)} 張，"
        f"{words.model(found.big)} 的{words.term.accuracy}變化 {signed_points(found.big_gain)}，"
        f"{words.model(found.small)} 變化 {signed_points(found.small_gain)}"
    )
    span = f"{signed(whole.value)}，{interval(whole)}"
    if not whole.leaves_out_zero:
        why = f"；{UNSETTLED}" * whole.unsettled
        return f"{text}：較大的模型是否從資料得到更多提升，無法判斷（{span}）{why}。"
    text += f"：較大的模型從資料得到的提升{_more(whole.side)}（{span}）"
    if found.last_step is not None and found.last_from is not None:
        last = found.last_step
        around = interval(last)
        text += (
            f"。但從 {images(found.last_from)}開始的最後一步，它得到的提升{_more(last.side)}"
            f"（{signed(last.value)}，{around}）"
        )
    elif found.as_expected is not None:
        text += "，與預期相符" if found.as_expected else "，與預期相反"
    return f"{text}。"


def _more(side: Side) -> str:
    return "較多" if side is Side.ABOVE else "較少"


def _overtaking(finding: ModelCrossover, words: Words) -> str:
    found = finding.crossover
    big_leads = finding.ahead == finding.big
    models = (finding.big, finding.small) if big_leads else (finding.small, finding.big)
    ahead, behind = (words.model(model) for model in models)
    inside = probability(found.inside, CERTAIN)
    beyond = probability(found.beyond, FORESEEN)
    neither = (
        f"在測量範圍內，兩個模型都沒有超越對方（機率 {probability(1 - found.inside, CERTAIN)}）"
    )
    reach = f"在測量範圍外，直到 {images(found.horizon)}（{HORIZON} 倍）為止"
    match finding.outcome:
        case CrossoverOutcome.INSIDE:
            return f"{ahead} 在測量範圍內超越 {behind}，{_place(found)}；機率 {inside}"
        case CrossoverOutcome.INSIDE_UNCLEAR:
            return f"在測量範圍內是否有一個模型超越另一個，無法判斷：機率 {inside}"
        case CrossoverOutcome.STAYS_AHEAD:
            stays = probability(found.stays_ahead, FORESEEN)
            return f"{neither}；{reach}，{ahead} 持續領先的機率 {stays}"
        case CrossoverOutcome.BEYOND:
            return f"{neither}；{reach}，{ahead} 會超越 {behind}，{_place(found)}，機率 {beyond}"
        case CrossoverOutcome.BEYOND_UNCLEAR:
            return f"{neither}；{reach}是否會超越，無法判斷（機率 {beyond}）"
        case _:
            assert_never(finding.outcome)


def _place(found: Crossover) -> str:
    """Where the change is, with its interval."""
    ends = SENTENCE.ends(found.level, rounded(found.low), rounded(found.high))
    return f"約在 {rounded(found.size)} 張影像處（{ends}）"
