"""What is said of measured points that stand in the way of trusting a fitted learning curve."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike

from sixteenth import fit_learning_curve
from sixteenth.analysis.curves.points import CurveWarning
from sixteenth.analysis.curves.power_laws import PRIOR

SIZES = np.array([500, 1000, 2000, 4000, 8000, 16000])
LAW = 0.08 + 2 * SIZES**-0.45


def test_a_largest_size_that_is_worse_than_a_smaller_one_carries_a_warning() -> None:
    errors = [0.3, 0.15, 0.19, 0.18, 0.175]
    repeats = [[error - 0.002, error, error + 0.002] for error in errors]
    sure = fit_learning_curve(SIZES[:5], repeats, test_size=5000)
    assert sure.warnings == (CurveWarning.BEST_EARLIER,)
    once = fit_learning_curve(SIZES[:5], errors, test_size=5000)
    assert not once.warnings, "it may be the spread between trainings, which nothing tells"
    once = fit_learning_curve(SIZES[:5], [*errors[:4], 0.22], test_size=5000)
    assert once.warnings == (CurveWarning.BEST_EARLIER,)
    for noise in ({"test_size": 200}, {"stderr": [0.02] * 5}):
        within = fit_learning_curve(SIZES[:5], errors, **noise)
        assert not within.warnings, "the difference may be noise"
    assert CurveWarning.BEST_EARLIER not in fit_learning_curve(SIZES, LAW).warnings


def test_trainings_that_scatter_more_at_some_sizes_carry_a_warning() -> None:
    rng = np.random.default_rng(0)

    def told(spreads: ArrayLike, repeats: int = 3, count: int = 40, **known: Any) -> float:
        """The share of curves whose trainings have these standard deviations."""
        found = [
            fit_learning_curve(
                SIZES[:5],
                [
                    error + sd * rng.standard_normal(repeats)
                    for error, sd in zip(LAW, np.broadcast_to(spreads, 5), strict=False)
                ],
                **known,
            )
            for _ in range(count)
        ]
        return float(np.mean([CurveWarning.UNEQUAL_SPREAD in each.warnings for each in found]))

    assert told([0.06, 0.04, 0.02, 0.006, 0.002]) > 0.7
    assert told([0.001, 0.001, 0.002, 0.01, 0.04]) > 0.7
    assert told(0.01, count=200) < 0.04
    assert told([0.06, 0.04, 0.02, 0.006, 0.002], repeats=1, count=2) == 0
    # Three times the same number right of 100 images is nothing.
    equal = [[0.2, 0.21, 0.19], [0.17, 0.17, 0.17], [0.15, 0.14, 0.15], [0.12, 0.13, 0.12]]
    few = fit_learning_curve(SIZES[:4], equal, test_size=100)
    assert CurveWarning.UNEQUAL_SPREAD not in few.warnings


@pytest.mark.parametrize(
    ("errors", "known"),
    [
        ([0.04, 0.04], {"test_size": 50, "chance": 0.9}),
        ([0.12, 0.12], {"test_size": 200}),
        ([0.15, 0.1, 0.1, 0.1], {"test_size": 100, "chance": 0.9}),
        ([0.15, 0.1, 0.1, 0.1], {"test_size": 100}),
        ([0.9, 0.8999, 0.9001], {"test_size": 10000}),  # one image more or fewer
        ([0.0, 0.0, 0.0], {"test_size": 10000}),
    ],
)
def test_networks_that_learn_are_not_called_stuck(errors: list[float], known: Any) -> None:
    curve = fit_learning_curve(SIZES[: len(errors)], errors, **known)
    assert CurveWarning.STUCK not in curve.warnings
    assert curve._posterior.points.restart(PRIOR) <= PRIOR.restart_doubtful


@pytest.mark.parametrize(
    ("error", "known"),
    [
        (0.9, {"test_size": 50, "chance": 0.9}),
        (0.95, {"chance": 0.9}),
        (0.9, {"test_size": 200}),
        (1.0, {"test_size": 200}),
    ],
)
def test_the_same_answer_to_every_image_is_called_stuck(error: float, known: Any) -> None:
    curve = fit_learning_curve(SIZES[:3], [error] * 3, **known)
    assert CurveWarning.STUCK in curve.warnings
    if "test_size" not in known:  # errors that were published, with four decimals
        rounded = [error, error + 1e-4, error - 3e-5]
        assert CurveWarning.STUCK in fit_learning_curve(SIZES[:3], rounded, **known).warnings
    two = fit_learning_curve(SIZES[:2], [error] * 2, **known)
    assert CurveWarning.STUCK not in two.warnings, "two may be a coincidence"
