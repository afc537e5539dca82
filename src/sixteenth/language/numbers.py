"""How numbers, dates and lists are written: one place for all languages, tables and sentences.

`Numbers` is bound to a locale, whose signs, dates and lists Babel knows. Plain text only: whoever
puts it on a page escapes it there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal

from babel import Locale
from babel.dates import format_date
from babel.lists import format_list
from babel.numbers import format_decimal, get_decimal_symbol

from .text import plain

DASH = "–"
MINUS = "−"

_SCIENTIFIC = 1e15
"""From here on digits before the point are no more than those of a float; Babel fails at 28."""

_COUNTED = re.compile(r"(\d+) (images|per class)")
"""What `spec.fraction` calls a fraction that is no share."""


def missing(value: Any) -> bool:
    """None, NaN, pandas' NA, infinity and the empty string: all are shown as a dash."""
    if isinstance(value, str):
        return not value or value.lower() in ("nan", "inf", "-inf")
    try:
        return not math.isfinite(float(value))
    except (TypeError, ValueError):  # None and NA are no numbers
        return True


@lru_cache(maxsize=4096)  # a report writes the same few thousand numbers in many places
def _written(number: Decimal, digits: int, locale: Locale, grouped: bool) -> str:
    pattern = "#,##0." + "0" * digits
    return format_decimal(number, pattern, locale, group_separator=grouped)


def digits_off_zero(share: float, digits: int = 1) -> int:
    """Digits that a share takes in percent to be written as another number than zero; at most 4."""
    while share and digits < 4 and float(f"{100 * share:.{digits}f}") == 0:
        digits += 1
    return digits


@dataclass(frozen=True)
class Numbers:
    """Numbers in one language; a value that is `missing` becomes a dash.

    Attributes:
        locale: whose signs, dates and lists are used.
        span: two ends of a range, such as ``{} to {}``.
        aside: what stands in brackets behind a value, with the space before it.
        whole: the fraction that is the whole training set.
        images, per_class: one that is a number of images, in all and of each class.
        time_units: days, hours, minutes and seconds.
    """

    locale: Locale
    span: str
    aside: str
    whole: str
    images: str
    per_class: str
    time_units: tuple[str, str, str, str]

    def decimal(self, number: Any, digits: int, *, plus: bool = False, grouped: bool = True) -> str:
        """A fixed number of digits, a real minus sign, and no sign before a zero.

        A number of 1e15 or more, as of a loss that grew beyond bounds, is written ``1.23e+15``.

        Args:
            plus: show a plus sign.
            grouped: with separators of thousands.
        """
        if missing(number):
            return DASH
        value = float(number)
        # Babel would round the shortest decimal of a number, not the number itself.
        rounded = Decimal(f"{abs(value):.{digits}f}")
        if rounded < _SCIENTIFIC:
            text = _written(rounded, digits, self.locale, grouped)
        else:
            text = self._scientific(abs(value))
        sign = MINUS if value < 0 else "+" if plus else ""
        return sign + text if rounded else text

    def percent(self, share: Any, digits: int = 1) -> str:
        """0.8234 as ``82.3%``."""
        if missing(share):
            return DASH
        pattern = self.locale.percent_formats[None]
        number = self.decimal(float(share) * 100, digits)
        return f"{pattern.prefix[0]}{number}{pattern.suffix[0]}"

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

    def points_interval(self, low: Any, high: Any) -> str:
        """A range of differences in percentage points: ``−0.3 to +1.1``; see `points_ends`."""
        if missing(low) or missing(high):
            return DASH
        return self.span.format(*self.points_ends(float(low), float(high)))

    def points_ends(self, low: float, high: float) -> tuple[str, str]:
        """The two ends of such a range.

        One that would be written as zero has more digits where zero lies outside: ``+0.03``.
        """
        off_zero = low > 0 or high < 0
        first, last = (
            self.points(end, digits_off_zero(end) if off_zero else 1) for end in (low, high)
        )
        return first, last

    def count(self, number: Any) -> str:
        """50000 as ``50,000``."""
        return self.decimal(number, 0)

    def significant(self, number: Any) -> str:
        """Three digits that count: ``0.0471``, ``82,100``; ``1.23e+06`` from a million on."""
        if missing(number):
            return DASH
        value = float(f"{float(number):.2e}")
        if value and not 1e-3 <= abs(value) < 1e6:
            return self._scientific(value)
        after = 2 - math.floor(math.log10(abs(value))) if value else 0
        return self.decimal(value, max(0, after))

    def general(self, number: float, digits: int = 6) -> str:
        """So many digits that count at most, without zeros at the end: ``0.05``, ``1e-05``."""
        return self._point(f"{number:.{digits}g}")

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
        return format_date(when, "long", self.locale)

    def fraction(self, text: Any) -> str:
        """A fraction in a heading or at a tick: ``all``, ``1/16``, ``2,000 images``."""
        if counted := _COUNTED.fullmatch(str(text)):
            pattern = self.images if counted[2] == "images" else self.per_class
            return pattern.format(self.count(counted[1]))
        return self.whole if str(text) == "1" else plain(text)

    def is_size(self, fraction: Any, size: Any) -> bool:
        """Whether a fraction says nothing but its number of images, which stands beside it."""
        return self.fraction(fraction) == self.images.format(self.count(size))

    def join(self, parts: Sequence[str], style: Literal["standard", "or"] = "standard") -> str:
        """``a``, ``a and b``, ``a, b and c``."""
        return format_list(parts, style, self.locale)

    def _scientific(self, value: float) -> str:
        """``1.23e+06``."""
        return self._point(f"{value:.2e}").replace("-", MINUS)

    def _point(self, text: str) -> str:
        return text.replace(".", get_decimal_symbol(self.locale))
