"""What MLflow's own reader finds in an exported study is what its files say, and once."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from exported import BEGAN, LOSSES, RESULTS, SPEC, TIMES, Invented, row, written

from sixteenth import InputError, Study, export
from sixteenth.spec import RunSpec, dump_spec
from sixteenth.study.export import mlflow_runs


@pytest.fixture
def file_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A store of MLflow that needs no database, whose tables take it seconds to make."""
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    return (tmp_path / "mlruns").as_uri()


def runs_of(uri: str) -> tuple[Any, dict[str, Any]]:
    """MLflow's client, and the runs of the experiment by their names, each name once."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    runs = client.search_runs([client.get_experiment_by_name("pets").experiment_id])
    names = [run.info.run_name for run in runs]
    assert len(names) == len(set(names))
    return client, dict(zip(names, runs, strict=True))


def check_mlflow(uri: str, invented: Invented) -> None:
    client, runs = runs_of(uri)
    study, failed, finished = (
        runs[name] for name in ("pets", invented.failed.run_id, invented.finished.run_id)
    )

    def series(name: str) -> list[tuple[int, float]]:
        found = client.get_metric_history(finished.info.run_id, name)
        return sorted((each.step, each.value) for each in found)

    assert series("loss/train") == LOSSES
    assert series("results/test_accuracy") == RESULTS
    assert [step for step, _ in series("accuracy/test")] == [10, 30, 40]
    moments = client.get_metric_history(finished.info.run_id, "loss/train")
    assert sorted(each.timestamp / 1000 - BEGAN for each in moments) == TIMES
    info = finished.info
    assert (info.status, failed.info.status) == ("FINISHED", "FAILED")
    assert (info.start_time / 1000, info.end_time / 1000) == (BEGAN, BEGAN + 50)
    parameters = finished.data.params
    assert {key: parameters[key] for key in ("model", "fraction", "data", "train.epochs")} == {
        "model": "small",
        "fraction": "1",
        "data": "Pets",
        "train.epochs": "4",
    }
    assert failed.data.tags["error"] == "DivergedError: the loss is NaN"
    assert {run.data.tags["mlflow.parentRunId"] for run in (failed, finished)} == {
        study.info.run_id
    }
    files = {each.path for each in client.list_artifacts(study.info.run_id)}
    assert files == {"results.csv", "study.yaml"}


def test_mlflow_reads_settings_curves_and_results_at_their_steps_and_times(
    invented: Invented, file_store: str
) -> None:
    export(invented.study.folder, "mlflow", file_store)
    check_mlflow(file_store, invented)


def test_mlflow_holds_a_run_once_however_often_it_is_exported(
    invented: Invented, file_store: str
) -> None:
    def ids() -> tuple[str, ...]:
        export(invented.study.folder, "mlflow", file_store)
        found = runs_of(file_store)[1]
        names = ("pets", invented.failed.run_id, invented.finished.run_id)
        return tuple(found[name].info.run_id for name in names)

    first = ids()
    assert ids() == first
    invented.place(invented.failed).write_history([row(epoch) for epoch in (1, 2, 3)])
    second = ids()
    assert [a == b for a, b in zip(first, second, strict=True)] == [True, False, True]
    client, _ = runs_of(file_store)
    assert len(client.get_metric_history(second[1], "loss/train")) == 3


def test_mlflow_keeps_the_runs_of_a_study_that_has_grown_and_renews_their_intervals(
    invented: Invented, file_store: str
) -> None:
    name, key = invented.finished.run_id, "results/test_accuracy_low"
    export(invented.study.folder, "mlflow", file_store)
    before = runs_of(file_store)[1][name]
    study = Study(SPEC | {"seeds": [0, 1]}, invented.study.folder)
    (study.folder / "study.yaml").write_text(dump_spec(study.spec), "utf-8")
    again = next(r for r in study.runs() if (r.cell, r.seed) == (invented.finished.cell, 1))
    measured = {"epoch": 4, "steps": 40, "train_accuracy": 1.0, "test_accuracy": 0.7}
    half = [{"length": "1/2", "epoch": 2, "steps": 20, "train_accuracy": 0.9, "test_accuracy": 0.6}]
    ended: Any = {"status": "finished", "metrics": measured, "lengths": half, "seconds": 48.0}
    written(invented.place(again), again, 4, **ended)
    for _ in range(2):
        export(study.folder, "mlflow", file_store)
    client, runs = runs_of(file_store)
    assert runs[name].info.run_id == before.info.run_id
    low = Study.open(study.folder).results().set_index("run_id").loc[name, "test_accuracy_low"]
    assert low < before.data.metrics[key]
    assert runs[name].data.metrics[key] == pytest.approx(low)
    history = client.get_metric_history(before.info.run_id, key)
    assert sorted(each.step for each in history) == [20, 20, 40, 40]


def test_mlflow_knows_a_study_whose_first_run_was_trained_again(
    invented: Invented, file_store: str
) -> None:
    export(invented.study.folder, "mlflow", file_store)
    before = runs_of(file_store)[1]
    first = min((invented.failed, invented.finished), key=lambda run: started(invented, run))
    path = invented.place(first).record_path
    record = json.loads(path.read_text("utf-8"))
    record["started"] = "2030-01-01T00:00:00+00:00"
    path.write_text(json.dumps(record), "utf-8")
    for _ in range(2):
        export(invented.study.folder, "mlflow", file_store)
        after = runs_of(file_store)[1]  # each name once
        assert after["pets"].info.run_id == before["pets"].info.run_id


def started(invented: Invented, run: RunSpec) -> str:
    record = invented.place(run).read_record()
    assert record is not None
    return record.started or ""


def test_mlflow_sends_nothing_and_leaves_the_environment_as_it_was(
    invented: Invented, file_store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection")

    monkeypatch.setattr("socket.getaddrinfo", refuse)
    monkeypatch.setattr("socket.socket.connect", refuse)
    before = dict(os.environ)
    export(invented.study.folder, "mlflow", file_store)
    assert dict(os.environ) == before


@pytest.mark.slow
def test_a_folder_gets_a_database_of_mlflow(invented: Invented, tmp_path: Path) -> None:
    pytest.importorskip("mlflow")
    for _ in range(2):
        export(invented.study.folder, "mlflow", tmp_path / "out")
    check_mlflow(f"sqlite:///{tmp_path / 'out' / 'mlflow.db'}", invented)


@pytest.mark.slow
def test_files_of_a_database_that_was_named_lie_beside_it(
    invented: Invented, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mlflow")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    address = f"sqlite:///{tmp_path / 'runs.db'}"
    export(invented.study.folder, "mlflow", address)
    check_mlflow(address, invented)
    assert list(tmp_path.glob("artifacts/pets/*/artifacts/results.csv"))
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    ("out", "place"),
    [
        ("sqlite:///below/runs.db", "below/artifacts"),
        ("sqlite:////data/runs.db?timeout=9", "/data/artifacts"),
        ("sqlite:///:memory:", None),
        ("http://host:5000", None),
    ],
)
def test_files_go_beside_a_database_file_and_else_where_the_store_keeps_them(
    out: str, place: str | None
) -> None:
    expected = None if place is None else Path(place).absolute().as_uri()
    assert mlflow_runs._store(out) == (out, expected)


def test_a_store_that_mlflow_cannot_open_is_one_line(invented: Invented) -> None:
    pytest.importorskip("mlflow")
    with pytest.raises(InputError, match="MLflow says"):
        export(invented.study.folder, "mlflow", "nothing://here")


@pytest.mark.filterwarnings("ignore:The ``noload`` loader")  # MLflow's own
def test_a_store_that_is_no_database_is_one_line(invented: Invented, tmp_path: Path) -> None:
    pytest.importorskip("mlflow")
    store = tmp_path / "out" / "mlflow.db"
    store.parent.mkdir()
    store.write_text("damaged " * 200, encoding="utf-8")
    with pytest.raises(InputError, match=r"MLflow says: .*file is not a database") as caught:
        export(invented.study.folder, "mlflow", store.parent)
    assert len(str(caught.value).splitlines()) == 1
