"""The figures of a report for those who want them by themselves.

A notebook shows these; `build` puts the same ones on a page.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from ..analysis import Findings, bands, cells
from ..language.base import Language
from ..language.captions import CurveMetric
from .figures.accuracy import accuracy_figure
from .figures.classes import class_figure
from .figures.gains import options_figure
from .figures.panels import CurveGrid, curve_grids
from .figures.training_curves import training_curves_figure

TALK = "summary"
"""The first screen as a PNG, for a talk or a chat."""
FIGURES = ("accuracy", "options", "classes", "loss-curves", "accuracy-curves")
"""All figures of a report, in their order. One that would be empty is left out."""


def draw_figures(
    results: pd.DataFrame,
    histories: pd.DataFrame,
    findings: Findings,
    language: Language,
    *,
    narrow: bool = False,
    aim: float | None = None,
    grids: Mapping[CurveMetric, CurveGrid] | None = None,
) -> dict[str, Figure]:
    """The figures of a study by name (see `FIGURES`).

    Args:
        results, histories: as in `Measurements`.
        findings: what `analyse_study` makes of them.
        language: of the labels.
        narrow: for a telephone; otherwise for a page.
        aim: the wanted accuracy that the accuracy figure has room for.
        grids: what `curve_grids` makes of the tables, where that is known already.
    """
    cell_table = cells(findings.grid)
    figures: dict[str, Figure] = {}
    if len(cell_table):
        figures["accuracy"] = accuracy_figure(
            cell_table,
            findings.grid,
            bands(findings.curves),
            language=language,
            narrow=narrow,
            aim=aim,
        )
    if any(option.known for option in findings.options):
        figures["options"] = options_figure(findings.options, language=language, narrow=narrow)
    if findings.classes and len(findings.classes.sizes) > 1:
        figures["classes"] = class_figure(findings.classes, language=language, narrow=narrow)
    grids = curve_grids(histories, results) if grids is None else grids
    for metric, grid in grids.items():
        figures[f"{metric}-curves"] = training_curves_figure(
            histories, results, metric=metric, language=language, narrow=narrow, grid=grid
        )
    return figures
