"""The forecast of the next doubling on simulated curves, whose gain is known."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from benchmarks.forecasts import simulated
from benchmarks.simulated import Setting

SETTING = Setting(test_images=10000, spread=0.003, repeats=3)


@pytest.mark.parametrize(
    "count", [3, pytest.param(5, marks=pytest.mark.slow), pytest.param(8, marks=pytest.mark.slow)]
)
def test_forecasts_of_a_doubling_hold_and_do_not_understate_the_gain(count: int) -> None:
    """90% intervals, within three standard errors of 150 curves."""
    gain, low, high, came = simulated(SETTING, count, 150).T
    assert 0.83 <= ((low <= came) & (came <= high)).mean() <= 0.98
    off = gain - came
    assert abs(off.mean()) <= 3 * off.std() / np.sqrt(len(off))
    assert abs(np.median(off)) < 0.004
