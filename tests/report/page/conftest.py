"""One browser for all tests that look at pages, and the page of the invented study."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser
from reader import Reader


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as one:
        yield one


@pytest.fixture(scope="session")
def html(report: Path) -> Reader:
    return Reader((report / "report.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def markdown(report: Path) -> str:
    return (report / "report.md").read_text(encoding="utf-8")
