"""A run has one writer: one that was paused and replaced wakes up and changes nothing."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sixteenth import RunSpec
from sixteenth.data import load_dataset
from sixteenth.engine.execution import Execution
from sixteenth.engine.train import Progress, train_run
from sixteenth.errors import ReplacedError
from sixteenth.spec import TrainSpec
from sixteenth.storage.lease import BEAT, PLACE, STALE_SECONDS, Lease, Pulse
from sixteenth.storage.run_folder import RunFolder

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="fork, SIGSTOP")

REPLACED, PUBLISHED = 7, 0


@pytest.fixture(autouse=True)
def short_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sixteenth.storage.lease.LEASE_SECONDS", 0.2)


def pause() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def paused_child(work: Callable[[], object]) -> int:
    """A process that does `work` up to its `pause`; it ends with REPLACED or PUBLISHED."""
    child = os.fork()
    if not child:
        code = 1
        try:
            work()
            code = PUBLISHED
        except ReplacedError:
            code = REPLACED
        finally:
            os._exit(code)
    _, status = os.waitpid(child, os.WUNTRACED)
    assert os.WIFSTOPPED(status), status
    return child


def wake(child: int) -> int:
    os.kill(child, signal.SIGCONT)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def content(folder: Path) -> dict[str, tuple[int, bytes]]:
    """All files of a folder, hidden ones too: inode and content."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): (path.stat().st_ino, path.read_bytes()) for path in files}


def before_the_rename(folder: RunFolder) -> None:
    folder.write(folder.path / "history.csv", lambda file: file.write(b"late"), pause)


def before_the_writing(folder: RunFolder) -> None:
    pause()
    folder.write_history([])


def before_a_removal(folder: RunFolder) -> None:
    pause()
    folder.remove_checkpoints()


@needs_fork
@pytest.mark.parametrize("late", [before_the_rename, before_the_writing, before_a_removal])
def test_a_paused_writer_that_was_replaced_changes_nothing(
    tmp_path: Path, late: Callable[[RunFolder], None]
) -> None:
    def work() -> None:
        with Lease.acquire(tmp_path) as lease:
            late(RunFolder(tmp_path).leased(lease))

    child = paused_child(work)
    with Lease.acquire(tmp_path) as lease:
        mine = RunFolder(tmp_path).leased(lease)
        mine.write(mine.history_path, lambda file: file.write(b"new"))
        mine.write(mine.checkpoint_paths[0], lambda file: file.write(b"a checkpoint"))
        before = content(tmp_path)
        assert wake(child) == REPLACED
        after = content(tmp_path)
        beat = str(lease.scratch / "beat")  # which goes on meanwhile
        assert before.pop(beat)[0] == after.pop(beat)[0]
        assert after == before
    assert not (tmp_path / PLACE).exists()


@needs_fork
def test_a_training_that_was_paused_and_replaced_writes_nothing_after_it_wakes(
    tmp_path: Path,
) -> None:
    digits = load_dataset("digits", image_size=8)
    execution = Execution("cpu", "float32", "channels-last", 1)
    (tmp_path / "lease_models.py").write_text(
        "from torch import nn\n"
        "def tiny(num_classes):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(192, num_classes))\n"
    )
    sys.path.insert(0, str(tmp_path))
    run = RunSpec(
        model="lease_models:tiny",
        init="random",
        fraction="60 images",
        seed=0,
        data="digits",
        image_size=8,
        train=TrainSpec(epochs=3, batch_size=20),
    )
    shared, alone = RunFolder(tmp_path / "shared"), RunFolder(tmp_path / "alone")

    def stop_in_the_second_epoch(progress: Progress) -> None:
        if progress.step == 4:
            pause()

    child = paused_child(
        lambda: train_run(
            run, digits, shared, execution=execution, on_progress=stop_in_the_second_epoch
        )
    )
    assert json.loads(shared.record_path.read_text())["status"] == "running"
    record = train_run(run, digits, shared, execution=execution)
    assert record.is_finished
    before = content(shared.path)
    assert wake(child) == REPLACED
    assert content(shared.path) == before
    train_run(run, digits, alone, execution=execution)
    assert alone.weights_path.read_bytes() == shared.weights_path.read_bytes()


@needs_fork
def test_a_writer_whose_process_has_ended_is_replaced_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sixteenth.storage.lease.LEASE_SECONDS", 600.0)

    def work() -> None:
        Lease.acquire(tmp_path)
        pause()
        os._exit(PUBLISHED)

    assert wake(paused_child(work)) == PUBLISHED
    with Lease.acquire(tmp_path) as lease:
        lease.check()


def test_a_writer_that_lives_is_waited_for_and_named_or_replaced_by_force(tmp_path: Path) -> None:
    told = list[str]()
    first = Lease.acquire(tmp_path)
    ends = threading.Timer(0.5, first.__exit__)
    ends.start()
    began = time.monotonic()
    with Lease.acquire(tmp_path, on_wait=told.append) as second:
        assert time.monotonic() - began >= 0.4
        assert len(told) == 1
        assert f"process {os.getpid()}, which began at" in told[0]
        with (
            Lease.acquire(tmp_path, by_force=True),
            pytest.raises(ReplacedError, match="taken over by another process"),
        ):
            second.check()
    ends.join()


def test_a_writer_that_shows_no_sign_of_life_is_named_before_it_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a folder that was copied from another machine while it trained there."""
    beat = {"count": "1", "seconds": 1.0, "pid": 1, "host": "elsewhere", "since": "yesterday"}
    (tmp_path / PLACE / "scratch").mkdir(parents=True)
    (tmp_path / PLACE / "scratch" / "beat").write_text(json.dumps(beat), encoding="utf-8")
    monkeypatch.setattr("sixteenth.storage.lease.SILENT_SECONDS", 0.2)
    told = list[str]()
    with Lease.acquire(tmp_path, on_wait=told.append):
        (line,) = told
    assert line.startswith(f"{tmp_path.name} may still be trained by process 1 on elsewhere")
    assert line.endswith(": waiting 1 s")


def test_a_beat_of_long_ago_is_of_no_writer_that_is_alive(tmp_path: Path) -> None:
    """As in a folder that was copied from another machine while it was written to."""
    beat = tmp_path / PLACE / "token" / BEAT
    beat.parent.mkdir(parents=True)
    beat.write_text(json.dumps({"count": "0", "seconds": 60.0}))
    assert Pulse(tmp_path).is_alive()
    before = time.time() - STALE_SECONDS - 60
    os.utime(beat, (before, before))
    assert not Pulse(tmp_path).is_alive()


def test_of_many_writers_at_once_one_has_the_lease_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy machine a thread may not renew its lease within 0.2 s, and is rightly replaced.
    monkeypatch.setattr("sixteenth.storage.lease.LEASE_SECONDS", 3.0)
    inside, most = list[int](), list[int]()

    def work() -> None:
        with Lease.acquire(tmp_path):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.01)
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 8
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("beat", [None, b"", b"[1]", b'{"pid": "x"}'])
def test_what_a_killed_writer_left_half_written_stops_nobody_for_long(
    tmp_path: Path, beat: bytes | None
) -> None:
    (tmp_path / PLACE / "token").mkdir(parents=True)
    if beat is not None:
        (tmp_path / PLACE / "token" / "beat").write_bytes(beat)
    with Lease.acquire(tmp_path) as lease:
        lease.check()
    (tmp_path / PLACE).mkdir()  # of one that was killed between replacing and taking
    with Lease.acquire(tmp_path) as lease:
        lease.check()


def test_a_claim_that_is_swept_while_it_is_made_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, mkdir = list[Path](), Path.mkdir

    def swept(self: Path, *given: Any, **options: Any) -> None:
        made.append(self)
        if len(made) == 1:  # what pathlib raises where the folder that was there is gone again
            raise FileExistsError(self)
        mkdir(self, *given, **options)

    monkeypatch.setattr(Path, "mkdir", swept)
    with Lease.acquire(tmp_path) as lease:
        lease.check()
    assert made[0] == made[1]
