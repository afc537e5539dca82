"""Images, steps, evaluation and augmentation of a recipe on a dataset.

Planning and training both use this module, so that they agree.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
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
from ..storage.run_facts import CLEAN_TRAIN_IMAGES
from .inference import count_views
from .lengths import Length, plan_doublings, plan_lengths

MIN_CURVE_POINTS = 10
"""Minimum number of points of a training curve, if the run has as many epochs."""

MIN_CURVE_IMAGES = 500
"""Minimum number of test images for a point; with fewer, its standard error could be above 2 points
of accuracy."""

EVALUATION_SHARE = 0.1
"""Part of a run's time for evaluation, within the two limits above. The evaluation of shorter
lengths comes on top."""

FORWARD_SHARE = 1 / 3
"""Cost to evaluate an image, relative to training on it (forward and backward)."""

OTHERS_MOST, OTHERS_SHARE = 5000, 0.05
"""A length of `epochs: auto` is measured on at most so many images outside of the run's subset and
held out of it, and measuring the first takes at most this part of its time. The accuracy on
the tenth of 3,125 images has a standard error of over two points, and whether a doubling bought
half a point is then chance as much as anything; 5,000 images leave about half a point."""


@dataclass(frozen=True)
class Workload:
    """How much a run trains and evaluates.

    Attributes:
        subset: number of images of the run, including its validation part.
        others: images outside of the subset that a length of `epochs: auto` is measured on, too.
        evaluated: evaluated images over the whole run.
        batches: steps per epoch, with batches of equal size.
        steps, epochs: of the longest length. If the recipe gives `steps`, the last epoch may be
            shorter. With `epochs: auto` the run may end with a shorter one: then these, and the
            sums, are the most that there can be.
        lengths: that are measured, the longest last.
        all_steps: steps with the cool-downs that branch off for shorter lengths.
        images: training images over all these steps.
        curve_points: epochs with a point of the training curve; the last one is among them.
        curve_images: test images for each point except the last one, which uses all; with a
            validation part also for the last one, since the epoch to keep is not known before.
    """

    subset: int
    evaluated: int
    others: int = 0
    batches: int = 1
    steps: int = 0
    epochs: int = 0
    lengths: tuple[Length, ...] = ()
    all_steps: int = 0
    images: int = 0
    curve_points: int = 0
    curve_images: int = 0

    @classmethod
    def of(
        cls,
        recipe: TrainSpec,
        train_images: int,
        test_images: int,
        held_images: int = 0,
        lengths: Sequence[str] = ("1",),
        other_images: int = 0,
    ) -> Workload:
        """The workload of a recipe.

        Args:
            train_images: of the run's subset, without its validation part, the `held_images`.
            other_images: of the training set, outside of the subset.
        """
        # Batches of equal size instead of a small last one, with at least two images each, since
        # batch norm needs them.
        batches = max(1, min(math.ceil(train_images / recipe.batch_size), train_images // 2))
        auto = recipe.epochs == "auto"
        if auto:
            planned = plan_doublings(batches, recipe)
        else:
            planned = plan_lengths(lengths, recipe.steps or recipe.fixed_epochs * batches, recipe)
        steps = planned[-1].steps
        epochs = math.ceil(steps / batches)
        all_steps = steps + sum(branch.steps - branch.start for branch in planned[:-1])
        images = round(steps * train_images / batches)

        views = count_views(recipe.test_augmentation)
        last = test_images * (1 if views == 1 else 1 + views)
        last += held_images + min(train_images, CLEAN_TRAIN_IMAGES)
        of_branch = test_images * views + min(train_images, CLEAN_TRAIN_IMAGES)
        others = 0
        if auto:
            first = planned[0].steps * train_images / batches
            affordable = round(OTHERS_SHARE * first / FORWARD_SHARE)
            others = max(0, min(other_images, affordable, OTHERS_MOST - held_images))
            of_branch += held_images
        held_a_point = 0 if auto else held_images
        points, sample = epochs, test_images
        if recipe.curve_images == "auto":
            # The curve of a run that ends with its shortest length has enough points too.
            times = steps // planned[0].steps if auto else 1
            trained = EVALUATION_SHARE / (1 - EVALUATION_SHARE) * images / times
            budget = trained / FORWARD_SHARE - last
            points, sample = _curve_size(epochs // times, budget, test_images, held_a_point)
            points *= times
        elif recipe.curve_images != "all":
            sample = min(test_images, recipe.curve_images)
        evaluated = (points - 1) * (sample + held_a_point) + last + (len(planned) - 1) * of_branch
        evaluated += len(planned) * others
        return cls(
            subset=train_images + held_images,
            batches=batches,
            steps=steps,
            epochs=epochs,
            lengths=planned,
            all_steps=all_steps,
            images=round(all_steps * train_images / batches),
            curve_points=points,
            curve_images=sample,
            evaluated=evaluated,
            others=others,
        )

    @classmethod
    def of_head(cls, train_images: int, test_images: int) -> Workload:
        """The workload of a head alone: its images pass through the network once."""
        return cls(subset=train_images, evaluated=train_images + test_images)

    @property
    def effort(self) -> float:
        """Cost of training and evaluation, in training images."""
        return self.images + FORWARD_SHARE * self.evaluated

    def part_until(self, position: int) -> float:
        """Part of all steps after which a shorter length, and those before it, are measured."""
        branches = sum(each.steps - each.start for each in self.lengths[: position + 1])
        return (self.lengths[position].start + branches) / self.all_steps

    def part_left(self, step: int, measured: int = 0) -> float:
        """Part of all steps that is left, once so many shorter lengths are measured at a `step`."""
        step = max([step, *(each.start for each in self.lengths[:-1][:measured])])
        branches = [
            each.steps - each.start
            for i, each in enumerate(self.lengths[:-1])
            if i >= measured and each.start >= step
        ]
        return max(0.0, self.steps - step + sum(branches)) / self.all_steps

    def has_curve_point(self, epoch: int) -> bool:
        """Whether an epoch (from 1) ends with a point of the training curve."""
        points, epochs = self.curve_points, self.epochs
        return epoch * points // epochs > (epoch - 1) * points // epochs


def _curve_size(epochs: int, budget: float, test_images: int, held_images: int) -> tuple[int, int]:
    """Number of points of the training curve, and test images for each point except the last.

    Args:
        epochs: of the run.
        budget: images to evaluate before the end of the last epoch.
        test_images, held_images: sizes of the test split and of the validation part, which is
            evaluated completely for each point.
    """
    least = min(test_images, MIN_CURVE_IMAGES)
    affordable = 1 + int(max(0.0, budget) / (least + held_images))
    points = min(epochs, max(MIN_CURVE_POINTS, affordable))
    per_point = int(budget / max(1, points - 1)) - held_images
    return points, max(least, min(test_images, per_point))


def split_of(run: RunSpec, dataset: ImageDataset) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions in the training set of a run's training images and of its validation part, int64.

    Together they are the run's subset; the validation part may be empty.

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
    if not run.train.held_out:
        return subset, subset[:0]
    kept, held = hold_out(
        dataset.train.labels[subset],
        run.train.held_out,
        seed=run.seed,
        classes=dataset.classes,
        keep_one=run.train.epochs == "auto",  # which says how many are held out, not the user
    )
    return subset[kept], subset[held]


def split_sizes(runs: Iterable[RunSpec], dataset: ImageDataset) -> list[tuple[int, int]]:
    """How many training images, and images of its validation part, each run has.

    One subset is drawn for all runs that differ in their seed, model or weights alone: these have
    as many images of each class.

    Raises:
        DataError: as `split_of`.
    """
    drawn: dict[Hashable, tuple[int, int]] = {}
    found = []
    for run in runs:
        replicate = run.replicate if run.subsets == "disjoint" else 0
        alike = run.fraction, run.subsets, replicate, run.train.held_out
        if alike not in drawn:
            kept, held = split_of(run, dataset)
            drawn[alike] = len(kept), len(held)
        found.append(drawn[alike])
    return found


@dataclass(frozen=True)
class Augmentation:
    """Augmentation of training images, with ``auto`` resolved.

    Attributes:
        crop: largest shift in pixels.
        flip: flip at random, never, or in alternate epochs.
        cutout: side of the square in pixels, 0 for none.
    """

    crop: int
    flip: bool | Literal["alternating"]
    cutout: int

    @classmethod
    def of(cls, recipe: TrainSpec, dataset: ImageDataset) -> Augmentation:
        """The augmentation of a recipe for a dataset.

        Raises:
            InputError: the crop or the cutout is as large as the images.
        """
        crop, flip = recipe.resolve_crop_and_flip(dataset.image_size, symbols=dataset.symbols)
        for key, size in (("crop", crop), ("cutout", recipe.cutout)):
            if size >= dataset.image_size:
                raise InputError(
                    f"train.{key}: {size} pixels do not fit in images of {dataset.image_size}"
                )
        return cls(crop, flip, recipe.cutout)

    def mirrored(self, images: int, epoch: int, seed: int) -> bool | Tensor:
        """Whether to flip at random; or which images to flip in this epoch, bool (images,)."""
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
        """The augmented batch, uint8, (n, height, width, 3).

        Args:
            images: uint8, (n, height, width, 3), on any device.
            flip: what `mirrored` returns, for these images.
            colour: colour of the cutout: red, green and blue, 0 to 255.
            generator: on the CPU.
        """
        images = crop_and_flip(images, crop=self.crop, flip=flip, generator=generator)
        if self.cutout:
            images = cut_out(images, size=self.cutout, colour=colour, generator=generator)
        return images
