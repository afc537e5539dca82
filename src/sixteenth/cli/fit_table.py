"""The table for ``sixteenth fit``, from any tool: which rows are trainings, and what their numbers
mean.

`read_trainings` takes one size and one error a training. What cannot be told, such as which of ten
epochs counts, is refused with the ways out, never guessed. How cells are read is in `table_cells`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..messages import counted, nearest
from .fit_columns import ACCURACIES, SIZES, is_loss, is_moment, tells_trainings
from .table_cells import NumberReader, read_cells

if TYPE_CHECKING:
    import pandas as pd

SIZE, ERROR = "\0size", "\0error"
"""The columns of `Trainings.rows` that hold these: no column of a file has such a name."""


@dataclass(frozen=True)
class Request:
    """What the command line says of the table; None for what it leaves open.

    Attributes:
        total: images of the whole training set, if sizes are shares of it.
        last_by: of the rows of one training, that with the largest value of this column counts.
        run_columns: tell one training from another.
    """

    size: str | None = None
    error: str | None = None
    accuracy: str | None = None
    percent: bool = False
    total: int | None = None
    group_by: Sequence[str] = ()
    last_by: str | None = None
    run_columns: Sequence[str] = ()


@dataclass
class Trainings:
    """What was read: a row a training, with the columns `SIZE`, `ERROR` and the groups' own.

    Attributes:
        facts: how the columns were understood, for machines.
        left_out: why rows were left out, and their lines.
        notes: what may be misunderstood, for people.
    """

    rows: pd.DataFrame
    facts: dict[str, Any]
    left_out: dict[str, list[int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def summary(self) -> str:
        """What was read and left out, in one line for people."""
        facts, trainings = self.facts, self.rows.groupby(SIZE)[ERROR].count()
        lost = sum(map(len, self.left_out.values()))
        sizes = f"from {round(trainings.index.min()):,} to {round(trainings.index.max()):,}"
        reasons = [
            f"{counted(len(lines), 'row')} {why} ({_lines(lines)})"
            for why, lines in self.left_out.items()
        ]
        return (
            f"{facts['file']}: {len(self.rows):,} of {counted(len(self.rows) + lost, 'row')} "
            f"read, {facts['value_column']} as {facts['values']} in {facts['unit']}, "
            f"{counted(len(trainings), 'size')} in {facts['size_column']} {sizes}"
            + (f"; left out: {', '.join(reasons)}" if reasons else "")
        )

    def leave_out(self, why: str, mask: pd.Series[bool]) -> None:
        """Remove the rows of `mask`, and remember why."""
        if mask.any():
            self.left_out[why] = self.rows.index[mask].tolist()
            self.rows = self.rows[~mask]


def read_trainings(path: Path, request: Request) -> Trainings:
    """The trainings of a table: sizes in images, errors as shares, and what was left out.

    Raises:
        InputError: the file is no table, a column is missing or holds something else than numbers,
            or it cannot be told what the numbers mean; the message says the ways out.
    """
    given = [name for name in (request.size, request.error or request.accuracy) if name]
    others = [*request.group_by, *request.run_columns, *filter(None, [request.last_by])]
    cells = read_cells(path, [*given, *others, *SIZES, *ACCURACIES])
    table = cells.table
    size = _column(path, table, request.size or _first(SIZES, table), "--size-column")
    own = {"length", "run_id"} <= set(table)  # a study's own results.csv
    decides = _decides_by(path) if own and not (request.error or request.accuracy) else None
    named = request.error or request.accuracy or decides or _first(ACCURACIES, table)
    value = _column(path, table, named, "--error-column or --accuracy-column")
    if is_loss(value):
        raise InputError(
            f"{path}: column {value} is a loss by its name: name a column of error rates or "
            "accuracies (or rename this one, if it holds these)"
        )
    for name in others:
        _column(path, table, name, "")
    read = Trainings(table, {})
    if cells.repeated_headers:
        read.left_out["that repeats the header"] = list(cells.repeated_headers)
    if decides:
        read.notes.append(
            f"the study beside {path} decides by {decides}: --accuracy-column {ACCURACIES[0]} fits "
            "plain accuracy"
        )
    if own and "length" not in others:
        whole = table["length"].astype(str).isin(("1", "1.0", ""))
        read.leave_out("of another training length", ~whole)
    rows, numbers = read.rows, NumberReader(path)
    numbers.learn_mark(rows[[size, value]])
    sizes, errors = numbers.read(rows[size], whole=True), numbers.read(rows[value])
    percent = request.percent or numbers.with_percent_sign(rows[value])
    read.rows = rows.assign(**{SIZE: sizes, ERROR: errors})
    read.leave_out(f"without {size}", read.rows[SIZE].isna())
    read.leave_out(f"without {value}", read.rows[ERROR].isna())
    if read.rows.empty:
        raise InputError(f"{path} has no row with both {size} and {value}")
    if request.last_by:
        read.rows = read.rows.assign(
            **{"\0last": numbers.read(read.rows[request.last_by], whole=True)}
        )
        read.leave_out(f"without {request.last_by}", read.rows["\0last"].isna())
    _choose_rows(path, read, request, size)
    read.rows = read.rows.assign(
        **{
            SIZE: _in_images(path, read, size, request.total),
            ERROR: _as_errors(path, read, value, percent, accuracy=not request.error),
        }
    )[[SIZE, ERROR, *dict.fromkeys(request.group_by)]]
    _merge_near_sizes(path, read, request.group_by)
    _note_states(read, table)
    _note_pooled(read, table, own=[size, value, *others])
    copies = read.rows.index[table.loc[read.rows.index].duplicated()].tolist()
    if copies and any(map(tells_trainings, map(str, table))):
        read.notes.append(f"{_lines(copies)}: the same as a line above in all cells, counted again")
    read.facts = {
        "file": str(path),
        "delimiter": cells.delimiter or None,
        "decimal_mark": numbers.mark or None,
        "size_column": size,
        "value_column": value,
        "values": "errors" if request.error else "accuracies",
        "unit": "percent" if percent else "shares",
        "total": request.total,
    }
    return read


def _decides_by(path: Path) -> str | None:
    """The column by which the study decides whose results these are, unless it is the usual one.

    Raises:
        SpecError: its study file, beside the table, cannot be read.
    """
    from ..spec import load_spec
    from ..storage.study_folder import StudyFolder

    file = StudyFolder(path.parent).spec_path
    balanced = file.is_file() and load_spec(file).metric == "balanced-accuracy"
    return "balanced_accuracy" if balanced else None


def _first(usual: Sequence[str], table: pd.DataFrame) -> str:
    return next((name for name in usual if name in table), usual[0])


def _column(path: Path, table: pd.DataFrame, name: str, flag: str) -> str:
    if name in table:
        return name
    named = f"; name it with {flag}" if flag else ""
    raise InputError(
        f"{path} has no column {name}{nearest(name, map(str, table.columns))}"
        f" (it has {', '.join(map(str, table.columns))}){named}"
    )


def _choose_rows(path: Path, read: Trainings, request: Request, size: str) -> None:
    """Keep one row a training, or refuse a table that may hold several."""
    known = [*request.group_by, *request.run_columns]
    usual = [name for name in read.rows if tells_trainings(str(name)) and name != size]
    identity = list(dict.fromkeys([SIZE, *known, *(request.run_columns or usual)]))
    parts = read.rows.groupby(identity, dropna=False, sort=False)
    if request.last_by is None:
        for name in map(str, read.rows):
            if not is_moment(name) or name in known:
                continue
            differ = parts[name].nunique()
            if name != size and (differ > 1).any():
                raise InputError(
                    f"{path}: column {name} differs among the rows of one size: take the last of "
                    f"each training with --last-by {name}, or name what tells "
                    f"trainings apart, such as --run-column seed (--run-column {name} if each row "
                    "is a training of its own)"
                )
        return
    repeated = read.rows.duplicated([*identity, "\0last"])
    if repeated.any():
        line = read.rows.index[repeated][0]
        raise InputError(
            f"{path}: line {line} repeats its size and its {request.last_by}: name the column that "
            "tells trainings apart with --run-column, or a finer one with --last-by"
        )
    last = read.rows["\0last"] == parts["\0last"].transform("max")
    read.leave_out(f"before the last {request.last_by}", ~last)


def _in_images(path: Path, read: Trainings, size: str, total: int | None) -> pd.Series[float]:
    """Sizes as numbers of images."""
    sizes: pd.Series[float] = read.rows[SIZE]
    small = sizes[sizes < 1]
    if len(small) and small.min() <= 0:
        raise InputError(
            f"{path}: line {small.idxmin()}: {small.min():g} in column {size} is no size of a "
            "training set"
        )
    if total is not None:
        if sizes.max() > 1:
            raise InputError(
                f"{path}: {sizes.max():.15g} in column {size} is no share, and --total is for "
                "sizes that are shares of the training set"
            )
        return sizes * total
    if sizes.max() <= 1:
        raise InputError(
            f"{path}: the sizes in column {size} are at most 1: if they are shares of a training "
            "set, say with --total N how many images it has"
        )
    if len(small):
        raise InputError(f"{path}: {small.iloc[0]:g} in column {size} is no number of images")
    if sizes.max() == 100 and sizes.min() < 100:
        read.notes.append(
            f"the largest size in {size} is 100: if sizes are percent, write them as shares and "
            "add --total N, or forecasts count in percent"
        )
    return sizes


def _merge_near_sizes(path: Path, read: Trainings, group_by: Sequence[str]) -> None:
    """Let one of sizes of a curve within 1% (`SAME_SIZE`) stand for all of them, and note it."""
    import pandas as pd

    from ..analysis.inputs.cells import SAME_SIZE

    given = read.rows[SIZE]
    keys = [read.rows[name] for name in group_by]
    curves = [sizes for _, sizes in given.groupby(keys, dropna=False)] if keys else [given]
    for sizes in curves:
        if sizes.nunique() > 1 and sizes.max() < (1 + SAME_SIZE) * sizes.min():
            raise InputError(
                f"{path}: the sizes from {sizes.min():,.15g} to {sizes.max():,.15g} of a curve are "
                "within 1%, which is one size: a learning curve needs errors at two at least"
            )
    merged = pd.concat([sizes.map(_one_of_near(sizes)) for sizes in curves]).reindex(given.index)
    changed = given != merged
    if changed.any():
        line: Any = changed.idxmax()
        read.notes.append(
            f"sizes of a curve within 1% count as one, such as {given[line]:,.15g} as "
            f"{merged[line]:,.15g}"
        )
        read.rows = read.rows.assign(**{SIZE: merged})


def _one_of_near(sizes: pd.Series[float]) -> dict[float, float]:
    """For each size the most frequent of those within 1% of their smallest, else the smallest."""
    from ..analysis.inputs.cells import SAME_SIZE

    found: dict[float, float] = {}
    near: list[float] = []
    for size in [*sorted(sizes.unique()), math.inf]:
        if near and size >= (1 + SAME_SIZE) * near[0]:
            one = float(sizes[sizes.isin(near)].mode().iloc[0])
            found |= dict.fromkeys(near, one)
            near = []
        near.append(size)
    return found


def _as_errors(
    path: Path, read: Trainings, value: str, percent: bool, *, accuracy: bool
) -> pd.Series[float]:
    """Errors as shares."""
    values: pd.Series[float] = read.rows[ERROR]
    what, most = ("accuracies" if accuracy else "errors"), 100 if percent else 1
    outside, small, large = values[(values < 0) | (values > most)], *_apart(values)
    if len(outside):
        way = ""
        if not percent and outside.min() >= 0 and outside.max() <= 100:
            way = "; with --percent they are read as percent"
            if len(small):
                way = (
                    f", and line {small.idxmin()} has {small.min():g}: write all as percent, or "
                    "all as shares"
                )
        raise InputError(
            f"{path}: line {outside.index[0]}: {outside.iloc[0]:g} in column {value} is not within "
            f"0 and {most}, as {what} are{way}"
        )
    if percent and values.max() <= 1:
        read.notes.append(
            f"no value in {value} is above 1%: if they are shares, leave out --percent"
        )
    if percent and len(small):
        read.notes.append(
            f"line {small.idxmin()}: {small.min():g} in {value} was read as {small.min():g}%, "
            f"beside {large.max():g}%: write all as percent, or all as shares"
        )
    if re.search("acc", value, re.I) and not accuracy:
        read.notes.append(f"{value} was read as errors: accuracies are named by --accuracy-column")
    if re.search("err", value, re.I) and accuracy:
        read.notes.append(f"{value} was read as accuracies: errors are named by --error-column")
    return 1 - values / most if accuracy else values / most


def _apart(values: pd.Series[float]) -> tuple[pd.Series[float], pd.Series[float]]:
    """The values up to 1 and those above, if the first look like shares and the others like
    percent; else none.

    So it is where a share would lie among the others as percent, or where no value lies between
    the two for a factor of ten. Errors of 5% and 0.8% are no such case.
    """
    small, large = values[values <= 1], values[values > 1]
    if len(small) and len(large):
        among = (100 * small).between(large.min(), large.max()).any()
        if among or large.min() > 10 * small.max():
            return small, large
    return values[:0], values[:0]


def _note_states(read: Trainings, table: pd.DataFrame) -> None:
    """Note the rows whose training did not finish, by the column that tools have for that."""
    for name in map(str, table):
        if name.lower() in ("state", "status"):
            states = table.loc[read.rows.index, name].astype(str).str.lower()
            odd = states[
                ~states.isin({"finished", "completed", "complete", "success", "done", "ok"})
            ]
            if len(odd):
                listed = ", ".join(f"{state or 'none'} {n}" for state, n in Counter(odd).items())
                read.notes.append(f"rows count whose {name} is not finished: {listed}")


def _note_pooled(read: Trainings, table: pd.DataFrame, own: Sequence[str]) -> None:
    """Note columns of words, such as names of models, in which the rows of one size differ.

    Each of their values must stand at several sizes; of two that say the same, the first counts.
    """
    import pandas as pd

    rows, sizes = table.loc[read.rows.index], read.rows[SIZE]
    groups, found = [sizes, *(rows[name] for name in own if name in read.rows)], []
    for name in map(str, table):
        if name in own or tells_trainings(name) or is_moment(name):
            continue
        words = rows[name].astype(str).str.strip()
        repeated = sizes.groupby(words).nunique().min() > 1
        numbers = pd.to_numeric(words, errors="coerce").notna().any()
        if not numbers and repeated and words.groupby(groups, dropna=False).nunique().max() > 1:
            found.append(f"{name} ({' or '.join(list(dict.fromkeys(words))[:2])})")
            groups.append(words)
    if found:
        read.notes.append(
            f"rows of one size differ in {', '.join(found)} and were fitted as one curve; "
            "--group-by fits one for each"
        )


def _lines(lines: Sequence[int]) -> str:
    more = f" and {len(lines) - 5} more" if len(lines) > 5 else ""
    return f"line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines[:5]))}{more}"
