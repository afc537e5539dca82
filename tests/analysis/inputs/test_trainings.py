"""The spread between trainings: assumed before any was repeated, then pooled over the repeats."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr

from sixteenth.analysis import compare_cells, read_grid
from sixteenth.analysis.inputs.trainings import CellTrainings, assumed_deviation, training_spread
from sixteenth.analysis.stats.per_class import ClassRecalls
from sixteenth.analysis.stats.spread import Spread


def repeated(rng, deviations, seeds, mean=0.6, size=3125):
    return {
        i: CellTrainings(list(mean + sd * rng.normal(size=seeds)), size)
        for i, sd in enumerate(deviations)
    }


def test_without_repeats_the_spread_is_the_assumed_one():
    found = training_spread({"a": CellTrainings([0.5], 3125), "b": CellTrainings([0.8], 50_000)})
    assert all(found.assumed(key) for key in "ab")
    assert found.degrees == {"a": 0, "b": 0}
    # A little above, because the median of an inverse chi-square is above one.
    assert found.deviation("a") == pytest.approx(assumed_deviation(0.5, 3125), rel=0.12)
    assert found.deviation("b") == pytest.approx(assumed_deviation(0.8, 50_000), rel=0.12)


def test_small_training_sets_and_middling_accuracies_spread_most():
    assert assumed_deviation(0.5, 3125) > assumed_deviation(0.5, 50_000)
    assert assumed_deviation(0.5, 3125) > assumed_deviation(0.95, 3125) > 0
    assert assumed_deviation(1.0, 3125) > 0


@pytest.mark.parametrize("factor", [0.4, 1.0, 2.5])
def test_repeats_of_all_cells_tell_the_spread_of_the_study(factor):
    rng = np.random.default_rng(0)
    sd = factor * assumed_deviation(0.6, 3125)
    medians = []
    for _ in range(30):
        found = training_spread(repeated(rng, [sd] * 6, 3))
        assert not found.assumed(0)
        assert set(found.degrees.values()) == {12}
        medians.append(found.deviation(0))
    assert np.median(medians) == pytest.approx(sd, rel=0.2)


def test_a_cell_without_repeats_takes_its_spread_from_the_others():
    rng = np.random.default_rng(1)
    cells = repeated(rng, [3 * assumed_deviation(0.6, 3125)] * 5, 3)
    found = training_spread(cells | {"once": CellTrainings([0.6], 3125)})
    assert found.deviation("once") > 1.4 * assumed_deviation(0.6, 3125)
    # But it is known less well: its draws scatter more.
    relative = [np.std(np.log(found.variances[key])) for key in ("once", 0)]
    assert relative[0] > relative[1]


STABLE, UNSTABLE = 0.003, 0.03


def two_arms(rng, seeds, deviations=(STABLE, UNSTABLE)):
    """A stable and an unstable model at three sizes, of equal average accuracy."""
    return {
        (arm, size): CellTrainings(list(0.85 + deviation * rng.normal(size=count)), size, arm=arm)
        for arm, deviation, count in zip("su", deviations, seeds, strict=True)
        for size in (500, 4000, 8000)
    }


def coverage(found, cells, arm, deviation):
    """The mean chance that the 95% interval of a cell holds another training of it."""
    chances = []
    for key, cell in cells.items():
        if key[0] == arm:
            trainings = found.variances[key] * (1 + 1 / len(cell.accuracies))
            half = Spread(0.0, trainings).half_width(0.95)
            off = np.mean(cell.accuracies) - 0.85
            chances.append(np.diff(ndtr((off + np.array([-half, half])) / deviation)))
    return np.mean(chances)


def test_repeats_of_one_model_hardly_tell_of_another_that_was_trained_once():
    rng, held, differ = np.random.default_rng(0), [], []
    for _ in range(20):
        cells = two_arms(rng, (3, 1), (STABLE, 0.01))
        found = training_spread(cells)
        assert not found.assumed(("s", 500))
        assert found.degrees["s", 500] == 6
        assert found.assumed(("u", 500))
        assert found.degrees["u", 500] == 0
        held.append(coverage(found, cells, "u", 0.01))
        differ.append(found.deviation(("u", 8000)) / found.deviation(("s", 8000)))
    # It scatters three times as much. With one factor for both it was 66%, and no wider.
    assert np.mean(held) > 0.9
    assert np.median(differ) > 1.4


def test_a_stable_and_an_unstable_model_each_have_the_spread_of_their_own_repeats():
    rng, held, wide = np.random.default_rng(0), [], []
    for _ in range(20):
        cells = two_arms(rng, (3, 3))
        found = training_spread(cells)
        assert set(found.degrees.values()) == {12}
        held.append([coverage(found, cells, *arm) for arm in (("s", STABLE), ("u", UNSTABLE))])
        wide.append(found.deviation(("s", 8000)))
    stable, unstable = np.mean(held, axis=0)
    # With one factor for both: 79%, and 1.3 points of spread expected of the stable one.
    assert unstable > 0.87
    assert stable > 0.93
    assert np.median(wide) < 0.006


def test_models_that_were_all_trained_once_share_one_assumed_spread():
    cells = two_arms(np.random.default_rng(0), (1, 1))
    together = training_spread({key: replace(cell, arm="") for key, cell in cells.items()})
    found = training_spread(cells)
    for key in cells:
        assert np.array_equal(found.variances[key], together.variances[key])
        assert found.assumed(key)


def test_cells_that_train_other_weights_have_a_law_of_their_own(study):
    """Ten seeds of each head say nothing of how much fine-tuned networks scatter."""
    heads, tuned = ("resnet18", "imagenet, frozen"), ("resnet18", "imagenet")
    quiet = study({heads: (0.5, 0.6, 0.7)}, seeds=range(10), seed_sd=0.001)
    once = study({tuned: (0.6, 0.7, 0.8)})
    both = read_grid(pd.concat([quiet.results, once.results]))
    alone = read_grid(once.results)
    for cell in both.curve(tuned):
        assert both.spread.assumed(cell.key)
        assumed = assumed_deviation(cell.accuracy, cell.train_size)
        assert both.spread.deviation(cell.key) == pytest.approx(assumed, rel=0.12)
        assert cell.key in alone.spread.degrees
    for cell in both.curve(heads):
        assert not both.spread.assumed(cell.key)
        assert both.spread.degrees[cell.key] == 27
        assert both.spread.deviation(cell.key) < 0.5 * assumed_deviation(0.6, cell.train_size)
    pair = both.curve(heads)[-1], both.curve(tuned)[-1]
    assert compare_cells(both, *pair).assumed
    assert not compare_cells(both, *both.curve(heads)[:2]).assumed


def test_the_lengths_of_a_network_follow_its_law(study):
    lengths = {("resnet18", "imagenet", "1", 0.5): 0.7}
    tuned = study({("resnet18", "imagenet"): (0.6, 0.7, 0.8)}, lengths=lengths)
    heads = study(
        {("resnet18", "imagenet, frozen"): (0.5, 0.6, 0.7)}, seeds=range(10), seed_sd=0.001
    )
    grid = read_grid(pd.concat([tuned.results, heads.results]))
    (half,) = grid.other_lengths
    assert half.length == 0.5
    assert grid.spread.assumed(half.key)


def test_one_law_draws_the_same_whatever_it_is_called():
    rng = np.random.default_rng(2)
    cells = repeated(rng, [0.01] * 3, 3)
    named = {key: replace(cell, law="head") for key, cell in cells.items()}
    for key in cells:
        drawn = (training_spread(each).variances[key] for each in (cells, named))
        assert np.array_equal(*drawn)


def test_a_cell_that_scatters_more_than_the_others_has_a_wider_spread():
    quiet = {i: CellTrainings([0.6, 0.601, 0.602], 3125) for i in range(4)}
    found = training_spread(quiet | {"loud": CellTrainings([0.57, 0.6, 0.63], 3125)})
    assert found.deviation("loud") > 2 * found.deviation(0)
    # It is drawn towards the others: its own standard deviation is 3 points.
    assert found.deviation("loud") < 0.03


def test_scatter_that_the_test_images_explain_is_no_spread_between_trainings():
    accuracies = [0.58, 0.60, 0.62]
    clean = training_spread({"a": CellTrainings(accuracies, 3125)})
    noisy = training_spread({"a": CellTrainings(accuracies, 3125, noise=0.02**2)})
    assert noisy.deviation("a") < 0.6 * clean.deviation("a")


def test_other_lengths_of_the_same_runs_are_no_further_trainings(study):
    simulated = study({("resnet18", "random"): (0.6, 0.7, 0.8)}, seeds=(0, 1, 2), seed_sd=0.01)
    shorter = simulated.results.copy()
    shorter["run_id"] += "-half"
    shorter["length"] = 0.5
    both = read_grid(pd.concat([simulated.results, shorter]))
    alone = read_grid(simulated.results)
    for grid in (both, alone):
        assert set(grid.spread.degrees.values()) == {6}
    for cell in alone.cells:
        both_sd, alone_sd = (grid.spread.deviation(cell.key) for grid in (both, alone))
        assert both_sd == pytest.approx(alone_sd, rel=0.05)
    assert {cell.length for cell in both.other_lengths} == {0.5}
    assert [cell.length for cell in both.lengths(both.cells[0])] == [0.5, 1.0]
    assert {run.length for run in both.runs} == {1.0}


def always_one_class(made, model, answers):
    """The study, in which each seed of a model answers its class of `answers` to all images."""
    for row in made.results.index[made.results["model"] == model]:
        run_id, seed = made.results.loc[row, ["run_id", "seed"]]
        labels, probabilities = made.predictions[run_id]
        probabilities = np.full_like(probabilities, 0.05)
        probabilities[:, answers[seed]] = 0.55
        made.predictions[run_id] = labels, probabilities
        made.results.loc[row, "test_accuracy"] = (labels == answers[seed]).mean()
    return made


@pytest.mark.parametrize("answers", [(3, 3, 3), (3, 5, 8)])
def test_trainings_that_answer_one_class_say_nothing_of_others(study, answers):
    learned, stuck = ("resnet18", "random"), ("resnet50", "random")
    made = study(
        {learned: (0.5, 0.6, 0.7), stuck: (0.1, 0.1, 0.1)},
        seeds=(0, 1, 2), seed_sd=0.02, test_size=2000,
    )  # fmt: skip
    made = always_one_class(made, "resnet50", answers)
    known = made.results["model"] == "resnet18"
    both, alone = (
        read_grid(results, None, made.predictions)
        for results in (made.results, made.results[known])
    )
    assert [both.cannot_differ(cell) for cell in both.cells] == [False] * 3 + [True] * 3
    for cell in alone.cells:
        assert both.spread.degrees[cell.key] == 6
        both_sd, alone_sd = (grid.spread.deviation(cell.key) for grid in (both, alone))
        assert both_sd == pytest.approx(alone_sd, rel=0.05)
    # Nor do recalls of 0 and 1 make those of others seem to scatter less.
    ratios = [ClassRecalls(grid).spread_ratio for grid in (both, alone)]
    assert ratios[0] == pytest.approx(ratios[1], rel=0.05)


def test_accuracies_of_0_and_1_say_nothing_of_others_without_predictions(study):
    made = study({("resnet18", "random"): (0.6, 0.7, 0.8)}, seeds=(0, 1, 2), seed_sd=0.01)
    perfect = made.results["fraction"] == "1"
    made.results.loc[perfect, "test_accuracy"] = 1.0
    grid = read_grid(made.results)
    assert [grid.cannot_differ(cell) for cell in grid.cells] == [False, False, True]
    assert set(grid.spread.degrees.values()) == {4}
    made.results.loc[perfect & (made.results["seed"] == 0), "test_accuracy"] = 0.999
    grid = read_grid(made.results)
    assert not grid.cannot_differ(grid.cells[-1])


def test_equal_heads_on_all_images_say_nothing_of_how_much_trainings_differ(study):
    sizes = {"10 per class": 100, "100 per class": 1000}
    heads = ("resnet18", "imagenet, frozen")
    made = study({heads: (0.5, 0.7)}, fractions=sizes, seeds=(0, 1, 2), seed_sd=0.02)
    on_all = made.results["train_size"] == 1000
    made.results.loc[on_all, "test_accuracy"] = 0.7
    grid = read_grid(made.results, images_there=1000)
    assert [grid.cannot_differ(cell) for cell in grid.cells] == [False, True]
    assert set(grid.spread.degrees.values()) == {2}
    of_more = read_grid(made.results, images_there=5000)
    assert not any(of_more.cannot_differ(cell) for cell in of_more.cells)
    made.results["init"] = "imagenet"  # whole networks on all images differ
    whole = read_grid(made.results, images_there=1000)
    assert not any(whole.cannot_differ(cell) for cell in whole.cells)


def test_one_test_image_of_each_class_does_not_hide_that_trainings_differ(study):
    made = study({("resnet18", "random"): (0.6,)}, fractions={"1": 50_000}, seeds=(0, 1, 2))
    labels = np.arange(10)
    for run_id, right in zip(made.results["run_id"], (5, 6, 8), strict=True):
        answers = np.eye(10)[np.where(labels < right, labels, (labels + 1) % 10)]
        made.predictions[run_id] = labels, answers
        made.results.loc[made.results["run_id"] == run_id, "test_accuracy"] = right / 10
    made.results["test_size"] = 10
    grid = read_grid(made.results, None, made.predictions)
    assert grid.correct
    assert not grid.cannot_differ(grid.cells[0])


def test_a_study_that_scatters_more_has_wider_intervals(study):
    halves = []
    for seed_sd in (0.002, 0.03):
        simulated = study(
            {("resnet18", "random"): (0.6,), ("resnet50", "random"): (0.7,)},
            fractions={"1": 8000}, seeds=(0, 1, 2), seed_sd=seed_sd,
        )  # fmt: skip
        grid = read_grid(simulated.results, None, simulated.predictions)
        halves.append(compare_cells(grid, *grid.cells).half_width)
    assert halves[1] > 2.5 * halves[0]
