"""All power laws that fit a learning curve, each with its probability: one deterministic grid.

The curve is alpha + eta * n**gamma, in the units used here a + b * (n / last)**gamma, where `last`
is the largest measured size: `a` is the asymptote and `b` what is above it at `last`. A measured
error is that curve plus two independent parts:

    noise    known for each size: replicates, the test set
    misfit   real curves are no power laws: normal, standard deviation tau * (last / n)

so small sizes, where power laws fail first, weigh little. Given gamma and tau the model is linear
and the posterior of (a, b) is a normal distribution cut off at zero: a closed form. gamma, tau and
what a's normal distribution leaves are sums over a grid, so that there is no optimiser that could
fail and no random number. The result is a mixture of normal distributions, `Posterior`, from which
intervals, draws and required sizes all follow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Prior:
    """What is known of learning curves before one is seen. Errors are shares in [0, 1]."""

    exponent: float = 0.5
    """Median of -gamma; its logarithm is normal."""
    exponent_spread: float = 0.6
    misfit: float = 0.01
    """Median of tau; its logarithm is normal."""
    misfit_spread: float = 1.0
    beyond: float = 4.0
    """Misfit at the largest size, as a multiple of tau, and how much it grows with each doubling
    beyond it."""
    beyond_growth: float = 0.5


PRIOR = Prior()

_EXPONENTS = (0.02, 3.0)
_COARSE, _FINE = 24, 32
_TAUS = np.geomspace(0.0005, 0.13, 8)
_ASYMPTOTES = 8


@dataclass(frozen=True)
class Posterior:
    """A mixture of normal distributions of power laws.

    Attributes:
        last: largest measured size.
        weight, gamma, tau, a: (K,), one entry a component; weights add up to one.
        b_mean, b_sd: (K,), of the part above the asymptote at `last`.
    """

    last: float
    weight: Floats
    gamma: Floats
    tau: Floats
    a: Floats
    b_mean: Floats
    b_sd: Floats
    prior: Prior

    def moments(self, sizes: Floats, noise: Floats | float = 0.0) -> tuple[Floats, Floats]:
        """Mean and standard deviation, (len(sizes), K), of the true error and `noise` on it."""
        x = (sizes[:, None] / self.last) ** self.gamma
        variance = (self.b_sd * x) ** 2 + self.misfit(sizes) ** 2
        noise = np.broadcast_to(np.asarray(noise, dtype=float), sizes.shape)
        return self.a + self.b_mean * x, np.sqrt(variance + noise[:, None] ** 2)

    def misfit(self, sizes: Floats) -> Floats:
        """Standard deviation of the misfit, (len(sizes), K)."""
        ratio = sizes[:, None] / self.last
        p = self.prior
        outside = p.beyond * (1 + p.beyond_growth * np.log2(np.maximum(ratio, 1)))
        return np.asarray(self.tau * np.where(ratio < 1, p.beyond / ratio, outside))

    def probability(self, sizes: Floats, errors: Floats, noise: Floats | float = 0.0) -> Floats:
        """P(error at sizes[i] is at most errors[i])."""
        mean, sd = self.moments(sizes, noise)
        return np.asarray(ndtr((errors[:, None] - mean) / sd) @ self.weight)

    def quantile(self, sizes: Floats, levels: Floats, noise: Floats | float = 0.0) -> Floats:
        """Quantiles (len(sizes), len(levels)) of the error, by bisection within [0, 1]."""
        mean, sd = self.moments(sizes, noise)
        low = np.zeros((len(sizes), len(levels)))
        high = np.ones_like(low)
        for _ in range(22):  # to better than 1e-6
            middle = (low + high) / 2
            below = (
                np.einsum(
                    "nlk,k->nl",
                    ndtr((middle[:, :, None] - mean[:, None]) / sd[:, None]),
                    self.weight,
                )
                < levels
            )
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return (low + high) / 2

    def draws(self, sizes: Floats, count: int, rng: np.random.Generator) -> Floats:
        """True curves, (count, len(sizes)): one power law and one misfit a draw."""
        edges = np.cumsum(self.weight)
        # Systematic sampling: each component as often as its weight says, up to one.
        at = (np.arange(count) + rng.random()) / count
        chosen = np.minimum(np.searchsorted(edges, at * edges[-1]), len(edges) - 1)
        rng.shuffle(chosen)
        b = self.b_mean[chosen] + self.b_sd[chosen] * rng.standard_normal(count)
        x = (sizes[:, None] / self.last) ** self.gamma[chosen]
        misfit = self.misfit(sizes)[:, chosen] * rng.standard_normal(count)
        return np.asarray(np.clip(self.a[chosen] + np.maximum(b, 0) * x + misfit, 0, 1).T)


def posterior(sizes: Floats, errors: Floats, noise: Floats, prior: Prior = PRIOR) -> Posterior:
    """The posterior of the power laws, from mean errors and the standard errors of these means."""
    low, high = np.log(_EXPONENTS)
    exponents = np.exp(np.linspace(low, high, _COARSE))
    for step in range(2):
        parts = _components(sizes, errors, noise, exponents, prior)
        by_gamma = parts.weight.reshape(len(exponents), -1).sum(axis=1)
        if step == 0:
            # Once more with a finer grid, where it matters: sharp data fall between coarse points.
            held = np.flatnonzero(by_gamma > 1e-4)
            first, final = max(held[0] - 1, 0), min(held[-1] + 1, len(exponents) - 1)
            exponents = np.geomspace(exponents[first], exponents[final], _FINE)
    keep = parts.weight > 1e-6 * parts.weight.max()
    weight = parts.weight[keep]
    return Posterior(
        last=parts.last,
        weight=weight / weight.sum(),
        gamma=parts.gamma[keep],
        tau=parts.tau[keep],
        a=parts.a[keep],
        b_mean=parts.b_mean[keep],
        b_sd=parts.b_sd[keep],
        prior=prior,
    )


def _components(
    sizes: Floats, errors: Floats, noise: Floats, exponents: Floats, prior: Prior
) -> Posterior:
    """The grid over (gamma, tau, a) with the normal distribution of b in each of its points."""
    last = float(sizes.max())
    ratio = sizes / last
    x = ratio ** -exponents[:, None, None]  # (G, 1, m)
    variance = noise**2 + (_TAUS[:, None] / ratio) ** 2  # (T, m)
    w = 1 / variance
    s0, sy, syy = w.sum(-1), (w * errors).sum(-1), (w * errors**2).sum(-1)  # (T,)
    s1, s2, sxy = (w * x).sum(-1), (w * x**2).sum(-1), (w * x * errors).sum(-1)  # (G, T)
    # A faint normal prior, one wide, keeps it proper where x hardly varies.
    p00, p11 = s0 + 1.0, s2 + 1.0
    determinant = p00 * p11 - s1**2
    a_hat = (p11 * sy - s1 * sxy) / determinant
    b_hat = (p00 * sxy - s1 * sy) / determinant
    misfit = syy - a_hat * sy - b_hat * sxy
    evidence = -0.5 * (misfit + np.log(determinant) + np.log(variance).sum(-1))
    a_sd = np.sqrt(p11 / determinant)
    c_sd = np.sqrt((p00 + p11 - 2 * s1) / determinant)
    # a lies between nothing and the error at the last size: quantiles of what is left of a's
    # normal distribution, all of one weight.
    top = np.clip(a_hat + b_hat + 3 * c_sd, 1e-3, 1.0)
    floor, ceiling = ndtr(-a_hat / a_sd), ndtr((top - a_hat) / a_sd)
    inside = np.maximum(ceiling - floor, 1e-300)
    part = (np.arange(_ASYMPTOTES) + 0.5) / _ASYMPTOTES
    nodes = ndtri(np.clip(floor[..., None] + part * inside[..., None], 1e-15, 1 - 1e-15))
    a = np.clip(a_hat[..., None] + a_sd[..., None] * nodes, 0.0, top[..., None])
    b_mean = (sxy[..., None] - s1[..., None] * a) / p11[..., None]
    b_sd = np.broadcast_to(1 / np.sqrt(p11)[..., None], a.shape)
    positive = ndtr(b_mean / b_sd)
    log_weight = (
        evidence[..., None]
        + np.log(inside)[..., None]
        + np.log(np.maximum(positive, 1e-300))
        - 0.5 * ((np.log(exponents / prior.exponent) / prior.exponent_spread) ** 2)[:, None, None]
        - 0.5 * ((np.log(_TAUS / prior.misfit) / prior.misfit_spread) ** 2)[:, None]
    )
    # The mean and spread of what is left of b's normal distribution above zero.
    hazard = np.exp(-0.5 * (b_mean / b_sd) ** 2) / np.sqrt(2 * np.pi) / np.maximum(positive, 1e-12)
    cut = b_mean + b_sd * hazard
    shrink = np.clip(1 - hazard * (hazard + b_mean / b_sd), 0.02, 1)
    weight = np.exp(log_weight - log_weight.max())
    grid = weight.shape
    return Posterior(
        last=last,
        weight=weight.ravel(),
        gamma=np.broadcast_to(-exponents[:, None, None], grid).ravel(),
        tau=np.broadcast_to(_TAUS[:, None], grid).ravel(),
        a=a.ravel(),
        b_mean=np.maximum(cut, 0.0).ravel(),
        b_sd=(b_sd * np.sqrt(shrink)).ravel(),
        prior=prior,
    )
