"""A study whose runs have several lengths: its tables, its report, and what is missing or wrong."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from sixteenth import InputError, Study
from sixteenth.analysis import cells, summary_table
from sixteenth.study.results import COLUMNS
from tiny_study import Command, tiny_home

STUDY = {
    "data": "digits",
    "image_size": 8,
    "models": ["tiny_models:small"],
    "fractions": ["50 images", "100 images"],
    "train": {"epochs": 4, "batch_size": 25},
}


@pytest.fixture(scope="module")
def trained_lengths(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The study, trained once: read it, never write to it."""
    home = tmp_path_factory.mktemp("lengths")
    study = Study(STUDY, home / "study")
    with tiny_home(home):
        study.run(device="cpu", workers=1, threads=1)
    return study


@pytest.fixture
def study(trained_lengths: Study, tmp_path: Path) -> Study:
    """A copy of the trained study."""
    shutil.copytree(trained_lengths.folder, tmp_path / "study")
    return Study.open(tmp_path / "study")


def test_each_length_is_a_row_below_its_run(study: Study) -> None:
    results = study.results()
    assert list(results.columns) == COLUMNS
    assert list(results["length"]) == [1, 0.25, 0.5] * 2
    first, *rest = results["run_id"][:3]
    assert rest == [f"{first}@1/4", f"{first}@1/2"]
    assert list(results["steps"]) == [8, 2, 4, 16, 4, 8]
    assert list(results["epochs"]) == [4, 1, 2] * 2
    assert set(results["status"]) == {"finished"}
    for _, part in results.groupby("fraction"):
        whole, quarter, half = part.to_dict("records")
        assert 0 < quarter["seconds"] < half["seconds"] < whole["seconds"]
        assert 0 < quarter["train_flops"] < half["train_flops"] < whole["train_flops"]
        assert whole["train_size"] == quarter["train_size"] == half["train_size"]
    read = pd.read_csv(study.folder / "results.csv")
    assert list(read["length"]) == list(results["length"])
    predictions = study.predictions()
    assert set(predictions) == set(results["run_id"])
    for run_id, accuracy in zip(results["run_id"], results["test_accuracy"], strict=True):
        labels, probabilities = predictions[run_id]
        assert (probabilities.argmax(1) == labels).mean() == pytest.approx(accuracy, abs=1e-6)


def test_whole_runs_alone_are_counted_and_compared(study: Study, sixteenth: Command) -> None:
    results, grid = study.results(), study.findings().grid
    assert list(summary_table(grid)["run_id"]) == [run.run_id for run in study.runs()]
    assert list(cells(grid)["n_seeds"]) == [1, 1]
    assert study.histories()["run_id"].nunique() == 2
    page = study.report()
    text = page.with_suffix(".md").read_text(encoding="utf-8")
    assert "@1/4" not in text
    shown = sixteenth("show", str(study.folder))
    assert shown.code == 0, shown.err
    assert sum(line.startswith("small ") for line in shown.out.splitlines()) == 2
    rows = json.loads(sixteenth("show", str(study.folder), "--json").out)
    assert [row["length"] for row in rows] == [1, 0.25, 0.5] * 2
    done = study.run(device="cpu", workers=1, threads=1)
    assert done["test_accuracy"].equals(results["test_accuracy"])


def test_a_plan_counts_the_cool_downs(
    trained_lengths: Study, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tiny_folder)
    plans = [
        Study(STUDY | {"lengths": lengths}, tiny_folder / "new").plan(device="cpu", threads=1)
        for lengths in ([1], ["1/4", "1/2", 1])
    ]
    assert list(plans[0]["steps"]) == list(plans[1]["steps"]) == [8, 16]
    # Of 8 steps one more for each branch, and of 16 one and two.
    ratio = plans[1]["train_flops"] / plans[0]["train_flops"]
    assert list(ratio) == pytest.approx([10 / 8, 19 / 16])
    assert (plans[1]["disk_bytes"] > plans[0]["disk_bytes"]).all()
    trained = trained_lengths.results().query("length == 1")
    assert list(plans[1]["train_flops"]) == list(trained["train_flops"])


def test_predictions_of_a_length_that_are_damaged_or_of_another_run_are_named(
    study: Study,
) -> None:
    first, second = (study.folder / "runs" / run.run_id for run in study.runs())
    assert len(study.predictions()) == 6
    changed = (second / "predictions.npz").read_bytes()
    (first / "predictions-1of4.npz").write_bytes(changed)
    with pytest.raises(InputError, match=r"predictions-1of4\.npz does not fit its run"):
        study.predictions()
    (first / "predictions-1of4.npz").write_bytes(changed[:100])
    with pytest.raises(InputError, match=r"predictions-1of4\.npz cannot be read"):
        study.predictions()
    (first / "predictions-1of4.npz").unlink()
    assert len(study.predictions()) == 5
    # A run whose folder is gone is one run that is lost, not three.
    second.rename(study.folder / "elsewhere")
    with pytest.raises(InputError, match="lacks 1 of the 2 runs"):
        study.report()
