"""The figure that answers the question: what each next step buys, by where one stands.

The analysis computes the moves; this module only groups them by the model and the initial weights
that they start from, and draws them on one axis.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from sixteenth.analysis import Move

from ...language import format as fmt
from ...language.en.moves import start, step
from ...language.en.words import Words
from .style import GRID, INK, MUTED, NARROW, WIDE, house_style, nothing

_GROUPS = 4
"""Starting points in the figure: it opens the report, and has to be read at a glance."""
_ORDER = ("data", "next", "model", "init")


@dataclass(frozen=True)
class Group:
    """The moves from one starting point."""

    name: str
    main: bool
    moves: list[Move]


def options_figure(options: Sequence[Move], words: Words, *, narrow: bool = False) -> Figure:
    """What each next step buys: the gain in accuracy with its interval, and a line at no gain.

    Filled points have an interval that leaves out zero; hollow ones could be no gain at all. A
    diamond is a forecast. The first group starts where a beginner would.
    """
    groups = shown_options(options, words)
    moves = [move for group in groups for move in group.moves]
    width = NARROW if narrow else WIDE
    pitch, title = (0.62, 0.36) if narrow else (0.3, 0.34)
    foot, head = 0.62, 0.02
    height = foot + head + (pitch * len(moves) + title * len(groups) if moves else 0.6)
    # At 9 points a digit is about 0.08 inches wide.
    right = 0.2 + 0.071 * max((len(_numbers(move)) for move in moves), default=0)
    left = 0.1 if narrow else 3.15
    with house_style():
        figure = Figure(figsize=(width, height))
        axes = figure.add_axes(
            (left / width, foot / height, 1 - (left + right) / width, 1 - (foot + head) / height)
        )
        if not moves:
            nothing(axes, "No two finished cells can be compared yet.")
            return figure
        _gain_axis(axes, moves)
        axes.set_ylim(-(height - foot - head), 0.0)  # inches, down from the top
        y = 0.0
        for group in groups:
            _heading(axes, group, y - title / 2 - 0.02, left, narrow=narrow)
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
                _name_move(axes, step(move, words), move, middle, y, left, narrow=narrow)
                y -= pitch
    return figure


def shown_options(options: Sequence[Move], words: Words) -> list[Group]:
    """The moves by where they start: the reference first, then the starts with large gains."""
    found: dict[tuple[str, str], list[Move]] = {}
    for move in sorted(options, key=lambda move: not move.main):
        found.setdefault(move.start, []).append(move)
    return [
        Group(
            start(moves[0], words),
            moves[0].main,
            sorted(moves, key=lambda move: _ORDER.index(move.kind)),
        )
        for moves in list(found.values())[:_GROUPS]
    ]


def _gain_axis(axes: Axes, moves: Sequence[Move]) -> None:
    values = [100 * v for move in moves for v in (move.low, move.high, move.gain)]
    values = [v for v in values if np.isfinite(v)]
    low, high = min([*values, 0.0]), max([*values, 0.0])
    pad = max(0.05 * (high - low), 0.2)
    axes.set_xlim(low - pad, high + pad)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    digits = 1 if high - low < 4 else 0
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: fmt.points(x / 100, digits)))
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    axes.set_xlabel("Gain in test accuracy, percentage points", labelpad=6, loc="left")


def _heading(axes: Axes, group: Group, y: float, left: float, *, narrow: bool) -> None:
    axes.annotate(
        f"From {fmt.short(group.name, 44 if narrow else 60)}",
        (0, y),
        xycoords=axes.get_yaxis_transform(),
        xytext=(0 if narrow else -72 * (left - 0.1), 0),
        textcoords="offset points",
        fontweight="bold",
        color=INK if group.main else MUTED,
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
    axes: Axes, step: str, move: Move, y: float, top: float, left: float, *, narrow: bool
) -> None:
    """What the move is, on the left (narrow: above it), and its numbers on the right."""
    name = fmt.plain(step)
    if narrow:
        name = "\n".join(textwrap.wrap(name, 52, max_lines=1, placeholder=" …"))
    else:
        name = fmt.short(name, 48)
    axes.annotate(
        name,
        (0, top - 0.14 if narrow else y),
        xycoords=axes.get_yaxis_transform(),
        xytext=(0 if narrow else -72 * (left - 0.2), 0),
        textcoords="offset points",
        va="center",
        fontsize=8.5,
    )
    axes.text(
        1.04,
        y,
        _numbers(move),
        transform=axes.get_yaxis_transform(),
        va="center",
        fontsize=8.5,
    )


def _numbers(move: Move) -> str:
    """The gain and its interval: ``+3.1 (+2.0 to +4.3)``."""
    return f"{fmt.points(move.gain)} ({fmt.points_interval(move.low, move.high)})"
