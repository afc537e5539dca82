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

from sixteenth.analysis import Findings, cells, summary_table
from sixteenth.analysis.findings import Suspect
from sixteenth.storage.run_record import DataFacts

from ...language import format as fmt
from ...language.base import Discussion, SaidSection
from ...language.en.curves import warning as curve_warning
from ..discussion import Measurements
from ..figures.panels import hole_text
from .axes import grid_axes, measured
from .provenance import Fact, data_name, facts, first, notes

SUSPECTS_SHOWN = 12
"""Test images of doubtful label that the page lists: a person looks at these in a minute."""


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
    several_seeds: bool
    fits: list[FitRow]
    fit_caption: str
    suspects: Sequence[Suspect]
    sections: list[SaidSection]
    facts: list[Fact]
    notes: list[str]
    spec_yaml: str
    version: str


@dataclass(frozen=True)
class FitRow:
    """One fitted learning curve, in the order of the results; intervals such as ``0 to 24%``."""

    model: str
    init: str
    alpha: str
    alpha_interval: str
    eta: str
    gamma: str
    gamma_interval: str
    reliance: str
    forecast: str
    forecast_interval: str


def make_page(measurements: Measurements, discussion: Discussion, version: str) -> Page:
    """Collect all texts of a report."""
    spec, results, runs = measurements.spec, measurements.results, measurements.records
    done = len(measured(results))
    data = first(run.data for run in runs) or DataFacts()
    moment = max((run.finished for run in runs if run.finished), default="")
    dateline = [
        fmt.plain(data_name(spec, runs)),
        f"{fmt.count(data.train_images)} training images" if data.train_images else "",
        f"{fmt.count(data.test_images)} test images" if data.test_images else "",
        f"{done} of {len(results)} run{'s' if len(results) != 1 else ''} finished",
        fmt.day(moment) if moment else "",
    ]
    return Page(
        name=fmt.plain(spec.get("name", "study")),
        dateline=[part for part in dateline if part],
        answer=list(discussion.answer),
        groups=result_groups(results),
        several_seeds=results["seed"].nunique() > 1,
        fits=fit_rows(results, discussion.findings),
        fit_caption=_fit_caption(results, discussion.findings),
        suspects=discussion.findings.suspects[:SUSPECTS_SHOWN],
        sections=list(discussion.sections),
        facts=facts(spec, results, runs),
        notes=notes(spec, results, measurements.histories, runs),
        spec_yaml=yaml.safe_dump(_set(spec), sort_keys=False, allow_unicode=True),
        version=version,
    )


def _set(spec: Mapping[str, Any]) -> dict[str, Any]:
    """A spec without the keys that hold nothing: without them the file means the same."""
    return {
        key: _set(value) if isinstance(value, Mapping) else value
        for key, value in spec.items()
        if value is not None
    }


def fit_rows(results: pd.DataFrame, findings: Findings) -> list[FitRow]:
    """The fitted curves in numbers, each with its 90% interval."""
    axes = grid_axes(results)
    rows = []
    for model, init in axes.rows:
        fit = findings.curves.fits.get((model, init))
        if fit is None:
            continue
        last = float(fit.sizes[-1])
        low, high = fit.interval(2 * last)
        rows.append(
            FitRow(
                model=axes.models[model],
                init=axes.inits[init],
                alpha=fmt.percent(fit.alpha),
                alpha_interval=fmt.interval(*fit.alpha_interval, 0),
                eta=fmt.three_digits(fit.eta),
                gamma=fmt.exponent(fit.gamma),
                gamma_interval=" to ".join(fmt.exponent(end) for end in fit.gamma_interval),
                reliance=fmt.points(fit.data_reliance(last)).lstrip("+"),
                forecast=fmt.percent(fit.predict(2 * last)),
                forecast_interval=fmt.interval(low, high, 0),
            )
        )
    return rows


def _fit_caption(results: pd.DataFrame, findings: Findings) -> str:
    """What the columns of the fits mean, and what they have to be taken with."""
    fits = findings.curves.fits
    warnings: dict[str, list[str]] = {}
    axes = grid_axes(results)
    for (model, init), fit in fits.items():
        for kind in fit.warnings:
            warning = curve_warning(kind, len(fit.sizes))
            warnings.setdefault(warning, []).append(f"{axes.models[model]}, {axes.inits[init]}")
    said = [
        f"{fmt.plain(warning)[:1].upper()}{fmt.plain(warning)[1:]}"
        + ("." if len(arms) == len(fits) else f" ({'; '.join(arms)}).")
        for warning, arms in warnings.items()
    ]
    return " ".join(
        [
            "Power laws: test error = alpha + eta × images^gamma, with 90% intervals. Alpha: the "
            "error that no number of images gets below. Data reliance (Hoiem et al. 2021): −2 eta "
            "gamma images^gamma at the largest size, in points. The last column is a forecast: the "
            "error that a new training on twice the images would measure.",
            *said,
        ]
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
