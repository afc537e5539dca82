"""What an invented study is, and what its tables are made with; `studies` lists them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from simulated_study import CLASSES, Study, make_study, run_record
from sixteenth.analysis.findings.levers import LeverRuns
from sixteenth.report.discussion import Measurements
from sixteenth.storage.run_record import RunRecord
from sixteenth.study.results import machine_kinds

SIZES = {"1/16": 500, "1/2": 4000, "1": 8000}
TWO = {"1/2": 4000, "1": 8000}
ONE = {"1": 8000}
SMALL, BIG = ("resnet18", "random"), ("resnet50", "random")
CLEAN = dict.fromkeys(
    ("leaked_test_images", "duplicates_within_train", "duplicates_within_test"), 0
) | {"conflicting_labels": 0}


@dataclass(frozen=True)
class GoldenStudy:
    """What a report is made from, and what is asked of the study besides."""

    spec: dict[str, Any]
    results: pd.DataFrame
    histories: pd.DataFrame
    runs: list[dict[str, Any]]
    predictions: Mapping[str, tuple[Any, Any]] | None
    targets: tuple[float, ...] = ()
    """Test errors that the advice is asked about."""
    whole: bool = False
    """Whether the whole report is kept; of others its answer and discussion are."""
    figures: bool = False
    """Whether the texts in the figures are kept too; to draw them takes most of the time."""
    html: bool = False
    """Whether the HTML page is kept too; it says the same as report.md in other places."""
    tested: tuple[LeverRuns, ...] = ()
    """What the levers of `explain` measured."""

    def measurements(self) -> Measurements:
        records = [RunRecord.from_dict(run) for run in self.runs]
        return Measurements(self.spec, self.results, self.histories, records)


STUDIES: dict[str, Callable[[], GoldenStudy]] = {}


def golden(make: Callable[[], GoldenStudy]) -> Callable[[], GoldenStudy]:
    """Keep what is said of this study, under its function's name."""
    STUDIES[make.__name__.replace("_", "-")] = make
    return make


@dataclass
class Records:
    """How the runs' records differ from plain ones."""

    classes: Sequence[str] = CLASSES
    checks: dict[str, Any] | None = None
    train_images: int = 8000
    changes: dict[int, dict[str, dict[str, Any]]] = field(default_factory=dict)
    """Position of the run -> section of its record -> values put over those there."""


def complete(
    study: Study,
    *,
    records: Records | None = None,
    paired: bool = True,
    targets: Iterable[float] = (),
    whole: bool = False,
    figures: bool = False,
    html: bool = False,
    train: Mapping[str, Any] | None = None,
    **spec: Any,
) -> GoldenStudy:
    """Tables as a study of its own: with a study file and the records of its runs.

    Args:
        study: the tables and predictions.
        records: how the runs' records differ from plain ones.
        paired: whether the predictions are handed on.
        targets: test errors that the advice is asked about.
        whole: whether the whole report is kept, or only answer and discussion.
        figures: whether the texts in the figures are kept.
        html: whether the HTML page is kept.
        train: over the `train` section of the study file.
        spec: over its other values.
    """
    records, results = records or Records(), study.results
    written = {
        "name": "A study",
        "data": "cifar10",
        "image_size": 32,
        "models": list(dict.fromkeys(results["model"])),
        "init": list(dict.fromkeys(results["init"])),
        "fractions": list(dict.fromkeys(results["fraction"])),
        "seeds": sorted({int(seed) for seed in results["seed"]}),
        "subsets": "nested",
        "expect": "bigger-is-better",
        "stem": "default",
        "train": {"epochs": 6, "schedule": "one-cycle"} | dict(train or {}),
    } | spec
    runs = []
    for row in results.to_dict("records"):
        if row["status"] == "missing" or row["length"] != 1:
            continue  # a shorter training is a branch of a run and has no record of its own
        run = run_record(
            row,
            classes=records.classes,
            train_images=records.train_images,
            test_images=len(next(iter(study.predictions.values()), [[]])[0]) or 1000,
        )
        run["train_loss"] = "cross-entropy"
        if records.checks is not None:
            run["data_checks"] = records.checks
        runs.append(run)
    for position, sections in records.changes.items():
        for section, values in sections.items():
            runs[position][section] = (runs[position].get(section) or {}) | values
    trained_on = machine_kinds({run["run_id"]: RunRecord.from_dict(run) for run in runs})
    results["machine"] = [trained_on.get(run_id, "") for run_id in results["run_id"]]
    return GoldenStudy(
        written,
        results,
        study.histories,
        runs,
        study.predictions if paired else None,
        tuple(targets),
        whole,
        figures,
        html,
    )


def arms(
    *,
    fractions: Mapping[str, int] = SIZES,
    seeds: Sequence[int] = (0,),
    test_size: int = 500,
    final_map: str = "4x4",
    train: Mapping[tuple[str, str], Sequence[float]] | None = None,
    seed_sd: float = 0.0,
    epochs: int = 6,
    generator: int = 0,
    lengths: Mapping[tuple[str, str, str, float], float] | None = None,
    **accuracy: Sequence[float],
) -> Study:
    """`make_study` with arms as words: ``small`` and ``big`` from random weights, ``small_pre`` and
    ``big_pre`` from ImageNet weights."""
    names = {
        "small": SMALL,
        "big": BIG,
        "small_pre": ("resnet18", "imagenet"),
        "big_pre": ("resnet50", "imagenet"),
    }
    return make_study(
        {names[word]: values for word, values in accuracy.items()},
        fractions=fractions,
        train=train,
        seeds=seeds,
        seed_sd=seed_sd,
        test_size=test_size,
        final_map=final_map,
        epochs=epochs,
        generator=generator,
        lengths=lengths,
    )


def exact(
    errors: Sequence[float], *, model: str = "resnet18", fractions: Mapping[str, int] = SIZES
) -> Study:
    """One model whose measured test errors are these, to the letter."""
    study = make_study(
        {(model, "random"): [1 - error for error in errors]}, fractions=fractions, test_size=400
    )
    study.results["test_accuracy"] = [1 - error for error in errors]
    study.results["generalisation_gap"] = (
        study.results["train_accuracy"] - study.results["test_accuracy"]
    )
    return study


def without(study: Study, kept: Callable[[pd.Series[Any]], bool]) -> Study:
    """The same study with only the runs of which `kept` is true planned at all."""
    results = study.results[study.results.apply(kept, axis=1)].reset_index(drop=True)
    ids = set(results["run_id"])
    histories = study.histories[study.histories["run_id"].isin(ids)]
    predictions = {key: value for key, value in study.predictions.items() if key in ids}
    return Study(results, histories, predictions)


def levelled(study: Study) -> Study:
    """The same study, whose training accuracies no longer rise at the end."""
    curve = np.array([0.2, 0.5, 0.66, 0.68, 0.681, 0.68])
    study.histories["train_accuracy"] = curve[study.histories["epoch"] - 1]
    return study


def losses_rise(study: Study, run_ids: Iterable[str]) -> Study:
    """In these runs test loss is lowest in the third epoch, and training loss falls on."""
    rising = study.histories["run_id"].isin(list(run_ids))
    bottom = study.histories["epoch"] == 3
    study.histories.loc[rising & bottom, "test_loss"] *= 0.4
    study.histories["test_images"] = int(study.results["test_size"].max())
    return study
