"""The study that is exported."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from exported import BEGAN, SPEC, Invented, written

from sixteenth import Study
from sixteenth.spec import dump_spec
from sixteenth.storage.study_folder import StudyFolder
from sixteenth.storage.whole_files import write_text


@pytest.fixture
def invented(tmp_path: Path) -> Invented:
    study = Study(SPEC, tmp_path / "pets")
    write_text(StudyFolder(study.folder).spec_path, dump_spec(study.spec))
    failed, finished = study.runs()
    made = Invented(study, failed, finished)
    error = {"type": "DivergedError", "message": "the loss is NaN"}
    written(made.place(failed), failed, 2, status="failed", error=error)
    whole = {"epoch": 4, "steps": 40, "train_accuracy": 1.0, "test_accuracy": 0.9, "test_loss": 0.3}
    half = {"length": "1/2", "epoch": 2, "steps": 20, "train_accuracy": 0.9, "test_accuracy": 0.8}
    ended = datetime.fromtimestamp(BEGAN + 50, UTC).isoformat()
    written(
        made.place(finished),
        finished,
        4,
        status="finished",
        metrics=whole,
        lengths=[half],
        finished=ended,
        seconds=48.0,
    )
    return made
