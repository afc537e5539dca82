"""What is measured of a model before a study, on this machine, and what is kept of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import torch

from forked import ForkedWorker
from sixteenth import Listener, Study
from sixteenth.engine.execution import Execution
from sixteenth.study.planning import estimates
from sixteenth.study.planning.calibration import OtherWork, Speed, best_format
from sixteenth.study.planning.machine import LocalMachine
from tiny_study import tiny


def speed(precision: str, rate: float, layout: str = "channels-last") -> Speed:
    return Speed(precision, layout, 1, 1, rate)


def test_the_default_format_stays_unless_another_is_clearly_faster() -> None:
    default = Execution("cpu", "bfloat16", "channels-last", 1)
    near = [speed("bfloat16", 100), speed("float32", 104)]
    far = [speed("bfloat16", 100), speed("float32", 120), speed("float32", 90, "channels-first")]
    assert best_format(near, default) == ("bfloat16", "channels-last")
    assert best_format(far, default) == ("float32", "channels-last")
    assert best_format([], default) == ("bfloat16", "channels-last")
    chosen = [speed("bfloat16", 90), replace(speed("bfloat16", 80), processes=2)]
    assert best_format([*chosen, speed("float32", 99)], default) == ("bfloat16", "channels-last")


@pytest.fixture
def measured_on_two_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Small studies are measured too, and in a moment, but to the end on a busy machine, too; torch
    has two threads."""
    monkeypatch.setattr(estimates, "SMALL_FLOPS", 0.0)
    monkeypatch.setattr("sixteenth.study.planning.calibration.WINDOW_SECONDS", 0.05)
    monkeypatch.setattr("sixteenth.study.planning.calibration.MOST_SECONDS", 300.0)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_models_are_measured_once_and_the_choice_stands_in_the_record(
    tiny_folder: Path,
    forked_workers: list[ForkedWorker],
    measured_on_two_threads: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(OtherWork, "share", lambda _: 0.01)
    two = tiny(seeds=[0, 1], train={"epochs": 1})
    first = Study(two, "first", data_dir="cache")
    plan = first.plan(device="cpu")
    assert plan["seconds"].gt(0).all()
    assert plan["ends"].max() <= plan["seconds"].sum() + 0.1
    (kept,) = Path("cache/calibration").iterdir()
    text = kept.read_text(encoding="utf-8")

    first.run(device="cpu")
    assert kept.read_text(encoding="utf-8") == text, "it was not measured again"
    for record in first.records():
        measured = record.execution.measured
        assert {(each["processes"], each["threads"]) for each in measured} == {(1, 2), (2, 1)}
        assert all(each["images_per_second"] > 0 for each in measured)
        assert all(1e8 < each["memory"] < 2e9 for each in measured)
        assert record.execution.reason

    kept.write_text(text[:100], encoding="utf-8")
    assert Study(two, "second", data_dir="cache").plan(device="cpu")["seconds"].gt(0).all()
    assert json.loads(kept.read_text(encoding="utf-8"))["speeds"]


def test_only_as_many_go_side_by_side_as_were_seen_to_have_the_memory(
    tiny_folder: Path,
    forked_workers: list[ForkedWorker],
    measured_on_two_threads: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(OtherWork, "share", lambda _: 0.01)
    # A constant would have let two of them in, and each takes more than 0.3 GB.
    monkeypatch.setattr("sixteenth.study.planning.machine.RUN_BYTES", 1e8)
    monkeypatch.setattr(LocalMachine, "free_memory", lambda *_: 3e8)
    two = tiny(seeds=[0, 1], train={"epochs": 1})
    study = Study(two, "scarce", data_dir="cache")
    study.run(device="cpu")
    for record in study.records():
        assert {each["processes"] for each in record.execution.measured} == {1}
        assert record.execution.threads == 2
    # What was measured is known to be all that fits; with more memory more is measured.
    (kept,) = Path("cache/calibration").iterdir()
    before = kept.read_bytes()
    Study(two, "again", data_dir="cache").plan(device="cpu")
    assert kept.read_bytes() == before
    monkeypatch.setattr(LocalMachine, "free_memory", lambda *_: 1e11)
    Study(two, "ample", data_dir="cache").plan(device="cpu")
    assert kept.read_bytes() != before


PICKY = """
import torch
from torch import nn

from tiny_models import Net


class Picky(Net):
    def __init__(self, num_classes, wanted):
        super().__init__(8, num_classes)
        self.wanted = wanted

    def forward(self, images):
        fits = self[0].weight.is_contiguous(memory_format=self.wanted)
        if len(images) > 2 and not fits:  # two images are a look at the costs, not yet a step
            raise RuntimeError("not in this layout")
        return super().forward(images)


def last(num_classes):
    return Picky(num_classes, torch.channels_last)


def first(num_classes):
    return Picky(num_classes, torch.contiguous_format)
"""


@pytest.mark.parametrize("wanted", ["last", "first"])
def test_a_model_that_refuses_one_layout_is_measured_and_trained_in_the_other(
    tiny_folder: Path,
    forked_workers: list[ForkedWorker],
    measured_on_two_threads: None,
    wanted: str,
) -> None:
    Path("picky_models.py").write_text(PICKY, encoding="utf-8")
    study = Study(
        tiny(models=[f"picky_models:{wanted}"], seeds=[0, 1], train={"epochs": 1}), "picky"
    )
    results = study.run(device="cpu")
    assert list(results["status"]) == ["finished"] * 2, list(results["error"])
    for record in study.records():
        layouts = {each["layout"] for each in record.execution.measured}
        assert layouts == {f"channels-{wanted}"}
        assert record.execution.layout == f"channels-{wanted}"


class Heard(Listener):
    """Keeps what it is told to notice."""

    def __init__(self) -> None:
        self.notices: list[str] = []

    def noticed(self, what: str) -> None:
        self.notices.append(what)


def test_what_was_measured_on_a_busy_machine_is_used_and_not_kept(
    tiny_folder: Path,
    forked_workers: list[ForkedWorker],
    measured_on_two_threads: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(OtherWork, "share", lambda _: 0.3)
    study = Study(tiny(seeds=[0, 1], train={"epochs": 1}), "busy", data_dir="cache")
    heard = Heard()
    assert study.plan(device="cpu", listener=heard)["seconds"].gt(0).all()
    assert not list(Path("cache").glob("calibration/*"))
    (said,) = [line for line in heard.notices if "other processes" in line]
    assert "used 30% of this machine's cores" in said
    assert "not kept" in said


def spin(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def test_other_work_is_what_processes_do_that_are_not_ours() -> None:
    """What this process does is taken off; what one does that nobody here started is not."""
    cores = psutil.cpu_count() or 1
    psutil.cpu_percent()
    others, began, used = OtherWork(), time.monotonic(), time.process_time()
    spin(0.5)
    all_work, found = psutil.cpu_percent() / 100, others.share()
    own = (time.process_time() - used) / (time.monotonic() - began)  # of one core
    assert all_work * cores > 0.9 * own > 0
    assert found < all_work - 0.8 * own / cores

    # Its parent, a shell, ends at once: it is no child of this process.
    spinning = "import time\nend = time.time() + 20\nwhile time.time() < end: pass"
    shell = ["sh", "-c", '"$0" -c "$1" > /dev/null 2>&1 & echo $!', sys.executable, spinning]
    orphan = int(subprocess.run(shell, stdout=subprocess.PIPE, check=True).stdout)
    try:
        others = OtherWork()
        time.sleep(0.8)
        assert others.share() > 0.3 / cores
    finally:
        os.kill(orphan, signal.SIGKILL)
