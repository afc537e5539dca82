"""The learning-curve fit, against curves whose truth is known."""

import subprocess
import sys

import numpy as np
import pytest

from sixteenth import InputError, fit_learning_curve

SIZES = np.array([500, 1000, 2000, 4000, 8000, 16000])


def power_law(n, alpha=0.08, eta=2.0, gamma=-0.45):
    return alpha + eta * np.asarray(n, dtype=float) ** gamma


def test_a_power_law_without_noise_is_recovered():
    curve = fit_learning_curve(SIZES, power_law(SIZES))
    assert curve.gamma == pytest.approx(-0.45, abs=0.1)
    assert curve.alpha == pytest.approx(0.08, abs=0.03)
    assert curve.predict(64000) == pytest.approx(power_law(64000), abs=0.005)


def test_the_required_size_is_the_inverse_of_the_prediction():
    curve = fit_learning_curve(SIZES, power_law(SIZES))
    found = curve.required_size(0.09)
    if found.size is None:
        pytest.fail("the fitted curve reaches 9%")
    assert curve.predict(found.size) == pytest.approx(0.09, abs=1e-9)


def test_an_error_below_every_asymptote_is_not_reachable():
    found = fit_learning_curve(SIZES, power_law(SIZES, alpha=0.3)).required_size(0.05)
    assert found.size is None
    assert found.high is None
    assert not found.certain
    assert "not reachable" in str(found) or "out of reach" in str(found)


def test_draws_agree_with_the_interval_and_are_the_same_each_time():
    curve = fit_learning_curve(SIZES[:4], power_law(SIZES[:4]), stderr=[1e-6] * 4)
    n = np.array([2000, 16000, 64000])
    draws = curve.draws(n, count=4000, seed=3)
    low, high = curve.interval(n)
    inside = ((draws >= low) & (draws <= high)).mean(axis=0)
    assert draws.shape == (4000, 3)
    assert np.all(np.abs(inside - 0.9) < 0.03)
    assert np.array_equal(draws, curve.draws(n, count=4000, seed=3))
    assert np.array_equal(draws[:, 1], curve.draws(16000, count=4000, seed=3)[:, 0])


@pytest.mark.parametrize("count", [2, 3])
def test_few_sizes_are_said_to_be_too_few(count):
    warnings = fit_learning_curve(SIZES[:count], power_law(SIZES[:count])).warnings
    assert any("do not determine" in warning for warning in warnings)


def test_flat_rising_and_guessing_curves_carry_a_warning():
    flat = fit_learning_curve(SIZES, np.full(6, 0.2))
    rising = fit_learning_curve(SIZES, np.linspace(0.2, 0.3, 6))
    guessing = fit_learning_curve(SIZES, np.linspace(0.9, 0.88, 6), chance=0.9)
    assert any("flat" in warning for warning in flat.warnings)
    assert any("rises" in warning for warning in rising.warnings)
    assert any("guessing" in warning for warning in guessing.warnings)


@pytest.mark.parametrize(
    ("sizes", "errors", "said"),
    [
        ([100], [0.5], "two sizes"),
        ([100, 100], [0.5, 0.4], "twice"),
        ([100, -1], [0.5, 0.4], "positive"),
        ([100, float("nan")], [0.5, 0.4], "positive"),
        ([100, 200], [0.5, float("nan")], "size 200"),
        ([100, 200], [0.5, 40.0], "size 200"),
        ([100, 200], [0.5], "2 sizes but 1"),
    ],
)
def test_input_that_cannot_be_used_is_named(sizes, errors, said):
    with pytest.raises(InputError, match=said):
        fit_learning_curve(sizes, errors)


def test_the_fit_imports_no_torch():
    code = (
        "import sys, sixteenth; sixteenth.fit_learning_curve([1, 2, 4, 8], [.4, .3, .25, .2]);"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
