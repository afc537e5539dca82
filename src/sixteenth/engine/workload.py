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
from ..spec import RunSpec, TrainSpec
from ..spec.fraction import TrainFraction
from .inference import count_views

CLEAN_TRAIN_IMAGES = 10_000
"""Training images behind the final training accuracy: its standard error is under 0.5 points."""


CURVE_POINTS = 10
"""A curve has so many points at least, where the run has so many epochs."""

LEAST_CURVE_IMAGES = 500
"""Fewer test images behind a point, and its standard error could pass two points of accuracy."""

EVALUATION_SHARE = 0.1
"""Part of a run's time that its measurements take, where the two rules above leave it open."""

FORWARD_SHARE = 1 / 3
"""What it costs to measure an image, as a part of training on it (forward and backward)."""


@dataclass(frozen=True)
class Workload:
    """How much a run trains and measures.

    Attributes:
        subset: images that the run was given, its validation part among them.
        batches: steps in one epoch, of batches of equal size.
        steps, epochs: of the whole run; where `steps` is given the last epoch may be cut short.
        images: training images that pass through the network in all.
        curve_points: epochs that end with a point of the training curve, the last among them.
        curve_images: test images behind each point but the last, which has all; with a validation
            part behind that, too, since the epoch to keep is known only then.
        evaluated: images that pass through the network to be measured, over the whole run.
    """

    subset: int
    batches: int
    steps: int
    epochs: int
    images: int
    curve_points: int
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
        images = round(steps * train_images / batches)

        views = count_views(recipe.test_augmentation)
        last = test_images * (1 if views == 1 else 1 + views)
        last += held_images + min(train_images, CLEAN_TRAIN_IMAGES)
        points, sample = epochs, test_images
        if recipe.curve_images == "auto":
            budget = EVALUATION_SHARE / (1 - EVALUATION_SHARE) * images / FORWARD_SHARE - last
            points, sample = _curve(epochs, budget, test_images, held_images)
        elif recipe.curve_images != "all":
            sample = min(test_images, recipe.curve_images)
        return cls(
            subset=train_images + held_images,
            batches=batches,
            steps=steps,
            epochs=epochs,
            images=images,
            curve_points=points,
            curve_images=sample,
            evaluated=(points - 1) * (sample + held_images) + last,
        )

    @property
    def effort(self) -> float:
        """Training and measurements together, in images trained on."""
        return self.images + FORWARD_SHARE * self.evaluated

    def measures(self, epoch: int) -> bool:
        """Whether an epoch (from 1) ends with a point of the training curve."""
        points, epochs = self.curve_points, self.epochs
        return epoch * points // epochs > (epoch - 1) * points // epochs


def _curve(epochs: int, budget: float, test_images: int, held_images: int) -> tuple[int, int]:
    """How many epochs are measured, and test images behind each of these but the last.

    Args:
        epochs: of the run.
        budget: images that may be measured before the last epoch's end.
        test_images, held_images: all there are; of the validation part each point takes all.
    """
    least = min(test_images, LEAST_CURVE_IMAGES)
    affordable = 1 + int(max(0.0, budget) / (least + held_images))
    points = min(epochs, max(CURVE_POINTS, affordable))
    each = int(budget / max(1, points - 1)) - held_images
    return points, max(least, min(test_images, each))


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
        crop, flip = recipe.resolve_crop_and_flip(dataset.image_size, symbols=dataset.symbols)
        for key, size in (("crop", crop), ("cutout", recipe.cutout)):
            if size >= dataset.image_size:
                raise InputError(
                    f"train.{key}: {size} pixels do not fit in images of {dataset.image_size}"
                )
        return cls(crop, flip, recipe.cutout)

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
