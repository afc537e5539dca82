"""The study as the analysis sees it: its cells and what is known of other trainings of them.

A run without a result is set aside with its reason. The rest of the analysis works on finished
cells only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...errors import SpecError
from ...spec.fields import is_frozen, trained_part
from ...spec.fraction import TrainFraction
from .cells import Arm, Cell, Run
from .predictions import TestPredictions, Unpaired
from .scoring import Metric, Scoring
from .trainings import CellTrainings, TrainingSpread, training_spread

History = Mapping[str, NDArray[np.float64]]
"""Column -> (epochs,) values of a run, in order; NaN where nothing was measured."""
HISTORY_COLUMNS = (
    *("epoch", "train_loss", "train_accuracy"),
    *("test_loss", "test_accuracy", "test_images"),
)
"""The columns of a `History`."""

TEST_NOISE = 0.4
"""Without predictions: the part of p (1 - p) / n by which trainings of one cell differ on n test
images for the images' sake alone. Two networks of one recipe often err on the same images."""


@dataclass(frozen=True)
class Grid:
    """A study's finished cells in order, and what is missing.

    `models` is ordered from few to many parameters, `inits` with random weights first.

    Attributes:
        runs: one of each planned training, at the compared length if that was reached.
        cells: of trainings of the compared length, see `tables.compared_length`.
        other_lengths: the same cells trained for another part of the steps.
        length: the compared length: 1 for whole trainings, less where a study was stopped.
        metric: what `Cell.accuracy` is, and so every difference, curve and forecast.
        images_there: labelled training images of the data; NaN where no record tells.
    """

    runs: tuple[Run, ...]
    cells: tuple[Cell, ...]
    other_lengths: tuple[Cell, ...]
    models: tuple[str, ...]
    inits: tuple[str, ...]
    histories: Mapping[str, History] = field(default_factory=dict)
    predictions: TestPredictions = field(default_factory=TestPredictions)
    metric: Metric = Metric.ACCURACY
    length: float = 1.0
    images_there: float = math.nan

    @property
    def correct(self) -> Mapping[str, NDArray[np.bool_]]:
        """run_id -> which test images it got right; only runs that can be paired."""
        return self.predictions.correct

    @cached_property
    def scoring(self) -> Scoring:
        """The metric on the test images of the predictions."""
        return Scoring.of(self.metric, self.predictions.labels)

    @property
    def unpaired(self) -> Unpaired | None:
        """Why test images cannot be paired between runs; None when they can."""
        return self.predictions.unpaired

    @cached_property
    def missing(self) -> list[Run]:
        """Planned runs that no cell counts."""
        cells = (*self.cells, *self.other_lengths)
        counted = {(run.cell_key, run.seed) for cell in cells for run in cell.runs}
        return [
            run for run in self.runs if not run.finished or (run.cell_key, run.seed) not in counted
        ]

    @property
    def by_epochs(self) -> list[Cell]:
        """Cells that were trained for a known number of epochs; a head on frozen features has 0."""
        return [cell for cell in self.cells if cell.mean("epochs") > 0]

    @property
    def labelled(self) -> float:
        """Labelled training images that there are: known, or as far as the runs tell, finished or
        not."""
        known = [run for run in self.runs if math.isfinite(run.train_size)]
        most = max((run.train_size for run in known), default=math.nan)
        if math.isfinite(self.images_there):
            return max(self.images_there, most) if known else self.images_there
        # The largest share tells most of the whole: a small one is a rounded number of images.
        share, size = max(((_share(run.fraction), run.train_size) for run in known), default=(0, 0))
        return max(most, round(size / share)) if share else most

    def size_of(self, run: Run) -> float:
        """Training images of a run, also of one that was not begun; NaN where not known."""
        same = (one.train_size for one in self.runs if one.fraction == run.fraction)
        known = next(filter(math.isfinite, same), math.nan)
        whole = _share(run.fraction) * self.labelled
        return round(whole) if math.isnan(known) and whole > 0 else known

    @cached_property
    def curves(self) -> dict[Arm, list[Cell]]:
        """The finished cells of each model and init that has any, few training images first."""
        found: dict[Arm, list[Cell]] = {}
        for cell in self.cells:
            found.setdefault(cell.arm, []).append(cell)
        return found

    def curve(self, arm: Arm) -> list[Cell]:
        """The finished cells of a model and init, few training images first; maybe none."""
        return self.curves.get(arm, [])

    def lengths(self, cell: Cell) -> list[Cell]:
        """The cell at all training lengths that were measured, the shortest first."""
        same = [
            other for other in self.other_lengths if other.without_length == cell.without_length
        ]
        return sorted([*same, cell], key=lambda one: one.length)

    @cached_property
    def spread(self) -> TrainingSpread:
        """How much other trainings of each cell, at each length, differ."""
        compared = {cell.key for cell in self.cells}
        return training_spread(
            {
                cell.key: CellTrainings(
                    [run.accuracy for run in cell.runs],
                    cell.train_size,
                    noise=self._test_noise(cell),
                    # The lengths of one run are no further trainings.
                    counts=cell.key in compared and not self.cannot_differ(cell),
                    law=trained_part(cell.init),
                    arm=cell.arm,
                )
                for cell in (*self.cells, *self.other_lengths)
            }
        )

    def cannot_differ(self, cell: Cell) -> bool:
        """Whether a cell's trainings say nothing of how much trainings differ.

        They are heads on all images: every seed has the same ones, and draws no more than the part
        on which the penalty is chosen. Or each gets every class wholly right or wholly wrong: it
        answers one class to all images, or makes no error. Its accuracy is then fixed by the test
        set. Classes of one test image do not tell. Where predictions do not, it is an accuracy of
        0 or 1.
        """
        if is_frozen(cell.init) and cell.train_size == self.images_there:
            return True
        labels = self.predictions.labels
        images = np.bincount(labels) if len(labels) else np.zeros(1)
        if not self._all_correct_known(cell) or images.max() < 2:
            return all(run.accuracy in (0.0, 1.0) for run in cell.runs)
        rights = (np.bincount(labels, weights=self.correct[run_id]) for run_id in cell.run_ids)
        # Of almost all cells the first training tells.
        return all(bool(((right == 0) | (right == images)).all()) for right in rights)

    def _test_noise(self, cell: Cell) -> float:
        """The variance between trainings of a cell that its finite test set makes."""
        if len(cell.runs) < 2:
            return 0.0
        if not self._all_correct_known(cell):
            p, size = cell.accuracy, cell.effective_size
            return TEST_NOISE * p * (1 - p) / size if size > 0 else 0.0
        right = np.array([self.correct[run_id] for run_id in cell.run_ids], dtype=float)
        return self.scoring.noise(right)

    def right(self, cells: Sequence[Cell]) -> NDArray[np.float64] | None:
        """The part of each cell's trainings that gets a test image right, (cells, images).

        None where a training has no predictions that can be paired.
        """
        if not all(self._all_correct_known(cell) for cell in cells):
            return None
        means = [np.mean([self.correct[i] for i in cell.run_ids], axis=0) for cell in cells]
        return np.array(means, dtype=float)

    def _all_correct_known(self, cell: Cell) -> bool:
        return all(run_id in self.correct for run_id in cell.run_ids)

    def shared(self, first: Arm, second: Arm) -> list[tuple[Cell, Cell]]:
        """Pairs of cells of two (model, init) at every size that both have finished."""
        other = {cell.train_size: cell for cell in self.curve(second)}
        return [(c, other[c.train_size]) for c in self.curve(first) if c.train_size in other]

    def parameters(self, model: str) -> float:
        """Parameters of a model, NaN where no run says."""
        known = [run.parameters for run in self.runs if run.model == model]
        return next((value for value in known if math.isfinite(value)), math.nan)

    @cached_property
    def finished_models(self) -> tuple[str, ...]:
        """The models with a finished run, or all `models` where fewer than two have one."""
        found = tuple(model for model in self.models if any(c.model == model for c in self.cells))
        return found if len(found) > 1 else tuple(self.models)

    @property
    def compared_models(self) -> tuple[str, str]:
        """The smallest and the largest of `finished_models`, of which there are two at least."""
        return self.finished_models[0], self.finished_models[-1]

    @property
    def sizes_known(self) -> bool:
        """Whether `compared_models` are two that differ in parameters."""
        if len(self.models) < 2:
            return False
        small, big = map(self.parameters, self.compared_models)
        return math.isfinite(small) and math.isfinite(big) and small < big


def _share(fraction: str) -> float:
    """The share that a fraction names, 0.0 where it names a number of images or nothing."""
    try:
        share = TrainFraction.parse(fraction).share
    except SpecError:
        return 0.0
    return float(share) if share is not None else 0.0
