"""Cells and numbers of a table as tools and people of any country write them.

A file is split into cells by `read_cells`, and `NumberReader` reads them. A decimal mark that
cannot be told is refused, never guessed.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..messages import as_typed, looked_for
from ..storage.lfs import LFS_REASON, is_lfs_pointer
from ..storage.sep_line import SEP_LINE

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

_MISSING = frozenset({"", "nan", "na", "n/a", "#n/a", "null", "none", "-", "--", "inf", "-inf"})
_OTHER_KINDS = {
    b"PK": "an archive or a workbook: save it as CSV",
    b"PAR1": "a Parquet file: save it as CSV, for example with pandas' to_csv",
    b"{": "JSON: save it as CSV, for example with pandas' to_csv",
    b"[": "JSON: save it as CSV, for example with pandas' to_csv",
}
"""First bytes of what is no CSV table, and what it is."""
_AMBIGUOUS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
"""A thousand or one, depending on the country."""


@dataclass(frozen=True)
class Cells:
    """The cells of a table as texts, or as numbers if the file holds numbers.

    Attributes:
        table: its index are the lines of the file, or the rows of arrays, counted from 1.
        delimiter: between the cells of a CSV file.
        repeated_headers: lines that repeat the header.
    """

    table: pd.DataFrame
    delimiter: str = ""
    repeated_headers: Sequence[int] = ()


def read_cells(path: Path, wanted: Collection[str]) -> Cells:
    """The cells of a CSV file or of an ``.npz`` with arrays.

    Args:
        wanted: column names; the delimiter is the one with which the header has most of them.

    Raises:
        InputError: the file cannot be read, is no table, or has a column twice.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"there is no file {as_typed(path)}{looked_for(path)}") from None
    except OSError as error:
        raise InputError(f"cannot read the table {path}: {error.strerror or error}") from None
    if is_lfs_pointer(path):
        raise InputError(f"{path} is {LFS_REASON}")
    if path.suffix.lower() == ".npz":
        return _read_arrays(path)
    try:
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
        for begin, what in _OTHER_KINDS.items():
            if content.startswith(begin):
                raise InputError(f"{path} is no CSV table but {what}")
        return _split(path, _decode(content), wanted)
    except (csv.Error, UnicodeDecodeError, EOFError, OSError) as error:
        raise InputError(f"{path} is not a CSV table: {error}") from None


def _decode(content: bytes) -> str:
    """The text of a table; spreadsheets write UTF-8 with a byte-order mark, UTF-16 or cp1252."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16")
    if b"\0" in content:
        raise csv.Error("it holds null bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252")


def _split(path: Path, text: str, wanted: Collection[str]) -> Cells:
    import pandas as pd

    told = SEP_LINE.match(text)
    text = text[told.end() :] if told else text

    def rows(delimiter: str) -> Iterable[tuple[int, list[str]]]:
        reader = csv.reader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True)
        for cells in reader:
            if any(map(str.strip, cells)):
                yield reader.line_num + bool(told), [" ".join(cell.split()) for cell in cells]

    def fit(delimiter: str) -> tuple[int, int]:
        _, header = next(iter(rows(delimiter)), (0, []))
        return len({name for name in wanted if name in header}), len(header)

    delimiter = told[1] if told else max((",", ";", "\t", "|"), key=fit)
    numbered = list(rows(delimiter))
    if not numbered:
        raise InputError(f"{path} is empty")
    (_, header), *body = numbered
    twice = [name for name, count in Counter(filter(None, header)).items() if count > 1]
    if twice:
        raise InputError(f"{path} has the column {twice[0]} twice: rename or remove one of them")
    for line, cells in body:
        if any(cells[len(header) :]):
            raise InputError(
                f"{path}: line {line} has {len(cells)} cells and the header {len(header)}: numbers "
                f"that hold a {delimiter!r} need quotes, or another character between the cells"
            )
    kept = [(line, cells) for line, cells in body if cells != header]
    width = len(header)
    table = pd.DataFrame(
        [(cells + [""] * width)[:width] for _, cells in kept],
        index=pd.Index([line for line, _ in kept]),
        columns=pd.Index(header),
        dtype=str,
    )
    table = table.loc[:, [bool(name) for name in header]]
    return Cells(table, delimiter, [line for line, cells in body if cells == header])


def _read_arrays(path: Path) -> Cells:
    """A row for each score: an array (sizes, folds) becomes a column beside sizes and folds."""
    import numpy as np
    import pandas as pd

    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except Exception as error:  # nearly any, of a damaged archive
        hint = ": save the arrays alone with numpy.savez" if "allow_pickle" in str(error) else ""
        raise InputError(f"{path} cannot be read as arrays ({error}){hint}") from None
    length = max((len(array) for array in arrays.values() if array.ndim == 1), default=0)
    fitting = {
        name: array.reshape(length, -1)
        for name, array in arrays.items()
        if array.ndim in (1, 2)
        and len(array) == length
        and array.size
        and array.dtype.kind in "iuf"
    }
    if not fitting:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise InputError(f"{path} holds no sizes beside scores of as many rows (it has {shapes})")
    folds = max(array.shape[1] for array in fitting.values())
    columns: dict[str, NDArray[np.float64]] = {
        name: np.broadcast_to(array, (length, folds)).ravel().astype(float)
        for name, array in fitting.items()
        if array.shape[1] in (1, folds)
    }
    return Cells(pd.DataFrame(columns, index=pd.RangeIndex(1, length * folds + 1)))


class NumberReader:
    """Reads numbers as people and spreadsheets of any country write them."""

    def __init__(self, path: Path) -> None:
        self.path, self.mark = path, ""

    def learn_mark(self, columns: pd.DataFrame) -> None:
        """Find the decimal mark that the numbers of a table show, if any does.

        Raises:
            InputError: they show two.
        """
        texts = [str(cell) for name in columns for cell in columns[name]]
        shown = {mark: text for text in texts if (mark := _shown_mark(text))}
        if len(shown) > 1:
            raise InputError(
                f"{self.path}: {shown['.']} has a decimal point and {shown[',']} a decimal comma: "
                "write all numbers in one way"
            )
        self.mark = next(iter(shown), "")

    def read(self, column: pd.Series[Any], *, whole: bool = False) -> pd.Series[float]:
        """Numbers of a column, NaN where there is none; percentages and fractions as they are read.

        Args:
            whole: they are sizes, where ``1,000`` is a thousand and ``1/16`` or ``6%`` a share.

        Raises:
            InputError: a cell is no number, or may be one of two.
        """
        import pandas as pd

        if column.dtype.kind in "iuf":
            return column.where(column.abs() < float("inf"))
        texts = [re.sub(r"(?<=\d)[ '’](?=\d{3}(?:\D|$))", "", text) for text in column]
        mark, own = self.mark, any(map(_shown_mark, texts))
        if not mark:
            doubtful = next(filter(_AMBIGUOUS.fullmatch, texts), "")
            shown, other = (",", ".") if "," in doubtful else (".", ",")
            mark = other if whole and doubtful else shown  # in a size, that of 1,000 is no decimal
        read = []
        for line, text in zip(column.index, texts, strict=True):
            if whole and not own and _AMBIGUOUS.fullmatch(text) and mark in text:
                raise InputError(
                    f"{self.path}: line {line}: {text} in column {column.name} may be a thousand "
                    "or one: write sizes without separators"
                )
            try:
                read.append(_number(text, mark, share=whole))
            except ValueError:
                raise InputError(
                    f"{self.path}: line {line}: {text} in column {column.name} is not a number"
                ) from None
        return pd.Series(read, index=column.index, dtype=float)

    def with_percent_sign(self, column: pd.Series[Any]) -> bool:
        """Whether all numbers of a column have a percent sign.

        Raises:
            InputError: only some have one.
        """
        texts = [text for cell in column if (text := str(cell)).lower() not in _MISSING]
        signs = sum(text.endswith("%") for text in texts)
        if 0 < signs < len(texts):
            raise InputError(f"{self.path}: only some numbers in column {column.name} have a %")
        return signs > 0


def _shown_mark(text: str) -> str:
    """The decimal mark that a number shows: none in 1000, none in 1,000, a comma in 0,25."""
    digits = text.rstrip("% ")
    if not re.fullmatch(r"[-+]?[\d.,]*\d[\d.,]*(?:[eE][-+]?\d+)?", digits):
        return ""
    if "," in digits and "." in digits:
        return max(",.", key=digits.rfind)
    for mark, other in (",.", ".,"):
        if mark in digits and not _AMBIGUOUS.fullmatch(digits):
            return other if digits.count(mark) > 1 else mark
    return ""


def _number(text: str, mark: str, *, share: bool) -> float:
    """The number that a text is; a share may also be a fraction, or have a percent sign.

    Raises:
        ValueError: it is none.
    """
    if text.lower() in _MISSING:
        return float("nan")
    if share and re.fullmatch(r"\d+ ?/ ?[1-9]\d*", text):
        return float(Fraction(text.replace(" ", "")))
    plain = text.rstrip("% ")
    whole, point, rest = plain.partition(mark)
    other = "," if mark == "." else "."
    if other in rest or (
        other in whole and not re.fullmatch(rf"[-+]?\d{{1,3}}(\{other}\d{{3}})+", whole)
    ):
        raise ValueError(text)
    number = float(whole.replace(other, "") + ("." if point else "") + rest)
    if math.isinf(number):
        raise ValueError(text)
    return number / 100 if share and plain != text else number
