"""Doubts about labels and data in English."""

from __future__ import annotations

from typing import assert_never

from ...analysis.findings.doubtful_labels import (
    ConflictingLabels,
    Copies,
    DataFinding,
    Examples,
    LabelCeiling,
    LeakedImages,
    NoCopies,
)
from .numbers import count, join, percent, plural, points
from .words import Words


def say(finding: DataFinding, words: Words) -> str:
    """A finding on labels or data as sentences."""
    match finding:
        case LabelCeiling():
            return _ceiling(finding, words)
        case LeakedImages():
            return _leaked(finding)
        case Copies():
            parts = [
                f"{plural(number, 'copy', 'copies')} among the {where} images"
                for number, where in ((finding.train, "training"), (finding.test, "test"))
                if number
            ]
            return f"Found: {join(parts)}. The data hold fewer different images than they count."
        case ConflictingLabels():
            verb = "stands" if finding.images == 1 else "stand"
            return f"{plural(finding.images, 'image')} {verb} under more than one label."
        case Examples():
            return f"Such as: {'; '.join(finding.examples)}."
        case NoCopies():
            return "The data were checked for copies: no image stands twice, or in both splits."
        case _:
            assert_never(finding)


def _ceiling(found: LabelCeiling, words: Words) -> str:
    judged = "Both" if found.networks == 2 else f"All {found.networks}"
    which = ""
    if found.networks < found.candidates:
        judged = f"{found.networks} of the {found.candidates}"
        which = f" ({join([words.network(*arm) for arm in found.arms])})"
    head = f"{judged} networks trained on {count(found.train_images)} images{which}"
    if not found.images_in_doubt:
        return f"{head} contradict no test label with confidence: no sign of wrong labels."
    end = "look at them before anything else"
    if found.small:
        end = "not what holds accuracy back"
    return (
        f"{head} predict one and the same class, which is not the label, for "
        f"{count(found.images_in_doubt)} of {plural(round(found.test_images), 'test image')}, each "
        "with its usual confidence: wrong labels, or hard images. If all are wrong, they are "
        f"{points(found.share)} of the {points(found.best_error)} of error{words.term.plain} of "
        f"the best cell: {end}."
    )


def _leaked(found: LeakedImages) -> str:
    verb = "stands" if found.images == 1 else "stand"
    text = f"Leakage: {plural(found.images, 'test image')} also {verb} among the training images"
    if found.test_size > 0:
        text += (
            f" ({percent(found.images / found.test_size)} of the test set). Test accuracies may be "
            "too high by up to that share, and by more the more of them a run was trained on"
        )
    return f"{text}."
