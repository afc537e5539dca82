"""What a recipe means for a dataset: which images, how many steps, how much evaluation.

The plan and the training ask the same questions here, so that they get the same answers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..data import ImageDataset, draw_subset, hold_out
from ..data.augment import alternating_flip, crop_and_flip, cut_out
from ..errors import InputError
from ..fraction import TrainFraction
from ..spec import RunSpec, TrainSpec

CLEAN_TRAIN_IMAGES = 10_000
"""Training images behind the final training accuracy: its standard error is under 0.5 points."""


@dataclass(frozen=True)
class Workload:
    """How much a run trains and measures.

    Attributes:
        batches: steps in one epoch, of batches of equal size.
        steps, epochs: of the whole run; where `steps` is given the last epoch may be cut short.
        images: training images that pass through the network in all.
        curve_images: test images behind each point of a training curve.
        evaluated: images that pass through the network to be measured, over the whole run.
    """

    batches: int
    steps: int
    epochs: int
    images: int
    curve_images: int
    evaluated: int

    @classmethod
    def of(
        cls, recipe: TrainSpec, train_images: int, test_images: int, held_images: int = 0
    ) -> Workload:
        """The work of a recipe on so many images, the validation part (`held_images`) apart."""
        # Equal batches instead of a short last one, and two images in each at least: a batch of
        # one image has no batch statistics.
        batches = max(1, min(math.ceil(train_images / recipe.batch_size), train_images // 2))
        steps = recipe.steps or recipe.epochs * batches
        epochs = math.ceil(steps / batches)
        sample = curve_images(recipe, train_images, test_images)
        final = test_images + min(train_images, CLEAN_TRAIN_IMAGES)
        return cls(
            batches=batches,
            steps=steps,
            epochs=epochs,
            images=round(steps * train_images / batches),
            curve_images=sample,
            evaluated=(epochs - 1) * sample + epochs * held_images + final,
        )


def curve_images(recipe: TrainSpec, train_images: int, test_images: int) -> int:
    """Test images behind each point of a training curve.

    "auto" spends about a tenth of the training on them: an image costs three times as much in
    training (forward and backward) as in evaluation. Never under 500, where a point's standard
    error would pass two points of accuracy.
    """
    if recipe.curve_images == "all":
        return test_images
    if recipe.curve_images == "auto":
        return min(test_images, max(500, 3 * train_images // 10))
    return min(test_images, recipe.curve_images)


def split_of(run: RunSpec, dataset: ImageDataset) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions of the images that a run trains on, and of its validation part (maybe empty).

    Together they are the run's subset.

    Raises:
        DataError: the training set is too small for the run's fraction or its validation part.
    """
    subset = draw_subset(
        dataset.train.labels,
        TrainFraction.parse(run.fraction),
        seed=run.seed,
        subsets=run.subsets,
        replicate=run.replicate,
        classes=dataset.classes,
    )
    if not run.train.validation:
        return subset, subset[:0]
    kept, held = hold_out(
        dataset.train.labels[subset],
        run.train.validation,
        seed=run.seed,
        classes=dataset.classes,
    )
    return subset[kept], subset[held]


@dataclass(frozen=True)
class Augmentation:
    """What happens to training images, with ``auto`` resolved.

    Attributes:
        crop: largest shift in pixels.
        flip: mirror at random, or every second epoch, or never.
        cutout: side of the painted square in pixels, 0 for none.
    """

    crop: int
    flip: bool | Literal["alternating"]
    cutout: int

    @classmethod
    def of(cls, recipe: TrainSpec, dataset: ImageDataset) -> Augmentation:
        """The augmentation of a recipe for a dataset.

        Raises:
            InputError: the crop or the cut-out is as large as the images.
        """
        crop, flip = recipe.crop, recipe.flip
        if crop == "auto":
            crop = 0 if dataset.symbols else dataset.image_size // 8
        for key, size in (("crop", crop), ("cutout", recipe.cutout)):
            if size >= dataset.image_size:
                raise InputError(
                    f"train.{key}: {size} pixels do not fit in images of {dataset.image_size}"
                )
        return cls(crop, not dataset.symbols if flip == "auto" else flip, recipe.cutout)

    def mirrored(self, images: int, epoch: int, seed: int) -> bool | Tensor:
        """Whether to mirror at random; or which of `images` images this epoch mirrors, bool."""
        if self.flip != "alternating":
            return self.flip
        return alternating_flip(images, epoch, seed)

    def __call__(
        self,
        images: Tensor,
        flip: bool | Tensor,
        *,
        colour: Sequence[float],
        generator: torch.Generator,
    ) -> Tensor:
        """A batch as the network sees it in training.

        Args:
            images: uint8, (n, height, width, 3), on any device.
            flip: as `mirrored` gives it, for these images.
            colour: what cut-out paints with: red, green and blue, 0 to 255.
            generator: on the CPU.
        """
        images = crop_and_flip(images, crop=self.crop, flip=flip, generator=generator)
        if self.cutout:
            images = cut_out(images, size=self.cutout, colour=colour, generator=generator)
        return images
