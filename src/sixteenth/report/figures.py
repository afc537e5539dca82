"""The figure that answers the question, dataset size against test accuracy, and the others by name.

`accuracy_lines` and `accuracy_figure` keep computing apart from drawing, as `curves` does for the
training curves. All functions take plain tables and return a matplotlib Figure that no pyplot state
knows of; `style.svg` and `style.png` turn it into a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from sixteenth.analysis import Band

from . import format as fmt
from .curves import training_curves_figure
from .options import options_figure
from .style import (
    INK,
    MUTED,
    NARROW,
    WIDE,
    Look,
    house_style,
    looks,
    nothing,
    size_ticks,
    spread,
)
from .tables import grid_axes, measured

__all__ = [
    "AccuracyLine",
    "accuracy_figure",
    "accuracy_lines",
    "options_figure",
    "training_curves_figure",
]

_DIRECT_LABELS = 8
"""Lines that can carry their names at their ends; more need a legend."""


@dataclass(frozen=True)
class AccuracyLine:
    """One model from one kind of initial weights: the cells that were measured, smallest first.

    Attributes:
        sizes, means, lows, highs: one entry a cell; accuracies in [0, 1].
        seeds: (size, accuracy, seed) of every finished run.
    """

    model: str
    init: str
    name: str
    init_name: str
    sizes: tuple[float, ...]
    means: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    seeds: tuple[tuple[float, float, int], ...]


def accuracy_lines(cells: pd.DataFrame, results: pd.DataFrame) -> list[AccuracyLine]:
    """The lines of the accuracy figure, models and inits in the order of the results table."""
    axes = grid_axes(results)
    runs = measured(results)
    lines = []
    for model, init in axes.rows:
        cell = cells[(cells["model"] == model) & (cells["init"] == init)].sort_values("train_size")
        seeds = runs[(runs["model"] == model) & (runs["init"] == init)]
        if len(cell):
            lines.append(
                AccuracyLine(
                    model=model,
                    init=init,
                    name=axes.models[model],
                    init_name=axes.inits[init],
                    sizes=_floats(cell["train_size"]),
                    means=_floats(cell["test_accuracy"]),
                    lows=_floats(cell["low"]),
                    highs=_floats(cell["high"]),
                    seeds=tuple(
                        (float(size), float(accuracy), int(seed))
                        for size, accuracy, seed in zip(
                            seeds["train_size"], seeds["test_accuracy"], seeds["seed"], strict=True
                        )
                    ),
                )
            )
    return lines


def _floats(column: pd.Series[Any]) -> tuple[float, ...]:
    return tuple(float(value) for value in column)


def accuracy_figure(
    cells: pd.DataFrame,
    results: pd.DataFrame,
    bands: Mapping[tuple[str, str], Band] | None = None,
    *,
    narrow: bool = False,
) -> Figure:
    """Dataset size against test accuracy: a line for each model and init, a point for every seed.

    Args:
        cells: as `analysis.cells` returns it: means and intervals.
        results: one row a run; only finished runs are drawn.
        bands: the fitted curves of `analysis.bands`, drawn up to the forecast of the next doubling;
            a model without one has straight lines between its points.
        narrow: for a telephone: half as wide, with a legend instead of labels at the lines' ends.
    """
    lines = accuracy_lines(cells, results)
    axes_of = grid_axes(results)
    look = looks(list(axes_of.models), list(axes_of.inits))
    direct = not narrow and len(lines) <= _DIRECT_LABELS
    width, height = (NARROW, 3.6) if narrow else (WIDE, 4.3)
    top = 0.42 + (0 if direct else 0.2 * len(lines))
    height += 0 if direct else 0.2 * len(lines)
    right = 1.75 if direct else 0.2
    with house_style():
        figure = Figure(figsize=(width, height))
        axes = figure.add_axes(
            (
                0.55 / width,
                0.78 / height,
                1 - (0.55 + right) / width,
                1 - (0.78 + top) / height,
            )
        )
        if not lines:
            nothing(axes, "No run has finished yet, so there is no accuracy to show.")
            return figure
        sizes = {s: f for f, s in axes_of.fractions if s is not None}
        ticks = sorted(sizes)
        names = [fmt.fraction(sizes[size]) for size in ticks]
        bands = bands or {}
        if bands:
            ticks, names = [*ticks, 2 * ticks[-1]], [*names, "forecast"]
        size_ticks(axes, ticks, names, width - 0.55 - right)
        _percent_axis(axes, lines, bands)
        step = _side_step(axes, lines, ticks, width - 0.55 - right)
        low, high = axes.get_xlim()
        aside = np.exp((len(lines) / 2) * step)
        axes.set_xlim(low / aside, high * aside)
        shifts = [(i - (len(lines) - 1) / 2) * step for i in range(len(lines))]
        for line, shift in zip(lines, shifts, strict=True):
            # Side by side, so that the intervals of two models at one size can be told apart.
            key = (line.model, line.init)
            if key in bands:
                _draw_band(axes, bands[key], look[key], shift)
            _draw_line(axes, line, look[key], shift, step, straight=key not in bands)
        label = "Training images, log scale" + ("" if narrow else " · part of the training set")
        axes.set_xlabel(label, labelpad=7, loc="left")
        axes.set_title("Test accuracy", loc="left", color=MUTED, pad=9)
        if direct:
            _end_labels(figure, axes, lines, shifts, look, bands)
        else:
            _legend(figure, lines, look)
    return figure


def _side_step(
    axes: Axes, lines: Sequence[AccuracyLine], sizes: Sequence[float], inches: float
) -> float:
    """How far apart, in log sizes, the lines stand at one size: wide enough for a point and its
    seeds, but never so wide that two sizes' points mix."""
    low, high = np.log(axes.get_xlim())
    seeds = any(len(line.seeds) > len(line.sizes) for line in lines)
    wanted = (12 if seeds else 6) / 72 / inches * (high - low)
    nearest = min(np.diff(np.log(sizes)), default=high - low)
    return float(min(wanted, 0.6 * nearest / len(lines)))


def _draw_band(axes: Axes, band: Band, look: Look, shift: float) -> None:
    """The fitted curve and its interval, fainter where it is a forecast."""
    sizes = band.sizes * np.exp(shift)
    inside, beyond = band.sizes <= band.measured, band.sizes >= band.measured
    for part, alpha in ((inside, 0.16), (beyond, 0.10)):
        axes.fill_between(
            sizes[part],
            1 - band.high[part],
            1 - band.low[part],
            color=look.colour,
            alpha=alpha,
            lw=0,
            zorder=1,
        )
    axes.plot(
        band.sizes[inside],
        1 - band.middle[inside],
        color=look.colour,
        ls=look.dash,
        lw=1.6,
        zorder=3,
    )
    axes.plot(
        band.sizes[beyond],
        1 - band.middle[beyond],
        color=look.colour,
        ls=(0, (1, 1.8)),
        lw=1.3,
        zorder=3,
    )


def _draw_line(
    axes: Axes, line: AccuracyLine, look: Look, shift: float, step: float, *, straight: bool
) -> None:
    """The points of one line with their intervals; joined by straight lines where no curve is."""
    x = np.asarray(line.sizes) * np.exp(shift)
    mean = np.asarray(line.means)
    key = f"{line.name}/{line.init_name}"
    if straight:
        axes.plot(x, mean, color=look.colour, ls=look.dash, lw=1.8, zorder=3, gid=f"line-{key}")
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
    several = len(line.seeds) > len(line.sizes)
    if several:
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
            gid=f"seeds-{key}",
        )
    axes.plot(
        x,
        mean,
        ls="",
        marker=look.marker,
        ms=4.2,
        mfc=look.colour,
        mec="white",
        mew=0.6,
        zorder=4,
        gid=f"means-{key}" if several else f"seeds-{key}",
    )


def _percent_axis(
    axes: Axes, lines: Sequence[AccuracyLine], bands: Mapping[tuple[str, str], Band]
) -> None:
    values = [v for line in lines for v in (*line.lows, *line.highs, *line.means)]
    values += [1 - v for band in bands.values() for v in (band.low[-1], band.high[-1])]
    values += [accuracy for line in lines for _, accuracy, _ in line.seeds]
    values = [v for v in values if np.isfinite(v)]
    low, high = min(values), max(values)
    pad = max(0.06 * (high - low), 0.01)
    axes.set_ylim(max(0.0, low - pad), min(1.0, high + pad) if high < 0.995 else 1.005)
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    decimals = 0 if high - low > 0.03 else 1
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y * 100:.{decimals}f}%"))
    axes.grid(True, axis="y")


def _end_labels(
    figure: Figure,
    axes: Axes,
    lines: Sequence[AccuracyLine],
    shifts: Sequence[float],
    look: dict[tuple[str, str], Look],
    bands: Mapping[tuple[str, str], Band],
) -> None:
    """Each line's name at its end, moved apart where two lines end close together."""
    several_inits = len({line.init for line in lines}) > 1
    box = axes.get_position()
    points = box.height * figure.get_figheight() * 72
    low, high = axes.get_ylim()
    data_per_point = (high - low) / points
    gap = (25.0 if several_inits else 14.0) * data_per_point
    keys = [(line.model, line.init) for line in lines]
    ends = [
        1 - float(bands[key].middle[-1]) if key in bands else line.means[-1]
        for key, line in zip(keys, lines, strict=True)
    ]
    last = [
        (bands[key].sizes[-1] if key in bands else line.sizes[-1]) * np.exp(shift)
        for key, line, shift in zip(keys, lines, shifts, strict=True)
    ]
    half = gap / 2
    placed = spread(ends, gap, low + half, high - half)
    left, right = np.log(axes.get_xlim())
    for line, size, end, y in zip(lines, last, ends, placed, strict=True):
        style = look[line.model, line.init]
        at = (np.log(size) - left) / (right - left)
        fraction = (y - low) / (high - low)
        end_fraction = (end - low) / (high - low)
        axes.plot(
            [min(1.0, at + 0.03), 1.005, 1.03],
            [end_fraction, end_fraction if at > 0.9 else fraction, fraction],
            color=style.colour,
            lw=0.7,
            alpha=0.55,
            transform=axes.transAxes,
            clip_on=False,
            gid="leader",
        )
        apart = 0.0 if not several_inits else 5.8 / points
        axes.text(
            1.04,
            fraction + apart,
            fmt.short(line.name, 20),
            color=style.colour,
            fontweight="bold",
            transform=axes.transAxes,
            va="center_baseline",
            gid="label",
        )
        if several_inits:
            axes.text(
                1.04,
                fraction - apart,
                fmt.short(line.init_name, 24),
                color=style.colour,
                fontsize=8.5,
                transform=axes.transAxes,
                va="center_baseline",
                gid="label-init",
            )


def _legend(
    figure: Figure,
    lines: Sequence[AccuracyLine],
    look: dict[tuple[str, str], Look],
) -> None:
    several_inits = len({line.init for line in lines}) > 1
    handles = [
        Line2D([], [], color=s.colour, ls=s.dash, marker=s.marker, lw=1.8, ms=5.5, mec="white")
        for s in (look[line.model, line.init] for line in lines)
    ]
    names = [
        fmt.short(line.name, 22) + (f" · {fmt.short(line.init_name, 20)}" if several_inits else "")
        for line in lines
    ]
    figure.legend(
        handles,
        names,
        loc="upper left",
        bbox_to_anchor=(0.02, 0.995),
        frameon=False,
        borderpad=0,
        borderaxespad=0.2,
        labelspacing=0.35,
        handlelength=2.6,
        labelcolor=INK,
    )
