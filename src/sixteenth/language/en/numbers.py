"""Numbers in English sentences."""

from __future__ import annotations

from babel import Locale

from ..numbers import Numbers

NUMBERS = Numbers(
    locale=Locale("en", "GB"), span="{} to {}", whole="all", time_units=("d", "h", "min", "s")
)

count, join = NUMBERS.count, NUMBERS.join
signed = NUMBERS.points


def percent(share: float) -> str:
    """An accuracy or error in [0, 1] as ``87.3%``; what is short of 0 or 1 is never written so."""
    text = NUMBERS.percent(share)
    if not 0 < share < 1 or text not in (NUMBERS.percent(0), NUMBERS.percent(1)):
        return text
    if share <= 0.00005:
        return f"under {NUMBERS.percent(0.0001, 2)}"
    return f"over {NUMBERS.percent(0.9999, 2)}" if share >= 0.99995 else NUMBERS.percent(share, 2)


def coverage(level: float) -> str:
    """Of an interval: ``95%``."""
    return NUMBERS.percent(level, 0)


def points(share: float) -> str:
    """A size of a difference as ``4.1 points``, without its sign."""
    text = NUMBERS.decimal(100 * abs(share), 1)
    return f"{text} {'point' if text == '1.0' else 'points'}"


def is_nothing(share: float) -> bool:
    """Whether a difference would be written as 0.0 points."""
    return points(share) == points(0)


def interval(low: float, high: float, level: float = 0.95, *, flip: bool = False) -> str:
    """``95% interval 3.2 to 5.0``, in points; `flip` states it for the opposite difference."""
    if flip:
        low, high = -high, -low
    off_zero = low > 0 or high < 0
    ends = NUMBERS.span.format(_end(low, off_zero), _end(high, off_zero))
    return f"{coverage(level)} interval {ends}"


def _end(value: float, off_zero: bool) -> str:
    """One end of an interval; more digits where rounding would put it onto zero."""
    digits = 1
    while off_zero and value != 0 and digits < 4 and float(f"{100 * value:.{digits}f}") == 0:
        digits += 1
    return NUMBERS.decimal(100 * value, digits)


def p_value(p: float) -> str:
    """A p after the word: ``< 0.001``, ``= 0.023``."""
    return "< 0.001" if p < 0.001 else f"= {NUMBERS.decimal(p, 3)}"


def probability(share: float, most: float) -> str:
    """In whole percent; beyond `most`, and below its opposite, only that it is so."""
    if share > most:
        return f"over {NUMBERS.percent(most, 0)}"
    if share < 1 - most:
        return f"under {NUMBERS.percent(1 - most, 0)}"
    return NUMBERS.percent(share, 0)


def times(factor: float) -> str:
    """A factor with two digits that count: ``2.4 times``, ``16 times``."""
    digits = 1 if factor < 9.95 and round(factor, 1) % 1 else 0
    return f"{NUMBERS.decimal(factor, digits)} times"


def rounded(number: float) -> str:
    """A number of images that is only roughly known, to two digits that count: ``130,000``."""
    return count(float(f"{number:.2g}"))


def roughly(seconds: float) -> str:
    """A time that is only roughly known: ``20 min``."""
    if 90 <= seconds < 5400:
        return f"{count(round(seconds / 60))} {NUMBERS.time_units[2]}"
    return NUMBERS.duration(float(f"{seconds:.2g}"))


def plural(number: int, singular: str, several: str = "") -> str:
    """``1 run``, ``12 runs``, ``2,000 images``."""
    return f"{count(number)} {singular if number == 1 else several or singular + 's'}"


def large(number: float) -> str:
    """Parameters or FLOPs, short: ``11.2 million``."""
    for size, name in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if abs(number) >= size:
            return f"{NUMBERS.decimal(number / size, 1, grouped=False)} {name}"
    return count(number)
