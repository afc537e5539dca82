"""The learning curve of one model: error against training-set size, and how sure that is.

`fit_learning_curve` takes plain numbers, from Sixteenth or any other tool, and returns a
`LearningCurve`. What the numbers do not say it does not say either: every answer has its interval,
and `warnings` are part of the result. The probability model is in `posterior`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ...errors import InputError
from .points import CurveWarning, as_number, read_points
from .posterior import Posterior, posterior
from .power_laws import PRIOR, Floats, Prior

CURVE_LEVEL = 0.9
"""Level of all intervals that rest on fitted curves: the one that they were calibrated at."""
BOUND = 0.8
"""Level of the one-sided bounds of a required size: few sizes leave its interval without an end."""
REQUIRED_HORIZON = 1000.0
"""No size beyond this multiple of the largest measured one is ever named as required."""

_TINY = 1e-9


@dataclass(frozen=True)
class RequiredSize:
    """How many training images an error takes: the size from which on it stays at or below that.

    A smaller size that was lucky does not count, where the error was above again later. All sizes
    are the smallest measured one where the error is reached there already, and stays so.

    Attributes:
        error, level: what was asked.
        size: where the fitted curve reaches `error`; None if it does not. `middle` where the fitted
            curve, which may lie far from errors that no power law describes, reaches it outside of
            the interval.
        low, high: interval of that size; `high` is None where the curves that the data allow at
            this level do not all reach it ("no upper bound at this level of certainty"), `low` is
            None where none of them does.
        middle: the size that is as likely too small as large enough.
        at_least, at_most: one-sided bounds of the size, at `BOUND` each. All three are None where
            the probability that it takes is not reached within `REQUIRED_HORIZON`.
    """

    error: float
    level: float
    size: float | None
    low: float | None
    high: float | None
    middle: float | None
    at_least: float | None
    at_most: float | None


@dataclass(frozen=True, eq=False, repr=False)
class LearningCurve:
    """e(n) = alpha + eta * n**gamma, fitted; errors are shares in [0, 1].

    Attributes:
        alpha, eta, gamma: the power law; alpha, eta >= 0 and gamma <= 0.
        alpha_interval, eta_interval, gamma_interval: 90% intervals of the three.
        sizes, errors: (m,), what was fitted, smallest first; means where there were repeats.
        noise: (m,), standard error of `errors`.
        new_noise: standard deviation of a new training's measured error around the true one.
        warnings: what stands in the way of trusting the fit; empty when nothing does.
    """

    alpha: float
    eta: float
    gamma: float
    alpha_interval: tuple[float, float]
    eta_interval: tuple[float, float]
    gamma_interval: tuple[float, float]
    sizes: Floats
    errors: Floats
    noise: Floats
    new_noise: float
    warnings: tuple[CurveWarning, ...]
    _posterior: Posterior = field(repr=False)

    def __repr__(self) -> str:
        law = f"{self.alpha:.4g} + {self.eta:.4g} * n**{self.gamma:.3g}"
        span = f"{self.sizes[0]:.15g} to {self.sizes[-1]:.15g}"
        return f"LearningCurve({law}, {len(self.sizes)} sizes, {span})"

    def _repr_html_(self) -> str:
        return f"<p><code>{self!r}</code></p>{self.table().to_html(index=False)}"

    def table(self) -> pd.DataFrame:
        """One row for each fitted size, and for twice and four times the largest.

        Columns: size, measured (error; NaN beyond the fitted sizes), fitted (at most 1, which the
        power law exceeds on small sizes of a curve that begins flat), low, high (`interval` at its
        default level).
        """
        sizes = np.append(self.sizes, self.sizes[-1] * np.array([2.0, 4.0]))
        low, high = self.interval(sizes)
        measured = np.append(self.errors, [np.nan, np.nan])
        columns = {
            "size": sizes,
            "measured": measured,
            "fitted": np.minimum(self.predict(sizes), 1.0),
        }
        return pd.DataFrame(columns | {"low": low, "high": high})

    def predict(self, n: ArrayLike) -> Floats:
        """Error of the fitted power law at sizes `n`; an array of the shape of `n`.

        Raises:
            InputError: a size is not a positive number; so for all methods that take sizes.
        """
        return np.asarray(self.alpha + self.eta * _sizes(n) ** self.gamma)

    def interval(self, n: ArrayLike, level: float = CURVE_LEVEL) -> tuple[Floats, Floats]:
        """Where a new training at size `n` would measure its error, with probability `level`.

        Raises:
            InputError: a size is not positive, or `level` not between 0 and 1.
        """
        sizes = _sizes(n)
        tail = (1 - _level(level)) / 2
        ends = self._posterior.quantile(
            sizes.ravel(), np.array([tail, 1 - tail]), noise=self.new_noise
        )
        return ends[:, 0].reshape(sizes.shape), ends[:, 1].reshape(sizes.shape)

    def data_reliance(self, n: ArrayLike) -> Floats:
        """-2 * eta * gamma * n**gamma (Hoiem et al. 2021): how much the error hangs on data."""
        return np.asarray(-2 * self.eta * self.gamma * _sizes(n) ** self.gamma)

    def required_size(self, error: float, level: float = CURVE_LEVEL) -> RequiredSize:
        """How many training images an error takes, with the interval of the true curve.

        Raises:
            InputError: `error` or `level` is not within 0 and 1.
        """
        if not 0 <= as_number(error) <= 1:
            raise InputError(f"error {error} is not within 0 and 1")
        error = as_number(error)
        tail = (1 - _level(level)) / 2
        first, last = float(self.sizes[0]), float(self.sizes[-1])
        sizes = np.union1d(np.geomspace(first, last * REQUIRED_HORIZON, 120), self.sizes)
        reached = self._posterior.probability(sizes, error)

        def ends(wanted: float) -> float | None:
            return _from_which_on(sizes, reached, wanted, last)

        size = None
        if error > self.alpha and self.eta > 0 and self.gamma < 0:
            found = math.log((error - self.alpha) / self.eta) / self.gamma
            if found <= math.log(sizes[-1]):
                size = max(math.exp(found), first)
        low, middle, high = ends(tail), ends(0.5), ends(1 - tail)
        if size is not None and (low is None or size < low or (high is not None and size > high)):
            size = middle
        return RequiredSize(
            error=error,
            level=level,
            size=size,
            low=low,
            high=high,
            middle=middle,
            at_least=ends(1 - BOUND),
            at_most=ends(BOUND),
        )

    def draws(self, n: ArrayLike, count: int = 1000, seed: int = 0) -> Floats:
        """Draws of the true curve at sizes `n`, (count, len(n)); one draw is one curve.

        The same seed gives the same curves whatever the sizes. Without the noise of a training.
        """
        sizes = np.atleast_1d(_sizes(n))
        return self._posterior.draws(sizes, count, np.random.default_rng(seed))

    def expected(self, n: ArrayLike) -> Floats:
        """Mean of the true error at sizes `n`, (len(n),): near a measured one where noise is small,
        else nearer to what the other sizes say."""
        sizes = np.atleast_1d(_sizes(n))
        means, _ = self._posterior.curves(sizes)
        return np.asarray(np.clip(means @ self._posterior.weight, 0.0, 1.0))

    def falls(self, n: ArrayLike, count: int = 1000, seed: int = 0) -> Floats:
        """Draws of how far the true curve falls from the largest fitted size to sizes `n` beyond
        it, (count, len(n)); the same seed gives the same curves whatever the sizes.

        Narrower than the difference of two intervals: the error at the largest size, however far
        it lies from the power law, is where the rest begins.
        """
        sizes = np.atleast_1d(_sizes(n))
        return self._posterior.falls(sizes, count, np.random.default_rng(seed))


def fit_learning_curve(
    sizes: ArrayLike,
    errors: ArrayLike | Sequence[ArrayLike],
    *,
    stderr: ArrayLike | None = None,
    test_size: int | None = None,
    chance: float | None = None,
    same_test_images: bool = False,
    prior: Prior = PRIOR,
) -> LearningCurve:
    """Fit a power law to test errors, with intervals that held on real learning curves.

    Args:
        sizes: (m,) training-set sizes, at least two, all different.
        errors: (m,) test errors in [0, 1], or one list of repeats a size.
        stderr: (m,) standard error of each error, if known; repeats give it otherwise. The last
            one is also taken as the noise of a new training, which `interval` holds: of the mean
            of several, give the repeats instead.
        test_size: images of the test set, for the noise that it leaves.
        chance: error of guessing.
        same_test_images: all errors are known to be of the same test images, so that repeats
            scatter by less than these leave of noise. Else that is not taken as known.
        prior: what is known of learning curves in general.

    Raises:
        InputError: a value cannot be used; the message names it.
    """
    points = read_points(sizes, errors, stderr, test_size, chance, same_test_images)
    found = posterior(points, prior)
    alpha, eta, gamma = _nearest_power_law(found, points.sizes)
    alpha_ends = found.parameter_interval(found.a, alpha, CURVE_LEVEL)
    # Both are positive and known by their size: the interval is that of the logarithm.
    etas = np.log(np.maximum(found.b_mean, _TINY)) - found.gamma * math.log(found.last)
    eta_ends = np.exp(found.parameter_interval(etas, math.log(max(eta, _TINY)), CURVE_LEVEL))
    exponent_ends = np.exp(
        found.parameter_interval(np.log(-found.gamma), math.log(-gamma), CURVE_LEVEL)
    )
    return LearningCurve(
        alpha=alpha,
        eta=eta,
        gamma=gamma,
        alpha_interval=(max(alpha_ends[0], 0.0), alpha_ends[1]),
        eta_interval=(float(eta_ends[0]), float(eta_ends[1])),
        gamma_interval=(-float(exponent_ends[1]), -float(exponent_ends[0])),
        sizes=points.sizes,
        errors=points.errors,
        noise=points.noise,
        new_noise=points.new_noise,
        warnings=points.warnings(),
        _posterior=found,
    )


def _nearest_power_law(found: Posterior, n: Floats) -> tuple[float, float, float]:
    """The one power law nearest to the posterior's median curve, measured range and beyond."""
    last = found.last
    sizes = np.concatenate([n[n >= last / 4], last * np.array([2.0, 4.0, 8.0, 16.0])])
    curve = found.median_curve(sizes)
    exponents = np.geomspace(0.01, 4.0, 60)
    for _ in range(3):
        a, b, misfit = _least_squares((sizes / last) ** -exponents[:, None], curve)
        best = int(np.argmin(misfit))
        alpha, above, exponent = float(a[best]), float(b[best]), float(exponents[best])
        near = exponents[max(best - 1, 0)], exponents[min(best + 1, len(exponents) - 1)]
        exponents = np.linspace(*near, 30)
    return alpha, above * last**exponent, -exponent


def _least_squares(x: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
    """a, b >= 0 and the squared error of y = a + b * x, for each row of x."""
    x_mean, y_mean = x.mean(axis=1), y.mean()
    apart = x - x_mean[:, None]
    b = (apart * (y - y_mean)).sum(axis=1) / (apart**2).sum(axis=1)
    a = y_mean - b * x_mean
    # On the boundary: through zero, or flat.
    b = np.where(a < 0, (x * y).sum(axis=1) / (x**2).sum(axis=1), b)
    a = np.where(b < 0, y_mean, np.maximum(a, 0.0))
    b = np.maximum(b, 0.0)
    return a, b, ((a[:, None] + b[:, None] * x - y) ** 2).sum(axis=1)


def _from_which_on(sizes: Floats, reached: Floats, wanted: float, last: float) -> float | None:
    """The size from which on `reached` is at least `wanted`, between the grid's points.

    Up to the largest measured size, `last`, it has to stay so. Beyond, where every law falls and
    only what is not known grows, the first size counts.
    """
    below = reached < wanted
    known = int(np.searchsorted(sizes, last))
    if below[known]:
        over = np.flatnonzero(~below[known:])
        if not len(over):
            return None
        i = known + int(over[0])
    else:
        under = np.flatnonzero(below[:known])
        if not len(under):
            return float(sizes[0])
        i = int(under[-1]) + 1
    share = (wanted - reached[i - 1]) / (reached[i] - reached[i - 1])
    return float(math.exp(np.log(sizes[i - 1]) + share * np.log(sizes[i] / sizes[i - 1])))


def _sizes(n: ArrayLike) -> Floats:
    try:
        sizes = np.asarray(n, dtype=float)
    except (TypeError, ValueError):
        raise InputError("sizes must be positive numbers") from None
    if not np.all(np.isfinite(sizes)) or np.any(sizes <= 0):
        raise InputError("sizes must be positive numbers")
    return sizes


def _level(level: float) -> float:
    if not 0 < as_number(level) < 1:
        raise InputError(f"level {level} is not between 0 and 1")
    return as_number(level)
