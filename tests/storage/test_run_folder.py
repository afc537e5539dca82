"""What a run leaves on disk: who may read it, and that it is there when its name is."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from sixteenth import InputError
from sixteenth.storage.run_folder import RunFolder


def test_weights_are_as_readable_as_the_other_files_and_on_the_disk_before_their_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync, synced = os.fsync, list[int]()

    def noted(handle: int) -> None:
        synced.append(os.fstat(handle).st_ino)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", noted)
    folder = RunFolder(tmp_path)
    folder.write_weights({"weight": torch.arange(6.0).reshape(2, 3)})
    folder.write_predictions(np.array([0, 1]), np.eye(2, dtype=np.float32))
    weights, predictions = folder.weights_path.stat(), folder.predictions_path_of("1").stat()
    assert weights.st_ino in synced
    assert weights.st_mode == predictions.st_mode
    assert [path.name for path in tmp_path.glob(".*")] == []


@pytest.mark.parametrize(
    ("path", "said"),
    [
        pytest.param("run/model.safetensors", "is no folder: name the one that holds", id="file"),
        pytest.param("odd", "run.json cannot be read: Is a directory", id="no file"),
    ],
)
def test_a_run_that_cannot_be_read_may_be_good(tmp_path: Path, path: str, said: str) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "model.safetensors").touch()
    (tmp_path / "odd" / "run.json").mkdir(parents=True)
    with pytest.raises(InputError, match=said) as caught:
        RunFolder(tmp_path / path).read_record()
    assert "remove" not in str(caught.value)
