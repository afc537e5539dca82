"""The recalls of single classes against the training images, the weakest classes named."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ...analysis.findings.per_class import ClassCurves
from ...language.base import Language
from ...language.text import plain
from .style import COLOURS, MARKERS, MUTED, NARROW, WIDE, draw_key, house_style, size_ticks
from .text import shortened

NAMED = 5
"""Classes with a colour and a name; the others are thin grey lines, however many there are."""
_OTHERS = "#a9afb8"


def class_figure(curves: ClassCurves, *, language: Language, narrow: bool = False) -> Figure:
    """A line for each class of the best network's model and init, over its sizes.

    Args:
        curves: the classes, the lowest recall first, with two sizes or more.
        language: of the labels.
        narrow: for a telephone.
    """
    width = NARROW if narrow else WIDE
    named = curves.classes[:NAMED]
    columns = 1 if narrow else 3
    rows = -(-(len(named) + 2) // columns)
    above = 0.42 + 0.2 * rows
    height = 2.6 + above
    labels, numbers = language.figures, language.numbers
    with house_style():
        figure = Figure(figsize=(width, height))
        box = (0.55 / width, 0.6 / height, 1 - 0.75 / width, 1 - (0.6 + above) / height)
        axes = figure.add_axes(box)
        sizes = np.asarray(curves.sizes)
        ticks = [numbers.count(size) for size in curves.sizes]
        size_ticks(axes, curves.sizes, ticks, box[2] * width)
        faint = max(0.25, min(0.9, 8 / len(curves.classes)))
        for one in curves.classes[NAMED:]:
            axes.plot(sizes, one.recalls, color=_OTHERS, lw=0.8, alpha=faint, zorder=2)
        recalls = np.array([one.recalls for one in curves.classes])
        mean = recalls.mean(axis=0)
        axes.plot(sizes, mean, color=MUTED, lw=2, ls=(0, (4, 2)), zorder=4, gid="class-mean")
        handles = [Line2D([], [], color=MUTED, lw=2, ls=(0, (4, 2)))]
        names = [labels.mean_recall]
        room = width / columns - 0.6
        for i, one in enumerate(named):
            colour, marker = COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]
            axes.plot(sizes, one.recalls, color=colour, lw=1.4, marker=marker, ms=4, zorder=3)
            handles.append(Line2D([], [], color=colour, lw=1.4, marker=marker, ms=4))
            names.append(shortened(plain(one.name), room))
        if len(curves.classes) > NAMED:
            handles.append(Line2D([], [], color=_OTHERS, lw=0.8))
            names.append(labels.other_classes.format(numbers.count(len(curves.classes) - NAMED)))
        low, high = float(recalls.min()), float(recalls.max())
        pad = max(0.06 * (high - low), 0.01)
        axes.set_ylim(max(-0.005, low - pad), min(1.005, high + pad))
        axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: numbers.percent(y, 0)))
        axes.grid(True, axis="y")
        axes.set_xlabel(labels.train_size, labelpad=7, loc="left")
        axes.set_title(labels.recall, loc="left", color=MUTED, pad=9)
        draw_key(figure, handles, names, columns=columns)
    return figure
