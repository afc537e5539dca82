"""Score Sixteenth's learning-curve fit beside the published ones: one table.

    python -m benchmarks.extrapolation --data CURVES             # about 5 minutes
    python -m benchmarks.extrapolation --data CURVES --every 3   # every third curve
    python -m benchmarks.extrapolation --data CURVES --quick     # every 20th curve

`--data` is a folder with lcdb11/curves.parquet (LCDB 1.1, task N/8: fit on sizes up to an eighth
of the largest, at least four, predict the largest) and hoiem2021/*.json (deep networks on
CIFAR-100, the largest size left out). Everything that was learned from curves is cross-fitted: the
data sets are halved, and what scores one half was learned on the other. All numbers are percentage
points of error; an interval's Winkler score is its width plus 20 times what it misses by.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import estimators
from .calibrate import LEVEL, fit, interval_row, winkler
from .cross_fitted import PRIORS
from .estimators import FAMILIES, Forecast
from .learning_curves import ILL_BEHAVED, Task, few_sizes, halves, hoiem, lcdb, one_repeat

Floats = NDArray[np.float64]

OURS = "Sixteenth, cross-fitted"
SQUARED = "power law, weights n^2"
ORACLE = "best of the eight for each curve (an oracle)"


def ours(tasks: Sequence[Task], second: NDArray[np.bool_]) -> Floats:
    """Sixteenth's forecasts (tasks, 3), each half with the constants of the other one."""
    rows = [
        interval_row(task, fit(task, PRIORS[0 if here else 1]))[:3]
        for task, here in zip(tasks, second, strict=True)
    ]
    return np.array(rows)


def published(tasks: Sequence[Task], second: NDArray[np.bool_]) -> dict[str, Floats]:
    """Forecasts (tasks, 3) of every other estimator: error, low, high; NaN where it has none."""

    def scored(estimate: estimators.Estimator) -> Floats:
        return np.array([_row(estimate(task)) for task in tasks])

    found = {name: scored(estimate) for name, estimate in FAMILIES.items()}
    del found["power law with offset"]
    found["power law with offset, delta method"] = scored(estimators.power_delta)
    found["power law with offset, bootstrap"] = scored(estimators.power_bootstrap)
    found["Hoiem et al. 2021"] = scored(estimators.hoiem)
    found["M4, Alabdulmohsin et al. 2022"] = scored(estimators.m4)

    values = np.array([[e(task).error for e in FAMILIES.values()] for task in tasks])
    held = np.array([_held_out(task) for task in tasks])
    found["median of the eight"] = np.array(
        [_row(estimators.median_of_families(v)) for v in values]
    )
    found["average of the eight, by a held-out point"] = np.array(
        [_row(estimators.weighted_average(v, h)) for v, h in zip(values, held, strict=True)]
    )
    actual = np.array([task.error for task in tasks])
    distance = np.abs(values - actual[:, None])
    found[ORACLE] = np.full((len(tasks), 3), np.nan)
    found[ORACLE][:, 0] = values[np.arange(len(tasks)), distance.argmin(axis=1)]
    found[SQUARED] = _scaled(tasks, scored(estimators.squared_sizes)[:, 0], second)
    return found


def _row(forecast: Forecast) -> tuple[float, float, float]:
    return forecast.error, forecast.low, forecast.high


def _held_out(task: Task) -> list[float]:
    """What each family misses the last fitted size by, fitted without it."""
    if len(task.sizes) < 4:
        return [1.0] * len(FAMILIES)
    before = replace(
        task,
        sizes=task.sizes[:-1],
        errors=task.errors[:-1],
        stderr=task.stderr[:-1],
        counts=task.counts[:-1],
        size=float(task.sizes[-1]),
    )
    return [abs(e(before).error - float(task.errors[-1])) for e in FAMILIES.values()]


def _scaled(tasks: Sequence[Task], error: Floats, second: NDArray[np.bool_]) -> Floats:
    """Intervals proportional to one point + the last drop; the factor is cross-fitted."""
    scale = np.array([0.01 + abs(task.errors[-2] - task.errors[-1]) for task in tasks])
    missed = np.abs(error - [task.error for task in tasks]) / scale
    if second.all() or not second.any():
        half = np.full(len(tasks), np.nan)
    else:
        factors = [np.quantile(missed[second], LEVEL), np.quantile(missed[~second], LEVEL)]
        half = scale * np.where(second, factors[1], factors[0])
    return np.stack([error, np.maximum(error - half, 0), np.minimum(error + half, 1)], axis=1)


def summary(forecasts: Floats, actual: Floats) -> dict[str, float]:
    """Median, mean and 90th percentile of |error|; coverage, Winkler score and median width."""
    error, low, high = forecasts.T
    distance = 100 * np.abs(np.clip(error, 0, 1) - actual)
    found = {
        "median": float(np.median(distance)),
        "mean": float(distance.mean()),
        "p90": float(np.quantile(distance, 0.9)),
    }
    if np.isfinite(low).all():
        found |= {
            "covers": 100 * float(((low <= actual) & (actual <= high)).mean()),
            "winkler": 100 * float(winkler(low, high, actual).mean()),
            "width": 100 * float(np.median(high - low)),
        }
    return found


def situations(data: Path, every: int) -> dict[str, list[Task]]:
    """What is scored, by name."""
    tasks = lcdb(data)[::every]
    single = one_repeat(tasks)
    tame = [task for task in tasks if task.learner not in ILL_BEHAVED]
    few = [*few_sizes(tasks[::2], 3), *few_sizes(tasks[1::2], 4)]
    few_single = [*few_sizes(single[::2], 3), *few_sizes(single[1::2], 4)]
    return {
        "LCDB N/8, mean of 25 repeats": tasks,
        f"the same without {' and '.join(ILL_BEHAVED)}": tame,
        "LCDB N/8, one repeat": single,
        "the same, one repeat, without them": [t for t in single if t.learner not in ILL_BEHAVED],
        "LCDB N/8, the last 3 or 4 sizes, 25 repeats": few,
        "LCDB N/8, the last 3 or 4 sizes, one repeat": few_single,
        "deep networks on CIFAR-100, largest size left out": hoiem(data),
    }


def strata(tasks: Sequence[Task], forecasts: Floats) -> list[tuple[str, NDArray[np.bool_]]]:
    """Groups of tasks in which the coverage is looked at."""
    count = np.array([len(task.sizes) for task in tasks])
    guess = np.array([task.errors[-1] / max(task.chance or 1, 0.01) for task in tasks])
    last = np.array([task.errors[-1] for task in tasks])
    learner = np.array([task.learner for task in tasks])
    groups = [
        ("4 sizes", count == 4),
        ("5 or 6 sizes", (count == 5) | (count == 6)),
        ("7 to 9 sizes", (count >= 7) & (count <= 9)),
        ("10 sizes and more", count >= 10),
        ("last error under half of guessing", guess < 0.5),
        ("half to 0.9 of guessing", (guess >= 0.5) & (guess < 0.9)),
        ("0.9 of guessing and more", guess >= 0.9),
        ("last error under 2%", last < 0.02),
        ("last error over 20%", last > 0.2),
    ]
    return groups + [(name, learner == name) for name in sorted(set(learner))]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, metavar="K", help="every Kth curve only")
    parser.add_argument("--quick", action="store_true", help="every 20th curve: --every 20")
    parser.add_argument("--ours", action="store_true", help="leave the published estimators out")
    parser.add_argument("--strata", action="store_true", help="coverage by group of curves")
    parser.add_argument("--json", type=Path, help="write the numbers there too")
    options = parser.parse_args()
    written: dict[str, dict[str, dict[str, float]]] = {}
    head = f"| {'method':<45} | median | mean | p90 | covers | Winkler | width |"
    for name, tasks in situations(options.data, 20 if options.quick else options.every).items():
        started = time.process_time()
        second, actual = halves(tasks), np.array([task.error for task in tasks])
        found = {} if options.ours else published(tasks, second)
        before = time.process_time()
        found[OURS] = ours(tasks, second)
        spent = 1000 * (time.process_time() - before) / len(tasks)
        print(f"\n**{name}** ({len(tasks)} curves)\n\n{head}\n|{'---|' * 7}")
        written[name] = {}
        for method, forecasts in found.items():
            row = written[name][method] = summary(forecasts, actual)
            print(_line(method, row), flush=True)
        print(f"\n{OURS}: {spent:.1f} ms a curve; all {time.process_time() - started:.0f} s")
        if options.strata and len(tasks) > 100:
            for group, inside in strata(tasks, found[OURS]):
                if inside.any():
                    row = summary(found[OURS][inside], actual[inside])
                    print(_line(f"{group} ({inside.sum()})", row))
    if options.json:
        options.json.write_text(json.dumps(written, indent=1) + "\n")


def _line(name: str, row: dict[str, float]) -> str:
    numbers = [f"{row['median']:.2f}", f"{row['mean']:.2f}", f"{row['p90']:.1f}"]
    numbers += [f"{row[key]:.1f}" if key in row else "" for key in ("covers", "winkler", "width")]
    return f"| {name:<45} | {' | '.join(numbers)} |"


if __name__ == "__main__":
    main()
