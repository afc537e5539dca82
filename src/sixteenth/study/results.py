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
from ..storage.run_folder import RunFolder, record_spec, run_folders
from ..storage.run_record import check_agreement

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
    records = {record["run_id"]: record for record in read_records(folder)}
    check_made_by(planned, records)
    if planned:
        rows = [_row(records.get(run.run_id) or _unborn(run)) for run in planned]
    else:
        rows = [_row(record) for record in records.values()]
    return pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(WHOLE, "Int64"))


def histories_table(folder: Path, planned: Sequence[RunSpec] = ()) -> pd.DataFrame:
    """One row per run and epoch: the run's cell, then the columns of history.csv."""
    wanted = {run.run_id for run in planned}
    parts = []
    for place in run_folders(folder):
        record = place.read_record()
        history = place.read_history()
        if record is None or history.empty or (wanted and record["run_id"] not in wanted):
            continue
        row = _row(record)
        for position, column in enumerate(CELL):
            history.insert(position, column, row[column])
        parts.append(history)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=CELL)


def read_records(folder: Path) -> list[dict[str, Any]]:
    """The run.json of every run folder, in the order of their names.

    Raises:
        InputError: one is damaged, or stands in the folder of another run.
    """
    records = []
    for place in run_folders(folder):
        record = place.read_record()
        if record is None:
            continue
        if record["run_id"] != place.path.name:
            raise InputError(f"{place.record_path} is of another run, {record['run_id']!r}")
        records.append(record)
    return records


def check_made_by(planned: Sequence[RunSpec], records: Mapping[str, Mapping[str, Any]]) -> None:
    """Check that what stands in the folders of a study was made by it.

    Raises:
        InputError: what differs: study.yaml was changed by hand, or a run came from elsewhere.
    """
    for run in planned:
        record = records.get(run.run_id)
        if record is None:
            continue
        differs = spec_differences(record_spec(record, Path(run.run_id, "run.json")), run)
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
        place = RunFolder(folder / "runs" / record["run_id"])
        predictions = place.read_predictions() if record["status"] == "finished" else None
        if predictions is None:
            continue
        try:
            check_agreement(record, *predictions)
        except ValueError as error:
            raise InputError(f"{place.predictions_path} does not fit its run: {error}") from None
        found[record["run_id"]] = predictions
    return found


def _row(record: Mapping[str, Any]) -> dict[str, Any]:
    spec, data = record["spec"], record.get("data") or {}
    metrics, model = record.get("metrics") or {}, record.get("model") or {}
    train, test = metrics.get("train_accuracy"), metrics.get("test_accuracy")
    final_map, error = model.get("final_map"), record.get("error")
    return {
        **{key: spec.get(key) for key in ("model", "init", "fraction", "seed")},
        **{key: metrics.get(key) for key in ("test_loss", "train_loss", "steps", "chosen_by")},
        "run_id": record["run_id"],
        "status": record["status"],
        "train_size": record.get("train_size"),
        "train_accuracy": train,
        "test_accuracy": test,
        "generalisation_gap": None if train is None or test is None else train - test,
        "test_size": data.get("test_images"),
        "train_measured": metrics.get("train_measured"),
        "parameters": model.get("parameters"),
        "train_flops": record.get("train_flops"),
        "seconds": record.get("seconds"),
        "epochs": metrics.get("epoch"),
        "final_map": "x".join(map(str, final_map)) if final_map else "",
        "error": f"{error['type']}: {error['message']}" if error else "",
    }


def _unborn(run: RunSpec) -> dict[str, Any]:
    return {"run_id": run.run_id, "status": "missing", "spec": run.model_dump(mode="json")}
