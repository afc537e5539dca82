"""The head of a study with simulated trainings on many machines, as `benchmarks.scale` has it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from benchmarks import scale

from sixteenth import Study
from sixteenth.analysis import Grid, run_intervals
from sixteenth.analysis.stats.intervals import Interval
from sixteenth.storage.run_record import RunRecord
from sixteenth.storage.study_folder import StudySnapshot
from sixteenth.study.executors.base import Event
from tiny_study import read_results


def test_runs_on_many_machines_take_little_longer_than_they_must(tmp_path: Path) -> None:
    found = scale.measure(60, 4, tmp_path, report=False)
    assert 1.0 <= found.stretch <= 1.1
    results = Study.open(tmp_path / "60-4").results()
    assert Counter(results["status"]) == {"finished": 60}


def test_intervals_which_rest_on_all_runs_are_not_computed_after_each_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed = list[int]()

    def counted(grid: Grid) -> dict[str, Interval]:
        computed.append(len(grid.runs))
        return run_intervals(grid)

    monkeypatch.setattr("sixteenth.analysis.run_intervals", counted)
    monkeypatch.setattr("sixteenth.study.pace.CHEAP", 1e9)  # after each run, on a busy machine too
    monkeypatch.setattr("sixteenth.study.pace.CHEAP_SHARE", math.inf)
    scale.measure(12, 2, tmp_path, report=False)
    assert computed == []
    written = read_results(tmp_path / "12-2")
    assert {(row["status"], row["test_accuracy_low"]) for row in written} == {("finished", "")}
    results = Study.open(tmp_path / "12-2").results()
    assert computed == [len(results)] * 2, "plain and balanced accuracy, each once"
    assert results["test_accuracy_low"].notna().all()


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


def test_records_are_taken_in_where_something_is_written_and_not_after_each_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, take = list[int](), StudySnapshot.with_records

    def counted(snapshot: StudySnapshot, ended: list[RunRecord]) -> StudySnapshot:
        taken.append(len(ended))
        return take(snapshot, ended)

    monkeypatch.setattr(StudySnapshot, "with_records", counted)
    monkeypatch.setattr("sixteenth.study.pace.CHEAP", 0.0)  # as if of thousands of runs
    monkeypatch.setattr("sixteenth.study.pace.SHARE", 1e-9)
    scale.measure(12, 2, tmp_path, report=False)
    assert taken == [1, 10], "after the first run, and at the end"
