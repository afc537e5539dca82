"""Invented studies by their runs: missing ones, their data, and how they were trained."""

from __future__ import annotations

import numpy as np
import pandas as pd
from golden_study import (
    BIG,
    CLEAN,
    SMALL,
    TWO,
    GoldenStudy,
    Records,
    arms,
    complete,
    exact,
    golden,
    levelled,
    losses_rise,
)

from simulated_study import CLASSES, Study, make_study

BIG_HEAD = ("resnet50", "imagenet, frozen")


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
        "metrics": {"train_measured": 10_000},
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
