"""The classes of a table's rows: which column holds them, and what stands in it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...errors import DataError
from ...messages import counted
from ..source import NUMBER, class_name
from .splits import SPLIT_COLUMNS, letters

_LABEL = ("label", "labels", "class", "classname", "target", "category", "labelname", "y")
"""Usual names of columns, the most telling first, without capitals, spaces and punctuation."""

_GROUPS = (
    *("patient", "subject", "person", "case", "user", "author", "scanner", "camera", "device"),
    *("machine", "site", "hospital", "center", "centre", "location", "slide", "scene", "video"),
    *("fold", "batch", "session", "source", "group", "study", "date", "filename", "hash"),
)
"""Columns that say where or when an image was taken, alone or with ``id``: no labels."""

_NESTED = re.compile(r"\[(?:['\"0-9\[{-].*)?\]|\{(?:['\"].*)?\}")
"""A list or an object as JSON, Python or NumPy writes it; ``[unk]`` may be the name of a class."""

_ABSENT = {"nan", "NaN", "<NA>"}
"""What pandas writes, as text, for a number that is absent."""


def label_column(
    file: Path,
    columns: Sequence[str],
    rows: Sequence[Mapping[str, str]],
    image: str,
    *,
    needed: bool,
) -> str | None:
    """The column of the labels: of a usual name, or the only one with names. Where others could be
    the labels, so that it is not `needed`, it is none that says where an image was taken.

    Of two that say the same, a number and a name of each class, it is the one with the names.
    """
    others = [name for name in columns if name != image and letters(name) not in SPLIT_COLUMNS]
    named = [name for name in others if not all(NUMBER.fullmatch(row[name]) for row in rows)]
    usual = [name for name in others if is_label_name(name)]
    if len(usual) > 1:
        pairs = len({tuple(row[name] for name in usual) for row in rows})
        if any(len({row[name] for row in rows}) != pairs for name in usual):
            raise DataError(
                f"several columns of {file} may hold the labels: choose one with --label-column "
                f"({', '.join(usual)})"
            )
        return next((name for name in usual if name in named), usual[0])
    if usual:
        return usual[0]
    if len(others) != 1 or not named:
        return None
    word = letters(others[0])
    groups = word in _GROUPS or word.removesuffix("id") in _GROUPS
    return others[0] if needed or not groups else None


def class_names(
    file: Path, column: str, rows: Sequence[Mapping[str, str]], image: str
) -> list[str]:
    """The class of each row; whole numbers are written without a fraction.

    Raises:
        DataError: a label is absent, a list, an object, -1 or a number with a fraction.
    """
    names = [class_name(row[column].strip()) for row in rows]
    absent = are_absent(names)
    empty = [row[image] for row, each in zip(rows, absent, strict=True) if each]
    if empty:
        word = names[absent.index(True)]
        found = f" ({word} among numbers)" if word else ""
        raise DataError(
            f"{file} has {counted(len(empty), 'row')} without a label in column "
            f"{column!r}{found}, such as that of {empty[0]!r}: remove them"
        )
    nested = next(filter(_NESTED.fullmatch, names), None)
    if nested is not None:
        kind = "lists" if nested.startswith("[") else "objects"
        raise DataError(
            f"column {column!r} of {file} holds {kind}, such as {nested[:40]}: one label an image "
            "is needed"
        )
    if not all(map(NUMBER.fullmatch, names)):
        return names
    for number in map(float, names):
        if number < 0 or number % 1:
            raise DataError(
                f"column {column!r} of {file} holds {number:g}: labels are names, or whole "
                "numbers from 0"
            )
    return [name if name.isdigit() else f"{float(name):.0f}" for name in names]


def are_absent(labels: Sequence[str]) -> list[bool]:
    """Which labels are none: empty ones, and ``nan`` where all others are numbers."""
    words = {label.strip() for label in labels if not NUMBER.fullmatch(label)} - {""}
    none = words <= _ABSENT and any(map(NUMBER.fullmatch, labels))
    return [not label.strip() or (none and label.strip() in words) for label in labels]


def is_label_name(column: str) -> bool:
    """Whether a column has a usual name of labels."""
    return letters(column) in _LABEL


def class_order(names: Sequence[str]) -> list[str]:
    """Classes in the order of their labels: whole numbers by size, else names by alphabet."""
    distinct = sorted(set(names))
    return sorted(distinct, key=int) if all(map(str.isdecimal, distinct)) else distinct
