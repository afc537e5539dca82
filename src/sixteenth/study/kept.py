"""What results.csv knows of runs whose folders are gone: where only a study's tables are left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pandas as pd

from ..errors import InputError
from ..spec import RunSpec
from ..storage.study_folder import EXPLAIN, REPEATS, StudyFolder

TEXTS = (
    "run_id", "model", "init", "fraction", "status", "chosen_by", "final_map", "machine", "error",
)  # fmt: skip
"""Columns of results.csv that hold no numbers."""

MEASURES = ("balanced_accuracy", "balanced_test_size", "top5_accuracy", "ece")
"""Columns that are computed from a run's test predictions."""


@dataclass(frozen=True)
class KeptRows:
    """Rows of results.csv of finished runs, which stand in for run folders that are gone.

    Attributes:
        rows: run_id of a row -> its values by column; those of shorter lengths too.
        classes: per_class.csv as texts, where there is one.
    """

    rows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    classes: pd.DataFrame | None = None

    @classmethod
    def read(cls, folder: StudyFolder, planned: Sequence[RunSpec]) -> Self:
        """Read the tables of a study's folder; `planned` are the runs of its grid.

        Raises:
            InputError: there is no results.csv, it cannot be read, or it holds runs of none of the
                study's cells.
        """
        path = folder.results_path
        table = _read_csv(path)
        if table is None:
            raise InputError(f"there is no {path} whose rows could be kept")
        if lacking := {"run_id", "model", "init", "fraction", "seed", "status"} - set(table):
            raise InputError(f"{path} lacks the column {sorted(lacking)[0]!r}: not a results.csv")
        for column in set(table) - set(TEXTS):
            table[column] = pd.to_numeric(table[column], errors="coerce")
        cells = {(run.model, run.strategy, run.fraction) for run in planned}
        rows = {}
        for row in table[table["status"] == "finished"].to_dict("records"):
            if (row["model"], row["init"], row["fraction"]) not in cells:
                raise InputError(f"{path} has {row['run_id']}, which is no run of this study")
            rows[str(row["run_id"])] = {"length": 1.0} | {str(key): row[key] for key in row}
        return cls(rows, _read_csv(folder.per_class_path))

    def of_run(self, run_id: str) -> list[Mapping[str, Any]]:
        """The rows of one run: of the whole, then of its shorter lengths."""
        return [row for key, row in self.rows.items() if _run_of(key) == run_id]

    def repeats(self, planned: Sequence[RunSpec]) -> Iterator[str]:
        """The runs that `sixteenth explain` trained in cells of the grid and that are not in it."""
        known = {run.run_id for run in planned}
        yield from dict.fromkeys(key for key in map(_run_of, self.rows) if key not in known)

    def measure(self, row: Mapping[Any, Any], column: str) -> float:
        """What is known of a row that has no predictions any more; NaN if it was trained anew."""
        kept = self.rows.get(str(row["run_id"]), {})
        same = kept.get("test_accuracy") == row["test_accuracy"]
        return float(kept.get(column, "nan")) if same else float("nan")

    def class_rows(self, table: pd.DataFrame, run_ids: Iterable[str]) -> pd.DataFrame:
        """per_class.csv with the rows of those of `run_ids` that `table` lacks, in this order."""
        if self.classes is None or "run_id" not in self.classes:
            return table
        order = {run_id: i for i, run_id in enumerate(run_ids)}
        lacking = order.keys() - set(table["run_id"])
        kept = self.classes[self.classes["run_id"].isin(lacking)]
        both = pd.concat([table.astype(object), kept.astype(object)])
        return both.sort_values("run_id", key=lambda ids: ids.map(order), kind="stable")


NOTHING_KEPT = KeptRows()


def check_nothing_lost(folder: StudyFolder) -> None:
    """Check that the runs which results.csv knows as finished still lie in the folder.

    Else the table, which is made from the run folders, would be written over by one without them.

    Raises:
        InputError: how many are gone, and the ways on.
    """
    table = _read_csv(folder.results_path)
    if table is None or not {"run_id", "status"} <= set(table):
        return
    finished = [key for key in table["run_id"][table["status"] == "finished"] if "@" not in key]
    seeds = folder.path.glob(f"{EXPLAIN}/*/{REPEATS}")
    here = {place.path.name for each in (folder, *map(StudyFolder, seeds)) for place in each.runs()}
    gone = [run_id for run_id in finished if run_id not in here]
    if gone:
        raise InputError(
            f"{folder.runs_path} lacks {len(gone)} of the {len(finished)} runs that results.csv "
            f"knows as finished, {gone[0]} for one: bring their folders back, train them anew with "
            "sixteenth run, keep what the table says of them with --from-table, or move "
            "results.csv away to have a report without them"
        )


def _run_of(row_id: str) -> str:
    return row_id.partition("@")[0]


def _read_csv(path: Path) -> pd.DataFrame | None:
    """A table of texts, or None where there is none.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False, encoding_errors="replace")
    except (FileNotFoundError, pd.errors.EmptyDataError):
        return None
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}: {error}; move it away") from None
