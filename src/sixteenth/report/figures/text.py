"""Widths of text in a figure, measured in the font that it is drawn with, and text cut to fit.

Nothing is counted in letters: those of other scripts are wider than Latin ones.
"""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Iterable
from functools import cache

from matplotlib.font_manager import (
    FontProperties,
    findfont,
    findSystemFonts,
    fontManager,
    get_font,
)

from ...language.text import cut, lines

FONT = "DejaVu Sans"
SIZE = 9.5
"""Points, of text whose size is not given."""
_ELLIPSIS = " …"
CHINESE_FONTS = (
    "PingFang TC",
    "Microsoft JhengHei",
    "Noto Sans TC",
    "Noto Sans CJK TC",
    "Source Han Sans TC",
    "Heiti TC",
    # Of a collection matplotlib knows the first face only, which has all these characters too.
    "Noto Sans CJK JP",
)
"""Fonts with the characters of Traditional Chinese, those of common systems first."""


def width(text: str, size: float = SIZE, *, bold: bool = False) -> float:
    """How wide a line of text is, in inches."""
    return size / 72 * sum(_advance(letter, bold) for letter in text)


def widest(texts: Iterable[str], size: float = SIZE) -> float:
    """The width of the widest line of some texts, in inches."""
    return max((width(line, size) for text in texts for line in text.split("\n")), default=0.0)


def shortened(text: str, inches: float, size: float = SIZE, *, bold: bool = False) -> str:
    """`text` cut in its middle until it is at most so wide."""
    most = len(text)
    while most > 3 and width(cut(text, most), size, bold=bold) > inches:
        most -= 1
    return cut(text, most)


def wrapped(text: str, inches: float, size: float = SIZE, most: int | None = None) -> list[str]:
    """`text` in lines of at most that width; what `most` lines cannot hold is an ellipsis."""
    made = lines(text, inches, lambda part: width(part, size))
    if most is None or len(made) <= most:
        return made
    line = made[most - 1]
    while line and width(line + _ELLIPSIS, size) > inches:
        line = line.rpartition(" ")[0] or line[:-1]
    return [*made[: most - 1], line + _ELLIPSIS]


@cache
def fonts() -> tuple[str, ...]:
    """The families that figures are drawn with: `FONT`, and one of `CHINESE_FONTS` if there is."""
    known = {font.name for font in fontManager.ttflist}
    if not known.intersection(CHINESE_FONTS):
        # Matplotlib keeps a list of fonts, which one that was installed later is not in.
        for path in findSystemFonts():
            if re.search("NotoSans(CJK|TC)|PingFang|msjh|SourceHanSans", path, re.IGNORECASE):
                fontManager.addfont(path)
        known = {font.name for font in fontManager.ttflist}
    return (FONT, *[name for name in CHINESE_FONTS if name in known][:1])


@cache
def can_draw(text: str) -> bool:
    """Whether the fonts of this machine have all the letters of a text."""
    maps = [get_font(findfont(FontProperties(family=name))).get_charmap() for name in fonts()]
    return all(any(ord(letter) in known for known in maps) for letter in text)


@cache
def _advance(letter: str, bold: bool) -> float:
    """How far a letter moves the pen, in font sizes."""
    # DejaVu has no ideographs; in a font that has, each is as wide as the font is high.
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.0
    font = get_font(findfont(FontProperties(family=FONT, weight="bold" if bold else "normal")))
    font.set_size(100, 72)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        return float(font.load_char(ord(letter)).linearHoriAdvance) / 65536 / 100
