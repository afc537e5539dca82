"""Two processes on one study: the second is refused, and the lock of a dead one is taken over."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sixteenth import Study
from sixteenth.errors import InUseError, MismatchError
from sixteenth.storage.lock import LOCK, NOTE, FolderLock, Holder
from tiny_study import Command, read_results, training

SLOW = [
    "run", "tiny.yaml", "--set", "models=[tiny_models:slow]", "--set", "fractions=[100 images]",
    "--set", "train.epochs=50",
]  # fmt: skip
FOLDER = Path("studies/tiny")

needs_kill = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")


@needs_kill
def test_the_second_command_is_refused_and_a_killed_ones_lock_taken_over(
    tiny_folder: Path, sixteenth: Command
) -> None:
    with training(SLOW, lambda: list(FOLDER.glob("runs/*/run.json"))) as first:
        frozen = [FOLDER / "study.yaml", FOLDER / "execution.json", FOLDER / NOTE]
        before = [path.stat().st_ino for path in frozen]
        second = sixteenth(*SLOW)
        assert second.code == 2
        assert second.out == ""
        assert f"sixteenth: studies/tiny is in use by process {first.pid}, which" in second.err
        assert "--out" in second.err
        assert "decoding" not in second.err  # at once, not after the images were read
        assert [path.stat().st_ino for path in frozen] == before
        assert sixteenth("show", "studies/tiny").code == 0  # looking is free
        first.send_signal(signal.SIGKILL)
        first.communicate(timeout=30)
    assert (FOLDER / NOTE).exists()  # of the dead process
    third = sixteenth(*SLOW)
    assert third.code == 0, third.err
    assert [row["status"] for row in read_results(FOLDER)] == ["finished"]
    assert not (FOLDER / NOTE).exists()


def test_a_lock_is_kept_until_its_block_ends_however_it_ends(tmp_path: Path) -> None:
    with contextlib.suppress(RuntimeError), FolderLock(tmp_path) as first:
        first.acquire()
        first.acquire()  # has it already
        with (
            FolderLock(tmp_path) as second,
            pytest.raises(InUseError, match=f"process {os.getpid()}, which began at 20"),
        ):
            second.acquire()
        raise RuntimeError("an end of another kind")
    with FolderLock(tmp_path) as third:
        third.acquire()
    assert [path.name for path in tmp_path.iterdir()] == [LOCK]


def test_the_holder_on_another_machine_is_named_with_its_machine(tmp_path: Path) -> None:
    with FolderLock(tmp_path) as first:
        first.acquire()
        note = {"pid": 7, "host": "elsewhere", "since": "2026-01-31 12:00:00"}
        (tmp_path / NOTE).write_text(json.dumps(note), encoding="utf-8")
        with (
            FolderLock(tmp_path) as second,
            pytest.raises(InUseError, match="process 7 on elsewhere, which began at 2026-01-31"),
        ):
            second.acquire()


@pytest.mark.skipif(sys.platform == "win32", reason="flock")
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_disk_without_locks_refuses_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", no_locks)
    with FolderLock(tmp_path) as killed, FolderLock(tmp_path) as other:
        killed.acquire()
        other.acquire()
    assert not (tmp_path / NOTE).exists()


@needs_kill
@pytest.mark.parametrize("note", ["", "{}", "[1]", '{"pid": "x"}', "\x00", None])
def test_a_note_that_says_nothing_refuses_nobody_for_long(
    tmp_path: Path, note: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sixteenth.storage.lock.TIMEOUT_SECONDS", 0.2)
    with FolderLock(tmp_path) as first:
        first.acquire()
        (tmp_path / NOTE).unlink()
        if note is not None:
            (tmp_path / NOTE).write_text(note, encoding="utf-8")
        with FolderLock(tmp_path) as second, pytest.raises(InUseError, match="another process"):
            second.acquire()
    if note is not None:
        (tmp_path / NOTE).write_text(note, encoding="utf-8")
    with FolderLock(tmp_path) as third:
        third.acquire()


@needs_kill
def test_a_process_that_is_gone_is_known_to_be() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    assert Holder(gone.pid, socket.gethostname(), "").is_dead()
    assert not Holder(gone.pid, "elsewhere", "").is_dead()
    assert not Holder(os.getpid(), socket.gethostname(), "").is_dead()


def test_a_folder_that_another_study_took_in_the_meantime_is_not_written_over(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lets_another_begin(*_: object) -> None:
        monkeypatch.undo()
        monkeypatch.chdir(tiny_folder)
        other = ["fractions=[50 images]", "train.epochs=1"]
        Study.load("tiny.yaml", other).run(device="cpu", workers=1, threads=1)

    # The last of what is looked at before anything is written.
    monkeypatch.setattr("sixteenth.study.preflight.check_disk", lets_another_begin)
    with pytest.raises(MismatchError, match="holds another study"):
        Study.load("tiny.yaml").run(device="cpu", workers=1, threads=1)
    assert "epochs: 1\n" in (FOLDER / "study.yaml").read_text(encoding="utf-8")
