"""A folder for the hub loads as its card says, states what was measured and names no machine."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import save_file

from sixteenth import InputError, RunSpec, Study, export, load_model, predict
from sixteenth.analysis import cells
from sixteenth.data import load_dataset
from sixteenth.engine.execution import Execution
from sixteenth.engine.train import train_run
from sixteenth.engine.trained import TrainedNetwork
from sixteenth.models import build_model
from sixteenth.report.page.markdown import escape
from sixteenth.spec import dump_spec
from sixteenth.storage.run_folder import RunFolder
from sixteenth.study.export.onnx_file import describe
from sixteenth.study.export.places import with_data_name
from tiny_study import Command, TrainedStudy

hub = pytest.importorskip("huggingface_hub")


@pytest.fixture
def run(trained: TrainedStudy) -> Path:
    return trained.run(model="big", fraction="1")


@pytest.fixture(scope="module")
def exported(trained_once: TrainedStudy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run as a folder; never write to it."""
    out = tmp_path_factory.mktemp("exported") / "hub"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(trained_once.home)
        export(trained_once.run(model="big", fraction="1"), "hub-folder", out, trust_code=True)
    return out


@pytest.fixture
def folder(exported: Path, tmp_path: Path) -> Path:
    """A copy of the exported folder."""
    return Path(shutil.copytree(exported, tmp_path / "hub"))


def put_image(at: Path, trained: TrainedStudy) -> None:
    images = Study.open(trained.folder).dataset().test.images
    Image.fromarray(images[5]).save(at, quality=95)


def test_the_code_in_the_card_runs_and_predicts_as_the_run_does(
    run: Path, folder: Path, trained: TrainedStudy, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    put_image(folder / "image.jpg", trained)
    (code,) = re.findall(
        r"```python\n(.*?)```", (folder / "README.md").read_text(encoding="utf-8"), flags=re.S
    )
    expected = predict(run, [folder / "image.jpg"], trust_code=True)[0]
    monkeypatch.chdir(folder)
    names: dict[str, object] = {}
    capsys.readouterr()
    exec(compile(code, "README.md", "exec"), names)
    label, probability = capsys.readouterr().out.split()
    assert label == expected.label
    assert float(probability) == pytest.approx(expected.probability, abs=1e-6)
    model = names["model"]
    assert callable(model)
    assert model(torch.zeros(2, 8, 8, 3, dtype=torch.uint8)).shape == (2, 10)


def test_the_hub_s_reader_finds_the_measured_accuracy_and_no_licence(
    run: Path, exported: Path, trained: TrainedStudy
) -> None:
    card = hub.ModelCard.load(exported / "README.md")
    study = Study.open(trained.folder)
    results = study.results().set_index("run_id")
    title, lead = escape(study.overview().title), escape(study.overview().lead)
    assert f"**{title}**\n\n{lead}\n" in card.text
    told = {each.metric_type: each for each in card.data.eval_results}
    assert told.keys() >= {"accuracy", "balanced_accuracy"}
    found = told["accuracy"]
    assert found.metric_value == results.loc[run.name, "test_accuracy"]
    assert found.dataset_name == "digits"
    assert card.data.license is None
    assert card.data.library_name == "sixteenth"
    row = results.loc[run.name]
    interval = f"{row['test_accuracy_low']:.4f} to {row['test_accuracy_high']:.4f}"
    assert f"| {found.metric_value:.4f} | {interval} |" in card.text
    for accuracy in results["test_accuracy"]:
        assert f"| {accuracy:.4f} |" in card.text, "the learning curve has each cell"
    assert "with different numbers of images. Mean test accuracy over seeds, with" in card.text
    assert "(learning-curve.png)" in card.text
    assert (exported / "learning-curve.png").read_bytes().startswith(b"\x89PNG")
    config = json.loads((exported / "config.json").read_text(encoding="utf-8"))
    assert config["label2id"] == {str(digit): digit for digit in range(10)}


def test_the_learning_curve_is_by_the_metric_of_the_study_as_in_its_report(
    trained: TrainedStudy, run: Path, tmp_path: Path
) -> None:
    shutil.copytree(trained.folder, tmp_path / "study")
    spec_path = tmp_path / "study" / "study.yaml"
    spec = Study.open(trained.folder).spec.model_copy(update={"metric": "balanced-accuracy"})
    spec_path.write_text(dump_spec(spec), encoding="utf-8")
    study = Study.open(tmp_path / "study")
    export(study.folder / "runs" / run.name, "hub-folder", tmp_path / "hub", trust_code=True)
    card = (tmp_path / "hub" / "README.md").read_text(encoding="utf-8")
    assert "| seeds | balanced accuracy | 95% interval |" in card
    curve = card.partition("## Learning curve")[2].partition("![Balanced accuracy")[0]
    report = study.report().with_suffix(".md").read_text(encoding="utf-8")
    for row in cells(study.findings().grid).itertuples():
        assert row.test_accuracy == pytest.approx(balanced(study, row.run_ids[0]))
        interval = f"{row.low:.4f} to {row.high:.4f}"
        assert f"| {row.train_size:,} | 1 | {row.test_accuracy:.4f} | {interval} |" in curve
        assert f" {row.test_accuracy:.1%} |" in report


def balanced(study: Study, run_id: str) -> float:
    return float(study.results().set_index("run_id").loc[run_id, "balanced_accuracy"])


def test_no_path_and_no_machine_is_named(run: Path, tmp_path: Path, sixteenth: Command) -> None:
    private = tmp_path / "private" / "secret-run"
    shutil.copytree(run, private)
    record = json.loads((private / "run.json").read_text(encoding="utf-8"))
    record["spec"] |= {"init": "/home/somebody/w.safetensors", "data": "/home/somebody/pets"}
    record["run_id"] = "big-home-somebody-w-all-seed0"
    record["spec"]["exclude"] = ["/home/somebody/*"]
    record["data"] |= {"source": "/home/somebody/pets", "left_out": ["/home/somebody/x: why"]}
    record["data"]["name"] = "Pets | of <b>mine</b>"
    record["model"]["normalisation"]["source"] = "/home/somebody/w.safetensors#imagenet"
    record["environment"]["cpu"] = "a processor of somebody"
    record["notices"] = ["/home/somebody/y is odd"]
    (private / "run.json").write_text(json.dumps(record), encoding="utf-8")
    out = tmp_path / "hub"
    words = ("export", str(private), "--to", "hub-folder", "--out", str(out), "--trust-code")
    ended = sixteenth(*words)
    assert (ended.code, ended.out) == (0, f"{out}\n")
    assert "no learning curve" in ended.err
    assert "licence" in ended.err
    for path in out.iterdir():
        content = path.read_bytes()
        for word in (b"somebody", b"secret", str(tmp_path).encode()):
            assert word not in content, path
    # An ONNX file goes to strangers as well.
    said = describe(TrainedNetwork.read(private, trust_code=True))
    assert (
        said["run_id"]
        == json.loads((out / "config.json").read_text("utf-8"))["sixteenth"]["run_id"]
    )
    assert "somebody" not in said["run_id"]
    card = (out / "README.md").read_text(encoding="utf-8")
    assert "w.safetensors" in card
    body = card.split("---", 2)[2]
    assert "<b>" not in body
    assert load_model(out, trust_code=True).classes == load_model(run, trust_code=True).classes


def test_data_have_the_name_that_their_study_gives_them_now(
    run: Path, trained: TrainedStudy, tmp_path: Path
) -> None:
    private = tmp_path / "study" / "runs" / run.name
    shutil.copytree(run, private)
    record = json.loads((private / "run.json").read_text(encoding="utf-8"))
    record["spec"]["data"] = record["data"]["source"] = "/data/client-secret"
    record["data"]["name"] = "client-secret"
    (private / "run.json").write_text(json.dumps(record), encoding="utf-8")
    study = yaml.safe_load((trained.folder / "study.yaml").read_text(encoding="utf-8"))
    study |= {"data": "/data/client-secret", "data_name": "Pets"}
    (tmp_path / "study" / "study.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")
    network = with_data_name(TrainedNetwork.read(private, trust_code=True))
    assert describe(network)["data"] == "Pets"
    out = tmp_path / "hub"
    export(private, "hub-folder", out, trust_code=True)
    for path in out.iterdir():
        assert b"secret" not in path.read_bytes(), path
    card = hub.ModelCard.load(out / "README.md")
    assert {each.dataset_name for each in card.data.eval_results} == {"Pets"}
    # One run is left of this study: one number of images, which is no curve.
    assert "## Results of the study\n\nMean test accuracy over seeds, with" in card.text
    assert "Learning curve" not in card.text
    assert "different numbers of images" not in card.text
    assert (
        json.loads((out / "config.json").read_text("utf-8"))["sixteenth"]["spec"]["data"] == "Pets"
    )


def test_a_card_says_that_the_model_looks_at_each_image_once_where_the_test_did_not(
    run: Path, tmp_path: Path
) -> None:
    shutil.copytree(run, tmp_path / "run")
    path = tmp_path / "run" / "run.json"
    path.write_text(path.read_text().replace('augmentation": "none"', 'augmentation": "mirror"'))
    done = export(tmp_path / "run", "hub-folder", tmp_path / "hub", trust_code=True)
    assert any("test_augmentation: mirror" in note for note in done.notes)
    card = (tmp_path / "hub" / "README.md").read_text(encoding="utf-8")
    assert "`model` looks at each image once" in card


def test_of_a_run_that_trained_its_head_alone_the_whole_network_is_in_the_folder(
    tiny_folder: Path,
) -> None:
    digits = load_dataset("digits", image_size=8, data_dir=tiny_folder / "cache")
    first = build_model("tiny_models:small", 10, image_size=8, seed=3)
    save_file(first.state_dict(), tiny_folder / "w.safetensors")
    cell = {"model": "tiny_models:small", "init": "w.safetensors", "finetune": "head"}
    spec = RunSpec.model_validate(
        {**cell, "fraction": "1/4", "seed": 0, "data": "digits", "image_size": 8}
    )
    run = RunFolder(tiny_folder / "heads" / spec.run_id)
    train_run(spec, digits, run, execution=Execution("cpu", "float32", "channels-last", 1))
    done = export(run.path, "onnx", "head.onnx", data_dir="cache", trust_code=True)
    assert done.agreement is not None
    assert done.agreement.equal_predictions == 1
    export(run.path, "hub-folder", "hub", trust_code=True)
    images = torch.from_numpy(np.array(digits.test.images[:50]))
    with torch.inference_mode():
        expected = load_model(run.path, trust_code=True)(images)
        (tiny_folder / "w.safetensors").unlink()
        assert torch.equal(load_model("hub", trust_code=True)(images), expected)


def test_a_folder_from_a_stranger_imports_nothing_unasked(exported: Path) -> None:
    with pytest.raises(InputError, match="trust_code=True"):
        load_model(exported)
    with pytest.raises(InputError, match="trust_code=True"):
        predict(exported, [exported / "learning-curve.png"])


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"sixteenth": 3}', '{"sixteenth": {}}'])
def test_a_config_that_is_no_network_s_is_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"config\.json does not describe"):
        load_model(tmp_path)


def test_a_folder_of_a_later_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"sixteenth": {"format": 2}}', encoding="utf-8")
    with pytest.raises(InputError, match=r"config\.json was written by a later version"):
        load_model(tmp_path)


def test_what_is_wrong_with_a_config_names_the_config(tmp_path: Path) -> None:
    spec = {"model": "resnet18", "init": "random", "fraction": "1", "seed": 0}
    record = {"format": 1, "run_id": "a", "spec": spec, "status": "finished"}
    config = {"sixteenth": record | {"metrics": {"test_accuracy": 0.9}}}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(InputError, match=r"config\.json is not the record of a run"):
        load_model(tmp_path)


def test_a_folder_that_holds_something_stays_as_it_is(run: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("kept", encoding="utf-8")
    with pytest.raises(InputError, match="exists already"):
        export(run, "hub-folder", tmp_path, trust_code=True)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("out", [".", "link"])
def test_an_empty_folder_is_filled_also_the_current_one_and_behind_a_link(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str
) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    (tmp_path / "link").symlink_to(folder)
    monkeypatch.chdir(folder if out == "." else tmp_path)
    scratch, made = tempfile.TemporaryDirectory, list[Path]()

    def scratch_in(prefix: str, dir: Path) -> tempfile.TemporaryDirectory[str]:
        made.append(dir)
        return scratch(prefix=prefix, dir=dir)

    monkeypatch.setattr("tempfile.TemporaryDirectory", scratch_in)
    export(run, "hub-folder", out, trust_code=True)
    assert {"README.md", "config.json", "model.safetensors"} <= {
        p.name for p in Path(out).iterdir()
    }
    assert made == [folder], "the one above may be of another disk, or not to be written"
    assert {path.name for path in tmp_path.iterdir()} == {"empty", "link"}
    assert (tmp_path / "link").is_symlink()
