"""How a study was made, in English."""

from __future__ import annotations

from collections.abc import Iterable

from ...spec.fields import AT_MAX_EPOCHS, LEVELLED_OFF
from ...storage.run_record import DataChecks, Environment, ExecutionFacts
from ..numbers import missing
from ..provenance import Fact, Provenance
from ..text import plain
from .numbers import NUMBERS, count, plural

_CLASSES_SHOWN = 120
_EXAMPLES_SHOWN = 5
_VERSIONS = {
    "sixteenth": "Sixteenth",
    "python": "Python",
    "torch": "torch",
    "torchvision": "torchvision",
    "numpy": "NumPy",
}
_CHECKS = {
    "skipped_broken": "{} left out as unreadable",
    "leaked_test_images": "{} of the test split also in the training split",
    "duplicates_within_train": "{} of the training split a copy of another",
    "duplicates_within_test": "{} of the test split a copy of another",
    "conflicting_labels": "{} under more than one label",
    "nearly_black": "{} of 16 bits nearly black",
    "cut_short": "{} that may stop early",
}


def dateline(made: Provenance) -> list[str]:
    """What stands under a report's name."""
    runs = f"run{'s' if made.planned != 1 else ''}"
    parts = [
        plain(made.data),
        f"{count(made.train_images)} training images" if made.train_images else "",
        f"{count(made.test_images)} test images" if made.test_images else "",
        f"{made.finished} of {made.planned} {runs} finished",
        NUMBERS.day(made.moment) if made.moment else "",
    ]
    return [part for part in parts if part]


def facts(made: Provenance) -> list[Fact]:
    """The lines of "How this was made"; what is not known has none."""
    splits = ((made.train_images, "training"), (made.test_images, "test"))
    lines = [
        Fact("Data", _data(plain(made.data), plain(made.source))),
        Fact("Fingerprint", plain(made.fingerprint), code=True),
        Fact("Images", ", ".join(f"{count(n)} {split}" for n, split in splits if n)),
        Fact("Image checks", _checks(made.checks)),
        Fact(f"Classes ({len(made.classes)})", _classes(made.classes)),
        Fact("Subsets", _subsets(made)),
        Fact("Seeds", ", ".join(str(seed) for seed in made.seeds)),
        Fact(
            "Trained",
            "the classifier alone: logistic regression on the features of the images as they are, "
            "its penalty chosen on a fifth of each training subset. The test set chose nothing.",
        )
        if made.heads_only
        else Fact(
            "Optimiser",
            f"{made.optimizer}, peak learning rate {NUMBERS.general(made.peak_learning_rate)}, "
            f"weight decay {NUMBERS.general(made.weight_decay)}",
        ),
        Fact("Reported accuracy", _reported(made.chosen_by)),
        Fact(
            "Initial weights",
            "; ".join(
                f"{plain(model)} {plain(init)}: SHA-256 {plain(digest)}"
                for model, init, digest in made.weights
            ),
        ),
        Fact("Machine", _distinct(map(_machine, made.environments))),
        Fact("Execution", _distinct(map(_execution, made.executions))),
        Fact("Versions", _distinct(map(_versions, made.environments))),
        Fact("Training", _training(made)),
    ]
    return [line for line in lines if line.text]


def notes(made: Provenance) -> list[str]:
    """How the numbers were measured, where a reader could take them for something else."""
    found = []
    if made.measured_epochs < made.epochs:
        found.append(
            f"After {count(made.measured_epochs)} of the {count(made.epochs)} epochs of all runs "
            "test images were measured."
        )
    if made.sampled is not None:
        before, where = "", "every number in the tables"
        if made.sampled.last_whole:
            before = "before the last epoch "
            where = "the last point, and every number in the tables,"
        found.append(
            f"Points of the test curves {before}are measured on a sample of the "
            f"{count(made.sampled.whole)} test images, {count(made.sampled.fewest)} or more; "
            f"{where} on all of them."
        )
    if made.train_measured is not None:
        found.append(
            "Training accuracies in the table are measured at the end on clean images: where the "
            f"subset is larger, on {count(made.train_measured)} images of it."
        )
    if made.validation:
        found.append(
            f"{NUMBERS.percent(made.validation, 0)} of every training subset was held out as a "
            "validation part: the sizes count it, the training did not see it."
        )
    if made.data_differ:
        found.append(
            "The runs do not all see the same data: their fingerprints differ. "
            "Comparisons between them cannot be trusted."
        )
    return found


def _data(name: str, source: str) -> str:
    return f"{name}, from {source}" if name and source and name != source else name or source


def _checks(checks: DataChecks) -> str:
    """Copies, leaks, doubtful labels and broken images; nothing of data that were not checked."""
    found = {key: n for key in _CHECKS if (n := getattr(checks, key)) is not None}
    lines = [_CHECKS[key].format(plural(n, "image")) for key, n in found.items() if n]
    if not lines:
        clean = "no copies, no leaks from training to test, no image under two labels."
        return clean if found else ""
    examples = [
        plain(text)
        for texts in (checks.skipped, checks.examples)
        for text in texts[:_EXAMPLES_SHOWN]
    ]
    such = f" Such as: {'; '.join(examples)}." if examples else ""
    return f"{'; '.join(lines)}.{such}"


def _classes(classes: tuple[str, ...]) -> str:
    more = len(classes) - _CLASSES_SHOWN
    shown = ", ".join(plain(name) for name in classes[:_CLASSES_SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown


def _subsets(made: Provenance) -> str:
    if not made.sizes:
        return ""
    sizes = "; ".join(f"{NUMBERS.fraction(part)} = {count(size)}" for part, size in made.sizes)
    how = (
        "nested: a larger part holds the smaller ones"
        if made.nested
        else "disjoint: the seeds get parts without a common image"
    )
    return f"{sizes}. Stratified by class, {how}."


def _reported(chosen_by: frozenset[str]) -> str:
    """Which epoch's accuracy the report states, and that the test set had no say in it."""
    if not chosen_by:
        return ""
    if chosen_by <= {LEVELLED_OFF, AT_MAX_EPOCHS}:
        epoch = (
            "that of the last epoch, after as many as a validation part cut from the training "
            "subset chose"
        )
    elif chosen_by == {"validation"}:
        epoch = (
            "that of the epoch with the best accuracy on a validation part cut from the training "
            "subset"
        )
    elif "validation" not in chosen_by:
        epoch = "that of the last epoch"
    else:
        epoch = (
            "that of the last epoch in some runs, of the epoch that a validation part chose in "
            "others"
        )
    return f"{epoch}. The test set chose nothing."


def _machine(environment: Environment) -> str:
    cores = f"{environment.cores} cores" if environment.cores else ""
    parts = [environment.cpu, cores, environment.platform]
    if environment.device not in (None, "cpu", environment.cpu):
        parts.insert(0, environment.device)
    return ", ".join(plain(part) for part in parts if part)


def _execution(execution: ExecutionFacts) -> str:
    parts = [execution.device, execution.precision, execution.layout]
    if execution.threads:
        parts.append(plural(execution.threads, "thread"))
    return ", ".join(plain(part) for part in parts if part)


def _versions(environment: Environment) -> str:
    known = environment.to_dict()
    return ", ".join(
        f"{label} {plain(known[key])}"
        for key, label in _VERSIONS.items()
        if not missing(known.get(key))
    )


def _training(made: Provenance) -> str:
    if not made.timed:
        return ""
    total = f"{NUMBERS.duration(made.seconds)} in all"
    if made.timed > 1:
        total += f", summed over {made.timed} runs"
    return f"{total}; {NUMBERS.flops(made.train_flops)}" if made.train_flops else total


def _distinct(texts: Iterable[str]) -> str:
    """The different ones of some texts; with their number of runs where there are several."""
    known = [text for text in texts if text]
    different = list(dict.fromkeys(known))
    if len(different) < 2:
        return "".join(different)
    return "; ".join(f"{text} ({known.count(text)} runs)" for text in different)
