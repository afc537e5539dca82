"""Event files for TensorBoard hold what history.csv holds, however a run came to its end."""

from __future__ import annotations

import itertools
import struct
import sys
from pathlib import Path
from typing import Any

import pytest

from sixteenth import RunSpec, Study
from sixteenth.engine.progress import Progress
from sixteenth.storage.run_record import RunRecord
from sixteenth.storage.run_results import EpochRow
from sixteenth.storage.study_folder import StudyFolder
from sixteenth.study.tensorboard import EventFiles
from tiny_study import Command

SPEC = {"data": "pets", "models": ["small"], "fractions": [1]}


def row(epoch: int) -> EpochRow:
    """The second epoch was not measured."""
    loss = None if epoch == 2 else 0.5
    return EpochRow(epoch, 10 * epoch, 640, 0.1, 1 / epoch, 0.75, loss, seconds=4.0)


def events(folder: Path, run: RunSpec) -> list[Any]:
    """The records of a run's only event file: length, checksum, an event, its checksum."""
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.record_writer import masked_crc32c

    (path,) = (folder / "tensorboard" / run.run_id).iterdir()
    content, found = path.read_bytes(), []
    while content:
        size, checksum = struct.unpack("<QI", content[:12])
        data, content = content[12 : 12 + size], content[16 + size :]
        assert checksum == masked_crc32c(struct.pack("<Q", size))
        found.append(Event.FromString(data))
    return found


def scalars(folder: Path, run: RunSpec) -> list[tuple[int, dict[str, float]]]:
    said = [each for each in events(folder, run) if each.HasField("summary")]
    return [(each.step, {v.tag: v.simple_value for v in each.summary.value}) for each in said]


def test_an_event_file_holds_each_saved_epoch_once(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    (run,) = Study(SPEC).runs()
    saved = StudyFolder(tmp_path).run(run.run_id)
    saved.write_history([row(1), row(2)])
    record = RunRecord.from_dict(
        {"format": 1, "run_id": run.run_id, "spec": run.model_dump(mode="json"), "status": "failed"}
    )
    with EventFiles(tmp_path) as files:
        files.run_started(run)
        for epoch in (2, 3):  # the checkpoint was older than the history
            files.run_progressed(Progress(run.run_id, epoch, 3, 10 * epoch, 30, 9.0, row(epoch)))
        assert [step for step, _ in scalars(tmp_path, run)] == [10, 20, 20, 30]
        saved.write_history([row(1), row(2), row(3)])
        files.run_ended(run, record, skipped=False)
    told = scalars(tmp_path, run)
    assert [step for step, _ in told] == [10, 20, 30]
    assert told[0][1] == pytest.approx(
        {"loss/train": 1.0, "loss/test": 0.5, "accuracy/train": 0.75, "learning_rate": 0.1}
    )
    assert "loss/test" not in told[1][1]
    times = [each.wall_time for each in events(tmp_path, run)][-3:]
    assert [round(b - a, 3) for a, b in itertools.pairwise(times)] == [4.0, 4.0]
    with EventFiles(tmp_path) as files:
        files.run_ended(run, record, skipped=True)
    assert scalars(tmp_path, run) == told


def test_without_the_package_one_line_says_what_to_install(
    tiny_folder: Path, sixteenth: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    monkeypatch.delitem(sys.modules, "tensorboardX.event_file_writer", raising=False)
    ended = sixteenth("run", "tiny.yaml", "--tensorboard")
    assert ended.code == 2
    assert "pip install 'sixteenth[tensorboard]'" in ended.err
    assert not Path("studies").exists()
