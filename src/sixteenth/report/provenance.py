"""How a study was made, gathered from its spec, its tables and its run records.

A record may be incomplete (a run that failed early): what is not there is left out, not guessed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import pandas as pd

from ..analysis import whole_runs
from ..language.numbers import missing
from ..language.provenance import Provenance, SampledTests
from ..spec import TrainSpec
from ..spec.fields import is_frozen
from ..storage.run_facts import (
    CLEAN_TRAIN_IMAGES,
    AugmentationFacts,
    DataChecks,
    DataFacts,
    Environment,
    ExecutionFacts,
)
from ..storage.run_record import RunRecord

PartT = TypeVar("PartT")


def provenance(
    spec: Mapping[str, Any],
    results: pd.DataFrame,
    histories: pd.DataFrame,
    runs: Sequence[RunRecord],
) -> Provenance:
    """How the study was made; arguments as of `discussion.Measurements`."""
    train = spec.get("train") or {}
    recipe = TrainSpec.model_validate(train)
    data = first(run.data for run in runs) or DataFacts()
    results = whole_runs(results)
    finished = results[results["status"] == "finished"]
    measured = results.dropna(subset=["test_accuracy"])
    timed, seconds, work = _taken(results)
    counted = "test_images" in histories and len(finished["test_size"].dropna()) > 0
    return Provenance(
        data=data_name(spec, runs),
        source=data.source or "",
        fingerprint=data.fingerprint or "",
        train_images=data.train_images,
        test_images=data.test_images,
        understood=data,
        checks=first(run.data_checks for run in runs) or DataChecks(),
        classes=tuple(data.classes),
        sizes=tuple(
            dict.fromkeys(
                (str(fraction), float(size))
                for fraction, size in zip(results["fraction"], results["train_size"], strict=True)
                if not missing(size)
            )
        ),
        nested=spec.get("subsets", "nested") == "nested",
        seeds=tuple(spec.get("seeds", ())),
        heads_only=bool(results["init"].astype(str).map(is_frozen).all()),
        optimizer=recipe.optimizer,
        peak_learning_rate=recipe.peak_learning_rate,
        weight_decay=recipe.resolved_weight_decay,
        chosen_by=frozenset(measured["chosen_by"].dropna().astype(str)),
        weights=_weights(runs),
        environments=tuple(run.environment or Environment() for run in runs),
        executions=tuple(run.execution or ExecutionFacts() for run in runs),
        finished=int(finished["test_accuracy"].notna().sum()),
        planned=len(results),
        moment=max((run.finished for run in runs if run.finished), default=""),
        timed=timed,
        seconds=seconds,
        train_flops=work,
        epochs=len(histories) if counted else 0,
        measured_epochs=int((histories["test_images"] > 0).sum()) if counted else 0,
        sampled=_sampled(histories, float(finished["test_size"].max())) if counted else None,
        train_measured=_train_measured(runs),
        validation=recipe.held_out,
        data_differ=data_differ(runs),
        only_rows=len(set(finished["run_id"]) - {run.run_id for run in runs}),
    )


def _taken(results: pd.DataFrame) -> tuple[int, float, float]:
    """How many runs have a time, and the sums of the seconds and operations that runs took.

    Images pass through a frozen network once, for all of its heads: each run that computed some of
    the features, beside others, tells how long the whole pass takes. Heads in tables of earlier
    versions, whose times hold the pass where they happened to be first, have no time here.
    """
    if "feature_seconds" not in results:
        results = results.assign(feature_seconds=math.nan)
    heads = results["init"].astype(str).map(is_frozen)
    seconds = [*results.loc[~heads, "seconds"].dropna()]
    work = [*results.loc[~heads, "train_flops"].dropna()]
    passes = []
    for _, arm in results[heads].groupby(["model", "init"]):
        known = arm[arm["feature_seconds"].notna()]
        seconds += [*known["seconds"].dropna()]
        passes += [known.loc[known["feature_seconds"] > 0, "feature_seconds"].mean()]
        work += [arm["train_flops"].max()]
    known_passes = [each for each in passes if not missing(each)]
    known_work = [float(each) for each in work if not missing(each)]
    return len(seconds), math.fsum([*seconds, *known_passes]), math.fsum(known_work)


def data_name(spec: Mapping[str, Any], runs: Sequence[RunRecord]) -> str:
    """What a report calls the data: what the study says now, else what they called themselves.

    The study's name for them may be changed after its first run, whose record keeps the old one.
    """
    data = first(run.data for run in runs) or DataFacts()
    return str(spec.get("data_name") or data.name or spec.get("data") or "")


def data_differ(runs: Sequence[RunRecord]) -> bool:
    """Whether the runs did not all see the same images."""
    return len({run.data.fingerprint for run in runs if run.data} - {None}) > 1


def augmented(spec: Mapping[str, Any], runs: Sequence[RunRecord]) -> bool:
    """Whether training images were changed at random.

    Earlier versions did not record it. Their rule was the one of today, where of the data sets that
    a study names, the digits alone were symbols.
    """
    applied = first(run.augmentation for run in runs)
    if applied is None:
        recipe = TrainSpec.model_validate(spec.get("train") or {})
        symbols = spec.get("data") == "digits"
        crop, flip = recipe.resolve_crop_and_flip(spec.get("image_size") or 32, symbols=symbols)
        applied = AugmentationFacts(crop=crop, flip=flip, cutout=recipe.cutout)
    return applied.changes_images


def test_views(spec: Mapping[str, Any], results: pd.DataFrame) -> str:
    """Over which views test predictions were averaged: `test_augmentation`, which does not apply to
    heads on frozen features; ``none`` where there are only such."""
    if results["init"].map(is_frozen).all():
        return "none"
    return str((spec.get("train") or {}).get("test_augmentation"))


def first(parts: Iterable[PartT | None]) -> PartT | None:
    """The first that is there, of one part of several records."""
    return next((part for part in parts if part is not None), None)


def _weights(runs: Sequence[RunRecord]) -> tuple[tuple[str, str, str], ...]:
    """Which weights file each pretrained model started from, so that it can be had again."""
    found = (
        (run.spec.model, run.spec.init, run.model.weights_sha256)
        for run in runs
        if run.spec.init != "random" and run.model and run.model.weights_sha256
    )
    return tuple(dict.fromkeys(found))


def _sampled(histories: pd.DataFrame, whole: float) -> SampledTests | None:
    """Where the test curves were measured on a part of the test images."""
    points = histories.loc[histories["test_images"] > 0]
    fewest = points["test_images"].min()
    if not fewest < whole:
        return None
    # The epoch that a validation part chose is measured anew.
    last = points.groupby("run_id")["test_images"].last()
    return SampledTests(float(fewest), whole, bool(last.min() >= whole))


def _train_measured(runs: Sequence[RunRecord]) -> int | None:
    """The images behind the training accuracy of a run that trained on more of them; None without.

    A run that held out a part of its subset measured all that it trained on, as the others did.
    """
    capped = (
        run
        for run in runs
        if run.metrics
        and run.metrics.train_measured == CLEAN_TRAIN_IMAGES
        and (run.train_size or 0) > CLEAN_TRAIN_IMAGES
    )
    return CLEAN_TRAIN_IMAGES if any(capped) else None
