"""The studies whose findings and words are kept: each invented, small and the same on every run.

A study is a function that returns all that a report needs; its docstring says why it is here.
Together they reach nearly every sentence that the analysis and the report can write.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
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
    exact,
    levelled,
    losses_rise,
    without,
)

from classes_study import classes_study
from simulated_study import CLASSES, REFERENCE, REFERENCE_TRAIN, Study, make_study
from sixteenth.analysis.findings.explained import CellPair, Lever, LeverRuns

BIG_HEAD = ("resnet50", "imagenet, frozen")

STUDIES: dict[str, Callable[[], GoldenStudy]] = {}


def golden(make: Callable[[], GoldenStudy]) -> Callable[[], GoldenStudy]:
    """Keep what is said of this study, under its function's name."""
    STUDIES[make.__name__.replace("_", "-")] = make
    return make


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


# Runs that are not there


@golden
def unfinished() -> GoldenStudy:
    """Failed, missing, interrupted and running runs, and finished ones that left no number."""
    study = arms(
        small=(0.5, 0.65, 0.74), big=(0.45, 0.63, 0.7), small_pre=(0.7, 0.8, 0.85), seeds=(0, 1)
    )
    study = study.drop("resnet18-random-1-seed1", "failed", "DivergedError: the loss became NaN.")
    study = study.drop("resnet50-random-1of16-seed0", "interrupted")
    study = study.drop("resnet50-random-1of16-seed1", "running")
    study = study.drop("resnet50-random-1-seed0", "failed")
    study = study.drop("resnet50-random-1of2-seed0", "finished")
    study = study.drop("resnet50-random-1of2-seed1", "paused")
    for size in ("1of16", "1of2", "1"):
        study = study.drop(f"resnet18-imagenet-{size}-seed1", "missing")
    study.results.loc[study.results["run_id"] == "resnet50-random-1-seed1", "train_size"] = np.nan
    return complete(study, whole=True, figures=True)


@golden
def never_both_inits() -> GoldenStudy:
    """No cell is finished both from random and from pretrained weights."""
    study = arms(small=(0.5, 0.65), small_pre=(0.7, 0.8), fractions=TWO)
    study = study.drop("resnet18-random-1-seed0", "missing")
    return complete(study.drop("resnet18-imagenet-1of2-seed0", "failed", "OutOfMemory"))


@golden
def nothing_finished() -> GoldenStudy:
    """No run has finished."""
    study = arms(small=(0.5, 0.65), fractions=TWO)
    for run_id in study.results["run_id"]:
        study = study.drop(run_id, "running")
    return complete(study, targets=(0.1,), whole=True, figures=True)


# Over- and underfitting


@golden
def overfitted_widely() -> GoldenStudy:
    """Test loss rises in more runs than are listed; one training accuracy is not known."""
    study = arms(
        small=(0.5, 0.62, 0.7),
        big=(0.48, 0.6, 0.69),
        train={SMALL: (0.6, 0.80, 0.99), BIG: (0.49, 0.61, 0.70)},
    )
    study.results.loc[0, ["train_accuracy", "generalisation_gap"]] = np.nan
    return complete(losses_rise(study, study.results["run_id"][1:]), whole=True)


@golden
def at_chance_by_classes() -> GoldenStudy:
    """The same where only the number of classes tells what guessing gets; 130 of them."""
    study = exact((0.994, 0.993, 0.97))
    names = [f"species {i}" for i in range(130)]
    return complete(study, paired=False, records=Records(classes=names), targets=(0.5,), whole=True)


# The data


@golden
def leaks() -> GoldenStudy:
    """Leaked images, copies and images under two labels, with examples; what was understood."""
    checks = {
        "leaked_test_images": 7,
        "duplicates_within_train": 12,
        "duplicates_within_test": 1,
        "conflicting_labels": 3,
        "nearly_black": 2,
        "skipped_broken": 1,
        "skipped": ["train/cat/broken.png"],
        "examples": [f"test/dog/{i}.png = train/cat/{i}.png" for i in range(5)],
    }
    understood = {
        "layout": "train and test folders",
        "validation_images": 40,
        "per_class": {name: 900 + i for i, name in enumerate(CLASSES)},
        "left_out": ["val with 40 validation images", "train/cat/broken.png cannot be read: cut"],
        "notes": ["training images from Training, test images from Testing"],
    }
    records = Records(checks=checks, changes={0: {"data": understood}})
    return complete(arms(small=(0.6, 0.7), fractions=TWO), records=records, whole=True)


@golden
def one_leak() -> GoldenStudy:
    """One leaked image and one under two labels; no examples, no test size."""
    study = arms(small=(0.6, 0.7), fractions=TWO)
    study.results["test_size"] = np.nan
    checks = CLEAN | {"leaked_test_images": 1, "conflicting_labels": 1, "nearly_black": 0}
    return complete(study, records=Records(checks=checks), paired=False)


@golden
def doubtful_labels() -> GoldenStudy:
    """All networks contradict so many labels that little more could be gained."""
    study = arms(small=(0.90, 0.93), big=(0.91, 0.94), fractions=TWO, test_size=600)
    right = np.mean([p.argmax(1) == labels for labels, p in study.predictions.values()], axis=0)
    for run_id, (labels, probabilities) in study.predictions.items():
        wrong = right < 0.5
        probabilities[wrong] = 0.005
        probabilities[wrong, (labels[wrong] + 1) % 10] = 0.955
        row = study.results["run_id"] == run_id
        study.results.loc[row, "test_accuracy"] = (probabilities.argmax(1) == labels).mean()
    return complete(study)


@golden
def other_images() -> GoldenStudy:
    """The runs were not tested on the same images, and do not all see the same data."""
    study = arms(small=(0.6, 0.7), big=(0.62, 0.75), fractions=TWO)
    labels, probabilities = study.predictions["resnet50-random-1-seed0"]
    study.predictions["resnet50-random-1-seed0"] = (labels[::-1], probabilities[::-1])
    changes = {1: {"data": {"fingerprint": "77aa" * 16}}}
    return complete(study, records=Records(changes=changes), whole=True)


@golden
def stale_predictions() -> GoldenStudy:
    """One run's predictions do not belong to its accuracy."""
    study = arms(small=(0.6, 0.7), big=(0.62, 0.75), fractions=TWO)
    study.results.loc[0, "test_accuracy"] += 0.05
    return complete(study)


# How the runs were made


@golden
def validated() -> GoldenStudy:
    """A validation part chose the epoch; test curves on a sample; predictions of mirrored views."""
    study = arms(small=(0.6, 0.7), big=(0.62, 0.75), fractions=TWO)
    study.results["chosen_by"] = "validation"
    epoch = study.histories["epoch"]
    study.histories["validation_accuracy"] = np.where(epoch == 4, 0.7, 0.6)
    study.histories["test_images"] = 200
    study.histories.loc[epoch == 2, ["test_loss", "test_accuracy"]] = np.nan
    study.histories.loc[epoch == 2, "test_images"] = 0
    return complete(study, whole=True, train={"validation": 0.1, "test_augmentation": "mirror"})


@golden
def chosen_lengths() -> GoldenStudy:
    """A validation part chose how long each run trained; one had not levelled off when it ended."""
    study = arms(small=(0.6, 0.7), big=(0.62, 0.75), fractions=TWO, seeds=(0, 1))
    study.results["chosen_by"] = "levelled-off"
    study.results.loc[study.results["fraction"] == "1", "epochs"] = 8
    last = study.results.index[-1]
    study.results.loc[last, ["epochs", "chosen_by"]] = [64, "max-epochs"]
    train = {"epochs": "auto", "max_epochs": 100, "schedule": "warmup-stable-decay"}
    return complete(study, whole=True, train=train)


@golden
def chosen_differently() -> GoldenStudy:
    """Epochs chosen in two ways; label smoothing in the losses; views mirrored and shifted."""
    study = arms(small=(0.6, 0.7), big=(0.62, 0.75), fractions=TWO)
    study.results.loc[0, "chosen_by"] = "validation"
    study.histories.loc[study.histories["epoch"] == 1, "test_loss"] = 1234.5
    found = complete(
        study,
        whole=True,
        subsets="disjoint",
        train={"label_smoothing": 0.1, "test_augmentation": "mirror-shift", "cutout": 8},
    )
    for run in found.runs:
        del run["train_loss"]
    return found


@golden
def equal_steps() -> GoldenStudy:
    """Steps instead of epochs: the curves share a step axis; a single epoch is a point."""
    study = arms(small=(0.6, 0.7), big=(0.62, 0.75), fractions=TWO, epochs=12)
    halved = (study.histories["fraction"] == "1") & (study.histories["epoch"] > 6)
    study.histories.loc[study.histories["fraction"] == "1", "step"] *= 2
    study = Study(study.results, study.histories[~halved], study.predictions)
    study.results["epochs"] = study.results["fraction"].map({"1/2": 12, "1": 6})
    study.results["steps"] = 375
    return complete(study, whole=True, figures=True, train={"steps": 375, "optimizer": "sgd"})


@golden
def long_training() -> GoldenStudy:
    """Enough epochs; several machines, devices, versions and weights; curves on a sample."""
    study = arms(small=(0.6, 0.7), small_pre=(0.8, 0.86), fractions=TWO, epochs=30, final_map="1x1")
    study.histories["test_images"] = np.where(study.histories["epoch"] == 30, 500, 100)
    gpu = {
        "environment": {"device": "A GPU", "torch": "2.8.0", "cores": None},
        "execution": {"device": "cuda", "threads": 1},
        "metrics": {"train_measured": 300},
        "data": {"name": None, "source": "photos/"},
    }
    return complete(
        study, records=Records(changes={0: gpu, 2: gpu}), whole=True, train={"epochs": 30}
    )


@golden
def several_lengths() -> GoldenStudy:
    """Shorter trainings: images and steps are told apart, and longer training is foreseen."""
    lengths = {
        **{(*SMALL, "1", part): value for part, value in ((0.5, 0.72), (0.25, 0.66))},
        **{(*SMALL, "1/2", part): value for part, value in ((0.5, 0.62), (0.25, 0.53))},
        **{(*BIG, "1", part): value for part, value in ((0.5, 0.69), (0.25, 0.61))},
    }
    study = arms(small=(0.70, 0.776), big=(0.66, 0.75), fractions=TWO, lengths=lengths,
                 test_size=4000)  # fmt: skip
    return complete(levelled(study), figures=True)


@golden
def control_run() -> GoldenStudy:
    """Half of the images were trained for the steps of all; training had levelled off."""
    study = arms(
        small=(0.60, 0.716, 0.776), small_pre=(0.7, 0.8, 0.86), lengths={
            (*SMALL, "1/2", 2.0): 0.772, ("resnet18", "imagenet", "1/2", 2.0): 0.81,
        }, test_size=4000, seeds=(0, 1, 2), seed_sd=0.002,
    )  # fmt: skip
    return complete(levelled(study))


@golden
def heads_and_fine_tuned() -> GoldenStudy:
    """Heads were repeated and fine-tuned networks were not: the spread of these is assumed."""
    heads = {("resnet18", "imagenet, frozen"): (0.66, 0.68), BIG_HEAD: (0.68, 0.70)}
    tuned = {("resnet18", "imagenet"): (0.76, 0.80), ("resnet50", "imagenet"): (0.78, 0.825)}
    once = levelled(make_study(tuned, fractions=TWO, test_size=2000, final_map="4x4"))
    study = make_study(
        heads, fractions=TWO, test_size=2000, seeds=(0, 1, 2, 3), seed_sd=0.002, final_map="4x4"
    )
    study.results["chosen_by"] = "last"
    study.results[["epochs", "steps"]] = 0
    return complete(
        Study(
            pd.concat([study.results, once.results], ignore_index=True),
            once.histories,
            study.predictions | once.predictions,
        ),
        whole=True,
        init=["imagenet"],
        finetune=["head", "all"],
    )


# What the curves say


@golden
def stuck_curve() -> GoldenStudy:
    """The error is one and the same at the last sizes."""
    return complete(
        exact((0.9, 0.9, 0.9)), paired=False, whole=True, records=Records(classes=("a", "b"))
    )


@golden
def almost_perfect() -> GoldenStudy:
    """Accuracies that would round to 100%, and are not."""
    study = exact((0.0002, 0.00004, 0.00002))
    study.results["test_size"] = 100_000
    return complete(study, paired=False, targets=(0.00001, 0.0003))


@golden
def crossover_beyond() -> GoldenStudy:
    """The bigger model is behind, comes nearer, and overtakes beyond the measured sizes."""
    fractions = {f"1/{2**k}": 16_000 // 2**k for k in range(5, 0, -1)} | {"1": 16_000}
    study = arms(
        small=(0.60, 0.63, 0.656, 0.68, 0.70, 0.716),
        big=(0.15, 0.28, 0.40, 0.51, 0.60, 0.68),
        fractions=fractions,
        test_size=2000,
        seeds=(0, 1),
        seed_sd=0.002,
    )
    return complete(study)


@golden
def interpolated_gain() -> GoldenStudy:
    """Half of the largest size was not trained, and yet the last doubling has helped."""
    return complete(
        arms(
            small=(0.5, 0.65, 0.78),
            big=(0.78, 0.66, 0.5),
            fractions={"1/8": 1000, "5/8": 5000, "1": 8000},
            test_size=800,
        ),
        whole=True,
    )


@golden
def extrapolated() -> GoldenStudy:
    """No size is as small as half of the largest; more images are labelled than were trained on."""
    study = arms(
        small=(0.66, 0.68, 0.70),
        big=(0.655, 0.68, 0.70),
        fractions={"1/2": 4000, "5/8": 5000, "3/4": 6000},
    )
    return complete(study, targets=(0.25,))


@golden
def worth_more_than_told() -> GoldenStudy:
    """What pretrained weights are worth in images is beyond what the curves tell."""
    return complete(
        arms(
            small=(0.30, 0.33, 0.34),
            small_pre=(0.85, 0.93, 0.96),
            big=(0.28, 0.31, 0.33),
            big_pre=(0.60, 0.61, 0.70),
            test_size=1000,
            train={("resnet18", "imagenet"): (0.87, 0.94, 0.97), SMALL: (0.9, 0.9, 0.9)},
        )
    )


# Names


@golden
def unknown_parameters() -> GoldenStudy:
    """Nothing tells which model is the bigger one."""
    accuracy = {("one", "random"): (0.60, 0.70), ("two", "random"): (0.62, 0.74)}
    study = make_study(accuracy, fractions=TWO, test_size=400, final_map="2x2")
    study.results["parameters"] = np.nan
    return complete(study)


@golden
def hostile_names() -> GoldenStudy:
    """Names that hold markup, formulas and line breaks, in every place that takes a name."""
    model = "lab.nets:<script>alert(1)</script>|`x`&$y$"
    accuracy = {
        (model, "random"): (0.60, 0.70),
        (model, "w*e*i_g_h_t_s $x$ [a](http://b.example)"): (0.75, 0.84),
    }
    study = make_study(accuracy, fractions=TWO, test_size=300, final_map="2x2")
    ids = [f"m-{i}" for i in range(len(study.results))]
    new = dict(zip(study.results["run_id"], ids, strict=True))
    study.results["run_id"] = ids
    study.histories["run_id"] = study.histories["run_id"].map(new)
    study = Study(
        study.results,
        study.histories,
        {new[key]: value for key, value in study.predictions.items()},
    )
    study = study.drop("m-0", "failed", "DivergedError: the loss became <b>NaN</b> | at #40")
    classes = ["cat|<img src=http://evil.example/x>&`dog`", *CLASSES[1:]]
    return complete(
        study,
        records=Records(classes=classes),
        whole=True,
        figures=True,
        name="Demo <b>study</b> | one\n```",
        data_name="<i>my</i> data",
    )


RARE = (1200, 1000, 800, 700, 600, 400, 300, 200, 100, 60)
"""Test images of ten classes."""


def imbalanced(*, ahead: float) -> Study:
    """Ten classes; the two rarest are known worst, and the bigger model is `ahead` on these."""
    known = np.array([0.93, 0.92, 0.93, 0.9, 0.91, 0.9, 0.9, 0.88, 0.5, 0.4])
    rare = np.array([0.0] * 8 + [ahead] * 2)
    return classes_study(
        {
            SMALL: [known - 0.25, known - 0.08, known],
            BIG: [known - 0.3, known - 0.08, known + rare],
        },
        RARE,
        seeds=(0, 1),
    )


@golden
def balanced_accuracy() -> GoldenStudy:
    """Decided by balanced accuracy: the bigger model is better, on the two rarest classes only."""
    return complete(
        imbalanced(ahead=0.25),
        records=Records(train_images=50_000),
        metric="balanced-accuracy",
        targets=(0.05,),
        whole=True,
        figures=True,
    )
