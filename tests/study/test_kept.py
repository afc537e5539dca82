"""A study of which only the tables are left still has a report; nothing in the tables is lost."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from sixteenth import InputError, Study
from tiny_study import Command, TrainedStudy

GONE = "tiny_models.big-random-50images-seed0"


@pytest.fixture
def study(trained: TrainedStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the trained study, in the current folder."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(trained.folder, "tiny"))


def _without_ends(path: Path) -> pd.DataFrame:
    """A table without the intervals, which rest on predictions too."""
    table = pd.read_csv(path, dtype=str)
    return table[[name for name in table if not name.endswith(("low", "high"))]]


def test_rows_of_runs_whose_folders_are_gone_are_kept_in_table_and_report(
    study: Path, sixteenth: Command
) -> None:
    names = ("results.csv", "per_class.csv")
    tables = {name: (study / name, _without_ends(study / name)) for name in names}
    answer = (study / "report.md").read_text("utf-8").splitlines()[:8]
    shutil.rmtree(study / "runs" / GONE)
    for _ in range(2):
        ended = sixteenth("report", str(study), "--from-table")
        assert ended.code == 0, ended.err
        for path, before in tables.values():
            pd.testing.assert_frame_equal(_without_ends(path), before)
    report = (study / "report.md").read_text("utf-8")
    assert report.splitlines()[:8] == answer
    assert "The folder of one finished run is gone" in report
    assert f"| {GONE}" not in report
    shutil.rmtree(study / "runs")
    ended = sixteenth("report", str(study), "--from-table", "--json")
    assert ended.code == 0, ended.err
    pd.testing.assert_frame_equal(_without_ends(tables[names[0]][0]), tables[names[0]][1])
    assert "The folders of 4 finished runs are gone" in (study / "report.md").read_text("utf-8")


def test_what_predictions_told_is_kept_where_they_alone_are_gone(study: Path) -> None:
    path = study / "results.csv"
    before = _without_ends(path)
    assert before["ece"].notna().all()
    for predictions in study.glob("runs/*/predictions.npz"):
        predictions.unlink()
    Study.open(study).report(from_table=True)
    pd.testing.assert_frame_equal(_without_ends(path), before)
    assert len(pd.read_csv(study / "per_class.csv")) == 40


def test_a_run_that_is_there_counts_and_not_its_row(study: Path) -> None:
    path = study / "results.csv"
    table = pd.read_csv(path)
    table["test_accuracy"] = 0.5
    table["ece"] = 0.25
    table.to_csv(path, index=False)
    (study / "runs" / GONE / "predictions.npz").unlink()
    shutil.rmtree(study / "runs" / "tiny_models.small-random-50images-seed0")
    Study.open(study).report(from_table=True)
    again = pd.read_csv(path).set_index("run_id")
    assert (again["test_accuracy"] == 0.5).sum() == 1
    assert (again["ece"] == 0.25).sum() == 1
    assert pd.isna(again["ece"][GONE]), "the row was of another training"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda path: path.unlink(), "there is no tiny/results.csv whose rows"),
        (lambda path: path.write_text(""), "there is no tiny/results.csv whose rows"),
        (lambda path: path.write_text("run_id,a\nx,1\n"), "lacks the column"),
        (
            lambda path: path.write_text(path.read_text().replace(",random,", ",imagenet,")),
            "seed0, which is no run of this study",
        ),
    ],
    ids=["none", "empty", "another table", "another study"],
)
def test_a_table_that_is_not_the_studys_is_refused(study: Path, change, says: str) -> None:
    change(study / "results.csv")
    shutil.rmtree(study / "runs")
    before = (study / "report.html").read_bytes()
    with pytest.raises(InputError, match=says):
        Study.open(study).report(from_table=True)
    assert (study / "report.html").read_bytes() == before


def test_commands_of_the_page_work_where_the_study_was_run(study: Path) -> None:
    page = Study.open(study).report().with_suffix(".md").read_text("utf-8")
    assert "`sixteenth run tiny/study.yaml --set train.epochs=6 --fresh`" in page
    Study.open(study.absolute()).report()
    assert study.with_name("tiny").joinpath("report.md").read_text("utf-8") == page
