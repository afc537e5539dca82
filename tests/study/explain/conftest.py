"""The study that is explained, before and after the lever of more seeds was trained."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from explained_study import ONLY_SEEDS, SETTINGS, Explained, copy_of, ended_here

from sixteenth.cli.display import PlainDisplay
from tiny_study import run_process, tiny_home, write_tiny_study


@pytest.fixture(scope="session")
def trained_wrongly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that expects the worse model to be the better one; never write to it."""
    home = tmp_path_factory.mktemp("explained")
    write_tiny_study(home)
    ended = run_process(["run", "tiny.yaml", "--threads", "1", *SETTINGS], home)
    assert ended.code == 0, ended.err
    return home


@pytest.fixture
def folder(trained_wrongly: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the study, named as from its home, which is the current folder."""
    return copy_of(trained_wrongly, tmp_path, monkeypatch)


@pytest.fixture(scope="session")
def explained(trained_wrongly: Path, tmp_path_factory: pytest.TempPathFactory) -> Explained:
    """Its four trainings are of the lever seeds; never write to it."""
    home = tmp_path_factory.mktemp("seeds") / "home"
    shutil.copytree(trained_wrongly, home)

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with tiny_home(home), pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "80")
        with patch.context() as stopping:
            stopping.setattr(PlainDisplay, "run_ended", stop)
            stopped = ended_here(ONLY_SEEDS)
        weights = list((home / "studies/tiny/explain").rglob("model.safetensors"))
        first = {path: path.stat().st_mtime_ns for path in weights}
        ended = ended_here(ONLY_SEEDS)
        last = {path: path.stat().st_mtime_ns for path in weights}
    return Explained(home, stopped, ended, (first, last))


@pytest.fixture
def tested(explained: Explained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the study whose lever seeds was trained, as `folder`."""
    return copy_of(explained.home, tmp_path, monkeypatch)
