"""A place to be wrong in: the tiny study, its models, and on request its trained folder."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from makers import png

from tiny_study import TrainedStudy

SHAPES = {"study.yaml", "runs", "results.csv", "report.html", "report.md", "figures"}


@pytest.fixture
def place(tiny_folder: Path) -> Iterator[Path]:
    """The current folder, with the tiny study and a sound image; its models can be imported."""
    (tiny_folder / "sound.png").write_bytes(png())
    sys.path.insert(0, str(tiny_folder))
    yield tiny_folder
    sys.path.remove(str(tiny_folder))
    sys.modules.pop("tiny_models", None)


@pytest.fixture
def with_runs(place: Path, request: pytest.FixtureRequest) -> Callable[[], None]:
    """Put a copy of the trained tiny study into studies/tiny."""

    def copy() -> None:
        trained: TrainedStudy = request.getfixturevalue("trained_once")
        shutil.copytree(trained.folder, place / "studies" / "tiny")

    return copy
