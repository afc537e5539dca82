"""Real measurements as studies with a truth: LCDB 1.1's learners, and docs/results with parts held
back.

Of LCDB's curves (Yan, Mohr & Viering 2025) the means of 25 splits are taken for the truth. A study
that was run once has no truth: there a measurement that was held back stands for it, with the
noise of its own training and test images.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sixteenth.analysis import analyse

from .first_screen import Arm, read


@dataclass(frozen=True)
class TableTruth:
    """Measured means of many trainings, instead of a law; NaN where nothing was measured.

    Attributes:
        means, spreads: by arm and images.
    """

    means: Mapping[tuple[Arm, float], float]
    spreads: Mapping[tuple[Arm, float], float]

    @property
    def arms(self) -> tuple[Arm, ...]:
        return tuple(dict.fromkeys(arm for arm, _ in self.means))

    def accuracy(self, arm: Arm, images: float, length: float = 1.0) -> float:
        return self.means.get((arm, images), math.nan) if length == 1 else math.nan

    def images_alone(self, arm: Arm, few: float, many: float) -> float:
        """Not known: no steps are told."""
        return math.nan

    def spread(self, arm: Arm, images: float) -> float:
        return self.spreads[arm, images]


def lcdb_studies(data: Path, seeds: int) -> Iterator[tuple[pd.DataFrame, TableTruth]]:
    """Two pairs of learners of each data set as small and big model, at N/16, N/2 and N; 2 N is
    known too.

    A table has means of 25 splits and their standard errors. Single trainings are drawn: five
    standard errors is how far splits scatter, of which the test images (an eighth of the training
    images of all) are a part and other trainings the rest.
    """
    rng = np.random.default_rng(0)
    table = pd.read_parquet(data / "lcdb11" / "curves.parquet")
    for _, curves in table.groupby("openml_id"):
        errors, stderr = (
            curves.pivot_table(index="train_size", columns="learner", values=values)
            for values in ("error_mean", "error_stderr")
        )
        full = max(
            (n for n in errors.index if n & (n - 1) == 0 and 2 * n in errors.index), default=0
        )
        wanted = [full // 16, full // 2, full, 2 * full]
        if full < 512 or not set(wanted) <= set(errors.index):
            continue
        known = errors.loc[wanted].dropna(axis=1).columns.to_numpy()
        tested = errors.index.max() // 8
        for _ in range(2 if len(known) > 1 else 0):
            pair = rng.choice(known, 2, replace=False)
            points = {((name, "random"), float(n)): (name, n) for name in pair for n in wanted}
            means = {key: 1 - float(errors.loc[n, name]) for key, (name, n) in points.items()}
            spreads = {}
            for key, (name, n) in points.items():
                images = means[key] * (1 - means[key]) / tested
                spreads[key] = math.sqrt(max(0.0, (5 * stderr.loc[n, name]) ** 2 - images))
            rows = [
                {
                    "model": arm[0],
                    "train_size": int(n),
                    "steps": 0,  # these learners are fitted to their end, as heads are
                    "seed": seed,
                    "parameters": 1 + list(pair).index(arm[0]),
                    "test_size": tested,
                    "test_accuracy": rng.binomial(
                        tested, np.clip(rng.normal(mean, spreads[arm, n]), 0, 1)
                    )
                    / tested,
                }
                for (arm, n), mean in means.items()
                if n <= full
                for seed in range(seeds)
            ]
            yield pd.DataFrame(rows), TableTruth(means, spreads)


def held_back(folder: Path) -> Iterator[tuple[str, float, float, float]]:
    """Of a study that was run: name, low and high end, and what was measured.

    The last doubling of each model and init is forecast from the sizes before it. The interval of
    an accuracy is taken without one of a cell's seeds, whose accuracy is then what was measured.
    """
    results = pd.read_csv(folder / "results.csv")
    results = results[results["status"] == "finished"]
    if "length" in results:
        results = results[results["length"] == 1]
    for (model, init), curve in results.groupby(["model", "init"]):
        means = curve.groupby("train_size")["test_accuracy"].mean()
        if len(means) < 3:
            continue
        before, most = curve[curve["train_size"] < means.index[-1]], means.index[-1]
        for each in read(analyse(before)).options:
            if each.forecast and each.kind == "data" and each.plus[1] == most:
                gain = means[most] - means[each.minus[1]]
                name = f"{folder.name}: {model} {init}, gain to {most:,.0f} images"
                yield name, each.low, each.high, gain
    for _, cell in results.groupby(["model", "init", "fraction"]):
        for left_out in cell.index if len(cell) > 1 else ():
            kept = cell.drop(left_out)
            for _, _, low, high in read(analyse(kept)).cells:
                name = f"{folder.name}: {kept['model'].iloc[0]}, seed {cell.loc[left_out, 'seed']}"
                yield name, low, high, cell.loc[left_out, "test_accuracy"]
