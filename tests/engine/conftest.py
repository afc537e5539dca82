"""What runs are trained on here: digits of 8 pixels, by networks that take milliseconds a step."""

from __future__ import annotations

from pathlib import Path

import pytest

from sixteenth.data import ImageDataset, load_dataset
from sixteenth.models import speedrun
from tiny_study import write_tiny_study

NARROW = {"speedrun": ((24, 2), (32, 2), (40, 3)), "speedrun-large": ((24, 3), (32, 3), (40, 3))}
"""The networks' depths with fewer channels: what is tested here does not depend on their number."""


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> ImageDataset:
    return load_dataset("digits", image_size=8, data_dir=tmp_path_factory.mktemp("cache"))


@pytest.fixture
def tiny_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The module `tiny_models` can be imported."""
    write_tiny_study(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.fixture
def narrow_speedrun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speedrun, "SHAPES", NARROW)
