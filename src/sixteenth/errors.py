"""Every error that Sixteenth raises on purpose, and the exit code each one means::

    SixteenthError            exit 1
    ├── InputError            exit 2: something the user gave is wrong; nothing was trained
    │   ├── SpecError         the study file or a command-line setting
    │   ├── DataError         the images or their labels
    │   ├── ModelError        a model's name or factory
    │   ├── WeightsError      initial weights: missing, damaged, of another shape
    │   ├── MismatchError     the output folder holds something else
    │   └── InUseError        another process trains in the output folder
    └── RunError              one training could not finish; the others go on
        ├── DivergedError     the loss became NaN or infinite
        └── ReplacedError     another process has taken the run over

A message is one clear line that names the thing and the way out; the command line prints it as is.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path


class SixteenthError(Exception):
    """Base of all errors that Sixteenth raises on purpose."""

    exit_code = 1


class InputError(SixteenthError):
    """Something the user gave is wrong."""

    exit_code = 2


class SpecError(InputError):
    """The study file, or a setting on the command line, is wrong."""


class DataError(InputError):
    """The images or labels cannot be used."""


class ModelError(InputError):
    """A model's name or factory cannot be used."""


class WeightsError(InputError):
    """Initial weights are missing, damaged or made for another network."""


FRESH = "begin in a new folder with --fresh, or choose one with --out"


class MismatchError(InputError):
    """The output folder holds another study than the one asked for.

    Attributes:
        what: where, and what differs.
        way_out: what to do about it.
    """

    def __init__(self, what: str, way_out: str = FRESH) -> None:
        self.what, self.way_out = what, way_out
        super().__init__(what, way_out)  # what pickle makes it of again

    def __str__(self) -> str:
        return f"{self.what}: {self.way_out}"


class InUseError(InputError):
    """Another process is at work in the output folder."""


class RunError(SixteenthError):
    """One run could not finish."""


class DivergedError(RunError):
    """The training loss became NaN or infinite."""


class ReplacedError(RunError):
    """Another process trains the run by now, because this one did not renew its lease."""


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
