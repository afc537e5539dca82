"""Levers: the changes under which `sixteenth explain` trains two cells again, and their runs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

import pandas as pd

from ...spec.fields import is_part_trained
from ..inputs.cells import Arm, Cell
from ..inputs.predictions import Predictions
from ..inputs.tables import whole_runs


class Lever(StrEnum):
    """What is changed to test a reason, in the order in which it is tested."""

    STEPS = "steps-x4"
    IMAGE_SIZE = "image-size-x2"
    STEM = "stem-cifar"
    ZERO_INIT = "zero-init-residual"
    RATE_HALF = "learning-rate-half"
    """For the cell that is behind alone."""
    RATE_DOUBLE = "learning-rate-double"
    """For the cell that is behind alone."""
    WEIGHT_DECAY = "weight-decay-x4"
    AUGMENTATION = "augmentation"
    SEEDS = "seeds"
    """Nothing: its runs are repeats of the two cells."""


ALONE = (Lever.RATE_HALF, Lever.RATE_DOUBLE)
"""Levers that are tried on the cell that is behind alone."""
MORE_SEEDS = 2
"""More trainings of each of two cells that cannot be told apart: the repeats of `Lever.SEEDS`."""


@dataclass(frozen=True)
class CellPair:
    """Two cells of one fraction, one of which is behind the other."""

    fraction: str
    behind: Arm
    ahead: Arm


def is_testable(*cells: Cell) -> bool:
    """Whether `sixteenth explain` can train cells again: it trains whole runs, of all weights."""
    whole = all(cell.length == 1 and not cell.so_far for cell in cells)
    return whole and not any(is_part_trained(cell.init) for cell in cells)


@dataclass(frozen=True)
class LeverProgress:
    """How many runs of a lever are finished, of those that were planned."""

    lever: Lever
    finished: int
    planned: int


@dataclass(frozen=True)
class LeverRuns:
    """What one lever's runs of one pair measured, as the analysis takes it.

    Attributes:
        results: as the study's own table, of these runs.
        predictions: of these runs.
        settings: of the study file, as KEY=VALUE, that train the whole study with the lever; none
            where it is for one cell alone.
    """

    pair: CellPair
    lever: Lever
    results: pd.DataFrame
    predictions: Predictions
    settings: tuple[str, ...] = ()

    def progress(self, known: Collection[str]) -> LeverProgress:
        """How many of its runs are finished.

        Args:
            known: runs that are finished in the study's own table, which may hold repeats that are
                gone from their folders.
        """
        runs = whole_runs(self.results)
        finished = runs["status"] == "finished"
        if self.lever is Lever.SEEDS:
            finished |= runs["run_id"].isin(known)
        return LeverProgress(self.lever, int(finished.sum()), len(runs))

    @property
    def begins_to_tell(self) -> bool:
        """Whether one of its runs is finished, or a length of one."""
        return bool((self.results["status"] == "finished").any())
