"""Doubts about the data themselves: labels that all networks contradict, copies, leaked images."""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from dataclasses import dataclass

import numpy as np

from ..inputs.cells import SAME_SIZE, Arm, Cell
from ..inputs.context import ImageChecks
from ..inputs.grid import Grid
from ..stats.per_class import class_name
from .types import Finding, Strength

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


@dataclass(frozen=True)
class LabelCeiling(Finding):
    """How much of the error doubtful labels could account for.

    Attributes:
        images_in_doubt, test_images: test images in doubt, and all.
        networks, arms: how many judged, and what they are.
        candidates: networks that were trained on as many images; of the others no predictions are
            left, or they are no better than guessing.
        train_images: that these were trained on.
        best_error: test error of the best cell.
    """

    images_in_doubt: int
    test_images: int
    networks: int
    arms: tuple[Arm, ...]
    candidates: int
    train_images: float
    best_error: float

    @property
    def strength(self) -> Strength:
        return Strength.SUGGESTIVE if self.images_in_doubt else Strength.MEASURED

    @property
    def share(self) -> float:
        """Share of the test images that are in doubt."""
        return self.images_in_doubt / self.test_images

    @property
    def small(self) -> bool:
        """Whether most of the error would be left if all these labels were wrong."""
        return self.share < self.best_error / 2


@dataclass(frozen=True)
class CheckFinding(Finding):
    """Base of what the checks of the images found; all that they counted stands beside it."""

    checks: ImageChecks


@dataclass(frozen=True)
class LeakedImages(CheckFinding):
    """Test images that are training images too, of `test_size`; NaN where not known."""

    images: int
    test_size: float


@dataclass(frozen=True)
class Copies(CheckFinding):
    """Copies of other images of the same split."""

    train: int
    test: int


@dataclass(frozen=True)
class ConflictingLabels(CheckFinding):
    """Images that stand under more than one label."""

    images: int


@dataclass(frozen=True)
class Examples(Finding):
    """Some of the images that the checks found, as the checks name them."""

    strength = Strength.NOTE
    examples: tuple[str, ...]


@dataclass(frozen=True)
class NoCopies(CheckFinding):
    """The data were checked for copies and leaks, and there are none."""


DataFinding = LabelCeiling | LeakedImages | Copies | ConflictingLabels | Examples | NoCopies


def suspects(
    grid: Grid, classes: Sequence[str] = (), guessing: Container[str] = ()
) -> tuple[list[Suspect], list[str]]:
    """Test images whose label is in doubt, the most confident first; and run ids of the judges.

    The networks with the most training images of the study judge, each seed: one that saw a part of
    them errs on images that the others know. An image is in doubt when all of them predict one and
    the same other class, each with at least the probability that it gives this class on average
    where it is the given one. That threshold is the one of confident learning (Northcutt, Jiang &
    Chuang 2021, J. Artif. Intell. Res. 70: 1373-1411); the networks here have not seen the test
    set, so no cross-validation is needed.

    Args:
        grid: the study.
        classes: names, by label; a class without one is called by its number.
        guessing: run ids of networks that are no better than guessing, which do not judge.
    """
    predictions, labels = grid.predictions, grid.predictions.labels
    judges = [
        run_id
        for cell in _candidates(grid)
        for run_id in cell.run_ids
        if run_id in predictions.predicted and run_id not in guessing
    ]
    if len(judges) < FEWEST_NETWORKS:
        return [], judges
    predicted = np.stack([predictions.predicted[run_id] for run_id in judges])
    confidence = np.stack([predictions.confidence[run_id] for run_id in judges])
    usual = np.stack([predictions.self_confidence[r][predictions.predicted[r]] for r in judges])
    doubted = (predicted == predicted[0]).all(axis=0) & (predicted[0] != labels)
    doubted &= (confidence >= usual).all(axis=0)
    mean = confidence.mean(axis=0)
    order = sorted(np.flatnonzero(doubted), key=lambda i: -mean[i])

    return [
        Suspect(
            index=int(i),
            given=class_name(int(labels[i]), classes),
            predicted=class_name(int(predicted[0, i]), classes),
            confidence=float(mean[i]),
        )
        for i in order
    ], judges


def _candidates(grid: Grid) -> list[Cell]:
    """The cells with the most training images."""
    most = max((cell.train_size for cell in grid.cells), default=math.nan)
    return [cell for cell in grid.cells if cell.train_size >= most * (1 - SAME_SIZE)]


def data_findings(
    grid: Grid, found: Sequence[Suspect], judges: Sequence[str], checks: ImageChecks | None
) -> list[DataFinding]:
    """The ceiling that doubtful labels set, and what the checks of the data found.

    Args:
        grid: the study.
        found, judges: of `suspects`.
        checks: what the checks of the images found; None where they were not checked.
    """
    return [*_ceiling(grid, found, judges), *_checks(grid, checks)]


def _ceiling(grid: Grid, found: Sequence[Suspect], judges: Sequence[str]) -> list[LabelCeiling]:
    images = len(grid.predictions.labels)
    if len(judges) < FEWEST_NETWORKS or not images:
        return []
    cells = _candidates(grid)
    best = max(cell.mean("test_accuracy") for cell in grid.cells)  # a share of images, as theirs
    return [
        LabelCeiling(
            images_in_doubt=len(found),
            test_images=images,
            networks=len(judges),
            arms=tuple(cell.arm for cell in cells if not set(judges).isdisjoint(cell.run_ids)),
            candidates=sum(len(cell.runs) for cell in cells),
            train_images=max(cell.train_size for cell in cells),
            best_error=1 - best,
        )
    ]


def _checks(grid: Grid, checks: ImageChecks | None) -> list[DataFinding]:
    """Copies, leaks and images under two labels, where the data were checked for them."""
    if checks is None:
        return []
    leaked, conflicting = checks.leaked_test_images, checks.conflicting_labels
    train, test = checks.duplicates_within_train, checks.duplicates_within_test
    found: list[DataFinding] = []
    if leaked:
        size = max((cell.test_size for cell in grid.cells), default=math.nan)
        found.append(LeakedImages(checks, leaked, size))
    if train or test:
        found.append(Copies(checks, train or 0, test or 0))
    if conflicting:
        found.append(ConflictingLabels(checks, conflicting))
    if found and checks.examples:
        found.append(Examples(tuple(checks.examples[:EXAMPLES])))
    if not found and None not in (leaked, train, test):
        found.append(NoCopies(checks))
    return found
