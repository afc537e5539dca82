"""A simulator of whole studies: tables of invented numbers whose right conclusion is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from sixteenth.spec.fields import is_frozen

SIZES = {"1/16": 3125, "1/2": 25_000, "1": 50_000}
CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
PARAMETERS = {"resnet18": 11_181_642, "resnet50": 23_528_522}
MODELS = {**PARAMETERS, "resnet34": 21_289_802}


@dataclass
class Study:
    results: pd.DataFrame
    histories: pd.DataFrame
    predictions: dict[str, tuple[Any, Any]]

    def drop(self, run_id: str, status: str, error: str = "") -> Study:
        """The same study with one run that did not finish."""
        results = self.results.copy()
        row = results["run_id"] == run_id
        assert row.sum() == 1
        numbers = [c for c in results if results[c].dtype == float]
        results.loc[row, numbers] = np.nan
        results.loc[row, "status"] = status
        results.loc[row, "error"] = error
        kept = {k: v for k, v in self.predictions.items() if k != run_id}
        return Study(results, self.histories[self.histories["run_id"] != run_id], kept)


def make_study(
    accuracy: Mapping[tuple[str, str], Sequence[float]],
    *,
    fractions: Mapping[str, int] | None = None,
    train: Mapping[tuple[str, str], Sequence[float]] | None = None,
    seeds: Sequence[int] = (0,),
    seed_sd: float | Callable[[float, float], float] = 0.0,
    test_size: int = 10_000,
    final_map: str = "1x1",
    epochs: int = 6,
    generator: int = 0,
    lengths: Mapping[tuple[str, str, str, float], float] | None = None,
) -> Study:
    """A study whose expected accuracies are given for each (model, init), smallest fraction first.

    `lengths` holds those of trainings for a part of the steps, or for more: (model, init, fraction,
    length) -> accuracy. `seed_sd` may be a function of accuracy and images. Images have a
    difficulty that all runs share, so that right answers go together.
    """
    rng = np.random.default_rng(generator)
    fractions = fractions or SIZES
    train = train or {}
    difficulty = rng.normal(size=test_size)
    labels = rng.integers(0, 10, test_size)
    rows, histories, predictions = [], [], {}
    cells: list[tuple[str, str, str, float, float, float | None]] = [
        (model, init, fraction, 1.0, expected, fit)
        for (model, init), values in accuracy.items()
        for fraction, expected, fit in zip(
            fractions, values, train.get((model, init), [None] * len(values)), strict=True
        )
    ]
    cells += [(*key, expected, None) for key, expected in (lengths or {}).items()]
    for model, init, fraction, length, expected, fit in cells:
        size = fractions[fraction]
        for seed in seeds:
            run_id = f"{model}-{init}-{fraction.replace('/', 'of')}-seed{seed}"
            run_id += "" if length == 1 else f"-length{length:g}"
            spread = seed_sd(expected, size) if callable(seed_sd) else seed_sd
            mean = np.clip(expected + rng.normal(0, spread), 0.001, 0.999)
            score = np.sqrt(0.7) * difficulty + np.sqrt(0.3) * rng.normal(size=test_size)
            right = score < stats.norm.ppf(mean)
            wrong = (labels + rng.integers(1, 10, test_size)) % 10
            probabilities = np.full((test_size, 10), 0.01, dtype=np.float32)
            probabilities[np.arange(test_size), np.where(right, labels, wrong)] = 0.91
            predictions[run_id] = (labels, probabilities)
            measured = float(right.mean())
            fitted = float(fit if fit is not None else min(1.0, measured + 0.08))
            steps = length * epochs * -(-size // 128)
            rows.append(
                {
                    "run_id": run_id,
                    "model": model,
                    "init": init,
                    "fraction": fraction,
                    "length": length,
                    "train_size": size,
                    "seed": seed,
                    "status": "finished",
                    "train_accuracy": fitted,
                    "test_accuracy": measured,
                    "test_loss": 2.3 * (1 - measured),
                    "train_loss": 2.3 * (1 - fitted),
                    "test_size": test_size,
                    "parameters": MODELS.get(model, 1000),
                    "train_flops": MODELS.get(model, 1000) * 10.0 * size * epochs * length,
                    "seconds": MODELS.get(model, 1000) / 1e6 * size / 1e3 * length,
                    "feature_seconds": 60.0 if is_frozen(init) else np.nan,
                    "epochs": epochs * length,
                    "steps": steps,
                    "generalisation_gap": fitted - measured,
                    "chosen_by": "last",
                    "final_map": final_map,
                    "error": "",
                }
            )
            if length != 1:
                continue  # its curve is that of the whole run, up to the branch
            part = np.arange(1, epochs + 1) / epochs
            histories.append(
                pd.DataFrame(
                    {
                        "run_id": run_id,
                        "model": model,
                        "init": init,
                        "fraction": fraction,
                        "train_size": size,
                        "seed": seed,
                        "epoch": np.arange(1, epochs + 1),
                        "step": steps * part,
                        "train_loss": 2.3 * (1 - fitted * part**0.5),
                        "train_accuracy": fitted * part**0.5,
                        "test_loss": 2.3 * (1 - measured * part**0.3),
                        "test_accuracy": measured * part**0.3,
                        "test_images": [1000] * (epochs - 1) + [test_size],
                    }
                )
            )
    return Study(pd.DataFrame(rows), pd.concat(histories, ignore_index=True), predictions)


REFERENCE = {
    ("resnet18", "random"): (0.468, 0.650, 0.724),
    ("resnet50", "random"): (0.403, 0.601, 0.690),
    ("resnet18", "imagenet"): (0.645, 0.781, 0.820),
    ("resnet50", "imagenet"): (0.672, 0.812, 0.851),
}
REFERENCE_TRAIN = {
    ("resnet18", "random"): (0.560, 0.712, 0.765),
    ("resnet50", "random"): (0.450, 0.641, 0.718),
    ("resnet18", "imagenet"): (0.880, 0.885, 0.889),
    ("resnet50", "imagenet"): (0.921, 0.925, 0.921),
}


def run_record(
    row: Mapping[str, Any],
    *,
    classes: Sequence[str] = CLASSES,
    train_images: int = 50_000,
    test_images: int = 10_000,
) -> dict[str, Any]:
    """What run.json holds of the run in one row of a results table.

    A table may hold what no record can: then the record is that of an interrupted run.
    """
    status = row["status"]
    if status not in ("running", "failed", "finished") or pd.isna(row["test_accuracy"]):
        status = status if status in ("running", "failed") else "interrupted"
    done = status == "finished"
    size, parameters, epochs = (
        None if pd.isna(row[key]) else int(row[key])
        for key in ("train_size", "parameters", "epochs")
    )
    flops, seconds = (None if pd.isna(row[key]) else row[key] for key in ("train_flops", "seconds"))
    fraction = str(row["fraction"])
    if fraction.isdigit() and fraction != "1":
        fraction += " images"
    return {
        "format": 1,
        "run_id": row["run_id"],
        "spec": {
            "model": row["model"],
            "init": row["init"],
            "fraction": fraction,
            "seed": row["seed"],
        },
        "status": status,
        "error": None if done else {"type": "DivergedError", "message": row["error"]},
        "data": {
            "name": "CIFAR-10",
            "source": "cifar10",
            "fingerprint": "9f2c" * 16,
            "classes": list(classes),
            "train_images": train_images,
            "test_images": test_images,
        },
        "train_size": size,
        "model": {
            "parameters": parameters,
            "train_flops_per_image": 3_400_000_000,
            "final_map": [1, 1],
            "normalisation": None,
            "weights_sha256": "ab" * 32 if row["init"] == "imagenet" else None,
        },
        "environment": {
            "sixteenth": "0.1.0",
            "python": "3.11.9",
            "torch": "2.9.0",
            "torchvision": "0.24.0",
            "numpy": "2.3.0",
            "platform": "Linux",
            "cpu": "A processor",
            "cores": 2,
            "device": "cpu",
        },
        "execution": {
            "device": "cpu",
            "precision": "bfloat16",
            "layout": "channels-last",
            "threads": 2,
        },
        "metrics": {
            "epoch": epochs,
            "chosen_by": "last",
            "train_measured": min(10_000, size or 0),
            "test_accuracy": row["test_accuracy"],
        }
        if done
        else None,
        "train_flops": flops if done else None,
        "seconds": seconds if done else None,
        "started": "2026-03-03T10:00:00+00:00",
        "finished": "2026-03-03T11:00:00+00:00" if done else None,
    }
