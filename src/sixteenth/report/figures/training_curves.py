"""Training curves of all runs as small multiples on common axes: rows = model and init, columns =
fraction, so that over- and underfitting can be seen across the whole grid.

`panels.curve_panels` says what stands in each panel; this module only draws it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from ...language.base import Language
from ...language.captions import CurveMetric
from ...language.text import plain
from .panels import CurveGrid, Panel, curve_panels
from .style import INK, MUTED, NARROW, TICK_SIZE, WIDE, apart, draw_key, house_style, looks
from .text import shortened, widest, wrapped
from .text import width as text_width

_TRAIN_COLOUR = "#6d7480"
_POINT: dict[str, Any] = {"ls": "", "mfc": "white", "mew": 1.2, "clip_on": False, "zorder": 4}
"""A measurement that stands for itself, on top of the lines."""
_NOTE_SIZE = 8.0
"""Points."""
_LAYOUTS = ((True, "{part} · {images}"), (False, "{part}\n{images}"), (False, "{part}\n{count}"))
"""Of a column's heading: whether it is one line, and the line or lines."""
_KEY_HANDLE, _KEY_GAP = 0.4, 0.24
"""Inches: a sample line of the key with the space beside it, and what is between two entries."""


def training_curves_figure(
    histories: pd.DataFrame,
    results: pd.DataFrame,
    *,
    metric: CurveMetric = "loss",
    language: Language,
    narrow: bool = False,
    grid: CurveGrid | None = None,
) -> Figure:
    """Training and test curves of every run, one panel for each model, init and fraction.

    Args:
        histories: one row for each run and epoch.
        results: one row a run, also those that failed or are missing.
        metric: "loss" or "accuracy".
        language: of the labels.
        narrow: for a telephone.
        grid: what `curve_panels` makes of all these, where that is known already.
    """
    grid = grid or curve_panels(histories, results, metric=metric)
    look = looks(grid.axes.models, grid.axes.inits)
    labels = language.figures
    rows, columns = len(grid.axes.rows), len(grid.axes.fractions)
    # All in inches. Each row of panels has its name above it, so that the panels get the width.
    left, right, gap, foot = 0.5, 0.08, 0.1 if narrow else 0.16, 0.52
    title = 0.36
    room = (NARROW if narrow else WIDE) - left - right - (columns - 1) * gap
    panel = min(2.6, max(room / columns, 0.9 if narrow else 1.4))
    tall = 1.1 if narrow else 1.35
    width = left + columns * panel + (columns - 1) * gap + right
    width = max(width, NARROW)
    heads = _headings(grid.axes.fractions, panel, language, narrow=narrow)
    headings = 0.24 + 0.18 * max(head.count("\n") for head in heads)
    entries = _key_entries(
        labels.curve_lines[metric],
        labels.clean if grid.clean else "",
        labels.shorter if grid.shorter else "",
    )
    in_a_line = sum(text_width(entry) + _KEY_HANDLE + _KEY_GAP for entry in entries) - _KEY_GAP
    stacked = left + in_a_line > width
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
                _draw_panel(axes, grid.panels[model, init, fraction], colour)
                _draw_notes(axes, grid.panels[model, init, fraction], metric, panel, language)
                axes.tick_params(labelbottom=i == rows - 1, labelleft=j == 0)
                panels[i, j] = axes
            names = language.model(model), language.init(init)
            _row_title(panels[i, 0], names, look[model, init].ink, columns * panel)
        for j, head in enumerate(heads):
            x = left + j * (panel + gap)
            y = height - above - headings + 0.02
            figure.text(x / width, y / height, head, va="bottom")
        _common_axes(panels[0, 0], grid, metric, panel, gap / 2, language)
        unit = labels.epoch if grid.x == "epoch" else labels.step
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


def _draw_panel(axes: Axes, panel: Panel, colour: str) -> None:
    axes.grid(True, axis="y")
    if panel.crowded:
        _draw_ranges(axes, panel, colour)
        return
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
            gid=f"train-{plain(panel.fraction)}-{curve.seed}",
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
            gid=f"test-{plain(panel.fraction)}-{curve.seed}",
        )
        if len(curve.shorter):
            axes.plot(
                curve.shorter_x,
                curve.shorter,
                marker="s",
                ms=4,
                mec=colour,
                gid=f"shorter-{plain(panel.fraction)}-{curve.seed}",
                **_POINT,
            )
        axes.plot(
            [curve.clean_x],
            [curve.clean],
            marker="D",
            ms=4.2 if len(panel.curves) == 1 else 3.4,
            mec=_TRAIN_COLOUR,
            gid=f"clean-{plain(panel.fraction)}-{curve.seed}",
            **_POINT,
        )
    if not panel.curves:
        axes.set_facecolor("#f5f6f8")


def _draw_ranges(axes: Axes, panel: Panel, colour: str) -> None:
    """The median of many runs, and bands from the lowest to the highest."""
    train, test, clean = panel.ranges
    for found, shade, dash in ((train, _TRAIN_COLOUR, (0, (4, 1.6))), (test, colour, "solid")):
        axes.fill_between(found.x, found.low, found.high, color=shade, alpha=0.15, lw=0)
        # A single epoch is a point, not a line.
        mark = "o" if len(found.x) == 1 else ""
        axes.plot(found.x, found.middle, color=shade, lw=1.6, ls=dash, marker=mark, ms=3)
    axes.plot(clean.x[-1:], clean.middle[-1:], marker="D", ms=4.2, mec=_TRAIN_COLOUR, **_POINT)


def _draw_notes(
    axes: Axes, panel: Panel, metric: CurveMetric, inches: float, language: Language
) -> None:
    """Why runs have no curve or are not at their end, in a panel that is so wide."""
    notes = [language.captions.hole(hole) for hole in panel.holes]
    if panel.so_far:
        notes.insert(0, language.captions.not_ended(panel.so_far, panel.runs))
    if not panel.curves and not notes:
        notes = [language.figures.not_planned]
    if not notes:
        return
    room = 6 if not panel.curves else 3
    lines = [line for note in notes for line in wrapped(note, 0.82 * inches, _NOTE_SIZE, 5)]
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
        fontsize=_NOTE_SIZE,
        linespacing=1.25,
    )


def _headings(
    fractions: Sequence[tuple[str, int | None]], inches: float, language: Language, *, narrow: bool
) -> list[str]:
    """Each column's fraction and number of images: in one line where all columns are wide enough,
    else in two, and cut where even these are wider than `inches`."""
    for one_line, layout in _LAYOUTS[2 if narrow else 0 :]:
        heads = []
        for fraction, size in fractions:
            part = language.numbers.fraction(fraction)
            count = "" if size is None else language.numbers.count(size)
            images = language.numbers.images.format(count)
            if size is None:
                heads.append(part)
            elif language.numbers.is_size(fraction, size):
                heads.append(images if one_line else "\n".join(wrapped(images, inches, most=2)))
            else:
                heads.append(layout.format(part=part, images=images, count=count))
        if widest(heads) <= inches:
            return heads
    return ["\n".join(shortened(line, inches) for line in head.split("\n")) for head in heads]


def _row_title(axes: Axes, names: tuple[str, str], colour: str, inches: float) -> None:
    """Model and init above the first panel of their row."""
    gap = 0.15
    room = inches - gap - text_width(names[1])
    model = shortened(names[0], max(room, inches / 2), bold=True)
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
        shortened(names[1], inches - gap - text_width(model, bold=True)),
        (1, 0),
        xytext=(7, 0),
        xycoords=title,
        textcoords="offset points",
        color=MUTED,
        va="bottom",
    )


def _common_axes(
    first: Axes,
    grid: CurveGrid,
    metric: CurveMetric,
    inches: float,
    beside: float,
    language: Language,
) -> None:
    """Limits and ticks of all panels.

    Args:
        first: axes that all others share theirs with.
        inches: the width of a panel.
        beside: how many inches labels may stand out on each side of it.
    """
    first.set_ylim(grid.bottom, grid.top)
    curves = [curve for panel in grid.panels.values() for curve in panel.curves]
    start = min((curve.x[0] for curve in curves), default=1.0)
    # A run that is not at its end may have been measured beyond its curve.
    last = max((x for curve in curves for x in (curve.x[-1], *curve.shorter_x)), default=1.0)
    pad = max(0.03 * (last - start), 0.4 if last == start else 0)
    low, high = start - pad, last + pad
    first.set_xlim(low, high)
    count = language.numbers.count

    def fit(ticks: Sequence[float]) -> bool:
        places = [inches * (tick - low) / (high - low) for tick in ticks]
        halves = [text_width(count(tick), TICK_SIZE) / 2 for tick in ticks]
        inside = all(
            half - beside <= place <= inches + beside - half
            for place, half in zip(places, halves, strict=True)
        )
        return inside and len(apart(places, [2 * half for half in halves])) == len(ticks)

    ticks = [last] if last == start else _whole_ticks(low, high, fit)
    first.xaxis.set_major_locator(FixedLocator(ticks))
    first.xaxis.set_major_formatter(FuncFormatter(lambda x, _: count(x)))
    if metric == "accuracy":
        # A point apart at least, so that whole percents are what they say.
        bins = 6 if grid.top - grid.bottom > 0.03 else 3
        first.yaxis.set_major_locator(MaxNLocator(bins, steps=[1, 2, 5, 10]))
        first.yaxis.set_major_formatter(FuncFormatter(lambda y, _: language.numbers.percent(y, 0)))
    else:
        first.yaxis.set_major_locator(MaxNLocator(4))


def _whole_ticks(
    low: float, high: float, fit: Callable[[Sequence[float]], bool]
) -> Sequence[float]:
    """Whole numbers of epochs or steps, up to five whose labels `fit`."""
    for bins in (4, 3, 2):
        values = MaxNLocator(bins, integer=True).tick_values(low, high)
        ticks = [float(tick) for tick in values if low <= tick <= high]
        if len(ticks) > 1 and fit(ticks):
            return ticks
    # Long numbers below a narrow panel: one in its middle, of two digits.
    middle = (low + high) / 2
    return [float(max(1, round(round(middle, 1 - math.floor(math.log10(middle))))))]


def _key_entries(lines: tuple[str, str], clean: str, shorter: str) -> dict[str, Line2D]:
    """What the kinds of line and mark are, the same in all panels; the marks may be empty."""
    test, training = lines
    entries = {
        test: Line2D([], [], color=INK, lw=1.6),
        training: Line2D([], [], color=_TRAIN_COLOUR, lw=1.6, ls=(0, (4, 1.6))),
    }
    if clean:
        entries[clean] = Line2D(
            [], [], color=_TRAIN_COLOUR, ls="", marker="D", ms=4.5, mfc="white", mew=1.2
        )
    if shorter:
        entries[shorter] = Line2D(
            [], [], color=INK, ls="", marker="s", ms=4.5, mfc="white", mew=1.2
        )
    return entries
