"""Checkpoints that were damaged, or whose writing was cut off: noticed, and nothing is lost."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from forked import Forked, python_program
from sixteenth import Listener, MismatchError, Study
from sixteenth.engine.checkpoint import DIGEST_BYTES, MAGIC
from sixteenth.engine.train import Progress
from tiny_study import checkpoint_at_every_step, environment, tiny_home

STUDY = {
    "data": "digits",
    "image_size": 8,
    "models": ["tiny_models:small"],
    "fractions": ["100 images"],
    "lengths": [1],
    "train": {"epochs": 6, "batch_size": 20},
}
HOW = ("execution", "environment")
"""What a checkpoint says of how it was computed."""

KILLED = """\
import os, signal, sys
import sixteenth
from sixteenth.engine import loop

loop.CHECKPOINT_SHARE, place = 1e9, sys.argv[1]
seen = 0

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

fsync, replace, save = os.fsync, os.replace, loop.write_checkpoint

def write_checkpoint(*given):
    global seen
    seen += 1
    if seen == 3:
        if place == "before flush":
            os.fsync = die
        elif place == "before rename":
            os.replace = die
        elif place == "between renames":
            os.replace = lambda a, b: (replace(a, b), die())
        else:
            save(*given)
            die()
    save(*given)

loop.write_checkpoint = write_checkpoint
sixteenth.Study.load("study.yaml", (), "cut").run(device="cpu", workers=1, threads=1)
"""


class Hearing(Listener):
    """Presses Ctrl-C in an epoch, and remembers what was noticed."""

    def __init__(self, stop_in: int = 0) -> None:
        self.stop_in, self.notices, self.steps = stop_in, list[str](), 0

    def noticed(self, what: str) -> None:
        self.notices.append(what)

    def run_progressed(self, progress: Progress) -> None:
        self.steps += progress.row is None
        if progress.epoch == self.stop_in and progress.row is None:
            raise KeyboardInterrupt


def stable(study: Study) -> list[object]:
    """All that the one run of a study left, wall-clock fields aside."""
    (run,) = (study.folder / "runs").iterdir()
    history = study.histories().drop(columns="seconds").to_csv()
    names = sorted(path.name for path in run.iterdir())
    weights, predictions = run / "model.safetensors", run / "predictions.npz"
    return [names, history, weights.read_bytes(), predictions.read_bytes()]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The study that met no trouble."""
    home = tmp_path_factory.mktemp("whole")
    study = Study(STUDY, home / "study")
    with tiny_home(home):
        study.run(device="cpu", workers=1, threads=1)
    return study


def cut_short(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def rewrite(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change what a checkpoint holds."""
    payload = path.read_bytes()[len(MAGIC) + DIGEST_BYTES :]
    content = torch.load(io.BytesIO(payload), weights_only=True)
    change(content)
    changed = io.BytesIO()
    torch.save(content, changed)
    path.write_bytes(MAGIC + hashlib.sha256(changed.getvalue()).digest() + changed.getvalue())


def empty(path: Path) -> None:
    os.truncate(path, 0)


@pytest.mark.parametrize(
    ("damage", "both"),
    [
        pytest.param(flip_a_bit, False, id="a bit of the newest"),
        pytest.param(cut_short, True, id="both cut short"),
        pytest.param(cut_short, False, id="the newest cut short", marks=pytest.mark.slow),
        pytest.param(flip_a_bit, True, id="a bit of both", marks=pytest.mark.slow),
        pytest.param(empty, False, id="the newest empty", marks=pytest.mark.slow),
        pytest.param(empty, True, id="both empty", marks=pytest.mark.slow),
    ],
)
def test_a_damaged_checkpoint_is_noticed_and_the_one_before_it_is_used(
    tiny_folder: Path,
    whole: Study,
    monkeypatch: pytest.MonkeyPatch,
    damage: Callable[[Path], None],
    both: bool,
) -> None:
    monkeypatch.setattr("sixteenth.engine.loop.CHECKPOINT_SHARE", 1e9)
    cut = Study(STUDY, "cut")
    with pytest.raises(KeyboardInterrupt):
        cut.run(device="cpu", workers=1, threads=1, listener=Hearing(stop_in=5))
    (run,) = (cut.folder / "runs").iterdir()
    damage(run / "checkpoint.pt")
    if both:
        damage(run / "checkpoint-before.pt")
    heard = Hearing()
    cut.run(device="cpu", workers=1, threads=1, listener=heard)
    assert stable(cut) == stable(whole)
    # 5 steps an epoch; whole checkpoints lie at the ends of epochs 4 and 3.
    assert heard.steps == (6 * 5 if both else 3 * 5)
    assert len(heard.notices) == 1 + both
    assert all("is damaged" in notice for notice in heard.notices)
    assert ("began anew" if both else "step 15") in heard.notices[0]
    assert list(cut.records()[0].notices) == heard.notices


def test_a_checkpoint_that_cannot_be_read_is_not_pushed_over_the_whole_one(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sixteenth.engine.loop.CHECKPOINT_SHARE", 1e9)
    cut = Study(STUDY, "cut")
    with pytest.raises(KeyboardInterrupt):
        cut.run(device="cpu", workers=1, threads=1, listener=Hearing(stop_in=5))
    (run,) = (cut.folder / "runs").iterdir()
    older = (run / "checkpoint-before.pt").read_bytes()
    read = Path.read_bytes

    def fails(path: Path) -> bytes:
        if path.name == "checkpoint.pt":
            raise OSError(errno.EIO, "Input/output error")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", fails)
    heard = Hearing(stop_in=4)  # at its first step, before it writes a checkpoint
    with pytest.raises(KeyboardInterrupt):
        cut.run(device="cpu", workers=1, threads=1, listener=heard)
    assert "Input/output error" in heard.notices[0]
    assert not (run / "checkpoint.pt").exists()
    assert (run / "checkpoint-before.pt").read_bytes() == older


@pytest.mark.parametrize(
    ("number", "names"),
    [
        pytest.param(errno.ESTALE, ["checkpoint.pt"], id="a network disk that is away"),
        pytest.param(errno.EIO, ["checkpoint.pt", "checkpoint-before.pt"], id="a broken disk"),
    ],
)
def test_checkpoints_that_cannot_be_read_now_are_kept(
    tiny_folder: Path,
    whole: Study,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    names: Sequence[str],
) -> None:
    monkeypatch.setattr("sixteenth.engine.loop.CHECKPOINT_SHARE", 1e9)
    cut = Study(STUDY, "cut")
    with pytest.raises(KeyboardInterrupt):
        cut.run(device="cpu", workers=1, threads=1, listener=Hearing(stop_in=5))
    (run,) = (cut.folder / "runs").iterdir()
    kept = {path: path.read_bytes() for path in run.glob("checkpoint*.pt")}
    assert len(kept) == 2
    read = Path.read_bytes

    def fails(path: Path) -> bytes:
        if path.name in names:
            raise OSError(number, os.strerror(number), str(path))
        return read(path)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", fails)
        with pytest.raises(OSError, match=os.strerror(number)) as caught:
            cut.run(device="cpu", workers=1, threads=1)
    assert Path(caught.value.filename) == run / names[-1]
    assert {path: path.read_bytes() for path in kept} == kept
    assert cut.records()[0].status == "interrupted"
    heard = Hearing()
    cut.run(device="cpu", workers=1, threads=1, listener=heard)
    assert (stable(cut), heard.steps) == (stable(whole), 2 * 5)


def test_a_checkpoint_of_another_run_of_the_same_name_is_refused(
    tiny_folder: Path, whole: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sixteenth.engine.loop.CHECKPOINT_SHARE", 1e9)
    faster = {**STUDY, "train": {"epochs": 6, "batch_size": 20, "learning_rate": 0.01}}
    own, other = Study(STUDY, "own"), Study(faster, "other")
    for study in (own, other):
        with pytest.raises(KeyboardInterrupt):
            study.run(device="cpu", workers=1, threads=1, listener=Hearing(stop_in=3))
    (place,), (elsewhere,) = ((each.folder / "runs").iterdir() for each in (own, other))
    path = place / "checkpoint.pt"
    before = path.read_bytes()
    shutil.copy(elsewhere / "checkpoint.pt", path)
    own.run(device="cpu", workers=1, threads=1)
    (record,) = own.records()
    assert record.status == "failed"
    assert f"the checkpoint {path} is of another run" in str(record.error)
    assert "train.learning_rate: 0.01 there, None asked for" in str(record.error)
    # As it was before checkpoints said whose they are.
    path.write_bytes(before)
    rewrite(path, lambda content: content.pop("owner"))
    heard = Hearing()
    own.run(device="cpu", workers=1, threads=1, listener=heard)
    assert (stable(own), heard.steps) == (stable(whole), 4 * 5)


def test_a_checkpoint_without_a_record_goes_on_as_it_was_begun_or_not_at_all(
    tiny_folder: Path, whole: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sixteenth.engine.loop.CHECKPOINT_SHARE", 1e9)
    cut = Study(STUDY, "cut")
    with pytest.raises(KeyboardInterrupt):
        cut.run(device="cpu", workers=1, threads=1, listener=Hearing(stop_in=3))
    (run,) = (cut.folder / "runs").iterdir()
    (run / "run.json").unlink()
    (cut.folder / "execution.json").unlink()
    shutil.copytree(cut.folder, "older")
    shutil.copytree(cut.folder, "newer")
    with pytest.raises(
        MismatchError, match=r"another execution \(cpu, .*, 1 thread there, .* 2 th"
    ):
        cut.run(device="cpu", workers=1, threads=2)
    flip_a_bit(run / "checkpoint.pt")
    with pytest.raises(MismatchError, match="another execution"):  # the one before it tells
        cut.run(device="cpu", workers=1, threads=2)
    heard = Hearing()
    cut.run(listener=heard)
    assert (stable(cut), heard.steps) == (stable(whole), 5 * 5)
    (record,) = cut.records()
    assert record.execution is not None
    assert record.execution.threads == 1

    # As it was before checkpoints said how they were computed.
    for path in Path("older").glob("runs/*/checkpoint*.pt"):
        rewrite(path, lambda content: [content["owner"].pop(key) for key in HOW])
    heard = Hearing()
    Study(STUDY, "older").run(device="cpu", workers=1, threads=2, listener=heard)
    assert heard.steps == 4 * 5

    for path in Path("newer").glob("runs/*/checkpoint*.pt"):
        rewrite(path, lambda content: content["owner"]["environment"].update(torch="0.0.7"))
    newer = Study(STUDY, "newer")
    newer.run(device="cpu", workers=1, threads=1)
    (record,) = newer.records()
    assert record.status == "failed"
    assert "computed with others (torch: 0.0.7 there, " in str(record.error)


def test_a_checkpoint_that_does_not_fit_into_memory_is_not_of_another_network(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = Study(STUDY, "cut")
    with pytest.raises(KeyboardInterrupt):
        cut.run(device="cpu", workers=1, threads=1, listener=Hearing(stop_in=5))

    def full(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("sixteenth.engine.checkpoint.torch.load", full)
    cut.run(device="cpu", workers=1, threads=1)
    (record,) = cut.records()
    assert record.error is not None
    assert "another network" not in record.error


def test_a_run_cut_off_inside_an_epoch_goes_on_inside_it(
    tiny_folder: Path, whole: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint_at_every_step(monkeypatch)

    class InTheMiddle(Hearing):
        def run_progressed(self, progress: Progress) -> None:
            super().run_progressed(progress)
            if progress.step == 13:
                raise KeyboardInterrupt

    cut = Study(STUDY, "cut")
    with pytest.raises(KeyboardInterrupt):
        cut.run(device="cpu", workers=1, threads=1, listener=InTheMiddle())
    heard = Hearing()
    cut.run(device="cpu", workers=1, threads=1, listener=heard)
    assert heard.steps == 6 * 5 - 13
    assert stable(cut) == stable(whole)


def test_a_stop_inside_the_writing_of_a_checkpoint_is_a_stop_and_no_failure(
    tiny_folder: Path, whole: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256, updates = hashlib.sha256, 0

    class Interrupted:
        """Ctrl-C at the thirtieth piece of all that is written, for torch's writer to hear of."""

        def __init__(self) -> None:
            self.real = sha256()

        def update(self, data: bytes) -> None:
            nonlocal updates
            updates += 1
            if updates == 30:
                raise KeyboardInterrupt
            self.real.update(data)

        def digest(self) -> bytes:
            return self.real.digest()

    cut = Study(STUDY, "cut")
    with monkeypatch.context() as patched:
        fake = SimpleNamespace(sha256=Interrupted)
        patched.setattr("sixteenth.engine.checkpoint.hashlib", fake)
        with pytest.raises(KeyboardInterrupt):
            cut.run(device="cpu", workers=1, threads=1)
    assert updates == 30
    assert list(cut.results()["status"]) == ["interrupted"]
    cut.run(device="cpu", workers=1, threads=1)
    assert stable(cut) == stable(whole)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
@pytest.mark.parametrize("place", ["before flush", "before rename", "between renames", "after"])
def test_a_kill_inside_the_writing_of_a_checkpoint_loses_nothing(
    tiny_folder: Path, whole: Study, place: str
) -> None:
    shutil.copy(whole.folder / "study.yaml", "study.yaml")
    with Forked(python_program, KILLED, [place], folder=Path.cwd(), env=environment()) as killed:
        _, err = killed.communicate(timeout=120)
    assert killed.returncode == -9, err
    (run,) = Path("cut/runs").iterdir()
    left = list(run.rglob(".checkpoint.pt.*.tmp"))
    assert bool(left) is (place != "after")
    heard = Hearing()
    cut = Study(STUDY, "cut")
    cut.run(device="cpu", workers=1, threads=1, listener=heard)
    assert [each for each in heard.notices if "test images bound" not in each] == []
    assert heard.steps == 5 * (3 if place == "after" else 4)
    assert stable(cut) == stable(whole)
