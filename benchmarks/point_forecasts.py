"""Would another point forecast of the learning-curve fit err less? The same fits, read otherwise.

    python -m benchmarks.point_forecasts --data CURVES     # two minutes

Tasks and cross-fitting are those of `benchmarks.extrapolation`. A row with a constant learns it on
the half of the data sets that it is not scored on: of the values listed, the one with the least
median and mean |error|, each relative to that of the forecast in use, over the four situations.
Printed are the median, mean and 90th percentile of |error| in percentage points.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sixteenth.analysis.curves.points import read_points
from sixteenth.analysis.curves.power_laws import Prior

from . import estimators
from .calibrate import fit
from .cross_fitted import PRIORS
from .extrapolation import situations
from .learning_curves import Task, halves

Floats = NDArray[np.float64]

USED = "the power law (in use)"
SQUARED = "n^2 weights"
READINGS = (USED, "the median curve", "the median of the interval", "the mean of the mixture")
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
POWERS = (0.5, 0.7, 0.85, 1.0, 1.2, 1.5)
MOVES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25)


def readings(task: Task, prior: Prior) -> tuple[float, ...]:
    """The forecasts of one fit, in the order of `READINGS`."""
    curve = fit(task, prior)
    found, n = curve._posterior, np.array([task.size])
    middle = found.quantile(n, np.array([0.5]), noise=curve.new_noise)[0, 0]
    means, _ = found.curves(n)
    return (
        float(curve.predict(task.size)),
        float(found.median_curve(n)[0]),
        float(middle),
        float((means @ found.weight)[0]),
    )


def scaled_power(task: Task, prior: Prior, factor: float) -> float:
    """The forecast in use, with a misfit that grows `factor` times as fast to small sizes."""
    changed = replace(prior, misfit_power=prior.misfit_power * factor)
    return float(fit(task, changed).predict(task.size))


def near_guessing(task: Task) -> bool:
    """Whether the last error is close to that of guessing."""
    return read_points(task.sizes, task.errors, task.stderr, None, task.chance).guessing


def scores(forecasts: Floats, actual: Floats) -> Floats:
    """Median, mean and 90th percentile of |error|, in points."""
    distance = 100 * np.abs(np.clip(forecasts, 0, 1) - actual)
    return np.array([np.median(distance), distance.mean(), np.quantile(distance, 0.9)])


def learned(
    tried: Sequence[Sequence[Floats]],
    used: Sequence[Floats],
    actual: Sequence[Floats],
    second: Sequence[NDArray[np.bool_]],
) -> tuple[list[Floats], list[int]]:
    """Each half with the constant that is best on the other one.

    Args:
        tried: forecasts (tasks,) by constant and situation. used, actual, second: by situation.

    Returns:
        The forecasts by situation, and which constant the first and the second half got.
    """
    places = []
    for half in (False, True):
        others = [here != half for here in second]

        def loss(
            forecasts: Sequence[Floats], others: Sequence[NDArray[np.bool_]] = others
        ) -> float:
            parts = [
                scores(f[o], a[o])[:2] / scores(u[o], a[o])[:2]
                for f, u, a, o in zip(forecasts, used, actual, others, strict=True)
            ]
            return float(np.mean(parts))

        places.append(int(np.argmin([loss(forecasts) for forecasts in tried])))
    return [
        np.where(here, tried[places[1]][i], tried[places[0]][i]) for i, here in enumerate(second)
    ], places


def main() -> None:
    """Print one row a forecast."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, metavar="K", help="every Kth curve only")
    options = parser.parse_args()
    kept = {
        name: tasks
        for name, tasks in situations(options.data, options.every).items()
        if "without" not in name and "deep" not in name
    }
    second = [halves(tasks) for tasks in kept.values()]
    actual = [np.array([task.error for task in tasks]) for tasks in kept.values()]

    def forecasts(one: Callable[[Task, Prior], float | tuple[float, ...]]) -> list[Floats]:
        return [
            np.array([one(t, PRIORS[0 if there else 1]) for t, there in zip(ts, here, strict=True)])
            for ts, here in zip(kept.values(), second, strict=True)
        ]

    read = forecasts(readings)
    rows = {name: [table[:, i] for table in read] for i, name in enumerate(READINGS)}
    used = rows[USED]
    squared = forecasts(lambda task, _: estimators.squared_sizes(task).error)
    rows[SQUARED] = squared

    def best(name: str, values: Sequence[float], tried: Sequence[Sequence[Floats]]) -> None:
        found, places = learned(tried, used, actual, second)
        chosen = " and ".join(f"{values[place]:g}" for place in places)
        rows[f"{name} (learned: {chosen})"] = found

    blends = [[s * q + (1 - s) * u for q, u in zip(squared, used, strict=True)] for s in SHARES]
    best("share of n^2 weights", SHARES, blends)
    powers = [
        used if x == 1 else forecasts(lambda t, p, x=x: scaled_power(t, p, x))  # type: ignore[misc]
        for x in POWERS
    ]
    best("misfit power, times", POWERS, powers)
    near = [np.array([near_guessing(task) for task in tasks]) for tasks in kept.values()]
    last = [np.array([task.errors[-1] for task in tasks]) for tasks in kept.values()]
    moves = [
        [np.where(n, e + x * (u - e), u) for n, e, u in zip(near, last, used, strict=True)]
        for x in MOVES
    ]
    best("near guessing, times the forecast's move", MOVES, moves)

    print(f"| forecast | {' | '.join(kept)} |\n| --- |{' ---: |' * len(kept)}")
    for name, row in rows.items():
        cells = [scores(f, a) for f, a in zip(row, actual, strict=True)]
        print(f"| {name} | {' | '.join(f'{x:.2f} / {y:.2f} / {z:.1f}' for x, y, z in cells)} |")


if __name__ == "__main__":
    main()
