"""What a study leaves in its folder: the names of its files, and a snapshot of what its runs left.

The tables and the report of a study are all made from one `StudySnapshot`, for which each run.json
was read once. Reading needs no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ..errors import InputError
from ..spec import RunSpec, spec_differences, without_place
from .kept_tables import CLASSES, RESULTS, KeptRows
from .run_folder import RunFolder, Stamp
from .run_record import RunRecord
from .run_results import StoredPredictions, read_histories
from .whole_files import copy_folder, file_stamp

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

REPORT = "report.html"
"""The page of a study's report."""
EXPLAIN = "explain"
"""The folder in a study's that holds what tests its reasons: studies of their own."""
REPEATS = "seeds"
"""What lies there in each place: more trainings of its cells."""
CONTROL = "equal-steps"
"""The study in there whose runs have the steps of twice their images."""
KEPT_STAMP = "kept/"
"""What the stamp of the kept tables is called."""


@dataclass(frozen=True)
class StudyFolder:
    """The files of one study."""

    path: Path

    @property
    def spec_path(self) -> Path:
        return self.path / "study.yaml"

    @property
    def results_path(self) -> Path:
        return self.path / RESULTS

    @property
    def per_class_path(self) -> Path:
        return self.path / CLASSES

    @property
    def report_path(self) -> Path:
        return self.path / REPORT

    @property
    def kept_path(self) -> Path:
        """Tables whose rows stand in for finished runs that are gone, see `kept_tables`."""
        return self.path / "kept"

    @property
    def executions_path(self) -> Path:
        """How each run is computed, see `study.planning.planner`."""
        return self.path / "execution.json"

    @property
    def runs_path(self) -> Path:
        return self.path / "runs"

    def control_folders(self, steps: int | None = None) -> tuple[StudyFolder, ...]:
        """Where runs of the study are that were trained again with more steps.

        Args:
            steps: where those may lie that have so many; without, all that were begun.
        """
        first = self.path / EXPLAIN / CONTROL
        if steps is not None:
            return StudyFolder(first), StudyFolder(first.with_name(f"{CONTROL}-{steps}"))
        return tuple(map(StudyFolder, sorted(first.parent.glob(f"{CONTROL}*"))))

    def run(self, run_id: str) -> RunFolder:
        """The folder of one run, which may not be there yet."""
        return RunFolder(self.runs_path / run_id)

    def runs(self) -> Iterator[RunFolder]:
        """The run folders that hold a record, in the order of their names."""
        for record in sorted(self.runs_path.glob("*/run.json")):
            yield RunFolder(record.parent)

    def repeats_of(self, runs: Iterable[RunSpec]) -> Iterator[tuple[RunFolder, RunRecord]]:
        """Those of `runs` that are not begun here and that `explain` has trained to their end.

        It trains seeds that a study may ask for later.
        """
        for run in runs:
            if self.run(run.run_id).path.exists():
                continue
            for path in sorted(self.path.glob(f"{EXPLAIN}/*/{REPEATS}/runs/{run.run_id}")):
                found = RunFolder(path)
                record = found.read_record()
                if record is None or not record.is_finished:
                    continue
                there = record.run_spec(path)
                if not without_place(spec_differences(there, run), there.data, run.data):
                    yield found, record
                    break

    def take_repeats(self, runs: Iterable[RunSpec]) -> None:
        """Take over `repeats_of` these runs.

        The files are the same, linked where the disk can, so they take no more space.

        Raises:
            OSError: the disk is full, or cannot be written.
        """
        for found, record in self.repeats_of(runs):
            copy_folder(found.path, self.run(record.run_id).path, self.path)

    def stamps(self) -> dict[str, Stamp]:
        """The state of every run folder that holds a record, by its name."""
        return {place.path.name: place.stamp() for place in self.runs()}


def check_is_study(place: Path) -> None:
    """Check that a study lies in a folder.

    Raises:
        InputError: none does; where one is that may be meant.
    """
    if StudyFolder(place).spec_path.is_file():
        return
    usual, around = Path("studies") / place, place.absolute().parent.parent
    if StudyFolder(usual).spec_path.is_file():
        raise InputError(f"no study in {place}; did you mean {usual}?")
    if RunFolder(place).record_path.is_file() and StudyFolder(around).spec_path.is_file():
        raise InputError(f"{place} is the folder of one run; its study is in {around}")
    raise InputError(f"no study in {place}: expected a folder that holds study.yaml")


@dataclass(frozen=True)
class Control:
    """A run that was trained again, to its end, with more steps; and the folder that it lies in."""

    record: RunRecord
    folder: RunFolder


@dataclass(frozen=True)
class StudySnapshot:
    """What the runs of a study had left in its folder at one moment.

    Attributes:
        folder: where they lie.
        runs: the runs of the grid, in its order.
        records: run_id -> run.json of each of them that was begun, in the order of names.
        stamps: the state of the run folders when they were read, see `is_current`.
        controls: run_id -> what was left of it when it was trained again with more steps.
        elsewhere: run_id -> the folder that a run lies in which is not in this one.
        kept: rows of tables that stand in for finished runs whose folders are gone.
    """

    folder: StudyFolder
    runs: tuple[RunSpec, ...]
    records: Mapping[str, RunRecord]
    stamps: Mapping[str, Stamp]
    controls: Mapping[str, Control] = field(default_factory=dict)
    elsewhere: Mapping[str, StudyFolder] = field(default_factory=dict)
    kept: KeptRows = field(default_factory=KeptRows, compare=False)

    @classmethod
    def read(cls, folder: StudyFolder, runs: Sequence[RunSpec]) -> Self:
        """Read every run.json of a study's folder, each once; `runs` are those of the grid.

        Raises:
            InputError: one is damaged, or stands in the folder of another run.
        """
        stamps = cls._stamps(folder)
        planned = {run.run_id for run in runs}
        controls = {}
        for place in folder.control_folders():
            for run_id, record in cls._records(place).items():
                if run_id in planned and record.is_finished:
                    controls[run_id] = Control(record, place.run(run_id))
        return cls(
            folder,
            tuple(runs),
            {key: record for key, record in cls._records(folder).items() if key in planned},
            stamps,
            controls,
            kept=KeptRows.read(folder.kept_path),
        )

    @staticmethod
    def _stamps(folder: StudyFolder) -> dict[str, Stamp]:
        controls = {
            control_key(place.run(name)): stamp
            for place in folder.control_folders()
            for name, stamp in place.stamps().items()
        }
        tables = tuple(file_stamp(folder.kept_path / name) for name in (RESULTS, CLASSES))
        return folder.stamps() | controls | ({KEPT_STAMP: tables} if any(tables) else {})

    @staticmethod
    def _records(folder: StudyFolder) -> dict[str, RunRecord]:
        found = {}
        for place in folder.runs():
            run_id = place.path.name
            record = place.read_record()
            if record is not None and record.run_id != run_id:
                raise InputError(f"{place.record_path} is of another run, {record.run_id!r}")
            if record is not None:
                found[run_id] = record
        return found

    def unfinished(self) -> list[RunSpec]:
        """The runs of the grid that are still to be trained, or to be trained to their end."""
        return [run for run in self.runs if self.status(run.run_id) != "finished"]

    def status(self, run_id: str) -> str:
        """Of a run: ``missing`` where it was not begun, else as `RunRecord.status`."""
        if (record := self.records.get(run_id)) is not None:
            return record.status
        return str(self.kept.rows.get(run_id, {}).get("status", "missing"))

    def with_records(self, ended: Iterable[RunRecord]) -> Self:
        """The snapshot with the records of runs that have just ended; no other is read again."""
        new = {record.run_id: record for record in ended}
        return replace(
            self,
            records=dict(sorted({**self.records, **new}.items())),
            stamps={**self.stamps, **{key: self.folder.run(key).stamp() for key in new}},
        )

    def with_repeats(self, others: Iterable[StudySnapshot]) -> Self:
        """The snapshot with what other folders hold of its cells: finished runs of other seeds.

        Runs of another recipe are left out: they are no repeats.
        """
        cells = {run.cell: run for run in self.runs}
        known = {run.run_id for run in self.runs}
        added = {
            run.run_id: (run, other)
            for other in others
            for run in other.runs
            if run.run_id not in known
            and run.cell in cells
            and _are_repeats(cells[run.cell], run)
            and run.run_id in other.records
            and other.records[run.run_id].is_finished
        }
        if not added:
            return self
        records = {key: other.records[key] for key, (_, other) in added.items()}
        stamps = {key: other.stamps[key] for key, (_, other) in added.items()}
        return replace(
            self,
            runs=(*self.runs, *(run for run, _ in added.values())),
            records=dict(sorted({**self.records, **records}.items())),
            stamps={**self.stamps, **stamps},
            elsewhere={key: other.folder for key, (_, other) in added.items()},
        )

    def place(self, run_id: str) -> RunFolder:
        """The folder of one of its runs."""
        return self.elsewhere.get(run_id, self.folder).run(run_id)

    def is_current(self) -> bool:
        """Whether reading again would give the same; opens no file."""
        return self.stamps == self._stamps(self.folder)

    @cached_property
    def histories(self) -> pd.DataFrame:
        """`run_id` and the columns of history.csv, a row for each epoch that a run has finished.

        Raises:
            InputError: one is damaged.
        """
        return read_histories({key: self.place(key).history_path for key in self.records})

    def predictions(self) -> StoredPredictions:
        """What the finished runs predict of the test images.

        Those of a shorter length have the id ``RUN_ID@1/4``, those of a control ``RUN_ID@2``.

        Raises, where they are read:
            InputError: they are damaged, or not those of the run whose folder they lie in.
        """
        reads: dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]] = {}
        for run_id, record in self.records.items():
            reads |= self.place(run_id).predictions_of(record).reads
        for run_id, control in self.controls.items():
            own = control.folder.predictions_of(control.record).reads
            reads |= {control_id(control.record): own[run_id]} if run_id in own else {}
        return StoredPredictions(reads)


def control_key(place: RunFolder) -> str:
    """What the stamp of such a run's folder is called."""
    return f"{EXPLAIN}/{place.path.parent.parent.name}/{place.path.name}"


def control_id(record: RunRecord) -> str:
    """What tables call a run that was trained again with more steps."""
    return f"{record.run_id}@2"


def _are_repeats(run: RunSpec, other: RunSpec) -> bool:
    """Whether two runs of one cell differ in nothing but their seeds."""
    differences = without_place(spec_differences(run, other), run.data, other.data)
    return differences.keys() <= {"seed", "replicate"}
