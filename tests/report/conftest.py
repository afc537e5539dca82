"""One built report for all tests that only read it."""

from __future__ import annotations

from pathlib import Path

import pytest
from invented import Invented, invented_study


@pytest.fixture(scope="session")
def study() -> Invented:
    return invented_study()


@pytest.fixture(scope="session")
def report(study: Invented, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the invented study with its report."""
    folder = tmp_path_factory.mktemp("study")
    assert study.report(folder) == folder / "report.html"
    return folder
