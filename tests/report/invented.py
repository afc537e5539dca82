"""A small invented study in the form of the tables that a study room hands to a report.

Two models (one with a hostile name), two inits, three fractions, three seeds; one run diverged, one
was never started. The numbers follow smooth curves and mean nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd

from simulated_study import run_record
from sixteenth.analysis import Findings
from sixteenth.language import language_for
from sixteenth.language.base import Discussion
from sixteenth.report.discussion import Measurements, analyse_study
from sixteenth.report.page.build import build_report, report_files
from sixteenth.spec.fields import STOPPED
from sixteenth.storage.run_record import RunRecord

HOSTILE = "lab.nets:<script>alert(1)</script>|`x`&$y$"
HOSTILE_CLASS = "cat|<img src=http://evil.example/x onerror=alert(1)>&`dog`"
FRACTIONS = {"1/16": 3125, "1/2": 25000, "1": 50000}
TEST_SIZE = 10_000


@dataclass
class Invented:
    """A study as tables, the contents of its run.json files, and predictions."""

    spec: dict[str, Any]
    results: pd.DataFrame
    histories: pd.DataFrame
    runs: list[dict[str, Any]]
    predictions: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    def measurements(self) -> Measurements:
        records = [RunRecord.from_dict(run) for run in self.runs]
        return Measurements(self.spec, self.results, self.histories, records)

    def findings(self) -> Findings:
        return analyse_study(self.measurements(), self.predictions or None)

    def discussion(self) -> Discussion:
        found = self.findings()
        return language_for(found).discuss(found)

    def report(self, folder: Path) -> Path:
        """Build the report in a folder, and return the path of its page."""
        found = self.findings()
        return build_report(folder, self.measurements(), found, language_for(found))

    def page(self, folder: Path, tag: str = "en") -> Path:
        """As `report`, in any language; the pictures beside the page, which it does not show, are
        empty files."""
        found = self.findings()
        with mock.patch("sixteenth.report.page.build.png", return_value=b""):
            return build_report(folder, self.measurements(), found, language_for(found, tag))

    def report_files(self) -> dict[str, bytes]:
        """The report's files, by their path in the folder."""
        found = self.findings()
        return report_files(self.measurements(), found, language_for(found))


def invented_study(
    *,
    models: tuple[str, ...] = ("resnet18", HOSTILE),
    inits: tuple[str, ...] = ("random", "imagenet"),
    seeds: tuple[int, ...] = (0, 1, 2),
    fractions: dict[str, int] = FRACTIONS,
    name: str = "Demo <b>study</b> | one",
    failed: tuple[tuple[str, str, str, int], ...] = ((HOSTILE, "random", "1/16", 1),),
    missing: tuple[tuple[str, str, str, int], ...] = (("resnet18", "imagenet", "1", 2),),
    epochs: int = 6,
) -> Invented:
    """Make the tables; `failed` and `missing` name cells by (model, init, fraction, seed)."""
    rng = np.random.default_rng(7)
    spec: dict[str, Any] = {
        "name": name,
        "data": "cifar10",
        "image_size": 32,
        "models": list(models),
        "init": list(inits),
        "fractions": list(fractions),
        "seeds": list(seeds),
        "subsets": "nested",
        "expect": "bigger-is-better",
        "stem": "default",
        "train": {"epochs": epochs, "label_smoothing": 0.1, "schedule": "one-cycle"},
    }
    rows, epochs_rows, runs = [], [], []
    for fraction, size in fractions.items():
        for seed in seeds:
            for j, init in enumerate(inits):
                for i, model in enumerate(models):
                    cell = (model, init, fraction, seed)
                    status = "finished"
                    if cell in failed:
                        status = "failed"
                    if cell in missing:
                        status = "missing"
                    row = _row(cell, size, status, epochs, i, j, rng)
                    rows.append(row)
                    if status != "missing":
                        runs.append(
                            run_record(row, classes=("airplane", "automobile", HOSTILE_CLASS))
                        )
                    if status == "finished":
                        epochs_rows += _history(row, epochs)
    return Invented(spec, pd.DataFrame(rows), pd.DataFrame(epochs_rows), runs)


def stopped_study(seeds: tuple[int, ...] = (0,)) -> Invented:
    """A network and three fractions; on all images its last seed was stopped while still gaining,
    and others have not begun."""
    last = ("resnet18", "random", "1")
    study = invented_study(
        models=("resnet18",),
        inits=("random",),
        seeds=seeds,
        failed=(),
        missing=tuple((*last, seed) for seed in seeds[:-1]),
    )
    stopped = (study.results["fraction"] == "1") & (study.results["status"] == "finished")
    study.results.loc[stopped, ["status", "chosen_by"]] = ["interrupted", STOPPED]
    study.runs[-1]["status"] = "interrupted"
    return study


def _row(
    cell: tuple[str, str, str, int],
    size: int,
    status: str,
    epochs: int,
    i: int,
    j: int,
    rng: np.random.Generator,
) -> dict[str, Any]:
    model, init, fraction, seed = cell
    done = status == "finished"
    error = 1.9 * size ** (-0.2 - 0.015 * i) * (0.72 if j else 1.0) + 0.03 * i * (1 - j)
    test = float(np.clip(1 - error + rng.normal(0, 0.006), 0.1, 0.99)) if done else np.nan
    train = min(0.999, test + 3.5 * size**-0.4) if done else np.nan
    return {
        "run_id": f"m{i}-{init}-{fraction.replace('/', 'of')}-seed{seed}",
        "model": model,
        "init": init,
        "fraction": fraction,
        "train_size": size if status != "missing" else np.nan,
        "seed": seed,
        "status": status,
        "train_accuracy": train,
        "test_accuracy": test,
        "test_loss": 2.3 * (1 - test) if done else np.nan,
        "train_loss": 2.3 * (1 - train) if done else np.nan,
        "test_size": TEST_SIZE if done else np.nan,
        "parameters": (11_181_642, 23_528_522, 5_000_000, 7_000_000)[i % 4]
        if status != "missing"
        else np.nan,
        "train_flops": (3.4e9 + 4e9 * i) * size * epochs if done else np.nan,
        "seconds": 0.004 * size * (1 + i) if done else np.nan,
        "epochs": epochs if done else np.nan,
        "steps": epochs * size // 128 if done else np.nan,
        "generalisation_gap": train - test,
        "chosen_by": "last" if done else None,
        "final_map": "1x1",
        "error": "DivergedError: the loss became NaN at step 40 <b>|" if status == "failed" else "",
    }


def _history(row: dict[str, Any], epochs: int) -> list[dict[str, Any]]:
    lines = []
    for epoch in range(1, epochs + 1):
        grown = 1 - np.exp(-2.5 * epoch / epochs)
        last = epoch == epochs
        train, test = row["train_accuracy"] * grown, row["test_accuracy"] * grown
        lines.append(
            {
                **{k: row[k] for k in _KEYS},
                "epoch": epoch,
                "step": epoch * row["train_size"] // 128,
                "images": epoch * row["train_size"],
                "learning_rate": 0.05 * (1 - epoch / epochs),
                "train_loss": 2.4 * (1 - train) + 0.3,
                "train_accuracy": train,
                "test_loss": 2.4 * (1 - test) * (6 if epoch == 1 and row["seed"] == 1 else 1),
                "test_accuracy": row["test_accuracy"] if last else test,
                "test_images": TEST_SIZE if last else 2000,
                "validation_loss": np.nan,
                "validation_accuracy": np.nan,
                "seconds": row["seconds"] / epochs,
            }
        )
    return lines


_KEYS = ("run_id", "model", "init", "fraction", "train_size", "seed")
