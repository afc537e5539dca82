"""The page that follows a study whose folder is not there, or not whole: what was read stays."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from followed_study import look, runs_of

from sixteenth.cli.watch import follow
from sixteenth.spec import load_frozen
from sixteenth.storage.study_folder import StudyFolder
from sixteenth.study.reading import StudyResults
from written_study import begin, finish

pytestmark = pytest.mark.usefixtures("patience", "no_figures")


def test_a_study_that_has_no_folder_yet_is_awaited(tmp_path: Path) -> None:
    follower = follow.Follower(tmp_path / "later")
    assert look(follower)["state"] == "The study has not begun to train yet."
    assert b"later" in follower.page()[0]


def test_runs_that_are_left_as_rows_of_a_table_have_an_answer(place: StudyFolder) -> None:
    runs = runs_of(place)
    for run in runs:
        finish(place.run(run.run_id), run, 0.6)
    place.kept_path.mkdir()
    results = StudyResults(load_frozen(place.spec_path), place.path).results()
    table = place.kept_path / "results.csv"
    results.to_csv(table, index=False)
    shutil.rmtree(place.runs_path)
    follower = follow.Follower(place.path)
    assert "60.0%" in look(follower)["answer"]
    results.assign(test_accuracy=0.7).to_csv(table, index=False)
    assert "70.0%" in look(follower)["answer"]


def test_a_folder_that_vanishes_leaves_what_was_read(place: StudyFolder) -> None:
    first, _ = runs_of(place)
    begin(place.run(first.run_id), first, 2)
    follower, away = follow.Follower(place.path), place.path.with_name("away")
    before = look(follower)
    place.path.rename(away)
    said = look(follower)
    assert said == before | {"trouble": said["trouble"]}
    assert said["trouble"] == f"Not up to date: {place.spec_path} is not there any more"
    away.rename(place.path)
    begin(place.run(first.run_id), first, 3)
    assert (look(follower)["trouble"], "3 of 9" in look(follower)["state"]) == ("", True)


def test_a_damaged_file_is_named_and_the_page_goes_on(place: StudyFolder) -> None:
    first, _ = runs_of(place)
    folder = place.run(first.run_id)
    begin(folder, first, 2)
    follower = follow.Follower(place.path)
    assert look(follower)["trouble"] == ""
    folder.history_path.write_text("<script>", "utf-8")
    said = look(follower)
    assert said["trouble"].startswith("Not up to date: ")
    assert "history.csv" in said["trouble"]
    assert "2 of 9" in said["state"]
    begin(folder, first, 3)
    assert (look(follower)["trouble"], "3 of 9" in look(follower)["state"]) == ("", True)
