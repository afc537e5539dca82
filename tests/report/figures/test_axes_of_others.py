"""Figures of one panel can be drawn into axes of one's own, and drawn twice."""

from __future__ import annotations

import numpy as np
from invented import invented_study
from matplotlib.figure import Figure

from sixteenth import fit_learning_curve
from sixteenth.analysis import cells, read_grid
from sixteenth.language import language_for
from sixteenth.report.figures.accuracy import accuracy_figure
from sixteenth.report.figures.fit import fit_figure

LANGUAGE = language_for()


def test_accuracy_and_fit_share_a_figure_of_ones_own() -> None:
    figure = Figure(figsize=(12, 4), layout="none")
    left, right = figure.subplots(1, 2)
    grid = read_grid(invented_study().results)
    drawn = accuracy_figure(cells(grid), grid, language=LANGUAGE, ax=left)
    sizes = np.array([500, 1000, 2000, 4000])
    curve = fit_learning_curve(sizes, 0.1 + 4 / np.sqrt(sizes))
    assert drawn is figure
    assert fit_figure({"mine": curve}, LANGUAGE, ax=right) is figure
    assert figure.axes == [left, right]
    for axes in (left, right):
        assert axes.lines
        assert axes.get_legend() is not None
    assert not figure.legends


def test_a_figure_can_be_drawn_twice_and_is_the_same() -> None:
    grid = read_grid(invented_study().results)
    figures = [accuracy_figure(cells(grid), grid, language=LANGUAGE) for _ in range(2)]
    texts = []
    for figure in [*figures, figures[0]]:
        figure.canvas.draw()
        texts.append([(t.get_text(), t.get_position()) for t in figure.axes[0].texts])
    assert texts[0] == texts[1] == texts[2]
