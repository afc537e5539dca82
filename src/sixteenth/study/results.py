"""The results table and the table of histories, derived from a snapshot of the run folders."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..errors import InputError
from ..spec import RunSpec, describe_differences, spec_differences, without_keys, without_place
from ..storage.kept_tables import KeptRows, read_table
from ..storage.lease import Pulse
from ..storage.run_facts import (
    DataFacts,
    Environment,
    ExecutionFacts,
    LengthMetrics,
    Metrics,
    ModelFacts,
)
from ..storage.run_folder import RunFolder
from ..storage.run_record import RunRecord
from ..storage.study_folder import StudySnapshot, control_id
from ..storage.whole_files import write_text

if TYPE_CHECKING:
    from ..analysis import Grid

COLUMNS = [
    "run_id", "model", "init", "fraction", "length", "train_size", "seed", "status",
    "train_accuracy", "test_accuracy", "test_accuracy_low", "test_accuracy_high",
    "balanced_accuracy", "balanced_accuracy_low", "balanced_accuracy_high", "balanced_test_size",
    "top5_accuracy", "ece", "test_loss",
    "train_loss", "test_size", "train_measured", "parameters", "train_flops", "seconds",
    "feature_seconds", "epochs", "steps", "generalisation_gap", "chosen_by", "final_map", "machine",
    "error",
]  # fmt: skip
WHOLE = [
    "train_size", "seed", "test_size", "train_measured", "parameters", "train_flops", "epochs",
    "steps",
]  # fmt: skip
"""Columns of whole numbers: pandas' Int64, so that a missing one does not make floats of all."""

MEASURES = ["balanced_accuracy", "balanced_test_size", "top5_accuracy", "ece"]
"""Columns that are computed from a run's test predictions."""

CELL = ["run_id", "model", "init", "fraction", "train_size", "seed"]


def results_table(snapshot: StudySnapshot, *, intervals: bool = True) -> pd.DataFrame:
    """One row per run of the grid, in its order, and below it one for each of its shorter lengths.

    The `length` of a whole run is 1. That of a shorter one has its row, with the run_id
    ``RUN_ID@1/4``, when the run is finished or was stopped after it; so has a control,
    ``RUN_ID@2``, that was trained again with more steps. A run that was not begun has the status
    "missing"; trainings of `sixteenth explain` that repeat a cell come last. Accuracies are in
    [0, 1]; `test_accuracy_low` and `test_accuracy_high` are the ends of the 95% interval for
    another training of the cell, see `analysis.run_intervals`; so are those of `balanced_accuracy`.
    What `analysis.stats.measures` describes is computed from the stored predictions, and NaN where
    there are none. Runs whose folders are gone have the rows that the study has kept of them.

    Args:
        intervals: compute them; else they are NaN. Each rests on all runs, so that none can be kept
            from one table to the next.

    Raises:
        InputError: a run was not made by the study.
    """
    from ..analysis import Metric, read_grid, run_intervals
    from .predictions import paired, read_tested

    check_made_by(snapshot)
    kept = snapshot.kept
    rows = []
    controls = {run_id: control.record for run_id, control in snapshot.controls.items()}
    machines, control_machines = machine_kinds(snapshot.records), machine_kinds(controls)
    for run in snapshot.runs:
        record = snapshot.records.get(run.run_id)
        of_run = kept.of_run(run.run_id) if record is None else []
        if run.run_id in kept.rows and record is None:
            rows += of_run
            continue
        whole = _row(run, record) | {"machine": machines.get(run.run_id, "")}
        if whole["status"] == "running" and not Pulse(snapshot.place(run.run_id).path).is_alive():
            whole["status"] = "interrupted"  # its process was killed
        rows.append(whole)
        if record is not None:
            rows += [whole | _shorter_row(record, length) for length in record.lengths]
        rows += of_run  # of a run that a budget stopped after a shorter length
        if run.run_id in controls and record is not None and record.is_finished:
            row = _control_row(run, record, controls[run.run_id])
            rows.append(row | {"machine": control_machines[run.run_id]})
    for run_id in kept.repeats(snapshot.runs):
        rows += kept.of_run(run_id)
    table = pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(WHOLE, "Int64"))
    tested, listed = read_tested(snapshot), table.to_dict("records")
    untested = [row for row in listed if row["run_id"] not in tested]
    known = _known_measures(snapshot, untested)
    for column in MEASURES:
        table[column] = [
            float(getattr(tested[row["run_id"]].measures, column))
            if row["run_id"] in tested
            else known.get(row["run_id"], {}).get(column, math.nan)
            for row in listed
        ]
    for metric in Metric if intervals else ():
        grid, (column, _) = read_grid(table, metric=metric), metric.columns
        found = run_intervals(replace(grid, predictions=paired(grid, tested)))
        for end in ("low", "high"):
            ends = {run_id: getattr(interval, end) for run_id, interval in found.items()}
            table[f"{column}_{end}"] = table["run_id"].map(ends).astype(float)
    return table


def _known_measures(
    snapshot: StudySnapshot, rows: Sequence[Mapping[Any, Any]]
) -> dict[str, dict[str, float]]:
    """run_id -> what is known of rows without predictions, by column; NaN where nothing is.

    Predictions may be gone from a folder whose results.csv still has what they told.

    Raises:
        InputError: it cannot be read, and would be written over.
    """
    rows = [row for row in rows if not pd.isna(row["test_accuracy"])]
    if not rows:
        return {}
    places = (snapshot.kept, KeptRows.read(snapshot.folder.path))

    def measure(row: Mapping[Any, Any], column: str) -> float:
        found = (place.measure(row, column) for place in places)
        return next((each for each in found if not math.isnan(each)), math.nan)

    return {row["run_id"]: {name: measure(row, name) for name in MEASURES} for row in rows}


def class_sizes(snapshot: StudySnapshot) -> dict[str, float]:
    """Test images of each class, by the tables of a study; see `KeptRows.class_sizes`."""
    written = KeptRows(classes=read_table(snapshot.folder.per_class_path))
    return snapshot.kept.class_sizes() or written.class_sizes()


def machine_kinds(records: Mapping[str, RunRecord]) -> dict[str, str]:
    """run_id -> the kind of machine and the precision that trained it; empty where not known.

    A GPU is known by its name, a processor by its name and its vector instructions. These are left
    out of all runs of a processor where one does not tell them, as earlier versions did not.
    """
    silent = {
        record.environment.cpu
        for record in records.values()
        if record.environment and not record.environment.instructions
    }
    return {run_id: _machine(record, silent) for run_id, record in records.items()}


def _machine(record: RunRecord, silent: Collection[str | None]) -> str:
    here, execution = record.environment or Environment(), record.execution or ExecutionFacts()
    device = execution.device or ""
    parts = [here.cpu, None if here.cpu in silent else here.instructions, device]
    if device.startswith("cuda"):
        parts = [here.gpu or here.device or device]
    return ", ".join(part for part in [*parts, execution.precision] if part)


def histories_table(snapshot: StudySnapshot) -> pd.DataFrame:
    """One row per run and epoch: the run's cell, then the columns of history.csv.

    Raises:
        InputError: a history is damaged.
    """
    runs, begun = {run.run_id: run for run in snapshot.runs}, set(snapshot.histories["run_id"])
    rows = [_row(runs[key], record) for key, record in snapshot.records.items() if key in begun]
    return pd.DataFrame(rows, columns=CELL).merge(snapshot.histories, on="run_id")


def write_results(snapshot: StudySnapshot, table: pd.DataFrame | None = None) -> None:
    """Write results.csv, the `table` of `results_table`, which is made if it is not given."""
    table = results_table(snapshot) if table is None else table
    write_text(snapshot.folder.results_path, table.to_csv(index=False, lineterminator="\n"))


def write_classes(
    snapshot: StudySnapshot, grid: Grid, class_images: Mapping[str, Sequence[int]]
) -> None:
    """Write per_class.csv: `analysis.stats.per_class.class_table`, then the rows that were kept.

    Those of runs whose predictions are gone stay as they are.

    Raises:
        InputError: there are such runs, and the table cannot be read.
    """
    from ..analysis.stats.per_class import class_table

    data = next((one.data for one in snapshot.records.values() if one.data is not None), None)
    table = class_table(grid, () if data is None else data.classes, class_images)
    cells = (*grid.cells, *grid.other_lengths)
    runs = [run.run_id for cell in cells for run in cell.runs]
    table = snapshot.kept.class_rows(table, runs)
    if set(runs) - set(table["run_id"]):
        table = KeptRows.read(snapshot.folder.path).class_rows(table, runs)
    text = table.to_csv(index=False, lineterminator="\n")
    write_text(snapshot.folder.per_class_path, text)


def check_made_by(snapshot: StudySnapshot) -> None:
    """Check that what stands in the folders of a study was made by it.

    Raises:
        InputError: what differs: study.yaml was changed by hand, or a run came from elsewhere.
    """
    for run in snapshot.runs:
        if (record := snapshot.records.get(run.run_id)) is not None:
            _check_run(run, record, snapshot.place(run.run_id))
        if (control := snapshot.controls.get(run.run_id)) is not None:
            _check_run(run, control.record, control.folder, but=("train.steps",))


def _check_run(
    run: RunSpec, record: RunRecord, folder: RunFolder, but: Collection[str] = ()
) -> None:
    """Check that a record is of `run`, with keys `but` that may differ."""
    there = record.run_spec(RunFolder(Path(run.run_id)).record_path)
    differences = without_keys(spec_differences(there, run), but)
    differs = describe_differences(without_place(differences, there.data, run.data))
    if differs:
        raise InputError(
            f"the run {run.run_id} was not made by this study ({'; '.join(differs)}): "
            "study.yaml was changed, or the run comes from another study; undo the "
            f"change, or move {folder.path} away"
        )


def _row(run: RunSpec, record: RunRecord | None) -> dict[str, Any]:
    """A row of the results table, of a run that was begun or not."""
    row = {
        "run_id": run.run_id,
        "model": run.model,
        "init": run.strategy,
        "fraction": run.fraction,
        "length": 1.0,
        "seed": run.seed,
        "status": "missing",
        "final_map": "",
        "error": "",
    }
    if record is None:
        return row
    data, model = record.data or DataFacts(), record.model or ModelFacts()
    metrics = record.metrics or Metrics()
    return row | {
        "status": record.status,
        "train_size": record.train_size,
        "test_size": data.test_images,
        "train_measured": metrics.train_measured,
        "parameters": model.parameters,
        "train_flops": record.train_flops,
        "seconds": record.seconds,
        "feature_seconds": record.feature_seconds,
        "chosen_by": metrics.chosen_by,
        "final_map": "x".join(map(str, model.final_map or ())),
        "error": str(record.error or ""),
        **_measured(metrics),
    }


def _shorter_row(record: RunRecord, length: LengthMetrics) -> dict[str, Any]:
    """What a row of a run's shorter length has else than that of the whole run."""
    return {
        "run_id": record.row_id(length.length),
        "length": float(Fraction(length.length)),
        "status": "finished",
        "error": "",
        "train_flops": length.train_flops,
        "seconds": length.seconds,
        **_measured(length),
    }


def _control_row(run: RunSpec, record: RunRecord, control: RunRecord) -> dict[str, Any]:
    """The row of a run that was trained again with more steps; NaN where they are not known."""
    row = _row(run, control)
    whole = record.metrics.steps if record.metrics else None
    length = round(row["steps"] / whole, 3) if whole and row["steps"] else None
    return row | {"run_id": control_id(control), "length": length}


def _measured(metrics: Metrics | LengthMetrics) -> dict[str, Any]:
    train, test = metrics.train_accuracy, metrics.test_accuracy
    return {
        "train_accuracy": train,
        "test_accuracy": test,
        "test_loss": metrics.test_loss,
        "train_loss": metrics.train_loss,
        "epochs": metrics.epoch,
        "steps": metrics.steps,
        "generalisation_gap": None if train is None or test is None else train - test,
    }
