"""What a study's tables know of runs whose folders are gone, kept to stand in for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ..errors import InputError
from ..spec import RunSpec
from ..spec.fields import STOPPED

if TYPE_CHECKING:
    import pandas as pd

RESULTS, CLASSES = "results.csv", "per_class.csv"
"""Names of a study's tables, in its folder and in that of its kept ones."""

TEXTS = (
    "run_id", "model", "init", "fraction", "status", "chosen_by", "final_map", "machine", "error",
)  # fmt: skip
"""Columns of results.csv that hold no numbers."""


@dataclass(frozen=True)
class KeptRows:
    """Rows of a results.csv of runs with a result. One of a run whose folder is there is not used.

    Attributes:
        rows: run_id of a row -> its values by column; those of shorter lengths too.
        classes: per_class.csv as texts, where there is one.
    """

    rows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    classes: pd.DataFrame | None = None

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the tables in a folder; nothing where there is no results.csv.

        Raises:
            InputError: a table cannot be read, or is not one of a study.
        """
        path = folder / RESULTS
        if not path.is_file():
            return cls()  # without pandas, which takes half a second to import
        import pandas as pd

        table = read_table(path)
        if table is None:
            return cls()
        if lacking := {"run_id", "model", "init", "fraction", "seed", "status"} - set(table):
            raise InputError(
                f"{path} lacks the column {sorted(lacking)[0]!r}: not a results.csv; move it away"
            )
        for column in set(table) - set(TEXTS):
            table[column] = pd.to_numeric(table[column], errors="coerce")
        table = table[has_result(table)]
        # One that was being trained as the table was written has no process without its folder.
        table["status"] = table["status"].replace("running", "interrupted")
        rows = {
            str(row["run_id"]): {"length": 1.0} | {str(key): row[key] for key in row}
            for row in table.to_dict("records")
        }
        return cls(rows, read_table(folder / CLASSES))

    def run_ids(self) -> list[str]:
        """Of the runs that have a row of the whole run."""
        return [row_id for row_id in self.rows if row_id == run_of(row_id)]

    def of_run(self, run_id: str) -> list[Mapping[str, Any]]:
        """The rows of one run: of the whole, then of its shorter lengths."""
        return [row for key, row in self.rows.items() if run_of(key) == run_id]

    def repeats(self, planned: Sequence[RunSpec]) -> Iterator[str]:
        """The runs of `sixteenth explain` in cells of `planned` that are not planned themselves."""
        known = {run.run_id for run in planned}
        cells = {run.cell for run in planned}
        for run_id in self.run_ids():
            row = self.rows[run_id]
            if run_id not in known and (row["model"], row["init"], row["fraction"]) in cells:
                yield run_id

    def measure(self, row: Mapping[Any, Any], column: str) -> float:
        """What is known of a row that has no predictions any more; NaN if it was trained anew."""
        kept = self.rows.get(str(row["run_id"]), {})
        same = kept.get("test_accuracy") == row["test_accuracy"]
        return float(kept.get(column, "nan")) if same else float("nan")

    def class_rows(self, table: pd.DataFrame, run_ids: Iterable[str]) -> pd.DataFrame:
        """per_class.csv with the rows of those of `run_ids` that `table` lacks, in this order."""
        if self.classes is None or "run_id" not in self.classes:
            return table
        import pandas as pd

        order = {run_id: i for i, run_id in enumerate(run_ids)}
        lacking = order.keys() - set(table["run_id"])
        kept = self.classes[self.classes["run_id"].isin(lacking)]
        both = pd.concat([table.astype(object), kept.astype(object)])
        return both.sort_values("run_id", key=lambda ids: ids.map(order), kind="stable")

    def class_sizes(self) -> dict[str, float]:
        """Test images of each class, by its name; nothing where no table tells it."""
        if self.classes is None or not {"class", "test_images"} <= set(self.classes):
            return {}
        import pandas as pd

        images = pd.to_numeric(self.classes["test_images"], errors="coerce")
        sizes = images.groupby(self.classes["class"]).max().dropna()
        return {str(name): float(size) for name, size in sizes.items() if size > 0}


def has_result(table: pd.DataFrame) -> pd.Series[bool]:
    """Which rows of a results.csv are of runs that finished, or count as they were last measured.

    `RunRecord.has_result` tells it of a run.
    """
    finished = table["status"] == "finished"
    if not {"chosen_by", "test_accuracy"} <= set(table):
        return finished
    import pandas as pd

    known = pd.to_numeric(table["test_accuracy"], errors="coerce").notna()
    stopped = table["status"].isin(["interrupted", "running"]) & (table["chosen_by"] == STOPPED)
    return finished | (stopped & known)


def read_table(path: Path) -> pd.DataFrame | None:
    """A table of texts, or None where there is none.

    Raises:
        InputError: it cannot be read.
    """
    import pandas as pd

    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False, encoding_errors="replace")
    except (FileNotFoundError, pd.errors.EmptyDataError):
        return None
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}: {error}; move it away") from None


def run_of(row_id: str) -> str:
    """The run of a row, which may be of a shorter length of it."""
    return row_id.partition("@")[0]
