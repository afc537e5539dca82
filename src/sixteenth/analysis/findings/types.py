"""What a discussion is made of: claims that carry their numbers, in sections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

Strength = Literal["measured", "suggestive", "cannot tell", "note"]
"""measured: the interval or the count says so. suggestive: consistent with the numbers, not tested
by them. cannot tell: the study looked and could not see. note: about the study, not its outcome."""


class DataChecks(Protocol):
    """What the checks of the images found: copies, leaks and images under two labels.

    None: not checked for. `examples` names some.
    """

    @property
    def leaked_test_images(self) -> int | None: ...
    @property
    def duplicates_within_train(self) -> int | None: ...
    @property
    def duplicates_within_test(self) -> int | None: ...
    @property
    def conflicting_labels(self) -> int | None: ...
    @property
    def examples(self) -> Sequence[str]: ...
    def to_dict(self) -> dict[str, object]: ...


@dataclass(frozen=True)
class Claim:
    """One or two sentences of plain text with their numbers inside, and the same for a machine."""

    text: str
    evidence: dict[str, object] = field(default_factory=dict)
    strength: Strength = "measured"


@dataclass(frozen=True)
class Section:
    """Claims on one matter. In the section with key "reasons" their order is a ranking."""

    key: str
    title: str
    sentences: list[Claim]
