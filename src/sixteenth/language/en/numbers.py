"""Numbers in English, in tables and in sentences."""

from __future__ import annotations

from babel import Locale

from ..numbers import Numbers
from ..sentences import SentenceNumbers

NUMBERS = Numbers(
    locale=Locale("en", "GB"),
    span="{} to {}",
    aside=" ({})",
    whole="all",
    images="{} images",
    per_class="{} per class",
    time_units=("d", "h", "min", "s"),
)
SENTENCE = SentenceNumbers(
    NUMBERS,
    point="{} point",
    points_pattern="{} points",
    around="{level} interval {ends}",
    confidence="{level} interval {ends}",
    no_interval="interval not known",
    over="over {}",
    under="under {}",
    factor="{} times",
    large_units=((1e12, "trillion"), (1e9, "billion"), (1e6, "million")),
)

count, join, signed = NUMBERS.count, NUMBERS.join, NUMBERS.points
significant = NUMBERS.significant
percent, coverage, points = SENTENCE.percent, SENTENCE.coverage, SENTENCE.points
is_nothing, interval, p_value = SENTENCE.is_nothing, SENTENCE.interval, SENTENCE.p_value
probability, times, rounded = SENTENCE.probability, SENTENCE.times, SENTENCE.rounded
deviation = SENTENCE.deviation
roughly, large, accuracy_interval = SENTENCE.roughly, SENTENCE.large, SENTENCE.accuracy_interval
ratio = SENTENCE.ratio


def plural(number: int, singular: str, several: str = "") -> str:
    """``1 run``, ``12 runs``, ``2,000 images``."""
    return f"{count(number)} {singular if number == 1 else several or singular + 's'}"
