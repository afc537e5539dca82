"""How tables look in a terminal: 80 columns are enough, and a pipe gets plain text.

`table` is the one place that knows about widths: it leaves out the columns that matter least until
the rest fits. The other functions turn results and plans into its columns.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from ..language.numbers import Numbers, missing
from ..language.text import cut_apart, fill, plain, portion
from ..spec.fields import weights_of

if TYPE_CHECKING:
    import pandas as pd

    from ..language.base import Language
    from ..language.labels import TerminalLabels

GAP = 2
"""Spaces between two columns."""


@dataclass(frozen=True)
class Column:
    """A column of a table: its title, a cell for each row, and how soon it may be left out.

    Attributes:
        rank: 0 stays; of the others the highest goes first when the terminal is too narrow.
        fold: a cell may take several lines; in the first column it always may.
        least: the narrowest that it gets, so that a table that is redrawn keeps its columns.
    """

    title: str
    cells: Sequence[RenderableType]
    right: bool = False
    rank: int = 0
    fold: bool = False
    least: int = 0


def console(*, errors: bool = False) -> Console:
    """A console on standard output, or on standard error."""
    # What is printed are names and paths: of a:cat:b nothing is markup, and nothing an emoji.
    return Console(
        file=sys.stderr if errors else sys.stdout, highlight=False, markup=False, emoji=False
    )


def print_text(text: str, on: Console, style: str = "", indent: int = 0) -> None:
    """Print a text in lines of the terminal's width, which end where its language allows it."""
    space = " " * indent
    on.print(Text(fill(text, on.width, space, space), style=style))


def table(columns: Sequence[Column], on: Console) -> Table:
    """The columns that fit on `on`, side by side; the first is folded when those are too wide."""
    widths = [_width(column, on) for column in columns]
    places = list(range(len(columns)))
    while sum(widths[place] + GAP for place in places) - GAP > on.width:
        least = max(places, key=lambda place: columns[place].rank)
        if not columns[least].rank:
            break
        places.remove(least)
    kept = [columns[place] for place in places]
    made = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
    for position, column in enumerate(kept):
        made.add_column(
            Text(column.title),
            justify="right" if column.right else "left",
            no_wrap=position > 0 and not column.fold,
            overflow="fold",
            min_width=column.least or None,
        )
    for cells in zip(*(column.cells for column in kept), strict=True):
        made.add_row(*cells)
    return made


def cell_columns(
    models: Sequence[str], inits: Sequence[str], seeds: Sequence[Any], labels: TerminalLabels
) -> tuple[list[Column], list[Column]]:
    """What tells the rows of a study apart: the columns before the size, and those after it.

    An axis on which all rows agree needs no column. Names are short where that is unambiguous.
    """
    from ..language.words import Names

    names = Names.of(models, inits)
    before = [Column(labels.model, _names(models, names.models, 20))]
    if len(set(inits)) > 1:
        before.append(Column(labels.init, _names(inits, names.inits, 16), fold=True))
    after = []
    if len(set(seeds)) > 1:
        after.append(Column(labels.seed, [str(seed) for seed in seeds], right=True))
    return before, after


def results_table(summary: pd.DataFrame, on: Console, language: Language) -> Table:
    """The results table of a study, one row per run, with its intervals.

    Args:
        summary: as `analysis.summary_table` returns it; its order is kept.
    """
    labels, numbers = language.terminal, language.numbers
    rows = summary.to_dict("records")
    models, inits, seeds = ([row[axis] for row in rows] for axis in ("model", "init", "seed"))
    before, after = cell_columns(models, inits, seeds, labels)
    columns = [
        *before,
        _column(labels.fraction, rows, "fraction", numbers.fraction, right=False, rank=6),
        Column(labels.train_size, _images(rows, numbers), right=True),
        *after,
        Column(labels.test_accuracy, [_outcome(row, labels, numbers) for row in rows], right=True),
        Column(
            labels.interval, [numbers.interval(row["low"], row["high"]) for row in rows], rank=1
        ),
        _column(labels.train_accuracy, rows, "train_accuracy", numbers.percent, rank=2),
        _column(labels.gap, rows, "generalisation_gap", numbers.points, rank=3),
        _column(labels.parameters, rows, "parameters", numbers.parameters, rank=4),
        _column(labels.time, rows, "seconds", numbers.duration, rank=5),
    ]
    return table(columns, on)


def plan_table(plan: pd.DataFrame, on: Console, language: Language) -> Table:
    """What every run of a plan will cost, one row per run."""
    labels, numbers = language.terminal, language.numbers
    rows = plan.to_dict("records")
    models, inits, seeds = ([row[axis] for row in rows] for axis in ("model", "init", "seed"))
    before, after = cell_columns(models, inits, seeds, labels)
    columns = [
        *before,
        _column(labels.fraction, rows, "fraction", numbers.fraction, right=False, rank=3),
        _column(labels.train_size, rows, "train_size", numbers.count),
        *after,
        _column(labels.parameters, rows, "parameters", numbers.parameters),
        _column(labels.train_flops, rows, "train_flops", numbers.flops),
        _column(labels.steps, rows, "steps", numbers.count),
        _column(labels.threads, rows, "threads", numbers.count, rank=4),
        _column(labels.time, rows, "seconds", numbers.duration),
        _column(labels.disk, rows, "disk_bytes", numbers.size, rank=1),
    ]
    if (plan["length"] < 1).any():
        parts = ["" if missing(row["length"]) else portion(row["length"]) for row in rows]
        columns.insert(-2, Column(labels.length, parts, right=True))
    if plan["device"].nunique() > 1:
        where = ["" if missing(row["device"]) else str(row["device"]) for row in rows]
        columns.insert(-2, Column(labels.device, where, rank=4))
    if set(plan["status"]) != {"missing"}:
        states = [_planned(row["status"], labels) for row in rows]
        columns.append(Column(labels.status, states, rank=2))
    return table(columns, on)


def levers_table(plan: pd.DataFrame, on: Console, language: Language) -> Table:
    """What every lever will cost, one row per lever.

    Args:
        plan: as `study.explain.explain_plan` returns it.
    """
    labels, numbers = language.terminal, language.numbers
    rows = plan.to_dict("records")
    left = [Text(f"{row['left']} / {row['runs']}") for row in rows]
    times = [numbers.duration(row["seconds"]) for row in rows]
    for place, row in enumerate(rows):
        if not missing(row["seconds_from"]) and row["seconds_from"] != "runs":
            times[place] = labels.estimated.format(times[place])
    columns = [
        Column(labels.lever, [str(row["lever"]) for row in rows]),
        Column(labels.runs, left, right=True),
        _column(labels.steps, rows, "steps", numbers.count),
        Column(labels.time, times, right=True),
        _column(labels.disk, rows, "disk_bytes", numbers.size, rank=1),
    ]
    return table(columns, on)


def side_by_side(todo: pd.DataFrame) -> int:
    """The most runs of a plan that are trained at one time."""
    return max(
        (
            int(((todo["begins"] < end) & (todo["ends"] >= end)).sum())
            for end in todo["ends"].dropna()
        ),
        default=1,
    )


def _names(written: Sequence[str], shown: Mapping[str, str], most: int) -> list[str]:
    """Models or initial weights as rows call them, in at most that many characters where they can.

    Args:
        shown: as `Names` has them; which part of the network was trained stays behind the name.
    """
    known = {weights: plain(shown.get(weights, weights)) for weights in map(weights_of, written)}
    short = cut_apart(known.values(), most)
    said = [short[known[weights_of(name)]] + name[len(weights_of(name)) :] for name in written]
    last = cut_apart(said, most)
    return [last[name] for name in said]


def _column(
    title: str,
    rows: Sequence[dict[Any, Any]],
    key: str,
    say: Callable[[Any], str],
    *,
    right: bool = True,
    rank: int = 0,
) -> Column:
    """One value of each row, as `say` writes it."""
    return Column(title, [say(row[key]) for row in rows], right=right, rank=rank)


def _images(rows: Sequence[dict[Any, Any]], numbers: Numbers) -> list[str]:
    """How many images each run trains on; only their fraction until a run of it was begun."""
    known = {r["fraction"]: r["train_size"] for r in rows if not missing(r["train_size"])}
    return [
        numbers.count(known[fraction]) if fraction in known else numbers.fraction(fraction)
        for fraction in (row["fraction"] for row in rows)
    ]


def _outcome(row: dict[Any, Any], labels: TerminalLabels, numbers: Numbers) -> Text:
    if row["status"] == "finished":
        return Text(numbers.percent(row["test_accuracy"]), style="bold")
    if not missing(row["test_accuracy"]):
        return Text(labels.so_far.format(numbers.percent(row["test_accuracy"])), style="dim")
    said = labels.statuses.get(row["status"], str(row["status"]))
    return Text(said, style="red" if row["status"] == "failed" else "dim")


def _planned(status: str, labels: TerminalLabels) -> Text:
    said = labels.statuses.get(status, status)
    if status == "finished":
        return Text(said, style="green")
    return Text("" if status == "missing" else said, style="dim")


def _width(column: Column, on: Console) -> int:
    options = on.options.update(max_width=1000)
    cells = [Measurement.get(on, options, cell).maximum for cell in column.cells]
    return max([cell_len(column.title), column.least, *cells])
