"""An exported ONNX file is the trained network, or it is not written."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from torch import nn

from sixteenth import InputError, ModelError, Study, export, load_model, predict
from sixteenth.data import load_dataset
from sixteenth.data.decode import decode_images
from sixteenth.engine.inference import ImageClassifier
from sixteenth.engine.trained import TrainedNetwork
from sixteenth.study.export import Exported, onnx_file
from tiny_study import Command, TrainedStudy

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")


@pytest.fixture
def run(trained: TrainedStudy) -> Path:
    return trained.run(model="big", fraction="1")


@pytest.fixture(scope="module")
def exported(
    trained_once: TrainedStudy, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Exported]:
    """The file of the run, never to be written to, and what was said of it."""
    out = tmp_path_factory.mktemp("exported") / "model.onnx"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(trained_once.home)
        run = trained_once.run(model="big", fraction="1")
        return out, export(run, "onnx", out, trust_code=True)


def copied(run: Path, to: Path, **data: Any) -> Path:
    """A copy of a run whose record says something else of its data."""
    shutil.copytree(run, to / run.name)
    path = to / run.name / "run.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    record["data"] |= data
    record["spec"]["data"] = record["data"]["source"]
    path.write_text(json.dumps(record), encoding="utf-8")
    return path.parent


def test_the_file_gives_the_run_s_own_predictions_whatever_the_batch(
    run: Path, trained: TrainedStudy, sixteenth: Command, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "digits.onnx"
    ended = sixteenth("export", str(run), "--to", "onnx", "--out", str(out), "--trust-code")
    assert (ended.code, ended.err) == (0, "")
    first, said = ended.out.splitlines()
    assert first == str(out)
    assert said.startswith("checked with onnxruntime on 359 test images: logits differ by at most ")
    assert said.endswith("100.00% of the predictions are equal")

    study = Study.open(trained.folder)
    _, probabilities = study.predictions()[run.name]
    images = study.dataset().test.images
    session = ort.InferenceSession(str(out), providers=["CPUExecutionProvider"])
    for part in (slice(0, 1), slice(0, 359)):
        logits, found = session.run(None, {"images": images[part]})
        assert found == pytest.approx(probabilities[part], abs=5e-3)
        assert logits.shape == found.shape


def test_the_code_of_the_page_predicts_as_the_run_does(
    run: Path, exported: tuple[Path, Exported], trained: TrainedStudy, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    shutil.copy(exported[0], tmp_path / "model.onnx")
    digit = Image.fromarray(Study.open(trained.folder).dataset().test.images[3])
    # Details that a JPEG decoded at a lower resolution lacks.
    rough = np.asarray(digit.resize((70, 40))) // 2 + np.indices((40, 70, 3)).sum(0) % 2 * 127
    Image.fromarray(rough.astype(np.uint8)).save(tmp_path / "image.jpg", quality=95)
    (expected,) = predict(run, [tmp_path / "image.jpg"], trust_code=True)
    page = (Path(__file__).parents[3] / "docs/export.md").read_text(encoding="utf-8")
    code = page.split("```python\n")[1].split("```")[0]
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    names: dict[str, Any] = {}
    exec(compile(code, "export.md", "exec"), names)
    pixels, _ = decode_images([("image.jpg", tmp_path / "image.jpg")], 1, 8)
    assert np.array_equal(names["image"], pixels[0])
    label, probability = capsys.readouterr().out.split()
    assert label == expected.label
    assert float(probability) == pytest.approx(expected.probability, abs=5e-3)


def test_the_file_says_its_classes_its_input_and_where_it_comes_from(
    run: Path, exported: tuple[Path, Exported]
) -> None:
    out, done = exported
    assert done.to_dict()["checked"]["images"] == 359
    model = onnx.load(str(out))
    said = {each.key: each.value for each in model.metadata_props}
    assert json.loads(said["classes"]) == [str(digit) for digit in range(10)]
    assert (said["data"], said["run_id"], said["model"]) == ("digits", run.name, "tiny_models:big")
    assert said["sixteenth_version"]
    assert "8 pixels" in said["resize"]
    (given,) = model.graph.input
    shape = given.type.tensor_type.shape.dim
    assert given.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert shape[0].dim_param == "batch"
    assert [each.dim_value for each in shape][1:] == [8, 8, 3]
    assert [each.name for each in model.graph.output] == ["logits", "probabilities"]


def test_it_is_checked_on_the_images_of_the_run_and_on_no_others(run: Path, tmp_path: Path) -> None:
    def checked(place: str, **data: Any) -> str:
        folder = copied(run, tmp_path / place, source="pets", **data)
        cache = tmp_path / "cache"
        done = export(folder, "onnx", tmp_path / f"{place}.onnx", data_dir=cache, trust_code=True)
        return str(done.agreement.images if done.agreement else done.notes[0])

    np.savez(tmp_path / "pets.npz", **{
        f"{kind}_{part}": values
        for part, count in (("train", 20), ("test", 7))
        for kind, values in (
            ("x", np.random.default_rng(count).integers(0, 256, (count, 9, 9, 3), np.uint8)),
            ("y", np.arange(count) % 2),
        )
    })  # fmt: skip
    pets = load_dataset(tmp_path / "pets.npz", image_size=8, data_dir=tmp_path / "cache")
    assert checked("known", name="Pets", fingerprint=pets.fingerprint) == "7"
    said = checked("other", name="Pets", fingerprint="0" * 64)
    assert said.startswith("not checked on test images: ")
    assert "Pets" in said
    assert "--data-dir" in said


def classifier(run: Path) -> ImageClassifier:
    return load_model(run, trust_code=True)


def test_a_file_that_differs_from_the_network_is_not_written(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = onnx_file._export

    def wrong(model: ImageClassifier, *, dynamo: bool) -> Any:
        other = classifier(run)
        other.mean += 9
        return plain(other, dynamo=False)

    monkeypatch.setattr(onnx_file, "_export", wrong)
    with pytest.raises(ModelError, match="logits differ"):
        export(run, "onnx", tmp_path / "wrong.onnx", trust_code=True)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_differs_on_test_images_alone_is_written_by_the_second_exporter(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, noise, asked = onnx_file._export, onnx_file._on_noise, list[bool]()

    def shifted(model: ImageClassifier, *, dynamo: bool) -> Any:
        asked.append(dynamo)
        if not dynamo:
            model = classifier(run)
            model.mean += 9
        return plain(model, dynamo=False)

    right, _ = onnx_file.to_onnx(classifier(run), "net", {})
    monkeypatch.setattr(onnx_file, "_export", shifted)
    monkeypatch.setattr(onnx_file, "_on_noise", lambda model, _: noise(model, right))
    done = export(run, "onnx", tmp_path / "a.onnx", trust_code=True)
    assert asked == [False, True]
    assert done.agreement is not None
    assert done.agreement.largest_difference < 1e-4


def test_what_the_first_exporter_cannot_write_the_second_one_is_asked_for(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, asked = onnx_file._export, []

    def choosy(model: ImageClassifier, *, dynamo: bool) -> Any:
        asked.append(dynamo)
        if not dynamo:
            raise RuntimeError("an operator\nthat is not known")
        return plain(model, dynamo=False)

    monkeypatch.setattr(onnx_file, "_export", choosy)
    assert onnx_file.to_onnx(classifier(run), "net", {})
    assert asked == [False, True]
    monkeypatch.setattr(onnx_file, "_export", lambda *_, **__: choosy(None, dynamo=False))
    with pytest.raises(ModelError, match="net cannot be written as ONNX: an operator that is not"):
        onnx_file.to_onnx(classifier(run), "net", {})


def test_an_exporter_that_fails_prints_no_graph(capfd: pytest.CaptureFixture[str]) -> None:
    uneven = nn.Sequential(nn.AdaptiveAvgPool2d(6), nn.Flatten(), nn.Linear(108, 2))
    model = ImageClassifier(uneven, (0.5,) * 3, (0.2,) * 3, ["a", "b"], 8).eval()
    with pytest.raises(Exception, match="adaptive_avg_pool2d"):
        onnx_file._export(model, dynamo=False)
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_the_second_exporter_of_torch_writes_the_same_network(run: Path) -> None:
    pytest.importorskip("onnxscript")
    model = classifier(run)
    content = onnx_file._labelled(onnx_file._export(model, dynamo=True), {})
    assert max(each.largest_difference for each in onnx_file._on_noise(model, content)) < 1e-4


def test_more_weights_than_a_file_can_hold_are_refused_before_they_are_exported(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_file, "MOST_BYTES", 100)
    with pytest.raises(ModelError, match="GiB of weights"):
        onnx_file.to_onnx(classifier(run), "net", {})


def test_test_time_augmentation_is_not_in_the_file_and_it_says_so(
    run: Path, tmp_path: Path
) -> None:
    folder = copied(run, tmp_path, source="digits")
    path = folder / "run.json"
    path.write_text(path.read_text().replace('augmentation": "none"', 'augmentation": "mirror"'))
    done = export(folder, "onnx", tmp_path / "a.onnx", trust_code=True)
    assert done.agreement is not None
    assert "test_augmentation: mirror" in done.notes[0]


def test_nothing_is_written_over(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "kept.onnx"
    out.write_bytes(b"kept")
    with pytest.raises(InputError, match=r"kept\.onnx exists already"):
        export(run, "onnx", out, trust_code=True)
    assert out.read_bytes() == b"kept"
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty exists already"):
        export(run, "onnx", tmp_path / "empty", trust_code=True)


def test_a_place_below_a_file_is_refused_before_anything_is_exported(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_file, "to_onnx", None)
    (tmp_path / "run.log").touch()
    with pytest.raises(InputError, match=r"cannot write to .*run\.log: Not a directory; .* --out"):
        export(run, "onnx", tmp_path / "run.log" / "a.onnx", trust_code=True)


def test_without_the_package_one_line_says_what_to_install(
    run: Path, sixteenth: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    words = ("export", str(run), "--to", "onnx", "--out", str(tmp_path / "a.onnx"), "--trust-code")
    ended = sixteenth(*words)
    assert ended.code == 2
    assert "pip install 'sixteenth[onnx]'" in ended.err


def test_test_images_are_taken_from_all_classes_where_they_are_sorted() -> None:
    images = np.repeat(np.arange(10, dtype=np.uint8), 100).reshape(-1, 1, 1, 1)
    assert set(onnx_file.spread(images, 50).ravel()) == set(range(10))
    assert len(onnx_file.spread(images, 2000)) == 1000


def test_the_network_of_a_folder_gives_logits_of_raw_pixels(
    run: Path, trained: TrainedStudy
) -> None:
    import torch

    study = Study.open(trained.folder)
    model, network = classifier(run), TrainedNetwork.read(run, trust_code=True)
    assert (model.classes, model.image_size) == (network.classes, 8)
    with torch.inference_mode():
        found = model(torch.from_numpy(np.array(study.dataset().test.images))).softmax(1)
    _, probabilities = study.predictions()[run.name]
    assert found.numpy() == pytest.approx(probabilities, abs=5e-3)
