"""What data and files of weights were taken for, as lines for the terminal and the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..storage.run_facts import Understood, WeightsFacts
from .numbers import Numbers
from .text import plain

_CLASSES_SHOWN = 5
_LEFT_OUT_SHOWN = 5


@dataclass(frozen=True)
class UnderstoodLabels:
    """The words of these lines; fields that hold ``{}`` or ``{name}`` are patterns.

    Attributes:
        data: the first line, with all its parts.
        layouts: of `Understood.layout`, those that this language calls otherwise.
        classes, one_class: their ``{number}`` and ``{names}``.
        train, test, validation: numbers of images, joined by `plus`, in `images`.
        same_size, one_each: images of every class, where all have as many.
        sizes: ``{fewest}`` images, of class ``{rarest}``, to ``{most}``, of ``{commonest}``.
        left_out: the files left out and why, `semicolon` between them; `more` of them.
        note: a note, which is English.
        weights: of a ``{model}``, from a ``{file}``: its ``{key}`` and ``{prefix}``.
        under_key, no_key, removed, no_prefix: the last two.
    """

    data: str
    layouts: Mapping[str, str]
    classes: str
    one_class: str
    comma: str
    semicolon: str
    plus: str
    train: str
    test: str
    validation: str
    images: str
    same_size: str
    one_each: str
    sizes: str
    left_out: str
    more: str
    note: str
    weights: str
    under_key: str
    no_key: str
    removed: str
    no_prefix: str


class UnderstoodText:
    """What data and weights were taken for, in the words of one language."""

    def __init__(self, labels: UnderstoodLabels, numbers: Numbers) -> None:
        self.labels, self.numbers = labels, numbers

    def say(self, data: Understood) -> list[str]:
        """One line on the whole, one on what was left out, one for each note; see `Language`."""
        if not data.layout:
            return []
        labels, count = self.labels, self.numbers.count
        splits = [
            pattern.format(count(images))
            for images, pattern in (
                (data.train_images, labels.train),
                (data.test_images, labels.test),
                (data.validation_images, labels.validation),
            )
            if images
        ]
        number = len(data.classes)
        classes = labels.one_class if number == 1 else labels.classes
        parts = [
            plain(labels.layouts.get(data.layout, data.layout)),
            classes.format(number=count(number), names=self._classes(data.classes)),
            labels.images.format(labels.plus.join(splits)) if splits else "",
            self._sizes(data),
        ]
        lines = [labels.data.format(labels.semicolon.join(filter(None, parts)))]
        if data.left_out:
            shown = [plain(line) for line in data.left_out[:_LEFT_OUT_SHOWN]]
            more = len(data.left_out) - len(shown)
            shown += [labels.more.format(count(more))] if more else []
            lines.append(labels.left_out.format(labels.semicolon.join(shown)))
        return [*lines, *(labels.note.format(plain(note)) for note in data.notes)]

    def say_weights(self, model: str, init: str, weights: WeightsFacts) -> str:
        """How a file of initial weights was read, in one line; see `Language`."""
        if not (weights.key or weights.prefix or "." in init):
            return ""
        labels = self.labels
        line = labels.weights.format(
            model=model,
            file=weights.file,
            key=labels.under_key.format(weights.key) if weights.key else labels.no_key,
            prefix=labels.removed.format(weights.prefix) if weights.prefix else labels.no_prefix,
        )
        return plain(line)

    def _classes(self, names: tuple[str, ...]) -> str:
        """The first few names and the last."""
        shown = [plain(name) for name in names]
        if len(shown) > _CLASSES_SHOWN + 1:
            shown[_CLASSES_SHOWN:-1] = ["..."]
        return self.labels.comma.join(shown)

    def _sizes(self, data: Understood) -> str:
        """The smallest and the largest class."""
        sizes, labels, count = data.per_class or {}, self.labels, self.numbers.count
        if not sizes:
            return ""
        rarest, commonest = min(sizes, key=sizes.__getitem__), max(sizes, key=sizes.__getitem__)
        if sizes[rarest] == sizes[commonest]:
            same = labels.one_each if sizes[rarest] == 1 else labels.same_size
            return same.format(count(sizes[rarest]))
        return labels.sizes.format(
            fewest=count(sizes[rarest]),
            rarest=plain(rarest),
            most=count(sizes[commonest]),
            commonest=plain(commonest),
        )
