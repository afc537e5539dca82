"""How a study was made, read from its run.json files: what a critic needs to repeat or doubt it.

A run.json may be incomplete (a run that failed early): what is not there is left out, not guessed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sixteenth.spec import TrainSpec

from ...language.en.numbers import NUMBERS as numbers
from ...language.numbers import missing
from ...language.text import plain

_CLASSES_SHOWN = 120


@dataclass(frozen=True)
class Fact:
    """One line of "How this was made"."""

    name: str
    text: str
    code: bool = False


def facts(
    spec: Mapping[str, Any], results: pd.DataFrame, runs: Sequence[Mapping[str, Any]]
) -> list[Fact]:
    """How the study was made, from the run folders."""
    data = first(runs, "data") or {}
    classes = [plain(name) for name in data.get("classes") or []]
    more = len(classes) - _CLASSES_SHOWN
    names = ", ".join(classes[:_CLASSES_SHOWN]) + (f" and {more} more" if more > 0 else "")
    subsets = (
        "nested: a larger part holds the smaller ones"
        if spec.get("subsets", "nested") == "nested"
        else "disjoint: the seeds get parts without a common image"
    )
    sizes = dict.fromkeys(
        f"{numbers.fraction(fraction)} = {numbers.count(size)}"
        for fraction, size in zip(results["fraction"], results["train_size"], strict=True)
        if not missing(size)
    )
    environments = [run.get("environment") or {} for run in runs]
    versions = _distinct(
        ", ".join(
            f"{label} {plain(e[key])}"
            for key, label in _VERSIONS.items()
            if not missing(e.get(key))
        )
        for e in environments
    )
    machines = _distinct(_machine(e) for e in environments)
    modes = _distinct(_execution(run.get("execution") or {}) for run in runs)
    lines = [
        Fact("Data", _and(data_name(spec, runs), data.get("source"), "from ")),
        Fact("Fingerprint", plain(data.get("fingerprint") or ""), code=True),
        Fact("Images", _split_sizes(data)),
        Fact("Image checks", _checks(first(runs, "data_checks") or {})),
        Fact(f"Classes ({len(classes)})", names if classes else ""),
        Fact("Subsets", f"{'; '.join(sizes)}. Stratified by class, {subsets}." if sizes else ""),
        Fact("Seeds", ", ".join(str(seed) for seed in spec.get("seeds", []))),
        Fact("Optimiser", _optimiser(spec)),
        Fact("Reported accuracy", reported_accuracy(results)),
        Fact("Initial weights", _weights(runs)),
        Fact("Machine", machines),
        Fact("Execution", modes),
        Fact("Versions", versions),
        Fact("Training", _totals(results)),
    ]
    return [line for line in lines if line.text]


def data_name(spec: Mapping[str, Any], runs: Sequence[Mapping[str, Any]]) -> str:
    """What a report calls the data: what the study says now, else what they called themselves.

    The study's name for them may be changed after its first run, whose record keeps the old one.
    """
    recorded = (first(runs, "data") or {}).get("name")
    return str(spec.get("data_name") or recorded or spec.get("data") or "")


def augmented(spec: Mapping[str, Any]) -> bool:
    """Whether training images were changed at random; digits are not, unless that was asked for."""
    train = spec.get("train") or {}
    if train.get("cutout"):
        return True
    auto = spec.get("data") != "digits"
    return any(
        auto if (value := train.get(key, "auto")) == "auto" else bool(value)
        for key in ("crop", "flip")
    )


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
    runs: Sequence[Mapping[str, Any]],
) -> list[str]:
    """What a critic would have to be told about how the numbers were measured."""
    found = []
    tests = results.loc[results["status"] == "finished", "test_size"].dropna()
    if len(tests) and "test_images" in histories:
        points = histories.loc[histories["test_images"] > 0]
        sampled, whole = points["test_images"], numbers.count(tests.max())
        if len(points) < len(histories):
            found.append(
                f"After {numbers.count(len(points))} of the {numbers.count(len(histories))} epochs "
                "of all runs test images were measured."
            )
        if len(sampled) and sampled.min() < tests.max():
            last = points.groupby("run_id")["test_images"].last()
            where = "the last point, and every number in the tables,"
            before = "before the last epoch "
            if last.min() < tests.max():  # the epoch that a validation part chose is measured anew
                where, before = "every number in the tables", ""
            found.append(
                f"Points of the test curves {before}are measured on a sample of the {whole} test "
                f"images, {numbers.count(sampled.min())} or more; {where} on all of them."
            )
    smaller = [
        metrics["train_measured"]
        for run in runs
        if (metrics := run.get("metrics") or {}).get("train_measured")
        and run.get("train_size")
        and metrics["train_measured"] < run["train_size"]
    ]
    if smaller:
        found.append(
            "Training accuracies in the table are measured at the end on clean images: where the "
            f"subset is larger, on {numbers.count(min(smaller))} images of it."
        )
    validation = (spec.get("train") or {}).get("validation") or 0
    if validation:
        found.append(
            f"{numbers.percent(validation, 0)} of every training subset was held out as a "
            "validation part: the sizes count it, the training did not see it."
        )
    prints = {(run.get("data") or {}).get("fingerprint") for run in runs} - {None}
    if len(prints) > 1:
        found.append(
            "The runs do not all see the same data: their fingerprints differ. "
            "Comparisons between them cannot be trusted."
        )
    return found


def _machine(environment: Mapping[str, Any]) -> str:
    cores = environment.get("cores")
    parts = [environment.get("cpu"), f"{cores} cores" if cores else "", environment.get("platform")]
    device = environment.get("device")
    if device and str(device) not in ("cpu", str(environment.get("cpu"))):
        parts.insert(0, device)
    return ", ".join(plain(part) for part in parts if part)


def _execution(execution: Mapping[str, Any]) -> str:
    threads = execution.get("threads")
    parts = [execution.get(key) for key in ("device", "precision", "layout")]
    parts.append(f"{threads} thread{'s' if threads != 1 else ''}" if threads else "")
    return ", ".join(plain(part) for part in parts if part)


def _optimiser(spec: Mapping[str, Any]) -> str:
    """What the recipe came to where it leaves its numbers to the optimiser's defaults."""
    recipe = TrainSpec.model_validate(spec.get("train") or {})
    return (
        f"{recipe.optimizer}, peak learning rate {recipe.peak_learning_rate:g}, "
        f"weight decay {recipe.decay_of_weights:g}"
    )


def _weights(runs: Sequence[Mapping[str, Any]]) -> str:
    """Which weights file each pretrained model started from, so that it can be had again."""
    lines = []
    for run in runs:
        spec, model = run.get("spec") or {}, run.get("model") or {}
        if spec.get("init", "random") != "random" and model.get("weights_sha256"):
            name = f"{plain(spec.get('model', ''))} {plain(spec['init'])}"
            lines.append(f"{name}: SHA-256 {plain(model['weights_sha256'])}")
    return "; ".join(dict.fromkeys(lines))


def _split_sizes(data: Mapping[str, Any]) -> str:
    parts = [
        f"{numbers.count(data[key])} {word}"
        for key, word in (("train_images", "training"), ("test_images", "test"))
        if data.get(key)
    ]
    return ", ".join(parts)


def _checks(checks: Mapping[str, Any]) -> str:
    """Copies, leaks, doubtful labels and broken images; nothing of runs that were not checked."""
    told = {
        "skipped_broken": "{} left out as unreadable",
        "leaked_test_images": "{} of the test split also in the training split",
        "duplicates_within_train": "{} of the training split a copy of another",
        "duplicates_within_test": "{} of the test split a copy of another",
        "conflicting_labels": "{} under more than one label",
        "nearly_black": "{} of 16 bits nearly black",
    }
    counts = {key: checks[key] for key in told if isinstance(checks.get(key), int)}
    images = {key: f"{numbers.count(n)} image{'' if n == 1 else 's'}" for key, n in counts.items()}
    lines = [told[key].format(images[key]) for key, n in counts.items() if n]
    if counts and not lines:
        return "no copies, no leaks from training to test, no image under two labels."
    examples = [plain(text) for text in checks.get("examples") or []][:5]
    skipped = [plain(text) for text in checks.get("skipped") or []][:5]
    such = f" Such as: {'; '.join([*skipped, *examples])}." if lines and examples + skipped else ""
    return "; ".join(lines) + ("." if lines else "") + such


def _totals(results: pd.DataFrame) -> str:
    seconds, work = results["seconds"].dropna(), results["train_flops"].dropna()
    if not len(seconds):
        return ""
    total = f"{numbers.duration(math.fsum(seconds))} in all"
    if len(seconds) > 1:
        total += f", summed over {len(seconds)} runs"
    return total + (f"; {numbers.flops(math.fsum(work))}" if len(work) else "")


def _and(name: Any, source: Any, word: str) -> str:
    first, second = plain(name or ""), plain(source or "")
    return f"{first}, {word}{second}" if first and second and first != second else first or second


def first(runs: Sequence[Mapping[str, Any]], key: str) -> Mapping[str, Any] | None:
    """That part of the first run.json that has it."""
    return next((run[key] for run in runs if isinstance(run.get(key), Mapping)), None)


def _distinct(texts: Iterable[str]) -> str:
    """The different ones of some texts; with their number of runs where there are several."""
    known = [text for text in texts if text]
    different = list(dict.fromkeys(known))
    if len(different) < 2:
        return "".join(different)
    return "; ".join(f"{text} ({known.count(text)} runs)" for text in different)
