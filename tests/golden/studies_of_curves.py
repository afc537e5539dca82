"""Invented studies by their curves and names, and one that is decided by balanced accuracy."""

from __future__ import annotations

import numpy as np
from golden_study import (
    BIG,
    SMALL,
    TWO,
    GoldenStudy,
    Records,
    arms,
    complete,
    exact,
    golden,
)

from classes_study import classes_study
from simulated_study import CLASSES, Study, make_study

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
