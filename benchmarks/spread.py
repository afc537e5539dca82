"""How much trainings differ, and how that falls with the images: what the assumed law rests on.

    python -m benchmarks.spread                  # the cells in docs/results with repeats: seconds
    python -m benchmarks.spread --data FOLDER    # and the curves in FOLDER/lcdb11

The factor of a cell is the standard deviation between its trainings, without the part of the test
images, over sqrt(p (1 - p)) for accuracy p: what `assumed_deviation` says for n images. The fall of
a curve is the exponent d of a power law n^-d through its factors. LCDB 1.1 (Yan, Mohr & Viering
2025) tells standard errors over 25 splits, each with test images of its own, an eighth as many as
the largest training set has images. Sizes at which the test images are more than half of the
variance are left out, and so are curves with fewer than `LEAST_SIZES` others, or a range of them
below `LEAST_RANGE`.

How unlike two models trained alike are is told by pairs of learners on the same data: the standard
deviation of the logarithm of a learner's factor around that of its data set, as its factor is the
mean over the sizes that are left of the observed over the assumed.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sixteenth.analysis.inputs.grid import TEST_NOISE
from sixteenth.analysis.inputs.trainings import assumed_deviation

from .learning_curves import SPLITS

LEAST_SIZES, LEAST_RANGE = 3, 8.0
TEST_SHARE = 1 / 8
FOLDER = Path(__file__).parents[1] / "docs/results"
CELL = ["model", "init", "train_size"]
FAMILIES: dict[str, tuple[str, ...]] = {
    "all": (),
    "neural networks": ("MLP", "RealMLP", "TabNet"),
    "ensembles of trees": (
        *("CatBoost", "ens.ExtraTrees", "ens.GradientBoosting", "ens.RandomForest"),
    ),
}
"""Learners of LCDB 1.1 of one kind."""


@dataclass(frozen=True)
class Repeated:
    """The trainings of one cell.

    Attributes:
        deviation: standard deviation between them, test images included.
        factor: the same without the test images, over sqrt(p (1 - p)); 0 where that is all of it.
        assumed: the factor that is assumed.
    """

    name: str
    images: int
    trainings: int
    accuracy: float
    deviation: float
    factor: float
    assumed: float


def repeated(results: pd.DataFrame) -> Iterator[Repeated]:
    """The cells of a results table with two trainings or more, of whole runs that finished."""
    whole = results[results["status"] == "finished"]
    if "length" in whole:
        whole = whole[whole["length"] == 1]
    for (model, init, images), runs in whole.groupby(CELL):
        if len(runs) < 2:
            continue
        accuracies = runs["test_accuracy"].to_numpy(float)
        p, variance = float(accuracies.mean()), float(accuracies.var(ddof=1))
        noise = TEST_NOISE * p * (1 - p) / float(runs["test_size"].mean())
        scale = math.sqrt(p * (1 - p))
        yield Repeated(
            name=f"{model}, {init}",
            images=int(images),
            trainings=len(runs),
            accuracy=p,
            deviation=math.sqrt(variance),
            factor=math.sqrt(max(0.0, variance - noise)) / scale,
            assumed=assumed_deviation(p, images) / scale,
        )


def told_squares(curve: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The sizes of a curve whose test images are not most of the variance, and squared factors."""
    n, error = (curve[name].to_numpy(float) for name in ("train_size", "error_mean"))
    share = error * (1 - error)
    with np.errstate(divide="ignore", invalid="ignore"):
        whole = SPLITS * curve["error_stderr"].to_numpy(float) ** 2 / share
    squares = whole - 1 / (TEST_SHARE * n.max())
    told = (share > 0) & (squares > whole / 2)
    return n[told], squares[told]


def falls(table: pd.DataFrame) -> dict[str, list[float]]:
    """Learner -> the fall of each of its curves; `table` is LCDB's."""
    found: dict[str, list[float]] = {}
    for (_, learner), curve in table.groupby(["openml_id", "learner"]):
        n, squares = told_squares(curve)
        if len(n) >= LEAST_SIZES and n.max() >= LEAST_RANGE * n.min():
            slope = np.polyfit(np.log(n), np.log(squares) / 2, 1)[0]
            found.setdefault(str(learner), []).append(-float(slope))
    return found


def unlike(table: pd.DataFrame, learners: Collection[str] = ()) -> tuple[int, float]:
    """Pairs of learners on one data set, of all or of these, and how unlike their factors are.

    Returns:
        The number of pairs, and the standard deviation of the logarithm of a factor around that of
        its data set: that of the differences over the root of 2.
    """
    logs: dict[int, list[float]] = {}
    for (data, learner), curve in table.groupby(["openml_id", "learner"]):
        n, squares = told_squares(curve)
        if (not learners or learner in learners) and len(n) >= LEAST_SIZES:
            assumed = [assumed_deviation(0.5, images) / 0.5 for images in n]
            logs.setdefault(data, []).append(float(np.mean(np.log(np.sqrt(squares) / assumed))))
    pairs = [a - b for each in logs.values() for a, b in combinations(each, 2)]
    return len(pairs), float(np.sqrt(np.mean(np.square(pairs)) / 2))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder that holds lcdb11")
    options = parser.parse_args()
    print("| study | cell | images | trainings | accuracy | deviation | factor | assumed |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for path in sorted(FOLDER.glob("*/results.csv")):
        for cell in repeated(pd.read_csv(path)):
            print(
                f"| {path.parent.name} | {cell.name} | {cell.images:,} | {cell.trainings} "
                f"| {cell.accuracy:.1%} | {100 * cell.deviation:.2f} | {cell.factor:.3f} "
                f"| {cell.assumed:.3f} |"
            )
    if options.data is None:
        return
    table = pd.read_parquet(options.data / "lcdb11" / "curves.parquet")
    found = falls(table)
    print("\n| learner | curves | 5% | 16% | median | 84% | 95% |")
    print("| --- |" + " ---: |" * 6)
    every = {"all": [each for curves in found.values() for each in curves]}
    for learner, curves in (every | found).items():
        ends = np.quantile(curves, [0.05, 0.16, 0.5, 0.84, 0.95])
        print(f"| {learner} | {len(curves)} |" + "".join(f" {each:.2f} |" for each in ends))
    print("\n| learners of one data set | pairs | deviation |\n| --- | ---: | ---: |")
    for name, learners in FAMILIES.items():
        pairs, deviation = unlike(table, learners)
        print(f"| {name} | {pairs:,} | {deviation:.2f} |")


if __name__ == "__main__":
    main()
