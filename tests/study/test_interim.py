"""What stands in results.csv while runs are trained, and after training has stopped."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from test_snapshot import finish

from sixteenth import InputError, StudySpec
from sixteenth.storage.study_folder import StudyFolder, StudySnapshot
from sixteenth.study import interim
from sixteenth.study.interim import InterimResults
from tiny_study import read_results


class Training:
    """Two runs of a study that have just ended, and all that the study was made to know."""

    def __init__(self, path: Path) -> None:
        spec = StudySpec(
            name="two", data="pets", models=["small"], fractions=["1"], seeds=[0, 1], lengths=["1"]
        )
        self.folder = StudyFolder(path)
        begun = StudySnapshot.read(self.folder, spec.runs())
        for i, run in enumerate(spec.runs()):
            finish(self.folder.run(run.run_id), run, 0.6 + i / 10)
        self.ended = list(StudySnapshot.read(self.folder, spec.runs()).records.values())
        self.known = [begun]
        self.noticed = list[str]()
        self.interim = InterimResults(begun, self.adopt, None, self.noticed.append)

    def adopt(self, snapshot: StudySnapshot) -> StudySnapshot:
        self.known.append(snapshot)
        return snapshot

    def intervals(self) -> list[tuple[str, bool]]:
        """Each row's status, and whether it has an interval."""
        rows = read_results(self.folder.path)
        return [(row["status"], row["test_accuracy_low"] != "") for row in rows]


def test_after_a_stop_results_csv_has_its_intervals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sixteenth.study.pace.CHEAP", 1e9)  # after each run, on a busy machine too
    monkeypatch.setattr("sixteenth.study.pace.CHEAP_SHARE", math.inf)
    training = Training(tmp_path)

    def train() -> None:
        with training.interim as interim:
            interim.add(training.ended[0])
            assert training.intervals() == [("finished", False), ("missing", False)]
            interim.add(training.ended[1])
            assert training.intervals() == [("finished", False)] * 2
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train()
    assert training.intervals() == [("finished", True)] * 2


def test_after_a_stop_results_csv_has_the_runs_that_were_cut_off(tmp_path: Path) -> None:
    training = Training(tmp_path)
    first, second = training.ended
    training.folder.run(second.run_id).write_record(second.as_interrupted())

    def train() -> None:
        with training.interim as interim:
            interim.add(first)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train()
    assert training.intervals() == [("finished", True), ("interrupted", False)]


def test_after_a_stop_results_csv_has_how_far_a_run_came_that_was_begun_twice(
    tmp_path: Path,
) -> None:
    """A budget had stopped it at one of its lengths, and it went on."""
    training = Training(tmp_path)
    first, second = training.ended

    def train() -> None:
        with training.interim as interim:
            interim.add(first)
            interim.add(second.as_interrupted())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train()
    assert training.intervals() == [("finished", True)] * 2


def test_a_table_that_a_spreadsheet_has_open_is_told_once_and_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training, write = Training(tmp_path), interim.write_results

    def refused(*_: object) -> None:
        raise PermissionError(13, "Access is denied", "results.csv")

    with training.interim as results:
        monkeypatch.setattr(interim, "write_results", refused)
        results.add(training.ended[0])
        results.add(training.ended[0])
        monkeypatch.setattr(interim, "write_results", write)
        results.add(training.ended[1])
    assert training.noticed == [
        "results.csv cannot be written (Access is denied): close the program that has it open; "
        "training goes on"
    ]
    assert training.intervals() == [("finished", False)] * 2


def test_a_stop_remains_a_stop_where_results_csv_cannot_be_written(tmp_path: Path) -> None:
    training = Training(tmp_path)
    training.folder.results_path.mkdir()

    def train() -> None:
        with training.interim as interim:
            with pytest.raises(OSError, match=r"results\.csv"):
                interim.add(training.ended[0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train()
    # The second had ended too, and lies in the folder.
    assert list(training.known[-1].records) == [record.run_id for record in training.ended]


def test_a_damaged_file_of_another_run_is_told_once_and_stops_no_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would end those that a budget still has time for."""
    monkeypatch.setattr("sixteenth.study.interim.REPORT_SECONDS", 0.0)
    training = Training(tmp_path)

    def report() -> None:
        raise InputError("predictions.npz cannot be read: remove it")

    results = InterimResults(training.known[0], training.adopt, report, training.noticed.append)
    with results:
        for record in training.ended:
            results.add(record)
    assert training.noticed == [
        "there is no report for now: predictions.npz cannot be read: remove it; training goes on"
    ]
