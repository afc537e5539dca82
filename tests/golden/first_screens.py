"""Invented studies whose right verdict is known, and what their first screens should say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

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
    levelled,
)
from studies_of_curves import imbalanced

from sixteenth.analysis import OptionKind
from sixteenth.analysis.findings.levers import CellPair, Lever, LeverRuns
from sixteenth.analysis.findings.overview import Verdict


@dataclass(frozen=True)
class Right:
    """What is right to say of a study.

    Attributes:
        verdict, kind: what the title says, and which card it is about.
        cautions: the names of all that could overturn it.
    """

    verdict: Verdict
    kind: OptionKind | None
    cautions: tuple[str, ...] = ()


SCREENS: dict[str, tuple[Right, Callable[[], GoldenStudy]]] = {}


def screen(
    verdict: Verdict, kind: OptionKind | None, *cautions: str
) -> Callable[[Callable[[], GoldenStudy]], Callable[[], GoldenStudy]]:
    """Keep the first screen of a study under its function's name."""

    def keep(make: Callable[[], GoldenStudy]) -> Callable[[], GoldenStudy]:
        SCREENS[make.__name__.replace("_", "-")] = Right(verdict, kind, cautions), make
        return make

    return keep


SEEDS: Any = {"seeds": (0, 1, 2), "seed_sd": 0.003, "test_size": 4000}
FOUR: Any = {
    "small": (0.47, 0.65, 0.72),
    "big": (0.40, 0.60, 0.69),
    "small_pre": (0.64, 0.78, 0.82),
    "big_pre": (0.67, 0.81, 0.85),
}
# Half of the images were trained for the steps of all: images and steps are told apart.
CONTROL: Any = {("resnet18", "random", "1/2", 2): 0.705}


@screen(Verdict.IN_HAND, OptionKind.INIT)
def pretraining_wins() -> GoldenStudy:
    """ImageNet weights bring far more than anything else, with both models."""
    return complete(levelled(arms(**FOUR, test_size=2000)))


@screen(Verdict.DO, OptionKind.DATA)
def data_wins() -> GoldenStudy:
    """Accuracy rises steeply with the images, also at equal steps; the bigger model is behind."""
    study = arms(small=(0.48, 0.70, 0.78), big=(0.40, 0.60, 0.70), lengths=CONTROL, **SEEDS)
    return complete(levelled(study))


@screen(Verdict.DO, OptionKind.DATA, "UnstableModel")
def unstable_bigger_model() -> GoldenStudy:
    """As before, but training of the bigger model fell back."""
    study = arms(small=(0.48, 0.70, 0.78), big=(0.40, 0.60, 0.70), lengths=CONTROL, **SEEDS)
    study = levelled(study)
    fallen = (study.histories["model"] == "resnet50") & (study.histories["epoch"] == 3)
    study.histories.loc[fallen & (study.histories["seed"] > 0), "train_accuracy"] = 0.4
    return complete(study)


@screen(Verdict.CANNOT_TELL, None)
def nothing_can_be_told() -> GoldenStudy:
    """Two models on one size, with a hundred test images between them."""
    study = arms(small=(0.80,), big=(0.79,), fractions=ONE, test_size=100, generator=5)
    return complete(levelled(study))


@screen(Verdict.TRAIN_FIRST, OptionKind.TRAINING, "NotConverged")
def undertrained() -> GoldenStudy:
    """Training accuracy was still rising at the end of every run."""
    return complete(arms(small=(0.50, 0.65, 0.73), **SEEDS))


@screen(Verdict.IN_HAND, OptionKind.INIT, "LeakedTest")
def leaked() -> GoldenStudy:
    """Pretrained weights help, but one test image in ten stands among the training images."""
    study = arms(small=(0.6, 0.7), small_pre=(0.8, 0.86), fractions=TWO, test_size=2000)
    return complete(levelled(study), records=Records(checks=CLEAN | {"leaked_test_images": 200}))


@screen(Verdict.NOT_SEPARATED, OptionKind.DATA)
def one_model() -> GoldenStudy:
    """One model from random weights: images and training steps grew together."""
    study = arms(small=(0.50, 0.66, 0.74), **SEEDS)
    study.histories = study.histories.iloc[:0]
    return complete(study)


@screen(Verdict.DO, OptionKind.DATA)
def many_sizes() -> GoldenStudy:
    """Six sizes with equal steps: a long curve that goes on rising."""
    sizes = {str(size): size for size in (250, 500, 1000, 2000, 4000, 8000)}
    study = arms(small=(0.30, 0.42, 0.53, 0.63, 0.71, 0.775), fractions=sizes, **SEEDS)
    study.results["steps"] = 400
    return complete(levelled(study))


@screen(Verdict.IN_HAND, OptionKind.INIT, "UnfinishedRuns")
def failed_runs() -> GoldenStudy:
    """A third of the runs failed or were not run; what is left still tells."""
    study = arms(**FOUR, test_size=2000)
    for run_id in ("resnet50-random-1-seed0", "resnet50-random-1of16-seed0"):
        study = study.drop(run_id, "failed", "DivergedError: the loss became NaN.")
    for run_id in ("resnet50-imagenet-1-seed0", "resnet50-imagenet-1of2-seed0"):
        study = study.drop(run_id, "missing")
    return complete(levelled(study))


@screen(Verdict.CANNOT_TELL, None, "StoppedEarly")
def stopped_early() -> GoldenStudy:
    """A budget stopped the largest size at half of its steps: all is compared at that length."""
    shorter = {
        ("resnet18", (0.48, 0.67, 0.71), (0.40, 0.60, 0.66)),
        ("resnet50", (0.40, 0.61, 0.66), (0.34, 0.54, 0.60)),
    }
    study = arms(
        small=(0.54, 0.72, 0.75),
        big=(0.45, 0.66, 0.70),
        lengths={
            (model, "random", fraction, length): accuracy
            for model, *both in sorted(shorter)
            for length, accuracies in zip((0.5, 0.25), both, strict=True)
            for fraction, accuracy in zip(("1/16", "1/2", "1"), accuracies, strict=True)
        },
        test_size=4000,
    )
    for model in ("resnet18", "resnet50"):
        study = study.drop(f"{model}-random-1-seed0", "interrupted")
    return complete(study)


@screen(Verdict.IN_HAND, OptionKind.INIT, "MixedMachines")
def mixed_machines() -> GoldenStudy:
    """Some runs were trained on a GPU in bfloat16, the others on a CPU."""
    gpu = {"environment": {"device": "A GPU"}, "execution": {"device": "cuda"}}
    study = arms(small=(0.6, 0.7), small_pre=(0.8, 0.86), fractions=TWO, test_size=2000)
    return complete(levelled(study), records=Records(changes={0: gpu, 2: gpu}))


@screen(Verdict.IN_HAND, OptionKind.INIT)
def thirty_six_runs() -> GoldenStudy:
    """Two models, two kinds of weights, three sizes, three seeds."""
    study = complete(levelled(arms(**FOUR, **SEEDS)))
    return replace(study, spec=study.spec | {"name": "36 runs"})


@screen(Verdict.IN_HAND, OptionKind.INIT, "MeasuredSoFar")
def measured_so_far() -> GoldenStudy:
    """`epochs: auto`, stopped while two networks from random weights were still gaining: they count
    as they were when last measured, beside pretrained ones, which had levelled off."""
    half = {
        ("resnet18", "random", "1/2"): (0.58, 0.60),
        ("resnet18", "random", "1"): (0.66, 0.70),
        ("resnet18", "imagenet", "1/2"): (0.798, 0.80),
        ("resnet18", "imagenet", "1"): (0.859, 0.86),
    }
    study = arms(
        small=(0.60, 0.70),
        small_pre=(0.80, 0.86),
        lengths={(*cell, 0.5): before for cell, (before, _) in half.items()},
        fractions=TWO,
        test_size=4000,
    )
    random = (study.results["init"] == "random") & (study.results["length"] == 1)
    study.results["chosen_by"] = "levelled-off"
    study.results.loc[random, ["status", "chosen_by"]] = ["interrupted", "stopped"]
    train = {"epochs": "auto", "schedule": "warmup-stable-decay"}
    return complete(levelled(study), train=train)


@screen(Verdict.NOT_SEPARATED, OptionKind.DATA, "ImbalancedClasses")
def classes_hidden_by_accuracy() -> GoldenStudy:
    """Accuracy hides that the rarest classes are hardly known."""
    return complete(imbalanced(ahead=0.0))


@screen(Verdict.DO, OptionKind.RESOLUTION)
def explained() -> GoldenStudy:
    """The bigger model is behind on the one size, and `explain` tried why: larger images help both,
    and longer training, which both still gained by, does not change their order."""
    one: Any = {"fractions": ONE, "test_size": 4000}
    half = {(*SMALL, "1", 0.5): 0.64, (*BIG, "1", 0.5): 0.51}
    study = arms(small=(0.66,), big=(0.53,), lengths=half, final_map="1x1", **one)
    long = arms(small=(0.70,), big=(0.57,), epochs=24, lengths={(*SMALL, "1", 0.5): 0.68}, **one)
    large = arms(small=(0.76,), big=(0.64,), **one)
    levers = {Lever.STEPS: long, Lever.IMAGE_SIZE: large}
    pair = CellPair("1", BIG, SMALL)
    tested = [LeverRuns(pair, name, m.results, m.predictions) for name, m in levers.items()]
    return replace(complete(study), tested=tuple(tested))


@screen(Verdict.CANNOT_TELL, None, "ReasonFound")
def reason_found() -> GoldenStudy:
    """The bigger model is behind on the one size, and `explain` found why: with residual blocks
    that begin as the identity it is as good."""
    one: Any = {"fractions": ONE, **SEEDS}
    study = levelled(arms(small=(0.66,), big=(0.53,), **one))
    identity = arms(small=(0.64,), big=(0.65,), **one)
    runs = LeverRuns(
        CellPair("1", BIG, SMALL),
        Lever.ZERO_INIT,
        identity.results,
        identity.predictions,
        ("zero_init_residual=auto",),
    )
    return replace(complete(study), tested=(runs,))
