"""What stands under each figure and table, and what a screen reader says instead of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from sixteenth.analysis import Band, Move, interval_caption

from ...report.figures.accuracy import AccuracyLine
from ...report.figures.gains import shown_options
from ...report.figures.panels import CurveGrid, Metric
from ...report.page.axes import grid_axes, measured
from .. import format as fmt
from .moves import basis as move_basis
from .moves import label
from .words import Words


def accuracy(
    cell_table: pd.DataFrame,
    lines: Sequence[AccuracyLine],
    bands: Mapping[tuple[str, str], Band],
) -> str:
    """Which points, lines and intervals the accuracy figure shows."""
    several = any(len(line.seeds) > len(line.sizes) for line in lines)
    points = (
        "Filled points are means over the seeds, small open points the single seeds"
        if several
        else "Each point is one run"
    )
    beside = (
        " Points at one size stand side by side so that their intervals can be told apart."
        if len(lines) > 1
        else ""
    )
    curve = ""
    if bands:
        level = f"{next(iter(bands.values())).level:.0%}"
        curve = (
            f" Lines: power laws fitted to the points and brought onto them. Shaded: the {level} "
            "interval of the true curve; dotted, to the right of the last point, the forecast of "
            "the next doubling."
        )
    return f"{points}. {_sentence(interval_caption(cell_table))}{beside}{curve}"


def accuracy_alt(lines: Sequence[AccuracyLine]) -> str:
    """The figure's numbers in words."""
    parts = [
        f"{line.name}, {line.init_name}: "
        + ", ".join(
            f"{fmt.percent(mean)} with {fmt.count(size)}"
            for size, mean in zip(line.sizes, line.means, strict=True)
        )
        for line in lines
    ]
    return f"Line chart of test accuracy against training images. {'; '.join(parts) or 'Empty'}."


def options(moves: Sequence[Move], level: float, words: Words) -> str:
    """How to read the options figure, and what its intervals rest on."""
    measured = [move for move in moves if move.kind != "next"]
    foreseen = [move for move in moves if move.kind == "next"]
    bases = dict.fromkeys(move_basis(m.contrast) for m in measured if m.contrast is not None)
    named = "; or ".join(bases)
    basis = f" Intervals: {_sentence(named)}" if named else ""
    forecast = ""
    if foreseen:
        forecast = (
            f" Diamonds: forecasts by the fitted curves, with {foreseen[0].level:.0%} intervals."
        )
    hidden = len(moves) - sum(len(group.moves) for group in shown_options(moves, words))
    others = f" {hidden} moves from other starting points are left out." if hidden else ""
    return (
        f"Points of test accuracy gained, with {level:.0%} intervals. Filled: the interval leaves "
        f"out zero. Open: these runs cannot tell.{forecast}{others}{basis}"
    )


def options_alt(moves: Sequence[Move], words: Words) -> str:
    """The options figure in words."""
    parts = [
        f"{fmt.plain(label(move, words))}: {fmt.points(move.gain)} points "
        f"({fmt.points_interval(move.low, move.high)})"
        for move in moves
    ]
    return f"Gains in test accuracy. {'; '.join(parts)}."


def curves(
    grid: CurveGrid,
    metric: Metric,
    smoothing: float,
    augmented: bool,
    test_augmentation: str,
    *,
    validated: bool,
) -> str:
    """What the two lines of each panel are, since they are not measured in the same way.

    Args:
        grid: the panels.
        metric: loss or accuracy.
        smoothing: label smoothing that is in the training losses.
        augmented: whether training images are.
        test_augmentation: as in the study file's `train` section.
        validated: whether a validation part chose the epoch of the result.
    """
    each = "A thin line for each seed" if grid.several_seeds else "One run a panel"
    axes = f"{each}; all panels share their axes."
    when = "of the epoch that the validation part chose" if validated else "at the end"
    gap = "; the distance to the test line is the generalisation gap."
    if test_augmentation in _VIEWS:
        # The table's gap is to the averaged predictions, which no line shows.
        gap = (
            ". Neither they nor the lines are averaged over views, as the table's test values are."
        )
    clean = f" Diamonds: training {metric} {when} on clean images, measured as on test images{gap}"
    if not grid.clean:
        clean = ""
    images = ", on augmented images" if augmented else ""
    training = f"a running average over each epoch{images} while the weights change"
    if metric == "loss":
        smoothed = (
            f" and with label smoothing {smoothing:g}, which raises it against the test loss"
            if smoothing
            else ""
        )
        highest = f"{grid.highest:.1f}" if grid.highest < 100 else fmt.count(grid.highest)
        cut = (
            f" The axis ends at {grid.top:.1f}; the highest value is {highest}."
            if grid.highest > grid.top
            else ""
        )
        return (
            f"Training loss is {training}{smoothed}; test loss is the plain cross-entropy, "
            f"measured at {_ends(grid)}.{clean} {axes}{cut}"
        )
    return (
        f"Training accuracy is {training}; test accuracy is measured at {_ends(grid)}.{clean} "
        f"{axes}"
    )


def _ends(grid: CurveGrid) -> str:
    """After which epochs the test values were measured."""
    drawn = [curve for panel in grid.panels.values() for curve in panel.curves]
    if all(len(curve.x) == curve.measured for curve in drawn):
        return "each epoch's end"
    return "the end of some epochs, each a point of its line"


def curves_alt(metric: str, results: pd.DataFrame) -> str:
    """What the small multiples show; their numbers stand in the results table."""
    axes = grid_axes(results)
    rows = "; ".join(f"{axes.models[model]}, {axes.inits[init]}" for model, init in axes.rows)
    columns = ", ".join(fmt.fraction(fraction) for fraction, _ in axes.fractions)
    return (
        f"Small multiples of training and test {metric} over training. Rows: {rows}. "
        f"Columns, parts of the training set: {columns}. "
        f"{len(measured(results))} of {len(results)} runs have curves."
    )


_VIEWS = {
    "mirror": "each image and its mirror image",
    "mirror-shift": "six views of each image, mirrored and shifted by a pixel",
}


def table(cell_table: pd.DataFrame, test_augmentation: str) -> str:
    """What the columns of the results table mean.

    Args:
        test_augmentation: as in the study file's `train` section.
    """
    views = (
        f" Test accuracy is that of predictions averaged over {_VIEWS[test_augmentation]}; "
        "training accuracy and the training curves are not averaged so, and the gap is smaller by "
        "what averaging brings."
        if test_augmentation in _VIEWS
        else ""
    )
    means = ""
    if len(cell_table) and (cell_table["n_seeds"] > 1).any():
        means = " The interval of a mean also holds the spread of its seeds."
    return (
        "Interval: of one run, the 95% binomial interval that the test set's size leaves."
        f"{means} Training accuracy is measured at the end, on clean images. Gap: training minus "
        f"test accuracy, in percentage points.{views} Training FLOPs are the floating-point "
        "operations of the whole run, forward and backward."
    )


def _sentence(text: str) -> str:
    value = fmt.plain(text)
    return value if not value or value.endswith(".") else f"{value}."
