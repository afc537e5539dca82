"""Doubts about the data themselves: labels that all networks contradict, copies, leaked images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...language.numbers import count, join, percent, plural, points
from ..inputs.grid import Cell, Grid
from .types import Claim, DataChecks, Section

FEWEST_NETWORKS = 2
EXAMPLES = 3
"""Copies that a report names."""


@dataclass(frozen=True)
class Suspect:
    """A test image that every network calls the same other class, each with confidence."""

    index: int
    """Position in the test set."""
    given: str
    predicted: str
    confidence: float
    """Mean probability that the networks give the predicted class."""


def suspects(grid: Grid, classes: Sequence[str] = ()) -> tuple[list[Suspect], int]:
    """Test images whose label is in doubt, the most confident first; and how many networks judged.

    One network of each model and init and seed judges, the one with the most training images. An
    image is in doubt when all of them predict one and the same other class, each with at least the
    probability that it gives this class on average where it is the given one. That threshold is
    the one of confident learning (Northcutt, Jiang & Chuang 2021, J. Artif. Intell. Res. 70:
    1373-1411); the networks here have not seen the test set, so no cross-validation is needed.
    """
    answers = grid.answers
    judges = [
        run.run_id
        for cell in _largest(grid)
        for run in cell.runs
        if run.run_id in answers.predicted
    ]
    if len(judges) < FEWEST_NETWORKS:
        return [], len(judges)
    predicted = np.stack([answers.predicted[run_id] for run_id in judges])
    confidence = np.stack([answers.confidence[run_id] for run_id in judges])
    usual = np.stack([answers.usual[r][answers.predicted[r]] for r in judges])
    doubted = (predicted == predicted[0]).all(axis=0) & (predicted[0] != answers.labels)
    doubted &= (confidence >= usual).all(axis=0)
    mean = confidence.mean(axis=0)
    order = sorted(np.flatnonzero(doubted), key=lambda i: -mean[i])

    def name(label: int) -> str:
        return classes[label] if label < len(classes) else str(label)

    return [
        Suspect(int(i), name(int(answers.labels[i])), name(int(predicted[0, i])), float(mean[i]))
        for i in order
    ], len(judges)


def _largest(grid: Grid) -> list[Cell]:
    curves = (grid.curve(model, init) for model in grid.models for init in grid.inits)
    return [curve[-1] for curve in curves if curve]


def data_section(
    grid: Grid, found: Sequence[Suspect], judges: int, checks: DataChecks | None
) -> Section:
    """The ceiling that doubtful labels set, and what the checks of the data found."""
    claims = [*_ceiling(grid, found, judges), *_checks(grid, checks)]
    return Section("data", "The labels and the data", claims)


def _ceiling(grid: Grid, found: Sequence[Suspect], judges: int) -> list[Claim]:
    images = len(grid.answers.labels)
    if judges < FEWEST_NETWORKS or not images:
        return []
    best = max(grid.cells, key=lambda cell: cell.accuracy)
    wrong, share = 1 - best.accuracy, len(found) / images
    evidence: dict[str, object] = {
        "images_in_doubt": len(found),
        "test_images": images,
        "networks": judges,
        "best_error": wrong,
    }
    head = f"All {judges} networks that were trained on the most images"
    if judges == 2:
        head = "Both networks that were trained on the most images"
    if not found:
        text = (
            f"{head} agree with confidence on another class than the given one for no test image: "
            "wrong labels in the test set do not show."
        )
        return [Claim(text, evidence)]
    text = (
        f"{head} call {plural(len(found), 'test image')} of {count(images)} by one and the same "
        "other class, each with the confidence that it usually has in that class. Such labels may "
        f"be wrong, or the images hard. If all were wrong labels, {points(share)} of the "
        f"{points(wrong)} of error of the best cell would be no model's fault"
    )
    if share < wrong / 2:
        text += "; so they are not what holds accuracy back"
    else:
        text += ", and little more could be gained: look at them before anything else"
    return [Claim(f"{text}.", evidence, "suggestive")]


def _checks(grid: Grid, checks: DataChecks | None) -> list[Claim]:
    """Copies, leaks and images under two labels, where the data were checked for them."""
    if checks is None:
        return []
    leaked, within = checks.leaked_test_images, checks.duplicates_within_train
    test, conflicting = checks.duplicates_within_test, checks.conflicting_labels
    evidence = checks.to_dict()
    claims = []
    size = max((cell.test_size for cell in grid.cells), default=math.nan)
    if leaked:
        verb = "stands" if leaked == 1 else "stand"
        text = f"Leakage: {plural(leaked, 'test image')} also {verb} among the training images"
        if size > 0:
            text += (
                f" ({percent(leaked / size)} of the test set). Test accuracies may be too high by "
                "up to that share, and by more the more of them a run was trained on"
            )
        claims.append(Claim(f"{text}.", evidence))
    if within or test:
        parts = [
            f"{plural(number, 'copy', 'copies')} among the {where} images"
            for number, where in ((within, "training"), (test, "test"))
            if number
        ]
        text = f"Found: {join(parts)}. The data hold fewer different images than they count."
        claims.append(Claim(text, evidence))
    if conflicting:
        verb = "stands" if conflicting == 1 else "stand"
        text = f"{plural(conflicting, 'image')} {verb} under more than one label."
        claims.append(Claim(text, evidence))
    if claims and checks.examples:
        shown = "; ".join(checks.examples[:EXAMPLES])
        claims.append(Claim(f"Such as: {shown}.", {}, "note"))
    if not claims and None not in (leaked, within, test):
        text = "The data were checked for copies: no image stands twice, or in both splits."
        claims.append(Claim(text, evidence))
    return claims
