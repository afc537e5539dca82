"""What figures and pages need to know of the results table: the axes of its grid.

Order comes from the analysis, so that a model is first and blue wherever the report shows it.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ..analysis import Grid, runs_table
from ..analysis.inputs.cells import Arm


@dataclass(frozen=True)
class GridAxes:
    """The axes of a study's grid.

    Attributes:
        models, inits: as the study writes them, in the order of the analysis' tables.
        rows: (model, init), in the same order.
        fractions: (fraction, training images or None), the smallest first.
    """

    models: list[str]
    inits: list[str]
    rows: list[Arm]
    fractions: list[tuple[str, int | None]]


def grid_axes(grid: Grid) -> GridAxes:
    """The axes that the runs of a study span.

    Runs are planned fraction by fraction, so fractions of unknown size stay in that order.
    """
    runs = runs_table(grid)
    sizes: dict[str, int | None] = {}
    for fraction, size in zip(runs["fraction"], runs["train_size"], strict=True):
        if sizes.get(fraction) is None:
            sizes[fraction] = None if pd.isna(size) else int(size)
    order = list(sizes)
    if all(size is not None for size in sizes.values()):
        order.sort(key=lambda fraction: sizes[fraction] or 0)
    return GridAxes(
        list(dict.fromkeys(runs["model"])),
        list(dict.fromkeys(runs["init"])),
        list(dict.fromkeys(zip(runs["model"], runs["init"], strict=True))),
        [(fraction, sizes[fraction]) for fraction in order],
    )
