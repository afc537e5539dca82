"""The rows of a table in a file: comma, semicolon or tab separated, or one JSON object a line."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from ...errors import DataError
from ...messages import one_line
from ...storage.sep_line import SEP_LINE

Rows = list[tuple[int, dict[str, str]]]
"""Rows with the line of the file that each is in; of several lines, the last."""


def read_table(file: Path) -> tuple[list[str], list[dict[str, str]]]:
    """The columns of a table and its rows, everything as text.

    Raises:
        DataError: it is none, has a column twice, or a row has more or fewer values than there are
            columns, or a null byte.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            read = _json_rows if file.suffix.lower() == ".jsonl" else _rows
            columns, rows = read(file, opened)
    except UnicodeDecodeError:
        raise DataError(f"cannot read {file} as a table in UTF-8: save it as UTF-8") from None
    except (OSError, ValueError, csv.Error) as error:
        reason = "it is empty" if "unpack" in str(error) else one_line(error)
        raise DataError(f"cannot read {file} as a table in UTF-8: {reason}") from None
    lines = ((f"line {number}", row.values()) for number, row in rows)
    for place, texts in chain([("the header", columns)], lines):
        if any("\0" in text for text in texts):
            raise DataError(f"{place} of {file} has a null byte: remove it")
    return columns, [row for _, row in rows]


def _rows(file: Path, opened: Iterator[str]) -> tuple[list[str], Rows]:
    """The columns and rows of a table whose cells have a delimiter between them."""
    head = next(opened, "")
    told = SEP_LINE.fullmatch(head)
    delimiter = told[1] if told else max(",;\t", key=head.count)
    reader = csv.reader(chain([] if told else [head], opened), delimiter=delimiter)
    above = 1 if told else 0
    (_, header), *lines = [(reader.line_num + above, line) for line in reader if line]
    columns = [name.strip() for name in header]
    twice = [name for name in columns if columns.count(name) > 1]
    if twice:
        raise DataError(f"{file} has two columns named {twice[0]!r}: rename one")
    for number, line in lines:
        if len(line) != len(columns):
            raise DataError(
                f"line {number} of {file} does not have {len(columns)} values, one a column, but "
                f"{len(line)}"
            )
    return columns, [(number, dict(zip(columns, line, strict=True))) for number, line in lines]


def _json_rows(file: Path, opened: Iterator[str]) -> tuple[list[str], Rows]:
    """The columns and rows of a table that has one JSON object a line."""
    rows: list[tuple[int, dict[str, Any]]] = []
    for number, line in enumerate(opened, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line.rstrip())
        except json.JSONDecodeError as error:
            raise DataError(
                f"line {number} of {file} is no JSON ({error.msg}, in column {error.colno})"
            ) from None
        if not isinstance(row, dict):
            raise DataError(f"line {number} of {file} holds no JSON object")
        rows.append((number, row))
    columns = list(dict.fromkeys(name for _, row in rows for name in row))

    def text(value: Any) -> str:
        return "" if value is None or value != value else str(value)  # NaN, which pandas writes

    return columns, [
        (number, {name: text(row.get(name)) for name in columns}) for number, row in rows
    ]
