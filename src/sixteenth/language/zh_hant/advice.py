"""What there is, what a wanted error takes and what to do next, in Traditional Chinese."""

from __future__ import annotations

import math
from typing import assert_never

from ...analysis.curves.forecast import CERTAIN, FORESEEN
from ...analysis.curves.learning_curve import BOUND
from ...analysis.findings.advice import (
    AdviceFinding,
    AdviceStep,
    AnotherSize,
    BestNetwork,
    LabelledImages,
    MoreSeeds,
    NothingTrained,
    Separate,
)
from ...analysis.findings.options import Option
from ...analysis.findings.target import FARTHEST, Target, TargetOutcome
from ..base import SaidStep
from . import options
from .doubling import control_run
from .numbers import (
    SENTENCE,
    accuracy_interval,
    count,
    coverage,
    images,
    interval,
    percent,
    probability,
    ratio,
    roughly,
    rounded,
    signed_points,
    tidy,
    times,
)
from .options import CORRECTED
from .words import Words


def say(finding: AdviceFinding, words: Words) -> str:
    """A piece of advice, all of it, as sentences."""
    match finding:
        case NothingTrained():
            return "這項研究還沒有任何一次訓練完成，目前無法給建議。"
        case BestNetwork():
            return _best(finding, words)
        case Target():
            return _target(finding, words)
        case Option() | Separate() | LabelledImages() | AnotherSize() | MoreSeeds():
            return step(finding, words).text
        case _:
            raise TypeError(type(finding).__name__)


def step(found: Option | AdviceStep, words: Words) -> SaidStep:
    """A step in sentences: what to do, why, what it takes."""
    what, why, cost = map(tidy, _parts(found, words))
    return SaidStep(f"{what}。{why}{cost}", found, what, why, cost)


def _parts(found: Option | AdviceStep, words: Words) -> tuple[str, str, str]:
    match found:
        case Option():
            return options.heading(found, words), options.why(found, words), options.cost(found)
        case Separate():
            return (
                f"訓練 {control_run(found.control, words)}",
                f"這能分辨增加到 {images(found.images)}時，影像與訓練步數各有多少貢獻。",
                "不需要新的標籤。",
            )
        case LabelledImages():
            return (
                f"這項研究的模型也改用 {count(found.size)} 張影像訓練",
                "這樣可以實測影像變多的效果。",
                _time(found.seconds),
            )
        case AnotherSize():
            return _another_size(found, words)
        case MoreSeeds():
            return _more_seeds(found, words)
        case _:
            assert_never(found)


def _best(found: BestNetwork, words: Words) -> str:
    cell, rival = found.cell, found.rival
    around = accuracy_interval(found.interval)
    around = f"（{around}）" if around else ""
    accuracy = words.term.images_right.format(percent(cell.accuracy))
    text = f"最佳模型：{words.cell(cell)}，{accuracy}{around}"
    if rival is not None:
        text += f"；與 {words.cell(rival)}的 {percent(rival.accuracy)} 分不出高下"
    if found.rival_flops is not None:
        text += f"，後者的訓練運算量是前者的 {ratio(found.rival_flops)} 倍"
    return f"{text}。"


def _bounds(found: Target) -> str:
    """Both bounds, or the lower one, of a number of images whose interval has no upper end."""
    if not math.isfinite(found.at_least):
        bounds = f"至少 {rounded(found.low)} 張"
    else:
        bounds = f"至少 {rounded(found.at_least)} 張"
        if math.isfinite(found.at_most):
            bounds += f"、至多 {rounded(found.at_most)} 張"
        each = "各有" if math.isfinite(found.at_most) else "有"
        bounds += f"（{each} {coverage(BOUND)} 的把握）"
    return f"{bounds}；只靠增加影像，無法有 {coverage(found.level)} 的把握達到"


def _target(found: Target, words: Words) -> str:
    wanted = f"{words.term.error} {percent(found.error)}"
    arm = words.arm(found.model, found.init)
    measured, most = percent(found.measured), f"目前影像的 {FARTHEST} 倍"
    match found.outcome:
        case TargetOutcome.REACHED | TargetOutcome.MEASURED:
            text = (
                f"{words.cell(found.cell)}測得 {measured}；真正的錯誤率不高於 "
                f"{percent(found.error)} 的機率 {probability(found.probability, CERTAIN)}。"
            )
            if found.reached:
                return f"{wanted} 已經達到：{text}"
            text = f"{wanted} 曾經測得，但可能是運氣：{text}"
            if not found.arms:
                return text
            if not math.isfinite(found.low):
                return f"{text}由學習曲線來看，只靠增加影像達不到。"
            return f"{text}{_forecast(found, '由學習曲線來看', arm)}"
        case TargetOutcome.NO_CURVE:
            return (
                f"{wanted} 還沒有達到，最好的結果是 {measured}。每個模型只訓練過一種資料量，"
                "沒有學習曲線可以推算還需要多少影像。"
            )
        case TargetOutcome.GUESSING:
            return (
                f"{wanted} 還沒有達到，最好的結果是 {measured}。這個模型可能只是在猜，"
                "無法推算還需要多少影像。"
            )
        case TargetOutcome.OUT_OF_REACH:
            chance = coverage((1 - found.level) / 2)
            return (
                f"只靠增加影像，這裡的模型都達不到{wanted}：就算用{most}，達到的機率也不到 "
                f"{chance}。最好的結果是 {measured}。"
            )
        case TargetOutcome.FORECAST:
            return _forecast(found, wanted, arm)
        case _:
            assert_never(found.outcome)


def _forecast(found: Target, wanted: str, arm: str) -> str:
    """How many images `wanted` takes, by the curves."""
    about = f"需要超過目前影像的 {FARTHEST} 倍，甚至達不到"
    if math.isfinite(found.images):
        about = f"大約需要 {images(float(f'{found.images:.2g}'))}"
        if found.factor is not None:
            about += f"，是目前的 {times(found.factor)}"
    around = f"（{_images_interval(found)}）"
    if not math.isfinite(found.high):
        around = f"，{_bounds(found)}"
    how = "最先達到的會是" if found.arms > 1 else "由"
    end = "" if found.arms > 1 else "達到"
    return (
        f"{wanted}：{how} {arm}{end}，{about}{around}。影像加倍後達到的機率 "
        f"{probability(found.doubled, FORESEEN)}。"
    )


def _images_interval(found: Target) -> str:
    return SENTENCE.ends(found.level, rounded(found.low), rounded(found.high))


def _another_size(found: AnotherSize, words: Words) -> tuple[str, str, str]:
    why = "只有一種資料量，看不出增加影像的效果。"
    if found.sizes > 1:
        why = f"只有 {count(found.sizes)} 種資料量，預測區間還很寬；再加一種就會變窄。"
    what = f"再加一種資料量：用大約 {rounded(found.size)} 張影像訓練"
    return what, why, _time(found.seconds)


def _more_seeds(found: MoreSeeds, words: Words) -> tuple[str, str, str]:
    best, rival, difference = words.cell(found.best), words.cell(found.rival), found.difference
    around = interval(difference)
    corrected = CORRECTED if difference.leaves_out_zero else ""
    gain = signed_points(difference.value)
    why = f"{best}與 {rival}的高下{corrected}還分不出來（{gain}，{around}）。"
    what = "在最好的兩個組合之間做選擇之前，先各用兩個新的種子再訓練"
    if found.seeds:
        what = f"所有組合都用 {len(found.seeds)} 個種子訓練"
    return what, why, _time(found.seconds)


def _time(seconds: float) -> str:
    if not (math.isfinite(seconds) and seconds > 0):
        return "不需要新的標籤。"
    return f"不需要新的標籤，在這台機器上訓練約 {roughly(seconds)}。"
