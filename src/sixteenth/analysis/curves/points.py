"""The measured points of a learning curve: checked, averaged, and what is odd about them.

A curve that does not fall carries no information on how it will: such points are recognised here,
said so in plain words, and handed to the fit as the probability of a fresh start.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from ...errors import InputError
from ..inputs.scoring import smoothed_share
from .power_laws import Floats, Prior

SAME = 1.5e-4
"""Errors that differ by less are the same: published errors are rounded to four decimals. On a test
set of known size by less than half an image."""
STUCK_SIZES = 3
"""So many sizes with the same error are no coincidence..."""
NO_LUCK = 100
"""...of networks that learn, where so many test images are wrong. On fewer, three networks that
learn may well have the same number right."""
WORSE = 0.01
"""An error is worse than guessing if it is larger by more than a point."""
NEAR_GUESSING = 0.9
"""An error above this share of that of guessing is called close to it."""
COMMON_CLASS = 0.1
"""A constant error below this is what guessing the one common class gives."""
ENOUGH = 4
"""Sizes from which the three parameters of a power law leave something to check them by."""


SINGLE_SPREAD = 0.01
"""Standard deviation between trainings that a fall has to stand out from where no size was trained
twice: small sets scatter by about a point."""
NO_CHANCE = 0.01
"""Spreads of sizes differ if a test of their equality gives less than this probability."""
ASSUMED_TEST_SIZE = 2500
"""Images of the test set whose noise is assumed where nothing else tells the noise."""


class CurveWarning(StrEnum):
    """What stands in the way of trusting a fitted learning curve."""

    FEW_SIZES = "few-sizes"
    """Fewer than `ENOUGH` sizes: the exponent is mostly what learning curves have in general."""
    STUCK = "stuck"
    """The last three errors are one and the same, as if every image got the same answer."""
    RISING = "rising"
    """The error rises with more data, which no power law describes."""
    BEST_EARLIER = "best-earlier"
    """The error at the largest size is clearly above the lowest one, that of a smaller size."""
    FLAT = "flat"
    """The error changes by no more than its noise."""
    NEAR_GUESSING = "near-guessing"
    """The error at the largest size is close to that of guessing."""
    UNEQUAL_SPREAD = "unequal-spread"
    """Trainings scatter more at some sizes than at others, where one spread is taken for all."""
    NOISE_ASSUMED = "noise-assumed"
    """Nothing told the noise: that of `ASSUMED_TEST_SIZE` test images is assumed."""

    @property
    def about_errors(self) -> bool:
        """Whether the errors themselves are odd; else something was not measured."""
        return self not in (CurveWarning.FEW_SIZES, CurveWarning.NOISE_ASSUMED)


@dataclass(frozen=True)
class Points:
    """Mean errors by size, smallest first.

    Attributes:
        sizes, errors: (m,).
        noise: (m,), standard errors of `errors`.
        new_noise: standard deviation of a new training's measured error around the true one.
        chance: error of guessing, where it is known.
        noise_known: whether anything told the noise; otherwise it is assumed.
        test_size: images of the test set, where they are known.
        unequal_spread: whether repeats scatter more at some sizes than at others.
        spread_known: whether `noise` has the spread between trainings in it.
    """

    sizes: Floats
    errors: Floats
    noise: Floats
    new_noise: float
    chance: float | None
    noise_known: bool = True
    test_size: int | None = None
    unequal_spread: bool = False
    spread_known: bool = True

    @property
    def stuck(self) -> bool:
        """The last `STUCK_SIZES` errors are one and the same, as no networks that learn have them:
        close to guessing, or, where that is not known, too many for a coincidence."""
        last, images = self.errors[-STUCK_SIZES:], self.test_size
        same = SAME if images is None else min(SAME, 0.5 / images)
        if len(last) < STUCK_SIZES or np.ptp(last) > same or last[-1] <= SAME:
            return False
        if self.chance is not None:
            return self.guessing
        return images is None or bool(last[-1] * images >= NO_LUCK)

    @property
    def drop(self) -> float:
        """How much the error fell from the smallest size to the largest."""
        return float(self.errors[0] - self.errors[-1])

    @property
    def scatter(self) -> float:
        """A drop smaller than this is none: twice the noise, at least half a point."""
        return max(0.005, 2 * float(np.sqrt(np.mean(self.noise**2))))

    @property
    def rising(self) -> bool:
        """The error is larger at the largest size than at the smallest."""
        return self.drop < -self.scatter

    @property
    def rise(self) -> float:
        """How much a rising curve rises with each doubling; 0 for any other."""
        doublings = float(np.log2(self.sizes[-1] / self.sizes[0]))
        return -self.drop / doublings if self.rising else 0.0

    @property
    def best_earlier(self) -> bool:
        """The error at the largest size is above the lowest one by more than their noise."""
        noise = self.noise if self.noise_known else np.full(len(self.errors), self.new_noise)
        if not self.spread_known:
            noise = np.hypot(noise, SINGLE_SPREAD)
        best = int(np.argmin(self.errors))
        clear = max(self.scatter, 2 * float(np.hypot(noise[best], noise[-1])))
        return bool(self.errors[-1] - self.errors[best] > clear)

    @property
    def flat(self) -> bool:
        """The error hardly changes."""
        return abs(self.drop) <= self.scatter

    @property
    def guessing(self) -> bool:
        """The largest size's error is close to that of guessing, or above it."""
        return self.chance is not None and bool(self.errors[-1] > NEAR_GUESSING * self.chance)

    def restart(self, prior: Prior) -> float:
        """Probability that what comes has nothing to do with the points before the last."""
        if self.stuck:
            if self.chance is None:
                high = self.errors[-1] > COMMON_CLASS
                return prior.restart_stuck if high else prior.restart_guessing
            worse = self.errors[-1] > self.chance + WORSE
            return prior.restart_worse if worse else prior.restart_guessing
        doubtful = self.flat or self.rising or self.guessing
        return prior.restart_doubtful if doubtful else prior.restart

    def warnings(self) -> tuple[CurveWarning, ...]:
        """What stands in the way of trusting a fit."""
        found = []
        if len(self.sizes) < ENOUGH:
            found.append(CurveWarning.FEW_SIZES)
        if self.stuck:
            found.append(CurveWarning.STUCK)
        elif self.rising:
            found.append(CurveWarning.RISING)
        elif self.best_earlier:
            found.append(CurveWarning.BEST_EARLIER)
        elif self.flat:
            found.append(CurveWarning.FLAT)
        if self.guessing:
            found.append(CurveWarning.NEAR_GUESSING)
        if self.unequal_spread:
            found.append(CurveWarning.UNEQUAL_SPREAD)
        if not self.noise_known:
            found.append(CurveWarning.NOISE_ASSUMED)
        return tuple(found)


def read_points(
    sizes: ArrayLike,
    errors: ArrayLike | Sequence[ArrayLike],
    stderr: ArrayLike | None = None,
    test_size: int | None = None,
    chance: float | None = None,
    same_test_images: bool = False,
) -> Points:
    """Check and average what was measured; arguments as in `fit_learning_curve`.

    The noise of a mean over r repeats is s**2 / r, s**2 pooled over all sizes, and what does not
    average out. On the same test images that is t = p * (1 - p) / test_size. Else s**2 holds all of
    t if each repeat had test images of its own, and less if they shared them, which their errors do
    not tell: hypot(s**2, t) stands for the noise of one training then, s**2 of it averages out.

    Raises:
        InputError: a value cannot be used; the message names it.
    """
    n = _numbers("sizes", sizes)
    if n.ndim != 1 or np.any(n <= 0):
        raise InputError("sizes must be one list of positive numbers")
    if not np.iterable(errors):
        raise InputError("errors must be a list, with one for each size")
    repeats = [np.atleast_1d(_numbers("errors", e)) for e in errors]
    if len(repeats) != len(n):
        raise InputError(f"{len(n)} sizes but {len(repeats)} errors: give one for each size")
    if len(n) < 2:
        raise InputError("a learning curve needs errors at two sizes at least, better at four")
    different, times = np.unique(n, return_counts=True)
    if len(different) < len(n):
        raise InputError(
            f"size {different[times > 1][0]:.15g} is given twice: give its errors as a list of "
            "repeats"
        )
    for size, values in zip(n, repeats, strict=True):
        if not len(values):
            raise InputError(f"size {size:.15g} has no error")
        if np.any((values < 0) | (values > 1)):
            raise InputError(
                f"the errors at size {size:.15g} are not within 0 and 1"
                + ("; divide percentages by 100" if np.all(values <= 100) else "")
            )
    if test_size is not None and not 1 <= as_number(test_size) < math.inf:
        raise InputError(f"test_size {test_size} is not a number of images")
    if chance is not None and not 0 < as_number(chance) <= 1:
        raise InputError(f"chance {chance} is not an error within 0 and 1")

    order = np.argsort(n)
    n, repeats = n[order], [repeats[i] for i in order]
    means = np.array([values.mean() for values in repeats])
    if stderr is not None:
        noise = _numbers("stderr", stderr)
        if noise.shape != n.shape or np.any(noise < 0):
            raise InputError("stderr must be one number, not negative, for each size")
        return Points(n, means, noise[order], float(noise[order][-1]), chance, test_size=test_size)
    counts = np.array([len(values) for values in repeats], dtype=float)
    freedom = float((counts - 1).sum())
    within = sum(float(((values - values.mean()) ** 2).sum()) for values in repeats)
    spread = within / freedom if freedom else 0.0
    known = freedom > 0 or test_size is not None
    images = np.zeros(len(n))
    if test_size is not None or not known:
        tested = test_size or ASSUMED_TEST_SIZE
        share = smoothed_share(means, tested)
        images = share * (1 - share) / tested
    shared = images if same_test_images else np.hypot(spread, images) - spread
    return Points(
        sizes=n,
        errors=means,
        # What is assumed is for the forecast only: the misfits take up the points' own scatter.
        noise=np.sqrt(spread / counts + shared) if known else np.zeros(len(n)),
        new_noise=float(np.sqrt(spread + shared[-1])),
        chance=chance,
        noise_known=known,
        test_size=test_size,
        spread_known=freedom > 0,
        unequal_spread=_unequal(repeats, SAME if test_size is None else 1 / test_size),
    )


def _unequal(repeats: Sequence[Floats], step: float) -> bool:
    """Whether repeats scatter more at some sizes than at others (Bartlett 1937).

    Args:
        step: what the errors are rounded to; it spreads even those that are all the same.
    """
    several = [values for values in repeats if len(values) > 1]
    if len(several) < 2:
        return False
    freedom = np.array([len(values) - 1.0 for values in several])
    variances = np.array([values.var(ddof=1) for values in several]) + step**2 / 12
    whole, groups = freedom.sum(), len(several) - 1
    statistic = whole * np.log(freedom @ variances / whole) - freedom @ np.log(variances)
    statistic /= 1 + ((1 / freedom).sum() - 1 / whole) / (3 * groups)
    return bool(chdtrc(groups, statistic) < NO_CHANCE)


def as_number(value: object) -> float:
    """`value` as a number; NaN, which no bounds hold, where it is none."""
    if isinstance(value, str):
        return math.nan
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return math.nan


def _numbers(name: str, values: ArrayLike) -> Floats:
    """`values` as finite numbers."""
    try:
        found = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise InputError(f"{name} must be numbers") from None
    if not np.all(np.isfinite(found)):
        raise InputError(f"{name} hold something that is not a finite number")
    return found
