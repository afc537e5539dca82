"""How a language names models, initial weights and cells inside its sentences."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from ..analysis.inputs.grid import Cell
from ..spec.fields import FROZEN
from .text import short_name


@dataclass(frozen=True)
class Names:
    """How the models and initial weights of one study are shown: short where that is unambiguous.

    Attributes:
        models: as the study writes them -> as a reader reads them.
        inits: files of initial weights -> as a reader reads them.
        one_init: all runs start from the same weights, so that rows of tables need not name them.
    """

    models: Mapping[str, str] = field(default_factory=dict)
    inits: Mapping[str, str] = field(default_factory=dict)
    one_init: bool = False

    @classmethod
    def of(cls, models: Iterable[str], inits: Iterable[str]) -> Names:
        """The names of all models and inits of a study."""
        known = list(inits)
        plain = [init.removesuffix(FROZEN) for init in known]
        files = [init for init in plain if init != "random" and not init.startswith("imagenet")]
        return cls(_shortest(models), _shortest(files), one_init=len(set(known)) == 1)


@dataclass(frozen=True)
class Words(ABC):
    """The names of one study as parts of sentences."""

    across: ClassVar[str]
    """Behind an interval whose trainings come from machines of several kinds, with its comma."""

    names: Names

    def model(self, model: str) -> str:
        """``resnet18``."""
        return self.names.models.get(model, model)

    def tidy(self, text: str) -> str:
        """A text that was put together of parts, with the spaces between them put right."""
        return text

    def begin(self, text: str) -> str:
        """A text as a sentence or a cell of a table begins: some languages have capitals."""
        return self.tidy(text)

    @abstractmethod
    def init(self, init: str) -> str:
        """``random weights``, ``ImageNet weights``, ``weights from mine.pth``."""

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
