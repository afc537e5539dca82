"""A study that was never trained, with numbers that are easy to find again in a tracker."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sixteenth import RunSpec, Study
from sixteenth.storage.run_folder import RunFolder
from sixteenth.storage.run_record import RunRecord
from sixteenth.storage.run_results import EpochRow
from sixteenth.storage.study_folder import StudyFolder

SPEC = {
    "name": "pets",
    "data": "pets",
    "models": ["small"],
    "fractions": ["1/2", 1],
    "lengths": ["1/2", 1],
    "train": {"epochs": 4},
}
BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp()
"""When each run began; each of its epochs has 10 steps and takes 8 seconds."""

LOSSES = [(10, 1.0), (20, 0.5), (30, 1 / 3), (40, 0.25)]
RESULTS = [(20, 0.8), (40, 0.9)]
TIMES = [8, 16, 24, 50]
"""Seconds after its beginning at which the finished run had values; it was measured at the last."""


@dataclass(frozen=True)
class Invented:
    """A study whose run on half of the images failed in its third epoch; the other one finished."""

    study: Study
    failed: RunSpec
    finished: RunSpec

    def place(self, run: RunSpec) -> RunFolder:
        return StudyFolder(self.study.folder).run(run.run_id)


def row(epoch: int) -> EpochRow:
    """The second epoch was not measured."""
    loss = None if epoch == 2 else 0.5
    return EpochRow(epoch, 10 * epoch, 640, 0.1, 1 / epoch, 0.75, loss, loss, seconds=8.0)


def written(place: RunFolder, run: RunSpec, epochs: int, **more: Any) -> None:
    moment = datetime.fromtimestamp(BEGAN, UTC).isoformat()
    known = {"format": 1, "run_id": run.run_id, "spec": run.model_dump(mode="json")}
    data = {"name": "Pets", "fingerprint": "f" * 64, "classes": ["cat", "dog"], "test_images": 100}
    facts = {"started": moment, "train_size": 640, "model": {"parameters": 7}, "data": data}
    place.write_record(RunRecord.from_dict(known | facts | more))
    place.write_history([row(epoch) for epoch in range(1, epochs + 1)])
