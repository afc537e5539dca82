"""Invented studies by what their answer is: who is ahead, what was expected, how much there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from golden_study import (
    BIG,
    CLEAN,
    ONE,
    SMALL,
    TWO,
    GoldenStudy,
    Records,
    arms,
    complete,
    golden,
    without,
)

from simulated_study import REFERENCE, REFERENCE_TRAIN, Study, make_study
from sixteenth.analysis.findings.levers import CellPair, Lever, LeverRuns

# All together, and what hurts


@golden
def reference() -> GoldenStudy:
    """Pretraining wins; the small model is ahead from scratch, the big one with weights."""
    fractions = {"1/16": 3125, "1/2": 25_000, "1": 50_000}
    study = make_study(REFERENCE, train=REFERENCE_TRAIN, fractions=fractions, test_size=2000)
    study.results["train_measured"] = 3125
    return complete(
        study,
        records=Records(checks=CLEAN, train_images=50_000),
        targets=(0.1, 0.2, 0.5),
        whole=True,
        html=True,
        train={"weight_decay": 0.01},
    )


@golden
def everything_hurts() -> GoldenStudy:
    """More images, the bigger model and pretrained weights all cost accuracy."""
    return complete(
        arms(
            small=(0.82, 0.72),
            big=(0.70, 0.60),
            small_pre=(0.61, 0.50),
            fractions=TWO,
        )
    )


# Was the expectation met


@golden
def smaller_was_worse() -> GoldenStudy:
    """The smaller model was expected to be better, and fitted its images less."""
    study = arms(
        small=(0.40, 0.55),
        big=(0.52, 0.67),
        fractions=TWO,
        train={SMALL: (0.5, 0.60), BIG: (0.72, 0.80)},
        final_map="1x1",
    )
    return complete(study, expect="smaller-is-better", stem="cifar", image_size=None)


@golden
def nothing_expected() -> GoldenStudy:
    """Three models and no expectation; a size of the middle one is not there."""
    accuracy = {
        ("a", "random"): (0.50, 0.60),
        ("b", "random"): (0.55, 0.66),
        ("c", "random"): (0.57, 0.70),
    }
    study = make_study(accuracy, fractions=TWO, test_size=500, final_map="2x2")
    study.results["parameters"] = study.results["model"].map({"a": 1e6, "b": 2e6, "c": 3.5e9})
    study = without(study, lambda run: (run["model"], run["fraction"]) != ("b", "1/2"))
    return complete(
        study,
        expect="none",
        data="photos",
        data_name="Photos",
        image_size=64,
        whole=True,
    )


@golden
def overfits_more() -> GoldenStudy:
    """The bigger model is behind by its gap on few images and by its fit on many."""
    study = arms(
        small=(0.60, 0.80),
        big=(0.50, 0.70),
        fractions=TWO,
        train={SMALL: (0.7, 0.9), BIG: (0.85, 0.72)},
        test_size=1000,
    )
    steep = (study.histories["model"] == "resnet50") & (study.histories["fraction"] == "1")
    late = study.histories["epoch"] <= 4
    study.histories.loc[steep & late, "train_accuracy"] *= 0.5
    ends = study.histories["fraction"] == "1/2"
    study.histories.loc[ends & (study.histories["epoch"] == 6), "train_accuracy"] -= 0.2
    return complete(study)


@golden
def falls_behind_at_the_end() -> GoldenStudy:
    """The bigger model fits less, and its training accuracy fell at the end."""
    study = arms(
        small=(0.60, 0.80),
        big=(0.50, 0.70),
        fractions=TWO,
        train={SMALL: (0.9, 0.92), BIG: (0.7, 0.72)},
        test_size=1000,
    )
    falling = (study.histories["model"] == "resnet50") & (study.histories["epoch"] == 6)
    study.histories.loc[falling, "train_accuracy"] -= 0.3
    return complete(study, train={"schedule": "constant"}, data="digits")


@golden
def unstable_training() -> GoldenStudy:
    """The bigger model fits less, and training accuracy of two of its runs fell back on the way."""
    study = arms(
        small=(0.60, 0.80),
        big=(0.45, 0.65),
        fractions=TWO,
        train={SMALL: (0.9, 0.92), BIG: (0.7, 0.72)},
        seeds=(0, 1, 2),
        seed_sd=0.005,
        test_size=1000,
    )
    biggest = (study.histories["model"] == "resnet50") & (study.histories["fraction"] == "1")
    fallen = study.histories["seed"].map({0: 0.25, 1: 0.0, 2: 0.2})[biggest]
    study.histories.loc[biggest & (study.histories["epoch"] == 5), "train_accuracy"] -= fallen
    return complete(study)


@golden
def no_histories() -> GoldenStudy:
    """Runs that left no history, no steps and no epochs; the bigger model fitted less."""
    study = arms(
        small=(0.60, 0.80),
        big=(0.50, 0.70),
        fractions=TWO,
        train={SMALL: (0.9, 0.92), BIG: (0.7, 0.72)},
    )
    study.results[["steps", "epochs", "train_flops", "seconds", "train_loss", "test_loss"]] = np.nan
    return complete(Study(study.results, study.histories.iloc[:0], study.predictions), whole=True)


# Reasons that were tested


@golden
def explained_halfway() -> GoldenStudy:
    """One lever is the reason, one is not, one is open; two are not done, one of them not begun."""
    small, test_size = {"1/16": 500}, 2000
    pair = CellPair("1/16", BIG, SMALL)

    def tested(lever: Lever, unfinished: Sequence[int] = (), **accuracy: float) -> LeverRuns:
        """With the positions of the runs that are not finished."""
        expected = {word: (value,) for word, value in accuracy.items()}
        study = arms(fractions=small, seeds=(0, 1), test_size=test_size, generator=3, **expected)
        study.results.loc[list(unfinished), "status"] = "missing"
        return LeverRuns(pair, lever, study.results, study.predictions)

    levers = (
        tested(Lever.STEPS, small=0.60, big=0.59),
        tested(Lever.IMAGE_SIZE, small=0.55, big=0.46, unfinished=[3]),
        tested(Lever.RATE_HALF, big=0.45),
        tested(Lever.SEEDS, small=0.50, big=0.40, unfinished=range(4)),
    )
    study = arms(
        small=(0.50, 0.75, 0.80), big=(0.40, 0.76, 0.83), seeds=(0, 1), test_size=test_size
    )
    return replace(complete(study), tested=levers)


# Few and many models, sizes, seeds


@golden
def single_run() -> GoldenStudy:
    """One model, one size, one run."""
    return complete(
        arms(small=(0.74,), fractions=ONE), targets=(0.1, 0.5), whole=True, figures=True
    )


@golden
def many_sizes() -> GoldenStudy:
    """Seven sizes of a model of this package, which nobody pretrained."""
    fractions = {f"1/{2**k}": 16_000 // 2**k for k in range(6, 0, -1)} | {"1": 16_000}
    accuracy = {("speedrun", "random"): (0.35, 0.46, 0.56, 0.65, 0.72, 0.78, 0.825)}
    study = make_study(accuracy, fractions=fractions, final_map="3x3", test_size=1000)
    return complete(study, targets=(0.15, 0.05, 0.001, 0.6))


@golden
def nine_lines() -> GoldenStudy:
    """Three models from three kinds of weights: more lines and starts than the figures name."""
    accuracy = {
        (model, init): (0.7 + 0.03 * i + 0.03 * j,)
        for i, model in enumerate(("resnet18", "resnet34", "resnet50"))
        for j, init in enumerate(("random", "imagenet", "imagenet:V2"))
    }
    study = make_study(accuracy, fractions=ONE, test_size=300, final_map="7x7", epochs=3)
    parameters = {"resnet18": 11_181_642, "resnet34": 21_289_802, "resnet50": 23_528_522}
    study.results["parameters"] = study.results["model"].map(parameters)
    return complete(study, whole=True)
