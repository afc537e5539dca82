"""SIGKILL at random moments of a study trained by the real command line: nothing is lost."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from benchmarks.soak import soak

from tiny_study import command

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")


def test_a_study_killed_at_random_moments_ends_as_one_that_was_not(tmp_path: Path) -> None:
    # With this seed one run is trained at a time, so that no worker has to import torch. The first
    # kill comes soon after a training has begun, the second at any moment.
    done = soak(tmp_path, seconds=600, kills=2, seed=28, epochs=4, start=command)
    assert done.differences == []
    assert done.studies >= 1
    assert done.kills == 2
    assert done.in_training >= 1


@pytest.mark.slow
def test_twenty_kills_at_random_moments_change_no_bit(tmp_path: Path) -> None:
    done = soak(tmp_path, seconds=3600, kills=20, seed=2)
    assert done.differences == []
    assert done.kills == 20
    assert done.in_training >= 5
