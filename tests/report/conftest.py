"""One built report for all tests that only read it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import pytest
from invented import Invented, invented_study


@pytest.fixture(scope="session")
def study() -> Invented:
    """Never change it, nor its findings, which are found once: `replace(study)` is another one."""
    made = invented_study()
    made.findings = functools.cache(made.findings)
    return made


@pytest.fixture(scope="session")
def report(study: Invented, made_once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """The folder of the invented study with its report."""

    def make(folder: Path) -> None:
        assert study.report(folder) == folder / "report.html"

    return made_once("study", make)
