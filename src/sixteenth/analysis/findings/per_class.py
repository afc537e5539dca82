"""The classes that need images most: those whose recall lies below the others' by more than chance.

With many classes the lowest of them is low by chance too, and one class has few test images. So a
class is named only where the recall of the average training on other test images is below the mean
of all classes, at a level that all classes share (Holm). To need images is a property of a class,
not of one training. Classes are ranked by recalls drawn towards the mean.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import chisquare

from ..inputs.cells import Cell
from ..inputs.context import Context
from ..inputs.grid import Grid
from ..inputs.scoring import Metric, Scoring
from ..stats.intervals import Interval
from ..stats.paired import best_network
from ..stats.per_class import ClassRecalls, class_name
from ..stats.significance import holm
from .types import Finding, Strength

LEAST = 0.02
"""A class is not named for less than this below the mean recall."""
LISTED = 20
"""Classes with the lowest recalls that a report lists; per_class.csv holds all."""
IMBALANCE = 3.0
"""From so many times as many test images of the most frequent class as of the rarest on, and if
that is no chance (p below 1%), classes are called imbalanced."""
HIDDEN = 0.01
"""How far accuracy lies above balanced accuracy before the report warns of it."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ClassRecall(Finding):
    """How well the best network knows one class, and how that grew with the images.

    Attributes:
        name: of the class.
        cell: the best network.
        train_images: of the class, at each size of `recalls`, the smallest first; NaN: not known.
        test_images: of the class.
        recalls: part of its test images that is right, at each size of the same model and init.
        interval: of the last recall, for another training on other images.
        gain: of the last step, drawn towards that of all classes; NaN with one size.
    """

    name: str
    cell: Cell = field(repr=False)
    train_images: tuple[float, ...]
    test_images: int
    recalls: tuple[float, ...]
    interval: Interval
    gain: float

    @property
    def recall(self) -> float:
        """On the most images."""
        return self.recalls[-1]


@dataclass(frozen=True)
class WeakClasses(Finding):
    """The classes that need images most, the lowest recall first.

    Attributes:
        cell: the best network.
        weak: whose recall is below the mean by more than chance.
        mean: of the recalls of all classes.
        mean_gain: of the last step, over all classes; NaN with one size.
        classes: that the test set holds.
    """

    strength = Strength.SUGGESTIVE
    cell: Cell
    weak: tuple[ClassRecall, ...]
    mean: float
    mean_gain: float
    classes: int

    @property
    def gains_differ(self) -> bool:
        """Whether the last step brought some classes more than others, beyond what is noise."""
        return any(abs(one.gain - self.mean_gain) > 1e-9 for one in self.weak)


@dataclass(frozen=True)
class NoWeakClass(Finding):
    """No class stands out; `fewest` is the test images of the rarest."""

    strength = Strength.CANNOT_TELL
    cell: Cell
    classes: int
    fewest: int


ClassFinding = WeakClasses | NoWeakClass | ClassRecall


@dataclass(frozen=True)
class ClassCurves:
    """All classes of the best network's model and init, the lowest recall first.

    Attributes:
        cell: the best network.
        sizes: training images, the smallest first.
        classes: as many as the test set holds.
        weak: how many of the first ones are named.
    """

    cell: Cell
    sizes: tuple[float, ...]
    classes: tuple[ClassRecall, ...]
    weak: int


def class_curves(grid: Grid, context: Context, level: float) -> ClassCurves | None:
    """The recalls of the best network by class; None without predictions or a second class."""
    found = ClassRecalls(grid)
    best = best_network(grid) if grid.cells else None
    if best is None or not found.known(best) or len(found.present) < 2:
        return None
    curve = [
        cell
        for cell in grid.curves[best.arm]
        if cell.train_size < best.train_size and found.known(cell)
    ]
    cells = [*curve, best]
    recalls = np.array([found.of(cell) for cell in cells])
    low, high = found.interval(best, recalls[-1], len(best.runs), level)
    gains = _gains(found, cells) if curve else np.full(len(found.present), math.nan)
    images = [context.class_images.get(cell.fraction) for cell in cells]
    weak, ranked = _weak(found, best, recalls[-1])
    classes = tuple(
        ClassRecall(
            name=class_name(int(found.present[k]), context.classes),
            cell=best,
            train_images=tuple(
                math.nan if known is None else float(known[found.present[k]]) for known in images
            ),
            test_images=int(found.images[k]),
            recalls=tuple(recalls[:, k].tolist()),
            interval=Interval(float(low[k]), float(high[k]), level),
            gain=float(gains[k]),
        )
        for k in ranked
    )
    return ClassCurves(best, tuple(cell.train_size for cell in cells), classes, weak)


def per_class(curves: ClassCurves | None) -> list[ClassFinding]:
    """Which classes need images most, and the classes with the lowest recalls."""
    if curves is None:
        return []
    all_classes = curves.classes
    listed = list(all_classes[:LISTED])
    if not curves.weak:
        fewest = min(one.test_images for one in all_classes)
        return [NoWeakClass(curves.cell, len(all_classes), fewest), *listed]
    mean = float(np.mean([one.recall for one in all_classes]))
    gain = float(np.mean([one.gain for one in all_classes]))
    weak = all_classes[: curves.weak]
    return [WeakClasses(curves.cell, weak, mean, gain, len(all_classes)), *listed]


def _weak(found: ClassRecalls, cell: Cell, recalls: Array) -> tuple[int, list[int]]:
    """How many classes are named, and all classes, those first; then by shrunk recall."""
    count = len(recalls)
    trainings = found.training_variance(cell, recalls) / len(cell.runs)
    variances = found.test_variance(recalls) + trainings
    below = recalls - recalls.mean()
    spread = np.sqrt((1 - 2 / count) * variances + variances.sum() / count**2)
    named = (holm(ndtr(below / spread)) <= 0.05) & (below <= -LEAST)
    shrunk = _shrunk(recalls, variances)
    order = sorted(range(count), key=lambda k: (not named[k], shrunk[k], recalls[k]))
    return int(named.sum()), order


def _gains(found: ClassRecalls, cells: Sequence[Cell]) -> Array:
    """(K,) what the last step brought each class, for the average training."""
    before, after = cells[-2:]
    right = found.grid.right([before, after])
    assert right is not None  # `ClassRecalls.known` of both
    change = right[1] - right[0]
    gains = found.means(change)
    within = found.means(change**2) - gains**2
    # Two images of the average class, since one that has few may not vary at all.
    pooled = float(within @ found.images / found.images.sum())
    images = (within * found.images + 2 * pooled) / (found.images + 1) / found.images
    trainings = sum(
        found.training_variance(cell, found.of(cell)) / len(cell.runs) for cell in (before, after)
    )
    return _shrunk(gains, images + trainings)


def _shrunk(values: Array, variances: Array) -> Array:
    """Values drawn towards their mean by what of their spread is noise (empirical Bayes: Efron &
    Morris 1975, J. Am. Stat. Assoc. 70: 311-319, with unequal variances)."""
    between = max(0.0, float(np.var(values, ddof=1) - variances.mean()))
    kept = between / (between + variances) if between else np.zeros(len(values))
    return np.asarray(values.mean() + kept * (values - values.mean()))


@dataclass(frozen=True)
class ImbalancedClasses(Finding):
    """Accuracy hides how badly rare classes are known.

    Attributes:
        most, fewest: test images of the most frequent and of the rarest class.
        accuracy, balanced: accuracy and mean recall of the best network.
    """

    most: int
    fewest: int
    accuracy: float
    balanced: float


def imbalance(grid: Grid, best: Cell) -> ImbalancedClasses | None:
    """Where classes are imbalanced and the study decides by accuracy, which hides it."""
    found = ClassRecalls(grid)
    counts = found.images
    if grid.metric is not Metric.ACCURACY or len(counts) < 2 or not found.known(best):
        return None
    if counts.max() < IMBALANCE * counts.min() or chisquare(counts).pvalue >= 0.01:
        return None
    right = np.mean([grid.correct[run_id] for run_id in best.run_ids], axis=0)
    scoring = Scoring.of(Metric.BALANCED_ACCURACY, grid.predictions.labels)
    accuracy, balanced = float(right.mean()), float(scoring.score(right))
    if accuracy - balanced < HIDDEN:
        return None
    return ImbalancedClasses(int(counts.max()), int(counts.min()), accuracy, balanced)
