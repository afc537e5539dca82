"""The extrapolation benchmark, on a sample of its curves where these are there."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

REPO = Path(__file__).resolve().parents[3]
DATA = REPO.parent / "shared" / "data"

sys.path.insert(0, str(REPO))

from benchmarks import estimators  # noqa: E402
from benchmarks.calibrate import between  # noqa: E402
from benchmarks.cross_fitted import PRIORS  # noqa: E402
from benchmarks.extrapolation import OURS, SQUARED, ours, published, summary  # noqa: E402
from benchmarks.learning_curves import Task, halves, hoiem, lcdb  # noqa: E402

from sixteenth.analysis.curves.power_laws import PRIOR  # noqa: E402

needs_data = pytest.mark.skipif(
    not (DATA / "lcdb11" / "curves.parquet").is_file(),
    reason="the learning curves of LCDB 1.1 are not there",
)


@pytest.fixture
def task() -> Task:
    """An exact power law, 0.1 + 2 n^-0.5, to be extrapolated eightfold."""
    sizes = 100.0 * 2.0 ** np.arange(6)
    return Task(
        dataset=1,
        learner="exact",
        sizes=sizes,
        errors=0.1 + 2 * sizes**-0.5,
        stderr=np.full(6, 0.002),
        counts=np.full(6, 25.0),
        size=8 * sizes[-1],
        error=float(0.1 + 2 * (8 * sizes[-1]) ** -0.5),
        chance=0.9,
    )


@pytest.mark.parametrize(
    "estimate",
    [
        estimators.power_delta,
        estimators.power_bootstrap,
        estimators.hoiem,
        estimators.squared_sizes,
        estimators.FAMILIES["offset + n^-0.5"],
        estimators.FAMILIES["MMF4"],
    ],
)
def test_families_that_hold_a_square_root_law_find_it(
    task: Task, estimate: estimators.Estimator
) -> None:
    assert estimate(task).error == pytest.approx(task.error, abs=0.006)


def test_each_family_finds_a_curve_of_its_own(task: Task) -> None:
    ratio = np.append(task.sizes, task.size) / task.sizes[-1]
    curves = {
        "exp3": 0.1 + 0.5 * np.exp(-3 * ratio),
        "WBL4": 0.1 + 0.5 * np.exp(-1.5 * ratio**0.5),
        "MMF4": 0.1 + 0.5 * 0.2 / (0.2 + ratio**0.8),
        "ilog2": 0.1 + 1 / np.log(np.append(task.sizes, task.size) + 1),
        "power law without offset": 0.2 * ratio**-0.3,
    }
    for name, curve in curves.items():
        own = replace(task, errors=curve[:-1], error=float(curve[-1]))
        found = estimators.FAMILIES[name](own).error
        assert found == pytest.approx(own.error, abs=0.004), name


def test_m4_finds_a_curve_that_levels_off_at_guessing(task: Task) -> None:
    n = np.append(task.sizes, task.size)
    target = 40 * n**-0.8  # (e - 0.05) / (0.9 - e) = 40 n^-0.8
    curve = (0.05 + 0.9 * target) / (1 + target)
    own = replace(task, errors=curve[:-1], error=float(curve[-1]))
    assert estimators.m4(own).error == pytest.approx(own.error, abs=0.01)


@needs_data
def test_on_a_sample_of_real_curves_ours_errs_least_and_its_intervals_hold() -> None:
    tasks = lcdb(DATA)[::30]
    second, actual = halves(tasks), np.array([task.error for task in tasks])
    scores = {
        name: summary(forecasts, actual) for name, forecasts in published(tasks, second).items()
    }
    scores[OURS] = summary(ours(tasks, second), actual)
    assert scores[OURS]["mean"] < scores["power law with offset, delta method"]["mean"]
    assert scores[OURS]["winkler"] < scores[SQUARED]["winkler"]
    assert scores[OURS]["covers"] > 80


@needs_data
def test_deep_networks_with_four_sizes_are_within_their_intervals() -> None:
    tasks = hoiem(DATA)
    actual = np.array([task.error for task in tasks])
    score = summary(ours(tasks, halves(tasks)), actual)
    assert score["mean"] < 0.6
    assert score["covers"] == 100


def test_the_constants_in_use_are_between_those_of_the_two_halves() -> None:
    assert between(PRIORS) == PRIOR
