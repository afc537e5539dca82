"""The benchmark of reasons has the truth that it states."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.reasons import BIG, SETTINGS, SMALL, Laboratory, Setting, score

CERTAIN = Setting(share=1.0, seeds=2, spread=0.001, test_images=2000)


def test_trainings_have_the_accuracies_that_are_asked_for() -> None:
    laboratory = Laboratory(replace(CERTAIN, seeds=20), np.random.default_rng(0))
    results, predictions = laboratory.train({SMALL: 0.6, BIG: 0.5})
    means = results.groupby("model")["test_accuracy"].mean()
    assert abs(means["small"] - means["big"] - 0.1) < 0.01
    labels, probabilities = predictions[results["run_id"][0]]
    assert (probabilities.argmax(axis=1) == labels).mean() == results["test_accuracy"][0]


def test_what_is_certain_is_scored_as_it_is() -> None:
    found = score(CERTAIN, 0)
    assert (found["reason"], found["others"], found["false"]) == (1, 0, 0)
    useless = score(replace(CERTAIN, share=0.0), 0)
    assert (useless["reason"], useless["others"]) == (0, 0)
    assert (useless["told"], useless["false"]) == (1, 0), "behind, and truly so"


def test_the_settings_have_different_names() -> None:
    assert len({str(setting) for setting in SETTINGS}) == len(SETTINGS)
