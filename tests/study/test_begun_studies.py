"""What was begun is never mixed with another study; `--fresh` begins beside it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import yaml
from odd_images import ONE_RUN, files, write_images
from PIL import Image

from sixteenth import MismatchError, RunSpec, Study
from sixteenth.storage.run_facts import Environment
from sixteenth.storage.study_folder import StudyFolder
from sixteenth.study import preflight
from tiny_study import Command, TrainedStudy, read_results


def test_fresh_begins_beside_the_old_study_and_leaves_it_as_it_was(
    trained: TrainedStudy, tiny_folder: Path, sixteenth: Command
) -> None:
    shutil.copytree(trained.folder, "studies/tiny")
    before = files(Path("studies/tiny"))
    words = ("run", "tiny.yaml", *ONE_RUN, "--set", "fractions=[50 images]")
    refused = sixteenth(*words)
    assert refused.code == 2
    assert "train.epochs: 3 there, 1 asked for" in refused.err
    assert "--fresh" in refused.err
    for number in (2, 3):
        ended = sixteenth(*words, "--fresh")
        assert ended.code == 0, ended.err
        assert f"a new folder: studies/tiny-{number}" in ended.err
        assert ended.out.rstrip().endswith(f"Report: studies/tiny-{number}/report.html")
    assert files(Path("studies/tiny")) == before
    on = sixteenth(*words, "--out", "studies/tiny-2")
    assert on.code == 0
    assert "was finished before" in on.err


def test_an_empty_study_yaml_is_written_anew_where_the_runs_are_those_of_the_study(
    trained: TrainedStudy, tiny_folder: Path, sixteenth: Command
) -> None:
    shutil.copytree(trained.folder, "studies/tiny")
    path = Path("studies/tiny/study.yaml")
    before = path.read_bytes()
    path.write_bytes(b"")
    other = sixteenth("run", "tiny.yaml", "--set", "models=['tiny_models:slow']")
    assert other.code == 2
    assert "holds no study" in other.err
    changed = sixteenth("run", "tiny.yaml", "--set", "train.epochs=4")
    assert changed.code == 2
    assert "train.epochs: 3 there, 4 asked for" in changed.err
    assert path.read_bytes() == b""
    same = sixteenth("run", "tiny.yaml")
    assert same.code == 0, same.err
    assert same.err.count("was finished before") == 4
    assert path.read_bytes() == before


def test_a_free_folder_is_fresh_by_itself(tmp_path: Path) -> None:
    assert preflight.fresh_folder(tmp_path / "new") == tmp_path / "new"
    (tmp_path / "empty").mkdir()
    assert preflight.fresh_folder(tmp_path / "empty") == tmp_path / "empty"
    (tmp_path / "file").touch()
    assert preflight.fresh_folder(tmp_path / "file") == tmp_path / "file-2"


@pytest.mark.parametrize("package", ["sixteenth", "torch", "torchvision"])
def test_runs_of_another_version_are_not_mixed_with_new_ones(
    trained: TrainedStudy, tiny_folder: Path, package: str
) -> None:
    shutil.copytree(trained.folder, "studies/tiny")
    for path in Path("studies/tiny").glob("runs/*/run.json"):
        record = json.loads(path.read_text(encoding="utf-8"))
        record["environment"][package] = "0.0.7"
        path.write_text(json.dumps(record), encoding="utf-8")
    finished = Study.load("tiny.yaml")
    assert len(finished.run()) == 4, "nothing is left to train: the report is only written again"
    more = Study.load("tiny.yaml", ["fractions=[50 images, 60 images, 1]"])
    with pytest.raises(MismatchError, match=rf"{package}: 0\.0\.7 there, \S+ here\): install"):
        more.run()
    assert not list(Path("studies/tiny").glob("runs/*60images*"))


def test_heads_of_another_scikit_learn_are_not_mixed_with_new_ones(tmp_path: Path) -> None:
    cell = {"model": "resnet18", "init": "imagenet", "finetune": "head", "fraction": "1/4"}
    run = RunSpec.model_validate(cell | {"seed": 0, "data": "digits", "image_size": 8})

    def begun(**versions: str) -> Any:
        record = SimpleNamespace(environment=Environment(**versions))
        return SimpleNamespace(
            folder=StudyFolder(tmp_path), runs=(run,), records={run.run_id: record}
        )

    with pytest.raises(MismatchError, match=r"sklearn: 0\.0\.7 there, \S+ here"):
        preflight.check_versions(begun(sklearn="0.0.7"))
    preflight.check_versions(begun())  # records of earlier versions do not tell


def test_images_that_have_moved_are_the_same_and_changed_ones_are_not(
    tiny_folder: Path, sixteenth: Command
) -> None:
    write_images(tiny_folder / "images")
    (tiny_folder / "images" / "train" / "dog" / "broken.png").unlink()
    words = ("run", "tiny.yaml", *ONE_RUN, "--data-dir", "cache", "--set", "fractions=[1]")
    assert sixteenth(*words, "--data", "images").code == 0
    (tiny_folder / "images").rename("moved")
    more = sixteenth(*words, "--data", "./moved", "--set", "seeds=[0, 1]")
    assert more.code == 0, more.err
    assert more.err.count(", starts") == 1
    rows = read_results(Path("studies/tiny"))
    assert [row["status"] for row in rows] == ["finished", "finished"]
    assert yaml.safe_load(Path("studies/tiny/study.yaml").read_text())["data"] == "./moved"
    assert sixteenth("report", "studies/tiny").code == 0
    Image.new("RGB", (8, 8)).save("moved/train/dog/0.png")
    changed = sixteenth(*words, "--data", "moved", "--set", "seeds=[0, 1, 2]")
    assert changed.code == 2
    assert "data fingerprint: " in changed.err
    assert "6 training and 5 test images then, 6 and 5 now" in changed.err
    named = sixteenth(*words, "--data", "digits")
    assert (named.code, "data: './moved' there, 'digits' asked for" in named.err) == (2, True)


def test_another_build_of_the_same_version_goes_on(
    trained: TrainedStudy, tiny_folder: Path
) -> None:
    shutil.copytree(trained.folder, "studies/tiny")
    release = torch.__version__.partition("+")[0]
    for path in Path("studies/tiny").glob("runs/*/run.json"):
        record = json.loads(path.read_text(encoding="utf-8"))
        record["environment"]["torch"] = f"{release}+another"
        path.write_text(json.dumps(record), encoding="utf-8")
    Study.load("tiny.yaml", ["seeds=[0, 1]"]).plan()


def test_the_way_on_after_a_stopped_fresh_study_names_the_folder_that_it_chose() -> None:
    from sixteenth.cli.studies import in_folder

    chosen = Path("studies/x-2")
    on = ["run", "x.yaml", "--seed", "1", "--out", "studies/x-2"]
    assert in_folder(["run", "x.yaml", "--fresh", "--seed", "1"], chosen) == on
    assert in_folder(["run", "x.yaml", "--out", "a", "--fresh", "--seed", "1"], chosen) == on
    assert in_folder(["run", "x.yaml", "--out=a", "--fresh", "--seed", "1"], chosen) == on


def test_a_fresh_study_begins_with_the_defaults_of_now(
    tiny_folder: Path, sixteenth: Command
) -> None:
    old = Path("studies/tiny/study.yaml")
    old.parent.mkdir(parents=True)
    old.write_text("data: digits\n", encoding="utf-8")  # older than zero_init_residual
    words = ("run", "tiny.yaml", *ONE_RUN, "--set", "fractions=[50 images]", "--fresh")
    ended = sixteenth(*words)
    assert ended.code == 0, ended.err
    begun = yaml.safe_load(Path("studies/tiny-2/study.yaml").read_text("utf-8"))
    assert begun["zero_init_residual"] == "auto"


@pytest.mark.parametrize(("place", "name"), [(".", "mine-2"), ("..", "above-2"), ("x", "x")])
def test_a_fresh_folder_lies_beside_the_current_one_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, name: str
) -> None:
    (tmp_path / "above" / "mine" / "inside").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "above" / "mine")
    found = preflight.fresh_folder(Path(place))
    assert found.name == name
    assert not found.exists()
