"""How numbers and names are written in a sentence: one place, so that the whole report agrees.

Plain text only: names come from the user and whoever puts them on a page escapes them there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

MINUS = "\u2212"


def percent(share: float) -> str:
    """An accuracy or error in [0, 1] as ``87.3%``; what is short of 0 or 1 is never written so."""
    text = f"{100 * share:.1f}"
    if text == "100.0" and share < 1:
        text = f"{100 * share:.2f}" if share < 0.99995 else "over 99.99"
    elif text == "0.0" and share > 0:
        text = f"{100 * share:.2f}" if share > 0.00005 else "under 0.01"
    return f"{text}%"


def points(share: float) -> str:
    """A size of a difference as ``4.1 points``, without its sign."""
    return f"{_number(abs(share))} {'point' if _number(abs(share)) == '1.0' else 'points'}"


def signed(share: float) -> str:
    """A difference in points with its sign: ``+4.1``, ``−0.3``, ``0.0``."""
    text = _number(abs(share))
    if is_nothing(share):
        return text
    return ("+" if share > 0 else MINUS) + text


def is_nothing(share: float) -> bool:
    """Whether a difference would be written as 0.0 points."""
    return float(_number(abs(share))) == 0


def interval(low: float, high: float, level: float = 0.95, *, flip: bool = False) -> str:
    """``95% interval 3.2 to 5.0``, in points; `flip` states it for the opposite difference."""
    if flip:
        low, high = -high, -low
    ends = (_end(low, low > 0 or high < 0), _end(high, low > 0 or high < 0))
    return f"{level:.0%} interval {ends[0]} to {ends[1]}"


def _end(value: float, away_from_zero: bool) -> str:
    """One end of an interval; more digits where rounding would put it onto zero."""
    digits = 1
    while away_from_zero and value != 0 and digits < 4 and float(f"{100 * value:.{digits}f}") == 0:
        digits += 1
    text = f"{100 * abs(value):.{digits}f}"
    return (MINUS if value < 0 and float(text) != 0 else "") + text


def _number(share: float) -> str:
    return f"{100 * share:.1f}"


def p_value(p: float) -> str:
    """A p after the word: ``< 0.001``, ``= 0.023``."""
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def probability(share: float, most: float) -> str:
    """In whole percent; beyond `most`, and below its opposite, only that it is so."""
    if share > most:
        return f"over {100 * most:.0f}%"
    if share < 1 - most:
        return f"under {100 * (1 - most):.0f}%"
    return f"{100 * share:.0f}%"


def times(factor: float) -> str:
    """A factor with two digits that count: ``2.4 times``, ``16 times``."""
    digits = 1 if factor < 9.95 and round(factor, 1) % 1 else 0
    return f"{factor:,.{digits}f} times"


def rounded(number: float) -> str:
    """A number of images that is only roughly known, to two digits that count: ``130,000``."""
    return count(float(f"{number:.2g}"))


def count(number: float) -> str:
    """A whole number with thousands separators: ``50,000``."""
    return f"{round(number):,}"


def plural(number: int, singular: str, several: str = "") -> str:
    """``1 run``, ``12 runs``, ``2,000 images``."""
    return f"{number:,} {singular if number == 1 else several or singular + 's'}"


def large(number: float) -> str:
    """Parameters or FLOPs, short: ``11.2 million``."""
    for size, name in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if abs(number) >= size:
            return f"{number / size:.1f} {name}"
    return count(number)


def join(parts: Sequence[str], word: str = "and") -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {word} {parts[-1]}"


def upper_first(text: str) -> str:
    """The text with a capital at its start, unless it starts with a name such as ``resnet18``."""
    first = text.split(" ", 1)[0]
    if re.search(r"[0-9_./:-]", first.rstrip(".,:")):
        return text
    return text[:1].upper() + text[1:]


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
