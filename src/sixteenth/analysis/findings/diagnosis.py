"""What single runs show of over- and underfitting, each by one rule that can be read.

A diagnosis says what was seen, not why one model beats another: `causes` weighs that. Thresholds
are named here with their why; `language` says the rules and what was seen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

import numpy as np

from ..inputs.cells import Cell, Run
from ..inputs.context import Context
from ..inputs.grid import Grid, History
from ..inputs.scoring import Metric, Scoring
from ..stats.intervals import binomial_interval
from .training_curves import climbing, risen
from .types import Finding

FITTED = 0.98
"""Clean training accuracy from which a run counts as having fitted its training images: what is
left to gain on the test set is then not to be had by fitting them better."""
LARGE_GAP = 0.05
"""A generalisation gap worth a sentence: five points, well above the noise of a test set of a
thousand images (about three)."""
LOSS_RISE = 0.05
"""Test loss must end this share above its minimum to count as rising: epochs differ by a few
hundredths without any trend."""
TRAIN_LOSS_FALL = 0.01
"""Share of itself that training loss must have lost since that minimum to count as falling: a
smaller fall may not show in the three digits that are written."""
CLIMB = 0.02
"""Training accuracy that still rose by two points over that part had not levelled off."""
FALL = 0.05
"""Training accuracy that falls by five points from an earlier epoch was lost, not just noise: the
epochs of a steady training differ by one or two."""
FALL_ERRORS = 4.0
"""Standard errors of the difference of two epochs that a fall must have besides: the highest and
the lowest of a hundred epochs without any trend are about that far apart."""


class DiagnosisKind(StrEnum):
    """What a run can show."""

    OVERFITTING = "overfitting"
    TEST_LOSS_RISING = "test-loss-rising"
    TOO_FEW_STEPS = "too-few-steps"
    UNSTABLE_TRAINING = "unstable-training"
    SMALL_MAP = "small-map"
    AT_CHANCE = "at-chance"


@dataclass(frozen=True)
class Diagnosis(Finding):
    """What one run shows.

    Attributes:
        cell: the run's cell, with all of its seeds.
        run_id, seed: of the run.
        score: from 0 to 1, to rank diagnoses.
    """

    kind: ClassVar[DiagnosisKind]
    cell: Cell
    run_id: str
    seed: int
    score: float

    def to_dict(self) -> dict[str, object]:
        return super().to_dict() | {"kind": self.kind.value}


@dataclass(frozen=True)
class Overfitting(Diagnosis):
    """Training images fitted, and a large generalisation gap."""

    kind = DiagnosisKind.OVERFITTING
    train_accuracy: float
    test_accuracy: float
    gap: float


@dataclass(frozen=True)
class RisingTestLoss(Diagnosis):
    """Test loss ends above its minimum, at `best_epoch`, while training loss went on falling."""

    kind = DiagnosisKind.TEST_LOSS_RISING
    best_epoch: int
    last_epoch: int
    test_loss_best: float
    test_loss_last: float
    train_loss_best: float
    train_loss_last: float


@dataclass(frozen=True)
class TooFewSteps(Diagnosis):
    """Training accuracy was still climbing at the end, and was not near its ceiling.

    Attributes:
        climb: rise over the last third of the epochs by a straight line, see `climbing`.
        rise: what was measured over these epochs, see `risen`.
        train_accuracy: at the end.
        steps: of the whole training; NaN where not known.
    """

    kind = DiagnosisKind.TOO_FEW_STEPS
    climb: float
    rise: float
    train_accuracy: float
    steps: float


@dataclass(frozen=True)
class UnstableTraining(Diagnosis):
    """Training accuracy fell back during the training: steps that are too large do that.

    Attributes:
        fall: the largest, of the running training accuracy, from any epoch to a later one.
        high_epoch, low_epoch: between which it fell.
        high, low: training accuracy in these epochs.
    """

    kind = DiagnosisKind.UNSTABLE_TRAINING
    fall: float
    high_epoch: int
    low_epoch: int
    high: float
    low: float


@dataclass(frozen=True)
class SmallMap(Diagnosis):
    """The last convolution sees a single position: nothing is left of where things are."""

    kind = DiagnosisKind.SMALL_MAP
    image_size: int | None


@dataclass(frozen=True)
class AtChance(Diagnosis):
    """Test accuracy that guessing the most frequent class would reach as well, and recalls of the
    classes that guessing would.

    Attributes:
        test_accuracy, low: of the run, with the low end of its 95% interval.
        chance: accuracy of guessing.
        test_size: test images.
    """

    kind = DiagnosisKind.AT_CHANCE
    test_accuracy: float
    low: float
    chance: float
    test_size: float

    @property
    def above_chance(self) -> bool:
        """Whether the accuracy itself is above that of guessing, though its interval is not."""
        return self.test_accuracy > self.chance


DiagnosisFinding = (
    Overfitting | RisingTestLoss | TooFewSteps | UnstableTraining | SmallMap | AtChance
)


def diagnose(grid: Grid, context: Context) -> list[DiagnosisFinding]:
    """All diagnoses of a study's runs, those with the highest score first.

    Args:
        context: what the tables do not say.
    """
    chance, evenly = chance_accuracy(grid, context), _evenly(context)
    found: list[DiagnosisFinding | None] = []
    for cell in grid.cells:
        for run in cell.runs:
            history = grid.histories.get(run.run_id)
            found += [
                _at_chance(grid, cell, run, chance, evenly),
                _overfitting(cell, run),
                _rising_test_loss(cell, run, history),
                _too_few_steps(cell, run, history),
                _unstable_training(cell, run, history),
                _small_map(cell, run, context),
            ]
    return sorted((d for d in found if d is not None), key=lambda d: -d.score)


def falls_back(grid: Grid, cell: Cell) -> tuple[UnstableTraining, ...]:
    """The runs of a cell whose training accuracy fell back, the largest fall first."""
    found = [_unstable_training(cell, run, grid.histories.get(run.run_id)) for run in cell.runs]
    falls = [each for each in found if each is not None]
    return tuple(sorted(falls, key=lambda each: -each.fall))


def fit_error(cell: Cell) -> float:
    """Standard error of a cell's training accuracy: it is measured on a part of the images.

    Seeds are not counted on to shrink it: on all images each measures the same part. Where their
    subsets differ, so do the parts, and this is too wide rather than too narrow. 0 where all images
    of the subset were measured, since there is nothing that they stand for.
    """
    p, measured = cell.mean("train_accuracy"), cell.mean("train_measured")
    if not (math.isfinite(p) and measured > 0) or measured >= cell.train_size:
        return 0.0
    return math.sqrt(p * (1 - p) / measured)


def chance_accuracy(grid: Grid, context: Context) -> float:
    """Accuracy of always naming one class, by the metric; NaN where nothing tells it."""
    if math.isfinite(grid.scoring.chance):
        return grid.scoring.chance
    if grid.metric is Metric.ACCURACY and context.class_sizes:
        return max(context.class_sizes) / sum(context.class_sizes)
    return _evenly(context)


def _evenly(context: Context) -> float:
    """The mean recall of the classes by one and the same answer to all images."""
    classes = len(context.class_sizes) or context.num_classes
    return 1 / classes if classes else math.nan


def _at_chance(grid: Grid, cell: Cell, run: Run, chance: float, evenly: float) -> AtChance | None:
    if not (math.isfinite(chance) and run.effective_size > 0):
        return None
    accuracy, size = run.accuracy, run.effective_size
    low = float(binomial_interval(accuracy * size, size)[0])
    if low > chance or _tells_classes_apart(grid, run, evenly):
        return None
    tested = run.test_size if math.isfinite(run.test_size) else size
    return AtChance(cell, run.run_id, run.seed, 1.0, accuracy, low, chance, tested)


def _tells_classes_apart(grid: Grid, run: Run, evenly: float) -> bool:
    """Whether its balanced accuracy is above that of guessing.

    Whoever guesses, at any rates, gets the mean of the recalls right that one answer to all images
    gets. Where 99% of the images are of one class, a network that finds half of the others may be
    right less often than that answer.
    """
    right = grid.correct.get(run.run_id)
    accuracy, size = run.balanced
    balanced = Scoring.of(Metric.BALANCED_ACCURACY, grid.predictions.labels)
    if right is not None:
        accuracy, size = float(balanced.score(right)), balanced.effective_size(right)
    chance = balanced.chance if math.isfinite(balanced.chance) else evenly
    if not (math.isfinite(accuracy) and size > 0):
        return False
    return float(binomial_interval(accuracy * size, size)[0]) > chance


def _overfitting(cell: Cell, run: Run) -> Overfitting | None:
    train, test = run.train_accuracy, run.test_accuracy
    if not (train >= FITTED and run.gap >= LARGE_GAP):
        return None
    score = min(1.0, run.gap / (1 - min(0.99, test)))
    return Overfitting(cell, run.run_id, run.seed, score, train, test, run.gap)


def _rising_test_loss(cell: Cell, run: Run, history: History | None) -> RisingTestLoss | None:
    """Rises beyond the noise of a mean over the test images that were measured.

    The loss of a single image scatters about as much as its mean, so a mean over m images has a
    standard error near loss / sqrt(m): the rise must be two of these beyond `LOSS_RISE` too.
    """
    if history is None:
        return None
    measured = ~np.isnan(history["test_loss"])  # not every epoch is
    names = "test_loss", "train_loss", "epoch", "test_images"
    test, train, epochs, images = (history[name][measured] for name in names)
    if len(test) < 3 or not np.all(np.isfinite(test)) or not np.all(np.isfinite(train)):
        return None
    best = int(np.argmin(test))
    if best == len(test) - 1 or test[best] <= 0:
        return None
    known = np.all(images > 0)
    noise = 2 * math.sqrt(1 / images[best] + 1 / images[-1]) if known else 0.0
    rise = float(test[-1] / test[best] - 1)
    if rise < max(LOSS_RISE, noise) or train[-1] > (1 - TRAIN_LOSS_FALL) * train[best]:
        return None
    return RisingTestLoss(
        cell,
        run.run_id,
        run.seed,
        score=min(1.0, rise),
        best_epoch=int(epochs[best]),
        last_epoch=int(epochs[-1]),
        test_loss_best=float(test[best]),
        test_loss_last=float(test[-1]),
        train_loss_best=float(train[best]),
        train_loss_last=float(train[-1]),
    )


def _too_few_steps(cell: Cell, run: Run, history: History | None) -> TooFewSteps | None:
    climb, rise, accuracy = climbing(history), risen(history), run.train_accuracy
    if climb is None or rise is None or climb < CLIMB or not 0 <= accuracy < FITTED:
        return None
    score = min(1.0, climb / 0.10)
    return TooFewSteps(cell, run.run_id, run.seed, score, climb, rise, accuracy, run.steps)


def _unstable_training(cell: Cell, run: Run, history: History | None) -> UnstableTraining | None:
    """The largest fall of the running training accuracy, if it is more than noise.

    The last epoch does not count: it may be a short one, whose accuracy is that of few images.
    """
    if history is None:
        return None
    known = ~np.isnan(history["train_accuracy"][:-1])
    accuracy, epoch = history["train_accuracy"][:-1][known], history["epoch"][:-1][known]
    if len(accuracy) < 2:
        return None
    low = int(np.argmax(np.maximum.accumulate(accuracy) - accuracy))
    high = int(np.argmax(accuracy[: low + 1]))
    before, after = float(accuracy[high]), float(accuracy[low])
    variance = before * (1 - before) + after * (1 - after)
    fall = before - after
    if fall < max(FALL, FALL_ERRORS * math.sqrt(variance / cell.train_size)):
        return None
    return UnstableTraining(
        cell,
        run.run_id,
        run.seed,
        score=min(1.0, fall / 0.20),
        fall=fall,
        high_epoch=int(epoch[high]),
        low_epoch=int(epoch[low]),
        high=before,
        low=after,
    )


def _small_map(cell: Cell, run: Run, context: Context) -> SmallMap | None:
    if not run.one_position:
        return None
    score = 0.3  # a circumstance, not a measured effect
    return SmallMap(cell, run.run_id, run.seed, score, context.image_size)
