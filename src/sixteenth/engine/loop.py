"""The training loop of one run: epochs, evaluation, checkpoints and what is measured at the end.

`train` has the run around it: its record, its lease, and what a failure leaves.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..data import ImageDataset, draw_others
from ..data.device import to_device
from ..errors import DivergedError
from ..spec import RunSpec
from ..spec.fields import AT_MAX_EPOCHS, BY_VALIDATION, LEVELLED_OFF
from ..storage.run_facts import Environment, LengthMetrics, Metrics
from ..storage.run_folder import RunFolder
from ..storage.run_record import RunRecord, by_halvings
from ..storage.run_results import EpochRow
from .checkpoint import Owner, TrainingState, write_checkpoint
from .evaluation import Evaluation
from .execution import Execution, peak_memory
from .images import DeviceImages, Rows, select_images
from .learner import Learner
from .lengths import Length, levelled_off, train_lengths
from .optim import learning_rate
from .progress import Progress, per_second
from .seeds import derive_seed
from .workload import Augmentation, Workload

CHECKPOINT_SHARE = 0.05
"""Largest part of the time for checkpoints; not every short epoch has one."""

CHECKPOINT_SECONDS = 120.0
"""Least time between checkpoints within a long epoch."""


class _EpochSoFar:
    """What has been trained of the current epoch, and how to go on with it after a checkpoint.

    Attributes:
        generator: of the augmentation.
        sums: over the images, on the device: loss, cross-entropy, right answers; float32 (3,).
        batches, images: that have been trained on.
    """

    def __init__(self, generator: torch.Generator, execution: Execution, sums: Tensor) -> None:
        self.generator, self.sums, self._execution = generator, sums, execution
        self.batches, self.images = 0, 0
        self._began = time.monotonic()
        self._images_before, self._seconds_before = 0, 0.0  # what a checkpoint had of the epoch

    def add(self, images: int, sums: Tensor) -> None:
        """Count a batch."""
        self.batches += 1
        self.images += images
        self.sums += sums

    @property
    def seconds(self) -> float:
        return self._seconds_before + time.monotonic() - self._began

    @property
    def images_per_second(self) -> float:
        """Since the epoch began, or went on."""
        return per_second(self.images - self._images_before, time.monotonic() - self._began)

    def position(self) -> dict[str, Any]:
        """`TrainingState.middle`."""
        return {
            "done": self.batches,
            "seen": self.images,
            "seconds": self.seconds,
            "sums": self.sums,
            "generator": self.generator.get_state(),
            "global": self._execution.generator_states(),
        }

    def go_on_from(self, position: dict[str, Any]) -> None:
        """Take up what `position` gave, in this process or an earlier one."""
        self.batches, self.images = position["done"], position["seen"]
        self._images_before, self._seconds_before = position["seen"], position["seconds"]
        # A copy: a branch and the trunk go on from one position.
        self.sums = position["sums"].to(self.sums.device, copy=True)
        self.generator.set_state(position["generator"].cpu())
        self._execution.set_generator_states([each.cpu() for each in position["global"]])


class TrainingLoop:
    """The training of one run, with its data on the device.

    Attributes:
        record: of the run, with what was measured of it so far.
    """

    def __init__(
        self,
        run: RunSpec,
        dataset: ImageDataset,
        folder: RunFolder,
        learner: Learner,
        images: NDArray[np.uint8] | Rows,
        split: tuple[NDArray[np.int64], NDArray[np.int64]],
        augmentation: Augmentation,
        on_progress: Callable[[Progress], None],
        record: RunRecord,
    ) -> None:
        """Copy the data to the device.

        Args:
            images: training images of the run, without the validation part.
            split: what `split_of` returns.
        """
        self.spec, self.recipe, self.folder, self.learner = run, run.train, folder, learner
        versions = record.environment or Environment()
        self.owner = Owner(run, dataset.fingerprint, learner.execution, versions)
        self.auto = run.train.epochs == "auto"
        self.augmentation, self.on_progress, self.record = augmentation, on_progress, record
        (subset, held), labels = split, dataset.train.labels
        self.device = self.learner.device
        self.images = DeviceImages(images, self.device)
        self.labels = torch.from_numpy(labels[subset]).to(self.device)
        taken = np.concatenate(split)
        self.work = Workload.of(
            run.train,
            len(subset),
            len(dataset.test),
            len(held),
            run.lengths,
            other_images=len(labels) - len(taken),
        )
        others = draw_others(labels, taken, self.work.others, seed=run.seed)
        held = np.concatenate([held, others])
        self.evaluation = Evaluation(
            learner,
            self.work,
            (self.images, self.labels),
            (select_images(dataset.train.images, held), labels[held]),
            dataset.test,
        )
        self.saved, self.saving_seconds = time.monotonic(), 0.0

    def run(self, state: TrainingState, until: str) -> RunRecord:
        """The record of the finished run, after training from `state` and writing the results.

        Of one that stops at the length `until`, the record with the lengths that were measured.
        """
        self.saved = time.monotonic()
        if self.auto:
            self._record_lengths(state)
        state, ended = train_lengths(
            state,
            self.work.lengths,
            self.learner,
            advance=self._advance,
            measure=self._measure_branch,
            ends=self._ends,
            keep=self._keep_lengths,
            until=until,
        )
        if not ended and self.auto:
            return self.record.as_interrupted()  # `_keep_lengths` has written all of it
        if not ended:
            self._checkpoint(state)
            return self.record.as_interrupted(state.lengths)
        if state.best_weights is not None:
            self.learner.load_weights(state.best_weights)
        return self._finish(state)

    def _advance(self, state: TrainingState, until: int, length: Length) -> None:
        """Train to step `until`, at the learning rates of `length`; see `train_lengths`."""
        while state.step < until:
            self._train_epoch(state, until, length)
            if length.is_whole and self._checkpoint_is_due():
                self._checkpoint(state)

    def _train_epoch(self, state: TrainingState, until: int, length: Length) -> None:
        """Train an epoch, or the rest of one, or up to step `until` in it.

        At the end of an epoch of the whole run, or of what may be one, evaluate and add a row to
        the history.
        """
        if state.middle is None:
            state.epoch += 1
        seed = derive_seed(self.spec.seed, self.spec.run_id, state.epoch)
        generator = torch.Generator().manual_seed(seed)
        self.learner.execution.seed_generators(seed)  # dropout uses torch's global generators
        order = torch.randperm(len(self.labels), generator=generator)
        epoch = _EpochSoFar(generator, self.learner.execution, torch.zeros(3, device=self.device))
        if state.middle is not None:
            epoch.go_on_from(state.middle)
            state.middle = None
        flip_seed = derive_seed(self.spec.seed, self.spec.run_id, "flip")
        mirrored = self.augmentation.mirrored(len(self.labels), state.epoch, flip_seed)

        todo = torch.tensor_split(order, self.work.batches)
        todo = todo[: length.steps - state.step + epoch.batches]  # the last may be a part of one
        stop = min(len(todo), until - state.step + epoch.batches)
        warmup = self.recipe.warmup * self.work.lengths[0].steps
        rate = 0.0
        self.learner.train_mode()
        self.learner.set_training_progress((state.epoch - 1) / self.work.epochs)
        first = epoch.batches
        for batch, following in zip(todo[first:stop], todo[first + 1 :] + todo[:1], strict=False):
            self.images.expect(following)
            rate = learning_rate(state.step, length.steps, self.recipe, warmup)
            epoch.add(len(batch), self._train_batch(batch, mirrored, generator, rate))
            state.step += 1
            self._check_loss(epoch.sums[0], state.step, until)
            due = length.is_whole and self._checkpoint_is_due(CHECKPOINT_SECONDS)
            if due and epoch.batches < stop:
                state.middle = epoch.position()
                self._checkpoint(state)
                state.middle = None
            self._report(state, epoch.images_per_second, length)
        if epoch.batches < len(todo):
            state.middle = epoch.position()
            return
        state.images += epoch.images
        if length.is_whole or length.may_end:
            self._end_epoch(state, epoch, rate, length)
        else:
            state.seconds += epoch.seconds

    def _train_batch(
        self, batch: Tensor, mirrored: bool | Tensor, generator: torch.Generator, rate: float
    ) -> Tensor:
        """One optimiser step: loss and cross-entropy of the batch, each a sum, and right answers.

        Args:
            batch: positions of its images.
            mirrored: which of all images are flipped, see `Augmentation.mirrored`.
            rate: learning rate.
        """
        flip = mirrored if isinstance(mirrored, bool) else mirrored[batch]
        batch = to_device(batch, self.device)
        labels = self.labels[batch]
        images = self.augmentation(
            self.images[batch], flip, colour=self.learner.mean_colour, generator=generator
        )
        loss, entropy, right = self.learner.step(images, labels, rate)
        return torch.stack([loss * len(labels), entropy * len(labels), right])

    def _end_epoch(
        self, state: TrainingState, epoch: _EpochSoFar, rate: float, length: Length
    ) -> None:
        """Add the epoch to the history, with a point of the test curve where it has one."""
        speed = epoch.images_per_second
        _, entropy, right = (total / epoch.images for total in epoch.sums.tolist())
        row = EpochRow(
            epoch=state.epoch,
            step=state.step,
            images=state.images,
            learning_rate=rate,
            train_loss=entropy,
            train_accuracy=right,
        )
        trained = time.monotonic()
        if self.work.has_curve_point(state.epoch):
            row = self.evaluation.curve_point(row, state)
        state.evaluation_seconds += time.monotonic() - trained
        seconds = epoch.seconds
        state.seconds += seconds
        state.history.append(replace(row, seconds=round(seconds, 3)))
        if length.is_whole:  # else the run may leave this epoch again
            self._report(state, speed, length, state.history[-1])

    def _measure(self, state: TrainingState, length: str = "1") -> dict[str, Any]:
        """Losses and accuracies of the model as it is, whose predictions are written."""
        began = time.monotonic()
        measured, logits = self.evaluation.measure(whole=length == "1")
        measuring = time.monotonic() - began
        state.seconds += measuring
        state.evaluation_seconds += measuring
        labels = self.evaluation.test_labels.cpu().numpy()
        self.folder.write_predictions(labels, logits.softmax(1).cpu().numpy(), length)
        return {"steps": state.step, **measured}

    def _ends(self, state: TrainingState) -> bool:
        """Whether a run of `epochs: auto` ends with the length that `state` has come to."""
        if not self.auto:
            return False
        began = time.monotonic()
        state.validation_accuracy = self.evaluation.validation_accuracy()
        measuring = time.monotonic() - began
        state.seconds += measuring
        state.evaluation_seconds += measuring
        return levelled_off(state, self.evaluation.guessing)

    def _measure_branch(self, state: TrainingState, length: Length) -> LengthMetrics:
        measured = self._measure(state, length.share)
        return LengthMetrics(
            length=length.share,
            epoch=state.epoch,
            **measured,
            validation_accuracy=state.validation_accuracy,
            train_flops=self.learner.train_flops_per_image * state.images,
            seconds=round(state.seconds, 3),
        )

    def _keep_lengths(self, state: TrainingState) -> None:
        """A branch is done: a run of `epochs: auto` counts as measured there if it is stopped."""
        if self.auto:
            self._checkpoint(state)
            self._record_lengths(state)

    def _record_lengths(self, state: TrainingState) -> None:
        self.record = self.record.with_lengths(
            state.lengths,
            train_measured=len(self.evaluation.clean_sample),
            validation_images=self.evaluation.held,
        )
        self.folder.write_record(self.record)

    def _finish(self, state: TrainingState) -> RunRecord:
        """Evaluate the trained model and write history, predictions and weights."""
        self.learner.optimizers.clear()  # frees memory for the copies of the weights
        validated, chosen_by = self.recipe.validation > 0, "last"
        if validated:
            chosen_by = BY_VALIDATION
        elif self.auto:
            levelled = levelled_off(state, self.evaluation.guessing)
            chosen_by = LEVELLED_OFF if levelled else AT_MAX_EPOCHS
        metrics = Metrics(
            epoch=state.best_epoch if validated else state.epoch,
            chosen_by=chosen_by,
            **self._measure(state),
            train_measured=len(self.evaluation.clean_sample),
            validation_accuracy=state.best_accuracy if validated else state.validation_accuracy,
            validation_images=self.evaluation.held if validated or self.auto else None,
        )
        lengths = state.lengths
        if self.auto:
            named = by_halvings(lengths)
            self.folder.name_by_shares(
                [each.length for each in lengths], [each.length for each in named]
            )
            lengths = [*named]
        self.folder.write_history(state.history)
        self.folder.write_weights(self.learner.weights())
        images, seconds = state.images + state.branch_images, state.seconds + state.branch_seconds
        return self.record.as_finished(
            metrics,
            lengths=lengths,
            train_flops=self.learner.train_flops_per_image * images,
            seconds=round(seconds, 3),
            evaluation_seconds=round(state.evaluation_seconds, 3),
            images_per_second=round(per_second(images, seconds), 1),
            peak_memory_bytes=peak_memory(self.device),
        )

    def _check_loss(self, loss_sum: Tensor, step: int, until: int) -> None:
        # `item` waits for a GPU, so there it is not called at every step; a NaN stays in the sum.
        often = self.device.type == "cpu" or step % 25 == 0 or step == until
        if often and not math.isfinite(loss_sum.item()):
            lower = self.recipe.peak_learning_rate / 4
            raise DivergedError(
                f"the training loss became {loss_sum.item()} by step {step} of {self.work.steps}: "
                f"try --set train.learning_rate={lower:g} in another folder (--out)"
            )

    def _report(
        self, state: TrainingState, rate: float, length: Length, row: EpochRow | None = None
    ) -> None:
        steps, epochs, epoch = self.work.all_steps, self.work.epochs, state.epoch
        if not length.is_whole:
            # The trunk takes its branch's epochs again; told twice, they would seem to go back.
            epoch = min(epoch, max(1, math.ceil(length.start / self.work.batches)))
        if self.auto:
            doubling = self.work.lengths[len(state.lengths)]
            steps = state.branch_steps + doubling.steps
            epochs = doubling.steps // self.work.batches
        self.on_progress(
            Progress(
                self.spec.run_id,
                epoch,
                epochs,
                state.step + state.branch_steps,
                steps,
                rate,
                row,
            )
        )

    def _checkpoint_is_due(self, seconds: float = 0.0) -> bool:
        """Whether the last one is older than `seconds`, and than `CHECKPOINT_SHARE` allows."""
        least = max(seconds, self.saving_seconds / CHECKPOINT_SHARE)
        return time.monotonic() - self.saved > least

    def _checkpoint(self, state: TrainingState) -> None:
        began = time.monotonic()
        write_checkpoint(self.folder, self.learner, state, self.owner)
        self.folder.write_history(state.history)
        self.saved = time.monotonic()
        self.saving_seconds = self.saved - began
