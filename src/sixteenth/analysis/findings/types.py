"""What a discussion is made of: claims that carry their numbers, in sections."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Strength = Literal["measured", "suggestive", "cannot tell", "note"]
"""measured: the interval or the count says so. suggestive: consistent with the numbers, not tested
by them. cannot tell: the study looked and could not see. note: about the study, not its outcome."""


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
