"""The figure that answers the question: dataset size against test accuracy.

`accuracy_lines` and `accuracy_figure` keep computing apart from drawing, as `panels` and
`training_curves` do. All functions take plain tables and return a matplotlib Figure that no pyplot
state knows of; `style.svg` and `style.png` turn it into a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ...analysis import Band, Grid
from ...analysis.inputs.cells import Arm
from ...language.base import Language
from ..axes import GridAxes, grid_axes
from .line_labels import AccuracyLine, end_labels, legend
from .style import (
    MUTED,
    NARROW,
    WIDE,
    Look,
    axes_for,
    figure_of,
    house_style,
    label_sizes,
    looks,
    nothing,
    size_ticks,
    width_of,
)

_DIRECT_LABELS = 8
"""Lines that can carry their names at their ends; more need a legend."""
_BAND = 0.07
"""Opacity of the bands: the points are what was measured."""


def accuracy_lines(cells: pd.DataFrame, axes: GridAxes) -> list[AccuracyLine]:
    """The lines of the accuracy figure, models and inits in the order of the axes."""
    lines = []
    for model, init in axes.rows:
        cell = cells[(cells["model"] == model) & (cells["init"] == init)].sort_values("train_size")
        if len(cell):
            lines.append(
                AccuracyLine(
                    model=model,
                    init=init,
                    sizes=_floats(cell["train_size"]),
                    means=_floats(cell["test_accuracy"]),
                    lows=_floats(cell["low"]),
                    highs=_floats(cell["high"]),
                    so_far=tuple(bool(value) for value in cell["so_far"]),
                    seeds=tuple(
                        (float(size), float(accuracy), int(seed))
                        for size, seeds, accuracies in zip(
                            cell["train_size"], cell["seeds"], cell["accuracies"], strict=True
                        )
                        for seed, accuracy in zip(seeds, accuracies, strict=True)
                    ),
                )
            )
    return lines


def _floats(column: pd.Series[Any]) -> tuple[float, ...]:
    return tuple(float(value) for value in column)


def accuracy_figure(
    cells: pd.DataFrame,
    grid: Grid,
    bands: Mapping[Arm, Band] | None = None,
    *,
    language: Language,
    narrow: bool = False,
    aim: float | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Dataset size against test accuracy: a line for each model and init, a point for every seed.

    Args:
        cells: as `analysis.cells` returns it: means and intervals.
        grid: that they are from; only finished runs are drawn.
        bands: the fitted curves of `analysis.bands`, drawn up to the forecast of the next doubling;
            a model without one has straight lines between its points.
        language: of the labels.
        narrow: for a telephone: half as wide, with a legend instead of labels at the lines' ends.
        aim: an accuracy that a line will be laid at: the axis reaches it.
        ax: axes to draw into, with a legend inside them; by default those of a new figure.

    Returns:
        The figure that was drawn into.
    """
    axes_of = grid_axes(grid)
    lines = accuracy_lines(cells, axes_of)
    look = looks(axes_of.models, axes_of.inits)
    labels = language.figures
    direct = ax is None and not narrow and len(lines) <= _DIRECT_LABELS
    width, height = (NARROW, 3.1) if narrow else (WIDE, 3.5)
    top = 0.42 + (0 if direct else 0.2 * len(lines))
    height += 0 if direct else 0.2 * len(lines)
    right = 1.75 if direct else 0.2
    with house_style():
        box = (0.55 / width, 0.78 / height, 1 - (0.55 + right) / width, 1 - (0.78 + top) / height)
        axes = axes_for(ax, (width, height), box)
        figure, inches = figure_of(axes), width_of(axes)
        if not lines:
            nothing(axes, labels.no_accuracy)
            return figure
        sizes = {s: f for f, s in axes_of.fractions if s is not None}
        ticks = sorted(sizes)
        numbers = language.numbers
        names = [
            "" if numbers.is_size(sizes[size], size) else numbers.fraction(sizes[size])
            for size in ticks
        ]
        bands = bands or {}
        if bands:
            ticks, names = [*ticks, 2 * ticks[-1]], [*names, labels.forecast]
        names = [
            f"{numbers.count(size)}\n{name}".rstrip()
            for size, name in zip(ticks, names, strict=True)
        ]
        size_ticks(axes, ticks, names, inches)
        _percent_axis(axes, lines, bands, aim, language)
        step = _side_step(axes, lines, ticks, inches)
        low, high = axes.get_xlim()
        aside = np.exp((len(lines) / 2) * step)
        axes.set_xlim(low / aside, high * aside)
        label_sizes(axes, ticks, names, inches, forecasts=len(ticks) - len(sizes))
        shifts = [(i - (len(lines) - 1) / 2) * step for i in range(len(lines))]
        for line, shift in zip(lines, shifts, strict=True):
            # Side by side, so that the intervals of two models at one size can be told apart.
            if line.arm in bands:
                _draw_band(axes, bands[line.arm], look[line.arm], shift)
            _draw_line(axes, line, look[line.arm], shift, step)
        label = labels.train_size if narrow else f"{labels.train_size} · {labels.fractions}"
        axes.set_xlabel(label, labelpad=7, loc="left")
        axes.set_title(labels.test_accuracy, loc="left", color=MUTED, pad=9)
        if direct:
            end_labels(figure, axes, lines, shifts, look, bands, language)
        else:
            legend(figure if ax is None else ax, lines, look, language, inches)
    return figure


def _side_step(
    axes: Axes, lines: Sequence[AccuracyLine], sizes: Sequence[float], inches: float
) -> float:
    """How far apart, in log sizes, the lines stand at one size: wide enough for a point and its
    seeds, but never so wide that two sizes' points mix."""
    low, high = np.log(axes.get_xlim())
    seeds = any(line.several_seeds for line in lines)
    wanted = (12 if seeds else 6) / 72 / inches * (high - low)
    nearest = min(np.diff(np.log(sizes)), default=high - low)
    return float(min(wanted, 0.6 * nearest / len(lines)))


def _draw_band(axes: Axes, band: Band, look: Look, shift: float) -> None:
    """The interval of the fitted curve, and the forecast beyond the last measured size."""
    sizes = band.sizes * np.exp(shift)
    inside, beyond = np.isin(band.sizes, band.known), band.sizes >= band.measured
    for part in (inside, beyond):
        # Straight between two measured sizes: nothing that bends there was measured.
        axes.fill_between(
            sizes[part],
            1 - band.high[part],
            1 - band.low[part],
            color=look.colour,
            alpha=_BAND,
            lw=0,
            zorder=1,
        )
    axes.plot(
        sizes[beyond],
        1 - band.middle[beyond],
        color=look.colour,
        ls=(0, (1, 1.8)),
        lw=1.3,
        zorder=3,
    )


def _draw_line(axes: Axes, line: AccuracyLine, look: Look, shift: float, step: float) -> None:
    """The points of one line with their intervals, joined by straight lines."""
    x = np.asarray(line.sizes) * np.exp(shift)
    mean = np.asarray(line.means)
    gid = f"line-{line.key}"
    axes.plot(x, mean, color=look.colour, ls=look.dash, lw=1.2, zorder=3, gid=gid)
    errors = np.array([mean - line.lows, line.highs - mean]).clip(min=0)
    axes.errorbar(
        x,
        mean,
        yerr=errors,
        fmt="none",
        ecolor=look.colour,
        elinewidth=1.4,
        capsize=4.5,
        capthick=1.4,
        zorder=5,
    )
    if line.several_seeds:
        # Beside the interval, where they stay visible however close the seeds are.
        seeds_x = [size * np.exp(shift + 0.42 * step) for size, _, _ in line.seeds]
        axes.plot(
            seeds_x,
            [accuracy for _, accuracy, _ in line.seeds],
            ls="",
            marker=look.marker,
            ms=3.2,
            mfc="white",
            mec=look.colour,
            mew=0.9,
            zorder=5,
            gid=f"seeds-{line.key}",
        )
    axes.plot(
        x,
        mean,
        ls="",
        marker=look.marker,
        ms=5.6,
        mfc=look.colour,
        mec="white",
        mew=0.6,
        zorder=6,
        gid=line.gid,
    )
    if any(line.so_far):
        axes.plot(
            x[list(line.so_far)],
            mean[list(line.so_far)],
            ls="",
            marker=look.marker,
            ms=5.6,
            mfc="white",
            mec=look.colour,
            mew=1.4,
            zorder=7,
            gid=f"so-far-{line.key}",
        )


def _percent_axis(
    axes: Axes,
    lines: Sequence[AccuracyLine],
    bands: Mapping[Arm, Band],
    aim: float | None,
    language: Language,
) -> None:
    values = [v for line in lines for v in (*line.lows, *line.highs, *line.means)]
    values += [1 - v for band in bands.values() for v in (band.low[-1], band.high[-1])]
    values += [accuracy for line in lines for _, accuracy, _ in line.seeds]
    values = [v for v in (*values, *([] if aim is None else [aim])) if np.isfinite(v)]
    low, high = min(values), max(values)
    pad = max(0.06 * (high - low), 0.01)
    # Beyond 0% and 100% there is nothing but half of the marks that stand there.
    half = 0.03 * (high - low + 2 * pad)
    axes.set_ylim(max(-half, low - pad), min(1 + half, high + pad))
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    decimals = 0 if high - low > 0.03 else 1
    axes.yaxis.set_major_formatter(
        FuncFormatter(lambda y, _: language.numbers.percent(y, decimals))
    )
    axes.grid(True, axis="y")
