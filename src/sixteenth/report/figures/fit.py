"""The figure of fitted learning curves: what was measured, the power law, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ...analysis.curves.learning_curve import CURVE_LEVEL, LearningCurve
from ...language.base import Language
from ...language.text import plain
from .style import (
    COLOURS,
    MARKERS,
    MUTED,
    WIDE,
    axes_for,
    draw_key,
    figure_of,
    house_style,
    size_ticks,
    width_of,
)
from .text import shortened

BEYOND = 4.0
"""How far past the largest measured size the figure looks."""


def fit_figure(
    curves: Mapping[str, LearningCurve], language: Language, ax: Axes | None = None
) -> Figure:
    """Errors, fitted curves and the band where a new training would measure its error.

    Args:
        curves: by name; drawn in this order, each in its own colour and marker.
        language: of the labels.
        ax: axes to draw into, with a legend inside them; by default those of a new figure.

    Returns:
        The figure that was drawn into.
    """
    height = 4.4 + 0.2 * len(curves)
    with house_style():
        head = 0.75 + 0.2 * len(curves)
        box = (0.62 / WIDE, 0.62 / height, 1 - 0.85 / WIDE, 1 - (0.62 + head) / height)
        axes = axes_for(ax, (WIDE, height), box)
        for i, curve in enumerate(curves.values()):
            _draw(axes, curve, COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)])
        _axes(axes, list(curves.values()), language)
        figure = figure_of(axes)
        _legend(figure if ax is None else ax, list(curves), language, width_of(axes))
    return figure


def _draw(axes: Axes, curve: LearningCurve, colour: str, marker: str) -> None:
    first, last = curve.sizes[0], curve.sizes[-1]
    inside = np.geomspace(first, last, 30)
    beyond = np.geomspace(last, BEYOND * last, 20)
    sizes = np.concatenate([inside, beyond[1:]])
    low, high = curve.interval(sizes)
    axes.fill_between(sizes, low, high, color=colour, alpha=0.13, lw=0, zorder=1)
    axes.plot(inside, curve.predict(inside), color=colour, lw=1.8, zorder=3)
    axes.plot(beyond, curve.predict(beyond), color=colour, lw=1.8, ls=(0, (4, 2)), zorder=3)
    axes.plot(
        curve.sizes,
        curve.errors,
        ls="",
        marker=marker,
        ms=5.5,
        mfc=colour,
        mec="white",
        mew=0.8,
        zorder=4,
    )


def _axes(axes: Axes, curves: list[LearningCurve], language: Language) -> None:
    sizes = sorted({float(n) for curve in curves for n in curve.sizes})
    largest = max(float(curve.sizes[-1]) for curve in curves)
    ticks = [*sizes, BEYOND * largest]
    numbers = language.numbers
    labels = [numbers.count(size) for size in ticks]
    size_ticks(axes, ticks, labels, width_of(axes), margin=0.04, forecasts=1)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{numbers.general(100 * y, 3)}%"))
    axes.grid(True, axis="y")
    axes.set_xlabel(language.figures.train_size, labelpad=7, loc="left")
    axes.set_title(language.figures.test_error, loc="left", color=MUTED, pad=9)


def _legend(target: Figure | Axes, names: list[str], language: Language, inches: float) -> None:
    handles: list[Line2D | Patch] = [
        Line2D(
            [], [], color=COLOURS[i % len(COLOURS)], marker=MARKERS[i % len(MARKERS)], mec="white"
        )
        for i in range(len(names))
    ]
    labels = [shortened(plain(name), inches) for name in names]
    handles.append(Patch(color=MUTED, alpha=0.2, lw=0))
    labels.append(language.figures.new_training.format(language.numbers.percent(CURVE_LEVEL, 0)))
    draw_key(target, handles, labels)
