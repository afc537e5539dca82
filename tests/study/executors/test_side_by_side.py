"""Runs side by side: the same results as one after another, and no process left behind."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.soak import differences, remains

from forked import Forked, ForkedWorker
from sixteenth import DataError, Listener, RunSpec, Study
from sixteenth.data import load_dataset
from sixteenth.engine.train import Progress
from sixteenth.storage.run_record import RunRecord
from sixteenth.study.executors import in_process, local
from sixteenth.study.executors.shared_data import share_dataset
from tiny_study import Command, command, environment

FOUR_RUNS = ["run", "tiny.yaml", "--set", "train.epochs=2"]
SLOW_RUN = [
    "run", "tiny.yaml", "--workers", "2", "--threads", "1", "--set", "models=[tiny_models:slow]",
    "--set", "fractions=[100 images]", "--set", "train.epochs=50",
]  # fmt: skip
"""Of one run, which is trained in a worker all the same: to start a second takes seconds."""


def test_runs_leave_the_same_bits_side_by_side_alone_and_in_another_order(
    tiny_folder: Path, forked_workers: list[ForkedWorker], sixteenth: Command
) -> None:
    alone = sixteenth(*FOUR_RUNS, "--out", "a", "--workers", "1", "--threads", "1")
    assert not forked_workers
    together = sixteenth(*FOUR_RUNS, "--out", "b", "--workers", "2", "--threads", "1")
    assert (alone.code, together.code) == (0, 0), together.err
    assert len(forked_workers) == 2
    everything = remains(tiny_folder / "a")
    assert differences(everything, remains(tiny_folder / "b")) == []
    assert "4 of 4" in together.err
    # A part of the grid, its runs in another order.
    part = sixteenth(
        *FOUR_RUNS, "--out", "c", "--workers", "1", "--threads", "1",
        "--set", "models=[tiny_models:big]", "--set", "fractions=[1, 50 images]",
    )  # fmt: skip
    assert part.code == 0
    left = {key: value for key, value in remains(tiny_folder / "c").items() if key != "results.csv"}
    assert len(left) == 2 * 5
    assert left == {key: everything[key] for key in left}


class Hearing(Listener):
    """Remembers what goes on at the same time, and maybe does something about it."""

    def __init__(self) -> None:
        self.live: set[str] = set()
        self.most = 0
        self.ended: dict[str, RunRecord] = {}

    def run_started(self, run: RunSpec) -> None:
        self.live.add(run.run_id)
        self.most = max(self.most, len(self.live))

    def run_progressed(self, progress: Progress) -> None:
        assert progress.run_id in self.live

    def run_ended(self, run: RunSpec, record: RunRecord, *, skipped: bool) -> None:
        self.live.discard(run.run_id)
        self.ended[run.run_id] = record


def slow_study(**changes: Any) -> Study:
    """Two runs that take their time."""
    study = {
        "data": "digits",
        "image_size": 8,
        "models": ["tiny_models:slow"],
        "fractions": ["100 images"],
        "seeds": [0, 1],
        "train": {"epochs": 50},
    }
    return Study({**study, **changes}, "slow")


needs_proc = pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks into /proc")


DYING = """
import os
import signal
import time
from pathlib import Path

import torch
from tiny_models import Net


class Dying(Net):
    \"""The first process that trains it waits until another does too, and is killed.\"""

    def forward(self, images):
        if self.training and torch.is_grad_enabled() and not images.is_meta:
            try:
                Path("first").touch(exist_ok=False)
            except FileExistsError:
                Path("second").touch()
            else:
                while not Path("second").exists():
                    time.sleep(0.01)
                os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(images)


def dying(num_classes):
    return Dying(8, num_classes)
"""


def test_a_worker_that_is_killed_takes_its_own_run_along_and_no_other(
    tiny_folder: Path, forked_workers: list[ForkedWorker]
) -> None:
    Path("dying.py").write_text(DYING, encoding="utf-8")
    heard = Hearing()
    study = slow_study(models=["dying:dying"], seeds=[0, 1, 2], train={"epochs": 5})
    results = study.run(device="cpu", workers=2, threads=1, listener=heard)
    assert heard.most == 2
    whole = results[results["length"] == 1]
    assert sorted(whole["status"]) == ["failed", "finished", "finished"]
    (failed,) = results[results["status"] == "failed"]["error"]
    assert "SIGKILL" in failed
    assert all(worker.returncode is not None for worker in forked_workers)
    again = study.run(device="cpu", workers=1, threads=1)
    assert list(again[again["length"] == 1]["status"]) == ["finished"] * 3


SPOILING = """
import torch

from tiny_models import Net

spoilt = []


class Spoiling(Net):
    def forward(self, images):
        if self.training and len(images) > 2:  # in training, not when it is tried before
            spoilt.append(True)
            raise RuntimeError("spoilt")
        return super().forward(images)


class Fine(Net):
    def forward(self, images):
        assert not spoilt, "this process was spoilt before"
        return super().forward(images)


def spoiling(num_classes):
    return Spoiling(4, num_classes)


def fine(num_classes):
    return Fine(24, num_classes)
"""


def test_a_process_whose_run_failed_trains_no_other(
    tiny_folder: Path, forked_workers: list[ForkedWorker], capfd: pytest.CaptureFixture[str]
) -> None:
    Path("spoiling.py").write_text(SPOILING, encoding="utf-8")
    models = ["spoiling:spoiling", "spoiling:fine", "tiny_models:broken"]
    results = slow_study(models=models, train={"epochs": 1}).run(device="cpu", workers=2, threads=1)
    ended = results.set_index("model")["status"]
    assert set(ended["spoiling:spoiling"]) == {"failed"}
    assert set(ended["spoiling:fine"]) == {"finished"}, list(results["error"])
    for error in results[results["model"] == "tiny_models:broken"]["error"]:
        assert error.startswith("ModelError: ")
        assert "the tests broke it" in error
    assert "Traceback" not in capfd.readouterr().err


def test_after_a_failure_that_may_spoil_the_process_the_rest_is_trained_in_another(
    tiny_folder: Path, forked_workers: list[ForkedWorker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        in_process, "_unusable_after_failure", lambda _: True
    )  # there is no GPU here
    Path("spoiling.py").write_text(SPOILING, encoding="utf-8")
    study = slow_study(models=["spoiling:spoiling", "spoiling:fine"], train={"epochs": 1})
    heard = Hearing()
    results = study.run(device="cpu", workers=1, threads=1, listener=heard)
    ended = results.set_index("model")["status"]
    assert set(ended["spoiling:spoiling"]) == {"failed"}
    assert set(ended["spoiling:fine"]) == {"finished"}, list(results["error"])
    assert heard.most == 1
    assert len(heard.ended) == 4


class Interrupting(Hearing):
    """Presses Ctrl-C when both runs have taken steps."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: set[str] = set()

    def run_progressed(self, progress: Progress) -> None:
        self.heard.add(progress.run_id)
        if len(self.heard) == 2:
            raise KeyboardInterrupt


def test_an_interrupted_study_leaves_no_process_and_says_so_in_every_record(
    tiny_folder: Path, forked_workers: list[ForkedWorker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINY_SLEEP", "0.05")
    study = slow_study()
    with pytest.raises(KeyboardInterrupt):
        study.run(device="cpu", workers=2, threads=1, listener=Interrupting())
    assert [worker.returncode is not None for worker in forked_workers] == [True, True]
    assert list(study.results()["status"]) == ["interrupted"] * 2


@contextlib.contextmanager
def started(words: list[str]) -> Iterator[Forked]:
    """A command line that has begun to train its run, in a process group of its own."""
    with command(words, Path.cwd(), TINY_SLEEP="0.2") as process:
        process.wait_for(lambda: "run 1 of 1" in process.err)
        yield process


def workers_of(pid: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, check=False)
    return [int(line) for line in found.stdout.split()]


def gone(pids: list[int], within: float) -> bool:
    until = time.monotonic() + within
    while time.monotonic() < until:
        if not any(_runs(pid) for pid in pids):
            return True
        time.sleep(0.05)
    return False


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@needs_proc
@pytest.mark.parametrize(
    ("number", "whole_group", "code"),
    [
        (signal.SIGINT, True, 130),  # as a terminal sends it: to all processes at once
        # What a command does then is what it does after Ctrl-C.
        pytest.param(signal.SIGTERM, False, 143, marks=pytest.mark.slow),
        (signal.SIGKILL, False, -9),
    ],
    ids=["ctrl-c", "sigterm", "sigkill"],
)
def test_a_stopped_command_takes_its_workers_along(
    tiny_folder: Path, number: signal.Signals, whole_group: bool, code: int
) -> None:
    with started(SLOW_RUN) as process:
        workers = workers_of(process.pid)
        assert len(workers) == 1
        while not list(Path("studies/tiny/runs").glob("*/run.json")):
            time.sleep(0.05)
        (os.killpg if whole_group else os.kill)(process.pid, number)
        assert gone(workers, within=5)
        _, err = process.communicate(timeout=30)
        assert process.returncode == code
        assert "Traceback" not in err
    if number != signal.SIGKILL:
        assert "go on with:" in err


@pytest.mark.parametrize("mapped", [True, False], ids=["from the cache", "in memory"])
def test_shared_images_are_the_same_images(tmp_path: Path, mapped: bool) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (40, 8, 8, 3), np.uint8), np.arange(40) % 4
    np.savez(tmp_path / "data.npz", x_train=x[:30], y_train=y[:30], x_test=x[30:], y_test=y[30:])
    source = str(tmp_path / "data.npz")
    for _ in range(2):  # the second time it is mapped from the cache
        dataset = load_dataset(source, image_size=8, data_dir=tmp_path / "cache")
    if not mapped:
        train, test = (
            replace(part, images=np.array(part.images)) for part in (dataset.train, dataset.test)
        )
        dataset = replace(dataset, train=train, test=test)
    assert isinstance(dataset.train.images, np.memmap) is mapped
    (tmp_path / "scratch").mkdir()
    shared = share_dataset(dataset, tmp_path / "scratch")
    assert bool(list((tmp_path / "scratch").iterdir())) is not mapped
    opened = shared.open()
    assert np.array_equal(opened.train.images, x[:30])
    assert np.array_equal(opened.test.images, x[30:])
    assert np.array_equal(opened.test.labels, y[30:])
    assert opened.fingerprint == dataset.fingerprint


def test_images_that_were_decoded_anew_meanwhile_are_not_taken(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (40, 8, 8, 3), np.uint8), np.arange(40) % 4
    np.savez(tmp_path / "data.npz", x_train=x[:30], y_train=y[:30], x_test=x[30:], y_test=y[30:])
    for _ in range(2):
        dataset = load_dataset(str(tmp_path / "data.npz"), image_size=8, data_dir=tmp_path / "c")
    shared = share_dataset(dataset, tmp_path)
    place = Path(shared.train_images.path)
    other = place.with_name("other")
    other.write_bytes(bytes(len(place.read_bytes())))
    other.replace(place)
    with pytest.raises(DataError, match="was written anew while the study ran"):
        shared.open()


def test_a_script_needs_no_main_guard_and_its_worker_prints_and_has_memory_of_its_own(
    tiny_folder: Path, sixteenth: Command
) -> None:
    module = Path("tiny_models.py")
    noisy = "import os\nos.write(1, b'hello from the model\\n')\n"
    module.write_text(noisy + module.read_text(encoding="utf-8"), encoding="utf-8")
    Path("script.py").write_text(
        "import numpy, sixteenth, tiny_study\n"
        "tiny_study.take_shortcuts()\n"
        "big = numpy.ones(125_000_000)  # 1 GB, written to\n"
        "settings = ['fractions=[50 images]', 'models=[tiny_models:small]']\n"
        "study = sixteenth.Study.load('tiny.yaml', settings, 'out')\n"
        "print(list(study.run(workers=2, threads=1)['status']))\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, "script.py"],
        env=environment(PYTHONPATH=os.pathsep.join(sys.path)),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "['finished']" in done.stdout
    assert "hello from the model" in done.stderr, "what a worker's code prints is not lost"
    assert "Traceback" not in done.stderr
    peak = Study.open("out").records()[0].peak_memory_bytes
    assert peak is not None
    if sys.platform == "linux":  # other systems count memory in another way
        assert 50e6 < peak < 1e9, "not that of the process that started it"
    here = ("--set", "models=[tiny_models:small]", "--set", "fractions=[50 images]")
    assert sixteenth("run", "tiny.yaml", *here, "--threads", "1", "--out", "here").code == 0
    (one,), (other,) = (
        list(Path().glob(f"{out}/runs/*small*/*.safetensors")) for out in ("out", "here")
    )
    assert one.read_bytes() == other.read_bytes()


@needs_proc
def test_a_worker_whose_requests_end_while_it_starts_exits_silently() -> None:
    for _ in range(3):
        worker = ForkedWorker(local.worker_environment(None))
        worker.stdin.close()
        assert (worker.wait(60), worker.stderr.read()) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_temporary_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "train.raw").symlink_to("/dev/full")
    with pytest.raises(OSError, match=r"No space left on device: .*train\.raw") as raised:
        share_dataset(load_dataset("digits", image_size=8), tmp_path)
    assert raised.value.errno == errno.ENOSPC
