"""Over- and underfitting in English."""

from __future__ import annotations

import math
from typing import assert_never

from ...analysis.findings.diagnosis import FITTED
from ...analysis.findings.overfitting import (
    GAP_CHANGE,
    GapTrend,
    GeneralisationGap,
    MoreRisingTestLosses,
    NoRisingTestLoss,
    OverfittedRuns,
    OverfittingFinding,
    Underfitted,
    UnequalSteps,
    UnstableRuns,
)
from . import diagnosis
from .numbers import NUMBERS, count, join, percent, plural, points, signed
from .words import Words

WATCHED = " with training curves"
"""Of runs, where some have none."""


def say(finding: OverfittingFinding, words: Words) -> str:
    """A finding on over- or underfitting as sentences."""
    match finding:
        case GeneralisationGap():
            return _gap(finding, words)
        case OverfittedRuns():
            others = plural(len(finding.run_ids) - 1, "more run", "more runs")
            more = f" The same holds of {others}, with smaller gaps."
            worst = diagnosis.say(finding.worst, words)
            return f"Overfitting: {worst}{more if len(finding.run_ids) > 1 else ''}"
        case MoreRisingTestLosses():
            shows = plural(len(finding.run_ids), "more run shows", "more runs show")
            return f"{shows} the same."
        case NoRisingTestLoss():
            rose = "clearly above its minimum while training loss fell."
            if finding.of_all and not finding.several_runs:
                return f"The test loss did not end {rose}"
            return f"No run{'' if finding.of_all else WATCHED} ended with a test loss {rose}"
        case Underfitted():
            return _underfitted(finding)
        case UnstableRuns():
            return _unstable(finding, words)
        case UnequalSteps():
            few, many = finding.fewest_images, finding.most_images
            return (
                f"With equal epochs the steps differ: {count(finding.fewest_steps)} steps on "
                f"{count(few)} images, {count(finding.most_steps)} on {count(many)} "
                f"(train.steps: {round(finding.most_steps)} makes them equal)."
            )
        case _:
            assert_never(finding)


def _unstable(found: UnstableRuns, words: Words) -> str:
    number, worst = len(found.run_ids), words.run(found.worst.cell, found.worst.seed)
    watched = "" if found.of_all else WATCHED
    which = f"in {number} of {plural(found.runs, 'run')}{watched}"
    furthest = "furthest in" if number > 1 else "in"
    return (
        f"Unstable training: {which} training accuracy fell back, {furthest} {worst}: "
        f"{diagnosis.between(found.worst)}. The usual remedy is a lower learning rate."
    )


def _gap(found: GeneralisationGap, words: Words) -> str:
    first, last = found.cells[0], found.cells[-1]
    parts = [f"{signed(c.mean('gap'))} points on {count(c.train_size)}" for c in found.cells]
    text = (
        f"{words.arm(first.model, first.init)}: training accuracy minus test accuracy is "
        f"{join(parts)} images"
    )
    match found.trend:
        case None:
            return f"{text}."
        case GapTrend.CANNOT_TELL:
            return (
                f"{text}; whether it depends on the amount of data cannot be told "
                f"({signed(found.change)} points from the fewest to the most images)."
            )
        case GapTrend.LITTLE:
            return f"{text}; it changes by less than {points(GAP_CHANGE)}."
        case GapTrend.SMALLER | GapTrend.LARGER:
            text += f", {found.trend.value} with more data"
        case _:
            assert_never(found.trend)
    fits = [percent(cell.mean("train_accuracy")) for cell in (first, last)]
    if found.little_fitted:
        steps = first.mean("steps")
        after = f" after {count(steps)} steps" if math.isfinite(steps) else ""
        text += (
            f"; with the fewest images only {fits[0]} of them are fitted{after}, so there was "
            f"little to overfit yet (against {fits[1]} with the most)"
        )
    else:
        text += f" (training accuracy goes from {fits[0]} to {fits[1]})"
    if found.loss_gaps is not None:
        losses = [NUMBERS.decimal(gap, 2) for gap in found.loss_gaps]
        text += f"; in loss the gap goes from {losses[0]} to {losses[1]}"
    return f"{text}."


def _underfitted(found: Underfitted) -> str:
    number = len(found.run_ids)
    watched = "" if found.of_all else WATCHED
    which = f"{number} of {plural(found.runs, 'run')}{watched}"
    if number == found.runs:
        which = f"Each run{watched}" if number > 1 else f"The run{watched}"
    gap = "their gaps" if 1 < number < found.runs else "its gap"
    ends = ""
    if found.rises:
        least, most = (f([each.rise for each in found.rises]) for f in (min, max))
        rises = points(least)
        if points(least) != points(most):
            rises = f"{NUMBERS.decimal(100 * least, 1)} to {points(most)}"
        whose = "each model's" if len(found.rises) > 1 else "the"
        ends = f" (by {rises} in the last third, on {whose} most images)"
    return (
        f"{which} ended below {FITTED:.0%} training accuracy and still improving{ends}: "
        f"training had not converged; {gap} may change with more steps."
    )
