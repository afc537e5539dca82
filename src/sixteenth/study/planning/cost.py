"""What a study will cost, before anything is trained."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pandas as pd

from ...data import ImageDataset
from ...engine.workload import Workload, split_sizes
from ...models import count_parameters, train_flops_per_image
from ...spec import RunSpec

if TYPE_CHECKING:
    from torch import nn

    from ...storage.study_folder import StudySnapshot
    from .schedule import Schedule

BYTES_PER_WEIGHT = 4
MOMENTS, CHECKPOINTS = 2, 3
"""A checkpoint holds the weights and up to two moments of the optimiser, and the last two stay
until the next is written."""


@dataclass(frozen=True)
class Cost:
    """What a model costs: trainable values, and operations to train on one image.

    Where one of its runs trains these alone, `head` are the values of its last layer, and
    `stage_parameters` and `stage_flops` are those of its last stage with the head.
    """

    parameters: int
    flops: int
    head: int = 0
    stage_parameters: int = 0
    stage_flops: int = 0

    @classmethod
    def of(cls, model: nn.Module, image_size: int) -> Self:
        """What it costs to train all values of a model that are to be trained."""
        return cls(count_parameters(model), train_flops_per_image(model, image_size))

    def of_run(self, run: RunSpec) -> int:
        """Operations to train on one image; of a head, those of the model."""
        return self.stage_flops if run.finetune == "last-stage" else self.flops

    def kept(self, run: RunSpec) -> int:
        """Values in the weights that a run of the model keeps, and has in a checkpoint."""
        return self.head if run.finetune == "head" else self.parameters

    def moved(self, run: RunSpec) -> int:
        """Values that a run trains, which the optimiser has moments of."""
        return self.stage_parameters if run.finetune == "last-stage" else self.kept(run)


def works_of(runs: Sequence[RunSpec], dataset: ImageDataset) -> dict[str, Workload]:
    """run_id -> how much a run trains and measures. Draws a subset for each size of one."""
    tested, images = len(dataset.test), len(dataset.train)
    return {
        run.run_id: Workload.of_head(kept + held, tested)
        if run.finetune == "head"
        else Workload.of(
            run.train, kept, tested, held, run.lengths, other_images=images - kept - held
        )
        for run, (kept, held) in zip(runs, split_sizes(runs, dataset), strict=True)
    }


def plan_table(
    snapshot: StudySnapshot,
    dataset: ImageDataset,
    costs: Mapping[str, Cost],
    schedule: Schedule,
) -> pd.DataFrame:
    """One row per run: what it trains on, what it computes, and how long that will take.

    Returns:
        Columns run_id, model, init, fraction, train_size, seed, status, epochs, steps, parameters,
        train_flops (all lengths), length (that it is trained to now, as a share of its steps; the
        rest is left), device (one of several GPUs, which are counted through in a
        cluster), threads, seconds (of training and evaluation, beside the runs that are scheduled
        at the same time), seconds_from (what that is taken from, see `known.Basis`), begins, ends
        (seconds from the study's beginning), disk_bytes (what the finished run keeps),
        checkpoint_bytes (while it trains), chosen (it is to be trained). Times are estimates; with
        `epochs: auto` all is of the longest run there can be. Runs that are not chosen have none,
        and no threads; nor have those of a model that cannot be built.
    """
    todo = {
        each.run.run_id: (each, end)
        for each, end in zip(schedule.assignments, schedule.expected(), strict=True)
    }
    works = works_of(snapshot.runs, dataset)
    rows = []
    for run in snapshot.runs:
        work = works[run.run_id]
        cost = costs.get(run.model)
        images = work.images or work.effort
        assignment, (end, machine) = todo.get(run.run_id, (None, (0.0, 0)))
        device = assignment.execution.device if assignment else None
        takes = schedule.seconds_on(assignment, machine) if assignment else 0.0
        if device == "cuda" and schedule.machines > 1:
            device = f"cuda:{machine}"
        stays, passes = disk_bytes(run, cost, dataset)
        rows.append(
            {
                "run_id": run.run_id,
                "model": run.model,
                "init": run.strategy,
                "fraction": run.fraction,
                "train_size": work.subset,
                "seed": run.seed,
                "status": snapshot.status(run.run_id),
                "epochs": work.epochs,
                "steps": work.steps,
                "parameters": cost.parameters if cost else None,
                "train_flops": round(cost.of_run(run) * images) if cost else None,
                "length": _share(assignment.until, work) if assignment else None,
                "device": device,
                "threads": assignment.execution.threads if assignment else None,
                # Of a model that cannot be built no time is known: its run will fail.
                "seconds": round(takes, 3) if assignment and cost else None,
                "seconds_from": str(assignment.basis) if assignment and cost else None,
                "begins": round(end - takes, 3) if assignment else None,
                "ends": round(end, 3) if assignment else None,
                "disk_bytes": stays,
                "checkpoint_bytes": passes,
                "chosen": assignment is not None,
            }
        )
    whole = ["train_size", "parameters", "train_flops", "threads"]
    return pd.DataFrame(rows).astype(dict.fromkeys(whole, "Int64"))


def _share(until: str, work: Workload) -> float:
    """The part of a run's longest training that a length is."""
    steps = {each.share: each.steps for each in work.lengths}
    return steps[until] / work.steps if until.endswith(" epochs") else float(Fraction(until))


def disk_bytes(run: RunSpec, cost: Cost | None, dataset: ImageDataset) -> tuple[int, int]:
    """What a finished run keeps on disk, and what its checkpoints take while it trains.

    Args:
        cost: of its model; None where it is not known.
    """
    kept, moved = (cost.kept(run), cost.moved(run)) if cost else (0, 0)
    predictions = len(dataset.test) * (len(dataset.classes) * 4 + 8)
    checkpoints = CHECKPOINTS * (kept + MOMENTS * moved)
    return kept * BYTES_PER_WEIGHT + run.most_lengths * predictions, checkpoints * BYTES_PER_WEIGHT


def free_bytes(folder: Path) -> int:
    """Free disk space where `folder` is, or will be."""
    place = folder.resolve()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free
