"""Invented studies whose classes have other numbers of images and are known unequally well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from simulated_study import PARAMETERS, SIZES, Study

Recalls = Mapping[tuple[str, str], Sequence[Sequence[float]]]
"""(model, init) -> for each size, the expected recall of each class."""


def classes_study(
    recalls: Recalls,
    test_images: Sequence[int],
    *,
    seeds: Sequence[int] = (0,),
    spread: float = 0.0,
    generator: int = 0,
    hard: float = 0.7,
) -> Study:
    """A study of all sizes of `SIZES` whose predictions have these expected recalls.

    Args:
        test_images: of each class.
        spread: standard deviation of the recalls between trainings.
        hard: part of an image's difficulty that all trainings share.
    """
    rng = np.random.default_rng(generator)
    labels = np.repeat(np.arange(len(test_images)), test_images)
    difficulty = rng.normal(size=len(labels))
    rows, predictions = [], {}
    for (model, init), by_size in recalls.items():
        for (fraction, size), expected in zip(SIZES.items(), by_size, strict=True):
            for seed in seeds:
                own = np.clip(
                    np.asarray(expected) + rng.normal(0, spread, len(expected)), 1e-3, 1 - 1e-3
                )
                noise = rng.normal(size=len(labels))
                score = np.sqrt(hard) * difficulty + np.sqrt(1 - hard) * noise
                right = score < stats.norm.ppf(own)[labels]
                run_id = f"{model}-{init}-{fraction.replace('/', 'of')}-seed{seed}"
                predictions[run_id] = labels, probabilities(labels, right, len(test_images))
                rows.append(
                    {
                        "run_id": run_id,
                        "model": model,
                        "init": init,
                        "fraction": fraction,
                        "length": 1.0,
                        "train_size": size,
                        "seed": seed,
                        "status": "finished",
                        "train_accuracy": min(1.0, float(right.mean()) + 0.05),
                        "test_accuracy": float(right.mean()),
                        "test_size": len(labels),
                        "parameters": PARAMETERS[model],
                        "steps": size / 100,
                        "epochs": 10,
                        "train_flops": np.nan,
                        "seconds": np.nan,
                        "error": "",
                        "chosen_by": "last",
                        "final_map": "4x4",
                        "test_loss": np.nan,
                        "train_loss": np.nan,
                        "train_measured": size,
                    }
                )
    return Study(pd.DataFrame(rows), pd.DataFrame({"run_id": []}), predictions)


def probabilities(
    labels: NDArray[np.int64], right: NDArray[np.bool_], classes: int
) -> NDArray[np.float32]:
    """Predictions that are right where they should be, and name the next class elsewhere."""
    found = np.full((len(labels), classes), 0.1 / classes, dtype=np.float32)
    found[np.arange(len(labels)), np.where(right, labels, (labels + 1) % classes)] = 0.9
    return found
