"""Studies whose runs are written down instead of trained, and what is counted as they are read."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from sixteenth import RunSpec
from sixteenth.storage.run_facts import (
    AugmentationFacts,
    DataChecks,
    DataFacts,
    Environment,
    ExecutionFacts,
    Metrics,
    ModelFacts,
)
from sixteenth.storage.run_folder import RunFolder
from sixteenth.storage.run_record import RunRecord
from sixteenth.storage.run_results import EpochRow

TEST_IMAGES = 200


class Work:
    """Counts how often each run.json is read, and how often a study is analysed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from sixteenth.report import discussion

        self.reads: Counter[str] = Counter()
        self.analyses = 0
        read, analyse = RunFolder.read_record, discussion.analyse

        def reading(folder: RunFolder) -> RunRecord | None:
            self.reads[folder.path.name] += folder.record_path.is_file()
            return read(folder)

        def analysing(*words, **named):  # type: ignore[no-untyped-def]
            self.analyses += 1
            return analyse(*words, **named)

        monkeypatch.setattr(RunFolder, "read_record", reading)
        monkeypatch.setattr(discussion, "analyse", analysing)


def begin(folder: RunFolder, run: RunSpec, epochs: int) -> RunRecord:
    """Leave what a run leaves that has saved so many epochs of ten seconds each."""
    record = RunRecord.begin(
        run,
        data=DataFacts(name="Pets", classes=("cat", "dog"), test_images=200, train_images=640),
        data_checks=DataChecks(),
        environment=Environment(torch="2.9.0"),
        execution=ExecutionFacts(device="cpu", threads=1),
        before=None,
    )
    folder.write_record(record)
    row = EpochRow(0, 0, 0, 0.1, 1.0, 0.5, 1.0, 0.25, 200, seconds=10.0)
    rows = [
        EpochRow(**{**vars(row), "epoch": n, "step": 10 * n, "images": 640 * n})
        for n in range(1, epochs + 1)
    ]
    folder.write_history(rows)
    return record


def finish(folder: RunFolder, run: RunSpec, accuracy: float) -> None:
    """Leave what a finished run leaves."""
    begun = RunRecord.begin(
        run,
        data=DataFacts(name="Pets", classes=("cat", "dog"), test_images=TEST_IMAGES),
        data_checks=DataChecks(),
        environment=Environment(torch="2.9.0"),
        execution=ExecutionFacts(device="cpu", threads=1),
        before=None,
    )
    size = {"1/4": 500, "1/2": 1000, "1": 2000}[run.fraction]
    right = round(accuracy * TEST_IMAGES)
    labels = np.arange(TEST_IMAGES) % 2
    answers = np.where(np.arange(TEST_IMAGES) < right, labels, 1 - labels)
    folder.write_predictions(labels, np.eye(2, dtype=np.float32)[answers])
    row = EpochRow(1, 10, size, 0.1, 1.0, accuracy, 1.0, right / TEST_IMAGES, TEST_IMAGES)
    folder.write_history([row])
    folder.write_record(
        begun.with_training_images(size, AugmentationFacts(crop=0, flip=False, cutout=0))
        .with_model(ModelFacts(parameters=10 + len(run.model), final_map=(4, 4)))
        .as_finished(
            Metrics(
                epoch=1,
                chosen_by="last",
                steps=10,
                train_measured=size,
                train_loss=1.0,
                train_accuracy=accuracy,
                test_loss=1.0,
                test_accuracy=right / TEST_IMAGES,
            ),
            train_flops=size,
            seconds=1.0,
            evaluation_seconds=0.1,
            images_per_second=float(size),
            peak_memory_bytes=None,
        )
    )
