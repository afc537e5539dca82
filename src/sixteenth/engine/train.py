"""Train one run: from a RunSpec and a dataset to a filled run folder.

Draw the subset, build the learner, train epoch by epoch with checkpoints, evaluate training images
without augmentation and all test images, write the results. The data of an epoch depend on (seed,
run, epoch) only, so a resumed run gives the same result.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..data import ImageDataset
from ..errors import DivergedError, MismatchError, ReplacedError
from ..spec import RunSpec
from ..spec.fields import AT_MAX_EPOCHS, LEVELLED_OFF
from ..storage.lease import Lease
from ..storage.run_facts import AugmentationFacts, LengthMetrics, Metrics
from ..storage.run_folder import RunFolder, is_disk_trouble, sweep
from ..storage.run_record import RunRecord, halvings
from ..storage.run_results import EpochRow
from .checkpoint import TrainingState, read_checkpoint, write_checkpoint
from .evaluation import Evaluation
from .execution import Execution, begun_execution, new_record, peak_memory, resolve_execution
from .head import train_head
from .images import DeviceImages, Rows, select_images
from .learner import Learner
from .lengths import Length, levelled_off, train_lengths
from .optim import learning_rate
from .progress import Progress
from .seeds import derive_seed
from .workload import Augmentation, Workload, split_of

CHECKPOINT_SHARE = 0.05
"""Largest part of the time for checkpoints between epochs; not every short epoch has one."""

CHECKPOINT_SECONDS = 120.0
"""Time between checkpoints within a long epoch."""


def train_run(
    run: RunSpec,
    dataset: ImageDataset,
    folder: RunFolder,
    *,
    execution: Execution | None = None,
    until: str = "1",
    on_progress: Callable[[Progress], None] = lambda _: None,
    on_notice: Callable[[str], None] = lambda _: None,
) -> RunRecord:
    """The record (run.json) of a run, after it was trained and its results written to `folder`.

    A run with a checkpoint is resumed; the record of a finished run is returned at once.

    Args:
        execution: by default that of the checkpoint, or what `resolve_execution` chooses.
        until: one of the run's shorter lengths: it stops when that is measured. Its status is then
            "interrupted", and it goes on from there to the same result.
        on_progress: called after every step.
        on_notice: called with a line for each damaged checkpoint; they are in the record too. Also
            where another process trains this run, whose end or silence is then awaited.

    Raises:
        MismatchError: the folder has another run, or this one with another execution.
        DivergedError: the loss became NaN or infinite.
        ReplacedError: another process has taken the run over, see `storage.lease`.
        OSError: the disk is full or cannot be written.
        SixteenthError, RuntimeError, MemoryError: any other failure. The status in the record is
            then "failed", with the reason, or "interrupted" after a KeyboardInterrupt or a disk
            error. Checkpoints stay.
    """
    before = _record_before(run, dataset, folder)
    if before is not None and before.is_finished:
        folder.remove_checkpoints()  # the process was killed before it could remove them
        return before
    with Lease.acquire(folder.path, on_wait=on_notice) as lease:
        here = folder.leased(lease)
        return _train_alone(run, dataset, here, execution, until, on_progress, on_notice)


def _record_before(run: RunSpec, dataset: ImageDataset, folder: RunFolder) -> RunRecord | None:
    before = folder.read_record()
    if before is not None:
        folder.check_same(before, run, dataset.fingerprint)
    return before


def _train_alone(
    run: RunSpec,
    dataset: ImageDataset,
    folder: RunFolder,
    execution: Execution | None,
    until: str,
    on_progress: Callable[[Progress], None],
    on_notice: Callable[[str], None],
) -> RunRecord:
    """`train_run` for the process that has the lease of the run's folder."""
    before = _record_before(run, dataset, folder)  # again: the lease may have been waited for
    if before is not None and before.is_finished:
        return before
    begun = begun_execution(folder, before)
    if begun is not None and execution not in (None, begun):
        raise MismatchError(
            f"{folder.path} was begun with another execution ({begun} there, {execution} asked "
            "for), which would change its result: go on with the first, or choose another folder"
        )
    execution = execution or begun or resolve_execution(None, run.train)
    record = new_record(run, dataset, execution, before)
    sweep(folder.path)
    folder.write_record(record)
    try:
        with execution.torch_settings():
            if torch.device(execution.device).type == "cuda":
                torch.cuda.reset_peak_memory_stats(execution.device)
            if run.finetune == "head":

                def passed(done: int, total: int, rate: float) -> None:
                    on_progress(Progress(run.run_id, 1, 1, done, total, rate))

                record = train_head(run, dataset, folder, execution, record, passed)
            else:
                subset, held = split_of(run, dataset)
                augmentation = Augmentation.of(run.train, dataset)
                record = record.with_training_images(
                    len(subset) + len(held), AugmentationFacts.from_dict(asdict(augmentation))
                )
                # Without a copy if all images are used, so that parallel processes share them.
                images = select_images(dataset.train.images, subset)
                learner = Learner(run, len(dataset.classes), images, execution)
                record = record.with_model(learner.facts)
                training = _Training(
                    run, dataset, folder, learner, images, (subset, held), augmentation, on_progress
                )
                del images  # the training has a copy on a GPU
                state, notices = read_checkpoint(folder, learner)
                if notices:
                    record = record.with_notices(notices)
                    folder.write_record(record)
                    for notice in notices:
                        on_notice(notice)
                record = training.run(state, record, until)
    except KeyboardInterrupt:
        folder.write_record(record.as_interrupted())
        raise
    except ReplacedError:
        raise  # the folder is another's
    except Exception as error:
        if isinstance(error, OSError) and is_disk_trouble(error, folder.path):
            # The run has not failed: it can be resumed when the disk has space again.
            with contextlib.suppress(OSError):
                folder.write_record(record.as_interrupted())
        else:
            folder.write_record(record.as_failed(error))
        raise
    folder.write_record(record)
    if record.is_finished:
        folder.remove_checkpoints()
    return record


class _Training:
    """The training of one run, with its data on the device."""

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
    ) -> None:
        """Copy the data to the device.

        Args:
            images: training images of the run, without the validation part.
            split: what `split_of` returns.
        """
        self.spec, self.recipe, self.folder, self.learner = run, run.train, folder, learner
        self.auto = run.train.epochs == "auto"
        self.augmentation, self.on_progress = augmentation, on_progress
        subset, held = split
        self.device = self.learner.device
        self.images = DeviceImages(images, self.device)
        self.labels = torch.from_numpy(dataset.train.labels[subset]).to(self.device)
        self.work = Workload.of(run.train, len(subset), len(dataset.test), len(held), run.lengths)
        self.evaluation = Evaluation(
            learner,
            self.work,
            (self.images, self.labels),
            (select_images(dataset.train.images, held), dataset.train.labels[held]),
            dataset.test,
        )
        self.saved, self.saving_seconds = time.monotonic(), 0.0

    def run(self, state: TrainingState, record: RunRecord, until: str) -> RunRecord:
        """The record of the finished run, after training from `state` and writing the results.

        Of one that stops at the length `until`, the record with the lengths that were measured.
        """
        self.saved = time.monotonic()
        state = train_lengths(
            state,
            self.work.lengths,
            self.learner,
            advance=self._advance,
            measure=self._measure_branch,
            ends=self._ends,
            until=until,
        )
        if until != "1":
            self._checkpoint(state)
            return record.as_interrupted(state.lengths)
        if state.best_weights is not None:
            self.learner.load_weights(state.best_weights)
        return self._finish(state, record)

    def _advance(self, state: TrainingState, until: int, length: Length) -> None:
        """Train to step `until`, at the learning rates of `length`; see `train_lengths`."""
        while state.step < until:
            self._train_epoch(state, until, length)
            due = time.monotonic() - self.saved > self.saving_seconds / CHECKPOINT_SHARE
            if length.is_whole and due:
                self._checkpoint(state)

    def _train_epoch(self, state: TrainingState, until: int, length: Length) -> None:
        """Train an epoch, or the rest of one, or up to step `until` in it.

        At the end of an epoch of the whole run, or of what may be one, evaluate and add a row to
        the history.
        """
        began = time.monotonic()
        middle, state.middle = state.middle, None
        if middle is None:
            state.epoch += 1
        seed = derive_seed(self.spec.seed, self.spec.run_id, state.epoch)
        generator = torch.Generator().manual_seed(seed)
        self.learner.execution.seed_generators(seed)  # dropout uses torch's global generators
        order = torch.randperm(len(self.labels), generator=generator)
        flip_seed = derive_seed(self.spec.seed, self.spec.run_id, "flip")
        mirrored = self.augmentation.mirrored(len(self.labels), state.epoch, flip_seed)
        sums = torch.zeros(3, device=self.device)  # loss, cross-entropy, correct
        done, seen, before = 0, 0, 0.0
        if middle is not None:
            done, seen, before = middle["done"], middle["seen"], middle["seconds"]
            sums = middle["sums"].to(self.device, copy=True)  # a branch and the trunk go on from it
            generator.set_state(middle["generator"].cpu())
            self.learner.execution.set_generator_states([each.cpu() for each in middle["global"]])

        def position() -> dict[str, Any]:
            return {
                "done": done,
                "seen": seen,
                "seconds": before + time.monotonic() - began,
                "sums": sums,
                "generator": generator.get_state(),
                "global": self.learner.execution.generator_states(),
            }

        todo = torch.tensor_split(order, self.work.batches)
        todo = todo[: length.steps - state.step + done]  # the last epoch may be a part of one
        stop = min(len(todo), until - state.step + done)
        warmup = self.recipe.warmup * self.work.lengths[0].steps
        rate, resumed = 0.0, seen
        self.learner.train_mode()
        self.learner.set_training_progress((state.epoch - 1) / self.work.epochs)
        for batch, following in zip(todo[done:stop], todo[done + 1 :] + todo[:1], strict=False):
            self.images.expect(following)
            flip = mirrored if isinstance(mirrored, bool) else mirrored[batch]
            batch = batch.to(self.device, non_blocking=True)
            labels = self.labels[batch]
            images = self.augmentation(
                self.images[batch], flip, colour=self.learner.mean_colour, generator=generator
            )
            rate = learning_rate(state.step, length.steps, self.recipe, warmup)
            loss, entropy, right = self.learner.step(images, labels, rate)
            state.step += 1
            done += 1
            seen += len(labels)
            sums += torch.stack([loss * len(labels), entropy * len(labels), right])
            self._check_loss(sums[0], state.step, until)
            due = time.monotonic() - self.saved > CHECKPOINT_SECONDS
            if length.is_whole and due and done < stop:
                state.middle = position()
                self._checkpoint(state)
                state.middle = None
            self._report(state, (seen - resumed) / (time.monotonic() - began))
        if done < len(todo):
            state.middle = position()
            return
        speed = (seen - resumed) / (time.monotonic() - began)
        state.images += seen
        if not (length.is_whole or length.may_end):
            state.seconds += before + time.monotonic() - began
            return
        row = EpochRow(
            epoch=state.epoch,
            step=state.step,
            images=state.images,
            learning_rate=rate,
            train_loss=sums[1].item() / seen,
            train_accuracy=sums[2].item() / seen,
        )
        trained = time.monotonic()
        if self.work.has_curve_point(state.epoch):
            row = self.evaluation.curve_point(row, state)
        state.evaluation_seconds += time.monotonic() - trained
        seconds = before + time.monotonic() - began
        state.seconds += seconds
        state.history.append(replace(row, seconds=round(seconds, 3)))
        self._report(state, speed, state.history[-1])

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

    def _finish(self, state: TrainingState, record: RunRecord) -> RunRecord:
        """Evaluate the trained model and write history, predictions and weights."""
        self.learner.optimizers.clear()  # frees memory for the copies of the weights
        validated, chosen_by = self.recipe.validation > 0, "last"
        if validated:
            chosen_by = "validation"
        elif self.auto:
            levelled = levelled_off(state, self.evaluation.guessing)
            chosen_by = LEVELLED_OFF if levelled else AT_MAX_EPOCHS
        metrics = Metrics(
            epoch=state.best_epoch if validated else state.epoch,
            chosen_by=chosen_by,
            **self._measure(state),
            train_measured=len(self.evaluation.clean_sample),
            validation_accuracy=state.best_accuracy if validated else state.validation_accuracy,
        )
        lengths = state.lengths
        if self.auto:
            shares = halvings(len(lengths))
            self.folder.rename_predictions([each.length for each in lengths], shares)
            lengths = [
                each.model_copy(update={"length": share})
                for each, share in zip(lengths, shares, strict=True)
            ]
        self.folder.write_history(state.history)
        self.folder.write_weights(self.learner.weights())
        images, seconds = state.images + state.branch_images, state.seconds + state.branch_seconds
        return record.as_finished(
            metrics,
            lengths=lengths,
            train_flops=self.learner.train_flops_per_image * images,
            seconds=round(seconds, 3),
            evaluation_seconds=round(state.evaluation_seconds, 3),
            images_per_second=round(images / seconds, 1),
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

    def _report(self, state: TrainingState, rate: float, row: EpochRow | None = None) -> None:
        steps, epochs = self.work.all_steps, self.work.epochs
        if self.auto:
            doubling = self.work.lengths[len(state.lengths)]
            steps = state.branch_steps + doubling.steps
            epochs = doubling.steps // self.work.batches
        self.on_progress(
            Progress(
                self.spec.run_id,
                state.epoch,
                epochs,
                state.step + state.branch_steps,
                steps,
                rate,
                row,
            )
        )

    def _checkpoint(self, state: TrainingState) -> None:
        began = time.monotonic()
        write_checkpoint(self.folder, self.learner, state)
        self.folder.write_history(state.history)
        self.saved = time.monotonic()
        self.saving_seconds = self.saved - began
