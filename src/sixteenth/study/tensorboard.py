"""Event files for TensorBoard, one folder a run, with what its history.csv holds.

They follow history.csv: what a run that goes on has there already is written first, and when the
run has ended its file holds the same epochs, whatever was repeated on the way. So they are complete
for runs that were trained before as well. The package tensorboardX writes the records.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ..extras import import_extra
from ..spec import RunSpec
from ..storage.run_record import RunRecord
from ..storage.study_folder import StudyFolder
from .listener import Listener

if TYPE_CHECKING:
    from ..engine.progress import Progress

FOLDER = "tensorboard"
"""In the study's folder."""

EVENTS = "events.out.tfevents.*"
"""Names of the event files in a run's folder, whatever wrote them."""

TAGS = {
    "train_loss": "loss/train",
    "test_loss": "loss/test",
    "validation_loss": "loss/validation",
    "train_accuracy": "accuracy/train",
    "test_accuracy": "accuracy/test",
    "validation_accuracy": "accuracy/validation",
    "learning_rate": "learning_rate",
}
"""Columns of history.csv, and the names of their curves."""


class EventFiles(Listener):
    """Writes STUDY/tensorboard/RUN/events...; as a context manager it closes its files.

    Raises:
        InputError: tensorboardX is not installed.
        OSError: of all methods: the disk is full or cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        _records("--tensorboard")
        self._study = StudyFolder(folder)
        self._files: dict[str, EventFile] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._files.values():
            each.close()

    def run_started(self, run: RunSpec) -> None:
        self._write_saved(run)

    def run_progressed(self, progress: Progress) -> None:
        if progress.row is not None and progress.run_id in self._files:
            row = known(asdict(progress.row))
            self._files[progress.run_id].add(int(row["step"]), time.time(), curves(row))

    def run_ended(self, run: RunSpec, record: RunRecord, *, skipped: bool) -> None:
        self._write_saved(run)  # an epoch may have been repeated, and stand there twice
        self._files.pop(run.run_id).close()

    def _write_saved(self, run: RunSpec) -> None:
        """Replace the file of a run by one with what its history.csv holds."""
        if run.run_id in self._files:
            self._files.pop(run.run_id).close()
        self._files[run.run_id] = file = EventFile(self._study.path / FOLDER / run.run_id)
        place = self._study.run(run.run_id)
        rows = [known(row) for row in place.read_history().to_dict("records")]
        moment = place.history_path.stat().st_mtime if rows else 0.0
        moment -= sum(row.get("seconds", 0.0) for row in rows)
        for row in rows:
            moment += row.get("seconds", 0.0)
            file.add(int(row["step"]), moment, curves(row))


class EventFile:
    """The event file of a run that is being written, in place of those that its folder holds."""

    def __init__(self, folder: Path, *, asked: str = "--tensorboard") -> None:
        """Begin the file.

        Args:
            asked: the option that asks for it, for the error.

        Raises:
            InputError: tensorboardX is not installed.
            OSError: of all methods: the disk is full or cannot be written.
        """
        write, self._protocol = _records(asked)
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(EVENTS):
            old.unlink()
        self._writer = write(str(folder / "events"))
        # Lets a TensorBoard that shows the file before this one forget it.
        start = self._protocol.SessionLog(status=self._protocol.SessionLog.START)
        self._writer.write_event(self._protocol.Event(step=0, session_log=start))

    def add(self, step: int, moment: float, values: Mapping[str, float]) -> None:
        """Append values by their tags, measured at a step and at a `moment` in Unix time."""
        event = self._protocol.Event(wall_time=moment, step=step)
        for tag, value in values.items():
            event.summary.value.add(tag=tag, simple_value=value)
        self._writer.write_event(event)
        self._writer.flush()

    def add_summary(self, moment: float, summary: Any) -> None:
        """Append a summary that tensorboardX has made."""
        self._writer.write_event(self._protocol.Event(wall_time=moment, summary=summary))

    def close(self) -> None:
        self._writer.close()


def _records(asked: str) -> tuple[Any, Any]:
    """What writes records, and their protocol."""
    writer, protocol = (
        import_extra(f"tensorboardX.{module}", extra="tensorboard", needed_by=asked)
        for module in ("event_file_writer", "proto.event_pb2")
    )
    return writer.EventsWriter, protocol


def known(row: Mapping[Any, Any]) -> dict[str, float]:
    """What is a finite number in a row of a table."""
    numbers = {str(key): value for key, value in row.items() if isinstance(value, int | float)}
    return {key: float(value) for key, value in numbers.items() if math.isfinite(value)}


def curves(row: Mapping[str, float]) -> dict[str, float]:
    """The values of a row of history.csv by the names of their curves, see `TAGS`."""
    return {tag: row[column] for column, tag in TAGS.items() if column in row}
