"""How a study was made, read from its run.json files: what a critic needs to repeat or doubt it.

A run.json may be incomplete (a run that failed early): what is not there is left out, not guessed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pandas as pd

from sixteenth.spec import TrainSpec
from sixteenth.storage.run_record import (
    AugmentationFacts,
    DataChecks,
    DataFacts,
    Environment,
    ExecutionFacts,
    RunRecord,
)

from ...language import format as fmt

_CLASSES_SHOWN = 120


@dataclass(frozen=True)
class Fact:
    """One line of "How this was made"."""

    name: str
    text: str
    code: bool = False


def facts(spec: Mapping[str, Any], results: pd.DataFrame, runs: Sequence[RunRecord]) -> list[Fact]:
    """How the study was made, from the run folders."""
    data = first(run.data for run in runs) or DataFacts()
    classes = [fmt.plain(name) for name in data.classes]
    more = len(classes) - _CLASSES_SHOWN
    names = ", ".join(classes[:_CLASSES_SHOWN]) + (f" and {more} more" if more > 0 else "")
    subsets = (
        "nested: a larger part holds the smaller ones"
        if spec.get("subsets", "nested") == "nested"
        else "disjoint: the seeds get parts without a common image"
    )
    sizes = dict.fromkeys(
        f"{fmt.fraction(fraction)} = {fmt.count(size)}"
        for fraction, size in zip(results["fraction"], results["train_size"], strict=True)
        if not fmt.missing(size)
    )
    environments = [run.environment or Environment() for run in runs]
    lines = [
        Fact("Data", _and(data_name(spec, runs), data.source, "from ")),
        Fact("Fingerprint", fmt.plain(data.fingerprint or ""), code=True),
        Fact("Images", _split_sizes(data)),
        Fact("Image checks", _checks(first(run.data_checks for run in runs) or DataChecks())),
        Fact(f"Classes ({len(classes)})", names if classes else ""),
        Fact("Subsets", f"{'; '.join(sizes)}. Stratified by class, {subsets}." if sizes else ""),
        Fact("Seeds", ", ".join(str(seed) for seed in spec.get("seeds", []))),
        Fact("Optimiser", _optimiser(spec)),
        Fact("Reported accuracy", reported_accuracy(results)),
        Fact("Initial weights", _weights(runs)),
        Fact("Machine", _distinct(map(_machine, environments))),
        Fact("Execution", _distinct(_execution(run.execution or ExecutionFacts()) for run in runs)),
        Fact("Versions", _distinct(map(_versions, environments))),
        Fact("Training", _totals(results)),
    ]
    return [line for line in lines if line.text]


def data_name(spec: Mapping[str, Any], runs: Sequence[RunRecord]) -> str:
    """What a report calls the data: what the study says now, else what they called themselves.

    The study's name for them may be changed after its first run, whose record keeps the old one.
    """
    data = first(run.data for run in runs) or DataFacts()
    return str(spec.get("data_name") or data.name or spec.get("data") or "")


def augmented(spec: Mapping[str, Any], runs: Sequence[RunRecord]) -> bool:
    """Whether training images were changed at random.

    Earlier versions did not record it. Their rule was the one of today, where of the data sets that
    a study names, the digits alone were symbols.
    """
    applied = first(run.augmentation for run in runs)
    if applied is None:
        recipe = TrainSpec.model_validate(spec.get("train") or {})
        symbols = spec.get("data") == "digits"
        crop, flip = recipe.crop_and_flip(spec.get("image_size") or 32, symbols=symbols)
        applied = AugmentationFacts(crop=crop, flip=flip, cutout=recipe.cutout)
    return applied.changes_images


_VERSIONS = {
    "sixteenth": "Sixteenth",
    "python": "Python",
    "torch": "torch",
    "torchvision": "torchvision",
    "numpy": "NumPy",
}


def reported_accuracy(results: pd.DataFrame) -> str:
    """Which epoch's accuracy the report states, and that the test set had no say in it."""
    chosen = set(results.loc[results["status"] == "finished", "chosen_by"].dropna().astype(str))
    if not chosen:
        return ""
    if chosen == {"validation"}:
        return (
            "that of the epoch with the best accuracy on a validation part cut from the training "
            "subset. The test set chose nothing."
        )
    if "validation" not in chosen:
        return "that of the last epoch. The test set chose nothing."
    return (
        "that of the last epoch in some runs, of the epoch that a validation part chose in others. "
        "The test set chose nothing."
    )


def notes(
    spec: Mapping[str, Any],
    results: pd.DataFrame,
    histories: pd.DataFrame,
    runs: Sequence[RunRecord],
) -> list[str]:
    """What a critic would have to be told about how the numbers were measured."""
    found = []
    tests = results.loc[results["status"] == "finished", "test_size"].dropna()
    if len(tests) and "test_images" in histories:
        points = histories.loc[histories["test_images"] > 0]
        sampled, whole = points["test_images"], fmt.count(tests.max())
        if len(points) < len(histories):
            found.append(
                f"After {fmt.count(len(points))} of the {fmt.count(len(histories))} epochs of all "
                "runs test images were measured."
            )
        if len(sampled) and sampled.min() < tests.max():
            last = points.groupby("run_id")["test_images"].last()
            where = "the last point, and every number in the tables,"
            before = "before the last epoch "
            if last.min() < tests.max():  # the epoch that a validation part chose is measured anew
                where, before = "every number in the tables", ""
            found.append(
                f"Points of the test curves {before}are measured on a sample of the {whole} test "
                f"images, {fmt.count(sampled.min())} or more; {where} on all of them."
            )
    smaller = [
        measured
        for run in runs
        if run.metrics
        and (measured := run.metrics.train_measured)
        and measured < (run.train_size or 0)
    ]
    if smaller:
        found.append(
            "Training accuracies in the table are measured at the end on clean images: where the "
            f"subset is larger, on {fmt.count(min(smaller))} images of it."
        )
    validation = (spec.get("train") or {}).get("validation") or 0
    if validation:
        found.append(
            f"{fmt.percent(validation, 0)} of every training subset was held out as a validation "
            "part: the sizes count it, the training did not see it."
        )
    prints = {run.data.fingerprint for run in runs if run.data} - {None}
    if len(prints) > 1:
        found.append(
            "The runs do not all see the same data: their fingerprints differ. "
            "Comparisons between them cannot be trusted."
        )
    return found


def _versions(environment: Environment) -> str:
    known = environment.to_dict()
    return ", ".join(
        f"{label} {fmt.plain(known[key])}"
        for key, label in _VERSIONS.items()
        if not fmt.missing(known.get(key))
    )


def _machine(environment: Environment) -> str:
    cores = f"{environment.cores} cores" if environment.cores else ""
    parts = [environment.cpu, cores, environment.platform]
    if environment.device not in (None, "cpu", environment.cpu):
        parts.insert(0, environment.device)
    return ", ".join(fmt.plain(part) for part in parts if part)


def _execution(execution: ExecutionFacts) -> str:
    threads = execution.threads
    parts = [execution.device, execution.precision, execution.layout]
    parts.append(f"{threads} thread{'s' if threads != 1 else ''}" if threads else "")
    return ", ".join(fmt.plain(part) for part in parts if part)


def _optimiser(spec: Mapping[str, Any]) -> str:
    """What the recipe came to where it leaves its numbers to the optimiser's defaults."""
    recipe = TrainSpec.model_validate(spec.get("train") or {})
    return (
        f"{recipe.optimizer}, peak learning rate {recipe.peak_learning_rate:g}, "
        f"weight decay {recipe.decay_of_weights:g}"
    )


def _weights(runs: Sequence[RunRecord]) -> str:
    """Which weights file each pretrained model started from, so that it can be had again."""
    lines = []
    for run in runs:
        digest = run.model.weights_sha256 if run.model else None
        if run.spec.init != "random" and digest:
            name = f"{fmt.plain(run.spec.model)} {fmt.plain(run.spec.init)}"
            lines.append(f"{name}: SHA-256 {fmt.plain(digest)}")
    return "; ".join(dict.fromkeys(lines))


def _split_sizes(data: DataFacts) -> str:
    sizes = ((data.train_images, "training"), (data.test_images, "test"))
    parts = [f"{fmt.count(images)} {word}" for images, word in sizes if images]
    return ", ".join(parts)


def _checks(checks: DataChecks) -> str:
    """Copies, leaks, doubtful labels and broken images; nothing of runs that were not checked."""
    told = {
        "skipped_broken": "{} left out as unreadable",
        "leaked_test_images": "{} of the test split also in the training split",
        "duplicates_within_train": "{} of the training split a copy of another",
        "duplicates_within_test": "{} of the test split a copy of another",
        "conflicting_labels": "{} under more than one label",
        "nearly_black": "{} of 16 bits nearly black",
    }
    counts = {key: n for key in told if (n := getattr(checks, key)) is not None}
    images = {key: f"{fmt.count(n)} image{'' if n == 1 else 's'}" for key, n in counts.items()}
    lines = [told[key].format(images[key]) for key, n in counts.items() if n]
    if counts and not lines:
        return "no copies, no leaks from training to test, no image under two labels."
    examples = [fmt.plain(text) for text in checks.examples][:5]
    skipped = [fmt.plain(text) for text in checks.skipped][:5]
    such = f" Such as: {'; '.join([*skipped, *examples])}." if lines and examples + skipped else ""
    return "; ".join(lines) + ("." if lines else "") + such


def _totals(results: pd.DataFrame) -> str:
    seconds, work = results["seconds"].dropna(), results["train_flops"].dropna()
    if not len(seconds):
        return ""
    total = f"{fmt.duration(math.fsum(seconds))} in all"
    if len(seconds) > 1:
        total += f", summed over {len(seconds)} runs"
    return total + (f"; {fmt.flops(math.fsum(work))}" if len(work) else "")


def _and(name: Any, source: Any, word: str) -> str:
    first, second = fmt.plain(name or ""), fmt.plain(source or "")
    return f"{first}, {word}{second}" if first and second and first != second else first or second


PartT = TypeVar("PartT")


def first(parts: Iterable[PartT | None]) -> PartT | None:
    """The first that is there, of one part of several records."""
    return next((part for part in parts if part is not None), None)


def _distinct(texts: Iterable[str]) -> str:
    """The different ones of some texts; with their number of runs where there are several."""
    known = [text for text in texts if text]
    different = list(dict.fromkeys(known))
    if len(different) < 2:
        return "".join(different)
    return "; ".join(f"{text} ({known.count(text)} runs)" for text in different)
