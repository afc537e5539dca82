"""The prior of training curves is what the studies in docs/results say of them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.training_curves import cells, score

from sixteenth.analysis.curves.power_laws import PRIOR, TRAINING_PRIOR


def test_the_gains_of_longer_training_shrink_as_the_prior_expects() -> None:
    every = cells()
    assert len(every) > 15
    ratios = [(b.mean() - c.mean()) / (a.mean() - b.mean()) for a, b, c in every]
    assert np.median(ratios) == pytest.approx(2**-TRAINING_PRIOR.exponent, abs=0.05)
    bias, *_, held = (float(number) for number in score(every, TRAINING_PRIOR).split(" | "))
    assert abs(bias) < 0.15 < abs(float(score(every, PRIOR).split(" | ")[0]))
    assert held >= 0.85 * len(every)
