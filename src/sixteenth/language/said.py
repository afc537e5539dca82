"""The first screen of a report in words, as pages, figures and the terminal lay it out."""

from __future__ import annotations

from dataclasses import dataclass

from ..analysis.findings.options import Option
from ..analysis.findings.overview import Card, Overview
from .provenance import Fact

MOST_WORDS = 60
"""Of the paragraph that is there to be copied."""


@dataclass(frozen=True)
class SaidCard:
    """A card in words; every text is plain and on one line.

    Attributes:
        kind: ``More images``.
        what: that would be done, or was; of an option that nobody tried, why nothing is known.
        gain: in points with its sign, a dash where it is not known.
        around: the interval and what it rests on; empty where the gain is not known.
        interval: the same in two parts, ``+12.9 to +18.6`` and ``measured (95%)``; or none.
        cost: labels and time; empty where not known.
        verdict: ``helps``.
    """

    card: Card
    kind: str
    what: str
    gain: str
    around: str
    interval: tuple[str, ...]
    cost: str
    verdict: str


@dataclass(frozen=True)
class SaidOption:
    """A row of the table of further options; attributes as of `SaidCard`."""

    option: Option
    start: str
    what: str
    gain: str
    around: str
    verdict: str


@dataclass(frozen=True)
class SaidCaution:
    """What could overturn the verdict, and the command that would settle it; may be empty."""

    text: str
    command: str


@dataclass(frozen=True)
class SaidOverview:
    """The first screen in one language.

    Attributes:
        title: the verdict.
        lead: one or two sentences under it; may be empty.
        sure: what the intervals rest on, as a list.
        summary: of at most `MOST_WORDS` words, for somebody who has not seen the report.
    """

    overview: Overview
    title: str
    lead: str
    cards: tuple[SaidCard, ...]
    others: tuple[SaidOption, ...]
    cautions: tuple[SaidCaution, ...]
    sure: tuple[Fact, ...]
    summary: str
