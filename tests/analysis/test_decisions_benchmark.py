"""The simulated studies have the truth that they state, and the scores tell right from wrong."""

from __future__ import annotations

import sys
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.decisions import Scores, score, upcoming
from benchmarks.first_screen import Screen, Statement, read
from benchmarks.simulated_studies import (
    FRACTIONS,
    FULL,
    INITS,
    Setting,
    SimulatedTruth,
    draw_truth,
    simulate,
)

from sixteenth.analysis import analyse

ARM = ("small", "random")


def world(setting: Setting | None = None, number: int = 1, equal: bool = False) -> SimulatedTruth:
    return draw_truth(setting or Setting(), np.random.default_rng(number), equal)


def test_a_study_has_every_run_at_three_lengths_and_its_predictions_match_its_table() -> None:
    study = simulate(world(Setting(seeds=2, test_images=500)), np.random.default_rng(0))
    assert len(study.results) == 4 * 3 * 2 * 3
    assert study.results["run_id"].is_unique
    whole = study.results[study.results["length"] == 1].set_index("run_id")
    for row in study.results.itertuples():
        labels, probabilities = study.predictions[row.run_id]
        assert (probabilities.argmax(axis=1) == labels).mean() == row.test_accuracy
        assert row.steps == row.length * whole.loc[row.run_id.split("@")[0], "steps"]
    last = study.histories.groupby("run_id").last()
    assert np.allclose(last["test_accuracy"], whole.loc[last.index, "test_accuracy"])


@pytest.mark.parametrize("wider", [pytest.param(1.0, marks=pytest.mark.slow), 2.0])
def test_trainings_scatter_around_the_stated_accuracy_by_the_stated_spread(wider: float) -> None:
    truth = world(Setting(seeds=60, spread=0.02, wider=wider, test_images=1000))
    results = simulate(truth, np.random.default_rng(0), lengths=False).results
    off, ratios = [], []
    for (model, init, images), cell in results.groupby(["model", "init", "train_size"]):
        mean, spread = truth.accuracy((model, init), images), truth.spread((model, init), images)
        off.append(cell["test_accuracy"].mean() - mean)
        part = 0.4 * mean * (1 - mean) / 1000  # of the images, about what networks do not share
        ratios.append(cell["test_accuracy"].var() / (spread**2 + part))
    # All networks see the same images, and so stray together from what infinitely many would say.
    assert abs(np.mean(off)) < 3 * np.sqrt(0.2 / 1000)
    assert np.std(off) < 0.012
    assert np.mean(ratios) == pytest.approx(1, abs=0.2)
    assert truth.spread(ARM, FULL / 16) == pytest.approx(0.02 * wider)
    assert truth.spread(ARM, FULL) == 0.02


def test_shorter_trainings_are_worse_and_a_last_doubling_buys_what_the_setting_says() -> None:
    for number in range(20):
        for converged, least, most in ((True, 0.0, 0.002), (False, 0.01, 0.04)):
            truth = world(Setting(converged=converged), number)
            for arm in truth.arms:
                accuracies = [truth.accuracy(arm, FULL, length) for length in (0.25, 0.5, 1, 2)]
                assert sorted(accuracies) == accuracies
            gain = truth.accuracy(ARM, FULL) - truth.accuracy(ARM, FULL, 0.5)
            later = truth.accuracy(ARM, FULL, 2) - truth.accuracy(ARM, FULL)
            assert least <= later <= most
            # Between the square root of two and two times as much as the next one.
            assert 1.4 * later < gain < 2 * later


def test_equal_epochs_split_a_doubling_into_images_and_steps() -> None:
    truth = world(Setting(converged=False))
    whole = truth.accuracy(ARM, FULL) - truth.accuracy(ARM, FULL / 2)
    steps = truth.accuracy(ARM, FULL) - truth.accuracy(ARM, FULL, 0.5)
    assert truth.images_alone(ARM, FULL / 2, FULL) == pytest.approx(whole - steps)
    same = world()
    alone = same.images_alone(ARM, FULL / 2, FULL)
    assert alone == same.accuracy(ARM, FULL) - same.accuracy(ARM, FULL / 2)


def test_images_at_equal_steps_bring_what_was_measured_unless_the_setting_lets_them_harm() -> None:
    def brought(harmful: bool) -> np.ndarray:
        setting = Setting(converged=False, harmful=harmful)
        worlds = [world(setting, number) for number in range(200)]
        return 100 * np.array([one.images_alone(ARM, FULL / 2, FULL) for one in worlds])

    # docs/results: 0.4 to 3.1 points, none below zero.
    low, middle, high = np.quantile(brought(harmful=False), [0.05, 0.5, 0.95])
    assert low < 0.4 < middle < 3.1 < high
    assert np.mean(brought(harmful=False) < 0) < 0.25
    assert np.mean(brought(harmful=True) < 0) > 0.5


def test_equal_models_are_equal_in_every_cell() -> None:
    for equal in (True, False):
        truth = world(equal=equal)
        same = [
            truth.accuracy(("small", init), images) == truth.accuracy(("big", init), images)
            for init in INITS
            for images in FRACTIONS.values()
        ]
        assert all(same) if equal else not any(same)


def test_networks_err_on_the_same_images_more_often_than_by_chance() -> None:
    study = simulate(world(), np.random.default_rng(0), lengths=False)
    right = [p.argmax(axis=1) == labels for labels, p in study.predictions.values()]
    assert np.corrcoef(right[2], right[5])[0, 1] > 0.3


def scored(screen: Screen, truth: SimulatedTruth) -> Scores:
    scores: Scores = defaultdict(list)
    score(screen, truth, scores)
    return scores


def perfect(truth: SimulatedTruth) -> Screen:
    """A screen that knows the truth, with intervals that hold 95% of other trainings."""
    half = 1.959964 * truth.setting.spread
    now, best = (ARM, FULL, 1.0), max(upcoming(truth, ARM, FULL).items(), key=lambda one: one[1])
    ends = {
        "data": (ARM, 2 * FULL, 1.0),
        "training": (ARM, FULL, 2.0),
        "model": (("big", "random"), FULL, 1.0),
        "init": (("small", "imagenet"), FULL, 1.0),
    }
    options = []
    for kind, end in ends.items():
        gain = truth.accuracy(*end) - truth.accuracy(*now)
        width = np.sqrt(2) * half
        options.append(Statement(kind, end, now, gain - width, gain + width, int(np.sign(gain))))
    first = next(each for each in options if each.kind == best[0])
    mean = truth.accuracy(ARM, FULL)
    return Screen(
        first=first,
        title=first.kind,
        start=(ARM, FULL),
        paragraph=(first,),
        options=tuple(options),
        sizes=(replace(options[2], forecast=False),),
        cells=((ARM, FULL, mean - half, mean + half),),
    )


def test_a_report_that_knows_the_truth_scores_as_it_should() -> None:
    for number in range(10):
        truth = world(number=number)
        found = scored(perfect(truth), truth)
        assert found["false claim"] == [False]
        assert found["missed"] == [False]
        assert found["cells"] == pytest.approx([0.95])
        assert found["options"] == pytest.approx([0.95] * 4)
        assert found["regret"] == [0.0]
        assert found["title"] == found["titled"] == [True]
        assert found["decided"] == [True]
        assert found["told wrongly"] == [False]


def test_a_report_that_is_wrong_is_found_out() -> None:
    truth = world()
    screen = perfect(truth)
    worst = min(screen.options, key=lambda each: truth.accuracy(*each.plus))
    wrong = replace(worst, sign=-worst.sign, low=worst.low + 1, high=worst.high + 1)
    found = scored(
        replace(
            screen,
            first=wrong,
            title=wrong.kind,
            paragraph=(wrong, replace(wrong, kind="spent")),
            sizes=(replace(wrong, kind="model"),),
        ),
        truth,
    )
    assert found["false claim"] == [True]
    assert found["missed"] == [True]
    assert found["sizes"] == pytest.approx([0.0])
    assert found["in hand"] == pytest.approx([0.0])
    assert found["title"] == [False]
    assert found["told wrongly"] == [True]
    best = max(upcoming(truth, ARM, FULL).values())
    gain = truth.accuracy(*worst.plus) - truth.accuracy(*worst.minus)
    assert found["regret"] == pytest.approx([100 * (best - gain)])


def test_of_equal_models_one_that_is_called_better_counts() -> None:
    truth = world(equal=True)
    screen = perfect(truth)
    assert scored(screen, truth)["equal"] == [False]
    claimed = replace(screen, sizes=(replace(screen.sizes[0], sign=1),))
    assert scored(claimed, truth)["equal"] == [True]
    assert "decided" not in scored(claimed, truth)


def test_the_first_screen_of_a_real_analysis_is_read() -> None:
    truth = world(Setting(test_images=2000))
    study = simulate(truth, np.random.default_rng(0), lengths=False)
    found = analyse(study.results, study.histories, predictions=study.predictions)
    screen = read(found)
    assert screen.first is not None
    assert screen.start is not None
    assert screen.start[1] == FULL
    assert len(screen.cells) == 12
    assert len(screen.sizes) == 6
    for each in (*screen.paragraph, *screen.options):
        assert np.isfinite(truth.accuracy(*each.plus) - truth.accuracy(*each.minus))
    assert {"data"} <= {each.kind for each in screen.options}
