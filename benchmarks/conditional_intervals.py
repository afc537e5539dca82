"""Intervals whose width is learned from the shape of the curve, beside the ones in use.

    python -m benchmarks.conditional_intervals --data CURVES --every 3    # minutes

Conformalised quantile regression (Romano, Patterson & Candes 2019, NeurIPS): boosted trees learn
the 5 and 95% quantiles of what the forecast misses by, in units of the interval in use, from the
shape of the curve; then both are stretched by the factor with which they cover 90% of the curves of
data sets that the trees have not seen. Trees and factor are learned on the half of the data sets
that is not scored.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor

from .calibrate import LEVEL, fit, situations, winkler
from .cross_fitted import PRIORS
from .learning_curves import Task, halves, lcdb

Floats = NDArray[np.float64]
TAIL = (1 - LEVEL) / 2
FOLDS = 3


def row(task: Task, second: bool) -> tuple[list[float], list[float]]:
    """The shape of a curve, and the low end, middle and high end of its interval in use."""
    curve = fit(task, PRIORS[0 if second else 1])
    size = np.array([float(task.size)])
    low, middle, high = curve._posterior.quantile(
        size, np.array([TAIL, 0.5, 1 - TAIL]), noise=curve.new_noise
    )[0]
    width, last = max(high - low, 1e-5), float(task.errors[-1])
    drops = np.abs(np.diff(task.errors[-3:]))
    path = float(np.abs(np.diff(task.errors)).sum() - abs(task.errors[0] - last))
    shape = [
        np.log(len(task.errors)),
        np.log(max(last, 0.002)),
        np.log(np.clip(last / max(task.chance or 1, 0.01), 0.02, 1.3)),
        np.log(max(drops[-1], 1e-4) / width),
        np.log(max(drops[0], 1e-4) / width),
        float(task.errors[-2] < last),
        np.log(task.stderr[-1] / width + 0.02),
        np.log(path / width + 0.02),
        np.log(-curve.gamma + 1e-3),
        curve.alpha / max(last, 1e-3),
        np.log(size[0] / task.sizes[-1]),
        np.log(width / np.sqrt(max(last * (1 - last), 1e-4))),
        np.log(task.sizes[-1]),
    ]
    return [float(value) for value in shape], [float(low), float(middle), float(high)]


def learned(
    shapes: Floats, ends: Floats, actual: Floats, groups: NDArray[np.int64], asked: Floats
) -> tuple[Floats, float]:
    """Conformal quantiles (len(asked), 2) of the miss in units of the width, and the factor."""
    width = np.maximum(ends[:, 2] - ends[:, 0], 1e-4)
    missed = (actual - ends[:, 1]) / width

    def quantiles(inside: NDArray[np.bool_], at: Floats) -> Floats:
        found = []
        for level in (TAIL, 1 - TAIL):
            trees = HistGradientBoostingRegressor(
                loss="quantile",
                quantile=level,
                max_iter=100,
                learning_rate=0.05,
                max_leaf_nodes=8,
                min_samples_leaf=60,
                random_state=0,
            )
            trees.fit(shapes[inside], missed[inside], sample_weight=width[inside])
            found.append(trees.predict(at))
        return np.stack([np.minimum(found[0], -1e-3), np.maximum(found[1], 1e-3)], axis=1)

    scores = np.empty(len(missed))
    for fold in range(FOLDS):
        out = groups % FOLDS == fold
        low, high = quantiles(~out, shapes[out]).T
        scores[out] = np.maximum(missed[out] / low, missed[out] / high)
    factor = float(np.quantile(scores, LEVEL))
    return factor * quantiles(np.ones(len(missed), bool), asked), factor


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, metavar="K", help="every Kth curve only")
    options = parser.parse_args()
    kept = situations(lcdb(options.data)[:: options.every])
    tasks = [task for some in kept for task in some]
    situation = np.repeat(range(len(kept)), [len(some) for some in kept])
    second = halves(tasks)
    names = sorted({task.dataset for task in tasks})
    groups = np.array([names.index(task.dataset) for task in tasks])
    rows = [row(task, bool(here)) for task, here in zip(tasks, second, strict=True)]
    shapes, ends = (np.array(part) for part in zip(*rows, strict=True))
    actual = np.array([task.error for task in tasks])
    new = np.empty((len(tasks), 2))
    for half in (False, True):
        learn, score = second != half, second == half
        sides, factor = learned(
            shapes[learn], ends[learn], actual[learn], groups[learn], shapes[score]
        )
        width = np.maximum(ends[score, 2] - ends[score, 0], 1e-4)
        new[score] = np.clip(ends[score, 1:2] + sides * width[:, None], 0, 1)
        print(f"half {int(half)}: stretched by {factor:.2f}")
    print("| situation | intervals | covers | Winkler | median width |\n|---|---|---|---|---|")
    for index in range(len(kept)):
        inside = situation == index
        for name, low, high in (
            ("in use", ends[inside, 0], ends[inside, 2]),
            ("learned", *new[inside].T),
        ):
            covers = ((low <= actual[inside]) & (actual[inside] <= high)).mean()
            score = winkler(low, high, actual[inside]).mean()
            print(
                f"| {index} | {name} | {100 * covers:.1f} | {100 * score:.1f} "
                f"| {100 * np.median(high - low):.1f} |"
            )


if __name__ == "__main__":
    main()
