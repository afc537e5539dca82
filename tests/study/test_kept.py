"""A study of which only the tables are left still has a report; nothing in the tables is lost."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from sixteenth import InputError, Study
from sixteenth.cli.watch.follow import Follower
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
    assert "3 of 4 runs have curves" in report
    shutil.rmtree(study / "runs")
    ended = sixteenth("report", str(study), "--from-table", "--json")
    assert ended.code == 0, ended.err
    pd.testing.assert_frame_equal(_without_ends(tables[names[0]][0]), tables[names[0]][1])
    assert "The folders of 4 finished runs are gone" in (study / "report.md").read_text("utf-8")


def test_rows_that_were_kept_before_are_not_given_up_for_a_table_without_them(study: Path) -> None:
    shutil.rmtree(study / "runs" / GONE)
    Study.open(study).report(from_table=True)
    kept, table = study / "kept" / "results.csv", study / "results.csv"
    before = kept.read_bytes()
    rows = pd.read_csv(table, dtype=str, keep_default_na=False)
    rows[~rows["run_id"].str.startswith(GONE)].to_csv(table, index=False)
    with pytest.raises(InputError, match=r"lacks tiny_models\.big.*was kept before in tiny/kept"):
        Study.open(study).report(from_table=True)
    assert kept.read_bytes() == before


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


def test_the_shorter_length_of_a_run_that_was_stopped_is_not_lost_with_its_folder(
    study: Path, sixteenth: Command
) -> None:
    """Of its whole row nothing is known; what was measured stands in that of the length."""
    path = study / "results.csv"
    table = pd.read_csv(path, dtype=str)
    shorter = table[table["run_id"] == GONE].assign(run_id=f"{GONE}@1/2", length="0.5")
    measured = ["train_accuracy", "test_accuracy", "test_loss", "train_loss", "chosen_by"]
    table.loc[table["run_id"] == GONE, measured] = ""
    table.loc[table["run_id"] == GONE, "status"] = "interrupted"
    pd.concat([table, shorter]).to_csv(path, index=False)
    shutil.rmtree(study / "runs" / GONE)
    before = path.read_bytes()
    refused = sixteenth("report", str(study))
    assert refused.code == 2
    assert f"lacks 1 of the 4 runs that results.csv has results of, {GONE}" in refused.err
    assert f"{GONE} for one, whose folders are gone" in sixteenth("show", str(study)).err
    assert path.read_bytes() == before
    assert sixteenth("report", str(study), "--from-table").code == 0
    after = pd.read_csv(path, dtype=str).set_index("run_id")
    assert after.loc[f"{GONE}@1/2", "test_accuracy"] == shorter["test_accuracy"].item()
    assert sixteenth("report", str(study)).code == 0, "it is kept now"


def test_a_kept_run_is_not_being_trained_any_more(study: Path) -> None:
    path = study / "results.csv"
    table = pd.read_csv(path, dtype=str)
    table.loc[table["run_id"] == GONE, ["status", "chosen_by"]] = ["running", "stopped"]
    table.to_csv(path, index=False)
    shutil.rmtree(study / "runs" / GONE)
    Study.open(study).report(from_table=True)
    assert pd.read_csv(path).set_index("run_id").loc[GONE, "status"] == "interrupted"


def test_what_a_finished_run_could_not_remove_any_more_is_removed(
    place: Path, sixteenth: Command
) -> None:
    assert sixteenth("run", "tiny.yaml").code == 0
    folder = place / "runs" / GONE
    left = [folder / name for name in ("checkpoint.pt", "predictions-12-epochs.npz")]
    for path in left:
        path.write_bytes(b"left by a process that was killed")
    assert sixteenth("run", "tiny.yaml").code == 0
    assert not any(path.exists() for path in left)
    assert (folder / "predictions.npz").is_file()


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


@pytest.fixture
def place(trained: TrainedStudy, tiny_folder: Path) -> Path:
    """A copy of the trained study where it would be trained on; two of its four runs are gone."""
    folder = Path(shutil.copytree(trained.folder, "studies/tiny"))
    for gone in (GONE, "tiny_models.small-random-50images-seed0"):
        shutil.rmtree(folder / "runs" / gone)
    return folder


def test_kept_runs_are_finished_for_every_command(place: Path, sixteenth: Command) -> None:
    before = _without_ends(place / "results.csv")
    assert sixteenth("report", str(place), "--from-table").code == 0
    planned = json.loads(sixteenth("plan", "tiny.yaml", "--json").out)
    assert [run["status"] for run in planned["runs"]] == ["finished"] * 4
    ended = sixteenth("run", "tiny.yaml", "--json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["status"] == "finished"
    assert not (place / "runs" / GONE).exists()
    pd.testing.assert_frame_equal(_without_ends(place / "results.csv"), before)
    for command in ("show", "advise"):
        ended = sixteenth(command, str(place))
        assert (ended.code, ended.err) == (0, ""), ended.err
        assert "missing" not in ended.out
    page = Follower(place)
    page._look()
    assert "4 of 4 runs done" in page.parts()["state"]


def test_what_a_study_still_lacks_is_trained_beside_kept_runs(
    place: Path, sixteenth: Command
) -> None:
    before = _without_ends(place / "results.csv")
    assert sixteenth("report", str(place), "--from-table").code == 0
    ended = sixteenth("run", "tiny.yaml", "--set", "seeds=[0,1]")
    assert ended.code == 0, ended.err
    assert len(list(place.glob("runs/*/run.json"))) == 2 + 4
    after = _without_ends(place / "results.csv")
    assert set(after["status"]) == {"finished"}
    old = after[after["seed"] == "0"].reset_index(drop=True)
    pd.testing.assert_frame_equal(old, before)


def test_runs_that_were_not_kept_are_trained_anew_and_their_table_is_saved(
    place: Path, sixteenth: Command
) -> None:
    table = (place / "results.csv").read_bytes()
    for command in ("show", "advise"):
        said = sixteenth(command, str(place)).err
        assert "left out: 2 of the 4 runs that results.csv has results of" in said
        assert "sixteenth report studies/tiny --from-table" in said
    for name in ("results-before.csv", "results-before-2.csv"):
        ended = sixteenth("run", "tiny.yaml")
        assert ended.code == 0, ended.err
        said = " ".join(ended.err.split())
        assert f"trained anew. The table as it was is studies/tiny/{name}" in said
        assert (place / name).read_bytes() == table
        table = (place / "results.csv").read_bytes()
        assert sorted(each.name for each in place.glob("runs/*")) == _whole_runs(table)
        shutil.rmtree(place / "runs" / GONE)


def _whole_runs(table: bytes) -> list[str]:
    rows = pd.read_csv(io.BytesIO(table))
    return sorted(rows["run_id"][rows["length"] == 1])


def test_a_run_of_which_only_a_shorter_length_is_kept_is_missing(
    study: Path, sixteenth: Command
) -> None:
    path = study / "results.csv"
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    half = rows[rows["run_id"] == GONE].assign(run_id=f"{GONE}@1/2", length="0.5")
    rows.loc[rows["run_id"] == GONE, ["status", "test_accuracy"]] = ["interrupted", ""]
    pd.concat([rows, half]).to_csv(path, index=False)
    shutil.rmtree(study / "runs" / GONE)
    ended = sixteenth("report", str(study), "--from-table", "--json")
    assert ended.code == 0, ended.err
    said = json.loads(ended.out)
    assert said["status"] == "incomplete"
    assert {run["run_id"]: run["status"] for run in said["results"]}[GONE] == "missing"
    kept = pd.read_csv(path, dtype=str).set_index("run_id")["status"]
    assert (kept[GONE], kept[f"{GONE}@1/2"]) == ("missing", "finished")


def test_an_export_says_which_runs_are_only_rows(study: Path, sixteenth: Command) -> None:
    shutil.rmtree(study / "runs" / GONE)
    assert sixteenth("report", str(study), "--from-table").code == 0
    words = ("export", str(study), "--to", "tensorboard", "--out")
    ended = sixteenth(*words, "some")
    assert ended.code == 0, ended.err
    assert "1 finished run of which only a row is left cannot be exported" in ended.err
    shutil.rmtree(study / "runs")
    assert sixteenth("report", str(study), "--from-table").code == 0
    ended = sixteenth(*words, "none")
    assert ended.code == 2
    assert "only tables are left of its runs: there is nothing to export" in ended.err


def test_tables_keep_what_predictions_told_without_being_asked_to(
    study: Path,
) -> None:
    """A copy without them would lose the only numbers by which this study decides."""
    spec = study / "study.yaml"
    decides = spec.read_text("utf-8").replace("metric: accuracy", "metric: balanced-accuracy")
    spec.write_text(decides, "utf-8")
    Study.open(study).report()
    tables = [study / name for name in ("results.csv", "per_class.csv")]
    before = [_without_ends(path) for path in tables]
    verdict = Study.open(study).opening()[0]
    for predictions in study.glob("runs/*/predictions.npz"):
        predictions.unlink()
    for _ in range(2):
        Study.open(study).report()
        for path, table in zip(tables, before, strict=True):
            pd.testing.assert_frame_equal(_without_ends(path), table)
    assert Study.open(study).opening()[0] == verdict


def test_predictions_that_are_damaged_are_found_before_anything_is_trained(
    place: Path, sixteenth: Command
) -> None:
    damaged = place / "runs" / "tiny_models.big-random-all-seed0" / "predictions.npz"
    damaged.write_bytes(b"half of it")
    ended = sixteenth("run", "tiny.yaml")
    assert ended.code == 2
    assert "remove predictions.npz to go on without the single answers" in ended.err
    assert "starts" not in ended.err
    damaged.unlink()
    assert sixteenth("show", str(place)).code == 0
