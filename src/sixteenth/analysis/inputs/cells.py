"""Runs, and the cells that they are trainings of, as the analysis sees them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from ...spec.fields import STOPPED

Arm = tuple[str, str]
"""Model and init."""

CellWithoutLength = tuple[str, str, str]
"""Model, init and fraction."""

CellKey = tuple[str, str, str, float]
"""Model, init, fraction and length."""


SAME_SIZE = 0.01
"""Training sets whose sizes differ by less than this share count as one size: halving an odd
number, stratifying by class or the parts of a cross-validation move a size by a few images, and the
error by far less than another training does."""
SAME_STEPS = 0.1
"""Trainings whose steps differ by less than this share count as equally long: epochs of different
subsets round to different numbers of steps."""


@dataclass(frozen=True)
class MissingReason:
    """Why a run takes no part in any conclusion.

    Attributes:
        status: of the run.
        lacks: the column that a finished run has no value in, or ``predictions``, without which
            there is no balanced accuracy; else empty.
        error: what the run said when it failed, as it said it; may be empty.
    """

    status: str
    lacks: str
    error: str


@dataclass(frozen=True)
class Run:
    """One row of the results table. Numbers that are not there are NaN."""

    run_id: str
    model: str
    init: str
    fraction: str
    length: float
    """Part of the whole training's steps: 1 for the whole, less for a branch that ended early."""
    train_size: float
    seed: int
    status: str
    test_accuracy: float
    """Plain accuracy, as the training accuracy is; `accuracy` is what a study decides by."""
    train_accuracy: float
    test_loss: float
    train_loss: float
    test_size: float
    train_measured: float
    """Training images behind the training accuracy."""
    parameters: float
    train_flops: float
    seconds: float
    """NaN of a head whose features may be in it: they are those of all heads of its network."""
    feature_seconds: float
    """Of a head, that computing the features of all images took; 0 where they were known."""
    epochs: float
    steps: float
    chosen_by: str
    final_map: str
    machine: str
    """Kind of machine and precision that it was trained with; empty where not known."""
    error: str
    accuracy: float
    """By the study's metric: plain or balanced accuracy on the test set."""
    effective_size: float
    """Images of a simple random test set whose accuracy has as much noise as `accuracy`."""
    balanced: tuple[float, float] = (math.nan, math.nan)
    """Balanced accuracy of the table and the same number of images for it, whatever decides."""

    @property
    def arm(self) -> Arm:
        """The learning curve that its cell is a point of."""
        return self.model, self.init

    @property
    def without_length(self) -> CellWithoutLength:
        """The cells that it is a training of at any of its lengths."""
        return self.model, self.init, self.fraction

    @property
    def cell_key(self) -> CellKey:
        """The cell that it is a training of."""
        return self.model, self.init, self.fraction, self.length

    @property
    def finished(self) -> bool:
        """Whether the run may take part in a conclusion."""
        known = math.isfinite(self.accuracy) and 0 < self.train_size < math.inf
        return known and self.ended

    @property
    def ended(self) -> bool:
        """Whether it has come to its end, or counts as it was when it was last measured."""
        return self.status == "finished" or self.so_far

    @property
    def so_far(self) -> bool:
        """Whether its numbers are those of the longest length that was measured until now."""
        return self.chosen_by == STOPPED and self.status in ("interrupted", "running")

    @property
    def one_position(self) -> bool:
        """Whether the feature map of the last convolution has a single position."""
        return self.final_map.replace(" ", "") == "1x1"

    @property
    def gap(self) -> float:
        """Generalisation gap: training accuracy minus test accuracy."""
        return self.train_accuracy - self.test_accuracy

    @property
    def why_missing(self) -> MissingReason:
        """The reason that the run takes no part."""
        lacks = ""
        if self.status == "finished":
            lacks = "train_size"
            if not math.isfinite(self.accuracy):
                plain = math.isfinite(self.test_accuracy)
                lacks = "predictions" if plain else "test_accuracy"
        return MissingReason(self.status, lacks, self.error)


@dataclass(frozen=True)
class Cell:
    """The finished runs of one model, init, fraction and training length, by seed."""

    model: str
    init: str
    fraction: str
    train_size: float
    runs: tuple[Run, ...]
    planned: int
    length: float = 1.0

    @property
    def arm(self) -> Arm:
        """The learning curve that it is a point of."""
        return self.model, self.init

    @property
    def without_length(self) -> CellWithoutLength:
        """What it shares with its other lengths; `RunSpec.cell` of its runs."""
        return self.model, self.init, self.fraction

    @property
    def key(self) -> CellKey:
        """What makes it one cell."""
        return self.model, self.init, self.fraction, self.length

    @property
    def so_far(self) -> bool:
        """Whether a training of it is not at its end, see `Run.so_far`."""
        return any(run.so_far for run in self.runs)

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(run.seed for run in self.runs)

    @property
    def run_ids(self) -> list[str]:
        return [run.run_id for run in self.runs]

    def mean(self, what: str) -> float:
        """Mean of a run's number over the seeds that have it; NaN when none has."""
        values = [float(getattr(run, what)) for run in self.runs]
        known = [value for value in values if math.isfinite(value)]
        return sum(known) / len(known) if known else math.nan

    def to_dict(self) -> dict[str, object]:
        """What makes it this cell, and the means over its runs, for JSON."""
        means = (
            "accuracy",
            "test_accuracy",
            "train_accuracy",
            "gap",
            "test_loss",
            "train_loss",
            "steps",
        )
        return {
            "model": self.model,
            "init": self.init,
            "fraction": self.fraction,
            "length": self.length,
            "train_size": self.train_size,
            "seeds": list(self.seeds),
            "run_ids": self.run_ids,
            **{name: self.mean(name) for name in means},
        }

    @property
    def accuracy(self) -> float:
        """By the study's metric, as all that is decided."""
        return self.mean("accuracy")

    @property
    def test_size(self) -> float:
        """Test images behind each accuracy; the smallest where the runs differ."""
        return min((run.test_size for run in self.runs), default=math.nan)

    @property
    def effective_size(self) -> float:
        """Test images that the noise of `accuracy` is that of, see `Run`; the smallest."""
        return min((run.effective_size for run in self.runs), default=math.nan)


def across_machines(cells: Iterable[Cell]) -> bool:
    """Whether trainings of these cells come from machines of more than one known kind."""
    return len({run.machine for cell in cells for run in cell.runs} - {""}) > 1
