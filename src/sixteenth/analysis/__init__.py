"""From plain tables of sizes and accuracies to what they support, and no further.

    inputs     a study as the analysis sees it: its cells, what is missing, its test predictions
    stats      intervals of accuracies, paired differences with their intervals, tests
    curves     learning curves: points, posterior, joint draws, forecast, crossover
    findings   what a study shows; `analyse` puts it together

Imports numpy, pandas and scipy only, so it serves numbers that any other tool measured. Accuracies
and their differences are shares in [0, 1]. Nothing here is said in words: `language` does that.
"""

from .curves.crossover import Crossover, crossover
from .curves.forecast import Band, Worth, bands
from .curves.joint import Curves, fit_curves
from .curves.learning_curve import LearningCurve, RequiredSize, fit_learning_curve
from .curves.points import CurveWarning
from .findings.advice import Advice
from .findings.analyse import Findings, LeftOutRun, analyse
from .findings.diagnosis import Diagnosis
from .findings.options import Option, OptionKind, OptionVerdict
from .findings.types import Finding, Section, SectionKey, Strength
from .inputs.cells import Cell, Run
from .inputs.context import Context
from .inputs.grid import Grid
from .inputs.predictions import Predictions, TestPredictions
from .inputs.scoring import Metric
from .inputs.tables import read_grid, rows_by_run, whole_runs
from .stats.intervals import (
    Interval,
    IntervalKind,
    binomial_interval,
    cell_interval,
    cells,
    run_intervals,
    runs_table,
    summary_table,
)
from .stats.paired import Basis, Contrast, Side, compare_cells, contrast
from .stats.significance import holm

__all__ = [
    "Advice",
    "Band",
    "Basis",
    "Cell",
    "Context",
    "Contrast",
    "Crossover",
    "CurveWarning",
    "Curves",
    "Diagnosis",
    "Finding",
    "Findings",
    "Grid",
    "Interval",
    "IntervalKind",
    "LearningCurve",
    "LeftOutRun",
    "Metric",
    "Option",
    "OptionKind",
    "OptionVerdict",
    "Predictions",
    "RequiredSize",
    "Run",
    "Section",
    "SectionKey",
    "Side",
    "Strength",
    "TestPredictions",
    "Worth",
    "analyse",
    "bands",
    "binomial_interval",
    "cell_interval",
    "cells",
    "compare_cells",
    "contrast",
    "crossover",
    "fit_curves",
    "fit_learning_curve",
    "holm",
    "read_grid",
    "rows_by_run",
    "run_intervals",
    "runs_table",
    "summary_table",
    "whole_runs",
]
