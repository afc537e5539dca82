"""What a study cannot say, in English."""

from __future__ import annotations

from typing import assert_never

from ...analysis.findings.limits import (
    ChosenLengths,
    DecidedBy,
    Detectable,
    Extrapolation,
    FewEpochs,
    FewSeeds,
    LimitFinding,
    NotAllPaired,
    OneRecipe,
    OneSize,
    Repeats,
    ReportedEpoch,
)
from ...analysis.inputs.predictions import Unpaired
from ...spec.fields import AT_MAX_EPOCHS, LEVELLED_OFF
from ...spec.specs import AUTO_VALIDATION, LEAST_GAIN
from .numbers import NUMBERS, count, join, plural, points
from .words import Words


def say(finding: LimitFinding, words: Words) -> str:
    """A limit as sentences."""
    match finding:
        case DecidedBy():
            return _decided_by(finding)
        case FewSeeds():
            return _seeds(finding)
        case FewEpochs():
            order = " and could change the order of the models" if finding.several_models else ""
            return (
                f"All runs had {plural(round(finding.epochs), 'epoch')}, which is few: longer "
                f"training usually raises accuracies{order}."
            )
        case ReportedEpoch():
            return _chosen(finding.chosen_by)
        case ChosenLengths():
            return _lengths(finding, words)
        case NotAllPaired():
            return (
                f"Differences are not all paired by test image, because {_why(finding.reason)}; "
                "such intervals are wider than they had to be."
            )
        case OneSize():
            return (
                f"There is one training-set size, {count(finding.train_size)} images: what more "
                "images would buy was not part of this study."
            )
        case Extrapolation():
            sizes = finding.train_sizes
            few = f"{plural(len(sizes), 'size')} do not fix the shape of a learning curve. "
            return (
                f"{few if finding.few_sizes else ''}What is said beyond {count(sizes[-1])} images "
                f"is a forecast by a power law. Its {finding.level:.0%} intervals were calibrated "
                "on learning curves of other data; a curve that bends differently than those did "
                "can leave them."
            )
        case Detectable():
            low, high = min(finding.differences), max(finding.differences)
            span = points(high)
            if f"{100 * low:.1f}" != f"{100 * high:.1f}":
                span = f"{100 * low:.1f} to {span}"
            return (
                "A true difference between the two models would have been seen with 80% "
                f"probability from about {span} on."
            )
        case OneRecipe():
            changed = "their order" if finding.several_models else "these numbers"
            return (
                "One training recipe served all runs: a recipe tuned to a model or a size could "
                f"change {changed}."
            )
        case _:
            assert_never(finding)


def _seeds(found: FewSeeds) -> str:
    match found.repeats:
        case Repeats.NONE:
            return (
                "Each cell was trained once: how much two trainings of one cell differ is assumed "
                "from other studies, not measured. Two more seeds would make the intervals "
                "narrower."
            )
        case Repeats.SOME:
            return (
                f"The cells were trained with 1 to {found.seeds[-1]} seeds; where there is one, "
                "the spread between trainings is taken from the others."
            )
        case Repeats.FEW:
            span = join([str(number) for number in found.seeds], "or")
            return (
                f"With {span} seeds a cell the spread between trainings is known only roughly, "
                "pooled over all cells; the intervals are as wide as that requires."
            )
        case _:
            assert_never(found.repeats)


def _decided_by(found: DecidedBy) -> str:
    classes = f" of the {found.classes} classes in the test set" if found.classes else ""
    absent = ""
    if found.absent:
        absent = f"; {plural(found.absent, 'class', 'classes')} without test images do not count"
    return (
        "This study decides by balanced accuracy: the mean of the recalls"
        f"{classes}{absent}. Training accuracy, gaps, training curves and the choice of epochs are "
        "of plain accuracy."
    )


def _chosen(ways: tuple[str, ...]) -> str:
    match ways:
        case ("last",):
            return (
                "Accuracies are those of the last epoch: the test set chose nothing, and a run "
                "that was better earlier is not credited for it."
            )
        case ("validation",):
            return (
                "The epoch was chosen on a validation part cut from each training subset, which "
                "leaves fewer images to train on than the size says; the test set chose nothing."
            )
        case _ if {LEVELLED_OFF, AT_MAX_EPOCHS}.issuperset(ways):
            return (
                "How long each run trained was chosen on a validation part, "
                f"{NUMBERS.percent(AUTO_VALIDATION, 0)} of its training subset, which leaves fewer "
                "images to train on than the size says: the epochs were doubled until a doubling "
                f"bought less than {points(LEAST_GAIN)} there. Accuracies are those of the last "
                "epoch; the test set chose nothing."
            )
        case _:
            return f"The epoch was chosen in different ways in different runs ({join(ways)})."


def _lengths(found: ChosenLengths, words: Words) -> str:
    each, stopped = [], []
    for one in found.cells:
        few, most = round(one.fewest), round(one.most)
        span = count(most) if few == most else f"{count(few)} to {count(most)}"
        each.append(f"{span} for {words.cell(one.cell)}")
        stopped += [words.run(one.cell, seed) for seed in one.stopped]
    text = f"The epochs that were chosen: {'; '.join(each)}."
    if stopped:
        text += (
            " Not levelled off, and stopped because train.max_epochs allowed no other doubling: "
            f"{'; '.join(stopped)}."
        )
    return text


def _why(reason: Unpaired) -> str:
    match reason:
        case Unpaired.NO_PREDICTIONS:
            return "no predictions of single test images were given"
        case Unpaired.DIFFERENT_IMAGES:
            return "the runs were not tested on the same images"
        case Unpaired.SOME_RUNS:
            return "some runs have no predictions that match their accuracy"
        case _:
            assert_never(reason)
