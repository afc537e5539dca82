"""What is tested here are runs and their records; reports have their tests in `tests/report`."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _shortcuts(shortcuts: None) -> None:
    """Reports are written, and their figures are blank; models are timed for a moment."""
