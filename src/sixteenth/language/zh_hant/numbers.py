"""Numbers in Traditional Chinese, in tables and in sentences.

Digits and Latin letters are half-width; between them and Han characters stands a space, between
them and full-width punctuation none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from babel import Locale

from ..numbers import DASH, Numbers, missing
from ..sentences import SentenceNumbers

_HAN = "\u2e80-\u2fff\u3400-\u9fff\uf900-\ufaff"
_FULL = "\u3000-\u303f\uff00-\uffef"
_NEEDLESS = re.compile(rf"(?<=[{_FULL}]) +| +(?=[{_FULL}])|(?<=[{_HAN}]) +(?=[{_HAN}])")


def tidy(text: str) -> str:
    """`text` without spaces beside full-width punctuation and between two Han characters.

    Sentences are put together of parts that may begin or end with either script, with a space
    between them.
    """
    return _NEEDLESS.sub("", text)


@dataclass(frozen=True)
class ChineseNumbers(Numbers):
    """The locale's signs, with the spaces of our sentences."""

    def day(self, moment: Any) -> str:
        return re.sub(r"(?<=\d)(?=[年月日])|(?<=[年月])(?=\d)", " ", super().day(moment))

    def parameters(self, number: Any) -> str:
        """11181642 as ``1,118 萬``."""
        return DASH if missing(number) else SENTENCE.large(float(number))

    def join(self, parts: Sequence[str], style: Literal["standard", "or"] = "standard") -> str:
        if len(parts) < 2:
            return "".join(parts)
        word = "或" if style == "or" else "和"
        return tidy(f"{'、'.join(parts[:-1])} {word} {parts[-1]}")


NUMBERS = ChineseNumbers(
    locale=Locale("zh", territory="TW", script="Hant"),
    span="{} 至 {}",
    aside="（{}）",
    whole="全部",
    images="{} 張影像",
    per_class="每類 {} 張",
    time_units=("天", "小時", "分鐘", "秒"),
)
SENTENCE = SentenceNumbers(
    NUMBERS,
    point="{} 個百分點",
    points_pattern="{} 個百分點",
    around="{level} 區間 {ends}",
    confidence="{level} 信賴區間 {ends}",
    no_interval="信賴區間未知",
    over="超過 {}",
    under="不到 {}",
    factor="{} 倍",
    large_units=((1e12, "兆"), (1e8, "億"), (1e4, "萬")),
)

count, join, signed = NUMBERS.count, NUMBERS.join, NUMBERS.points
significant = NUMBERS.significant
percent, coverage, points = SENTENCE.percent, SENTENCE.coverage, SENTENCE.points
is_nothing, interval, p_value = SENTENCE.is_nothing, SENTENCE.interval, SENTENCE.p_value
probability, times, rounded = SENTENCE.probability, SENTENCE.times, SENTENCE.rounded
deviation = SENTENCE.deviation
roughly, large, accuracy_interval = SENTENCE.roughly, SENTENCE.large, SENTENCE.accuracy_interval
ratio = SENTENCE.ratio
signed_points = SENTENCE.signed_points


def images(number: float) -> str:
    """``2,000 張影像``."""
    return f"{count(number)} 張影像"
