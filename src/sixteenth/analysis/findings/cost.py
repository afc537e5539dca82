"""What more trainings of a study would take, at the speed of those that it has."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Sequence

from ...spec.fields import is_frozen
from ..inputs.cells import Cell, CellKey, Run
from ..inputs.grid import Grid


def cell_seconds(grid: Grid, cell: Cell, images: float | None = None) -> float:
    """Seconds that one training of a cell takes, or of one on so many images.

    With as many epochs; where all sizes of its curve have equal steps, with these. Before a head is
    fitted, these and the test images pass through its network. NaN where no run of the study tells
    how long that takes.
    """
    images = cell.train_size if images is None else images
    longer = 1.0 if _equal_steps(grid.curve(cell.arm)) else images / cell.train_size
    seconds = cell.mean("seconds") * longer
    if not is_frozen(cell.init):
        return seconds
    runs = (run for other in grid.curve(cell.arm) for run in other.runs)
    passes = [run.feature_seconds for run in runs if run.feature_seconds > 0]
    if not passes:
        return math.nan
    of_all = sum(passes) / len(passes)
    return seconds + of_all * (images + cell.test_size) / (grid.labelled + cell.test_size)


def training_seconds(grid: Grid, runs: Iterable[Run]) -> float:
    """Seconds that these runs take one after another; NaN where that of one is not known.

    A run that has not finished takes as long as those of its model and weights on the nearest
    number of images. Where the epochs are equal, the time grows with the images.
    """
    if grid.length < 1:  # stopped early: what is left of each run is not in the records
        return math.nan
    missing = {(run.cell_key, run.seed) for run in grid.missing}
    return sum(
        _expected(grid, run) if (run.cell_key, run.seed) in missing else run.seconds for run in runs
    )


def study_seconds(grid: Grid, repeats: Container[str] = ()) -> float:
    """Seconds that all runs of the study take, see `training_seconds`.

    Args:
        repeats: run ids that `explain` trained, and that the study would not.
    """
    return training_seconds(grid, (run for run in grid.runs if run.run_id not in repeats))


def longer_seconds(
    grid: Grid, repeats: Container[str] = (), times: float = 2.0, *, steps: int | None = None
) -> float:
    """`study_seconds` where each run is trained so many `times` as long, or for so many steps.

    A head on frozen features is fitted to its end, and takes no longer.
    """
    total = 0.0
    for run in grid.runs:
        if run.run_id in repeats:
            continue
        longer = times if steps is None else steps / run.steps if run.steps > 0 else math.nan
        total += training_seconds(grid, [run]) * (1.0 if is_frozen(run.init) else longer)
    return total


def seeds_seconds(grid: Grid, seeds: int) -> float:
    """Seconds of training that it takes until each cell has so many seeds; NaN where not known."""
    cells: dict[CellKey, list[Run]] = {}
    for run in grid.runs:
        cells.setdefault(run.cell_key, []).append(run)
    more = ((max(0, seeds - len(runs)), runs[:1]) for runs in cells.values())
    return sum(number * training_seconds(grid, run) for number, run in more if number)


def size_seconds(grid: Grid, size: float) -> float:
    """Seconds of training that one more size takes; NaN where not known.

    Its runs are those of each model and weights with each seed of the study.
    """
    if grid.length < 1:
        return math.nan
    seeds = len({run.seed for run in grid.runs})
    return seeds * sum(_at_size(curve, size) for curve in grid.curves.values())


def _expected(grid: Grid, run: Run) -> float:
    curve, size = grid.curve(run.arm), grid.size_of(run)
    return _at_size(curve, size) if curve and size > 0 else math.nan


def _at_size(curve: Sequence[Cell], size: float) -> float:
    near = min(curve, key=lambda cell: abs(math.log(cell.train_size / size)))
    return near.mean("seconds") * (1.0 if _equal_steps(curve) else size / near.train_size)


def _equal_steps(curve: Sequence[Cell]) -> bool:
    """Whether more images of this curve were trained on for as many steps."""
    steps = {cell.mean("steps") for cell in curve}
    return len(curve) > 1 and len(steps) == 1 and max(steps) > 0  # a head has none
