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
from ...spec.fields import AT_MAX_EPOCHS, AUTO_ENDS, LEVELLED_OFF, STOPPED
from ...spec.train_spec import AUTO_VALIDATION, LEAST_GAIN
from ..text import plain
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
                f"All runs had {plural(round(finding.epochs), 'epoch')}, which is few: more "
                f"usually raise accuracies{order}."
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
                f"With one training-set size, {count(finding.train_size)} images, nothing is known "
                "of what more would bring."
            )
        case Extrapolation():
            sizes = finding.train_sizes
            few = f" whose shape {plural(len(sizes), 'size')} do not fix"
            return (
                f"Beyond {count(sizes[-1])} images all is extrapolated, by a power law"
                f"{few if finding.few_sizes else ''}; its {finding.level:.0%} intervals are "
                "calibrated on curves of other data."
            )
        case Detectable():
            low, high = min(finding.differences), max(finding.differences)
            span = points(high)
            if f"{100 * low:.1f}" != f"{100 * high:.1f}":
                span = f"{100 * low:.1f} to {span}"
            return (
                f"A difference of about {span} or more between the two models would have been seen "
                "with 80% probability."
            )
        case OneRecipe():
            changed = "their order" if finding.several_models else "these numbers"
            return f"One recipe served all runs; tuning could change {changed}."
        case _:
            assert_never(finding)


_ALIKE = " that train the same part of the weights"


def _seeds(found: FewSeeds) -> str:
    alike = _ALIKE if found.parts > 1 else ""
    match found.repeats:
        case Repeats.NONE:
            return (
                "Each cell was trained once: how much two trainings of one cell differ is assumed "
                "from other studies, not measured. Two more seeds would make the intervals "
                "narrower."
            )
        case Repeats.SOME:
            return (
                f"Cells have 1 to {found.seeds[-1]} seeds; where there is one, the spread between "
                f"trainings is that of the others{alike}."
            )
        case Repeats.NOT_OF_ALL:
            return (
                f"Cells have 1 to {found.seeds[-1]} seeds. The spread between trainings is that of "
                f"the cells{_ALIKE}. Of a model and weights that were trained once at every size "
                "it is assumed, as it may differ."
            )
        case Repeats.FEW:
            span = join([str(number) for number in found.seeds], "or")
            return (
                f"With {span} seeds a cell, the spread between trainings (pooled over all cells"
                f"{alike}) is known only roughly; the intervals allow for it."
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


# What chose the epoch, where the runs of a study differ in it.
_WAYS = {
    "last": "the last one",
    "validation": "the one that a validation part chose",
    LEVELLED_OFF: "the one at which accuracy levelled off",
    AT_MAX_EPOCHS: "the last that train.max_epochs allows",
    STOPPED: "the last that was measured before a run was stopped",
}


def _chosen(ways: tuple[str, ...]) -> str:
    match ways:
        case ("last",):
            return (
                "Accuracies are those of the last epoch: the test set chose nothing, and a run "
                "that was better earlier is not credited for it."
            )
        case ("validation",):
            return (
                "A validation part of each training subset chose the epoch: fewer images were "
                "trained on than the size says."
            )
        case _ if AUTO_ENDS.issuperset(ways):
            return (
                "Images that were not trained on chose the epochs: a validation part of each "
                f"training subset ({NUMBERS.percent(AUTO_VALIDATION, 0)}), alone or with images "
                "outside of it. The epochs were doubled until a doubling bought less than "
                f"{points(LEAST_GAIN)} there. So fewer images were trained on than the size says."
            )
        case _:
            named = [_WAYS.get(way, plain(way)) for way in ways]
            return f"The epoch was chosen in different ways in different runs: {join(named, 'or')}."


def _lengths(found: ChosenLengths, words: Words) -> str:
    each, stopped, so_far = [], [], []
    for one in found.cells:
        few, most = round(one.fewest), round(one.most)
        span = count(most) if few == most else f"{count(few)} to {count(most)}"
        each.append(f"{span} for {words.cell(one.cell)}")
        stopped += [words.run(one.cell, seed) for seed in one.stopped]
        so_far += [words.run(one.cell, seed) for seed in one.so_far]
    text = f"The epochs that were chosen: {'; '.join(each)}."
    if stopped:
        text += (
            " Not levelled off, and stopped because train.max_epochs allowed no other doubling: "
            f"{'; '.join(stopped)}."
        )
    if so_far:
        text += f" Not at their end, and as they were when last measured: {'; '.join(so_far)}."
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
