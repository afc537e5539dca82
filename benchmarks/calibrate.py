"""Learn the constants of the learning-curve fit from real curves.

    python -m benchmarks.calibrate --data CURVES --half 0   # from one half of the data sets
    python -m benchmarks.calibrate --data CURVES --half 1   # from the other: minutes each
    python -m benchmarks.calibrate                                  # the constants in use

Coordinate descent in the constants of `Prior`: each is moved up and down by its step, on a log or
log-odds scale, what lowers the loss is kept, and the steps shrink. First the forecast: the median
and the mean of what it misses by, each relative to its start. Then the interval, with the forecast
as it is: Winkler's score, and a penalty for covering more or less than 90%. Both over four
situations: 25 repeats, one repeat, and the last 3 or 4 sizes of either. The deep networks of Hoiem
et al. are not looked at. The last line that a half prints belongs into `benchmarks.cross_fitted`;
`benchmarks.extrapolation` scores each half with the constants of the other. The constants in use
are between the two: geometric means, and means of the log odds where they are probabilities.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from sixteenth.analysis.curves.learning_curve import LearningCurve, fit_learning_curve
from sixteenth.analysis.curves.power_laws import PRIOR, Prior

from .cross_fitted import PRIORS
from .learning_curves import Task, few_sizes, halves, lcdb, one_repeat

LEVEL = 0.9
START = Prior(
    exponent=1.0,
    exponent_spread=1.5,
    zero_asymptote=0.3,
    misfit=0.003,
    misfit_spread=1.0,
    misfit_power=1.5,
    shared_noise=0.7,
    unshared=0.3,
    exact=0.05,
    restart=0.01,
    restart_doubtful=0.12,
    restart_stuck=0.8,
    restart_guessing=0.3,
    restart_worse=0.95,
    stray=1.0,
    stray_least=0.01,
    wild=0.2,
    wilder=3.0,
)
"""Round numbers to start from. `restart`, `restart_doubtful` and `exact` are not moved."""
FORECAST = {
    "exponent": 0.3,
    "exponent_spread": 0.25,
    "misfit": 0.4,
    "misfit_spread": 0.25,
    "misfit_power": 0.2,
    "unshared": 0.4,
    "shared_noise": 0.6,
    "zero_asymptote": 0.6,
    "restart_worse": 1.0,
    "restart_stuck": 1.0,
    "restart_guessing": 1.0,
}
INTERVAL = {
    "stray": 0.3,
    "stray_least": 0.5,
    "wild": 0.6,
    "wilder": 0.3,
}
PROBABILITIES = {name for name in (FORECAST | INTERVAL) if name.startswith("restart")}
PROBABILITIES |= {"shared_noise", "zero_asymptote", "wild"}


def fit(task: Task, prior: Prior = PRIOR) -> LearningCurve:
    """The fit of one task, from means and their standard errors."""
    return fit_learning_curve(
        task.sizes, task.errors, stderr=task.stderr, chance=task.chance, prior=prior
    )


def interval_row(task: Task, curve: LearningCurve) -> tuple[float, float, float, float]:
    """The forecast, both ends of its interval, and what was measured."""
    low, high = curve.interval(task.size, LEVEL)
    return float(curve.predict(task.size)), float(low), float(high), task.error


def winkler(
    low: NDArray[np.float64], high: NDArray[np.float64], error: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Width of an interval plus 2 / (1 - level) times what it misses by (Winkler 1972)."""
    miss = np.maximum(low - error, 0) + np.maximum(error - high, 0)
    return np.asarray(high - low + 2 / (1 - LEVEL) * miss)


def measures(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median and mean of |error|, mean Winkler score and coverage, (4,)."""
    forecast, low, high, error = rows.T
    distance = np.abs(forecast - error)
    inside = (low <= error) & (error <= high)
    return np.array(
        [np.median(distance), distance.mean(), winkler(low, high, error).mean(), inside.mean()]
    )


def situations(tasks: Sequence[Task]) -> list[list[Task]]:
    """25 repeats; one repeat; the last 3 or 4 sizes of either."""
    single = one_repeat(tasks, seed=1)
    few = [[*few_sizes(kept[::2], 3), *few_sizes(kept[1::2], 4)] for kept in (list(tasks), single)]
    return [list(tasks), single, *few]


class ForecastLoss:
    """Median and mean |error| over the situations, relative to what they were at the start."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.situations = situations(tasks)
        self.start = self.errors(START)

    def errors(self, prior: Prior) -> NDArray[np.float64]:
        """(situations, 2): median and mean |error|."""
        found = []
        for tasks in self.situations:
            distance = [abs(float(fit(t, prior).predict(t.size)) - t.error) for t in tasks]
            found.append((np.median(distance), np.mean(distance)))
        return np.array(found)

    def __call__(self, prior: Prior) -> float:
        return float((self.errors(prior) / self.start).mean())


class IntervalLoss:
    """Winkler's score, relative to its start, and how far the coverage is off."""

    def __init__(self, tasks: Sequence[Task], prior: Prior) -> None:
        self.fits = [[(t, fit(t, prior)) for t in kept] for kept in situations(tasks)]
        self.start = self.scores(prior)[:, 0]

    def scores(self, prior: Prior) -> NDArray[np.float64]:
        """(situations, 2): Winkler score and coverage."""
        found = []
        for fits in self.fits:
            rows = [interval_row(task, _drawn_with(curve, prior)) for task, curve in fits]
            found.append(measures(np.array(rows))[2:])
        return np.array(found)

    def __call__(self, prior: Prior) -> float:
        score, coverage = self.scores(prior).T
        # The first situation is the benchmark's own.
        missed = np.abs(coverage - LEVEL) @ [2.0, 0.5, 0.5, 0.5]
        return float((score / self.start).mean() + missed)


def _drawn_with(curve: LearningCurve, prior: Prior) -> LearningCurve:
    """The same fit, its intervals drawn with other constants."""
    drawn = dataclasses.replace(curve._posterior, prior=prior)
    return dataclasses.replace(curve, _posterior=drawn)


def moved(prior: Prior, name: str, step: float) -> Prior:
    """The constants with one of them moved, on a log scale or by its log odds."""
    value = getattr(prior, name)
    new = expit(logit(value) + step) if name in PROBABILITIES else value * np.exp(step)
    return dataclasses.replace(prior, **{name: float(f"{new:.3g}")})


def descend(
    loss: Callable[[Prior], float], prior: Prior, steps: dict[str, float], sweeps: int
) -> Prior:
    """Coordinate descent; prints each step that helps."""
    best = loss(prior)
    print(f"start {best:.4f}", flush=True)
    for sweep in range(sweeps):
        for name, step in steps.items():
            for direction in (1.0, -1.0):
                tried = moved(prior, name, direction * step / 1.6**sweep)
                value = loss(tried)
                if value < best - 2e-4:
                    prior, best = tried, value
                    print(f"{best:.4f}  {name} = {getattr(prior, name)}", flush=True)
                    break
    return prior


def between(priors: Sequence[Prior]) -> Prior:
    """The mean of several sets of constants, on the scales on which they are moved."""
    means = {}
    for name in FORECAST | INTERVAL:
        values = np.array([getattr(prior, name) for prior in priors])
        chances = name in PROBABILITIES
        mean = expit(logit(values).mean()) if chances else np.exp(np.log(values).mean())
        means[name] = float(f"{mean:.3g}")
    return dataclasses.replace(START, **means)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder that holds lcdb11")
    parser.add_argument("--half", type=int, choices=(0, 1), help="data sets of this half only")
    parser.add_argument("--every", type=int, default=6, help="use every so many curves")
    parser.add_argument("--sweeps", type=int, default=2)
    options = parser.parse_args()
    if options.half is None:
        print(between(PRIORS))
        return
    if options.data is None:
        parser.error("--half needs --data")
    tasks = lcdb(options.data)
    second = halves(tasks)
    tasks = [t for t, here in zip(tasks, second, strict=True) if here == bool(options.half)]
    tasks = tasks[:: options.every]
    print(f"{len(tasks)} curves")
    prior = descend(ForecastLoss(tasks), START, FORECAST, options.sweeps)
    print(prior)
    print(descend(IntervalLoss(tasks, prior), prior, INTERVAL, options.sweeps + 1))


if __name__ == "__main__":
    main()
