"""How tables look in a terminal: 80 columns are enough, and a pipe gets plain text.

`table` is the one place that knows about widths: it leaves out the columns that matter least until
the rest fits. The other functions turn results and plans into its columns.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from ..language import format as fmt

if TYPE_CHECKING:
    import pandas as pd

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


def table(columns: Sequence[Column], on: Console) -> Table:
    """The columns that fit on `on`, side by side; the first is folded when those are too wide."""
    kept = list(columns)
    widths = {column.title: _width(column, on) for column in columns}
    while sum(widths[column.title] + GAP for column in kept) - GAP > on.width:
        least = max(kept, key=lambda column: column.rank)
        if not least.rank:
            break
        kept.remove(least)
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
    models: Sequence[str], inits: Sequence[str], seeds: Sequence[Any]
) -> tuple[list[Column], list[Column]]:
    """What tells the rows of a study apart: the columns before the size, and those after it.

    An axis on which all rows agree needs no column.
    """
    before = [Column("model", [model_name(model) for model in models])]
    if len(set(inits)) > 1:
        before.append(Column("weights", [init_name(init) for init in inits]))
    after = []
    if len(set(seeds)) > 1:
        after.append(Column("seed", [str(seed) for seed in seeds], right=True))
    return before, after


def results_table(results: pd.DataFrame, summary: pd.DataFrame, on: Console) -> Table:
    """The results table of a study, one row per run, with its intervals.

    Args:
        results: as `Study.results` returns it.
        summary: `analysis.summary_table` of it; its order is kept.
    """
    fractions = dict(zip(results["run_id"], results["fraction"], strict=True))
    rows = summary.to_dict("records")
    before, after = cell_columns(
        [row["model"] for row in rows], [row["init"] for row in rows], [row["seed"] for row in rows]
    )
    columns = [
        *before,
        Column("part", [fmt.fraction(fractions[row["run_id"]]) for row in rows], rank=6),
        Column("images", [_images(row, fractions[row["run_id"]]) for row in rows], right=True),
        *after,
        Column("test", [_outcome(row) for row in rows], right=True),
        Column("95% interval", [fmt.interval(row["low"], row["high"]) for row in rows], rank=1),
        Column("train", [fmt.percent(row["train_accuracy"]) for row in rows], right=True, rank=2),
        Column("gap", [fmt.points(row["generalisation_gap"]) for row in rows], right=True, rank=3),
        Column("params", [fmt.parameters(row["parameters"]) for row in rows], right=True, rank=4),
        Column("time", [fmt.duration(row["seconds"]) for row in rows], right=True, rank=5),
    ]
    return table(columns, on)


def interval_note(summary: pd.DataFrame) -> str:
    """Which intervals a results table shows."""
    kinds = [str(kind) for kind in summary["interval"].dropna().unique() if kind]
    return f"95% intervals: {', '.join(kinds)}; gap: training minus test accuracy" if kinds else ""


def plan_table(plan: pd.DataFrame, on: Console) -> Table:
    """What every run of a plan will cost, one row per run."""
    rows = plan.to_dict("records")
    before, after = cell_columns(
        [row["model"] for row in rows], [row["init"] for row in rows], [row["seed"] for row in rows]
    )
    columns = [
        *before,
        Column("part", [fmt.fraction(row["fraction"]) for row in rows], rank=3),
        Column("images", [fmt.count(row["train_size"]) for row in rows], right=True),
        *after,
        Column("params", [fmt.parameters(row["parameters"]) for row in rows], right=True),
        Column("training", [fmt.flops(row["train_flops"]) for row in rows], right=True),
        Column("steps", [fmt.count(row["steps"]) for row in rows], right=True),
        Column("threads", [fmt.count(row["threads"]) for row in rows], right=True, rank=4),
        Column("time", [fmt.duration(row["seconds"]) for row in rows], right=True),
        Column("disk", [fmt.size(row["disk_bytes"]) for row in rows], right=True, rank=1),
    ]
    if set(plan["status"]) != {"missing"}:
        columns.append(Column("status", [_planned(row["status"]) for row in rows], rank=2))
    return table(columns, on)


def together(todo: pd.DataFrame) -> str:
    """How many of a plan's runs go side by side, as the end of a sentence."""
    most = max(
        (
            int(((todo["begins"] < end) & (todo["ends"] >= end)).sum())
            for end in todo["ends"].dropna()
        ),
        default=1,
    )
    return f", {most} side by side" if most > 1 else ""


def model_name(model: str) -> str:
    """A model as a row calls it: of ``package.module:factory`` the factory."""
    return fmt.short(model.rpartition(":")[2], 20)


def init_name(init: str) -> str:
    """Initial weights as a row calls them: of a path its last part."""
    return fmt.short(init.replace("\\", "/").rpartition("/")[2], 16)


def _images(row: dict[Any, Any], fraction: str) -> str:
    """How many images a run trains on; before it was begun only their fraction is known."""
    return (
        fmt.fraction(fraction) if fmt.missing(row["train_size"]) else fmt.count(row["train_size"])
    )


def _outcome(row: dict[Any, Any]) -> Text:
    if row["status"] == "finished":
        return Text(fmt.percent(row["test_accuracy"]), style="bold")
    return Text(str(row["status"]), style="red" if row["status"] == "failed" else "dim")


def _planned(status: str) -> Text:
    if status == "finished":
        return Text("finished", style="green")
    return Text("" if status == "missing" else status, style="dim")


def _width(column: Column, on: Console) -> int:
    options = on.options.update(max_width=1000)
    cells = [Measurement.get(on, options, cell).maximum for cell in column.cells]
    return max([len(column.title), column.least, *cells])
