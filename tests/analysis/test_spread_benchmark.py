"""`benchmarks.spread` finds the spread that invented tables were made with."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from benchmarks.spread import falls, repeated, unlike


def test_the_factor_is_without_the_part_of_the_test_images() -> None:
    rng = np.random.default_rng(0)
    accuracies = 0.8 + 0.02 * 0.4 * rng.standard_normal(4000)  # sqrt(p (1 - p)) is 0.4
    table = pd.DataFrame({"test_accuracy": accuracies, "test_size": 2000, "status": "finished"})
    table = table.assign(model="a", init="random", train_size=3125, length=1.0)
    half = table.assign(length=0.5, test_accuracy=0.1)
    (cell,) = repeated(pd.concat([table, half, table[:1].assign(train_size=50_000)]))
    assert (cell.images, cell.trainings) == (3125, 4000)
    assert cell.deviation == pytest.approx(0.008, rel=0.05)
    assert cell.factor == pytest.approx((0.02**2 - 0.4 / 2000) ** 0.5, rel=0.1)
    assert cell.assumed == pytest.approx(0.018)


@pytest.mark.parametrize("fall", [0.0, 0.3])
def test_the_fall_is_that_of_one_curve(fall: float) -> None:
    """Larger data sets, whose spread is smaller at every size, do not make it steeper."""
    curves = []
    for dataset, least in ((1, 16), (2, 256)):
        n = least * 2.0 ** np.arange(7)
        error = 0.5 * n**-0.1
        squares = (4 / least) * (n / least) ** (-2 * fall) + 8 / n.max()
        stderr = np.sqrt(squares * error * (1 - error) / 25)
        curves.append(
            pd.DataFrame({"train_size": n, "error_mean": error, "error_stderr": stderr}).assign(
                openml_id=dataset, learner="a"
            )
        )
    (found,) = falls(pd.concat(curves)).values()
    assert found == pytest.approx([fall, fall], abs=1e-6)


def test_learners_are_as_unlike_as_their_factors_on_one_data_set() -> None:
    """Data sets that scatter more with all learners do not make them so."""
    rng = np.random.default_rng(0)
    n = 16 * 2.0 ** np.arange(7)
    curves = []
    for dataset in range(60):
        of_data = rng.normal()
        for learner in "abc":
            factors = 2 * np.exp(of_data + 0.5 * rng.normal()) * n**-0.3
            variances = 0.2 * 0.8 * (factors**2 + 8 / n.max())
            curves.append(
                pd.DataFrame({"train_size": n, "error_stderr": np.sqrt(variances / 25)}).assign(
                    error_mean=0.2, openml_id=dataset, learner=learner
                )
            )
    pairs, deviation = unlike(pd.concat(curves))
    assert 100 < pairs <= 180
    assert deviation == pytest.approx(0.5, rel=0.2)
    assert unlike(pd.concat(curves), "ab")[0] < pairs / 2
