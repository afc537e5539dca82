"""What the data say about a learning curve: a mixture of power laws with all their probabilities.

They come from `power_laws`. Here they are put together with what real curves do besides:

    restart     with a small probability the points before the last say nothing about what comes
    misfits     between measured sizes the truth goes from what was measured at one to the next
    straying    the truth strays from its power law about as far as the power laws from each other

Forecasts, intervals, draws and required sizes all follow from this one mixture of normals.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from .points import Points
from .power_laws import Floats, PowerLaws, Prior, components, misfit_sd

_EXPONENTS = (0.02, 3.0)
_COARSE, _FINE = 20, 20
_NEGLIGIBLE = 1e-4
_FLAT = 1e-9
"""Laws that fall by less from one size to the next are flat."""
_DOUBLINGS = 10
"""Draws are followed so many doublings beyond the largest measured size, and stay there then."""


@dataclass(frozen=True)
class Posterior:
    """A mixture of normal distributions of power laws.

    Attributes:
        last: largest measured size.
        weight, gamma, a: (K,), one entry a component; weights add up to one.
        b_mean, b_sd: (K,), of the part above the asymptote at `last`.
        restart: (K,), whether the component says nothing about sizes below `last`.
        pull: (m, K), the share of a measured deviation from the power law that is misfit.
        deviation: (m, K), that misfit.
        points: what was fitted.
    """

    last: float
    weight: Floats
    gamma: Floats
    a: Floats
    b_mean: Floats
    b_sd: Floats
    restart: NDArray[np.bool_]
    pull: Floats
    deviation: Floats
    points: Points
    prior: Prior

    def laws(self, sizes: Floats) -> Floats:
        """Mean error of each component's power laws, (len(sizes), K)."""
        return np.asarray(self.a + self.b_mean * self.decay(sizes))

    def decay(self, sizes: Floats) -> Floats:
        """(n / last)**gamma, (len(sizes), K)."""
        ratio = sizes[:, None] / self.last
        return np.asarray(np.where(self.restart, np.maximum(ratio, 1.0), ratio) ** self.gamma)

    def curves(self, sizes: Floats) -> tuple[Floats, Floats]:
        """Means and variances (len(sizes), K) of each component: its law and the misfits seen."""
        measured, decay = self.points.sizes, self.decay(sizes)
        near = _interpolation(measured, sizes, self.prior.misfit_power)
        laws = self.a + self.b_mean * decay
        means, sds = laws + near @ self.deviation, self.b_sd * decay * (1 - near @ self.pull)
        inside = (sizes > measured[0]) & (sizes < measured[-1])
        if inside.any():
            means[inside] = self._between(sizes[inside], laws[inside], near[inside])
            sds[inside] = near[inside] @ (self.b_sd * self.decay(measured) * (1 - self.pull))
        # What a measured deviation says is as uncertain as the measurement.
        variances = sds**2 + (near @ (self.pull * self.points.noise[:, None])) ** 2
        return means, variances

    def _between(self, sizes: Floats, laws: Floats, near: Floats) -> Floats:
        """Means (len(sizes), K) inside the measured range: from what a component says of one
        measured size to what it says of the next, by the course that its law takes there.

        A steep law and its misfit at the smaller size may both be many times the errors and cancel
        there only: between the two sizes their sum is nothing that anybody believes.
        """
        known = self.laws(self.points.sizes)
        said = known + self.deviation
        right = np.clip(np.searchsorted(self.points.sizes, sizes), 1, len(known) - 1)
        drop = known[right - 1] - known[right]
        # A flat law has no course of its own: linear in log n.
        course = near[np.arange(len(sizes)), right - 1, None]
        left = np.divide(
            laws - known[right], drop, out=np.repeat(course, drop.shape[1], 1), where=drop > _FLAT
        )
        return np.asarray(said[right] + left * (said[right - 1] - said[right]))

    def stray(self, sizes: Floats, means: Floats, variances: Floats) -> Floats:
        """Standard deviation of the true curve around its component, (len(sizes), 1)."""
        weight = np.where(self.restart, 0.0, self.weight)
        weight = weight / weight.sum() if weight.any() else self.weight
        centre = means @ weight
        spread = np.sqrt(((means - centre[:, None]) ** 2 + variances) @ weight)
        level = np.clip(centre, 0, 1) * (1 - np.clip(centre, 0, 1))
        p = self.prior
        # A curve that rises against all power laws may go on rising, or turn.
        rise = self.points.rise * np.log2(np.maximum(sizes / self.last, 1))
        return np.asarray(p.stray * spread + p.stray_least * np.sqrt(level) + rise)[:, None]

    def mixture(self, sizes: Floats, noise: float) -> tuple[Floats, Floats, Floats]:
        """Means, standard deviations (len(sizes), 2K) and weights (2K,) of the error at `sizes`,
        the true one and `noise` on it."""
        means, variances = self.curves(sizes)
        stray = self.stray(sizes, means, variances)
        p = self.prior
        own = variances + noise * noise + 1e-12
        sds = [np.sqrt(own + stray**2), np.sqrt(own + (p.wilder * stray) ** 2)]
        return (
            np.concatenate([means, means], axis=1),
            np.concatenate(sds, axis=1),
            np.concatenate([self.weight * (1 - p.wild), self.weight * p.wild]),
        )

    def parameter_interval(
        self, values: Floats, centre: float, level: float
    ) -> tuple[float, float]:
        """Interval of one of the power law's parameters, from its (K,) values.

        Widened around `centre` as much as straying widens a forecast, because a curve that strays
        from its power law takes the parameters along.
        """
        order = np.argsort(values)
        share = np.cumsum(self.weight[order])
        ends = np.searchsorted(share, [(1 - level) / 2, (1 + level) / 2])
        low, high = values[order][np.minimum(ends, len(values) - 1)]
        p = self.prior
        wider = math.sqrt(1 + p.stray**2 * (1 - p.wild + p.wild * p.wilder**2))
        return (
            float(centre - wider * max(centre - low, 0.0)),
            float(centre + wider * max(high - centre, 0.0)),
        )

    def probability(self, sizes: Floats, error: float) -> Floats:
        """That the true error is at most `error`, (len(sizes),)."""
        mean, sd, weight = self.mixture(sizes, noise=0.0)
        return np.asarray(ndtr((error - mean) / sd) @ weight)

    def quantile(self, sizes: Floats, levels: Floats, noise: float) -> Floats:
        """Quantiles (len(sizes), len(levels)) of the error, by bisection within [0, 1]."""
        mean, sd, weight = self.mixture(sizes, noise)
        low = np.zeros((len(sizes), len(levels)))
        high = np.ones_like(low)
        for _ in range(20):  # to 1e-6
            middle = (low + high) / 2
            share = ndtr((middle[:, :, None] - mean[:, None]) / sd[:, None]) @ weight
            low, high = (
                np.where(share < levels, middle, low),
                np.where(share < levels, high, middle),
            )
        return np.asarray(np.where(low == 0, 0.0, np.where(high == 1, 1.0, (low + high) / 2)))

    def median_curve(self, sizes: Floats) -> Floats:
        """Median over the components of their power laws, (len(sizes),)."""
        mean = self.laws(sizes)
        order = np.argsort(mean, axis=1)
        share = np.cumsum(self.weight[order], axis=1)
        at = np.argmax(share >= 0.5 * share[:, -1:], axis=1)
        rows = np.arange(len(sizes))
        return np.asarray(mean[rows, order[rows, at]])

    def draws(self, sizes: Floats, count: int, rng: np.random.Generator) -> Floats:
        """True curves, (count, len(sizes)): one power law and one misfit a draw."""
        chosen = self._chosen(count, rng)
        means, variances = self.curves(sizes)
        own = np.sqrt(variances[:, chosen]) * rng.standard_normal(count)
        far = np.where(rng.random(count) < self.prior.wild, self.prior.wilder, 1.0)
        stray = self.stray(sizes, means, variances) * far * rng.standard_normal(count)
        return np.asarray(np.clip(means[:, chosen] + own + stray, 0, 1).T)

    def falls(self, sizes: Floats, count: int, rng: np.random.Generator) -> Floats:
        """How far true curves fall from `last` to `sizes` beyond it, (count, len(sizes)).

        From one doubling to the next the logarithm of what it brings, relative to the draw's
        power law, is a first-order autoregressive process; what the last measured sizes brought
        is where it starts. So a curve leaves its power law step by step, and the error at `last`
        strays with none of it. Within a doubling the fall is linear in log n.
        """
        p, steps = self.prior, np.arange(_DOUBLINGS + 1)
        chosen = self._chosen(count, rng)
        decay = 2.0 ** (steps[:, None] * self.gamma)
        drops = -np.diff(decay, axis=0)  # (steps, K), of b
        laws = self.b_mean * drops
        centre = laws @ self.weight
        spread = np.sqrt(((laws - centre[:, None]) ** 2 + (self.b_sd * drops) ** 2) @ self.weight)
        b = self.b_mean[chosen] + self.b_sd[chosen] * rng.standard_normal(count)
        logs = np.empty((count, _DOUBLINGS))
        state = np.full(count, self._lately())
        for j, new in enumerate(rng.standard_normal((_DOUBLINGS, count))):
            state = p.persistence * state + p.wander * new
            logs[:, j] = state
        # A curve that rises against all power laws may go on rising, or turn.
        stray = np.hypot(p.stray_fall * spread, self.points.rise)
        fallen = b[:, None] * drops[:, chosen].T * np.exp(logs)
        fallen += stray * rng.standard_normal(fallen.shape)
        total = np.concatenate([np.zeros((count, 1)), np.cumsum(fallen, axis=1)], axis=1)
        at = np.log2(np.asarray(sizes) / self.last)
        return np.asarray(
            total @ np.stack([np.interp(at, steps, one) for one in np.eye(len(steps))])
        )

    def _lately(self) -> float:
        """The logarithm of what the last two sizes brought, relative to the power laws; shrunk
        as much as noise may have made it."""
        p, points = self.prior, self.points
        weight = np.where(self.restart, 0.0, self.weight)
        laws = float(-np.diff(self.laws(points.sizes[-2:]), axis=0)[0] @ weight)
        expected = max(laws / max(float(weight.sum()), 1e-9), 1e-5)
        brought = float(
            np.log(np.clip((points.errors[-2] - points.errors[-1]) / expected, 0.4, 2.5))
        )
        signal = (p.wander * expected) ** 2
        share = signal / (signal + float((points.noise[-2:] ** 2).sum()) + 1e-12)
        # An average over several doublings tells less of the last of them.
        doublings = max(float(np.log2(points.sizes[-1] / points.sizes[-2])), 1.0)
        return float(share * brought * p.persistence ** ((doublings - 1) / 2))

    def _chosen(self, count: int, rng: np.random.Generator) -> NDArray[np.intp]:
        """A component for each draw, (count,)."""
        edges = np.cumsum(self.weight)
        # Systematic sampling: each component as often as its weight says, up to one.
        at = (np.arange(count) + rng.random()) / count
        chosen = np.minimum(np.searchsorted(edges, at * edges[-1]), len(edges) - 1)
        rng.shuffle(chosen)
        return np.asarray(chosen)


def _interpolation(measured: Floats, sizes: Floats, power: float) -> Floats:
    """How much of each measured misfit, (len(sizes), m), there is at `sizes`.

    Linear in log n between two measured sizes, held below the first, fading beyond the last.
    """
    logs = np.log(measured)
    hats = [np.interp(np.log(sizes), logs, unit) for unit in np.eye(len(measured))]
    fade = np.minimum(measured[-1] / sizes, 1.0) ** power
    return np.asarray(np.stack(hats, axis=1) * fade[:, None])


def posterior(points: Points, prior: Prior) -> Posterior:
    """The posterior of the curve that was measured at `points`."""
    sizes, errors, noise = points.sizes, points.errors, points.noise
    restart = points.restart(prior)
    coarse = np.geomspace(*_EXPONENTS, _COARSE)
    exponents, whole = coarse, components(sizes, errors, noise, coarse, prior)
    for _ in range(3):
        # Again with a finer grid, where it matters: sharp data fall between coarse points.
        held = np.flatnonzero(whole.weight.reshape(len(exponents), -1).sum(axis=1) > 1e-4)
        if len(held) > _FINE / 3:
            break
        first, final = max(held[0] - 1, 0), min(held[-1] + 1, len(exponents) - 1)
        exponents = np.geomspace(exponents[first], exponents[final], _FINE)
        whole = components(sizes, errors, noise, exponents, prior)
    anew = components(sizes[-1:], errors[-1:], noise[-1:], coarse, prior)
    return _mixture([(1 - restart, whole), (restart, anew)], points, prior)


def _mixture(parts: list[tuple[float, PowerLaws]], points: Points, prior: Prior) -> Posterior:
    """Grids put together with their probabilities, without what is negligible."""
    weight = np.concatenate([share * part.weight for share, part in parts])
    keep = weight > _NEGLIGIBLE * weight.max()

    def joined(name: str) -> Floats:
        return np.asarray(np.concatenate([getattr(part, name) for _, part in parts])[keep])

    restart = np.repeat([False, True], [part.weight.size for _, part in parts])[keep]
    tau, gamma, a, b = (joined(name) for name in ("tau", "gamma", "a", "b_mean"))
    ratio = points.sizes[:, None] / points.sizes[-1]
    misfit = misfit_sd(ratio, tau, prior) ** 2
    pull = misfit / (misfit + (joined("scale") * points.noise[:, None]) ** 2)
    # A curve that restarts has left its earlier points behind: all of their deviation is misfit.
    pull = np.where(restart & (ratio < 1), 1.0, pull)
    laws = a + b * np.where(restart, 1.0, ratio) ** gamma
    return Posterior(
        last=float(points.sizes[-1]),
        weight=weight[keep] / weight[keep].sum(),
        gamma=gamma,
        a=a,
        b_mean=b,
        b_sd=joined("b_sd"),
        restart=restart,
        pull=pull,
        deviation=pull * (points.errors[:, None] - laws),
        points=points,
        prior=prior,
    )
