"""What TensorBoard finds in an exported study, once, and what all targets have in common."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

import pytest
from exported import BEGAN, LOSSES, RESULTS, TIMES, Invented
from test_tensorboard import events

from sixteenth import InputError, Study, export
from tiny_study import Command


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


def test_tensorboard_replaces_no_event_file_that_it_did_not_write(
    invented: Invented, tmp_path: Path
) -> None:
    """Such as those of `--tensorboard` of another study that was trained in this folder."""
    pytest.importorskip("tensorboardX")
    foreign = tmp_path / "logs" / invented.finished.run_id / "events.out.tfevents.1"
    foreign.parent.mkdir(parents=True)
    foreign.write_bytes(b"of another program")
    with pytest.raises(InputError, match=rf"{foreign.parent} holds event files .* with --out"):
        export(invented.study.folder, "tensorboard", tmp_path / "logs")
    assert [path for path in (tmp_path / "logs").rglob("*") if path.is_file()] == [foreign]
    assert foreign.read_bytes() == b"of another program"
    # In the study's own folder they are those of --tensorboard.
    own = invented.study.folder / "tensorboard"
    shutil.copytree(tmp_path / "logs", own)
    export(invented.study.folder, "tensorboard", own)
    assert not (own / foreign.relative_to(tmp_path / "logs")).exists()


def test_an_export_to_tensorboard_that_was_stopped_goes_on(
    invented: Invented, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorboardX")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("sixteenth.study.tensorboard.EventFile.add_summary", stop)
        with pytest.raises(KeyboardInterrupt):
            export(invented.study.folder, "tensorboard", tmp_path / "tensorboard")
    export(invented.study.folder, "tensorboard", tmp_path / "tensorboard")
    assert len(events(tmp_path, invented.finished)) > 1


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
