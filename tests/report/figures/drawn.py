"""What figures are drawn of in the tests, and where their points stand."""

from __future__ import annotations

from typing import Any

from invented import HOSTILE, Invented
from matplotlib.figure import Figure

from sixteenth.analysis import Cell, Option, OptionKind, OptionVerdict, cells, read_grid
from sixteenth.language import language_for
from sixteenth.report.figures.accuracy import accuracy_figure

ENGLISH = language_for()


def points_of(figure: Figure, prefix: str) -> list[tuple[float, float]]:
    return [
        (float(x), float(y))
        for axes in figure.axes
        for line in axes.lines
        if (line.get_gid() or "").startswith(prefix)
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
    ]


def drawn_accuracy(study: Invented, *fitted: Any, narrow: bool = False) -> Figure:
    grid = read_grid(study.results)
    return accuracy_figure(cells(grid), grid, *fitted, language=ENGLISH, narrow=narrow)


START = Cell("resnet18", "random", "1", 50_000, (), 1)
OPTIONS = [
    Option(OptionKind.TRAINING, START, ("resnet18", "random"), 0.038, 0.019, 0.057, 0.9,
           OptionVerdict.HELPS),
    Option(OptionKind.DATA, START, ("resnet18", "random"), 0.01, -0.01, 0.03, 0.9,
           OptionVerdict.CANNOT_TELL),
    Option(OptionKind.MODEL, START, (HOSTILE, "random"), -0.02, -0.04, -0.001, 0.95,
           OptionVerdict.DOES_NOT, measured=True),
    Option(OptionKind.INIT, START),
]  # fmt: skip
