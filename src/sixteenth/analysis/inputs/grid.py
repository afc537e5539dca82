"""The study as the analysis sees it: runs, cells and the order of models, read from plain tables.

Everything that may be wrong or missing in a table is dealt with here, once: a run without a
result is set aside with its reason, and models are ordered by their parameters. The rest of the
analysis works on finished cells only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import InputError, SpecError
from ...spec.fraction import TrainFraction
from .predictions import Predictions, TestPredictions, Unpaired, read_predictions
from .trainings import Repeats, TrainingSpread, training_spread

REQUIRED = ("model", "train_size", "test_accuracy")

CellKey = tuple[str, str, str, float]
"""Model, init, fraction and length."""

TEST_NOISE = 0.4
"""Without predictions: the part of p (1 - p) / n by which trainings of one cell differ on n test
images for the images' sake alone. Two networks of one recipe often err on the same images."""


@dataclass(frozen=True)
class MissingReason:
    """Why a run takes no part in any conclusion.

    Attributes:
        status: of the run.
        lacks: the column that a finished run has no value in; else empty.
        error: what the run said when it failed, as it said it; may be empty.
    """

    status: str
    lacks: str
    error: str


@dataclass(frozen=True)
class Run:
    """One row of the results table. Numbers that are not there are NaN."""

    run_id: str
    model: str
    init: str
    fraction: str
    length: float
    """Part of the whole training's steps: 1 for the whole, less for a branch that ended early."""
    train_size: float
    seed: int
    status: str
    test_accuracy: float
    train_accuracy: float
    test_loss: float
    train_loss: float
    test_size: float
    train_measured: float
    """Training images behind the training accuracy."""
    parameters: float
    train_flops: float
    seconds: float
    epochs: float
    steps: float
    chosen_by: str
    final_map: str
    error: str

    @property
    def finished(self) -> bool:
        """Whether the run may take part in a conclusion."""
        known = math.isfinite(self.test_accuracy) and 0 < self.train_size < math.inf
        return self.status == "finished" and known

    @property
    def gap(self) -> float:
        """Generalisation gap: training accuracy minus test accuracy."""
        return self.train_accuracy - self.test_accuracy

    @property
    def why_missing(self) -> MissingReason:
        """The reason that the run takes no part."""
        lacks = ""
        if self.status == "finished":
            known = math.isfinite(self.test_accuracy)
            lacks = "train_size" if known else "test_accuracy"
        return MissingReason(self.status, lacks, self.error)


@dataclass(frozen=True)
class Cell:
    """The finished runs of one model, init, fraction and training length, by seed."""

    model: str
    init: str
    fraction: str
    train_size: float
    runs: tuple[Run, ...]
    planned: int
    length: float = 1.0

    @property
    def key(self) -> CellKey:
        """What makes it one cell."""
        return self.model, self.init, self.fraction, self.length

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(run.seed for run in self.runs)

    @property
    def run_ids(self) -> list[str]:
        return [run.run_id for run in self.runs]

    def mean(self, what: str) -> float:
        """Mean of a run's number over the seeds that have it; NaN when none has."""
        values = [float(getattr(run, what)) for run in self.runs]
        known = [value for value in values if math.isfinite(value)]
        return sum(known) / len(known) if known else math.nan

    def to_dict(self) -> dict[str, object]:
        """What makes it this cell, and the means over its runs, for JSON."""
        means = ("test_accuracy", "train_accuracy", "gap", "test_loss", "train_loss", "steps")
        return {
            "model": self.model,
            "init": self.init,
            "fraction": self.fraction,
            "length": self.length,
            "train_size": self.train_size,
            "seeds": list(self.seeds),
            "run_ids": self.run_ids,
            **{name: self.mean(name) for name in means},
        }

    @property
    def accuracy(self) -> float:
        return self.mean("test_accuracy")

    @property
    def test_size(self) -> float:
        """Test images behind each accuracy; the smallest where the runs differ."""
        return min((run.test_size for run in self.runs), default=math.nan)


@dataclass(frozen=True)
class Grid:
    """A study's finished cells in order, and what is missing.

    `models` is ordered from few to many parameters, `inits` with random weights first.

    Attributes:
        runs: whole trainings, finished or not.
        cells: of whole trainings.
        other_lengths: the same cells trained for another part of the steps.
    """

    runs: tuple[Run, ...]
    cells: tuple[Cell, ...]
    other_lengths: tuple[Cell, ...]
    models: tuple[str, ...]
    inits: tuple[str, ...]
    histories: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    predictions: TestPredictions = field(default_factory=TestPredictions)

    @property
    def correct(self) -> Mapping[str, NDArray[np.bool_]]:
        """run_id -> which test images it got right; only runs that can be paired."""
        return self.predictions.correct

    @property
    def unpaired(self) -> Unpaired | None:
        """Why test images cannot be paired between runs; None when they can."""
        return self.predictions.unpaired

    @property
    def missing(self) -> list[Run]:
        return [run for run in self.runs if not run.finished]

    @property
    def labelled(self) -> float:
        """Labelled training images that there are, as far as the runs tell, finished or not."""
        known = [run for run in self.runs if math.isfinite(run.train_size)]
        most = max((run.train_size for run in known), default=math.nan)
        # The largest share tells most of the whole: a small one is a rounded number of images.
        share, size = max(((_share(run.fraction), run.train_size) for run in known), default=(0, 0))
        return max(most, round(size / share)) if share else most

    def curve(self, model: str, init: str) -> list[Cell]:
        """The finished cells of a model and init, from few to many training images."""
        return [cell for cell in self.cells if cell.model == model and cell.init == init]

    def lengths(self, cell: Cell) -> list[Cell]:
        """The cell at all training lengths that were measured, the shortest first."""
        same = [other for other in self.other_lengths if other.key[:3] == cell.key[:3]]
        return sorted([*same, cell], key=lambda one: one.length)

    @cached_property
    def spread(self) -> TrainingSpread:
        """How much other trainings of each cell, at each length, differ."""
        return training_spread(
            {
                cell.key: Repeats(
                    [run.test_accuracy for run in cell.runs],
                    cell.train_size,
                    noise=self._test_noise(cell),
                    # The lengths of one run are no further trainings.
                    counts=cell.length == 1,
                )
                for cell in (*self.cells, *self.other_lengths)
            }
        )

    def _test_noise(self, cell: Cell) -> float:
        """The variance between trainings of a cell that its finite test set makes."""
        if len(cell.runs) < 2:
            return 0.0
        if not all(run_id in self.correct for run_id in cell.run_ids):
            p, size = cell.accuracy, cell.test_size
            return TEST_NOISE * p * (1 - p) / size if size > 0 else 0.0
        right = np.array([self.correct[run_id] for run_id in cell.run_ids], dtype=float)
        residual = right - right.mean(axis=0) - right.mean(axis=1, keepdims=True) + right.mean()
        trainings, images = right.shape
        square = float(np.sum(residual**2)) / ((trainings - 1) * max(1, images - 1))
        return float(square / images)

    def shared(self, first: tuple[str, str], second: tuple[str, str]) -> list[tuple[Cell, Cell]]:
        """Pairs of cells of two (model, init) at every size that both have finished."""
        other = {cell.train_size: cell for cell in self.curve(*second)}
        return [(c, other[c.train_size]) for c in self.curve(*first) if c.train_size in other]

    def parameters(self, model: str) -> float:
        """Parameters of a model, NaN where no run says."""
        known = [run.parameters for run in self.runs if run.model == model]
        return next((value for value in known if math.isfinite(value)), math.nan)

    @property
    def sizes_known(self) -> bool:
        """Whether the smallest and the largest model differ in parameters."""
        if len(self.models) < 2:
            return False
        small, big = self.parameters(self.models[0]), self.parameters(self.models[-1])
        return math.isfinite(small) and math.isfinite(big) and small < big


def read_grid(
    results: pd.DataFrame,
    histories: pd.DataFrame | None = None,
    predictions: Predictions | None = None,
) -> Grid:
    """Read the tables.

    Args:
        results: one row a run; at least the columns model, train_size and test_accuracy. What else
            is missing gets a default (init random, seed 0, length 1, finished where there is an
            accuracy).
        histories: one row an epoch, told apart by run_id.
        predictions: see `Predictions`; runs without them are compared unpaired.

    Raises:
        InputError: a column that is needed is not there, an accuracy is outside [0, 1], a seed is
            no whole number, or two finished runs have one model, init, fraction and seed.
    """
    runs = tuple(_read_run(row, i) for i, row in enumerate(_records(results)))
    _require_different(runs)
    models = sorted(
        dict.fromkeys(run.model for run in runs),
        key=lambda model: next(
            (r.parameters for r in runs if r.model == model and math.isfinite(r.parameters)),
            math.inf,
        ),
    )
    inits = sorted(dict.fromkeys(run.init for run in runs), key=lambda init: init != "random")
    accuracies = {run.run_id: run.test_accuracy for run in runs if run.finished}
    cells = _cells(runs, models, inits)
    return Grid(
        runs=tuple(run for run in runs if run.length == 1),
        cells=tuple(cell for cell in cells if cell.length == 1),
        other_lengths=tuple(cell for cell in cells if cell.length != 1),
        models=tuple(models),
        inits=tuple(inits),
        histories=_read_histories(histories),
        predictions=read_predictions(accuracies, predictions or {}),
    )


def whole_runs(results: pd.DataFrame) -> pd.DataFrame:
    """The rows of whole runs, without those of the same runs at other lengths."""
    if "length" not in results.columns:
        return results
    lengths = pd.to_numeric(results["length"], errors="coerce").astype(float)
    return results[(lengths == 1) | lengths.isna()]


def _records(results: pd.DataFrame) -> list[dict[str, object]]:
    absent = [column for column in REQUIRED if column not in results.columns]
    if absent:
        raise InputError(f"the results table has no column {absent[0]!r}")
    return [{str(key): value for key, value in row.items()} for row in results.to_dict("records")]


def _read_run(row: Mapping[str, object], position: int) -> Run:
    size, accuracy = _float(row, "train_size"), _float(row, "test_accuracy")
    run_id = _text(row, "run_id", f"row-{position + 1}")
    for column in ("test_accuracy", "train_accuracy"):
        value = _float(row, column)
        if math.isfinite(value) and not 0 <= value <= 1:
            raise InputError(f"{run_id}: {column} is {value:g}; accuracies lie in [0, 1]")
    return Run(
        run_id=run_id,
        model=_text(row, "model", "model"),
        init=_text(row, "init", "random"),
        fraction=_text(row, "fraction", f"{size:.0f} images" if math.isfinite(size) else "?"),
        length=_float(row, "length", 1.0),
        train_size=size,
        seed=_seed(row, run_id),
        status=_text(row, "status", "finished" if math.isfinite(accuracy) else "missing"),
        test_accuracy=accuracy,
        train_accuracy=_float(row, "train_accuracy"),
        test_loss=_float(row, "test_loss"),
        train_loss=_float(row, "train_loss"),
        test_size=_float(row, "test_size"),
        train_measured=_float(row, "train_measured"),
        parameters=_float(row, "parameters"),
        train_flops=_float(row, "train_flops"),
        seconds=_float(row, "seconds"),
        epochs=_float(row, "epochs"),
        steps=_float(row, "steps"),
        chosen_by=_text(row, "chosen_by", ""),
        final_map=_text(row, "final_map", ""),
        error=_text(row, "error", ""),
    )


def _seed(row: Mapping[str, object], run_id: str) -> int:
    seed = _float(row, "seed", 0.0)
    if not seed.is_integer():
        raise InputError(f"{run_id}: its seed {seed:g} is no whole number")
    return int(seed)


def _require_different(runs: tuple[Run, ...]) -> None:
    """Repeats are told apart, and paired, by their seeds."""
    seen: dict[tuple[CellKey, int], str] = {}
    for run in runs:
        if run.finished:
            key = run.model, run.init, run.fraction, run.length
            first = seen.setdefault((key, run.seed), run.run_id)
            if first != run.run_id:
                raise InputError(
                    f"{first} and {run.run_id} have the same model, init, fraction, length and "
                    f"seed ({run.seed}): give repeats different numbers in a column 'seed'"
                )


def _share(fraction: str) -> float:
    """The share that a fraction names, 0.0 where it names a number of images or nothing."""
    try:
        share = TrainFraction.parse(fraction).share
    except SpecError:
        return 0.0
    return float(share) if share is not None else 0.0


def _float(row: Mapping[str, object], column: str, default: float = math.nan) -> float:
    value = row.get(column)
    try:
        number = float(str(value)) if value is not None and value is not pd.NA else math.nan
    except ValueError:
        number = math.nan
    return default if math.isnan(number) else number


def _text(row: Mapping[str, object], column: str, default: str) -> str:
    value = row.get(column)
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return default
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a column of 1s reads back from CSV as numbers
    return " ".join(str(value).split()) or default


def _cells(runs: tuple[Run, ...], models: list[str], inits: list[str]) -> list[Cell]:
    groups: dict[CellKey, list[Run]] = {}
    for run in runs:
        groups.setdefault((run.model, run.init, run.fraction, run.length), []).append(run)
    cells = []
    for (model, init, fraction, length), members in groups.items():
        done = sorted((run for run in members if run.finished), key=lambda run: run.seed)
        if done:
            size = max(run.train_size for run in done)
            cells.append(Cell(model, init, fraction, size, tuple(done), len(members), length))
    return sorted(
        cells, key=lambda c: (models.index(c.model), inits.index(c.init), c.train_size, c.fraction)
    )


def _read_histories(histories: pd.DataFrame | None) -> dict[str, pd.DataFrame]:
    if histories is None or "run_id" not in histories.columns:
        return {}
    return {str(run_id): part for run_id, part in histories.groupby("run_id", sort=False)}
