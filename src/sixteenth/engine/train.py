"""Train one run: from a RunSpec and a dataset to a filled run folder.

Draw the subset, build the learner, train it by the loop in `loop`, or its head alone, and keep the
record: what was resolved, how far the run came, and what a failure leaves. The data of an epoch
depend on (seed, run, epoch) only, so a resumed run gives the same result.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch

from ..data import ImageDataset
from ..errors import MismatchError, ReplacedError
from ..spec import RunSpec
from ..storage.lease import Lease
from ..storage.run_facts import AugmentationFacts
from ..storage.run_folder import RunFolder
from ..storage.run_record import RunRecord
from ..storage.whole_files import is_disk_trouble, sweep
from .checkpoint import begun_execution, read_checkpoint
from .execution import Execution, resolve_execution
from .head import train_head
from .images import select_images
from .learner import Learner
from .loop import TrainingLoop
from .progress import Progress
from .records import new_record
from .workload import Augmentation, split_of


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
            then "failed", with the reason, or "interrupted" after a KeyboardInterrupt, a
            SystemExit or a disk error. Checkpoints stay.
    """
    before = _record_before(run, dataset, folder)
    if before is not None and before.is_finished:
        folder.remove_leftovers()
        return before
    with Lease.acquire(folder.path, on_wait=on_notice) as lease:
        here = folder.leased(lease)
        return _train_alone(run, dataset, here, execution, until, on_progress, on_notice)


def _record_before(run: RunSpec, dataset: ImageDataset, folder: RunFolder) -> RunRecord | None:
    before = folder.read_record()
    if before is not None:
        images = len(dataset.train), len(dataset.test)
        folder.check_same(before, run, dataset.fingerprint, images, dataset.classes)
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
            "for), which would change its result",
            "go on with the first, or choose another folder",
        )
    execution = execution or begun or resolve_execution(None, run.train)
    record = new_record(run, dataset, execution, before)
    sweep(folder.path)
    folder.write_record(record)
    known = _Known(record)
    try:
        with execution.torch_settings():
            if torch.device(execution.device).type == "cuda":
                torch.cuda.reset_peak_memory_stats(execution.device)
            if run.finetune == "head":

                def passed(done: int, total: int, rate: float) -> None:
                    on_progress(Progress(run.run_id, 1, 1, done, total, rate))

                record = train_head(run, dataset, folder, execution, record, passed)
            else:
                training = _begin_training(run, dataset, folder, execution, known, on_progress)
                state, notices = read_checkpoint(folder, training.learner, training.owner)
                if notices:
                    training.record = training.record.with_notices(notices)
                    folder.write_record(training.record)
                    for notice in notices:
                        on_notice(notice)
                record = training.run(state, until)
    except (KeyboardInterrupt, SystemExit):  # the latter by submitit, before a job's time is over
        folder.write_record(known.record.as_interrupted())
        raise
    except ReplacedError:
        raise  # the folder is another's
    except Exception as error:
        if isinstance(error, OSError) and is_disk_trouble(error, folder.path):
            # The run has not failed: it can be resumed when the disk has space again.
            with contextlib.suppress(OSError):
                folder.write_record(known.record.as_interrupted())
        else:
            folder.write_record(known.record.as_failed(error))
        raise
    folder.write_record(record)
    if record.is_finished:
        folder.remove_leftovers()
    return record


@dataclass
class _Known:
    """What is known of a run while it is trained, for the record of one that is cut off."""

    begun: RunRecord
    training: TrainingLoop | None = None

    @property
    def record(self) -> RunRecord:
        return self.training.record if self.training else self.begun


def _begin_training(
    run: RunSpec,
    dataset: ImageDataset,
    folder: RunFolder,
    execution: Execution,
    known: _Known,
    on_progress: Callable[[Progress], None],
) -> TrainingLoop:
    """The training of the weights of a network, at its first step.

    Args:
        known: is told the images and the network as soon as they are there.
    """
    subset, held = split_of(run, dataset)
    augmentation = Augmentation.of(run.train, dataset)
    known.begun = known.begun.with_training_images(
        len(subset) + len(held), AugmentationFacts.from_dict(asdict(augmentation))
    )
    # Without a copy if all images are used, so that parallel processes share them.
    images = select_images(dataset.train.images, subset)
    learner = Learner(run, len(dataset.classes), images, execution)
    known.begun = known.begun.with_model(learner.facts)
    split = subset, held
    known.training = TrainingLoop(
        run, dataset, folder, learner, images, split, augmentation, on_progress, known.begun
    )
    return known.training  # and not `images`, of which it has a copy on a GPU
