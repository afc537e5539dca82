"""How all figures look, and how they become files: palette, type, log ticks, labels, SVG and PNG.

Colour names the model and dash the initial weights, in every figure. The seven colours are Okabe
and Ito's (2008) without yellow, darkened until they read as thin lines on white paper. For those
who cannot see the colour, markers tell lines apart too.
"""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from ...analysis.inputs.cells import Arm
from .text import CHINESE_FONTS, FONT, SIZE, fonts, widest, wrapped

INK = "#1c1f24"
MUTED = "#5f6670"
GRID = "#e4e6ea"
COLOURS = ("#0067a5", "#c44e00", "#00805e", "#9c3f7c", "#7a6a00", "#3b8fc4", "#4a4a4a")
INKS = ("#0067a5", "#c44e00", "#00805e", "#9c3f7c", "#7a6a00", "#2f7aa9", "#4a4a4a")
"""`COLOURS` for letters: 4.5 times as dark as the paper at least, as WCAG asks for."""
DASHES: tuple[Any, ...] = ("solid", (0, (5, 2)), (0, (1.2, 1.6)), (0, (6, 2, 1.2, 2)))
MARKERS = ("o", "s", "^", "D", "v", "<", ">", "P")
WIDE, NARROW = 7.5, 3.75
"""Inches: as wide as the page's column, and as a telephone."""
TICK_SIZE = 9.0
"""Points."""
BETWEEN_TICKS = 0.04
"""Inches between the labels of two ticks, at least: the width of a space."""

_RC: Any = {
    "font.size": SIZE,
    "axes.titlesize": SIZE,
    "axes.labelsize": SIZE,
    "xtick.labelsize": TICK_SIZE,
    "ytick.labelsize": TICK_SIZE,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "axes.edgecolor": "#9aa1ab",
    "axes.linewidth": 0.8,
    "axes.grid": False,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.major.size": 3.5,
    "ytick.major.size": 0,
    "xtick.major.width": 0.8,
    "lines.solid_capstyle": "round",
    "axes.unicode_minus": True,
    "figure.facecolor": "white",
    "svg.fonttype": "none",
    "svg.hashsalt": "sixteenth",
    # A model may be called a$b$c: its name is never a formula.
    "text.parse_math": False,
}
# The reader's own sans-serif. DejaVu, which the layout is measured with, is wider than these, so
# what does not collide there does not collide here.
_FONTS = ", ".join(
    [
        "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial",
        *(f"'{name}'" for name in CHINESE_FONTS[:4]),
        "sans-serif",
    ]
)


@contextmanager
def house_style() -> Iterator[None]:
    """Matplotlib's settings while a figure is drawn or saved; the caller's own come back after."""
    with matplotlib.rc_context(_RC | {"font.family": list(fonts())}), warnings.catch_warnings():
        # A name in a script that these fonts lack is a box in the PNG; in the SVG it is right.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


@dataclass(frozen=True)
class Look:
    """Colour, dash and marker of one line, and the colour of its name."""

    colour: str
    dash: Any
    marker: str
    ink: str


def looks(models: Sequence[str], inits: Sequence[str]) -> dict[Arm, Look]:
    """The look of every (model, init), by their order in the study.

    Of one init, the dash tells models apart whose colour is the same.
    """
    found = {}
    for i, model in enumerate(models):
        for j, init in enumerate(inits):
            colour, again = i % len(COLOURS), i // len(COLOURS)
            dash = DASHES[(j if len(inits) > 1 else again) % len(DASHES)]
            marker = MARKERS[(i * len(inits) + j) % len(MARKERS)]
            found[model, init] = Look(COLOURS[colour], dash, marker, INKS[colour])
    return found


def size_ticks(
    axes: Axes,
    sizes: Sequence[float],
    labels: Sequence[str],
    width: float,
    margin: float = 0.06,
    *,
    forecasts: int = 0,
) -> None:
    """A log axis whose ticks are the measured sizes, and those of forecasts beyond them.

    Args:
        axes: its x axis is set up.
        sizes: images, ascending, without repeats.
        margin: beside the first and the last size, as a part of the axis between them.
        labels, width, forecasts: as of `label_sizes`.
    """
    low, high = min(sizes), max(sizes)
    beside = (high / low) ** margin if high > low else 1.5
    axes.set_xscale("log")
    axes.set_xlim(low / beside, high * beside)
    axes.xaxis.set_major_locator(FixedLocator(list(sizes)))
    axes.xaxis.set_minor_locator(NullLocator())
    label_sizes(axes, sizes, labels, width, forecasts=forecasts)


def label_sizes(
    axes: Axes, sizes: Sequence[float], labels: Sequence[str], width: float, *, forecasts: int = 0
) -> None:
    """Label the ticks of a log axis whose limits are set.

    Args:
        labels: of each size, on one line or several.
        width: of the axes in inches; labels that would touch are left out, the ticks stay.
        forecasts: how many of the last sizes were not measured: their labels are left out first.
    """
    low, high = axes.get_xlim()
    places = [width * math.log(size / low) / math.log(high / low) for size in sizes]
    shown = apart(places, [widest([label], TICK_SIZE) for label in labels], forecasts)
    axes.set_xticklabels([label if i in shown else "" for i, label in enumerate(labels)])


def apart(places: Sequence[float], widths: Sequence[float], forecasts: int = 0) -> set[int]:
    """Indices of the labels that fit beside each other.

    The measured sizes are taken from the largest down: the whole training set is the one that
    nobody may miss. Then come the `forecasts`, which are the last.

    Args:
        places: of the labels' middles, in inches.
        widths: of the labels, in inches.
    """
    measured = len(places) - forecasts
    chosen: set[int] = set()
    for i in (*reversed(range(measured)), *range(measured, len(places))):
        if all(
            abs(places[i] - places[k]) >= (widths[i] + widths[k]) / 2 + BETWEEN_TICKS
            for k in chosen
        ):
            chosen.add(i)
    return chosen


def move_apart(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Positions near `wanted` that are at least `gap` apart and, where they fit, in [low, high].

    The labels at two lines' ends must not overlap. Neighbours that are too close move apart as one
    block around their common middle (pool adjacent violators), so that none strays far.
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    if (len(wanted) - 1) * gap > high - low:
        gap = (high - low) / max(1, len(wanted) - 1)
    blocks: list[tuple[float, int]] = []  # (middle, labels)
    for i in order:
        middle, number = min(max(wanted[i], low), high), 1
        while True:
            half = (number - 1) * gap / 2
            middle = min(max(middle, low + half), high - half)
            if not blocks:
                break
            before, before_number = blocks[-1]
            if middle - half - (before + (before_number - 1) * gap / 2) >= gap - 1e-12:
                break
            blocks.pop()
            total = number + before_number
            middle = (middle * number + before * before_number) / total
            number = total
        blocks.append((middle, number))
    placed = [m + (k - (n - 1) / 2) * gap for m, n in blocks for k in range(n)]
    result = [0.0] * len(wanted)
    for position, i in zip(placed, order, strict=True):
        result[i] = position
    return result


def axes_for(
    ax: Axes | None, size: tuple[float, float], box: tuple[float, float, float, float]
) -> Axes:
    """`ax`, or the axes of a new figure.

    Args:
        size: width and height of the new figure in inches.
        box: left, bottom, width and height of its axes as parts of these.
    """
    return Figure(figsize=size).add_axes(box) if ax is None else ax


def width_of(axes: Axes) -> float:
    """Width of axes in inches."""
    return float(axes.get_position().width * figure_of(axes).get_figwidth())


def figure_of(axes: Axes) -> Figure:
    """The figure that axes lie in, also those of a subfigure."""
    figure = axes.figure
    while not isinstance(figure, Figure):
        figure = figure.figure
    return figure


def draw_key(
    target: Figure | Axes,
    handles: Sequence[Artist],
    labels: Sequence[str],
    *,
    corner: tuple[float, float] = (0.02, 0.995),
    columns: int = 1,
    colour: str = INK,
    handlelength: float = 2.2,
) -> None:
    """What the lines and marks are: above the axes of a figure, or inside given axes.

    Args:
        corner: its upper left one, as parts of the figure's width and height.
        columns: 1 puts the entries under each other.
        colour: of the labels.
        handlelength: of the sample lines, in font sizes.
    """
    above: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": corner}
    place = above if isinstance(target, Figure) else {"loc": "best"}
    target.legend(
        list(handles),
        list(labels),
        **place,
        ncols=columns,
        frameon=False,
        borderpad=0,
        borderaxespad=0,
        labelspacing=0.35,
        handlelength=handlelength,
        columnspacing=1.8,
        labelcolor=colour,
    )


def nothing(axes: Axes, why: str) -> None:
    """An empty figure that says why it is empty."""
    axes.set_axis_off()
    text = "\n".join(wrapped(why, 2.3))
    axes.text(0.5, 0.5, text, ha="center", va="center", color=MUTED, transform=axes.transAxes)


def svg(figure: Figure, title: str = "") -> bytes:
    """The figure as SVG: the same bytes for the same figure, with text that stays text."""
    buffer = io.StringIO()
    with house_style():
        metadata = {"Date": None, "Creator": None} | ({"Title": title} if title else {})
        figure.savefig(buffer, format="svg", metadata=metadata)
    text = re.sub(rf"'{FONT}'(, '[^']*')*(, sans-serif)?", _FONTS, buffer.getvalue())
    return text.encode("utf-8")


def png(figure: Figure, dpi: int = 200) -> bytes:
    """The figure as PNG, by default fine enough for print."""
    buffer = io.BytesIO()
    with house_style():
        figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()
