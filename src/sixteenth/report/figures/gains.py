"""The figure that answers the question: what each option would add to the best network.

The analysis computes the options; this module only draws them on one axis, the best first.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ...analysis import Option
from ...language.base import Language
from .style import GRID, INK, NARROW, WIDE, house_style, nothing
from .text import shortened, widest, wrapped

_SIZE = 8.5
"""Points, of the options' names and numbers."""
_HEAD, _FOOT = 0.36, 0.62
"""Inches above and below the options."""


def options_figure(
    options: Sequence[Option], *, language: Language, narrow: bool = False
) -> Figure:
    """What each option would add: the gain in accuracy with its interval, and a line at no gain.

    Filled points have an interval that leaves out zero. Hollow ones are not decided: their interval
    holds zero, several comparisons are corrected for, longer training may change it, or images and
    steps are not separated. A diamond is a forecast. Options whose gain is not known are left out.
    """
    known = [option for option in options if option.known]
    width, pitch = (NARROW, 0.62) if narrow else (WIDE, 0.3)
    height = _FOOT + _HEAD + (pitch * len(known) if known else 0.6)
    right = 0.36 + widest((_numbers(option, language) for option in known), _SIZE)
    left = 0.1 if narrow else 2.4
    with house_style():
        figure = Figure(figsize=(width, height))
        axes = figure.add_axes(
            (left / width, _FOOT / height, 1 - (left + right) / width, 1 - _FOOT / height)
        )
        if not known:
            nothing(axes, language.figures.no_options)
            return figure
        _gain_axis(axes, known, language)
        axes.set_ylim(-(height - _FOOT), 0.0)  # inches, down from the top
        start = language.captions.cell(known[0].start)
        heading = language.figures.from_start.format(start)
        _text(axes, shortened(heading, width - 0.2, 9, bold=True), -_HEAD / 2, left, narrow=narrow)
        for i, option in enumerate(known):
            top = -_HEAD - pitch * i
            # On a telephone the words stand above the point.
            y = top - (0.46 if narrow else pitch / 2)
            reach = 0.13 if narrow else pitch / 2
            axes.vlines(axes.get_xticks(), y - reach, y + reach, color=GRID, lw=0.8, zorder=0)
            axes.vlines(0, y - reach, y + reach, color=INK, lw=1.0, zorder=1)
            _draw(axes, option, y)
            name = language.captions.option(option)
            name = wrapped(name, NARROW - 0.2, _SIZE, 1)[0] if narrow else name
            _text(
                axes,
                name if narrow else shortened(name, left - 0.12, _SIZE),
                top - 0.14 if narrow else y,
                left,
                narrow=narrow,
                size=_SIZE,
            )
            axes.text(
                1.04,
                y,
                _numbers(option, language),
                transform=axes.get_yaxis_transform(),
                va="center",
                fontsize=_SIZE,
            )
    return figure


def _gain_axis(axes: Axes, options: Sequence[Option], language: Language) -> None:
    values = [100 * v for option in options for v in (option.low, option.high, option.gain)]
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


def _text(
    axes: Axes, text: str, y: float, left: float, *, narrow: bool, size: float | None = None
) -> None:
    """A text left of the axis; on a telephone over it. Bold where it has no `size`."""
    axes.annotate(
        text,
        (0, y),
        xycoords=axes.get_yaxis_transform(),
        xytext=(0 if narrow else -72 * (left - (0.2 if size else 0.1)), 0),
        textcoords="offset points",
        fontweight="normal" if size else "bold",
        color=INK,
        va="center",
        fontsize=size or 9,
    )


def _draw(axes: Axes, option: Option, y: float) -> None:
    low, gain, high = (100 * v for v in (option.low, option.gain, option.high))
    axes.errorbar(
        [gain],
        [y],
        xerr=[[max(0.0, gain - low)], [max(0.0, high - gain)]],
        fmt="none",
        ecolor=INK,
        elinewidth=1.5,
        capsize=3,
        capthick=1.2,
        zorder=2,
    )
    axes.plot(
        [gain],
        [y],
        ls="",
        marker="o" if option.measured else "D",
        ms=6.5 if option.measured else 5.5,
        mfc="white" if option.told.is_open else INK,
        mec=INK,
        mew=1.3,
        zorder=3,
        gid=f"gain-{option.kind}",
    )


def _numbers(option: Option, language: Language) -> str:
    """The gain and its interval: ``+3.1 (+2.0 to +4.3)``."""
    numbers = language.numbers
    interval = numbers.points_interval(option.low, option.high)
    return numbers.points(option.gain) + numbers.aside.format(interval)
