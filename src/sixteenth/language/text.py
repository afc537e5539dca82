"""Text as every language handles it: names on one line, cut where they are long."""

from __future__ import annotations

import re

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


def upper_first(text: str) -> str:
    """The text with a capital at its start, unless it starts with a name such as ``resnet18``."""
    first = text.split(" ", 1)[0]
    if re.search(r"[0-9_./:-]", first.rstrip(".,:")):
        return text
    return text[:1].upper() + text[1:]
