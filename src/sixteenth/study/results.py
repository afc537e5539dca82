"""The results table and the table of histories, derived from the run folders alone."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..errors import InputError
from ..spec import RunSpec, spec_differences
from ..storage.run_folder import RunFolder, run_folders
from ..storage.run_record import DataFacts, Metrics, ModelFacts, RecordedSpec, RunRecord
from ..storage.run_results import check_agreement

COLUMNS = [
    "run_id", "model", "init", "fraction", "train_size", "seed", "status",
    "train_accuracy", "test_accuracy", "test_loss", "train_loss", "test_size", "train_measured",
    "parameters", "train_flops", "seconds", "epochs", "steps", "generalisation_gap",
    "chosen_by", "final_map", "error",
]  # fmt: skip
WHOLE = [
    "train_size", "seed", "test_size", "train_measured", "parameters", "train_flops", "epochs",
    "steps",
]  # fmt: skip
"""Columns of whole numbers: pandas' Int64, so that a missing one does not make floats of all."""

CELL = ["run_id", "model", "init", "fraction", "train_size", "seed"]


def results_table(folder: Path, planned: Sequence[RunSpec] = ()) -> pd.DataFrame:
    """One row per run: those `planned` in their order, or without a plan all that lie in `folder`.

    A planned run without a folder has the status "missing". Accuracies are in [0, 1].
    """
    records = {record.run_id: record for record in read_records(folder)}
    check_made_by(planned, records)
    if planned:
        rows = [_row(run.run_id, run, records.get(run.run_id)) for run in planned]
    else:
        rows = [_row(run_id, record.spec, record) for run_id, record in records.items()]
    return pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(WHOLE, "Int64"))


def histories_table(folder: Path, planned: Sequence[RunSpec] = ()) -> pd.DataFrame:
    """One row per run and epoch: the run's cell, then the columns of history.csv."""
    wanted = {run.run_id for run in planned}
    parts = []
    for place in run_folders(folder):
        record = place.read_record()
        history = place.read_history()
        if record is None or history.empty or (wanted and record.run_id not in wanted):
            continue
        row = _row(record.run_id, record.spec, record)
        for position, column in enumerate(CELL):
            history.insert(position, column, row[column])
        parts.append(history)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=CELL)


def read_records(folder: Path) -> list[RunRecord]:
    """The run.json of every run folder, in the order of their names.

    Raises:
        InputError: one is damaged, or stands in the folder of another run.
    """
    records = []
    for place in run_folders(folder):
        record = place.read_record()
        if record is None:
            continue
        if record.run_id != place.path.name:
            raise InputError(f"{place.record_path} is of another run, {record.run_id!r}")
        records.append(record)
    return records


def check_made_by(planned: Sequence[RunSpec], records: Mapping[str, RunRecord]) -> None:
    """Check that what stands in the folders of a study was made by it.

    Raises:
        InputError: what differs: study.yaml was changed by hand, or a run came from elsewhere.
    """
    for run in planned:
        record = records.get(run.run_id)
        if record is None:
            continue
        differs = spec_differences(record.run_spec(Path(run.run_id, "run.json")), run)
        if differs:
            raise InputError(
                f"the run {run.run_id} was not made by this study ({'; '.join(differs)}): "
                "study.yaml was changed, or the run comes from another study"
            )


def check_nothing_lost(folder: Path) -> None:
    """Check that the runs which results.csv knows as finished still lie in the folder.

    Else the table, which is made from the run folders, would be written over by one without them.

    Raises:
        InputError: how many are gone, and the ways on.
    """
    path = folder / "results.csv"
    try:
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            finished = [
                str(row.get("run_id"))
                for row in csv.DictReader(file)
                if row.get("status") == "finished"
            ]
    except FileNotFoundError:
        return
    except (OSError, csv.Error) as error:
        raise InputError(f"cannot read {path}: {error}; move it away") from None
    here = {place.path.name for place in run_folders(folder)}
    gone = [run_id for run_id in finished if run_id not in here]
    if gone:
        raise InputError(
            f"{folder / 'runs'} lacks {len(gone)} of the {len(finished)} runs that results.csv "
            f"knows as finished, {gone[0]} for one: bring their folders back, train them anew with "
            "sixteenth run, or move results.csv away to have a report without them"
        )


def read_predictions(folder: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Test labels (n,) and probabilities (n, classes) of every finished run, by run_id.

    Raises:
        InputError: they are damaged, or not those of the run whose folder they lie in.
    """
    found = {}
    for record in read_records(folder):
        place = RunFolder(folder / "runs" / record.run_id)
        stated = record.metrics.test_accuracy if record.is_finished and record.metrics else None
        predictions = None if stated is None else place.read_predictions()
        if stated is None or predictions is None:
            continue
        try:
            check_agreement(stated, *predictions)
        except ValueError as error:
            raise InputError(f"{place.predictions_path} does not fit its run: {error}") from None
        found[record.run_id] = predictions
    return found


def _row(run_id: str, spec: RunSpec | RecordedSpec, record: RunRecord | None) -> dict[str, Any]:
    """A row of the results table, of a run that was begun or not."""
    row = {
        "run_id": run_id,
        "model": spec.model,
        "init": spec.init,
        "fraction": spec.fraction,
        "seed": spec.seed,
        "status": "missing",
        "final_map": "",
        "error": "",
    }
    if record is None:
        return row
    data, model = record.data or DataFacts(), record.model or ModelFacts()
    metrics = record.metrics or Metrics()
    train, test = metrics.train_accuracy, metrics.test_accuracy
    return row | {
        "status": record.status,
        "train_size": record.train_size,
        "train_accuracy": train,
        "test_accuracy": test,
        "test_loss": metrics.test_loss,
        "train_loss": metrics.train_loss,
        "test_size": data.test_images,
        "train_measured": metrics.train_measured,
        "parameters": model.parameters,
        "train_flops": record.train_flops,
        "seconds": record.seconds,
        "epochs": metrics.epoch,
        "steps": metrics.steps,
        "generalisation_gap": None if train is None or test is None else train - test,
        "chosen_by": metrics.chosen_by,
        "final_map": "x".join(map(str, model.final_map or ())),
        "error": str(record.error or ""),
    }
