"""The parts of a report for those who want them by themselves: the discussion and the figures.

A notebook shows these; `build` puts the same ones on a page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from sixteenth.analysis import Context, Discussion, Predictions, cells, discuss

from .figures import accuracy_figure, options_figure, training_curves_figure
from .panels import METRICS
from .provenance import augmented, first

FIGURES = ("accuracy", "options", "loss-curves", "accuracy-curves")
"""All figures of a report, in their order. One that would be empty is left out."""


def discuss_study(
    *,
    spec: Mapping[str, Any],
    results: pd.DataFrame,
    histories: pd.DataFrame,
    runs: Sequence[Mapping[str, Any]],
    predictions: Predictions | None = None,
) -> Discussion:
    """What the measurements say about the study's expectation; arguments as of `build_report`."""
    return discuss(
        results,
        histories,
        expect=spec.get("expect", "bigger-is-better"),
        context=_context(spec, runs),
        predictions=predictions,
    )


def study_figures(
    *,
    spec: Mapping[str, Any],
    results: pd.DataFrame,
    histories: pd.DataFrame,
    runs: Sequence[Mapping[str, Any]],
    predictions: Predictions | None = None,
) -> dict[str, Figure]:
    """The report's figures by name (see `FIGURES`); arguments as of `build_report`."""
    discussion = discuss_study(
        spec=spec, results=results, histories=histories, runs=runs, predictions=predictions
    )
    return draw_figures(results, histories, discussion)


def draw_figures(
    results: pd.DataFrame,
    histories: pd.DataFrame,
    discussion: Discussion,
    *,
    narrow: bool = False,
) -> dict[str, Figure]:
    """The figures of a study, for a page or for a telephone."""
    cell_table = cells(results)
    figures: dict[str, Figure] = {}
    if len(cell_table):
        figures["accuracy"] = accuracy_figure(cell_table, results, narrow=narrow)
    if discussion.options:
        figures["options"] = options_figure(discussion.options, narrow=narrow)
    for metric in METRICS:
        figures[f"{metric}-curves"] = training_curves_figure(
            histories, results, metric=metric, narrow=narrow
        )
    return figures


def _context(spec: Mapping[str, Any], runs: Sequence[Mapping[str, Any]]) -> Context:
    """What the discussion should know of the study besides its numbers."""
    data = first(runs, "data") or {}
    train = spec.get("train") or {}
    return Context(
        data=str(data.get("name") or spec.get("data") or ""),
        num_classes=len(data["classes"]) if data.get("classes") else None,
        image_size=spec.get("image_size"),
        stem=str(spec.get("stem", "default")),
        schedule=str(train.get("schedule") or ""),
        augmented=augmented(spec),
    )
