"""How much the accuracy of another training differs: assumed at first, then measured.

Another training of a cell has another seed, subset, initial weights and order of images. What it
adds to an accuracy is the spread between trainings. One training of each cell says nothing of it,
and three of each say little about any single cell; so the spread is one law, with a prior, and the
repeats of all its cells are pooled (`training_spread`). Cells that train other weights have a law
of their own: heads on frozen features scatter a third as much as whole networks. Within a law, each
model with its initial weights has a factor of its own: the one may be stable and the other not.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.special import gammaincinv

RELATIVE, AT_IMAGES, FALL = 0.018, 3125.0, 0.3
"""The assumed standard deviation between trainings is RELATIVE * (AT_IMAGES / n)**FALL times
sqrt(p (1 - p)), for accuracy p on n training images: 0.9 points at 50% on 3,125 images, 0.3 at
80% on 50,000. docs/science.md holds the measurements that it comes from."""
UNCERTAINTY = 0.6
"""Standard deviation of the logarithm of a study's spread around the assumed one: two studies in
three lie within a factor of 1.8."""
ARM_UNCERTAINTY = 0.6
"""Standard deviation of the logarithm of the spread of one model and init around that of its study:
of two that were trained alike, one scatters 1.8 times as much as the other in the median."""
FALL_UNCERTAINTY = 0.25
"""Standard deviation of a study's own FALL around the assumed one."""
SIMILARITY = 8.0
"""How alike the cells of one study are, in degrees of freedom of their variances around the common
law: four in five cells lie within a factor of 1.4."""
STEP = UNCERTAINTY / 10
"""Of the grid: the difference between neighbouring logarithms of f, and of g."""
COUNT = 1000
"""Draws of each cell's variance; draw i of all cells belongs together. A probability of 5% is then
known to 0.7 points."""


@dataclass(frozen=True)
class CellTrainings:
    """The trainings of one cell.

    Attributes:
        accuracies: one a training.
        train_size: training images.
        noise: variance of an accuracy between trainings that comes from the finite test set alone,
            which another training does not have on other images.
        counts: whether they tell of the spread of other cells; trainings that were counted already,
            or that cannot differ, tell of their own cell only.
        law: names the law that the cell follows.
        arm: names those cells of the law that have one factor: of one model and init.
    """

    accuracies: Sequence[float]
    train_size: float
    noise: float = 0.0
    counts: bool = True
    law: str = ""
    arm: Hashable = ""

    @property
    def repeated(self) -> bool:
        """Whether its trainings tell of the spread of others."""
        return self.counts and self.degrees > 0

    @property
    def squares(self) -> float:
        """Sum of squares around the mean."""
        return float(np.var(np.asarray(self.accuracies))) * len(self.accuracies)

    @property
    def degrees(self) -> int:
        return len(self.accuracies) - 1


@dataclass(frozen=True)
class TrainingSpread:
    """Draws of each cell's variance between trainings.

    Attributes:
        variances: cell -> (COUNT,) variances of an accuracy, in squared shares.
        degrees: cell -> those of freedom of the repeats that its law rests on; 0: it is assumed,
            as no cell of its arm was repeated.
    """

    variances: Mapping[Hashable, NDArray[np.float64]] = field(repr=False)
    degrees: Mapping[Hashable, int]

    def assumed(self, cell: Hashable) -> bool:
        """Whether no cell of its arm was trained twice."""
        return self.degrees[cell] == 0

    def deviation(self, cell: Hashable) -> float:
        """The median standard deviation between trainings of a cell."""
        return float(np.sqrt(np.median(self.variances[cell])))

    def another(self, cell: Hashable, of: str = "") -> NDArray[np.float64]:
        """How far another training of a cell lies from its average one: draws (COUNT,), in shares.

        The same at every call, so that differences from one cell share its training.

        Args:
            of: names a cell that nobody trained, which has the spread of this one.
        """
        rng = np.random.default_rng(zlib.crc32(repr((cell, of)).encode()))
        return np.asarray(np.sqrt(self.variances[cell]) * rng.standard_normal(COUNT))


def assumed_deviation(accuracy: float, train_size: float) -> float:
    """The standard deviation between trainings that is assumed before any was repeated.

    Args:
        accuracy: of the cell, a share.
        train_size: training images.
    """
    share = min(max(accuracy, 1e-3), 1 - 1e-3)
    return float(
        RELATIVE * (AT_IMAGES / _size(train_size)) ** FALL * math.sqrt(share * (1 - share))
    )


def training_spread(cells: Mapping[Hashable, CellTrainings]) -> TrainingSpread:
    """The variance between trainings of every cell, given the repeats of all.

    With the assumed standard deviation a of a cell of n images, its variance is (f g a (n / m)**d)²
    times an inverse chi-square with SIMILARITY degrees of freedom; f is log-normal around 1, d is
    normal around 0, and m is the mean size. Each law has its own f, d and m, and each arm of it its
    own g, log-normal around 1. Given these, the observed variance of a cell with r repeats is its
    expected value, test noise included, times an F of r - 1 and SIMILARITY degrees of freedom.
    Given f and d alone the arms are independent, so that the posterior on a grid of f, d and all g
    is a product of sums; then the variance of each cell is inverse chi-square again (Gelman et al.
    2013, Bayesian Data Analysis, sections 2.6 and 5.4).

    An arm that was not repeated keeps the prior of its g. Where no arm of a law was, g is 1: the
    uncertainty of f is that of the assumed spread then.

    Returns:
        Draws of the variances, the same at every call.
    """
    # Two, so that what is drawn of an arm changes nothing for cells of other laws.
    rng, order = np.random.default_rng(0), np.random.default_rng(1)
    laws: dict[str, dict[Hashable, CellTrainings]] = {}
    for key, cell in cells.items():
        laws.setdefault(cell.law, {})[key] = cell
    shares = (np.arange(COUNT) + 0.5) / COUNT
    common: dict[Hashable, NDArray[np.float64]] = {}
    for alike in laws.values():
        common |= _common_variances(alike, rng.permutation(shares), order)
    variances: dict[Hashable, NDArray[np.float64]] = {}
    for key, cell in cells.items():
        own = max(cell.squares - cell.degrees * cell.noise, 0.0)
        # Quantiles of the chi-square distribution.
        chi_square = 2 * gammaincinv((SIMILARITY + cell.degrees) / 2, rng.permutation(shares))
        variances[key] = (SIMILARITY * common[key] + own) / chi_square
    repeats = {
        law: sum(cell.degrees for cell in alike.values() if cell.counts)
        for law, alike in laws.items()
    }
    repeated = {(cell.law, cell.arm) for cell in cells.values() if cell.repeated}
    degrees = {
        key: repeats[cell.law] if (cell.law, cell.arm) in repeated else 0
        for key, cell in cells.items()
    }
    return TrainingSpread(variances, degrees)


def _common_variances(
    cells: Mapping[Hashable, CellTrainings],
    shares: NDArray[np.float64],
    order: np.random.Generator,
) -> dict[Hashable, NDArray[np.float64]]:
    """The variance that one law gives each of its cells: draws of the posterior.

    Args:
        shares: of the posterior of f and d, at which they are drawn.
        order: of the draws of each g.
    """
    scales = UNCERTAINTY * np.linspace(-4.5, 4.5, 91)
    falls = FALL_UNCERTAINTY * np.linspace(-3, 3, 25)
    reach = math.ceil(3.5 * ARM_UNCERTAINTY / STEP)
    if not any(cell.repeated for cell in cells.values()):
        reach = 0
    factors = STEP * np.arange(-reach, reach + 1)
    middle = float(np.mean([math.log(_size(cell.train_size)) for cell in cells.values()]))
    tilts = {key: math.log(_size(cell.train_size)) - middle for key, cell in cells.items()}
    assumed = {
        key: assumed_deviation(float(np.mean(cell.accuracies)), cell.train_size) ** 2
        for key, cell in cells.items()
    }
    # A likelihood depends on d and on f g, whose grid is as much wider than that of f as g's is.
    products = STEP * np.arange(-45 - reach, 46 + reach)
    likelihoods = {cell.arm: np.zeros((len(falls), len(products))) for cell in cells.values()}
    for key, cell in cells.items():
        if cell.repeated:
            moved = np.exp(2 * (products + falls[:, None] * tilts[key]))
            likelihoods[cell.arm] += _log_likelihood(cell, moved * assumed[key])
    prior = np.exp(-0.5 * (factors / ARM_UNCERTAINTY) ** 2)
    log_weight = -0.5 * ((scales / UNCERTAINTY) ** 2 + (falls[:, None] / FALL_UNCERTAINTY) ** 2)
    of_arm = {  # (d, f, g)
        arm: sliding_window_view(each, len(factors), axis=1) for arm, each in likelihoods.items()
    }
    for each in of_arm.values():
        most = each.max(axis=2)
        log_weight += most + np.log(np.exp(each - most[..., None]) @ prior)
    cumulative = np.cumsum(np.exp(log_weight - log_weight.max()))
    drawn = np.searchsorted(cumulative / cumulative[-1], shares)
    fall, scale = np.unravel_index(drawn, log_weight.shape)
    logs: dict[Hashable, NDArray[np.float64]] = {}
    for arm, each in of_arm.items():
        given = each[fall, scale]
        weight = np.cumsum(prior * np.exp(given - given.max(axis=1, keepdims=True)), axis=1)
        levels = order.permutation(shares) * weight[:, -1]
        logs[arm] = scales[scale] + factors[(weight < levels[:, None]).sum(axis=1)]
    return {
        key: np.exp(2 * (logs[cell.arm] + falls[fall] * tilts[key])) * assumed[key]
        for key, cell in cells.items()
    }


def _log_likelihood(cell: CellTrainings, common: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the observed variance of a repeated cell, where its law gives it these; up to a sum."""
    expected = common + cell.noise
    ratio = max(cell.squares / cell.degrees, 1e-12) / expected
    # Times the density of the F distribution at `ratio`, up to a factor.
    n, m = cell.degrees, SIMILARITY
    density = (n / 2 - 1) * np.log(ratio) - (n + m) / 2 * np.log(m + n * ratio)
    return np.asarray(density - np.log(expected))


def _size(train_size: float) -> float:
    return train_size if 0 < train_size < math.inf else AT_IMAGES
