"""What test predictions tell of finished runs: balanced accuracy, classes, and what decides."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.metrics import balanced_accuracy_score

from sixteenth.errors import SpecError
from sixteenth.spec import parse_spec
from sixteenth.study import Study
from sixteenth.study.preflight import check_folder
from tiny_study import Command, TrainedStudy


@pytest.fixture
def study(trained_once: TrainedStudy, tmp_path: Path) -> Study:
    """A copy of the trained study, whose records know nothing of metrics."""
    shutil.copytree(trained_once.folder, tmp_path / "tiny")
    return Study.open(tmp_path / "tiny")


def decided_by(study: Study, metric: str) -> Study:
    """The same folder as a study that decides by another metric."""
    content = yaml.safe_load((study.folder / "study.yaml").read_text(encoding="utf-8"))
    (study.folder / "study.yaml").write_text(yaml.safe_dump(content | {"metric": metric}))
    return Study.open(study.folder)


def test_runs_that_are_there_get_the_new_measures_from_their_predictions(study: Study) -> None:
    results, predictions = study.results().set_index("run_id"), study.predictions()
    assert set(predictions) == set(results.index)
    for run_id, (labels, probabilities) in predictions.items():
        row, predicted = results.loc[run_id], probabilities.argmax(axis=1)
        expected = balanced_accuracy_score(labels, predicted)
        assert row["balanced_accuracy"] == pytest.approx(expected)
        assert row["balanced_accuracy_low"] < expected < row["balanced_accuracy_high"]
        assert row["test_accuracy"] <= row["top5_accuracy"] <= 1
        assert 0 <= row["ece"] < 1


def test_predictions_that_cannot_be_read_leave_their_measures_as_they_were(study: Study) -> None:
    """As results.csv has them; empty without it."""
    first, before = study.runs()[0].run_id, study.results().set_index("run_id")
    (study.folder / "runs" / first / "predictions.npz").write_bytes(b"damaged")
    known = Study.open(study.folder).results().set_index("run_id")
    assert known.loc[first, "balanced_accuracy"] == before.loc[first, "balanced_accuracy"]
    (study.folder / "results.csv").unlink()
    results = Study.open(study.folder).results().set_index("run_id")
    assert np.isnan(results.loc[first, "balanced_accuracy"])
    assert np.isnan(results.loc[first, "balanced_accuracy_high"])
    assert results["balanced_accuracy"].notna().sum() == 3
    assert results["test_accuracy"].notna().all()


def test_the_table_of_classes_counts_the_images_of_each_run(study: Study) -> None:
    study.report()
    table = pd.read_csv(study.folder / "per_class.csv")
    results = study.results().set_index("run_id")
    assert set(table["run_id"]) == set(results.index)
    for run_id, part in table.groupby("run_id"):
        assert part["train_images"].sum() == results.loc[run_id, "train_size"]
        assert part["test_images"].sum() == results.loc[run_id, "test_size"]
        accuracy = np.average(part["recall"], weights=part["test_images"])
        assert accuracy == pytest.approx(results.loc[run_id, "test_accuracy"], abs=1e-6)
    assert list(table["class"].unique()) == list(range(10))


def test_records_that_do_not_count_the_classes_leave_their_training_images_empty(
    study: Study,
) -> None:
    for path in study.folder.glob("runs/*/run.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        del content["data"]["per_class"]
        path.write_text(json.dumps(content), encoding="utf-8")
    study.report()
    assert pd.read_csv(study.folder / "per_class.csv")["train_images"].isna().all()


def test_another_metric_is_no_other_study_and_no_other_run(study: Study) -> None:
    spec = study.spec.model_copy(update={"metric": "balanced-accuracy"})
    check_folder(study.folder, spec)
    assert [run.model_dump() for run in spec.runs()] == [run.model_dump() for run in study.runs()]
    assert "metric" not in study.runs()[0].model_dump()
    assert parse_spec({"data": "digits"}).metric == "accuracy"


def test_a_study_decided_by_balanced_accuracy_says_so_everywhere(
    study: Study, sixteenth: Command, trained: TrainedStudy
) -> None:
    plain, study = study.findings(), decided_by(study, "balanced-accuracy")
    found = study.findings()
    assert (plain.metric, found.metric) == ("accuracy", "balanced-accuracy")
    results = study.results().set_index("run_id")
    for cell in found.grid.cells:
        assert cell.accuracy == pytest.approx(results.loc[cell.run_ids[0], "balanced_accuracy"])
    folder = str(study.folder)
    told = json.loads(sixteenth("report", folder, "--json", "--lang", "en").out)
    assert told["metric"] == "balanced-accuracy"
    assert any("balanced accuracy" in sentence for sentence in told["answer"])
    advice = json.loads(sixteenth("advise", folder, "--json", "--lang", "en").out)
    assert advice["metric"] == "balanced-accuracy"
    assert "balanced accuracy" in advice["best"]
    shown = sixteenth("show", folder, "--lang", "en").out
    assert "balanced" in shown.splitlines()[0]
    report = (study.folder / "report.md").read_text(encoding="utf-8")
    for line in ("Dataset size against balanced accuracy", "Highest balanced accuracy"):
        assert line in report
    assert "highest test accuracy" not in report


def test_a_metric_that_there_is_not_is_refused() -> None:
    with pytest.raises(SpecError, match="metric: it should be 'accuracy' or 'balanced-accuracy'"):
        parse_spec({"data": "digits", "metric": "f1"})
