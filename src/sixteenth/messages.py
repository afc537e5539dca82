"""Parts of messages, of errors and notes: counts, names that are near, paths as they were typed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path


def one_line(error: object) -> str:
    """The text of an error without its line breaks."""
    return " ".join(str(error).split())


def counted(number: int, noun: str, several: str = "") -> str:
    """``1 image``, ``2,000 images``."""
    return f"{number:,} {noun if number == 1 else several or noun + 's'}"


def nearest(name: str, allowed: Iterable[str], *, most: int = 3, prefix: str = "") -> str:
    """A half-sentence such as ``; did you mean resnet18?``, empty when nothing is near.

    Args:
        prefix: is put before each name that is told, and is no part of `name`.
    """
    close = difflib.get_close_matches(name, list(allowed), n=most, cutoff=0.6)
    close = [f"{prefix}{each}" for each in close]
    return f"; did you mean {' or '.join(close)}?" if close else ""


_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+:)/+")  # two letters: C:/ is a disk


def as_typed(path: str | Path) -> str:
    """The text of a path; of a URL with both its slashes, of which a `Path` keeps one."""
    return _URL.sub(r"\1//", str(path), count=1) if _URL.match(str(path)) else str(path)


def looked_for(path: str | Path) -> str:
    """A half-sentence on a path that is missing: where it was looked for, or that it is a URL."""
    if _URL.match(str(path)):
        return ", which is a URL: download it and give the file's path"
    place = Path(path).expanduser()
    return "" if place.is_absolute() else f" in {Path.cwd()}"
