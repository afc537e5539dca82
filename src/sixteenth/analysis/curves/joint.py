"""Joint draws of all learning curves of a study: what a question about two of them is asked of.

A fitted curve alone is not enough to compare two models. It passes near the measured points, not
through them, and two fits know nothing of the test images that they share. So each draw here is a
draw of every curve that was moved onto a draw of the measured errors, which are drawn together,
with the covariance that the common test images give them (conditional simulation: Journel &
Huijbregts 1978, ch. VII). Between measured sizes the move is interpolated over log n. Beyond the
largest a draw begins at its measured error and falls by a draw of what each further doubling
brings: how far the curve lies from its power law there says nothing else. Between two measured
sizes a draw also stays between its two measured errors: a model gets no worse and then better again
on the way to more images.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..inputs.cells import Arm, Cell, CellKey
from ..inputs.grid import Grid
from ..inputs.scoring import smoothed_share
from ..inputs.trainings import COUNT
from .learning_curve import CURVE_LEVEL, LearningCurve, fit_learning_curve


@dataclass(frozen=True)
class Curves:
    """The fitted learning curve of every model and init with two sizes or more.

    Attributes:
        chance: error of guessing that they were fitted with; None where it is not known.
        moved: how far the true errors of cells lie from the measured ones on average, see
            `shrinkage`; not at all where nothing is known of a choice.
    """

    grid: Grid
    fits: dict[Arm, LearningCurve]
    chance: float | None = None
    moved: Mapping[CellKey, float] = field(default_factory=dict)

    def errors(self, arm: Arm, sizes: ArrayLike) -> NDArray[np.float64]:
        """Joint draws of the arm's error at `sizes`: (COUNT, m), row i of every arm together."""
        n = np.atleast_1d(np.asarray(sizes, dtype=float))
        cells = points(self.grid, arm)
        known = np.array([cell.train_size for cell in cells])
        measured = self._measured[arm]
        # Two arms' own draws are independent: all that they share is the test images.
        seed = zlib.crc32("\0".join(arm).encode())
        errors = np.empty((COUNT, len(n)))
        beyond = n > known[-1]
        if beyond.any():
            falls = self.fits[arm].falls(n[beyond], count=COUNT, seed=seed)
            errors[:, beyond] = measured[:, -1:] - falls
        if not beyond.all():
            inside = n[~beyond]
            drawn = self.fits[arm].draws(np.concatenate([inside, known]), count=COUNT, seed=seed)
            moves = measured - drawn[:, len(inside) :]
            # Linear in the moves: the share of each measured size in the move at each size.
            shares = [np.interp(np.log(inside), np.log(known), one) for one in np.eye(len(known))]
            right = np.clip(np.searchsorted(known, inside), 1, len(known) - 1)
            ends = measured[:, right - 1], measured[:, right]
            near = drawn[:, : len(inside)] + moves @ np.array(shares)
            held = np.clip(near, np.minimum(*ends), np.maximum(*ends))
            errors[:, ~beyond] = np.where(inside >= known[0], held, near)
        return errors.clip(0.0, 1.0)

    def true_errors(self) -> dict[CellKey, NDArray[np.float64]]:
        """Draws (COUNT,) of the true error of every cell, also of those without a curve."""
        found = {
            cell.key: draws
            for arm, measured in self._measured.items()
            for cell, draws in zip(points(self.grid, arm), measured.T, strict=True)
        }
        others = [cell for cell in self.grid.cells if cell.key not in found]
        return found | {
            cell.key: draws for cell, draws in zip(others, self._draw(others).T, strict=True)
        }

    @cached_property
    def _measured(self) -> dict[Arm, NDArray[np.float64]]:
        """Draws of the true errors at the measured sizes, (COUNT, cells) for each arm."""
        cells = [cell for arm in self.fits for cell in points(self.grid, arm)]
        drawn = self._draw(cells)
        arms = [cell.arm for cell in cells]
        return {arm: drawn[:, [each == arm for each in arms]] for arm in self.fits}

    def _draw(self, cells: Sequence[Cell]) -> NDArray[np.float64]:
        """Draws of the true errors of some cells together, (COUNT, cells)."""
        if not cells:
            return np.empty((COUNT, 0))
        rng = np.random.default_rng(0)
        mean = np.array([1 - cell.accuracy + self.moved.get(cell.key, 0.0) for cell in cells])
        # By Cholesky's factor, which every processor finds alike: eigenvectors have no sign of
        # their own, and equal eigenvalues no order. A variance that is not known is zero.
        covariance = errors_covariance(self.grid, cells) + 1e-16 * np.eye(len(cells))
        drawn = mean + rng.multivariate_normal(
            np.zeros(len(cells)), covariance, COUNT, method="cholesky"
        )
        spread = [self.grid.spread.variances[cell.key] / len(cell.runs) for cell in cells]
        drawn += np.sqrt(np.array(spread).T) * rng.normal(size=drawn.shape)
        return np.asarray(drawn)


def fit_curves(grid: Grid, chance: float | None = None) -> Curves:
    """Fit a learning curve to every model and init that has two sizes or more.

    Args:
        chance: error of guessing, where it is known.

    Raises:
        InputError: `chance` is no error within 0 and 1.
    """
    fits: dict[Arm, LearningCurve] = {}
    for arm in grid.curves:
        cells = points(grid, arm)
        if len(cells) < 2:
            continue
        size = min(cell.effective_size for cell in cells)
        fits[arm] = fit_learning_curve(
            [cell.train_size for cell in cells],
            [[1 - run.accuracy for run in cell.runs] for cell in cells],
            test_size=int(size) if size > 0 else None,
            chance=chance,
            same_test_images=True,
        )
    return Curves(grid, fits, chance)


def points(grid: Grid, arm: Arm) -> list[Cell]:
    """The cells of an arm, one for each size: two fractions may name the same number of images."""
    cells: dict[float, Cell] = {}
    for cell in grid.curve(arm):
        cells.setdefault(cell.train_size, cell)
    return list(cells.values())


def spread_of(draws: NDArray[np.float64]) -> tuple[float, float, float]:
    """Median of some draws, and the two ends of their central interval at `CURVE_LEVEL`."""
    low, middle, high = np.quantile(draws, [(1 - CURVE_LEVEL) / 2, 0.5, (1 + CURVE_LEVEL) / 2])
    return float(middle), float(low), float(high)


def errors_covariance(grid: Grid, cells: Sequence[Cell]) -> NDArray[np.float64]:
    """Covariance of the cells' errors over test images; without predictions only variances.

    Each variance gets one image that is right and one that is wrong, as in `smoothed_share`: 20
    right answers of 20 do not prove a network without errors. The covariances get none, for what
    two cells share is known from their answers. `stats.paired` asks for weighted sums of cells
    instead, and adds its two images to each sum: so a difference between two cells that answer
    alike has a variance too. Here a cell of an unknown number of test images has none, as its
    curve was fitted without; there nothing is told then.
    """
    accuracy = np.array([cell.accuracy for cell in cells])
    right = grid.right(cells)
    if right is not None:
        added = (1 - accuracy) ** 2 + accuracy**2

        def per_image(z: NDArray[np.float64]) -> NDArray[np.float64]:
            centred = z - z.mean(axis=1, keepdims=True)
            return np.asarray((centred @ centred.T + np.diag(added)) / (z.shape[1] + 2))

        return grid.scoring.covariance(right, per_image)
    sizes = np.array([cell.effective_size for cell in cells])
    share = smoothed_share(accuracy, sizes)
    return np.diag(np.where(sizes > 0, share * (1 - share) / (sizes + 2), 0.0))
