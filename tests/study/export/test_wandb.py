"""What W&B's own reader finds in an exported study is what its files say, and once."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from threading import Timer
from typing import Any

import psutil
import pytest
from exported import BEGAN, LOSSES, RESULTS, TIMES, Invented

from sixteenth import InputError, export
from sixteenth.errors import SixteenthError
from sixteenth.spec import RunSpec


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
