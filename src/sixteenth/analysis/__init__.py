"""From plain tables of sizes and accuracies to what they support, and no further.

    tables        a study as the analysis sees it: cells, the order of models, what is missing
    intervals     Wilson's interval, with seeds too; the tables of the report and its figures
    learning_curve    the power law of any tool's sizes and errors, with its intervals
    curve_points, curve_grid, curve_posterior   the probability model behind it
    answers       what every run said of every test image
    compare       differences between cells on the same test images, paired, with their intervals
    significance, bootstrap   McNemar's exact test, Holm's correction; the paired bootstrap
    joint         joint draws of all curves of a study, through the measured cells
    crossover, forecast   where one curve overtakes another; the next doubling; worth in images
    moves         what twice the images, the bigger model and pretrained weights bought
    diagnosis     over- and underfitting of single runs, each by one rule
    expectation   was the bigger model better, at which sizes
    reasons       where it was not as expected: the likely reasons, ranked by what they account for
    suspects      test images whose labels all networks contradict; copies and leaked images
    pretraining, fitting, sections, limits   the other sections of the discussion
    advice, target   the next most useful thing to do; what a wanted error takes
    answer        the sentences that a report opens with
    discussion    `discuss`: the answer and all sections; the one call that a report needs
    wording       how numbers and names are written

Imports numpy, pandas and scipy only, so it serves numbers that any other tool measured. Accuracies
and their differences are shares in [0, 1]; texts are plain and not escaped.
"""

from ..language.numbers import init_name, short_name
from .curves.crossover import Crossover, CrossoverOutcome, crossover
from .curves.forecast import Band, bands
from .curves.joint import Curves, fit_curves
from .curves.learning_curve import LearningCurve, RequiredSize, fit_learning_curve
from .findings.advice import Advice, Step
from .findings.analyse import Findings, MissingRun, analyse
from .findings.causes import (
    Cause,
    GapDifference,
    PoorerFit,
    Shortfall,
    SmallFinalMap,
    TooSmallStudy,
    TrainingSpread,
)
from .findings.diagnosis import Context, Diagnosis, diagnose
from .findings.doubtful_labels import Suspect
from .findings.expectation import (
    ComparedModels,
    ComparisonMethod,
    Expect,
    ExpectationVerdict,
    GainFromData,
    ModelCrossover,
    NoComparison,
    NotCompared,
    Outcome,
    SizeVerdict,
    TooLittle,
)
from .findings.moves import Move
from .findings.target import Target
from .findings.types import Claim, Section
from .inputs.grid import Cell, Grid, Run, read_grid
from .inputs.predictions import Answers, Predictions
from .stats.bootstrap import bootstrap_interval, paired_bootstrap
from .stats.intervals import (
    accuracy_interval,
    binomial_interval,
    cells,
    interval_caption,
    summary_table,
)
from .stats.paired import Contrast, compare_cells, contrast
from .stats.significance import holm, mcnemar_exact

__all__ = [
    "Advice",
    "Answers",
    "Band",
    "Cause",
    "Cell",
    "Claim",
    "ComparedModels",
    "ComparisonMethod",
    "Context",
    "Contrast",
    "Crossover",
    "CrossoverOutcome",
    "Curves",
    "Diagnosis",
    "Expect",
    "ExpectationVerdict",
    "Findings",
    "GainFromData",
    "GapDifference",
    "Grid",
    "LearningCurve",
    "MissingRun",
    "ModelCrossover",
    "Move",
    "NoComparison",
    "NotCompared",
    "Outcome",
    "PoorerFit",
    "Predictions",
    "RequiredSize",
    "Run",
    "Section",
    "Shortfall",
    "SizeVerdict",
    "SmallFinalMap",
    "Step",
    "Suspect",
    "Target",
    "TooLittle",
    "TooSmallStudy",
    "TrainingSpread",
    "accuracy_interval",
    "analyse",
    "bands",
    "binomial_interval",
    "bootstrap_interval",
    "cells",
    "compare_cells",
    "contrast",
    "crossover",
    "diagnose",
    "fit_curves",
    "fit_learning_curve",
    "holm",
    "init_name",
    "interval_caption",
    "mcnemar_exact",
    "paired_bootstrap",
    "read_grid",
    "short_name",
    "summary_table",
]
