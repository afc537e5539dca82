"""What stands in a report, as plain values: the templates only arrange it.

A `Page` is made from tables and run.json contents alone, so that the HTML and the Markdown say the
same. All texts are plain; each template escapes them in its own way. A run.json may be incomplete
(a run that failed early): what is not there is left out, never guessed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from ...analysis import Finding, Findings, Grid, cells, summary_table
from ...analysis.findings.doubtful_labels import Suspect
from ...analysis.findings.target import targets
from ...language.base import Language, SaidSection
from ...language.numbers import Numbers, missing
from ...language.provenance import Fact
from ...language.said import SaidOverview
from ...language.text import plain
from ...spec.fields import is_frozen
from ..axes import grid_axes
from ..discussion import Measurements
from ..figures.panels import hole
from ..provenance import provenance, test_views
from .sections import beyond_the_rest, row_of

FINE_FROM = 0.8
"""From such a lowest accuracy on, a wanted accuracy moves in tenths of a point."""
SUSPECTS_SHOWN = 12
"""Test images of doubtful label that the page lists: a person looks at these in a minute."""


@dataclass(frozen=True)
class Row:
    """One line of the results table: a run, or the mean of a cell's seeds.

    `fraction` is empty where it is `images` over again. `hole` says why a run has no numbers; the
    accuracies are then not shown. A run that is `one_of_several` has its mean below it. Statements
    point at the `anchor`.
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
    anchor: str
    one_of_several: bool = False


@dataclass(frozen=True)
class ResultGroup:
    """The rows of one model from one kind of initial weights.

    `parameters_of` stands behind the weights: ``, 11.2 M parameters``.
    """

    model: str
    init: str
    parameters: str
    parameters_of: str
    rows: list[Row]
    anchor: str


@dataclass(frozen=True)
class Aim:
    """What a wanted accuracy takes, in words."""

    accuracy: float
    label: str
    text: str


@dataclass(frozen=True)
class Page:
    """A whole report but its figures.

    Attributes:
        aims: for wanted accuracies, the lowest first; empty where no curve says what they take.
        aim: the one of them that the page shows first.
        basis: what all intervals of the discussion rest on, in sentences.
        anchors: as of `result_groups`.
    """

    name: str
    dateline: list[str]
    understood: list[str]
    screen: SaidOverview
    aims: list[Aim]
    aim: Aim | None
    basis: list[str]
    groups: list[ResultGroup]
    anchors: Mapping[object, str]
    several_seeds: bool
    table_caption: str
    fits: list[FitRow]
    fit_caption: str
    suspects: Sequence[Suspect]
    sections: Sequence[SaidSection]
    facts: list[Fact]
    notes: list[str]
    spec_yaml: str

    def row_of(self, finding: Finding) -> str:
        """The id of the results' row that a finding rests on, or empty."""
        return row_of(finding, self.anchors)


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


def _weights(measurements: Measurements, language: Language) -> list[str]:
    """A line for each file of initial weights whose reading is worth one."""
    lines = [
        language.understood_weights(record.spec.model, record.spec.init, record.model.weights)
        for record in measurements.records
        if record.model and record.model.weights
    ]
    return list(dict.fromkeys(filter(None, lines)))


def make_page(measurements: Measurements, findings: Findings, language: Language) -> Page:
    """Collect all texts of a report."""
    spec, results = measurements.spec, measurements.results
    rest = beyond_the_rest(findings)
    table = cells(findings.grid)
    made = provenance(spec, results, measurements.histories, measurements.records)
    groups, anchors = result_groups(findings.grid, language)
    aims = wanted_accuracies(findings, language)
    screen = language.screen.screen(findings.overview, made.data)
    return Page(
        name=plain(spec.get("name", "study")),
        dateline=language.provenance.dateline(made),
        understood=[
            language.words.begin(line)
            for line in [*language.understood(made.understood), *_weights(measurements, language)]
        ],
        screen=screen,
        aims=aims,
        aim=_first_aim(aims, findings),
        basis=[language.say(each) for each in rest.answer],
        groups=groups,
        anchors=anchors,
        several_seeds=results["seed"].nunique() > 1,
        table_caption=language.captions.results(
            several_seeds=bool((table["n_seeds"] > 1).any()),
            test_augmentation=test_views(spec, results),
            frozen=bool(results["init"].map(is_frozen).any()),
        ),
        fits=fit_rows(findings, language),
        fit_caption=language.captions.fits(findings.curves.fits),
        suspects=findings.suspects[:SUSPECTS_SHOWN],
        sections=language.discuss(rest).sections,
        facts=language.provenance.facts(made, language.words),
        notes=language.provenance.notes(made),
        spec_yaml=yaml.safe_dump(_set(spec), sort_keys=False, allow_unicode=True),
    )


def _set(spec: Mapping[str, Any]) -> dict[str, Any]:
    """A spec without the keys that hold nothing: without them the file means the same."""
    return {
        key: _set(value) if isinstance(value, Mapping) else value
        for key, value in spec.items()
        if value is not None
    }


def fit_rows(findings: Findings, language: Language) -> list[FitRow]:
    """The fitted curves in numbers, each with its 90% interval."""
    numbers = language.numbers
    rows = []
    for model, init in grid_axes(findings.grid).rows:
        fit = findings.curves.fits.get((model, init))
        if fit is None:
            continue
        last = float(fit.sizes[-1])
        low, high = fit.interval(2 * last)
        rows.append(
            FitRow(
                model=language.model(model),
                init=language.init(init),
                alpha=numbers.percent(fit.alpha),
                alpha_interval=_rough_interval(numbers, *fit.alpha_interval),
                eta=numbers.significant(fit.eta),
                gamma=numbers.decimal(fit.gamma, 2),
                gamma_interval=numbers.span.format(
                    *(numbers.decimal(end, 2) for end in fit.gamma_interval)
                ),
                reliance=numbers.decimal(100 * fit.data_reliance(last), 1),
                forecast=numbers.percent(fit.predict(2 * last)),
                forecast_interval=_rough_interval(numbers, low, high),
            )
        )
    return rows


def _rough_interval(numbers: Numbers, low: Any, high: Any) -> str:
    """Of a forecast error: in whole percent, with one digit where all of it is below 10%."""
    return numbers.interval(low, high, 1 if high < 0.1 else 0)


def wanted_accuracies(findings: Findings, language: Language) -> list[Aim]:
    """What accuracies from the lowest measured one to nearly 1 take, as `advise` says it.

    A tenth of a point apart, or half a point where the range is wide.
    """
    if not findings.curves.fits:
        return []
    lowest = min(cell.accuracy for cell in findings.grid.cells)
    step = 5 if lowest < FINE_FROM else 1  # thousandths
    wanted = [n / 1000 for n in range(step * math.ceil(1000 * lowest / step), 1000, step)]
    errors = [round(1 - share, 6) for share in wanted]
    guesses = findings.overview.guesses
    found = targets(findings.grid, findings.curves, errors, guesses=guesses)
    return [
        Aim(share, language.numbers.percent(share), language.screen.target(one))
        for share, one in zip(wanted, found, strict=True)
    ]


def _first_aim(aims: Sequence[Aim], findings: Findings) -> Aim | None:
    """The next round accuracy above the best: with two thirds of its error, to half a point."""
    if not aims:
        return None
    best = max(cell.accuracy for cell in findings.grid.cells)
    middle = math.ceil(200 * (best + (1 - best) / 3)) / 200
    return min(aims, key=lambda aim: abs(aim.accuracy - middle))


def result_groups(grid: Grid, language: Language) -> tuple[list[ResultGroup], dict[object, str]]:
    """The results table, a group for each model and init, with a mean where there are seeds.

    Returns:
        the groups, and the anchors: of each run, or the mean that it is in, by its run_id, and of
        each group by (model, init).
    """
    summary, cell_table = summary_table(grid), cells(grid)
    # A run that was never begun has no size of its own, but those beside it have.
    sizes = {part: float(n) for part, n in grid_axes(grid).fractions if n is not None}
    summary["train_size"] = summary["train_size"].fillna(
        summary["fraction"].map(sizes).astype(float)
    )
    groups: list[ResultGroup] = []
    anchors: dict[object, str] = {}
    for (model, init), part in summary.groupby(["model", "init"], sort=False):
        rows: list[Row] = []
        anchors[model, init] = f"results-{len(groups) + 1}"
        for fraction, runs in part.groupby("fraction", sort=False):
            cell = cell_table[
                (cell_table["model"] == model)
                & (cell_table["init"] == init)
                & (cell_table["fraction"] == fraction)
                & (cell_table["n_seeds"] > 1)
            ]
            first = f"{anchors[model, init]}-{len(rows) + 1}"
            for run in runs.to_dict("records"):
                anchor = f"{anchors[model, init]}-{len(rows) + 1}"
                rows.append(_run_row(run, anchor, len(cell) > 0, language))
                anchors[run["run_id"]] = f"{first}-mean" if len(cell) else anchor
            rows += [_mean_row(mean, f"{first}-mean", language) for mean in cell.to_dict("records")]
        known = part["parameters"].dropna()
        parameters = language.numbers.parameters(known.iloc[0]) if len(known) else ""
        said = language.page.parameters_of.format(parameters) if parameters else ""
        groups.append(
            ResultGroup(
                model=language.model(str(model)),
                init=language.init(str(init)),
                parameters=parameters,
                parameters_of=language.words.tidy(said),
                rows=rows,
                anchor=anchors[model, init],
            )
        )
    return groups, anchors


def _run_row(run: dict[Any, Any], anchor: str, one_of_several: bool, language: Language) -> Row:
    known = not missing(run["test_accuracy"])
    measured = _measured(run, language.numbers)
    if known and run["status"] != "finished":
        measured["accuracy"] = language.terminal.so_far.format(measured["accuracy"])
    return Row(
        **measured,
        seed=plain(run["seed"]),
        mean=False,
        flops=language.numbers.flops(run["train_flops"]),
        time=language.numbers.duration(run["seconds"]),
        hole="" if known else language.captions.hole(hole(run, name_seed=False)),
        anchor=anchor,
        one_of_several=one_of_several,
    )


def _mean_row(cell: dict[Any, Any], anchor: str, language: Language) -> Row:
    return Row(
        **_measured(cell, language.numbers),
        seed=language.page.mean_of.format(cell["n_seeds"]),
        mean=True,
        flops="",
        time="",
        hole="",
        anchor=anchor,
    )


def _measured(row: dict[Any, Any], numbers: Numbers) -> dict[str, Any]:
    """What a run and the mean of a cell have in common."""
    repeated = numbers.is_size(row["fraction"], row["train_size"])
    return {
        "images": numbers.count(row["train_size"]),
        "fraction": "" if repeated else numbers.fraction(row["fraction"]),
        "accuracy": numbers.percent(row["test_accuracy"]),
        "interval": numbers.interval(row["low"], row["high"]),
        "train_accuracy": numbers.percent(row["train_accuracy"]),
        "gap": numbers.points(row["generalisation_gap"]),
    }
