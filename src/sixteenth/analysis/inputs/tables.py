"""Reads a study from plain tables: what may be wrong or missing in one is dealt with here, once."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import InputError
from ...spec.fields import AUTO_ENDS, is_frozen
from .cells import Cell, CellKey, Run
from .grid import HISTORY_COLUMNS, Grid, History
from .predictions import Predictions, TestPredictions, read_predictions
from .scoring import Metric, Scoring

REQUIRED = ("model", "train_size", "test_accuracy")
ANOTHER_STUDY = 1.5
"""Times as many images or steps as a repeat of the same training can hardly have."""
OWN_ENDS = (*AUTO_ENDS, "validation")
"""How runs are chosen that end after as many steps as each needs."""


def read_grid(
    results: pd.DataFrame,
    histories: pd.DataFrame | None = None,
    predictions: Predictions | None = None,
    metric: Metric = Metric.ACCURACY,
    images_there: float = math.nan,
) -> Grid:
    """Read the tables.

    Args:
        results: one row a run; at least the columns model, train_size and test_accuracy. What else
            is missing gets a default (init random, seed 0, length 1, finished where there is an
            accuracy).
        histories: one row an epoch, told apart by run_id.
        predictions: see `Predictions`; runs without them are compared unpaired.
        metric: what the study decides by. Balanced accuracy is computed from the predictions; of a
            run without them it is read from the columns `balanced_accuracy` and
            `balanced_test_size` of `results`, and a run that has neither takes no part.
        images_there: labelled training images of the data; NaN where not known.

    Raises:
        InputError: a column that is needed is not there, an accuracy is outside [0, 1], a seed is
            no whole number, two finished runs have one model, init, fraction and seed, or runs of
            one model, init and fraction differ in their images or steps by half or more.
    """
    rows = [_read_run(row, i, metric) for i, row in enumerate(_records(results))]
    ended = [run for run in rows if run.ended and 0 < run.train_size < math.inf]
    known = {run.run_id: run.test_accuracy for run in ended if math.isfinite(run.test_accuracy)}
    read = read_predictions(known, predictions or {})
    runs = tuple(rows)
    if metric is not Metric.ACCURACY:
        runs = tuple(_scored(run, read, Scoring.of(metric, read.labels)) for run in rows)
    _require_different(runs)
    models = sorted(
        dict.fromkeys(run.model for run in runs),
        key=lambda model: next(
            (r.parameters for r in runs if r.model == model and math.isfinite(r.parameters)),
            math.inf,
        ),
    )
    inits = sorted(dict.fromkeys(run.init for run in runs), key=lambda init: init != "random")
    cells = _cells(runs, models, inits)
    _require_repeats(cells)
    length = compared_length(cells)
    reached = {
        (*cell.without_length, run.seed): run
        for cell in cells
        for run in cell.runs
        if cell.length == length
    }
    return Grid(
        runs=tuple(
            reached.get((*run.without_length, run.seed), run) for run in runs if run.length == 1
        ),
        cells=tuple(cell for cell in cells if _is_compared(cell, length)),
        other_lengths=tuple(cell for cell in cells if not _is_compared(cell, length)),
        length=length,
        models=tuple(models),
        inits=tuple(inits),
        histories=_read_histories(histories, {run.run_id for run in rows if run.so_far}),
        predictions=read,
        metric=metric,
        images_there=images_there,
    )


def compared_length(cells: Sequence[Cell]) -> float:
    """The length of training at which networks are compared, 1 or less.

    Within a budget, runs of the largest fraction may be stopped after a part of their steps. It is
    the longest length of those at which the largest fraction is known of as many models and initial
    weights as any fraction is: all that is compared was then trained for the same part.
    """
    lengths = {cell.length for cell in cells if cell.length < 1} | {1.0}
    known: dict[tuple[float, str], list[Cell]] = {}
    for length in lengths:
        for cell in cells:
            if _is_compared(cell, length):
                known.setdefault((length, cell.fraction), []).append(cell)
    most = max(map(len, known.values()), default=0)
    reach = {
        length: max(
            (
                max(cell.train_size for cell in together)
                for (at, _), together in known.items()
                if at == length and len(together) == most
            ),
            default=0.0,
        )
        for length in lengths
    }
    return max(length for length in lengths if reach[length] == max(reach.values()))


def _is_compared(cell: Cell, length: float) -> bool:
    """A head on frozen features has no length: it is fitted to its end."""
    return cell.length == length or (cell.length == 1 and is_frozen(cell.init))


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


def _scored(run: Run, read: TestPredictions, scoring: Scoring) -> Run:
    """A run with the metric and its noise from its predictions, where these can be used."""
    right = read.correct.get(run.run_id)
    if right is None:
        return run
    size = scoring.effective_size(right)
    return replace(run, accuracy=float(scoring.score(right)), effective_size=size)


def _read_run(row: Mapping[str, object], position: int, metric: Metric) -> Run:
    size, accuracy = _float(row, "train_size"), _float(row, "test_accuracy")
    run_id = _text(row, "run_id", f"row-{position + 1}")
    init, feature_seconds = _text(row, "init", "random"), _float(row, "feature_seconds")
    mixed = is_frozen(init) and math.isnan(feature_seconds)  # a table of an earlier version
    decides, images = metric.columns
    for column in dict.fromkeys(("test_accuracy", "train_accuracy", decides)):
        value = _float(row, column)
        if math.isfinite(value) and not 0 <= value <= 1:
            raise InputError(f"{run_id}: {column} is {value:g}; accuracies lie in [0, 1]")
    return Run(
        run_id=run_id,
        model=_text(row, "model", "model"),
        init=init,
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
        seconds=math.nan if mixed else _float(row, "seconds"),
        feature_seconds=feature_seconds,
        epochs=_float(row, "epochs"),
        steps=_float(row, "steps"),
        chosen_by=_text(row, "chosen_by", ""),
        final_map=_text(row, "final_map", ""),
        machine=_text(row, "machine", ""),
        error=_text(row, "error", ""),
        accuracy=_float(row, decides),
        effective_size=_float(row, images),
        balanced=(_float(row, "balanced_accuracy"), _float(row, "balanced_test_size")),
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
            first = seen.setdefault((run.cell_key, run.seed), run.run_id)
            if first != run.run_id:
                raise InputError(
                    f"{first} and {run.run_id} have the same model, init, fraction, length and "
                    f"seed ({run.seed}): give repeats different numbers in a column 'seed'"
                )


def _require_repeats(cells: Sequence[Cell]) -> None:
    """Runs of which one has half as many images or steps again as another are no trainings of one
    network: the table was put together from several studies. Where each run ends when it is at its
    best, steps differ; folds and subsets differ by a few images."""
    for cell in (cell for cell in cells if cell.length == 1):
        own_ends = any(run.chosen_by in OWN_ENDS for run in cell.runs)
        units = {"train_size": "images"} if own_ends else {"train_size": "images", "steps": "steps"}
        for what, unit in units.items():
            known = [(float(getattr(run, what)), run.run_id) for run in cell.runs]
            known = [(number, run_id) for number, run_id in known if math.isfinite(number)]
            if not known:
                continue
            (few, first), (many, last) = min(known), max(known)
            if many >= few * ANOTHER_STUDY > 0:
                raise InputError(
                    f"{first} and {last} count as repeats of one training, but have {few:,.0f} and "
                    f"{many:,.0f} {unit}: keep the studies that they are from apart, or give one "
                    "another 'model', 'fraction' or 'length'"
                )


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
        groups.setdefault(run.cell_key, []).append(run)
    finished = {key: [run for run in members if run.finished] for key, members in groups.items()}
    alike = {key: _alike(runs) for key, runs in finished.items()}
    left_out = {
        (*run.without_length, run.seed)
        for key, runs in finished.items()
        if key[3] == 1
        for run in runs
        if run not in alike[key]
    }
    cells = []
    for (model, init, fraction, length), members in groups.items():
        key = model, init, fraction, length
        # The shorter lengths of a run that is left out are those of a shorter training.
        done = [run for run in alike[key] if (*run.without_length, run.seed) not in left_out]
        if done:
            size = max(run.train_size for run in done)
            cells.append(Cell(model, init, fraction, size, tuple(done), len(members), length))
    return sorted(
        cells, key=lambda c: (models.index(c.model), inits.index(c.init), c.train_size, c.fraction)
    )


def _alike(runs: list[Run]) -> list[Run]:
    """The runs of a cell whose mean is that of one network, by seed.

    Those that count as they were measured so far are left out beside runs that have come to their
    end, and beside runs that were trained for longer.
    """
    ended = [run for run in runs if not run.so_far]
    steps = max((run.steps for run in runs if math.isfinite(run.steps)), default=math.nan)
    longest = ended or [run for run in runs if run.steps == steps] or runs
    return sorted(longest, key=lambda run: run.seed)


def _read_histories(
    histories: pd.DataFrame | None, without: Container[str] = ()
) -> dict[str, History]:
    """The histories by run_id, `without` those of runs that do not end where these do."""
    if histories is None or "run_id" not in histories.columns:
        return {}
    columns = {name: _floats(histories, name) for name in HISTORY_COLUMNS}
    found: dict[str, History] = {}
    for run_id, rows in rows_by_run(histories).items():
        if run_id in without:
            continue
        history = {name: values[rows] for name, values in columns.items()}
        places = np.arange(1.0, len(rows) + 1)
        history["epoch"] = np.where(np.isnan(history["epoch"]), places, history["epoch"])
        found[run_id] = history
    return found


def _floats(table: pd.DataFrame, name: str) -> NDArray[np.float64]:
    """A column as numbers; NaN where there is none."""
    if name not in table:
        return np.full(len(table), np.nan)
    return pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=float)


def rows_by_run(histories: pd.DataFrame) -> dict[str, NDArray[np.intp]]:
    """run_id -> positions of its rows, by epoch. Tables of a thousand runs would take seconds."""
    if not len(histories):
        return {}
    codes, names = pd.factorize(histories["run_id"])
    order = np.lexsort((_floats(histories, "epoch"), codes))
    order = order[codes[order] >= 0]  # a row that names no run
    parts = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
    return {str(names[codes[rows[0]]]): rows for rows in parts}
