"""The recall of single classes, and its interval for another training on other test images.

Of one class there are few test images, and trainings differ more in its recall than in accuracy:
what one class loses another often wins. How much more is derived from the spread of the accuracy,
as if classes varied independently, times a factor (`spread_ratio`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from ..inputs.cells import Cell
from ..inputs.grid import Grid
from ..inputs.scoring import Metric, Scoring, smoothed_share
from ..inputs.trainings import FALL, SIMILARITY
from .intervals import binomial_interval, wilson
from .spread import LEVEL

Array = NDArray[np.float64]

TRADED = 6.0
"""The variance of a recall between trainings over what it were if classes varied independently:
what one class loses another wins. Assumed without repeats; docs/science.md has measurements, 1.6
to 17."""

COLUMNS = [
    "run_id", "model", "init", "fraction", "length", "train_size", "seed", "class", "train_images",
    "test_images", "recall", "low", "high", "networks_low", "networks_high",
]  # fmt: skip
"""Of `class_table`."""


@dataclass(frozen=True)
class ClassRecalls:
    """The recalls of a study's networks by class, of the classes that the test set holds.

    All arrays over classes have the order of `present`.
    """

    grid: Grid

    @cached_property
    def present(self) -> NDArray[np.int64]:
        """(K,) the labels of the classes with test images."""
        return np.unique(self.grid.predictions.labels).astype(np.int64)

    @cached_property
    def images(self) -> NDArray[np.int64]:
        """(K,) test images of each class."""
        labels = self.grid.predictions.labels
        return np.bincount(labels)[self.present] if len(labels) else np.empty(0, np.int64)

    @cached_property
    def _index(self) -> NDArray[np.int64]:
        return np.searchsorted(self.present, self.grid.predictions.labels)

    def means(self, values: NDArray[np.floating] | NDArray[np.bool_]) -> Array:
        """(K,) means by class of values of single test images (n,)."""
        sums = np.bincount(self._index, weights=values, minlength=len(self.present))
        return np.asarray(sums / self.images)

    def of_run(self, run_id: str) -> Array:
        """(K,) recalls of one network, which must have predictions."""
        return self.means(self.grid.correct[run_id])

    def known(self, cell: Cell) -> bool:
        """Whether all trainings of a cell have predictions."""
        return bool(len(self.present)) and all(i in self.grid.correct for i in cell.run_ids)

    def of(self, cell: Cell) -> Array:
        """(K,) recalls of a cell, the mean over its trainings."""
        return np.asarray(np.mean([self.of_run(run_id) for run_id in cell.run_ids], axis=0))

    def test_variance(self, recalls: Array) -> Array:
        """(K,) variance over other test images, from smoothed recalls."""
        shares = smoothed_share(recalls, self.images)
        return np.asarray(shares * (1 - shares) / self.images)

    def training_variance(self, cell: Cell, recalls: Array) -> Array:
        """(K,) variance between trainings of a cell: `spread_ratio` times the derived one."""
        return np.asarray(self.spread_ratio * self._derived(cell, recalls))

    def _derived(self, cell: Cell, recalls: Array) -> Array:
        """What recalls vary by, from the spread of the study's metric.

        That spread relative to p (1 - p), times K: as if the K classes varied independently. A
        class with more or fewer images than the average varies as the law of `trainings` has it.
        """
        p = min(max(cell.accuracy, 1e-3), 1 - 1e-3)
        relative = float(self.grid.spread.variances[cell.key].mean()) / (p * (1 - p))
        count = len(self.images)
        average = self.images.sum() / (count * self.images)
        shares = smoothed_share(recalls, self.images)
        return np.asarray(shares * (1 - shares) * relative * count * average ** (2 * FALL))

    @cached_property
    def spread_ratio(self) -> float:
        """Variance of recalls between trainings over the derived one; `TRADED` without repeats.

        Pooled over classes and cells, without what the finite test set adds, and drawn towards
        `TRADED` with the weight of `SIMILARITY` recalls.
        """
        labels = self.grid.predictions.labels
        parts = Scoring.of(Metric.BALANCED_ACCURACY, labels).parts
        seen = derived = degrees = 0.0
        for cell in self.grid.cells:
            if len(cell.runs) < 2 or not self.known(cell) or self.grid.cannot_differ(cell):
                continue
            recalls = np.array([self.of_run(run_id) for run_id in cell.run_ids])
            right = np.array([self.grid.correct[run_id] for run_id in cell.run_ids], dtype=float)
            noise = [Scoring((part,), labels).noise(right) for part in parts]
            repeats = len(cell.runs) - 1
            seen += repeats * float(np.sum(recalls.var(axis=0, ddof=1) - noise))
            derived += repeats * float(np.sum(self._derived(cell, recalls.mean(axis=0))))
            degrees += repeats * len(self.present)
        if not derived > 0:
            return TRADED
        measured = degrees * max(0.0, seen / derived)
        return (SIMILARITY * TRADED + measured) / (SIMILARITY + degrees)

    def interval(
        self, cell: Cell, recalls: Array, trainings: int, level: float = LEVEL
    ) -> tuple[Array, Array]:
        """(K,) ends of the intervals of the recalls that another training has on other images.

        Wilson's interval at the sample size that has the variance of both (Korn & Graubard 1998).

        Args:
            cell: that was trained.
            recalls: (K,) means over so many `trainings` of it.
        """
        images = self.test_variance(recalls)
        total = images + self.training_variance(cell, recalls) * (1 + 1 / trainings)
        return wilson(recalls, self.images * images / total, float(-ndtri((1 - level) / 2)))


def class_table(
    grid: Grid,
    classes: Sequence[str] = (),
    class_images: Mapping[str, Sequence[int]] | None = None,
) -> pd.DataFrame:
    """One row for each finished run with predictions, also of shorter lengths, and class.

    Args:
        grid: the study.
        classes: names, by label; a class without one is called by its number.
        class_images: fraction -> training images of each class, by label.

    Columns: run_id, model, init, fraction, length, train_size, seed, class, train_images (of the
    class; NaN where not known), test_images, recall, low, high (of another training on other
    images, as far as this run tells), networks_low, networks_high (of this network on other
    images: Wilson's).
    """
    found = ClassRecalls(grid)
    names = [class_name(int(label), classes) for label in found.present]
    rows: list[tuple[object, ...]] = []
    for cell in (*grid.cells, *grid.other_lengths):
        known = (class_images or {}).get(cell.fraction)
        images = [None if known is None else known[label] for label in found.present]
        for run in cell.runs if names else ():
            if run.run_id in grid.correct:
                recalls = found.of_run(run.run_id)
                ends = found.interval(cell, recalls, 1)
                networks = binomial_interval(recalls * found.images, found.images)
                each = run.run_id, *cell.key, int(run.train_size), run.seed
                columns = names, images, found.images, recalls, *ends, *networks
                rows += [(*each, *row) for row in zip(*columns, strict=True)]
    return pd.DataFrame(rows, columns=COLUMNS).astype({"train_images": "Int64"})


def class_name(label: int, classes: Sequence[str]) -> str:
    """What a class is called: by its number where it has no name."""
    return classes[label] if label < len(classes) else str(label)
