"""What stands in a report, as plain values: the templates only arrange it.

A `Page` is made from tables and run.json contents alone, so that the HTML and the Markdown say the
same. All texts are plain; each template escapes them in its own way. A run.json may be incomplete
(a run that failed early): what is not there is left out, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import yaml

from sixteenth.analysis import Claim, Discussion, cells, summary_table

from . import format as fmt
from .panels import hole_text
from .provenance import Fact, facts, first, notes
from .tables import grid_axes, measured


@dataclass(frozen=True)
class Row:
    """One line of the results table: a run, or the mean of a cell's seeds.

    `hole` says why a run has no numbers; the accuracies are then not shown. A run that is
    `one_of_several` has its mean below it.
    """

    images: str
    fraction: str
    seed: str
    mean: bool
    accuracy: str
    interval: str
    train_accuracy: str
    gap: str
    flops: str
    time: str
    hole: str
    one_of_several: bool = False


@dataclass(frozen=True)
class Group:
    """The rows of one model from one kind of initial weights."""

    model: str
    init: str
    parameters: str
    rows: list[Row]


@dataclass(frozen=True)
class Page:
    """A whole report but its figures."""

    name: str
    dateline: list[str]
    answer: list[str]
    groups: list[Group]
    sections: list[Section]
    facts: list[Fact]
    notes: list[str]
    spec_yaml: str
    version: str


@dataclass(frozen=True)
class Section:
    """A part of the discussion; `ranked` ones are numbered."""

    key: str
    title: str
    claims: list[Claim]
    ranked: bool


def make_page(
    spec: Mapping[str, Any],
    results: pd.DataFrame,
    histories: pd.DataFrame,
    runs: Sequence[Mapping[str, Any]],
    discussion: Discussion,
    version: str,
) -> Page:
    """Collect all texts of a report."""
    done = len(measured(results))
    data = first(runs, "data") or {}
    moment = max((str(r["finished"]) for r in runs if r.get("finished")), default="")
    dateline = [
        fmt.plain(data.get("name") or spec.get("data", "")),
        f"{fmt.count(data['train_images'])} training images" if data.get("train_images") else "",
        f"{fmt.count(data['test_images'])} test images" if data.get("test_images") else "",
        f"{done} of {len(results)} run{'s' if len(results) != 1 else ''} finished",
        fmt.day(moment) if moment else "",
    ]
    return Page(
        name=fmt.plain(spec.get("name", "study")),
        dateline=[part for part in dateline if part],
        answer=list(discussion.answer),
        groups=result_groups(results),
        sections=[
            Section(section.key, section.title, list(section.sentences), section.key == "reasons")
            for section in discussion.sections
            if section.sentences
        ],
        facts=facts(spec, results, runs),
        notes=notes(spec, results, histories, runs),
        spec_yaml=yaml.safe_dump(dict(spec), sort_keys=False, allow_unicode=True),
        version=version,
    )


def result_groups(results: pd.DataFrame) -> list[Group]:
    """The results table, a group for each model and init, with a mean where there are seeds."""
    summary, cell_table = summary_table(results), cells(results)
    # A run that was never begun has no size of its own, but those beside it have.
    sizes = {part: float(n) for part, n in grid_axes(results).fractions if n is not None}
    summary["train_size"] = summary["train_size"].fillna(
        summary["fraction"].map(sizes).astype(float)
    )
    groups = []
    for (model, init), part in summary.groupby(["model", "init"], sort=False):
        rows: list[Row] = []
        for fraction, runs in part.groupby("fraction", sort=False):
            cell = cell_table[
                (cell_table["model"] == model)
                & (cell_table["init"] == init)
                & (cell_table["fraction"] == fraction)
                & (cell_table["n_seeds"] > 1)
            ]
            rows += [_run_row(run, len(cell) > 0) for run in runs.to_dict("records")]
            rows += [_mean_row(mean) for mean in cell.to_dict("records")]
        known = part["parameters"].dropna()
        groups.append(
            Group(
                model=fmt.plain(part["name"].iloc[0]),
                init=fmt.plain(part["init_name"].iloc[0]),
                parameters=fmt.parameters(known.iloc[0]) if len(known) else "",
                rows=rows,
            )
        )
    return groups


def _run_row(run: dict[Any, Any], one_of_several: bool) -> Row:
    whole = run["status"] == "finished" and not fmt.missing(run["test_accuracy"])
    hole = "" if whole else hole_text(run, name_seed=False)
    return Row(
        images=fmt.count(run["train_size"]),
        fraction=fmt.fraction(run["fraction"]),
        seed=fmt.plain(run["seed"]),
        mean=False,
        accuracy=fmt.percent(run["test_accuracy"]),
        interval=fmt.interval(run["low"], run["high"]),
        train_accuracy=fmt.percent(run["train_accuracy"]),
        gap=fmt.points(run["generalisation_gap"]),
        flops=fmt.flops(run["train_flops"]),
        time=fmt.duration(run["seconds"]),
        hole=hole,
        one_of_several=one_of_several,
    )


def _mean_row(cell: dict[Any, Any]) -> Row:
    return Row(
        images=fmt.count(cell["train_size"]),
        fraction=fmt.fraction(cell["fraction"]),
        seed=f"mean of {cell['n_seeds']}",
        mean=True,
        accuracy=fmt.percent(cell["test_accuracy"]),
        interval=fmt.interval(cell["low"], cell["high"]),
        train_accuracy=fmt.percent(cell["train_accuracy"]),
        gap=fmt.points(cell["generalisation_gap"]),
        flops="",
        time="",
        hole="",
    )
