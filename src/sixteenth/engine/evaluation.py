"""What is measured of a model while it is trained, and of the trained one; on its device."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..data import Split
from ..errors import DivergedError
from ..storage.run_facts import CLEAN_TRAIN_IMAGES
from ..storage.run_results import EpochRow
from .checkpoint import TrainingState
from .images import DeviceImages, Rows
from .learner import Learner, loss_and_accuracy
from .workload import Workload


def guessing_bound(labels: Tensor) -> float:
    """The most that guessing is likely to get on images with these labels, int64 (n,); at most 1.

    The accuracy of always naming the most frequent class, and two standard errors: the upper end of
    Wilson's score interval with z = 2 (Wilson 1927, JASA 22, 209-212). It is below 1 where there is
    another class, so that a network can be better. A plain sum of the two is not: 67 of 70 images
    of one class would give 1.006.
    """
    from scipy.stats import binomtest  # takes a second to import, and only `epochs: auto` asks

    counted = binomtest(int(labels.bincount().max()), len(labels))
    level = math.erf(math.sqrt(2))  # of the interval with z = 2
    return float(counted.proportion_ci(level, method="wilson").high)


class Evaluation:
    """The images that a run is measured on.

    Attributes:
        test_labels: int64 (n,).
        clean_sample: positions of the training images for the final training accuracy.
    """

    def __init__(
        self,
        learner: Learner,
        work: Workload,
        train: tuple[DeviceImages, Tensor],
        held: tuple[NDArray[np.uint8] | Rows, NDArray[np.int64]],
        test: Split,
    ) -> None:
        """Copy the images to the device.

        Args:
            train: images and labels that the run trains on, on the device.
            held: images and labels that a choice is made on, and that are not trained on: of the
                validation part, and those outside of the subset with them. There may be none.
            test: all test images.
        """
        self._learner, self._work, self._train = learner, work, train
        self._device = learner.device
        self._held_images = DeviceImages(held[0], self._device)
        self._held_labels = torch.from_numpy(held[1]).to(self._device)
        self._test_images = DeviceImages(test.images, self._device)
        self.test_labels = torch.from_numpy(test.labels).to(self._device)
        self._curve_sample = self._fixed_sample(len(test), work.curve_images)
        self.clean_sample = self._fixed_sample(len(train[1]), CLEAN_TRAIN_IMAGES)
        self._last_logits: Tensor | None = None

    def curve_point(self, row: EpochRow, state: TrainingState) -> EpochRow:
        """The row with test (and validation) loss and accuracy; updates the best epoch."""
        recipe = self._learner.train
        images, labels = self._test_images, self.test_labels
        final = state.epoch == self._work.epochs and not recipe.validation
        if not final:
            images, labels = images.take(self._curve_sample), labels[self._curve_sample]
        logits = self._learner.logits(images)
        if final and recipe.test_augmentation == "none":
            self._last_logits = logits  # for the results, so that they are computed only once
        test_loss, test_accuracy = loss_and_accuracy(logits, labels)
        row = replace(
            row, test_loss=test_loss, test_accuracy=test_accuracy, test_images=len(labels)
        )
        if recipe.validation:
            held = self._learner.logits(self._held_images)
            loss, accuracy = loss_and_accuracy(held, self._held_labels)
            row = replace(row, validation_loss=loss, validation_accuracy=accuracy)
            if accuracy > state.best_accuracy:
                state.best_accuracy, state.best_epoch = accuracy, state.epoch
                state.best_weights = self._learner.weights()
        return row

    @property
    def held(self) -> int:
        """Images of the validation part, and those outside of the subset with them."""
        return len(self._held_labels)

    @property
    def guessing(self) -> float:
        """`guessing_bound` of the validation part."""
        return guessing_bound(self._held_labels)

    def validation_accuracy(self) -> float:
        """Accuracy of the model as it is on the validation part."""
        return loss_and_accuracy(self._learner.logits(self._held_images), self._held_labels)[1]

    def measure(self, *, whole: bool) -> tuple[dict[str, float], Tensor]:
        """Losses and accuracies of the trained model, and the logits of all test images.

        Args:
            whole: the model is that of the whole run, not of a shorter length.

        Raises:
            DivergedError: a loss is not finite.
        """
        logits = self._last_logits if whole else None
        if logits is None:
            views = self._learner.train.test_augmentation
            logits = self._learner.logits(self._test_images, views)
        test_loss, test_accuracy = loss_and_accuracy(logits, self.test_labels)
        images, labels = self._train
        clean = self._learner.logits(images.take(self.clean_sample))
        train_loss, train_accuracy = loss_and_accuracy(clean, labels[self.clean_sample])
        if not (math.isfinite(test_loss) and math.isfinite(train_loss)):
            raise DivergedError(
                "the trained model's loss is not finite: try a lower train.learning_rate"
            )
        return {
            "train_loss": train_loss,
            "train_accuracy": train_accuracy,
            "test_loss": test_loss,
            "test_accuracy": test_accuracy,
        }, logits

    def _fixed_sample(self, total: int, count: int) -> Tensor:
        """Up to `count` random positions below `total`, always the same ones."""
        order = torch.randperm(total, generator=torch.Generator().manual_seed(0))
        return order[:count].to(self._device)
