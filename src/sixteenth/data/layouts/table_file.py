"""The rows of a table in a file: comma, semicolon or tab separated, or one JSON object a line."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...errors import DataError
from ...messages import one_line


def read_table(file: Path) -> tuple[list[str], list[dict[str, str]]]:
    """The columns of a table and its rows, everything as text."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            if file.suffix.lower() == ".jsonl":
                return _json_rows(file, opened)
            head = opened.readline()
            opened.seek(0)
            delimiter = max(",;\t", key=head.count)
            header, *lines = [line for line in csv.reader(opened, delimiter=delimiter) if line]
    except (OSError, ValueError, csv.Error) as error:
        reason = "it is empty" if "unpack" in str(error) else one_line(error)
        raise DataError(f"cannot read {file} as a table in UTF-8: {reason}") from None
    columns = [name.strip() for name in header]
    twice = [name for name in columns if columns.count(name) > 1]
    if twice:
        raise DataError(f"{file} has two columns named {twice[0]!r}: rename one")
    for number, line in enumerate(lines, start=2):
        if len(line) != len(columns):
            raise DataError(
                f"row {number} of {file} does not have {len(columns)} values, one a column, but "
                f"{len(line)}"
            )
    return columns, [dict(zip(columns, line, strict=True)) for line in lines]


def _json_rows(file: Path, lines: Iterator[str]) -> tuple[list[str], list[dict[str, str]]]:
    """Likewise of one JSON object a line."""
    rows: list[dict[str, Any]] = [json.loads(line) for line in lines if line.strip()]
    if not all(isinstance(row, dict) for row in rows):
        raise DataError(f"{file} holds no JSON object in every line")
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return columns, [
        {name: "" if _is_absent(row.get(name)) else str(row[name]) for name in columns}
        for row in rows
    ]


def _is_absent(value: Any) -> bool:
    """Null, or NaN, which pandas writes for it."""
    return value is None or value != value
