"""The figure that answers the question: what each next step buys, by where one stands.

The analysis computes the moves; this module only groups them by the model and the initial weights
that they start from, and draws them on one axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from sixteenth.analysis import Move

from ...language.base import Language
from .style import GRID, INK, MUTED, NARROW, WIDE, house_style, nothing
from .text import shortened, widest, wrapped

_GROUPS = 4
"""Starting points in the figure: it opens the report, and has to be read at a glance."""
_SIZE = 8.5
"""Points, of the moves' names and numbers."""
_ORDER = ("data", "next", "model", "init")


@dataclass(frozen=True)
class StartGroup:
    """The moves from one starting point."""

    main: bool
    moves: list[Move]


def options_figure(options: Sequence[Move], *, language: Language, narrow: bool = False) -> Figure:
    """What each next step buys: the gain in accuracy with its interval, and a line at no gain.

    Filled points have an interval that leaves out zero; hollow ones could be no gain at all. A
    diamond is a forecast. The first group starts where a beginner would.
    """
    groups = shown_options(options)
    moves = [move for group in groups for move in group.moves]
    width = NARROW if narrow else WIDE
    pitch, title = (0.62, 0.36) if narrow else (0.3, 0.34)
    foot, head = 0.62, 0.02
    height = foot + head + (pitch * len(moves) + title * len(groups) if moves else 0.6)
    right = 0.36 + widest((_numbers(move, language) for move in moves), _SIZE)
    left = 0.1 if narrow else 3.15
    with house_style():
        figure = Figure(figsize=(width, height))
        axes = figure.add_axes(
            (left / width, foot / height, 1 - (left + right) / width, 1 - (foot + head) / height)
        )
        if not moves:
            nothing(axes, language.figures.no_moves)
            return figure
        _gain_axis(axes, moves, language)
        axes.set_ylim(-(height - foot - head), 0.0)  # inches, down from the top
        y = 0.0
        for group in groups:
            heading = language.figures.from_start.format(
                language.captions.move_start(group.moves[0])
            )
            _heading(axes, heading, group.main, y - title / 2 - 0.02, left, narrow=narrow)
            y -= title
            low = y - pitch * len(group.moves)
            if not narrow:
                axes.vlines(axes.get_xticks(), low, y, color=GRID, lw=0.8, zorder=0)
                axes.vlines(0, low, y, color=INK, lw=1.0, zorder=1)
            for move in group.moves:
                middle = y - pitch / 2
                if narrow:
                    # The words stand above the point, and no line of the grid runs through them.
                    middle = y - 0.46
                    axes.vlines(
                        axes.get_xticks(),
                        middle - 0.13,
                        middle + 0.13,
                        color=GRID,
                        lw=0.8,
                        zorder=0,
                    )
                    axes.vlines(0, middle - 0.13, middle + 0.13, color=INK, lw=1.0, zorder=1)
                _draw_move(axes, move, middle, group.main)
                _name_move(axes, language, move, middle, y, left, narrow=narrow)
                y -= pitch
    return figure


def shown_options(options: Sequence[Move]) -> list[StartGroup]:
    """The moves by where they start: the reference first, then the starts with large gains."""
    found: dict[tuple[str, str], list[Move]] = {}
    for move in sorted(options, key=lambda move: not move.main):
        found.setdefault(move.start, []).append(move)
    return [
        StartGroup(moves[0].main, sorted(moves, key=lambda move: _ORDER.index(move.kind)))
        for moves in list(found.values())[:_GROUPS]
    ]


def _gain_axis(axes: Axes, moves: Sequence[Move], language: Language) -> None:
    values = [100 * v for move in moves for v in (move.low, move.high, move.gain)]
    values = [v for v in values if np.isfinite(v)]
    low, high = min([*values, 0.0]), max([*values, 0.0])
    pad = max(0.05 * (high - low), 0.2)
    axes.set_xlim(low - pad, high + pad)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    digits = 1 if high - low < 4 else 0
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda x, _: language.numbers.points(x / 100, digits))
    )
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    axes.set_xlabel(language.figures.gain, labelpad=6, loc="left")


def _heading(axes: Axes, heading: str, main: bool, y: float, left: float, *, narrow: bool) -> None:
    axes.annotate(
        shortened(heading, (NARROW if narrow else WIDE) - 0.2, 9, bold=True),
        (0, y),
        xycoords=axes.get_yaxis_transform(),
        xytext=(0 if narrow else -72 * (left - 0.1), 0),
        textcoords="offset points",
        fontweight="bold",
        color=INK if main else MUTED,
        va="center",
        fontsize=9,
    )


def _draw_move(axes: Axes, move: Move, y: float, main: bool) -> None:
    low, gain, high = (100 * v for v in (move.low, move.gain, move.high))
    colour = INK if main else MUTED
    forecast = move.kind == "next"
    axes.errorbar(
        [gain],
        [y],
        xerr=[[max(0.0, gain - low)], [max(0.0, high - gain)]],
        fmt="none",
        ecolor=colour,
        elinewidth=1.5,
        capsize=3,
        capthick=1.2,
        zorder=2,
    )
    sure = move.verdict != "cannot tell"
    axes.plot(
        [gain],
        [y],
        ls="",
        marker="D" if forecast else "o",
        ms=5.5 if forecast else 6.5,
        mfc=colour if sure else "white",
        mec=colour,
        mew=1.3,
        zorder=3,
        gid=f"gain-{move.kind}",
    )


def _name_move(
    axes: Axes, language: Language, move: Move, y: float, top: float, left: float, *, narrow: bool
) -> None:
    """What the move is, on the left (narrow: above it), and its numbers on the right."""
    name = language.captions.move_step(move)
    if narrow:
        name = wrapped(name, NARROW - 0.2, _SIZE, 1)[0]
    else:
        name = shortened(name, left - 0.12, _SIZE)
    axes.annotate(
        name,
        (0, top - 0.14 if narrow else y),
        xycoords=axes.get_yaxis_transform(),
        xytext=(0 if narrow else -72 * (left - 0.2), 0),
        textcoords="offset points",
        va="center",
        fontsize=_SIZE,
    )
    axes.text(
        1.04,
        y,
        _numbers(move, language),
        transform=axes.get_yaxis_transform(),
        va="center",
        fontsize=_SIZE,
    )


def _numbers(move: Move, language: Language) -> str:
    """The gain and its interval: ``+3.1 (+2.0 to +4.3)``."""
    numbers = language.numbers
    return f"{numbers.points(move.gain)} ({numbers.points_interval(move.low, move.high)})"
