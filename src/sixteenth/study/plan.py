"""What a study will cost, before anything is trained."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ..data import ImageDataset
from ..engine.execution import resolve_execution
from ..engine.learner import training_speed
from ..engine.workload import CLEAN_TRAIN_IMAGES, Workload, split_of
from ..run_folder import RunFolder
from ..spec import RunSpec
from .listener import Listener

BYTES_PER_WEIGHT = 4
CHECKPOINT_COPIES = 2 * 3
"""A checkpoint holds the weights and up to two moments of the optimiser, and the last one stays
until the next is written."""


def plan_table(
    runs: Sequence[RunSpec],
    dataset: ImageDataset,
    folder: Path,
    *,
    device: str | None,
    listener: Listener,
) -> pd.DataFrame:
    """One row per run: what it trains on, what it computes, and how long that will take here.

    Each model is timed on a few real steps, about two seconds a model.

    Returns:
        Columns run_id, model, init, fraction, train_size, seed, status, epochs, steps, parameters,
        train_flops (whole run), images_per_second (measured), seconds (of training and evaluation,
        estimated), disk_bytes (what the finished run keeps), checkpoint_bytes (while it trains).
    """
    speeds: dict[str, tuple[float, dict[str, int]]] = {}
    models = list(dict.fromkeys(run.model for run in runs))
    for done, name in enumerate(models):
        listener.working("timing the models", done, len(models))
        # Timing needs no weights from elsewhere: they change nothing about the speed.
        first = next(run for run in runs if run.model == name)
        first = first.model_copy(update={"init": "random"})
        images = dataset.train.images[: max(first.train.batch_size, 64)]
        execution = resolve_execution(device, first.train)
        speeds[name] = training_speed(first, len(dataset.classes), images, execution)
    listener.working("timing the models", len(models), len(models))
    return pd.DataFrame([_row(run, dataset, folder, *speeds[run.model]) for run in runs])


def _row(
    run: RunSpec, dataset: ImageDataset, folder: Path, speed: float, facts: dict[str, int]
) -> dict[str, object]:
    kept_images, held_images = split_of(run, dataset)
    trained = len(kept_images)
    work = Workload.of(run.train, trained, len(dataset.test))
    measured = (work.epochs - 1) * work.curve_images + len(dataset.test)
    measured += min(trained, CLEAN_TRAIN_IMAGES)
    # Forward alone costs a third of forward and backward.
    seconds = (work.images + measured / 3) / speed
    record = RunFolder(folder / "runs" / run.run_id).read_record()
    kept, passing = disk_bytes(facts["parameters"], dataset)
    return {
        "run_id": run.run_id,
        "model": run.model,
        "init": run.init,
        "fraction": run.fraction,
        "train_size": trained + len(held_images),
        "seed": run.seed,
        "status": record["status"] if record else "missing",
        "epochs": work.epochs,
        "steps": work.steps,
        "parameters": facts["parameters"],
        "train_flops": facts["train_flops_per_image"] * work.images,
        "images_per_second": round(speed, 1),
        "seconds": round(seconds, 1),
        "disk_bytes": kept,
        "checkpoint_bytes": passing,
    }


def disk_bytes(parameters: int, dataset: ImageDataset) -> tuple[int, int]:
    """What a finished run keeps on disk, and what its checkpoint takes while it trains."""
    weights = parameters * BYTES_PER_WEIGHT
    predictions = len(dataset.test) * (len(dataset.classes) * 4 + 8)
    return weights + predictions, weights * CHECKPOINT_COPIES


def free_bytes(folder: Path) -> int:
    """Free disk space where `folder` is, or will be."""
    place = folder.resolve()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free
