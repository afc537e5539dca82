"""Numbers as sentences hold them: with their unit, as roughly as they are known, and never rounded
onto a value that they do not have. A language gives the units and the patterns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from ..analysis.stats.intervals import Interval
from .numbers import Numbers, digits_off_zero

SURE = 0.99
"""A chance of being the best is never said to be higher: it leaves out what nobody tried."""
_EXACT = 1e-9
"""A share that is as close to 0 or 1 is one that arithmetic left short of it."""
CLASSES_NAMED = 5
"""Classes that a sentence names; the table below it has more."""


class Ranged(Protocol):
    """A number with an interval at some level: a difference, an average, an option's gain."""

    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def level(self) -> float: ...


@dataclass(frozen=True)
class SentenceNumbers:
    """Numbers inside the sentences of one language.

    Attributes:
        numbers: the same language's, as tables have them.
        point, points_pattern: of a difference in percentage points: 1.0, and any other.
        around: any interval, with its ``{level}`` and its ``{ends}``.
        confidence: the same of measured accuracies and their differences.
        no_interval: instead of one, where nothing tells it.
        over, under: what is known only to lie beyond a number.
        factor: so many times as much.
        large_units: from what a number on it is written in which unit, the largest first.
    """

    numbers: Numbers
    point: str
    points_pattern: str
    around: str
    confidence: str
    no_interval: str
    over: str
    under: str
    factor: str
    large_units: tuple[tuple[float, str], ...]

    def percent(self, share: float) -> str:
        """A share as ``87.3%``; what is short of 0 or 1 is never written so."""
        percent = self.numbers.percent
        share = next((end for end in (0.0, 1.0) if abs(share - end) < _EXACT), share)
        text = percent(share)
        if not 0 < share < 1 or text not in (percent(0), percent(1)):
            return text
        if share <= 0.00005:
            return self.under.format(percent(0.0001, 2))
        return self.over.format(percent(0.9999, 2)) if share >= 0.99995 else percent(share, 2)

    def coverage(self, level: float) -> str:
        """Of an interval: ``95%``."""
        return self.numbers.percent(level, 0)

    def points(self, share: float) -> str:
        """A size of a difference as ``4.1 points``, without its sign."""
        return self._with_unit(share, self.numbers.decimal(100 * abs(share), 1))

    def deviation(self, share: float) -> str:
        """A standard deviation with digits that show it: ``0.7 points``, ``0.04 points``."""
        text = self.numbers.decimal(100 * share, digits_off_zero(share))
        return self._with_unit(share, text)

    def signed_points(self, share: float) -> str:
        """A difference with its sign and its unit: ``+1.0 point``."""
        return self._with_unit(share, self.numbers.points(share))

    def _with_unit(self, share: float, text: str) -> str:
        return (self.point if self.is_one(share) else self.points_pattern).format(text)

    def is_one(self, share: float) -> bool:
        """Whether a difference would be written as 1.0 point."""
        return self.numbers.decimal(100 * abs(share), 1) == self.numbers.decimal(1, 1)

    def is_nothing(self, share: float) -> bool:
        """Whether a difference would be written as 0.0 points."""
        return self.points(share) == self.points(0)

    def ends(self, level: float, low: str, high: str, *, measured: bool = False) -> str:
        """An interval whose ends are written already: ``90% interval 1,200 to 3,400``.

        Args:
            measured: it is a confidence interval, of an accuracy or a difference.
        """
        ends = self.numbers.span.format(low, high)
        pattern = self.confidence if measured else self.around
        return pattern.format(level=self.coverage(level), ends=ends)

    def interval(self, found: Ranged, *, flip: bool = False, measured: bool = True) -> str:
        """``95% interval 3.2 to 5.0``, in points; `no_interval` where nothing tells its ends.

        Args:
            flip: state it for the opposite difference.
            measured: as of `ends`; a forecast has no confidence interval.
        """
        low, high = (-found.high, -found.low) if flip else (found.low, found.high)
        if math.isnan(low) or math.isnan(high):
            return self.no_interval
        off_zero = low > 0 or high < 0
        low_end, high_end = self._end(low, off_zero), self._end(high, off_zero)
        return self.ends(found.level, low_end, high_end, measured=measured)

    def _end(self, value: float, off_zero: bool) -> str:
        """One end of an interval; more digits where rounding would put it onto zero."""
        return self.numbers.decimal(100 * value, digits_off_zero(value) if off_zero else 1)

    def accuracy_interval(self, found: Interval) -> str:
        """``95% interval 84.1% to 86.0%``; empty where nothing tells it."""
        if not math.isfinite(found.low):
            return ""
        low, high = self.percent(found.low), self.percent(found.high)
        return self.ends(found.level, low, high, measured=True)

    def p_value(self, p: float, most: float) -> str:
        """A p after the word: ``< 0.001``, ``= 0.023``.

        Args:
            most: that counts; a p beside it has more digits, so that it is not rounded onto it.
        """
        if p < 0.001:
            return f"< {self.numbers.decimal(0.001, 3)}"
        digits = 3
        while digits < 6 and p > most >= round(p, digits):
            digits += 1
        return f"= {self.numbers.decimal(p, digits)}"

    def probability(self, share: float, most: float) -> str:
        """In whole percent; beyond `most`, and below its opposite, only that it is so."""
        if share > most:
            return self.over.format(self.numbers.percent(most, 0))
        if share < 1 - most:
            return self.under.format(self.numbers.percent(1 - most, 0))
        return self.numbers.percent(share, 0)

    def times(self, factor: float) -> str:
        """A factor with two digits that count: ``2.4 times``, ``16 times``."""
        digits = 1 if factor < 9.95 and round(factor, 1) % 1 else 0
        return self.factor.format(self.numbers.decimal(factor, digits))

    def two_digits(self, number: float) -> str:
        """A change of any size with its sign, to two digits that count: ``+0.039``, ``−330``."""
        return self._two_digits(number, plus=True)

    def ratio(self, number: float) -> str:
        """A part of something to two digits that count: ``0.50``, ``0.0012``."""
        return self._two_digits(number)

    def _two_digits(self, number: float, *, plus: bool = False) -> str:
        value = float(f"{number:.2g}")
        after = 1 - math.floor(math.log10(abs(value))) if value else 0
        return self.numbers.decimal(value, max(0, after), plus=plus)

    def rounded(self, number: float) -> str:
        """A number of images that is only roughly known, to two digits that count: ``130,000``."""
        return self.numbers.count(float(f"{number:.2g}"))

    def roughly(self, seconds: float) -> str:
        """A time that is only roughly known: ``20 min``, ``3 h 50 min``."""
        _, hour, minute, _ = self.numbers.time_units
        if 90 <= seconds < 5400:
            return f"{round(seconds / 60)} {minute}"
        if 5400 <= seconds < 9.95 * 3600:
            hours, minutes = divmod(10 * round(seconds / 600), 60)
            return f"{hours} {hour} {minutes} {minute}" if minutes else f"{hours} {hour}"
        if 9.95 * 3600 <= seconds < 48 * 3600:
            return f"{round(seconds / 3600)} {hour}"
        return self.numbers.duration(float(f"{seconds:.2g}"))

    def large(self, number: float) -> str:
        """Parameters or FLOPs, short: ``11.2 million``."""
        for size, name in self.large_units:
            if abs(number) >= size:
                digits = 1 if abs(number) < 100 * size else 0
                return f"{self.numbers.decimal(number / size, digits)} {name}"
        return self.numbers.count(number)
