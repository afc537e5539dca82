"""The analysis of a study from its tables and records; no figure needed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from ..analysis import Context, Findings, Metric, Predictions, analyse
from ..analysis.findings.levers import LeverRuns
from ..language.text import plain
from ..spec.fields import OWN_MODELS
from ..storage.run_record import RunRecord
from .provenance import augmented, data_differ, first


@dataclass(frozen=True)
class Measurements:
    """What a study has measured so far, as a report takes it.

    Attributes:
        spec: the study's spec as JSON values, with what it leaves open left open.
        results: one row a run of the plan, also the failed and missing ones.
        histories: one row for each run and epoch.
        records: those of the runs that were begun.
        class_images: fraction -> training images of each class, in the order of the labels.
        class_sizes: class -> its test images, as far as a table tells them.
    """

    spec: Mapping[str, Any]
    results: pd.DataFrame
    histories: pd.DataFrame
    records: Sequence[RunRecord]
    class_images: Mapping[str, Sequence[int]] = field(default_factory=dict)
    class_sizes: Mapping[str, float] = field(default_factory=dict)


def analyse_study(
    measurements: Measurements,
    predictions: Predictions | None = None,
    *,
    target_error: float | None = None,
    lever_runs: Sequence[LeverRuns] = (),
) -> Findings:
    """What the measurements show, and what to do next.

    Args:
        measurements: of the study.
        predictions: run_id -> (labels, probabilities), for paired comparisons.
        target_error: a test error in [0, 1] that the advice is about.
        lever_runs: what the levers of `sixteenth explain` measured.
    """
    return analyse(
        measurements.results,
        measurements.histories,
        expect=measurements.spec.get("expect", "bigger-is-better"),
        metric=measurements.spec.get("metric", Metric.ACCURACY),
        context=replace(
            _context(measurements),
            class_images=measurements.class_images,
            stopped=_stopped(measurements),
        ),
        predictions=predictions,
        target_error=target_error,
        lever_runs=lever_runs,
    )


def _context(measurements: Measurements) -> Context:
    """What the discussion should know of the study besides its numbers."""
    spec, runs = measurements.spec, measurements.records
    data = first(run.data for run in runs)
    classes = data.classes if data else ()
    images = measurements.class_sizes
    train = spec.get("train") or {}
    return Context(
        train_images=first(run.data.train_images for run in runs if run.data),
        num_classes=len(classes) or len(images) or None,
        class_sizes=tuple(images.values()),
        classes=tuple(plain(name) for name in classes),
        disjoint=spec.get("subsets") == "disjoint",
        image_size=spec.get("image_size"),
        stem=str(spec.get("stem", "default")),
        epochs=epochs if isinstance(epochs := train.get("epochs"), int) else None,
        steps=train.get("steps"),
        schedule=str(train.get("schedule") or ""),
        augmented=augmented(spec, runs),
        never_pretrained=OWN_MODELS,
        data_checks=first(run.data_checks for run in runs),
        data_differ=data_differ(runs),
    )


def planned_epochs(epochs: int | str, steps: int | None, history: pd.DataFrame) -> int | None:
    """How many a run has in all; None of one that chooses, or does not tell yet.

    Args:
        epochs, steps: as the recipe has them.
        history: of the run, one row an epoch.
    """
    if steps is None:
        return epochs if isinstance(epochs, int) else None
    if not len(history):
        return None
    last = history.iloc[-1]
    return math.ceil(steps * int(last["epoch"]) / int(last["step"]))


def _stopped(measurements: Measurements) -> dict[str, tuple[int, int]]:
    """run_id -> the epoch that an interrupted run has come to, and all of its epochs."""
    train = measurements.spec.get("train") or {}
    status = dict(zip(measurements.results["run_id"], measurements.results["status"], strict=True))
    found = {}
    for record in measurements.records:
        # The record of one that was killed says that it is still being trained.
        if status.get(record.run_id) != "interrupted" or "run_id" not in measurements.histories:
            continue
        history = measurements.histories[measurements.histories["run_id"] == record.run_id]
        epochs = planned_epochs(train.get("epochs", "auto"), train.get("steps"), history)
        if len(history) and epochs:
            found[record.run_id] = int(history["epoch"].iloc[-1]), epochs
    return found
