"""The figures of a report for those who want them by themselves.

A notebook shows these; `build` puts the same ones on a page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from sixteenth.analysis import Findings, Predictions, bands, cells
from sixteenth.storage.run_record import RunRecord

from ..language import default_language
from ..language.base import Language
from .discussion import analyse_study
from .figures.accuracy import accuracy_figure, options_figure, training_curves_figure
from .figures.panels import METRICS

FIGURES = ("accuracy", "options", "loss-curves", "accuracy-curves")
"""All figures of a report, in their order. One that would be empty is left out."""


def study_figures(
    *,
    spec: Mapping[str, Any],
    results: pd.DataFrame,
    histories: pd.DataFrame,
    runs: Sequence[RunRecord],
    predictions: Predictions | None = None,
) -> dict[str, Figure]:
    """The report's figures by name (see `FIGURES`); arguments as of `build_report`."""
    findings = analyse_study(
        spec=spec, results=results, histories=histories, runs=runs, predictions=predictions
    )
    return draw_figures(results, histories, findings, default_language(findings))


def draw_figures(
    results: pd.DataFrame,
    histories: pd.DataFrame,
    findings: Findings,
    language: Language,
    *,
    narrow: bool = False,
) -> dict[str, Figure]:
    """The figures of a study, for a page or for a telephone."""
    cell_table = cells(results)
    figures: dict[str, Figure] = {}
    if len(cell_table):
        figures["accuracy"] = accuracy_figure(
            cell_table, results, bands(findings.curves), language=language, narrow=narrow
        )
    if findings.options:
        figures["options"] = options_figure(findings.options, language=language, narrow=narrow)
    for metric in METRICS:
        figures[f"{metric}-curves"] = training_curves_figure(
            histories, results, metric=metric, language=language, narrow=narrow
        )
    return figures
