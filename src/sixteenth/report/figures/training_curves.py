"""Training curves of all runs as small multiples on common axes: rows = model and init, columns =
fraction, so that over- and underfitting can be seen across the whole grid.

`panels.curve_panels` says what stands in each panel; this module only draws it.
"""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from ...language import format as fmt
from .panels import CurveGrid, Metric, Panel, curve_panels
from .style import INK, MUTED, NARROW, WIDE, draw_key, house_style, looks

_TRAIN_COLOUR = "#6d7480"
_KEY_IN_A_LINE = 6.4
"""Inches that the key takes beside itself; in a narrower figure its entries stand one a line."""


def training_curves_figure(
    histories: pd.DataFrame,
    results: pd.DataFrame,
    *,
    metric: Metric = "loss",
    narrow: bool = False,
) -> Figure:
    """Training and test curves of every run, one panel for each model, init and fraction.

    Args:
        histories: one row for each run and epoch.
        results: one row a run, also those that failed or are missing.
        metric: "loss" or "accuracy".
        narrow: for a telephone.
    """
    grid = curve_panels(histories, results, metric=metric)
    look = looks(list(grid.axes.models), list(grid.axes.inits))
    rows, columns = len(grid.axes.rows), len(grid.axes.fractions)
    # All in inches. Each row of panels has its name above it, so that the panels get the width.
    left, right, gap, foot = 0.5, 0.08, 0.1 if narrow else 0.16, 0.52
    headings, title = 0.42 if narrow else 0.24, 0.36
    room = (NARROW if narrow else WIDE) - left - right - (columns - 1) * gap
    panel = min(2.6, max(room / columns, 0.9 if narrow else 1.4))
    tall = 1.1 if narrow else 1.35
    width = left + columns * panel + (columns - 1) * gap + right
    width = max(width, NARROW)
    entries = _key_entries(metric, grid)
    stacked = width < _KEY_IN_A_LINE
    above = 0.14 + 0.18 * (len(entries) if stacked else 1)
    height = above + headings + rows * (title + tall) + foot
    with house_style():
        figure = Figure(figsize=(width, height))
        panels = np.empty((rows, columns), dtype=object)
        for i, (model, init) in enumerate(grid.axes.rows):
            bottom = foot + (rows - 1 - i) * (title + tall)
            colour = look[model, init].colour
            for j, (fraction, _) in enumerate(grid.axes.fractions):
                x = left + j * (panel + gap)
                axes = figure.add_axes(
                    (x / width, bottom / height, panel / width, tall / height),
                    sharex=panels[0, 0],
                    sharey=panels[0, 0],
                )
                _draw_panel(
                    axes, grid.panels[model, init, fraction], colour, metric, int(panel * 14)
                )
                axes.tick_params(labelbottom=i == rows - 1, labelleft=j == 0)
                panels[i, j] = axes
            names = (grid.axes.models[model], grid.axes.inits[init])
            _row_title(panels[i, 0], names, colour, columns * panel)
        for j, (fraction, size) in enumerate(grid.axes.fractions):
            x = left + j * (panel + gap)
            y = height - above - headings + 0.02
            figure.text(x / width, y / height, _heading(fraction, size, narrow), va="bottom")
        _common_axes(panels[0, 0], grid, metric)
        unit = "Epoch" if grid.x == "epoch" else "Optimiser step"
        figure.text(left / width, 0.08 / height, unit, color=MUTED, va="bottom")
        corner = (left / width, 1 - 0.06 / height)
        draw_key(
            figure,
            list(entries.values()),
            list(entries),
            corner=corner,
            columns=1 if stacked else len(entries),
            colour=MUTED,
        )
    return figure


def _draw_panel(axes: Axes, panel: Panel, colour: str, metric: Metric, wrap: int) -> None:
    axes.grid(True, axis="y")
    thin = 1.6 if len(panel.curves) == 1 else 1.0
    for curve in panel.curves:
        # A single epoch is a point, not a line: give it a marker, or nothing is seen.
        marker = "o" if len(curve.x) == 1 else ""
        axes.plot(
            curve.x,
            curve.train,
            color=_TRAIN_COLOUR,
            lw=thin,
            ls=(0, (4, 1.6)),
            marker=marker,
            ms=3,
            mfc="white",
            gid=f"train-{fmt.plain(panel.fraction)}-{curve.seed}",
        )
        # Of many short epochs only some are measured: their points are joined, and marked.
        known = np.isfinite(curve.test)
        axes.plot(
            curve.x[known],
            curve.test[known],
            color=colour,
            lw=thin,
            marker=marker if known.all() else "o",
            ms=3,
            gid=f"test-{fmt.plain(panel.fraction)}-{curve.seed}",
        )
        axes.plot(
            [curve.clean_x],
            [curve.clean],
            ls="",
            marker="D",
            ms=4.2 if len(panel.curves) == 1 else 3.4,
            mfc="white",
            mec=_TRAIN_COLOUR,
            mew=1.2,
            clip_on=False,
            zorder=4,
            gid=f"clean-{fmt.plain(panel.fraction)}-{curve.seed}",
        )
    if panel.holes:
        room = 6 if not panel.curves else 3
        lines = [
            line
            for hole in panel.holes
            for line in textwrap.wrap(hole, wrap, max_lines=5, placeholder=" …")
        ]
        if len(lines) > room:
            lines = [*lines[: room - 1], "…"]
        centre = not panel.curves
        # Loss falls and accuracy climbs: the corner that stays free.
        side = "top" if metric == "loss" else "bottom"
        axes.text(
            0.5 if centre else 0.97,
            0.5 if centre else 0.96 if side == "top" else 0.05,
            "\n".join(lines),
            transform=axes.transAxes,
            ha="center" if centre else "right",
            va="center" if centre else side,
            color=MUTED,
            fontsize=8,
            linespacing=1.25,
        )
    if not panel.curves:
        axes.set_facecolor("#f5f6f8")


def _heading(fraction: str, size: int | None, narrow: bool) -> str:
    """A column's fraction and number of images, on two lines where it is narrow."""
    part = fmt.fraction(fraction)
    if size is None:
        return part
    images = fmt.count(size)
    if part in (f"{size} images", f"{images} images"):
        return f"{images} images"
    return f"{part}\n{images}" if narrow else f"{part} · {images} images"


def _row_title(axes: Axes, names: tuple[str, str], colour: str, inches: float) -> None:
    """Model and init above the first panel of their row."""
    letters = int(inches * 11)
    model = fmt.short(names[0], max(12, min(40, letters - 16)))
    title = axes.annotate(
        model,
        (0, 1),
        xytext=(0, 4),
        xycoords="axes fraction",
        textcoords="offset points",
        color=colour,
        fontweight="bold",
        va="bottom",
    )
    axes.annotate(
        fmt.short(names[1], max(14, letters - len(model))),
        (1, 0),
        xytext=(7, 0),
        xycoords=title,
        textcoords="offset points",
        color=MUTED,
        va="bottom",
    )


def _common_axes(first: Axes, grid: CurveGrid, metric: Metric) -> None:
    first.set_ylim(grid.bottom, grid.top)
    ends = [curve.x for panel in grid.panels.values() for curve in panel.curves]
    last = max((x[-1] for x in ends), default=1.0)
    start = min((x[0] for x in ends), default=1.0)
    pad = max(0.03 * (last - start), 0.4 if last == start else 0)
    first.set_xlim(start - pad, last + pad)
    first.xaxis.set_major_locator(
        MaxNLocator(4, integer=True) if last > start else FixedLocator([last])
    )
    first.yaxis.set_major_locator(MaxNLocator(4))
    if metric == "accuracy":
        first.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y * 100:.0f}%"))
    first.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))


def _key_entries(metric: Metric, grid: CurveGrid) -> dict[str, Line2D]:
    """What the kinds of line and mark are, the same in all panels."""
    entries = {
        f"test {metric}": Line2D([], [], color=INK, lw=1.6),
        f"training {metric}": Line2D([], [], color=_TRAIN_COLOUR, lw=1.6, ls=(0, (4, 1.6))),
    }
    if grid.clean:
        entries["training, clean images at the end"] = Line2D(
            [], [], color=_TRAIN_COLOUR, ls="", marker="D", ms=4.5, mfc="white", mew=1.2
        )
    return entries
