"""One bad input: what is typed, and what the line must name."""

from __future__ import annotations

from dataclasses import dataclass, field

from makers import (
    Make,
)


@dataclass(frozen=True)
class Case:
    """One bad input.

    Attributes:
        words: the command line.
        named: what the one line must hold, each of them.
        make: writes what is bad.
        trained: on a copy of the trained tiny study, in studies/tiny.
    """

    name: str
    words: str
    named: tuple[str, ...]
    make: Make | None = None
    code: int = 2
    trained: bool = False
    more: tuple[str, ...] = field(default=())
