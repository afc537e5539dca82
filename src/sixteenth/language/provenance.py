"""How a study was made, as values for a language: what a critic needs to repeat or doubt it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..spec.fields import AUTO_ENDS
from ..storage.run_facts import DataChecks, Environment, ExecutionFacts, Understood
from .numbers import Numbers, missing
from .text import plain
from .words import Words

_CLASSES_SHOWN = 120
_EXAMPLES_SHOWN = 5
_VERSIONS = {
    "sixteenth": "Sixteenth",
    "python": "Python",
    "torch": "torch",
    "torchvision": "torchvision",
    "timm": "timm",
    "sklearn": "scikit-learn",
    "numpy": "NumPy",
}


@dataclass(frozen=True)
class Fact:
    """One line of "How this was made"; `code` is set in a typewriter's letters."""

    name: str
    text: str
    code: bool = False


@dataclass(frozen=True)
class SampledTests:
    """Test curves that were measured on a part of the test images.

    Attributes:
        fewest: images behind a point.
        whole: images of the test set.
        last_whole: the last point of each curve is measured on all of them.
    """

    fewest: float
    whole: float
    last_whole: bool


@dataclass(frozen=True)
class Provenance:
    """How a study was made. What its run records do not tell is empty, None or zero.

    Attributes:
        data, source, fingerprint: of the data.
        train_images, test_images: of the whole data.
        understood: what the data were taken for.
        sizes: (fraction, training images), without repeats.
        nested: a larger subset holds the smaller ones; else the seeds' subsets are disjoint.
        heads_only: of all networks only the classifier was trained.
        chosen_by: what chose the epochs of the finished runs, as `Metrics.chosen_by`.
        weights: (model, init, SHA-256) of the files of pretrained weights.
        environments, executions: one a run.
        finished, planned: runs.
        moment: when the last run finished, as ISO 8601 has it.
        seconds, train_flops: sums over the `timed` runs.
        epochs, measured_epochs: of all runs, and those with a test value.
        train_measured: the fewest images behind a training accuracy that is not of a whole subset.
        validation: share of the training subsets that was held out.
        data_differ: the runs did not all see the same data.
        only_rows: finished runs of which no more than their rows of results.csv are left.
    """

    data: str
    source: str
    fingerprint: str
    train_images: int | None
    test_images: int | None
    understood: Understood
    checks: DataChecks
    classes: tuple[str, ...]
    sizes: tuple[tuple[str, float], ...]
    nested: bool
    seeds: tuple[int, ...]
    heads_only: bool
    optimizer: str
    peak_learning_rate: float
    weight_decay: float
    chosen_by: frozenset[str]
    weights: tuple[tuple[str, str, str], ...]
    environments: tuple[Environment, ...]
    executions: tuple[ExecutionFacts, ...]
    finished: int
    planned: int
    moment: str
    timed: int
    seconds: float
    train_flops: float
    epochs: int
    measured_epochs: int
    sampled: SampledTests | None
    train_measured: int | None
    validation: float
    data_differ: bool
    only_rows: int = 0


@dataclass(frozen=True)
class ProvenanceLabels:
    """The words of "How this was made"; fields that hold ``{}`` or ``{name}`` are patterns.

    Attributes:
        names: of the facts, by `facts`' own keys.
        comma, semicolon, stop: between parts of a line, and at its end.
        train_images, test_images: numbers of them; `train_part` and `test_part` without the noun.
        runs: ``{finished}`` of ``{planned}``; `one_run` where one was planned.
        source: ``{data}`` from ``{source}``.
        checks: of fields of `DataChecks`, what was found in so many `images`.
        images, one_image: how the images of `checks` are counted.
        clean: nothing was found.
        such: examples.
        more_classes: the ``{shown}`` classes and ``{more}``.
        optimizer: its ``{name}``, learning ``{rate}`` and weight ``{decay}``.
        trained: in its place, where only classifiers on frozen features were trained.
        weights: the SHA-256 ``{digest}`` of the file that an ``{arm}`` started from.
        last_epoch, chosen_length, chosen_epoch, chosen_in_some: whose accuracy is reported: that
            of the last epoch, of the last of a length that validation chose, of the epoch that it
            chose, or both ways.
        several: a ``{text}`` that holds of ``{runs}``.
        in_all, summed: of a time; summed over so many runs.
        few_epochs: that test images were measured after ``{measured}`` of ``{epochs}``.
        sampled, sampled_but_last: `SampledTests`, ``{fewest}`` of ``{whole}`` images; the second
            where the last point is measured on all.
        train_measured: on how many images at most training accuracies are.
        validation: the share that was held out.
        data_differ: that no comparison can be trusted.
        one_only_row, only_rows: of one finished run, or of so many, only the table is left.
    """

    names: Mapping[str, str]
    comma: str
    semicolon: str
    stop: str
    train_images: str
    test_images: str
    train_part: str
    test_part: str
    runs: str
    one_run: str
    source: str
    checks: Mapping[str, str]
    images: str
    one_image: str
    clean: str
    such: str
    more_classes: str
    subsets: str
    nested: str
    disjoint: str
    optimizer: str
    trained: str
    weights: str
    last_epoch: str
    chosen_length: str
    chosen_epoch: str
    chosen_in_some: str
    test_chose_nothing: str
    cores: str
    threads: str
    one_thread: str
    several: str
    in_all: str
    summed: str
    few_epochs: str
    sampled: str
    sampled_but_last: str
    train_measured: str
    validation: str
    data_differ: str
    one_only_row: str
    only_rows: str


class ProvenanceText:
    """How a study was made, in the words of one language."""

    def __init__(self, labels: ProvenanceLabels, numbers: Numbers) -> None:
        self.labels, self.numbers = labels, numbers

    def dateline(self, made: Provenance) -> list[str]:
        """What stands under a report's name: the data, the runs and the day."""
        labels, count = self.labels, self.numbers.count
        runs = labels.one_run if made.planned == 1 else labels.runs
        parts = [
            plain(made.data),
            labels.train_images.format(count(made.train_images)) if made.train_images else "",
            labels.test_images.format(count(made.test_images)) if made.test_images else "",
            runs.format(finished=made.finished, planned=made.planned),
            self.numbers.day(made.moment) if made.moment else "",
        ]
        return [part for part in parts if part]

    def facts(self, made: Provenance, words: Words) -> list[Fact]:
        """The lines of "How this was made"; what is not known has none."""
        labels, numbers = self.labels, self.numbers
        images = [
            pattern.format(numbers.count(number))
            for number, pattern in (
                (made.train_images, labels.train_part),
                (made.test_images, labels.test_part),
            )
            if number
        ]
        optimizer = labels.optimizer.format(
            name=made.optimizer,
            rate=numbers.general(made.peak_learning_rate),
            decay=numbers.general(made.weight_decay),
        )
        weights = (
            labels.weights.format(arm=plain(words.arm(model, init)), digest=plain(digest))
            for model, init, digest in made.weights
        )
        texts = {
            "data": self._data(plain(made.data), plain(made.source)),
            "fingerprint": plain(made.fingerprint),
            "images": labels.comma.join(images),
            "checks": self._checks(made.checks),
            "classes": self._classes(made.classes),
            "subsets": self._subsets(made),
            "seeds": labels.comma.join(map(str, made.seeds)),
            "trained": labels.trained if made.heads_only else "",
            "optimizer": "" if made.heads_only else optimizer,
            "reported": self._reported(made.chosen_by),
            "weights": labels.semicolon.join(weights),
            "machine": self._distinct(map(self._machine, made.environments)),
            "execution": self._distinct(map(self._execution, made.executions)),
            "versions": self._distinct(map(self._versions, made.environments)),
            "training": self._training(made),
        }
        return [
            Fact(labels.names[key].format(len(made.classes)), text, code=key == "fingerprint")
            for key, text in texts.items()
            if text
        ]

    def notes(self, made: Provenance) -> list[str]:
        """How the numbers were measured, where a reader could take them for something else."""
        labels, count, found = self.labels, self.numbers.count, []
        if made.measured_epochs < made.epochs:
            measured, epochs = count(made.measured_epochs), count(made.epochs)
            found.append(labels.few_epochs.format(measured=measured, epochs=epochs))
        if made.sampled is not None:
            sampled = labels.sampled_but_last if made.sampled.last_whole else labels.sampled
            whole, fewest = count(made.sampled.whole), count(made.sampled.fewest)
            found.append(sampled.format(whole=whole, fewest=fewest))
        if made.train_measured is not None:
            found.append(labels.train_measured.format(count(made.train_measured)))
        if made.validation:
            found.append(labels.validation.format(self.numbers.percent(made.validation, 0)))
        if made.data_differ:
            found.append(labels.data_differ)
        if made.only_rows:
            pattern = labels.one_only_row if made.only_rows == 1 else labels.only_rows
            found.append(pattern.format(count(made.only_rows)))
        return found

    def _data(self, name: str, source: str) -> str:
        if not (name and source and name != source):
            return name or source
        return self.labels.source.format(data=name, source=source)

    def _checks(self, checks: DataChecks) -> str:
        """Copies, leaks, doubtful labels and broken images; nothing of data not checked."""
        labels = self.labels
        known = {key: getattr(checks, key) for key in labels.checks}
        found = {key: number for key, number in known.items() if number is not None}
        lines = [
            labels.checks[key].format(
                (labels.one_image if number == 1 else labels.images).format(
                    self.numbers.count(number)
                )
            )
            for key, number in found.items()
            if number
        ]
        if not lines:
            return labels.clean if found else ""
        examples = [
            plain(text)
            for texts in (checks.skipped, checks.examples)
            for text in texts[:_EXAMPLES_SHOWN]
        ]
        such = labels.such.format(labels.semicolon.join(examples)) if examples else ""
        return f"{labels.semicolon.join(lines)}{labels.stop}{such}"

    def _classes(self, classes: tuple[str, ...]) -> str:
        more = len(classes) - _CLASSES_SHOWN
        shown = self.labels.comma.join(plain(name) for name in classes[:_CLASSES_SHOWN])
        return self.labels.more_classes.format(shown=shown, more=more) if more > 0 else shown

    def _subsets(self, made: Provenance) -> str:
        if not made.sizes:
            return ""
        labels, numbers = self.labels, self.numbers
        sizes = (
            numbers.fraction(part)
            if numbers.is_size(part, size)
            else f"{numbers.fraction(part)} = {numbers.count(size)}"
            for part, size in made.sizes
        )
        how = labels.nested if made.nested else labels.disjoint
        return labels.subsets.format(sizes=labels.semicolon.join(sizes), how=how)

    def _reported(self, chosen_by: frozenset[str]) -> str:
        """Which epoch's accuracy the report states, and that the test set had no say in it."""
        labels = self.labels
        if not chosen_by:
            return ""
        if chosen_by <= AUTO_ENDS:
            epoch = labels.chosen_length
        elif chosen_by == {"validation"}:
            epoch = labels.chosen_epoch
        else:
            epoch = labels.chosen_in_some if "validation" in chosen_by else labels.last_epoch
        return f"{epoch}{labels.test_chose_nothing}"

    def _machine(self, environment: Environment) -> str:
        cores = self.labels.cores.format(environment.cores) if environment.cores else ""
        parts = [environment.cpu, cores, environment.platform]
        if environment.device not in (None, "cpu", environment.cpu):
            parts.insert(0, environment.device)
        return self._listed(parts)

    def _execution(self, execution: ExecutionFacts) -> str:
        parts = [execution.device, execution.precision, execution.layout]
        if execution.threads:
            pattern = self.labels.one_thread if execution.threads == 1 else self.labels.threads
            parts.append(pattern.format(execution.threads))
        return self._listed(parts)

    def _versions(self, environment: Environment) -> str:
        known = environment.to_dict()
        return self._listed(
            f"{label} {known[key]}"
            for key, label in _VERSIONS.items()
            if not missing(known.get(key))
        )

    def _listed(self, parts: Iterable[str | None]) -> str:
        return self.labels.comma.join(plain(part) for part in parts if part)

    def _training(self, made: Provenance) -> str:
        if not made.timed:
            return ""
        labels, numbers = self.labels, self.numbers
        total = labels.in_all.format(numbers.duration(made.seconds))
        if made.timed > 1:
            total += labels.summed.format(made.timed)
        flops = [numbers.flops(made.train_flops)] if made.train_flops else []
        return labels.semicolon.join([total, *flops])

    def _distinct(self, texts: Iterable[str]) -> str:
        """The different ones of some texts; with their number of runs where there are several."""
        known = [text for text in texts if text]
        different = list(dict.fromkeys(known))
        if len(different) < 2:
            return "".join(different)
        return self.labels.semicolon.join(
            self.labels.several.format(text=text, runs=known.count(text)) for text in different
        )
