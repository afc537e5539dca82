"""The first screen as a picture for a talk or a chat: 1200 x 630 pixels."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...analysis import OptionVerdict
from ...language.said import SaidCard, SaidOverview
from .style import COLOURS, GRID, INK, MUTED, house_style
from .text import shortened, wrapped

SIZE = (12.0, 6.3)
"""Inches, at 100 pixels each."""
_LEFT, _RIGHT = 0.6, 11.4
_SCALE = (5.1, 8.6)
"""Inches from the left in which the gains are drawn."""


def gain_range(cards: Sequence[SaidCard]) -> tuple[float, float]:
    """The ends, in shares, of the one scale that all cards are drawn on; zero lies inside."""
    known = [card.card.shown for card in cards if card.card.shown.known]
    ends = [end for option in known for end in (option.low, option.high, option.gain)]
    low, high = min([*ends, 0.0]), max([*ends, 0.0])
    pad = max(0.04 * (high - low), 0.002)
    return low - pad, high + pad


def talk_figure(screen: SaidOverview, name: str, foot: str) -> Figure:
    """The verdict, the cards on one scale, and what it rests on.

    Args:
        screen: what to say.
        name: the study's.
        foot: the last line, such as what the data are.
    """
    with house_style(), matplotlib.rc_context({"font.size": 15}):
        figure = Figure(figsize=SIZE)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(0, SIZE[0])
        axes.set_ylim(SIZE[1], 0)  # down from the top
        room = _RIGHT - _LEFT
        axes.text(_LEFT, 0.62, shortened(name, room, 15), color=COLOURS[0], fontsize=15)
        for i, line in enumerate(wrapped(screen.title, 0.9 * room, 30, 2)):
            axes.text(_LEFT, 1.25 + 0.52 * i, line, fontsize=30, fontweight="bold")
        low, high = gain_range(screen.cards)

        def place(gain: float) -> float:
            return _SCALE[0] + (gain - low) / (high - low) * (_SCALE[1] - _SCALE[0])

        if screen.cards:
            axes.plot([place(0)] * 2, [2.35, 5.05], color=GRID, lw=2, zorder=0)
        apart = 2.1 / max(len(screen.cards) - 1, 3)
        for i, card in enumerate(screen.cards):
            _card(axes, card, 2.65 + apart * i, place)
        lines = wrapped(screen.lead, room, 13, 1) if screen.lead else []
        for text, y in zip([*lines, shortened(foot, room, 13)], (5.55, 5.88), strict=False):
            axes.text(_LEFT, y, text, color=MUTED, fontsize=13)
    return figure


def _card(axes: Axes, card: SaidCard, y: float, place: object) -> None:
    option = card.card.shown
    assert callable(place)
    axes.text(_LEFT, y, shortened(card.kind, 4.3, 17, bold=True), fontsize=17, fontweight="bold",
              va="center_baseline")  # fmt: skip
    axes.text(_LEFT, y + 0.27, shortened(card.what, 4.3, 11.5), fontsize=11.5, color=MUTED,
              va="center_baseline")  # fmt: skip
    colour = COLOURS[0] if card.card.verdict is OptionVerdict.HELPS else MUTED
    filled = not card.card.verdict.is_open
    if option.known:
        axes.plot([place(option.low), place(option.high)], [y, y], color=colour, lw=3)
        axes.plot([place(option.gain)], [y], marker="o", ms=11, mec=colour, mew=2,
                  mfc=colour if filled else "white")  # fmt: skip
    axes.text(9.75, y, card.gain, fontsize=20, fontweight="bold", ha="right", va="center_baseline",
              color=INK if option.known else MUTED)  # fmt: skip
    axes.text(9.95, y, card.verdict, fontsize=13, color=colour, va="center_baseline")
