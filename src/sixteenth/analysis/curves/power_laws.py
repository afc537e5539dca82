"""The power laws of a learning curve on a grid, each with its probability.

The curve is alpha + eta * n**gamma, in the units used here a + b * (n / last)**gamma, where `last`
is the largest measured size: `a` is the asymptote and `b` what is above it at `last`. A measured
error is that curve plus two independent parts:

    noise    known for each size: replicates, the test set
    misfit   real curves are no power laws: normal, standard deviation tau * (last / n)**power

so small sizes, where power laws fail first, weigh little. Given gamma, tau and the asymptote the
model is linear and normal in b: a closed form. The other three are sums over a grid, so that there
is no optimiser that could fail and no random number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Prior:
    """What is known of learning curves before one is seen. Errors are shares in [0, 1]."""

    exponent: float = 1.0
    """Median of -gamma; its logarithm is normal."""
    exponent_spread: float = 2.09
    zero_asymptote: float = 0.208
    """Probability that the asymptote is zero; otherwise it lies anywhere below the last error."""
    misfit: float = 0.00278
    """Median of tau; its logarithm is normal."""
    misfit_spread: float = 0.921
    misfit_power: float = 1.66
    exact: float = 0.05
    """Prior weight of a power law with hardly any misfit (the first tau of the grid, 0.002 points).
    Every other tau weighs what its normal distribution gives it, at most 1, so that 0.05 is about
    2% of the whole. Real curves do not need it. Points made by a formula, with which people try a
    fit, do: were small sizes always allowed to stray, they would count too little to find alpha
    and gamma. The value was set by hand, not learned: a fifth of it misses alpha by a point or so
    on such points, with twenty times as much one real curve in a hundred less is covered."""
    shared_noise: float = 0.759
    """Probability that most of the noise is common to all sizes (one test set, the same splits):
    then it moves the curve without bending it, and points scatter by `unshared` of it only."""
    unshared: float = 0.448
    restart: float = 0.01
    """Probability that the points before the last say nothing about what comes after it."""
    restart_doubtful: float = 0.12
    """`restart` of a curve that is flat, rises or is still close to guessing."""
    restart_stuck: float = 0.8
    """`restart` of a curve that is stuck: the very same error at its last sizes, which is what a
    learner gives that answers alike whatever it is shown. How good guessing is is not known."""
    restart_guessing: float = 0.206
    """`restart` of a stuck curve that is no worse than guessing: it may well stay there."""
    restart_worse: float = 0.969
    """`restart` of a stuck curve that is worse than guessing."""
    stray: float = 1.16
    """How far true curves stray from power laws, as a multiple of the power laws' own spread..."""
    stray_least: float = 0.0213
    """...and in addition as a share of the binomial spread at that error."""
    wild: float = 0.172
    """Probability of a curve that strays..."""
    wilder: float = 2.58
    """...this many times as far."""
    wander: float = 0.4
    """Beyond the largest size each doubling brings what the power law says times a factor: the
    standard deviation of what is new in its logarithm. This and the next two were set by
    `benchmarks.forecasts`."""
    persistence: float = 0.6
    """How much of the logarithm of one doubling's factor the next one keeps."""
    stray_fall: float = 0.3
    """What a doubling brings strays besides, as a multiple of the power laws' own spread in it."""


PRIOR = Prior()
"""Of accuracy over training-set size."""
TRAINING_PRIOR = replace(PRIOR, exponent=0.75, exponent_spread=1.0, zero_asymptote=0.0)
"""Of accuracy over training steps on the same images, which run out: errors that would fall to zero
are no curves of training. The exponents are those of the cells in docs/results that were measured
at three lengths: the second doubling of the steps brought 0.59 of the first (median of 22)."""

_TAUS = np.array([2e-5, *np.geomspace(0.0005, 0.1, 6)])
"""The first stands for hardly any misfit."""
_ASYMPTOTES = 6


@dataclass(frozen=True)
class PowerLaws:
    """Components as they come from the grid, (K,) each; `scale` is that of their noise."""

    weight: Floats
    gamma: Floats
    tau: Floats
    scale: Floats
    a: Floats
    b_mean: Floats
    b_sd: Floats


def misfit_sd(ratio: Floats, tau: Floats, prior: Prior) -> Floats:
    """Standard deviation of the misfit at sizes of `ratio` = n / last."""
    return np.asarray(tau * ratio**-prior.misfit_power)


def components(
    sizes: Floats, errors: Floats, noise: Floats, exponents: Floats, prior: Prior
) -> PowerLaws:
    """The grid over (gamma, tau and noise, a) with the normal distribution of b in its points."""
    ratio = sizes / sizes[-1]
    # Two kinds of noise times all tau: one axis of the grid, V long.
    scale = np.repeat([prior.unshared, 1.0], len(_TAUS))[:, None]
    tau = np.tile(_TAUS, 2)
    variance = (scale * noise) ** 2 + misfit_sd(ratio, tau[:, None], prior) ** 2  # (V, m)
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
        + np.where(
            tau == _TAUS[0],
            math.log(max(prior.exact, 1e-300)),
            -0.5 * (np.log(tau / prior.misfit) / prior.misfit_spread) ** 2,
        )[:, None]
        + np.log(np.where(scale < 1, prior.shared_noise, 1 - prior.shared_noise))
    )
    weight = np.exp(log_weight - log_weight.max())
    grid = weight.shape
    return PowerLaws(
        weight=(weight / weight.sum()).ravel(),
        gamma=np.broadcast_to(-exponents[:, None, None], grid).ravel(),
        tau=np.broadcast_to(tau[:, None], grid).ravel(),
        scale=np.broadcast_to(scale, grid).ravel(),
        a=a.ravel(),
        b_mean=np.maximum(b_mean + b_sd * hazard, 0.0).ravel(),
        b_sd=(b_sd * np.sqrt(shrink)).ravel(),
    )
