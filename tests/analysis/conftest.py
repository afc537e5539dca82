"""Simulated studies for the tests of the analysis."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulated_study import REFERENCE, REFERENCE_TRAIN, Study, make_study


@pytest.fixture
def study() -> Callable[..., Study]:
    return make_study


@pytest.fixture(scope="session")
def reference() -> Study:
    """Twelve runs with the shape of the reference study; the numbers are invented."""
    return make_study(REFERENCE, train=REFERENCE_TRAIN)
