"""All power laws that fit a learning curve, each with its probability: one deterministic grid.

The curve is alpha + eta * n**gamma, in the units used here a + b * (n / last)**gamma, where `last`
is the largest measured size: `a` is the asymptote and `b` what is above it at `last`. A measured
error is that curve plus two independent parts:

    noise    known for each size: replicates, the test set
    misfit   real curves are no power laws: normal, standard deviation tau * (last / n)**power

so small sizes, where power laws fail first, weigh little. Given gamma, tau and the asymptote the
model is linear and normal in b: a closed form. The other three are sums over a grid, so that there
is no optimiser that could fail and no random number. The result is a mixture of normal
distributions, `Posterior`, from which intervals, draws and required sizes all follow.

The constants of `Prior` are what `python -m benchmarks.calibrate` found on real learning curves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Prior:
    """What is known of learning curves before one is seen. Errors are shares in [0, 1]."""

    exponent: float = 1.0
    """Median of -gamma; its logarithm is normal."""
    exponent_spread: float = 1.5
    zero_asymptote: float = 0.3
    """Probability that the asymptote is zero; otherwise it lies anywhere below the last error."""
    misfit: float = 0.003
    """Median of tau; its logarithm is normal."""
    misfit_spread: float = 1.0
    misfit_power: float = 1.8
    shared_noise: float = 0.7
    """Probability that most of the noise is common to all sizes (one test set, the same splits):
    then it moves the curve without bending it, and points scatter by `unshared` of it only."""
    unshared: float = 0.3
    restart: float = 0.01
    """Probability that the points before the last say nothing about what comes after it."""
    restart_stuck: float = 0.8
    """The same for a curve that is stuck: the very same error at its last sizes, which is what a
    learner gives that answers alike whatever it is shown. How good guessing is is not known."""
    restart_guessing: float = 0.3
    """The same for a stuck curve that is no worse than guessing: it may well stay there."""
    restart_worse: float = 0.95
    """The same for a stuck curve that is worse than guessing."""
    stray: float = 1.0
    """How far true curves stray from power laws, as a multiple of the power laws' own spread..."""
    stray_least: float = 0.01
    """...and in addition as a share of the binomial spread at that error."""
    wild: float = 0.2
    """Probability of a curve that strays..."""
    wilder: float = 3.0
    """...this many times as far."""


PRIOR = Prior()

_EXPONENTS = (0.02, 3.0)
_COARSE, _FINE = 16, 24
_TAUS = np.geomspace(0.0005, 0.1, 6)
_ASYMPTOTES = 6
_NEGLIGIBLE = 1e-4


@dataclass(frozen=True)
class Posterior:
    """A mixture of normal distributions of power laws.

    Attributes:
        last: largest measured size.
        weight, gamma, tau, a: (K,), one entry a component; weights add up to one.
        b_mean, b_sd: (K,), of the part above the asymptote at `last`.
        restart: (K,), whether the component says nothing about sizes below `last`.
        pull: (m, K), the share of a measured deviation from the power law that is misfit.
        deviation: (m, K), that misfit.
        sizes, noise: (m,), as they were fitted.
    """

    last: float
    weight: Floats
    gamma: Floats
    tau: Floats
    a: Floats
    b_mean: Floats
    b_sd: Floats
    restart: NDArray[np.bool_]
    pull: Floats
    deviation: Floats
    sizes: Floats
    noise: Floats
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
        near = _interpolation(self.sizes, sizes, self.prior.misfit_power)
        decay = self.decay(sizes)
        means = self.a + self.b_mean * decay + near @ self.deviation
        pull = near @ self.pull
        variances = (self.b_sd * decay * (1 - pull)) ** 2
        # What a measured deviation says is as uncertain as the measurement.
        variances += (near @ (self.pull * self.noise[:, None])) ** 2
        return means, variances

    def stray(self, means: Floats, variances: Floats) -> Floats:
        """Standard deviation of the true curve around its component, (len(sizes), 1)."""
        weight = np.where(self.restart, 0.0, self.weight)
        weight = weight / weight.sum() if weight.any() else self.weight
        centre = means @ weight
        spread = np.sqrt(((means - centre[:, None]) ** 2 + variances) @ weight)
        level = np.clip(centre, 0, 1) * (1 - np.clip(centre, 0, 1))
        p = self.prior
        return np.asarray(p.stray * spread + p.stray_least * np.sqrt(level))[:, None]

    def mixture(self, sizes: Floats, noise: Floats | float = 0.0) -> tuple[Floats, Floats, Floats]:
        """Means, standard deviations (len(sizes), 2K) and weights (2K,) of the error at `sizes`,
        the true one and `noise` on it."""
        means, variances = self.curves(sizes)
        stray = self.stray(means, variances)
        p = self.prior
        own = variances + np.broadcast_to(noise, sizes.shape)[:, None] ** 2 + 1e-12
        sds = [np.sqrt(own + stray**2), np.sqrt(own + (p.wilder * stray) ** 2)]
        return (
            np.concatenate([means, means], axis=1),
            np.concatenate(sds, axis=1),
            np.concatenate([self.weight * (1 - p.wild), self.weight * p.wild]),
        )

    def probability(self, sizes: Floats, errors: Floats, noise: Floats | float = 0.0) -> Floats:
        """P(error at sizes[i] is at most errors[i])."""
        mean, sd, weight = self.mixture(sizes, noise)
        return np.asarray(ndtr((errors[:, None] - mean) / sd) @ weight)

    def quantile(self, sizes: Floats, levels: Floats, noise: Floats | float = 0.0) -> Floats:
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
        return (low + high) / 2

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
        edges = np.cumsum(self.weight)
        # Systematic sampling: each component as often as its weight says, up to one.
        at = (np.arange(count) + rng.random()) / count
        chosen = np.minimum(np.searchsorted(edges, at * edges[-1]), len(edges) - 1)
        rng.shuffle(chosen)
        means, variances = self.curves(sizes)
        own = np.sqrt(variances[:, chosen]) * rng.standard_normal(count)
        far = np.where(rng.random(count) < self.prior.wild, self.prior.wilder, 1.0)
        stray = self.stray(means, variances) * far * rng.standard_normal(count)
        return np.asarray(np.clip(means[:, chosen] + own + stray, 0, 1).T)


def _interpolation(measured: Floats, sizes: Floats, power: float) -> Floats:
    """How much of each measured misfit, (len(sizes), m), there is at `sizes`.

    Linear in log n between two measured sizes, held below the first, fading beyond the last.
    """
    logs = np.log(measured)
    hats = [np.interp(np.log(sizes), logs, unit) for unit in np.eye(len(measured))]
    fade = np.minimum(measured[-1] / sizes, 1.0) ** power
    return np.asarray(np.stack(hats, axis=1) * fade[:, None])


def posterior(
    sizes: Floats,
    errors: Floats,
    noise: Floats,
    prior: Prior = PRIOR,
    restart: float | None = None,
) -> Posterior:
    """The posterior of the power laws.

    Args:
        sizes: (m,), smallest first.
        errors: (m,), means.
        noise: (m,), standard errors of these means.
        prior: what is known of learning curves in general.
        restart: replaces the prior's probability of a restart.
    """
    low, high = _EXPONENTS
    exponents = np.geomspace(low, high, _COARSE)
    coarse = _components(sizes, errors, noise, exponents, prior)
    held = np.flatnonzero(coarse.weight.reshape(_COARSE, -1).sum(axis=1) > 1e-4)
    # Once more with a finer grid, where it matters: sharp data fall between coarse points.
    first, final = max(held[0] - 1, 0), min(held[-1] + 1, _COARSE - 1)
    whole = _components(
        sizes, errors, noise, np.geomspace(exponents[first], exponents[final], _FINE), prior
    )
    share = prior.restart if restart is None else restart
    if share <= 0:
        return _mixture([(1.0, whole)], sizes, errors, noise, prior)
    anew = _components(sizes[-1:], errors[-1:], noise[-1:], exponents, prior)
    return _mixture([(1 - share, whole), (share, anew)], sizes, errors, noise, prior)


@dataclass(frozen=True)
class _Grid:
    """Components as they come from the grid, (K,) each; `scale` is that of their noise."""

    weight: Floats
    gamma: Floats
    tau: Floats
    scale: Floats
    a: Floats
    b_mean: Floats
    b_sd: Floats


def _mixture(
    parts: list[tuple[float, _Grid]],
    sizes: Floats,
    errors: Floats,
    noise: Floats,
    prior: Prior,
) -> Posterior:
    """Grids put together with their probabilities, without what is negligible."""
    weight = np.concatenate([share * part.weight for share, part in parts])
    keep = weight > _NEGLIGIBLE * weight.max()

    def joined(name: str) -> Floats:
        return np.asarray(np.concatenate([getattr(part, name) for _, part in parts])[keep])

    restart = np.repeat([False, True][: len(parts)], [part.weight.size for _, part in parts])[keep]
    tau, gamma, a, b = (joined(name) for name in ("tau", "gamma", "a", "b_mean"))
    ratio = sizes[:, None] / sizes[-1]
    misfit = (tau * ratio**-prior.misfit_power) ** 2
    pull = misfit / (misfit + (joined("scale") * noise[:, None]) ** 2)
    # A curve that restarts has left its earlier points behind: all of their deviation is misfit.
    pull = np.where(restart & (ratio < 1), 1.0, pull)
    laws = a + b * np.where(restart, 1.0, ratio) ** gamma
    return Posterior(
        last=float(sizes[-1]),
        weight=weight[keep] / weight[keep].sum(),
        gamma=gamma,
        tau=tau,
        a=a,
        b_mean=b,
        b_sd=joined("b_sd"),
        restart=restart,
        pull=pull,
        deviation=pull * (errors[:, None] - laws),
        sizes=sizes,
        noise=noise,
        prior=prior,
    )


def _components(
    sizes: Floats, errors: Floats, noise: Floats, exponents: Floats, prior: Prior
) -> _Grid:
    """The grid over (gamma, tau and noise, a) with the normal distribution of b in its points."""
    ratio = sizes / sizes[-1]
    # Two kinds of noise times all tau: one axis of the grid, V long.
    scale = np.repeat([prior.unshared, 1.0], len(_TAUS))[:, None]
    tau = np.tile(_TAUS, 2)
    variance = (scale * noise) ** 2 + (tau[:, None] * ratio**-prior.misfit_power) ** 2  # (V, m)
    x = ratio ** -exponents[:, None, None]  # (G, 1, m)
    w = 1 / variance
    s0, sy, syy = w.sum(-1), (w * errors).sum(-1), (w * errors**2).sum(-1)  # (V,)
    s1, s2, sxy = (w * x).sum(-1), (w * x**2).sum(-1), (w * x * errors).sum(-1)  # (G, V)
    # A normal prior one wide keeps (a, b) proper where x hardly varies; it says next to nothing.
    p00, p11 = s0 + 1.0, s2 + 1.0
    determinant = p00 * p11 - s1**2
    a_hat = (p11 * sy - s1 * sxy) / determinant
    b_hat = (p00 * sxy - s1 * sy) / determinant
    a_sd = np.sqrt(p11 / determinant)
    last_sd = np.sqrt((p00 + p11 - 2 * s1) / determinant)
    spread = np.log(variance).sum(-1)
    free = -0.5 * (syy - a_hat * sy - b_hat * sxy + np.log(determinant) + spread)
    zero = -0.5 * (syy - sxy**2 / p11 + np.log(p11) + spread)

    # The asymptote: zero, or between zero and the error at the last size, where its normal
    # distribution is replaced by quantiles of equal weight.
    top = np.clip(a_hat + b_hat + 3 * last_sd, 1e-3, 1.0)
    floor, ceiling = ndtr(-a_hat / a_sd), ndtr((top - a_hat) / a_sd)
    inside = np.maximum(ceiling - floor, 1e-300)
    part = (np.arange(_ASYMPTOTES) + 0.5) / _ASYMPTOTES
    nodes = ndtri(np.clip(floor[..., None] + part * inside[..., None], 1e-15, 1 - 1e-15))
    nodes = np.clip(a_hat[..., None] + a_sd[..., None] * nodes, 0.0, top[..., None])
    density = math.sqrt(2 * math.pi) / max(float(errors[-1]), 0.02) / _ASYMPTOTES
    free += np.log(inside) + math.log(density * (1 - prior.zero_asymptote))
    zero += math.log(max(prior.zero_asymptote, 1e-300))
    a = np.concatenate([np.zeros_like(nodes[..., :1]), nodes], axis=-1)  # (G, V, A)
    log_weight = np.concatenate(
        [zero[..., None], np.repeat(free[..., None], _ASYMPTOTES, axis=-1)], axis=-1
    )

    b_mean = (sxy[..., None] - s1[..., None] * a) / p11[..., None]
    b_sd = np.broadcast_to(1 / np.sqrt(p11)[..., None], a.shape)
    # b is not negative: the mean and the spread of what is left of its normal distribution.
    positive = np.maximum(ndtr(b_mean / b_sd), 1e-300)
    hazard = np.exp(-0.5 * (b_mean / b_sd) ** 2) / math.sqrt(2 * math.pi) / positive
    shrink = np.clip(1 - hazard * (hazard + b_mean / b_sd), 0.02, 1)
    log_weight += (
        np.log(positive)
        - 0.5 * ((np.log(exponents / prior.exponent) / prior.exponent_spread) ** 2)[:, None, None]
        - 0.5 * ((np.log(tau / prior.misfit) / prior.misfit_spread) ** 2)[:, None]
        + np.log(np.where(scale < 1, prior.shared_noise, 1 - prior.shared_noise))
    )
    weight = np.exp(log_weight - log_weight.max())
    grid = weight.shape
    return _Grid(
        weight=(weight / weight.sum()).ravel(),
        gamma=np.broadcast_to(-exponents[:, None, None], grid).ravel(),
        tau=np.broadcast_to(tau[:, None], grid).ravel(),
        scale=np.broadcast_to(scale, grid).ravel(),
        a=a.ravel(),
        b_mean=np.maximum(b_mean + b_sd * hazard, 0.0).ravel(),
        b_sd=(b_sd * np.sqrt(shrink)).ravel(),
    )
