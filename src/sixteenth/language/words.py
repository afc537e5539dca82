"""How a language names models, initial weights and cells inside its sentences."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import ClassVar, TypeVar, cast

from ..analysis.inputs.cells import Cell
from ..analysis.inputs.scoring import Metric
from ..spec.fields import weights_of
from .text import short_name

T = TypeVar("T")


@dataclass(frozen=True)
class Names:
    """How the models and initial weights of one study are shown: short where that is unambiguous.

    Attributes:
        models: as the study writes them -> as a reader reads them.
        inits: files of initial weights -> as a reader reads them.
        one_init: all runs start from the same weights, so that rows of tables need not name them.
        metric: what the study decides by.
    """

    models: Mapping[str, str] = field(default_factory=dict)
    inits: Mapping[str, str] = field(default_factory=dict)
    one_init: bool = False
    metric: Metric = Metric.ACCURACY

    @classmethod
    def of(
        cls, models: Iterable[str], inits: Iterable[str], metric: Metric = Metric.ACCURACY
    ) -> Names:
        """The names of all models and inits of a study."""
        known = list(inits)
        plain = [weights_of(init) for init in known]
        files = [init for init in plain if init != "random" and not init.startswith("imagenet")]
        return cls(_shortest(models), _shortest(files), len(set(known)) == 1, metric)


@dataclass(frozen=True)
class MetricTerms:
    """What a language calls a metric; fields with ``{}`` are patterns for one number.

    Attributes:
        accuracy, test_accuracy: inside a sentence.
        error: of a wanted one, as a sentence begins with it: ``an error``.
        test_error: in labels.
        column: of a narrow table.
        gap: what the generalisation gap is, which is of plain accuracy, inside a sentence.
        right: the accuracy of the best network.
        images_right: a part of the test images, as the end of a clause.
        gain: a number of points.
        plain: behind a number that is of plain accuracy all the same; empty where all are.
    """

    accuracy: str
    test_accuracy: str
    error: str
    test_error: str
    column: str
    gap: str
    right: str = "{}"
    images_right: str = "{}"
    gain: str = "{}"
    plain: str = ""


@dataclass(frozen=True)
class Words(ABC):
    """The names of one study as parts of sentences."""

    across: ClassVar[str]
    """Behind an interval whose trainings come from machines of several kinds, with its comma."""
    terms: ClassVar[Mapping[Metric, MetricTerms]]
    names: Names

    @property
    def term(self) -> MetricTerms:
        """What the study decides by."""
        return self.terms[self.names.metric]

    def labelled(self, labels: T) -> T:
        """Fixed words with the metric in the place of ``{test_accuracy}`` and the like.

        Args:
            labels: a text, or a dataclass, mapping or tuple of such; other values stay.
        """
        return cast(T, self._labelled(labels))

    def _labelled(self, labels: object) -> object:
        if isinstance(labels, str):
            term = self.term
            for name, said in (
                ("metric", term.accuracy),
                ("test_accuracy", term.test_accuracy),
                ("test_error", term.test_error),
                ("column", term.column),
            ):
                labels = labels.replace(f"{{{name}}}", said)
                labels = labels.replace(f"{{{name.capitalize()}}}", self.begin(said))
        elif isinstance(labels, Mapping):
            return {key: self._labelled(value) for key, value in labels.items()}
        elif isinstance(labels, tuple):
            return tuple(map(self._labelled, labels))
        elif is_dataclass(labels) and not isinstance(labels, type):
            own = {each.name: self._labelled(getattr(labels, each.name)) for each in fields(labels)}
            return replace(labels, **own)
        return labels

    def model(self, model: str) -> str:
        """``resnet18``."""
        return self.names.models.get(model, model)

    def tidy(self, text: str) -> str:
        """A text that was put together of parts, with the spaces between them put right."""
        return text

    def begin(self, text: str) -> str:
        """A text as a sentence or a cell of a table begins: some languages have capitals.

        A model's name at its start stays as it is.
        """
        return self.tidy(text)

    @abstractmethod
    def init(self, init: str) -> str:
        """``random weights``, ``ImageNet weights``, ``weights from mine.pth``."""

    def network(self, model: str, init: str) -> str:
        """`arm`; without the weights where all runs of the study start from the same."""
        return self.model(model) if self.names.one_init else self.arm(model, init)

    @abstractmethod
    def arm(self, model: str, init: str) -> str:
        """``resnet18 from random weights``."""

    @abstractmethod
    def cell(self, cell: Cell) -> str:
        """``resnet18 from random weights on 3,125 images``."""


def _shortest(names: Iterable[str]) -> dict[str, str]:
    """The short name of each, or its whole one where two share the short one."""
    known = dict.fromkeys(names)
    short = [short_name(name) for name in known]
    return {
        name: brief if short.count(brief) == 1 else name
        for name, brief in zip(known, short, strict=True)
    }
