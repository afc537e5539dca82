"""Published ways to extrapolate a learning curve, each written from its paper.

An estimator takes a `Task` and returns a `Forecast`: the error at the task's size and, where the
method has one, its 90% interval. All families that are linear in two of their parameters,
offset + amplitude * shape(n), are fitted alike: the shape's own parameters on a grid, the two
linear ones by least squares in closed form, neither of them negative (variable projection, Golub &
Pereyra 1973), the grid made finer twice around its best point. So no fit depends on where an
optimiser started.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from .learning_curves import Task

Floats = NDArray[np.float64]
Shape = Callable[..., Floats]
"""(m,) sizes relative to the largest fitted one, and (P, 1) for each parameter -> (P, m)."""

Z90 = float(stats.norm.ppf(0.95))


@dataclass(frozen=True)
class Forecast:
    """The error at the task's size; ends of the 90% interval are NaN where there is none."""

    error: float
    low: float = np.nan
    high: float = np.nan


Estimator = Callable[[Task], Forecast]


def least_squares(x: Floats, y: Floats, w: Floats) -> tuple[Floats, Floats, Floats]:
    """Offset, amplitude >= 0 and weighted squared error of y ~ offset + amplitude * x.

    Args:
        x: (..., m) shapes. y, w: errors and weights that broadcast with it.
    """
    w = w / w.sum()
    x_mean, y_mean = (w * x).sum(-1), (w * y).sum(-1)
    spread = np.maximum((w * (x - x_mean[..., None]) ** 2).sum(-1), 1e-300)
    amplitude = (w * (x - x_mean[..., None]) * (y - np.asarray(y_mean)[..., None])).sum(-1) / spread
    offset = y_mean - amplitude * x_mean
    # On the boundary: through zero, or flat.
    alone = (w * x * y).sum(-1) / np.maximum((w * x**2).sum(-1), 1e-300)
    amplitude = np.where(offset < 0, alone, amplitude)
    offset = np.maximum(offset, 0.0)
    offset = np.where(amplitude < 0, y_mean, offset)
    amplitude = np.maximum(amplitude, 0.0)
    misfit = (w * (offset[..., None] + amplitude[..., None] * x - y) ** 2).sum(-1)
    return offset, amplitude, misfit


def power_shape(n: Floats, c: Floats) -> Floats:
    """n^-c."""
    return np.asarray(n**-c)


def exponential_shape(n: Floats, b: Floats) -> Floats:
    """exp3 of Mohr et al. 2022: exp(-b n)."""
    return np.asarray(np.exp(-b * n))


def mmf_shape(n: Floats, b: Floats, d: Floats) -> Floats:
    """MMF4, Morgan, Mercer & Flodin 1975: b / (b + n^d)."""
    return np.asarray(b / (b + n**d))


def weibull_shape(n: Floats, a: Floats, d: Floats) -> Floats:
    """WBL4, Weibull: exp(-a n^d)."""
    return np.asarray(np.exp(-a * n**d))


POWERS = (0.01, 4.0)
EXPONENTS = np.geomspace(*POWERS, 160)


def search(
    shape: Shape,
    ranges: Sequence[tuple[float, float]],
    ratio: Floats,
    errors: Floats,
    weights: Floats,
) -> tuple[list[float], float, float]:
    """The shape's best parameters within `ranges`, the offset and the amplitude."""
    steps = 160 if len(ranges) == 1 else 28
    for _ in range(3):
        axes = [np.geomspace(low, high, steps) for low, high in ranges]
        grid = [axis.reshape(-1, 1) for axis in np.meshgrid(*axes, indexing="ij")]
        offset, amplitude, misfit = least_squares(shape(ratio, *grid), errors, weights)
        best = int(np.argmin(misfit))
        found = [float(axis[best, 0]) for axis in grid]
        places = [int(np.argmin(np.abs(axis - x))) for axis, x in zip(axes, found, strict=True)]
        ranges = [
            (float(axis[max(i - 1, 0)]), float(axis[min(i + 1, steps - 1)]))
            for axis, i in zip(axes, places, strict=True)
        ]
    return found, float(offset[best]), float(amplitude[best])


def family(
    shape: Shape,
    *ranges: tuple[float, float],
    weights: Callable[[Task], Floats] | None = None,
) -> Estimator:
    """offset + amplitude * shape(n) by (weighted) least squares."""

    def estimate(task: Task) -> Forecast:
        last = task.sizes[-1]
        w = np.ones_like(task.sizes) if weights is None else weights(task)
        found, offset, amplitude = search(shape, ranges, task.sizes / last, task.errors, w)
        at = shape(np.array([task.size / last]), *found)[0]
        return Forecast(float(offset + amplitude * at))

    return estimate


def square_root(task: Task) -> Forecast:
    """offset + a n^-0.5, by least squares."""
    x = task.sizes**-0.5
    offset, amplitude, _ = least_squares(x, task.errors, np.ones_like(x))
    return Forecast(float(offset + amplitude * task.size**-0.5))


def last_value(task: Task) -> Forecast:
    """The error at the largest fitted size."""
    return Forecast(float(task.errors[-1]))


def pure_power(task: Task) -> Forecast:
    """a n^-c without an offset, by least squares."""
    last = task.sizes[-1]
    x = power_shape(task.sizes / last, EXPONENTS[:, None])
    a = (x * task.errors).sum(1) / (x**2).sum(1)
    best = int(np.argmin(((a[:, None] * x - task.errors) ** 2).sum(1)))
    return Forecast(float(a[best] * (task.size / last) ** -EXPONENTS[best]))


def ilog(task: Task) -> Forecast:
    """ilog2 of Mohr et al. 2022: offset + a / log(n), whose argument is the size itself."""
    x = 1 / np.log(task.sizes + 1)
    offset, amplitude, _ = least_squares(x, task.errors, np.ones_like(x))
    return Forecast(float(offset + amplitude / np.log(task.size + 1)))


@dataclass(frozen=True)
class _Power:
    """A least-squares power law, and what its intervals need."""

    exponent: float
    offset: float
    amplitude: float
    residual: float
    """Standard deviation of the residuals, with m - 3 degrees of freedom, at least one."""

    def at(self, ratio: Floats) -> Floats:
        return np.asarray(self.offset + self.amplitude * ratio**-self.exponent)


def _power(task: Task) -> _Power:
    ratio = task.sizes / task.sizes[-1]
    found, offset, amplitude = search(
        power_shape, [POWERS], ratio, task.errors, np.ones_like(ratio)
    )
    residuals = task.errors - offset - amplitude * ratio ** -found[0]
    freedom = max(1, len(ratio) - 3)
    return _Power(
        exponent=found[0],
        offset=offset,
        amplitude=amplitude,
        residual=float(np.sqrt((residuals**2).sum() / freedom)),
    )


def power_delta(task: Task) -> Forecast:
    """Power law with offset by least squares; interval by the delta method."""
    found = _power(task)

    def gradient(ratio: Floats) -> Floats:
        x = ratio**-found.exponent
        return np.stack([np.ones_like(x), x, -found.amplitude * x * np.log(ratio)], axis=-1)

    inner = gradient(task.sizes / task.sizes[-1])
    outer = gradient(np.array([task.size / task.sizes[-1]]))[0]
    variance = found.residual**2 * (outer @ np.linalg.pinv(inner.T @ inner) @ outer)
    half = Z90 * float(np.sqrt(max(variance, 0.0)))
    error = float(found.at(np.array([task.size / task.sizes[-1]]))[0])
    return Forecast(error, max(0.0, error - half), min(1.0, error + half))


def power_bootstrap(task: Task, draws: int = 100) -> Forecast:
    """The same fit; interval by the parametric bootstrap of its residuals."""
    found = _power(task)
    ratio = task.sizes / task.sizes[-1]
    rng = np.random.default_rng(task.dataset % 2**32)
    again = found.at(ratio) + found.residual * rng.standard_normal((draws, 1, len(ratio)))
    x = power_shape(ratio, EXPONENTS[:, None])
    offset, amplitude, misfit = least_squares(x, again, np.ones_like(ratio))
    best = np.argmin(misfit, axis=1)
    rows = np.arange(draws)
    beyond = (task.size / task.sizes[-1]) ** -EXPONENTS[best]
    values = offset[rows, best] + amplitude[rows, best] * beyond
    low, high = np.quantile(values, [0.05, 0.95])
    error = float(found.at(np.array([task.size / task.sizes[-1]]))[0])
    return Forecast(error, float(low), float(high))


def hoiem(task: Task) -> Forecast:
    """Hoiem et al. 2021: weighted least squares with a search over gamma near -0.5.

    In percent, as their constants are: the variance of a training at size n is 0.02 + v / n, with
    v from the repeats; the objective is the weighted squared error + 5 * |gamma + 0.5|. Interval:
    their covariance of (alpha, eta).
    """
    n, e = task.sizes, 100 * task.errors
    single = (100 * task.stderr) ** 2 * task.counts
    w = np.maximum(task.counts - 1, 1e-9)
    v0 = 0.02
    v1 = float(np.sum(w * (single - v0) / n) / np.sum(w / n**2))
    variance = np.maximum(v0 + v1 / n, v0)
    gammas = np.arange(-0.99, -0.005, 0.01)
    x = np.stack([np.ones((len(gammas), len(n))), n ** gammas[:, None]], axis=-1)  # (G, m, 2)
    # Each repeat weighs 1 / (variance * repeats): the mean of a size weighs 1 / variance.
    root = np.sqrt(1 / variance)
    m = np.linalg.pinv(x * root[:, None]) * root
    parameters = m @ e
    objective = ((e - (x @ parameters[..., None])[..., 0]) ** 2 / variance).sum(-1)
    best = int(np.argmin(objective + 5 * np.abs(gammas + 0.5)))
    covariance = m[best] * (variance / task.counts) @ m[best].T
    at = np.array([1.0, task.size ** gammas[best]])
    error, half = at @ parameters[best], Z90 * np.sqrt(at @ covariance @ at)
    return Forecast(
        float(np.clip(error, 0, 100)) / 100,
        float(np.clip(error - half, 0, 100)) / 100,
        float(np.clip(error + half, 0, 100)) / 100,
    )


def m4(task: Task) -> Forecast:
    """M4 of Alabdulmohsin, Neyshabur & Zhai 2022.

    (e - e_inf) / (e_0 - e)^a = b n^-c, least squares of its logarithm with a, c >= 0. The two
    limits are on a grid instead of their alternating descent; given them it is linear.
    """
    e = np.clip(task.errors, 1e-4, 1 - 1e-4)
    lowest, highest = e.min(), e.max()
    infinite = lowest * (1 - np.geomspace(1e-3, 1, 40))
    zero = highest + (1.0 - highest) * np.geomspace(1e-3, 1, 12)
    infinite, zero = (grid.ravel() for grid in np.meshgrid(infinite, zero))
    y = np.log(e - infinite[:, None])
    log_n = np.log(task.sizes / task.sizes[-1])
    head = np.log(zero[:, None] - e)
    one = np.ones_like(y)
    best, found = np.inf, (0.0, 0.0, 0.0, 0.0, 1.0)
    for use_c, use_a in ((True, True), (True, False), (False, True), (False, False)):
        columns = [one, *([-log_n * one] if use_c else []), *([head] if use_a else [])]
        design = np.stack(columns, axis=-1)
        solved = (np.linalg.pinv(design) @ y[..., None])[..., 0]
        misfit = ((y - (design @ solved[..., None])[..., 0]) ** 2).sum(-1)
        misfit = np.where((solved[:, 1:] < 0).any(-1), np.inf, misfit)
        k = int(np.argmin(misfit))
        # A simpler fit has to be as good, not better.
        if misfit[k] < best - 1e-12:
            best = float(misfit[k])
            rest = list(solved[k, 1:])
            c = rest.pop(0) if use_c else 0.0
            a = rest.pop(0) if use_a else 0.0
            found = (float(solved[k, 0]), c, a, float(infinite[k]), float(zero[k]))
    log_b, c, a, e_inf, e_0 = found
    target = np.exp(log_b - c * np.log(task.size / task.sizes[-1]))
    low, high = e_inf, e_0
    for _ in range(40):
        middle = (low + high) / 2
        if (middle - e_inf) < target * (e_0 - middle) ** a:
            low = middle
        else:
            high = middle
    return Forecast((low + high) / 2)


FAMILIES: dict[str, Estimator] = {
    "last value": last_value,
    "power law without offset": pure_power,
    "power law with offset": family(power_shape, POWERS),
    "offset + n^-0.5": square_root,
    "exp3": family(exponential_shape, (0.01, 200)),
    "ilog2": ilog,
    "MMF4": family(mmf_shape, (1e-4, 1e4), (0.05, 5)),
    "WBL4": family(weibull_shape, (1e-3, 1e2), (0.02, 4)),
}
"""The eight families of the medians, averages and of the oracle, by plain least squares."""


def median_of_families(values: Sequence[float]) -> Forecast:
    """The median of the families' forecasts."""
    return Forecast(float(np.median(values)))


def weighted_average(values: Sequence[float], held_out: Sequence[float]) -> Forecast:
    """The families' average, each weighing one over its squared error on the last fitted size.

    Args:
        values: the families' forecasts.
        held_out: what each missed the last size by, fitted without it; half a point is added, so
            that a lucky hit does not take all the weight.
    """
    weight = 1 / (np.square(held_out) + 0.005**2)
    return Forecast(float(np.average(values, weights=weight)))


squared_sizes = family(power_shape, POWERS, weights=lambda task: task.sizes**2)
"""Power law with offset, points weighted by n squared."""
