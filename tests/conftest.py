"""What the tests share: a place to work in, the command line, and one trained tiny study."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil

# Before torch is imported: threads that wait for busy cores make small networks ten times slower.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Reports are in the locale's language, and most tests read them in English.
os.environ["LC_ALL"] = "C.UTF-8"

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from filelock import FileLock

from forked import ForkedWorker
from tiny_study import (
    FIGURES,
    TIMING,
    Command,
    Ended,
    TrainedStudy,
    blank,
    brief_timing,
    run_process,
    write_tiny_study,
)

REPO = Path(__file__).resolve().parents[1]
CIFAR10_JPEG = REPO.parent / "shared" / "data" / "cifar10-jpeg"


@pytest.fixture
def blank_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports have blank figures: to draw them takes longer than to train the tiny study."""
    for place in FIGURES:
        monkeypatch.setattr(place, blank)


@pytest.fixture
def shortcuts(blank_figures: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are blank, and each model of a plan is timed for a moment, not for a second."""
    monkeypatch.setattr(TIMING, brief_timing())


@pytest.fixture
def tiny_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shortcuts: None) -> Path:
    """An empty place to work in, which holds a tiny study and is the current folder."""
    write_tiny_study(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def sixteenth(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, shortcuts: None
) -> Command:
    """Call ``sixteenth WORDS`` in this process: ``sixteenth("show", "studies/tiny")``."""
    from sixteenth.cli.commands import main

    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("FORCE_COLOR", raising=False)

    def call(*words: str) -> Ended:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main(words)
        said = capsys.readouterr()
        return Ended(int(stop.value.code or 0), said.out, said.err)

    return call


@pytest.fixture
def forked_workers(monkeypatch: pytest.MonkeyPatch) -> list[ForkedWorker]:
    """Workers of studies of this process are forks, which need not import torch: all so far."""
    started = list[ForkedWorker]()

    def start(environment: Mapping[str, str]) -> ForkedWorker:
        started.append(ForkedWorker(environment))
        return started[-1]

    monkeypatch.setattr("sixteenth.study.executors.local.start_process", start)
    return started


@pytest.fixture(scope="session")
def made_once(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str, Callable[[Path], object]], Path]:
    """``made_once(name, make)``: a folder that ``make(folder)`` filled; read it, never write to it.

    Where tests run in several processes, one of them makes it for all.
    """
    place = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parent  # which all have in common

    def made(name: str, make: Callable[[Path], object]) -> Path:
        folder, done = place / name, place / f"{name}.made"
        with FileLock(place / f"{name}.lock"):
            if not done.exists():
                folder.mkdir()
                make(folder)
                done.touch()
        return folder

    return made


@pytest.fixture(scope="session")
def trained_once(made_once: Callable[[str, Callable[[Path], object]], Path]) -> TrainedStudy:
    """The tiny study, trained once for all tests, with a report: read it, never write to it."""

    def train(folder: Path) -> None:
        (folder / "home").mkdir()
        write_tiny_study(folder / "home")
        ended = run_process(["run", "tiny.yaml"], folder / "home")
        (folder / "ended.json").write_text(json.dumps(dataclasses.asdict(ended)), "utf-8")

    made = made_once("trained", train)
    return TrainedStudy(
        made / "home", Ended(**json.loads((made / "ended.json").read_text("utf-8")))
    )


@pytest.fixture
def trained(
    trained_once: TrainedStudy,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> TrainedStudy:
    """A copy of the trained study, with its home as the current folder."""
    home = tmp_path_factory.mktemp("trained") / "home"
    shutil.copytree(trained_once.home, home)
    monkeypatch.chdir(home)
    return dataclasses.replace(trained_once, home=home)


@pytest.fixture(scope="session")
def cifar10_jpeg() -> Path:
    """The Parquet folder of all 60,000 CIFAR-10 images, which is not part of the repository."""
    if not CIFAR10_JPEG.is_dir():
        pytest.skip(f"no real images in {CIFAR10_JPEG}")
    return CIFAR10_JPEG
