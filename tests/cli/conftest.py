"""A study that the page of `sixteenth watch` follows."""

from __future__ import annotations

from pathlib import Path

import pytest

from sixteenth.cli.watch import drawing, follow
from sixteenth.spec import dump_spec, parse_spec
from sixteenth.storage.study_folder import StudyFolder


@pytest.fixture
def place(tmp_path: Path) -> StudyFolder:
    """The folder of a study of two runs, none of which has begun."""
    spec = {"data": "pets", "name": "Pets <b>", "models": ["small"], "fractions": [1]}
    spec |= {"seeds": [0, 1], "lengths": ["1"]}
    folder = StudyFolder(tmp_path / "pets")
    folder.path.mkdir()
    folder.spec_path.write_text(dump_spec(parse_spec({**spec, "train": {"epochs": 9}})), "utf-8")
    return folder


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page waits for what it says."""
    monkeypatch.setattr(follow, "PATIENCE", 60.0)


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """To draw takes longest."""
    monkeypatch.setattr(drawing, "curves_part", lambda *_: "")
