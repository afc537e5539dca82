"""How numbers and names are written in a report: one place, so that no two tables disagree.

Each function takes a plain value and returns text; a missing value (None, NaN) becomes a dash.
Nothing here knows HTML. `markdown` is the one escape that a template engine does not bring along.
"""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import Any

DASH = "–"
MINUS = "−"
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]+")
_SPECIAL = re.compile(r"([\\`*_\[\]|~$#])")


def missing(value: Any) -> bool:
    """None, NaN, pandas' NA, infinity and the empty string: all are shown as a dash."""
    if isinstance(value, str):
        return not value or value.lower() in ("nan", "inf", "-inf")
    try:
        return not math.isfinite(float(value))
    except (TypeError, ValueError):  # None and NA are no numbers
        return True


def percent(share: Any, digits: int = 1) -> str:
    """0.8234 as ``82.3%``."""
    return DASH if missing(share) else f"{_signed(float(share) * 100, digits)}%"


def points(difference: Any, digits: int = 1) -> str:
    """A difference of two shares, in percentage points and with its sign: ``+1.4``."""
    if missing(difference):
        return DASH
    return _signed(float(difference) * 100, digits, plus=True)


def interval(low: Any, high: Any, digits: int = 1) -> str:
    """Two shares as a range: ``81.5 to 83.0%``."""
    if missing(low) or missing(high):
        return DASH
    return f"{_signed(float(low) * 100, digits)} to {_signed(float(high) * 100, digits)}%"


def points_interval(low: Any, high: Any, digits: int = 1) -> str:
    """A range of differences in percentage points: ``−0.3 to +1.1``."""
    if missing(low) or missing(high):
        return DASH
    return f"{points(low, digits)} to {points(high, digits)}"


def count(number: Any) -> str:
    """50000 as ``50,000``."""
    return DASH if missing(number) else f"{round(float(number)):,}".replace("-", MINUS)


def exponent(number: Any) -> str:
    """An exponent: two digits after the point, so that one too small to matter is ``0.00``."""
    return DASH if missing(number) else _signed(float(number), 2)


def three_digits(number: Any) -> str:
    """Three digits that count: ``0.0471``, ``4.70``, ``82,100``; ``1.23e+06`` from a million on."""
    if missing(number):
        return DASH
    value = float(f"{float(number):.2e}")
    if value and not 1e-3 <= abs(value) < 1e6:
        return f"{value:.2e}".replace("-", MINUS)
    after = 2 - math.floor(math.log10(abs(value))) if value else 0
    return f"{value:,.{max(0, after)}f}".replace("-", MINUS)


def parameters(number: Any) -> str:
    """11181642 as ``11.2 M``."""
    return _scaled(number, (" T", 1e12), (" G", 1e9), (" M", 1e6), (" k", 1e3), ("", 1.0))


def flops(number: Any) -> str:
    """Floating-point operations: 1.2e15 as ``1.2 PFLOP``."""
    steps = [(" EFLOP", 1e18), (" PFLOP", 1e15), (" TFLOP", 1e12), (" GFLOP", 1e9), (" MFLOP", 1e6)]
    return _scaled(number, *steps, (" kFLOP", 1e3), (" FLOP", 1.0))


def size(number: Any) -> str:
    """Bytes as ``1.5 GB``."""
    return _scaled(number, (" TB", 1e12), (" GB", 1e9), (" MB", 1e6), (" kB", 1e3), (" B", 1.0))


def duration(seconds: Any) -> str:
    """200 as ``3 min 20 s``; two units at most, and tenths only below ten seconds."""
    if missing(seconds):
        return DASH
    value = max(0.0, float(seconds))
    if value < 9.95:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(value / 60)
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    hours = round(value / 3600)
    return f"{hours // 24} d {hours % 24} h"


def day(moment: Any) -> str:
    """An ISO time as ``3 March 2026``; anything else as it is."""
    try:
        when = datetime.fromisoformat(str(moment))
    except ValueError:
        return plain(moment)
    return f"{when.day} {when:%B %Y}"


def fraction(text: Any) -> str:
    """A fraction in a heading or at a tick: the whole training set is ``all``."""
    return "all" if str(text) == "1" else plain(text)


def short(text: Any, most: int = 28) -> str:
    """A name cut in its middle: both ends of ``my_lab.networks:wide_resnet`` tell it apart."""
    value = plain(text)
    if len(value) <= most:
        return value
    head = (most - 1) // 2
    return f"{value[:head]}…{value[-(most - 1 - head) :]}"


def plain(text: Any) -> str:
    """Text on one line and without control characters, which neither SVG nor a table can hold."""
    return " ".join(_CONTROLS.sub(" ", str(text)).split())


def markdown(text: Any) -> str:
    """A user's text as inert Markdown: no markup, HTML, link or table cell comes of it."""
    value = plain(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    value = _SPECIAL.sub(r"\\\1", value)
    # A bare address would become a link; a zero-width space would break copying, an entity not.
    return re.sub(r"(?i)\b(https?|ftp|mailto):", r"\1&#58;", value).replace("@", "&#64;")


def code_block(text: Any, language: str = "") -> str:
    """`text` in a Markdown fence that is longer than any run of backticks inside it."""
    body = str(text).rstrip("\n")
    longest = max((len(run) for run in re.findall(r"`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{body}\n{fence}"


def _signed(value: float, digits: int, *, plus: bool = False) -> str:
    """A fixed number of digits, a real minus sign, and no minus before a zero."""
    text = f"{abs(value):.{digits}f}"
    zero = not float(text)
    if value < 0 and not zero:
        return MINUS + text
    return f"+{text}" if plus and not zero else text


def _scaled(number: Any, *steps: tuple[str, float]) -> str:
    """`number` in the largest unit that leaves at least one before the point (after rounding)."""
    if missing(number):
        return DASH
    value = float(number)
    unit, divisor = next((s for s in steps if abs(value) >= 0.99995 * s[1]), steps[-1])
    digits = 0 if divisor == 1.0 or abs(value / divisor) >= 99.95 else 1
    return f"{_signed(value / divisor, digits)}{unit}"
