"""A run's files as bytes: what is packed, and what a machine that sends them can do here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np
import pytest

from sixteenth.errors import InputError, ReplacedError
from sixteenth.storage.lease import Lease
from sixteenth.storage.run_files import pack, publish
from sixteenth.storage.run_folder import RunFolder

CONTENT = {
    "run.json": b"{}",
    "history.csv": b"epoch\n1\n",
    "predictions.npz": bytes(range(256)),
    "predictions-1of4.npz": b"",
    "predictions-4-epochs.npz": b"four",
    "model.safetensors": b"weights",
    "checkpoint.pt": b"new",
    "checkpoint-before.pt": b"old",
}


@pytest.fixture
def source(tmp_path: Path) -> RunFolder:
    """The folder of a run."""
    made = RunFolder(tmp_path / "source")
    made.path.mkdir()
    for name, content in CONTENT.items():
        (made.path / name).write_bytes(content)
    return made


def content(folder: RunFolder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.path.iterdir() if path.is_file()}


def data(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8)


def test_the_files_of_a_run_arrive_as_they_were_with_one_of_two_checkpoints(
    source: RunFolder, tmp_path: Path
) -> None:
    target = RunFolder(tmp_path / "target")
    publish(target, pack(source))
    assert content(target) == {k: v for k, v in CONTENT.items() if k != "checkpoint-before.pt"}
    assert pack(source, small=True).keys() == {"run.json", "history.csv"}
    source.checkpoint_paths[0].unlink()
    assert "checkpoint-before.pt" in pack(source)


def test_what_no_run_writes_and_what_a_link_leads_to_is_not_packed(
    source: RunFolder, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (source.path / "predictions-secret.npz").symlink_to(secret)
    (source.path / ".run.json.12345678.tmp").write_text("half")
    (source.path / "notes.txt").write_text("mine")
    (source.path / ".writer").mkdir()
    assert pack(source).keys() == CONTENT.keys() - {"checkpoint-before.pt"}


@pytest.mark.parametrize(
    "name",
    ["../run.json", "/tmp/run.json", "a/run.json", "predictions/../../x.npz", "..", "",
     "run.json\n", "predictions-\\x.npz", ".writer", "study.yaml", "RUN.JSON"],
)  # fmt: skip
def test_a_name_that_is_none_of_a_run_is_refused_and_nothing_is_written(
    tmp_path: Path, name: str
) -> None:
    target = RunFolder(tmp_path / "runs" / "target")
    with pytest.raises(InputError, match="which is no file of a run"):
        publish(target, {"history.csv": data("epoch"), name: data("harm")})
    assert list(tmp_path.iterdir()) == []


def test_a_link_in_the_place_of_a_file_is_replaced_and_not_written_through(tmp_path: Path) -> None:
    target, elsewhere = RunFolder(tmp_path / "target"), tmp_path / "elsewhere"
    target.path.mkdir()
    elsewhere.write_text("mine")
    target.record_path.symlink_to(elsewhere)
    publish(target, {"run.json": data("{}")})
    assert elsewhere.read_text() == "mine"
    assert not target.record_path.is_symlink()
    assert target.record_path.read_text() == "{}"


@dataclass(frozen=True)
class Recording(RunFolder):
    """Remembers the order in which files were written."""

    names: list[str] = field(default_factory=list)

    def write(
        self,
        path: Path,
        write: Callable[[IO[bytes]], object],
        before_rename: Callable[[], object] = lambda: None,
    ) -> None:
        self.names.append(path.name)


def test_run_json_which_says_that_a_run_is_finished_is_written_last(
    source: RunFolder, tmp_path: Path
) -> None:
    target = Recording(tmp_path / "target")
    publish(target, dict(reversed(pack(source).items())))
    assert target.names[-1] == "run.json"
    assert len(target.names) == len(CONTENT) - 1


def test_the_files_of_a_whole_run_replace_all_that_it_had_left_before(
    source: RunFolder, tmp_path: Path
) -> None:
    (source.path / "notes.txt").write_text("mine")
    files = {"run.json": data("{}"), "predictions.npz": data("all")}
    publish(source, files)
    assert content(source).keys() == CONTENT.keys() | {"notes.txt"}
    publish(source, files, whole=True)
    assert content(source) == {
        "run.json": b"{}", "predictions.npz": b"all", "notes.txt": b"mine",
    }  # fmt: skip


def test_who_has_lost_the_lease_publishes_nothing(source: RunFolder) -> None:
    with Lease.acquire(source.path) as first, Lease.acquire(source.path, by_force=True):
        with pytest.raises(ReplacedError):
            publish(source.leased(first), {"checkpoint.pt": data("stale")}, whole=True)
        assert content(source) == CONTENT
