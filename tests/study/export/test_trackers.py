"""What a tracker's own reader finds in an exported study is what its files say, and once."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Timer
from typing import Any

import psutil
import pytest
from test_tensorboard import events

from conftest import BEGAN, SPEC, Invented, row, written
from sixteenth import InputError, Study, export
from sixteenth.errors import SixteenthError
from sixteenth.spec import RunSpec, dump_spec
from tiny_study import Command

LOSSES = [(10, 1.0), (20, 0.5), (30, 1 / 3), (40, 0.25)]
RESULTS = [(20, 0.8), (40, 0.9)]
TIMES = [8, 16, 24, 50]
"""Seconds after its beginning at which the finished run had values; it was measured at the last."""


@pytest.fixture
def file_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A store of MLflow that needs no database, whose tables take it seconds to make."""
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    return (tmp_path / "mlruns").as_uri()


def mlflow_runs(uri: str) -> tuple[Any, dict[str, Any]]:
    """MLflow's client, and the runs of the experiment by their names, each name once."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    runs = client.search_runs([client.get_experiment_by_name("pets").experiment_id])
    names = [run.info.run_name for run in runs]
    assert len(names) == len(set(names))
    return client, dict(zip(names, runs, strict=True))


def check_mlflow(uri: str, invented: Invented) -> None:
    client, runs = mlflow_runs(uri)
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
        found = mlflow_runs(file_store)[1]
        names = ("pets", invented.failed.run_id, invented.finished.run_id)
        return tuple(found[name].info.run_id for name in names)

    first = ids()
    assert ids() == first
    invented.place(invented.failed).write_history([row(epoch) for epoch in (1, 2, 3)])
    second = ids()
    assert [a == b for a, b in zip(first, second, strict=True)] == [True, False, True]
    client, _ = mlflow_runs(file_store)
    assert len(client.get_metric_history(second[1], "loss/train")) == 3


def test_mlflow_keeps_the_runs_of_a_study_that_has_grown_and_renews_their_intervals(
    invented: Invented, file_store: str
) -> None:
    name, key = invented.finished.run_id, "results/test_accuracy_low"
    export(invented.study.folder, "mlflow", file_store)
    before = mlflow_runs(file_store)[1][name]
    study = Study(SPEC | {"seeds": [0, 1]}, invented.study.folder)
    (study.folder / "study.yaml").write_text(dump_spec(study.spec), "utf-8")
    again = next(r for r in study.runs() if (r.cell, r.seed) == (invented.finished.cell, 1))
    measured = {"epoch": 4, "steps": 40, "train_accuracy": 1.0, "test_accuracy": 0.7}
    half = [{"length": "1/2", "epoch": 2, "steps": 20, "train_accuracy": 0.9, "test_accuracy": 0.6}]
    ended: Any = {"status": "finished", "metrics": measured, "lengths": half, "seconds": 48.0}
    written(invented.place(again), again, 4, **ended)
    for _ in range(2):
        export(study.folder, "mlflow", file_store)
    client, runs = mlflow_runs(file_store)
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
    before = mlflow_runs(file_store)[1]
    first = min((invented.failed, invented.finished), key=lambda run: started(invented, run))
    path = invented.place(first).record_path
    record = json.loads(path.read_text("utf-8"))
    record["started"] = "2030-01-01T00:00:00+00:00"
    path.write_text(json.dumps(record), "utf-8")
    for _ in range(2):
        export(invented.study.folder, "mlflow", file_store)
        after = mlflow_runs(file_store)[1]  # each name once
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


def wandb_records(path: Path) -> Iterator[Any]:
    """The records of a .wandb file: a log of LevelDB in blocks of 32 KiB, after a head of 7."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, at, parts = path.read_bytes(), 7, b""
    assert content.startswith(b":W&B")
    while at < len(content):
        left = 32768 - at % 32768
        if left < 7:
            at += left
            continue
        _, size, kind = struct.unpack("<IHB", content[at : at + 7])
        parts += content[at + 7 : at + 7 + size]
        at += 7 + size
        if kind in (1, 4):  # whole, or the last part
            yield Record.FromString(parts)
            parts = b""


def wandb_run(out: Path, run: RunSpec) -> tuple[Any, list[dict[str, Any]], int]:
    """The run's record, the values of each step, and its exit code."""
    for path in out.glob("wandb/offline-run-*/*.wandb"):
        records = list(wandb_records(path))
        (begun,) = (each.run for each in records if each.HasField("run"))
        if begun.display_name == run.run_id:
            steps = [
                {"".join(item.nested_key): json.loads(item.value_json) for item in r.history.item}
                for r in records
                if r.HasField("history")
            ]
            (code,) = (each.exit.exit_code for each in records if each.HasField("exit"))
            return begun, steps, code
    raise AssertionError(f"no {run.run_id} in {out}")


def test_wandb_finds_offline_runs_with_steps_and_times_and_nothing_of_this_machine(
    invented: Invented, tmp_path: Path
) -> None:
    pytest.importorskip("wandb")
    out = tmp_path / "out"
    export(invented.study.folder, "wandb-offline", out)
    assert len(list(out.glob("wandb/*"))) == 2
    begun, steps, code = wandb_run(out, invented.finished)
    assert [(each["_step"], each["loss/train"]) for each in steps] == LOSSES
    found = [(each["_step"], each.get("results/test_accuracy")) for each in steps]
    assert [pair for pair in found if pair[1] is not None] == RESULTS
    assert [each["_timestamp"] - BEGAN for each in steps] == TIMES
    assert [each["seconds"] for each in steps] == TIMES
    config = {each.key: json.loads(each.value_json) for each in begun.config.update}
    assert (config["model"], config["train.epochs"], config["data"]) == ("small", 4, "Pets")
    assert (begun.project, code) == ("pets", 0)
    assert wandb_run(out, invented.failed)[2] == 1
    for path in (path for path in out.rglob("*") if path.is_file()):
        assert str(tmp_path).encode() not in path.read_bytes(), path
    with pytest.raises(InputError, match="exists already"):
        export(invented.study.folder, "wandb-offline", out)


def test_wandb_s_files_are_whole_when_the_command_ends_also_where_its_process_is_slow(
    invented: Invented, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb")
    from wandb.sdk.lib.service import service_connection

    stopped = []

    def slowly(connection: Any, run_id: str) -> None:
        """The client's process is stopped just before it is told to close the last file."""
        if len(stopped) == 1:
            (core,) = (each for each in psutil.Process().children() if "wandb" in each.name())
            core.suspend()
            Timer(0.5, core.resume).start()
        stopped.append(run_id)
        inform(connection, run_id)

    inform = service_connection.ServiceConnection.inform_finish
    monkeypatch.setattr(service_connection.ServiceConnection, "inform_finish", slowly)
    out = tmp_path / "out"
    export(invented.study.folder, "wandb-offline", out)
    assert len(stopped) == 2
    assert wandb_run(out, invented.finished)[2] == 0
    assert wandb_run(out, invented.failed)[2] == 1


def test_a_run_of_the_caller_s_own_goes_on_beside_the_export(
    invented: Invented, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_SILENT", "true")
    own = wandb.init(mode="offline", dir=str(tmp_path), project="mine")
    out = tmp_path / "out"
    export(invented.study.folder, "wandb-offline", out)
    assert wandb_run(out, invented.finished)[2] == 0
    assert wandb_run(out, invented.failed)[2] == 1
    own.log({"loss": 1.0})
    own.finish()
    assert wandb.run is None


def test_a_run_that_wandb_did_not_write_is_an_error(
    invented: Invented, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb")
    from sixteenth.study.export import wandb_runs

    def lose(wandb: Any, place: Path) -> None:
        end_writing(wandb, place)
        next(place.glob("wandb/*/*.wandb")).write_bytes(b":W&B\0\0\0")

    end_writing = wandb_runs._end_writing
    monkeypatch.setattr(wandb_runs, "_end_writing", lose)
    with pytest.raises(SixteenthError, match="wrote 1 of 2 runs; export again"):
        export(invented.study.folder, "wandb-offline", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_study_s_name_that_wandb_does_not_take_is_changed_and_that_is_said(
    invented: Invented, tmp_path: Path
) -> None:
    pytest.importorskip("wandb")
    name = "cats: 50% or #1? " + "a" * 150
    path = invented.study.folder / "study.yaml"
    path.write_text(path.read_text("utf-8").replace("name: pets", f"name: {name!r}"), "utf-8")
    done = export(invented.study.folder, "wandb-offline", tmp_path / "out")
    project = wandb_run(tmp_path / "out", invented.finished)[0].project
    assert project == "cats- 50- or -1- " + "a" * 111
    assert f"the project is called {project}: W&B does not take {name}" in done.notes


def test_tensorboard_finds_curves_results_and_settings_of_each_run_once(
    invented: Invented, tmp_path: Path
) -> None:
    pytest.importorskip("tensorboardX")
    for _ in range(2):
        export(invented.study.folder, "tensorboard", tmp_path / "tensorboard")
    found = [e for e in events(tmp_path, invented.finished) if e.HasField("summary")]
    scalars = [
        (e.step, e.wall_time - BEGAN, {v.tag: v.simple_value for v in e.summary.value})
        for e in found
        if not any(v.metadata.plugin_data.plugin_name for v in e.summary.value)
    ]
    assert [(step, values["loss/train"]) for step, _, values in scalars] == [
        (step, pytest.approx(value)) for step, value in LOSSES
    ]
    key = "results/test_accuracy"
    assert [(step, values[key]) for step, _, values in scalars if key in values] == [
        (step, pytest.approx(value)) for step, value in RESULTS
    ]
    assert [moment for _, moment, _ in scalars] == TIMES
    tags = [v.tag for e in found for v in e.summary.value if v.metadata.plugin_data.plugin_name]
    assert tags == [f"_hparams_/{part}" for part in ("experiment", "session_start_info")] + [
        "_hparams_/session_end_info"
    ]


def test_tensorboard_refuses_to_replace_the_runs_of_another_study(
    invented: Invented, tmp_path: Path
) -> None:
    pytest.importorskip("tensorboardX")
    out = tmp_path / "logs"
    other = Path(shutil.copytree(invented.study.folder, tmp_path / "dogs"))
    for path in [other / "study.yaml", *other.glob("runs/*/run.json")]:
        text = path.read_text("utf-8").replace("name: pets", "name: dogs")
        path.write_text(text.replace("2026-01-02T03", "2026-01-02T04"), "utf-8")
    export(invented.study.folder, "tensorboard", out)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    with pytest.raises(InputError, match=r"of another study, .*: name another folder") as refused:
        export(other, "tensorboard", out)
    assert len(str(refused.value).splitlines()) == 1
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    # One of its own runs was trained again.
    path = invented.place(invented.failed).record_path
    path.write_text(path.read_text("utf-8").replace("2026-01-02", "2026-01-01"), "utf-8")
    export(invented.study.folder, "tensorboard", out)


@pytest.mark.parametrize("target", ["mlflow", "tensorboard", "wandb-offline"])
def test_the_command_that_is_named_is_one_where_the_path_has_a_space(
    invented: Invented, tmp_path: Path, target: str
) -> None:
    pytest.importorskip({"tensorboard": "tensorboardX"}.get(target, target.partition("-")[0]))
    out = tmp_path / "my work"
    (note,) = export(invented.study.folder, target, out).notes
    command = shlex.split(note.partition(": ")[2])
    assert len(command) in (3, 4)
    assert str(out) in command[-1]


@pytest.mark.parametrize("target", ["mlflow", "tensorboard", "wandb-offline"])
def test_a_file_in_the_place_of_a_folder_stays_as_it_is(
    invented: Invented, tmp_path: Path, target: str
) -> None:
    (tmp_path / "out").write_text("kept", encoding="utf-8")
    with pytest.raises(InputError, match="out"):
        export(invented.study.folder, target, tmp_path / "out")
    assert (tmp_path / "out").read_text(encoding="utf-8") == "kept"


@pytest.mark.parametrize(
    ("target", "module", "extra"),
    [
        ("mlflow", "mlflow.tracking", "mlflow"),
        ("wandb-offline", "wandb", "wandb"),
        ("tensorboard", "tensorboardX.summary", "tensorboard"),
    ],
)
def test_without_its_package_a_target_says_what_to_install(
    invented: Invented, sixteenth: Command, monkeypatch: pytest.MonkeyPatch, *, target: str,
    module: str, extra: str,
) -> None:  # fmt: skip
    monkeypatch.setitem(sys.modules, module, None)
    ended = sixteenth("export", str(invented.study.folder), "--to", target, "--out", "out")
    assert ended.code == 2
    assert f"pip install 'sixteenth[{extra}]'" in ended.err
    assert not (Path("out") / "wandb").exists()


def test_a_study_that_was_not_begun_has_nothing_to_export(tmp_path: Path) -> None:
    study = Study({"data": "digits"}, tmp_path / "new")
    study.folder.mkdir()
    (study.folder / "study.yaml").write_text("data: digits\n", encoding="utf-8")
    with pytest.raises(InputError, match="nothing to export"):
        export(study.folder, "tensorboard", tmp_path / "out")
