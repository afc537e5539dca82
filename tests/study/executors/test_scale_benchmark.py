"""The head of a study with simulated trainings on many machines, as `benchmarks.scale` has it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from benchmarks import scale

from sixteenth import Study
from sixteenth.study.executors.base import Event
from tiny_study import read_results


def test_runs_on_many_machines_take_little_longer_than_they_must(tmp_path: Path) -> None:
    found = scale.measure(60, 4, tmp_path, report=False)
    assert 1.0 <= found.stretch <= 1.1
    results = Study.open(tmp_path / "60-4").results()
    assert Counter(results["status"]) == {"finished": 60}


def test_results_csv_has_every_run_that_ended_before_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait, ends = scale.Simulated.wait, list[int]()

    def stops(self: scale.Simulated, emit: Callable[[Event], None], timeout: float) -> None:
        if len(ends) == 7:
            raise KeyboardInterrupt
        ends.append(1)
        wait(self, emit, timeout)

    monkeypatch.setattr(scale.Simulated, "wait", stops)
    monkeypatch.setattr("sixteenth.study.pace.CHEAP", 0.0)  # as if of thousands of runs
    monkeypatch.setattr("sixteenth.study.pace.SHARE", 1e-9)
    with pytest.raises(KeyboardInterrupt):
        scale.measure(12, 2, tmp_path, report=False)
    written = Counter(row["status"] for row in read_results(tmp_path / "12-2"))
    assert written["finished"] == 7
