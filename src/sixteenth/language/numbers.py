"""How numbers, dates and lists are written: one place for all languages, tables and sentences.

`Numbers` is bound to a locale. Plain text only: whoever puts it on a page escapes it there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .text import plain
from .text import upper_first as upper_first

DASH = "–"
MINUS = "−"


def missing(value: Any) -> bool:
    """None, NaN, pandas' NA, infinity and the empty string: all are shown as a dash."""
    if isinstance(value, str):
        return not value or value.lower() in ("nan", "inf", "-inf")
    try:
        return not math.isfinite(float(value))
    except (TypeError, ValueError):  # None and NA are no numbers
        return True


@dataclass(frozen=True)
class Numbers:
    """Numbers in one language; a value that is `missing` becomes a dash.

    Attributes:
        span: two ends of a range, such as ``{} to {}``.
        whole: the fraction that is the whole training set.
        time_units: days, hours, minutes and seconds.
    """

    span: str
    whole: str
    time_units: tuple[str, str, str, str]

    def decimal(self, number: Any, digits: int, *, plus: bool = False, grouped: bool = True) -> str:
        """A fixed number of digits, a real minus sign, and no sign before a zero.

        Args:
            plus: show a plus sign.
            grouped: with separators of thousands.
        """
        if missing(number):
            return DASH
        value = float(number)
        text = f"{abs(value):{',' if grouped else ''}.{digits}f}"
        if not text.strip("0.,"):
            return text
        sign = MINUS if value < 0 else "+" if plus else ""
        return sign + text

    def percent(self, share: Any, digits: int = 1) -> str:
        """0.8234 as ``82.3%``."""
        return DASH if missing(share) else f"{self.decimal(float(share) * 100, digits)}%"

    def points(self, difference: Any, digits: int = 1) -> str:
        """A difference of two shares, in percentage points and with its sign: ``+1.4``."""
        if missing(difference):
            return DASH
        return self.decimal(float(difference) * 100, digits, plus=True)

    def interval(self, low: Any, high: Any, digits: int = 1) -> str:
        """Two shares as a range: ``81.5 to 83.0%``."""
        if missing(low) or missing(high):
            return DASH
        return self.span.format(self.decimal(float(low) * 100, digits), self.percent(high, digits))

    def points_interval(self, low: Any, high: Any, digits: int = 1) -> str:
        """A range of differences in percentage points: ``−0.3 to +1.1``."""
        if missing(low) or missing(high):
            return DASH
        return self.span.format(self.points(low, digits), self.points(high, digits))

    def count(self, number: Any) -> str:
        """50000 as ``50,000``."""
        return self.decimal(number, 0)

    def significant(self, number: Any) -> str:
        """Three digits that count: ``0.0471``, ``82,100``; ``1.23e+06`` from a million on."""
        if missing(number):
            return DASH
        value = float(f"{float(number):.2e}")
        if value and not 1e-3 <= abs(value) < 1e6:
            return f"{value:.2e}".replace("-", MINUS)
        after = 2 - math.floor(math.log10(abs(value))) if value else 0
        return self.decimal(value, max(0, after))

    def general(self, number: float, digits: int = 6) -> str:
        """So many digits that count at most, without zeros at the end: ``0.05``, ``1e-05``."""
        return f"{number:.{digits}g}"

    def parameters(self, number: Any) -> str:
        """11181642 as ``11.2 M``."""
        return self._scaled(number, "", " k", " M", " G", " T")

    def flops(self, number: Any) -> str:
        """Floating-point operations: 1.2e15 as ``1.2 PFLOP``."""
        units = (" FLOP", " kFLOP", " MFLOP", " GFLOP", " TFLOP", " PFLOP", " EFLOP")
        return self._scaled(number, *units)

    def size(self, number: Any) -> str:
        """Bytes as ``1.5 GB``."""
        return self._scaled(number, " B", " kB", " MB", " GB", " TB")

    def _scaled(self, number: Any, *units: str) -> str:
        """`number` in the largest unit that leaves at least one before the point (rounded)."""
        if missing(number):
            return DASH
        value, power = float(number), len(units) - 1
        while power and abs(value) < 0.99995 * 1000.0**power:
            power -= 1
        value /= 1000.0**power
        digits = 0 if not power or abs(value) >= 99.95 else 1
        return f"{self.decimal(value, digits, grouped=False)}{units[power]}"

    def duration(self, seconds: Any) -> str:
        """200 as ``3 min 20 s``; two units at most, and tenths only below ten seconds."""
        if missing(seconds):
            return DASH
        day, hour, minute, second = self.time_units
        value = max(0.0, float(seconds))
        if value < 9.95:
            return f"{self.decimal(value, 1)} {second}"
        whole = round(value)
        if whole < 60:
            return f"{whole} {second}"
        if whole < 3600:
            return f"{whole // 60} {minute} {whole % 60} {second}"
        minutes = round(value / 60)
        if minutes < 24 * 60:
            return f"{minutes // 60} {hour} {minutes % 60} {minute}"
        hours = round(value / 3600)
        return f"{hours // 24} {day} {hours % 24} {hour}"

    def day(self, moment: Any) -> str:
        """An ISO time as ``3 March 2026``; anything else as it is."""
        try:
            when = datetime.fromisoformat(str(moment))
        except ValueError:
            return plain(moment)
        return f"{when.day} {when:%B %Y}"

    def fraction(self, text: Any) -> str:
        """A fraction in a heading or at a tick: the whole training set is ``all``."""
        return self.whole if str(text) == "1" else plain(text)

    def join(self, parts: Sequence[str], word: str = "and") -> str:
        """``a``, ``a and b``, ``a, b and c``."""
        if len(parts) < 2:
            return "".join(parts)
        return f"{', '.join(parts[:-1])} {word} {parts[-1]}"


# English. Moves to en/numbers.py when no sentence is left in the analysis.

ENGLISH = Numbers(span="{} to {}", whole="all", time_units=("d", "h", "min", "s"))

count, join = ENGLISH.count, ENGLISH.join
signed = ENGLISH.points


def percent(share: float) -> str:
    """An accuracy or error in [0, 1] as ``87.3%``; what is short of 0 or 1 is never written so."""
    text = ENGLISH.percent(share)
    if text == "100.0%" and share < 1:
        return (
            ENGLISH.percent(share, 2) if share < 0.99995 else f"over {ENGLISH.percent(0.9999, 2)}"
        )
    if text == "0.0%" and share > 0:
        return ENGLISH.percent(share, 2) if share > 0.00005 else f"under {ENGLISH.percent(1e-4, 2)}"
    return text


def coverage(level: float) -> str:
    """Of an interval: ``95%``."""
    return ENGLISH.percent(level, 0)


def points(share: float) -> str:
    """A size of a difference as ``4.1 points``, without its sign."""
    text = ENGLISH.decimal(100 * abs(share), 1)
    return f"{text} {'point' if text == '1.0' else 'points'}"


def is_nothing(share: float) -> bool:
    """Whether a difference would be written as 0.0 points."""
    return points(share) == points(0)


def interval(low: float, high: float, level: float = 0.95, *, flip: bool = False) -> str:
    """``95% interval 3.2 to 5.0``, in points; `flip` states it for the opposite difference."""
    if flip:
        low, high = -high, -low
    off_zero = low > 0 or high < 0
    ends = ENGLISH.span.format(_end(low, off_zero), _end(high, off_zero))
    return f"{coverage(level)} interval {ends}"


def _end(value: float, off_zero: bool) -> str:
    """One end of an interval; more digits where rounding would put it onto zero."""
    digits = 1
    while off_zero and value != 0 and digits < 4 and float(f"{100 * value:.{digits}f}") == 0:
        digits += 1
    return ENGLISH.decimal(100 * value, digits)


def p_value(p: float) -> str:
    """A p after the word: ``< 0.001``, ``= 0.023``."""
    return "< 0.001" if p < 0.001 else f"= {ENGLISH.decimal(p, 3)}"


def times(factor: float) -> str:
    """A factor with two digits that count: ``2.4 times``, ``16 times``."""
    digits = 1 if factor < 9.95 and round(factor, 1) % 1 else 0
    return f"{ENGLISH.decimal(factor, digits)} times"


def rounded(number: float) -> str:
    """A number of images that is only roughly known, to two digits that count: ``130,000``."""
    return count(float(f"{number:.2g}"))


def plural(number: int, singular: str, several: str = "") -> str:
    """``1 run``, ``12 runs``, ``2,000 images``."""
    return f"{count(number)} {singular if number == 1 else several or singular + 's'}"


def large(number: float) -> str:
    """Parameters or FLOPs, short: ``11.2 million``."""
    for size, name in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if abs(number) >= size:
            return f"{ENGLISH.decimal(number / size, 1, grouped=False)} {name}"
    return count(number)


def short_name(model: str) -> str:
    """What a model is called in text: the factory of ``package.module:factory``, a path's end."""
    last = re.split(r"[/\\:]", model.rstrip("/\\:"))[-1]
    return last or model


def init_name(init: str) -> str:
    """What initial weights are called in text."""
    if init == "random":
        return "random weights"
    if init == "imagenet":
        return "ImageNet weights"
    if init.startswith("imagenet:"):
        return f"ImageNet weights ({init.removeprefix('imagenet:')})"
    return f"weights from {short_name(init)}"
