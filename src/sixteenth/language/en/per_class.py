"""The classes that need images most, in English."""

from __future__ import annotations

import math
from typing import assert_never

from ...analysis.findings.per_class import ClassFinding, ClassRecall, NoWeakClass, WeakClasses
from ..sentences import CLASSES_NAMED
from ..text import plain
from .numbers import accuracy_interval, count, join, percent, signed
from .words import Words


def say(finding: ClassFinding, words: Words) -> str:
    """A finding on classes as sentences."""
    match finding:
        case WeakClasses():
            return _weak(finding, words)
        case NoWeakClass():
            return (
                f"No class stands out for {words.cell(finding.cell)}: none of the "
                f"{count(finding.classes)} recalls lies below their mean by more than the test "
                f"images (the rarest class has {count(finding.fewest)}), differences between "
                "trainings and the choice among so many classes may explain."
            )
        case ClassRecall():
            grown = " → ".join(percent(recall) for recall in finding.recalls)
            return (
                f"Recall of {plain(finding.name)}: {grown} ({accuracy_interval(finding.interval)})."
            )
        case _:
            assert_never(finding)


def _weak(found: WeakClasses, words: Words) -> str:
    shown = found.weak[:CLASSES_NAMED]
    named = [
        f"{plain(one.name)} ({percent(one.recall)}, {accuracy_interval(one.interval)})"
        for one in shown
    ]
    more = len(found.weak) - len(shown)
    if more:
        named.append(f"{count(more)} more")
    whose, them, these = "their", "them", "these classes"
    if len(found.weak) == 1:
        whose, them, these = "its", "it", "this class"
    text = (
        f"Images are needed most by {join(named)}: {whose} recall by "
        f"{words.cell(found.cell)} is "
        f"below the mean of all {count(found.classes)} classes, {percent(found.mean)}, by more "
        "than chance explains."
    )
    if math.isfinite(found.mean_gain):
        gain = sum(one.gain for one in found.weak) / len(found.weak)
        step = " The last step to more images brought"
        text += (
            f"{step} {them} about {signed(gain)} points (an estimate, shrunk towards the mean of "
            f"all classes, {signed(found.mean_gain)})."
            if found.gains_differ
            else f"{step} the classes {signed(found.mean_gain)} points on average; that some "
            "gained more than others is no more than chance explains."
        )
        flat = [plain(one.name) for one in shown if one.gain <= 0]
        if flat:
            text += f" Images have not helped {join(flat)} so far: look at the labels first."
    return f"{text} Whether images of {these} alone would do was not tried."
