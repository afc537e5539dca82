"""What single runs show, and by which rules, in English."""

from __future__ import annotations

import math
from typing import assert_never

from ...analysis.findings.diagnosis import (
    CLIMB,
    FALL,
    FALL_ERRORS,
    FITTED,
    LARGE_GAP,
    LOSS_RISE,
    TRAIN_LOSS_FALL,
    AtChance,
    DiagnosisFinding,
    DiagnosisKind,
    Overfitting,
    RisingTestLoss,
    SmallMap,
    TooFewSteps,
    UnstableTraining,
)
from ...analysis.inputs.scoring import Metric
from .numbers import count, percent, plural, points, significant
from .words import Words


def say(finding: DiagnosisFinding, words: Words) -> str:
    """A diagnosis as a sentence that starts with the run."""
    run = words.run(finding.cell, finding.seed)
    match finding:
        case Overfitting():
            return (
                f"{run}: {percent(finding.train_accuracy)} of the training images but "
                f"{percent(finding.test_accuracy)} of the test images are right, a gap of "
                f"{points(finding.gap)}."
            )
        case RisingTestLoss():
            test = significant(finding.test_loss_best), significant(finding.test_loss_last)
            train = significant(finding.train_loss_best), significant(finding.train_loss_last)
            return (
                f"{run}: test loss was lowest at epoch {finding.best_epoch} ({test[0]}) and rose "
                f"to {test[1]} by epoch {finding.last_epoch}, while training loss fell from "
                f"{train[0]} to {train[1]}."
            )
        case TooFewSteps():
            known = math.isfinite(finding.steps)
            steps = f" after {count(finding.steps)} steps" if known else ""
            rise = ""
            if finding.rise > 0:
                rise = f", by {points(finding.rise)} over the last third of the epochs,"
            return (
                f"{run}: training accuracy was still climbing at the end{rise} and stood at "
                f"{percent(finding.train_accuracy)}{steps}."
            )
        case UnstableTraining():
            return f"{run}: training accuracy fell {between(finding)}."
        case SmallMap():
            size = finding.image_size
            image = f" from {size}x{size} images" if size else ""
            return f"{run}: the last feature map is 1x1{image}."
        case AtChance():
            guess = f"no more than guessing gets ({percent(finding.chance)})"
            if finding.above_chance:
                images = plural(round(finding.test_size), "test image")
                guess = f"which {images} cannot tell from guessing ({percent(finding.chance)})"
            right = words.term.images_right.format(percent(finding.test_accuracy))
            return f"{run}: {right}, {guess}; the test images show no sign of learning."
        case _:
            assert_never(finding)


def between(finding: UnstableTraining) -> str:
    """How far training accuracy fell, and when."""
    return (
        f"from {percent(finding.high)} in epoch {finding.high_epoch} to {percent(finding.low)} in "
        f"epoch {finding.low_epoch}"
    )


def rule(kind: DiagnosisKind, words: Words) -> str:
    """When a run gets this diagnosis."""
    match kind:
        case DiagnosisKind.OVERFITTING:
            return (
                f"training accuracy at least {percent(FITTED)} and at least {points(LARGE_GAP)} "
                "above test accuracy"
            )
        case DiagnosisKind.TEST_LOSS_RISING:
            return (
                f"test loss ends at least {LOSS_RISE:.0%} and two standard errors above its "
                f"minimum, and training loss fell by at least {TRAIN_LOSS_FALL:.0%} since"
            )
        case DiagnosisKind.TOO_FEW_STEPS:
            return (
                f"training accuracy below {percent(FITTED)} and up by at least {points(CLIMB)} "
                "over the last third of the epochs"
            )
        case DiagnosisKind.UNSTABLE_TRAINING:
            return (
                f"training accuracy of an epoch before the last is at least {points(FALL)}, and "
                f"{FALL_ERRORS:.0f} standard errors, below that of an earlier one"
            )
        case DiagnosisKind.SMALL_MAP:
            return "the feature map of the last convolution is 1x1"
        case DiagnosisKind.AT_CHANCE:
            accuracy = words.term.test_accuracy
            if words.names.metric is Metric.BALANCED_ACCURACY:
                return f"the 95% interval of the {accuracy} does not lie above that of guessing"
            return (
                f"neither the 95% interval of the {accuracy} nor that of the balanced accuracy, "
                "where predictions tell it, lies above that of guessing"
            )
        case _:
            assert_never(kind)
