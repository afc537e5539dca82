"""From plain tables of sizes and accuracies to what they support, and no further.

    tables        a study as the analysis sees it: cells, the order of models, what is missing
    intervals     Wilson's interval, with seeds too; the tables of the report and its figures
    learning_curve    the power law of any tool's sizes and errors, with its intervals
    curve_points, curve_grid, curve_posterior   the probability model behind it
    predictions   what every run predicted of every test image
    compare       differences between cells on the same test images, paired, with their intervals
    significance, bootstrap   McNemar's exact test, Holm's correction; the paired bootstrap
    joint         joint draws of all curves of a study, through the measured cells
    crossover, forecast   where one curve overtakes another; the next doubling; worth in images
    moves         what twice the images, the bigger model and pretrained weights bought
    diagnosis     over- and underfitting of single runs, each by one rule
    expectation   was the bigger model better, at which sizes
    reasons       where it was not as expected: the likely reasons, ranked by what they account for
    doubtful_labels   test images whose labels all networks contradict; copies and leaked images
    pretraining, overfitting, sections, limits   the other sections of the discussion
    advice, steps, target   the next most useful things to do; what a wanted error takes
    answer        the sentences that a report opens with
    discussion    `discuss`: the answer and all sections; the one call that a report needs
    wording       how numbers and names are written

Imports numpy, pandas and scipy only, so it serves numbers that any other tool measured. Accuracies
and their differences are shares in [0, 1]; texts are plain and not escaped.
"""

from ..language.numbers import init_name, short_name
from .curves.crossover import Crossover, crossover
from .curves.forecast import Band, Worth, bands
from .curves.joint import Curves, fit_curves
from .curves.learning_curve import LearningCurve, RequiredSize, fit_learning_curve
from .findings.advice import Advice, BestNetwork, NothingTrained
from .findings.analyse import Findings, MissingRun, analyse
from .findings.diagnosis import (
    AtChance,
    Context,
    Diagnosis,
    DiagnosisKind,
    Overfitting,
    RisingTestLoss,
    SmallMap,
    TooFewSteps,
    diagnose,
)
from .findings.doubtful_labels import (
    ConflictingLabels,
    Copies,
    Examples,
    LabelCeiling,
    LeakedImages,
    NoCopies,
    Suspect,
)
from .findings.limits import (
    Detectable,
    Extrapolation,
    FewEpochs,
    FewSeeds,
    NotAllPaired,
    OneRecipe,
    OneSize,
    ReportedEpoch,
)
from .findings.moves import Move
from .findings.overfitting import (
    GeneralisationGap,
    MoreRisingTestLosses,
    NoRisingTestLoss,
    OverfittedRuns,
    Underfitted,
    UnequalSteps,
)
from .findings.pretraining import (
    AheadOnFewer,
    FirstEpoch,
    FitAndGap,
    GainSource,
    InitGain,
    InitGainByModel,
    InitGainChange,
    NoSharedCell,
    OneInit,
    WorthInImages,
)
from .findings.steps import (
    AnotherSize,
    BiggerModel,
    MoreImages,
    MoreSeeds,
    Outlook,
    Step,
    StepKind,
    Sureness,
    TrainLonger,
    TryPretrained,
)
from .findings.target import Target, TargetOutcome
from .findings.types import Claim, Section
from .inputs.grid import Cell, Grid, Run, read_grid
from .inputs.predictions import Predictions, TestPredictions, Unpaired
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
    "AheadOnFewer",
    "AnotherSize",
    "AtChance",
    "Band",
    "BestNetwork",
    "BiggerModel",
    "Cell",
    "Claim",
    "ConflictingLabels",
    "Context",
    "Contrast",
    "Copies",
    "Crossover",
    "Curves",
    "Detectable",
    "Diagnosis",
    "DiagnosisKind",
    "Examples",
    "Extrapolation",
    "FewEpochs",
    "FewSeeds",
    "Findings",
    "FirstEpoch",
    "FitAndGap",
    "GainSource",
    "GeneralisationGap",
    "Grid",
    "InitGain",
    "InitGainByModel",
    "InitGainChange",
    "LabelCeiling",
    "LeakedImages",
    "LearningCurve",
    "MissingRun",
    "MoreImages",
    "MoreRisingTestLosses",
    "MoreSeeds",
    "Move",
    "NoCopies",
    "NoRisingTestLoss",
    "NoSharedCell",
    "NotAllPaired",
    "NothingTrained",
    "OneInit",
    "OneRecipe",
    "OneSize",
    "Outlook",
    "OverfittedRuns",
    "Overfitting",
    "Predictions",
    "ReportedEpoch",
    "RequiredSize",
    "RisingTestLoss",
    "Run",
    "Section",
    "SmallMap",
    "Step",
    "StepKind",
    "Sureness",
    "Suspect",
    "Target",
    "TargetOutcome",
    "TestPredictions",
    "TooFewSteps",
    "TrainLonger",
    "TryPretrained",
    "Underfitted",
    "UnequalSteps",
    "Unpaired",
    "Worth",
    "WorthInImages",
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
