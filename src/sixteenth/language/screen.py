"""What a language must say on the first screen of a report, and the form in which it says it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from ..analysis.findings.cautions import Caution, NotConverged, OneSeed, RunsMissing
from ..analysis.findings.options import Option
from ..analysis.findings.overview import (
    Card,
    HowSure,
    Overview,
)
from ..analysis.findings.target import Target
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
        price: labels and time; empty where not known.
        verdict: ``helps``.
    """

    card: Card
    kind: str
    what: str
    gain: str
    around: str
    price: str
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


class Screen(ABC):
    """The first screen in one language, with the names of one study."""

    @abstractmethod
    def title(self, found: Overview) -> str:
        """The verdict in a few words, without a full stop."""

    @abstractmethod
    def lead(self, found: Overview) -> str:
        """What the verdict is about: the best network, and what comes next."""

    @abstractmethod
    def card(self, card: Card) -> SaidCard:
        """A card."""

    @abstractmethod
    def option(self, option: Option) -> SaidOption:
        """A further option, or one from another network."""

    @abstractmethod
    def caution(self, found: Caution) -> str:
        """One or two sentences."""

    @abstractmethod
    def sure(self, found: HowSure) -> tuple[Fact, ...]:
        """Trainings, test images, the smallest difference that could have been seen."""

    @abstractmethod
    def target(self, found: Target) -> str:
        """What a wanted accuracy takes, in one sentence without a full stop."""

    @abstractmethod
    def summary(self, found: Overview, data: str) -> tuple[str, ...]:
        """Sentences of the paragraph to copy, the most important first.

        Args:
            data: what the report calls the data; may be empty.
        """

    def screen(self, found: Overview, data: str) -> SaidOverview:
        """All of it."""
        return SaidOverview(
            overview=found,
            title=self.title(found),
            lead=self.lead(found),
            cards=tuple(self.card(card) for card in found.cards),
            others=tuple(self.option(option) for option in found.others),
            cautions=tuple(
                SaidCaution(self.caution(each), command(each)) for each in found.cautions
            ),
            sure=self.sure(found.sure) if found.sure else (),
            summary=_at_most(self.summary(found, data), MOST_WORDS),
        )


def command(found: Caution) -> str:
    """What would settle it, as it is typed; empty where the records do not tell."""
    run = "sixteenth run study.yaml"
    match found:
        case NotConverged():
            return f"{run} --set {found.setting}={found.value} --fresh" if found.setting else ""
        case OneSeed():
            return f"{run} --set 'seeds={list(found.seeds)}'"
        case _:
            # The missing runs alone, or all runs anew once the reason is gone.
            return run if isinstance(found, RunsMissing) else f"{run} --fresh"


def _at_most(sentences: tuple[str, ...], words: int) -> str:
    """As many of the sentences, from the first, as have so many words together."""
    kept: list[str] = []
    for sentence in sentences:
        if len(" ".join([*kept, sentence]).split()) > words:
            break
        kept.append(sentence)
    return " ".join(kept)
