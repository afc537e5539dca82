"""Text as every language handles it: names on one line, cut where they are long."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from os.path import commonprefix

_HAN = "\u2e80-\u2fff\u3040-\u9fff\uf900-\ufaff"
_WIDE = _HAN + "\u3000-\u303f\uff00-\uffef"
_OPENING, _CLOSING = "「『（《〈【", "，。；：、！？」』）》〉】"
# The space in ``11 s``, ``1.5 GB``, ``3 分鐘``, ``1.2 萬``: the units that `Numbers` writes.
_UNIT = r"(?<=\d) (?:(?=(?:s|min|h|d|[kMGT]?B|[kMGTPE]?FLOP|[kMGT])\b)|天|小時|分鐘|秒|萬|億|兆)"
# A line may end after a space, and before and after an ideograph, but not before a closing mark.
_PIECES = re.compile(rf"\s*(?:[{_OPENING}]*(?:[{_HAN}]|(?:{_UNIT}|[^\s{_WIDE}])+)[{_CLOSING}]*|\S)")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]+")


def plain(text: object) -> str:
    """Text on one line and without control characters, which neither SVG nor a table can hold."""
    return " ".join(_CONTROLS.sub(" ", str(text)).split())


def cut(text: str, most: int) -> str:
    """At most that many characters of `text`, cut in its middle.

    Both ends of ``my_lab.networks:wide_resnet`` tell it apart.
    """
    if len(text) <= most:
        return text
    head = (most - 1) // 2
    return f"{text[:head]}…{text[-(most - 1 - head) :]}"


def cut_apart(names: Iterable[str], most: int) -> dict[str, str]:
    """Each name -> at most that many characters of it, different ones of different names.

    Of names that `cut` would make equal, the beginning that all of them share is left out. What
    even that does not tell apart stays whole.
    """
    short = {name: cut(name, most) for name in names}
    for text in set(short.values()):
        alike = [name for name in short if short[name] == text]
        if len(alike) > 1:
            shared = len(commonprefix(alike))  # noqa: RUF071, letters are meant
            short |= {name: cut(f"…{name[shared:]}", most) for name in alike}
    times = Counter(short.values())
    return {name: text if times[text] == 1 else name for name, text in short.items()}


def upper_first(text: str, names: Iterable[str] = ()) -> str:
    """The text with a capital at its start, unless it starts with a name such as ``resnet18``.

    Args:
        names: that are written as they are, whatever they look like.
    """
    first = text.split(" ", 1)[0]
    if re.search(r"[0-9_./:-]", first.rstrip(".,:")):
        return text
    if any(re.match(rf"{re.escape(name)}\b", text) for name in names):
        return text
    return text[:1].upper() + text[1:]


def portion(share: float) -> str:
    """A share as a simple fraction: ``1/2``."""
    return str(Fraction(share).limit_denominator(1000))


def short_name(name: str) -> str:
    """The factory of ``package.module:factory``, the end of a path; else the name itself."""
    last = re.split(r"[/\\:]", name.rstrip("/\\:"))[-1]
    return last or name


def shown_init(init: str) -> str:
    """``imagenet`` as it is, a path as the name of its file."""
    return short_name(init) if "/" in init or "\\" in init else init


def is_ideograph(letter: str) -> bool:
    """Whether it is a Han character (or a Japanese syllable), without full-width punctuation."""
    return re.match(f"[{_HAN}]", letter) is not None


def pieces(text: str) -> list[str]:
    """The parts of a text between which a line may end, each with the space before it.

    A number and its unit are one part.
    """
    return _PIECES.findall(text)


def columns(text: str) -> int:
    """How many columns of a terminal a text takes: two for an ideograph."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def lines(
    text: str, most: float, width: Callable[[str], float] = columns, first: float = 0
) -> list[str]:
    """`text` in lines of at most such a width; the first has `first` less.

    Args:
        width: of a text, in the unit of `most`.
    """
    made, room = [""], most - first
    for piece in _short_pieces(text, most, width):
        if made[-1] and width(made[-1] + piece) > room:
            made.append("")
            piece, room = piece.lstrip(), most
        made[-1] += piece
    return made


def _short_pieces(text: str, most: float, width: Callable[[str], float]) -> Iterator[str]:
    """What a line is made of: pieces, or single letters of one that is wider than a line."""
    for piece in pieces(text):
        yield from [piece] if width(piece) <= most else piece


def fill(text: str, most: int = 79, first: str = "", rest: str = "") -> str:
    """`text` in lines of at most that many columns that begin with `first`, then with `rest`."""
    more = columns(first) - columns(rest)
    head, *others = lines(text, most - columns(rest), first=more)
    return "\n".join([first + head, *(rest + line for line in others)])
