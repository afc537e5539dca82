"""What every finding of a study is: numbers and decisions in fields, and not one sentence.

A finding is a frozen dataclass whose fields hold what was found; `language` says it. Whatever code
has to decide about a finding it reads from these fields.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum, StrEnum

import numpy as np


class Strength(StrEnum):
    """How well the data support a finding."""

    MEASURED = "measured"
    """The interval or the count says so."""
    SUGGESTIVE = "suggestive"
    """Consistent with the numbers, not tested by them."""
    CANNOT_TELL = "cannot tell"
    """The study looked and could not see."""
    NOTE = "note"
    """About the study, not about its outcome."""

    @classmethod
    def measured_if(cls, told: bool) -> Strength:
        """`MEASURED` if the numbers told something, else `CANNOT_TELL`."""
        return cls.MEASURED if told else cls.CANNOT_TELL


class Finding:
    """Base of all findings; each is a frozen dataclass.

    A subclass whose `strength` is always one and the same sets it as an attribute of the class.
    """

    @property
    def strength(self) -> Strength:
        """How well the data support it."""
        return Strength.MEASURED

    @property
    def compares_machines(self) -> bool:
        """Whether a difference in it is between trainings on machines of several kinds."""
        values = [getattr(self, f.name) for f in fields(self)]  # type: ignore[arg-type]
        each = [one for value in values for one in (value if isinstance(value, tuple) else [value])]
        return any(
            one.compares_machines
            if isinstance(one, Finding)
            else getattr(one, "across_machines", False)
            for one in each
        )

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON: ``kind``, ``strength`` and the fields; NaN and inf become None."""
        return {
            "kind": type(self).__name__,
            "strength": self.strength.value,
            **{f.name: as_json(getattr(self, f.name)) for f in fields(self) if f.repr},  # type: ignore[arg-type]
        }


class SectionKey(StrEnum):
    """The parts of a discussion, in their order."""

    RELATION = "relation"
    EXPECTATION = "expectation"
    CAUSES = "reasons"
    TESTED = "reasons-tested"
    """In place of CAUSES, where `sixteenth explain` has trained what tells."""
    TRAINING_TIME = "training-time"
    PRETRAINING = "pretraining"
    OVERFITTING = "overfitting"
    CLASSES = "classes"
    DATA = "data"
    LIMITS = "limits"
    MISSING = "missing"
    ADVICE = "advice"
    """Its findings are ranked, the best option first."""


@dataclass(frozen=True)
class Section:
    """Findings on one matter, in the order in which they are told."""

    key: SectionKey
    findings: tuple[Finding, ...]


def as_json(value: object) -> object:
    """`value` as JSON can hold it: objects by their `to_dict` or fields, enums by their values.

    Fields that are left out of a dataclass' repr are left out here too. Numbers that are not finite
    become None.
    """
    if value is None or isinstance(value, bool | np.bool_):
        return None if value is None else bool(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str | int):
        return value
    if isinstance(value, np.integer):
        return value.item()
    if hasattr(value, "to_dict"):
        return as_json(value.to_dict())
    if is_dataclass(value):
        return {f.name: as_json(getattr(value, f.name)) for f in fields(value) if f.repr}
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [as_json(item) for item in value]
    number = float(str(value))  # of single precision too, no more digits than it has
    return number if math.isfinite(number) else None
