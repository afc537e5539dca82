"""The first screen of a report in a terminal: the verdict, the cards as a table, the cautions."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from ..language.commands import typed
from ..language.text import columns, lines
from .tables import GAP, Column, print_text, table

if TYPE_CHECKING:
    from rich.console import Console

    from ..language.base import Language
    from ..language.said import SaidCard, SaidCaution, SaidOverview

NARROWEST = 12
"""Columns that what a card is about and its cost get at least."""


def print_answer(said: SaidOverview, folder: Path, on: Console, language: Language) -> None:
    """Print what the first screen of the report in a study's `folder` says, without its figure.

    Lines end where the language allows it; commands stay on one line, so that they can be copied.
    """
    print_text(said.title, on, style="bold")
    if said.lead:
        print_text(said.lead, on)
    if said.cards:
        on.print()
        on.print(table(_columns(said.cards, on.width, language), on))
    print_cautions(said.cautions, folder, on)


def print_cautions(cautions: Iterable[SaidCaution], folder: Path, on: Console) -> None:
    """Print what could overturn a verdict, with the commands that would settle it."""
    for caution in cautions:
        on.print()
        print_text(caution.text, on, style="yellow")
        if caution.command:
            on.print(Text(f"  {typed(caution.command, folder)}"), soft_wrap=True)


def _columns(cards: tuple[SaidCard, ...], width: int, language: Language) -> list[Column]:
    """A row of two or three lines for each card, together as wide as the terminal at most."""
    words = language.page
    gains = ["\n".join(filter(None, [card.gain, *card.interval])) for card in cards]
    fixed = [[words.gain, *gains], [words.verdict, *(card.verdict for card in cards)]]
    room = width - sum(max(map(_width, cells)) for cells in fixed) - 3 * GAP
    most = max(columns(text) for text in (words.cost, *(card.cost for card in cards)))
    cost = max(NARROWEST, min(most, 2 * room // 5))
    left = max(NARROWEST, room - cost)
    whats = [
        Text.assemble(
            ("\n".join(lines(card.kind, left)), "bold"), "\n", "\n".join(lines(card.what, left))
        )
        for card in cards
    ]
    return [
        Column(words.cards, whats),
        Column(words.gain, gains),
        Column(words.cost, ["\n".join(lines(card.cost, cost)) for card in cards]),
        Column(words.verdict, [card.verdict for card in cards]),
    ]


def _width(cell: str) -> int:
    return max(map(columns, cell.split("\n")))
