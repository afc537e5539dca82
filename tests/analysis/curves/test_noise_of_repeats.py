"""Repeats of a known test size: how much of the test images' noise their scatter holds already."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtri

from sixteenth import fit_learning_curve
from sixteenth.analysis.curves.points import read_points

Floats = NDArray[np.float64]

SIZES = 500 * 2.0 ** np.arange(5)
REPEATS = 3


def repeats(true: Floats, test_size: int, same_images: bool, rng: np.random.Generator) -> Floats:
    """Errors (sizes, REPEATS) of trainings all alike, which scatter for the test images' sake."""
    if not same_images:
        return np.asarray(rng.binomial(test_size, true, (REPEATS, len(true))).T / test_size)
    difficulty = rng.normal(0, math.sqrt(0.7), test_size)
    own = rng.normal(0, math.sqrt(0.3), (len(true), REPEATS, test_size))
    return np.asarray((difficulty + own < ndtri(true)[:, None, None]).mean(axis=-1))


@pytest.mark.parametrize("same_images", [False, True], ids=["own test images", "the same"])
@pytest.mark.parametrize(("test_size", "last"), [(150, 0.15), (1000, 0.006), (300, 0.1)])
def test_the_test_size_is_no_second_noise_of_repeats(
    test_size: int, last: float, same_images: bool
) -> None:
    true = last * (SIZES / SIZES[-1]) ** -0.4
    covered, widths = [], []
    for trial in range(16):
        rng = np.random.default_rng(trial)
        errors = repeats(true, test_size, same_images, rng)
        new = rng.binomial(test_size, last, 200) / test_size
        low, high = fit_learning_curve(SIZES, errors, test_size=test_size).interval(SIZES[-1])
        covered.append(np.mean((low <= new) & (new <= high)))
        without = np.ptp(fit_learning_curve(SIZES, errors).interval(SIZES[-1]))
        widths.append([high - low, without])
    assert np.mean(covered) >= 0.88
    given, without = np.median(widths, axis=0)
    assert given >= without
    if not same_images:  # else the scatter alone is too little
        assert given <= 1.2 * without


def test_the_noise_of_one_training_lies_between_that_of_own_and_of_the_same_test_images() -> None:
    """Repeats that scatter by just what the test images leave."""
    noise = math.sqrt(0.2 * 0.8 / 400)
    errors = [[0.2 - noise, 0.2, 0.2 + noise]] * 2
    unknown = read_points([1, 2], errors, test_size=400)
    shared = read_points([1, 2], errors, test_size=400, same_test_images=True)
    assert unknown.new_noise == pytest.approx(2**0.25 * noise, rel=0.01)
    assert shared.new_noise == pytest.approx(2**0.5 * noise, rel=0.01)
    once = [
        read_points([1, 2], [0.3, 0.2], test_size=400, same_test_images=same)
        for same in (False, True)
    ]
    assert once[0].new_noise == once[1].new_noise
