"""Errors of cells that are chosen for what they measured: the lowest one is low by luck too.

Who asks which network measured a wanted error, or which curve reaches it first, chooses among many
measurements, and what was chosen lies above its measured accuracy more often than below it. What
the other cells say of a cell corrects that, as every estimate that uses all of them does (Efron &
Morris 1977). An error is moved twice: to what its own learning curve says of its size, and from
there towards the errors of the other networks on as many images. How alike these are is not assumed
but estimated: networks that differ by far more than noise does hardly move.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..inputs.cells import Cell, CellKey
from .joint import Curves, errors_covariance

_APART = np.linspace(0.0, 0.3, 301)
"""Standard deviations between the true errors of networks on as many images, all equally likely
before any is measured (Gelman 2006)."""


def shrunk(curves: Curves) -> Curves:
    """The same curves, through errors that hold for cells that were chosen for being low.

    The draws keep the noise of the measurements, although the moved errors are known a little
    better: so what is told of them errs on the safe side.
    """
    grid = curves.grid
    centres = {cell.key: 1 - cell.accuracy for cell in grid.cells}
    for arm, fit in curves.fits.items():
        cells = grid.curve(arm)
        expected = fit.expected([cell.train_size for cell in cells])
        centres |= {cell.key: float(one) for cell, one in zip(cells, expected, strict=True)}
    sizes: dict[float, list[Cell]] = {}
    for cell in grid.cells:
        sizes.setdefault(cell.train_size, []).append(cell)
    moved: dict[CellKey, float] = {}
    for cells in sizes.values():
        from_curves = np.array([centres[cell.key] for cell in cells])
        found = towards_each_other(from_curves, _noise(curves, cells))
        moved |= {
            cell.key: float(one) - (1 - cell.accuracy)
            for cell, one in zip(cells, found, strict=True)
        }
    return replace(curves, moved=moved)


def towards_each_other(
    errors: NDArray[np.float64], noise: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Means (k,) of true errors that are normal around one unknown mean, given what was measured.

    With a flat prior of that mean and of the spread around it: Gelman et al. 2013, Bayesian Data
    Analysis, section 5.4.

    Args:
        errors: (k,) measured.
        noise: (k,) variances of the measurements, without what all of them share.
    """
    if len(errors) < 2:
        return errors
    variances = _APART[:, None] ** 2 + np.maximum(noise, 1e-12)  # (spreads, k)
    precision = 1 / variances
    mean = (precision * errors).sum(axis=1, keepdims=True) / precision.sum(axis=1, keepdims=True)
    log_weight = -0.5 * (
        np.log(variances).sum(axis=1)
        + np.log(precision.sum(axis=1))
        + (precision * (errors - mean) ** 2).sum(axis=1)
    )
    weight = np.exp(log_weight - log_weight.max())
    kept = 1 - np.maximum(noise, 1e-12) / variances
    return np.asarray(weight @ (mean + kept * (errors - mean)) / weight.sum())


def _noise(curves: Curves, cells: list[Cell]) -> NDArray[np.float64]:
    """Variances of the cells' errors, of test images and trainings, without what is common."""
    spread = curves.grid.spread
    covariance = errors_covariance(curves.grid, cells)
    own = np.diag(covariance)
    others = (covariance.sum(axis=1) - own) / max(len(cells) - 1, 1)
    trainings = [np.median(spread.variances[cell.key]) / len(cell.runs) for cell in cells]
    return np.asarray(own - others + np.array(trainings))
