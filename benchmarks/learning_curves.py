"""Measured learning curves of other people, as extrapolation tasks.

    LCDB 1.1 (Yan, Mohr, Viering 2025)     27 learners on tabular data sets, mean of 25 splits
    Hoiem et al. 2021, figure 5(a)         deep networks on CIFAR-100, 1 to 10 repeats a size

A task is what a user has, the first sizes of a curve, and what came later.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ILL_BEHAVED = ("TabNet", "QDA")
"""The learners whose curves Yan et al. found the least like learning curves."""
SPLITS = 25
"""Trainings behind each mean error of LCDB."""


@dataclass(frozen=True)
class Task:
    """Fit on `sizes`, predict the error at `size`. Errors are shares in [0, 1].

    Attributes:
        dataset: what a cross-fit must not split.
        errors, stderr: (m,), means and their standard errors.
        size, error: what is to be predicted and what was measured there.
        counts: (m,), trainings behind each error.
        repeats: the single trainings' errors, where they are known.
        chance: error of guessing the most frequent class, where it is known.
    """

    dataset: int
    learner: str
    sizes: Floats
    errors: Floats
    stderr: Floats
    counts: Floats
    size: float
    error: float
    repeats: tuple[Floats, ...] | None = None
    chance: float | None = None


def lcdb(data: Path, divisor: int = 8, least: int = 4) -> list[Task]:
    """LCDB's task N/divisor: fit on sizes up to N/divisor, at least `least` of them, predict N."""
    table = pd.read_parquet(data / "lcdb11" / "curves.parquet").sort_values("train_size")
    tasks = []
    for (dataset, learner), curve in table.groupby(["openml_id", "learner"]):
        n = curve["train_size"].to_numpy(float)
        fitted = n <= n[-1] / divisor
        if fitted.sum() >= least:
            error = curve["error_mean"].to_numpy(float)
            tasks.append(
                Task(
                    dataset=int(dataset),
                    learner=str(learner),
                    sizes=n[fitted],
                    errors=error[fitted],
                    stderr=curve["error_stderr"].to_numpy(float)[fitted],
                    counts=np.full(int(fitted.sum()), float(SPLITS)),
                    size=float(n[-1]),
                    error=float(error[-1]),
                    chance=float(curve["chance_error"].iloc[0]),
                )
            )
    return tasks


def one_repeat(tasks: Sequence[Task], seed: int = 0) -> list[Task]:
    """The same tasks with the noise that a single training has, instead of the mean of 25."""
    rng = np.random.default_rng(seed)
    noisy = []
    for task in tasks:
        stderr = task.stderr * np.sqrt(task.counts)
        errors = task.errors + stderr * rng.standard_normal(len(stderr))
        noisy.append(
            replace(task, errors=np.clip(errors, 0, 1), stderr=stderr, counts=np.ones_like(stderr))
        )
    return noisy


def few_sizes(tasks: Sequence[Task], count: int) -> list[Task]:
    """The same tasks with the last `count` sizes only."""
    return [
        replace(
            t,
            sizes=t.sizes[-count:],
            errors=t.errors[-count:],
            stderr=t.stderr[-count:],
            counts=t.counts[-count:],
        )
        for t in tasks
    ]


def hoiem(data: Path) -> list[Task]:
    """The deep networks that are there: leave out the largest size and predict it.

    Their errors come in percent, their sizes as images per class of CIFAR-100.
    """
    tasks = []
    for number, path in enumerate(sorted((data / "hoiem2021").glob("*.json"))):
        points = sorted(json.loads(path.read_text()), key=lambda p: p["num_train_samples"])
        sizes = np.array([100.0 * p["num_train_samples"] for p in points])
        repeats = [np.array(p["test_errors"]) / 100 for p in points]
        counts = np.array([len(values) for values in repeats], dtype=float)
        freedom = (counts - 1).sum()
        spread = np.sqrt(sum(((v - v.mean()) ** 2).sum() for v in repeats) / freedom)
        errors = np.array([values.mean() for values in repeats])
        tasks.append(
            Task(
                dataset=-number - 1,
                learner=path.stem,
                sizes=sizes[:-1],
                errors=errors[:-1],
                stderr=spread / np.sqrt(counts[:-1]),
                counts=counts[:-1],
                size=sizes[-1],
                error=float(errors[-1]),
                repeats=tuple(repeats[:-1]),
                chance=0.99,
            )
        )
    return tasks


def halves(tasks: Sequence[Task]) -> NDArray[np.bool_]:
    """Which of two halves each task is in; all curves of a data set are in the same one."""
    names = sorted({task.dataset for task in tasks})
    second = set(np.random.default_rng(0).permutation(names)[: len(names) // 2].tolist())
    return np.array([task.dataset in second for task in tasks])
