"""From plain tables of sizes and accuracies to what they support, and no further.

    tables        a study as the analysis sees it: cells, the order of models, what is missing
    intervals     Wilson's interval, with seeds too; the tables of the report and its figures
    learning_curve    the power law of any tool's sizes and errors, with its intervals
    curve_posterior   the probability model behind it
    compare       differences between cells on the same test images, paired; McNemar's exact test
    moves         what twice the images, the bigger model and pretrained weights bought
    diagnosis     over- and underfitting of single runs, each by one rule
    expectation   was the bigger model better, at which sizes
    reasons       where it was not as expected: the likely reasons, ranked by what they account for
    pretraining, sections, limits   the other sections of the discussion
    discussion    `discuss`: the answer and all sections; the one call that a report needs
    wording       how numbers and names are written

Imports numpy, pandas and scipy only, so it serves numbers that any other tool measured. Accuracies
and their differences are shares in [0, 1]; texts are plain and not escaped.
"""

from .claims import Claim, Section
from .compare import Contrast, compare_cells, contrast, mcnemar_exact
from .diagnosis import Context, Diagnosis, diagnose
from .discussion import Discussion, MissingRun, discuss
from .intervals import accuracy_interval, binomial_interval, cells, interval_caption, summary_table
from .learning_curve import LearningCurve, RequiredSize, fit_learning_curve
from .moves import Move
from .tables import Cell, Grid, Predictions, Run, read_grid
from .wording import init_name, short_name

__all__ = [
    "Cell",
    "Claim",
    "Context",
    "Contrast",
    "Diagnosis",
    "Discussion",
    "Grid",
    "LearningCurve",
    "MissingRun",
    "Move",
    "Predictions",
    "RequiredSize",
    "Run",
    "Section",
    "accuracy_interval",
    "binomial_interval",
    "cells",
    "compare_cells",
    "contrast",
    "diagnose",
    "discuss",
    "fit_learning_curve",
    "init_name",
    "interval_caption",
    "mcnemar_exact",
    "read_grid",
    "short_name",
    "summary_table",
]
