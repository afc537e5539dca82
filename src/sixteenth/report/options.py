"""The figure of what could help: twice the images, the bigger model, pretrained weights.

The analysis computes the moves; this module only chooses how many are shown and draws them.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from sixteenth.analysis import Move

from . import format as fmt
from .style import GRID, INK, MUTED, NARROW, WIDE, house_style, nothing

_OPTIONS = 10
"""Moves in the figure: it opens the report, and has to be read at a glance."""


def options_figure(options: Sequence[Move], *, narrow: bool = False) -> Figure:
    """What each next step buys: the gain in accuracy with its interval, and a line at no gain.

    Filled points have an interval that leaves out zero; hollow ones could be no gain at all. The
    moves that start where a beginner would (small model, random weights) come first, in bold.
    """
    moves = shown_options(options)
    others = sum(not move.main for move in moves)
    split = 0.5 if 0 < others < len(moves) else 0.0
    width = NARROW if narrow else WIDE
    pitch, foot, head = 0.74 if narrow else 0.44, 0.62, 0.05
    height = foot + head + pitch * (len(moves) + split or 1.0)
    # At 9 points a digit is about 0.08 inches wide.
    right = 0.2 + 0.071 * max((len(_numbers(move)) for move in moves), default=0)
    left = 0.1 if narrow else 3.0
    with house_style():
        figure = Figure(figsize=(width, height))
        axes = figure.add_axes(
            (left / width, foot / height, 1 - (left + right) / width, 1 - (foot + head) / height)
        )
        if not moves:
            nothing(axes, "No two finished cells can be compared yet.")
            return figure
        _gain_axis(axes, moves)
        if not narrow:
            axes.grid(True, axis="x")
            axes.axvline(0, color=INK, lw=1.0, zorder=1)
        for i, move in enumerate(moves):
            row = -i - (split if not move.main else 0.0)
            y = row - (0.28 if narrow else 0.0)
            if narrow:
                # The words stand above the point, and no line of the grid runs through them.
                axes.vlines(axes.get_xticks(), y - 0.19, y + 0.19, color=GRID, lw=0.8, zorder=0)
                axes.vlines(0, y - 0.19, y + 0.19, color=INK, lw=1.0, zorder=1)
            _draw_move(axes, move, y)
            _name_move(axes, move, row, narrow=narrow)
        axes.set_ylim(-len(moves) + 0.5 - split, 0.5)
    return figure


def shown_options(options: Sequence[Move]) -> list[Move]:
    """The moves of the options figure, those that start from the reference first."""
    ordered = [move for move in options if move.main] + [move for move in options if not move.main]
    return ordered[:_OPTIONS]


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


def _draw_move(axes: Axes, move: Move, y: float) -> None:
    low, gain, high = (100 * v for v in (move.low, move.gain, move.high))
    colour = INK if move.main else MUTED
    axes.plot([low, high], [y, y], color=colour, lw=1.5, zorder=2, gid=f"interval-{move.kind}")
    sure = move.verdict != "cannot tell"
    axes.plot(
        [gain],
        [y],
        ls="",
        marker="o",
        ms=6.5,
        mfc=colour if sure else "white",
        mec=colour,
        mew=1.3,
        zorder=3,
        gid=f"gain-{move.kind}",
    )


def _name_move(axes: Axes, move: Move, row: float, *, narrow: bool) -> None:
    """What the move is, on the left (narrow: above it), and its numbers on the right."""
    weight = "bold" if move.main else "normal"
    lines = textwrap.wrap(fmt.plain(move.label), 46 if narrow else 38, max_lines=2)
    axes.text(
        0.0 if narrow else -0.04,
        row + (0.44 if narrow else 0.0),
        "\n".join(lines),
        transform=axes.get_yaxis_transform(),
        va="top" if narrow else "center",
        ha="left" if narrow else "right",
        fontsize=8.5 if narrow else 9,
        fontweight=weight,
        linespacing=1.2,
    )
    axes.text(
        1.04,
        row - (0.28 if narrow else 0.0),
        _numbers(move),
        transform=axes.get_yaxis_transform(),
        va="center",
        fontsize=8.5 if narrow else 9,
    )


def _numbers(move: Move) -> str:
    """The gain and its interval: ``+3.1 (+2.0 to +4.3)``."""
    return f"{fmt.points(move.gain)} ({fmt.points_interval(move.low, move.high)})"
