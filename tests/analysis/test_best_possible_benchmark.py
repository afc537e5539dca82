"""`benchmarks.best_possible` learns from measurements alone, and is scored on other studies."""

from __future__ import annotations

import numpy as np
from benchmarks.best_possible import KINDS, reached, study
from benchmarks.decisions import upcoming
from benchmarks.simulated_studies import FULL, Setting, draw_truth

SETTING = Setting(test_images=500)


def test_what_is_measured_holds_nothing_of_the_truth_and_the_gains_are_from_the_best_network() -> (
    None
):
    for number in range(1, 8):
        measured, gains = study(SETTING, number)
        arms = draw_truth(SETTING, np.random.default_rng(number), equal=number % 4 == 0)
        shares = measured[4:40]
        assert np.allclose(shares * 500, np.round(shares * 500)), "of 500 images"
        assert measured[:4].sum() == 1
        best = arms.arms[int(measured[:4].argmax())]
        assert shares[6] == shares[6::9].max(), "the best one's accuracy on all images is first"
        known = upcoming(arms, best, FULL)
        assert [kind for kind, gain in zip(KINDS, gains, strict=True) if np.isfinite(gain)] == [
            kind for kind in KINDS if kind in known
        ]


def test_it_names_the_best_option_more_often_than_chance() -> None:
    share, regret = reached(SETTING, 150)
    assert 0.7 < share < 1
    assert 0 < regret < 0.003
