"""Classifying images with a trained run, from the command line and as a library."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tiny_study import Command, TrainedStudy


@pytest.fixture
def digit(trained: TrainedStudy) -> tuple[Path, str]:
    """An image of the test split that the big run on all images classifies rightly."""
    from sixteenth import Study

    run = trained.run(model="big", fraction="1")
    labels, probabilities = Study.open(trained.folder).predictions()[run.name]
    sure = np.where(probabilities.argmax(1) == labels, probabilities.max(1), 0)
    place = int(sure.argmax())
    test = Study.open(trained.folder).dataset().test
    path = trained.home / "digit.png"
    Image.fromarray(test.images[place]).save(path)
    return path, str(labels[place])


def test_predict_names_class_and_probability(
    trained: TrainedStudy, sixteenth: Command, digit: tuple[Path, str]
) -> None:
    path, label = digit
    run = str(trained.run(model="big", fraction="1"))
    said = json.loads(sixteenth("predict", run, str(path), "--trust-code", "--json").out)
    assert [one["class"] for one in said] == [label]
    assert 0.5 < said[0]["probability"] <= 1
    shown = sixteenth("predict", run, str(path), "--trust-code", "--top", "3")
    assert shown.code == 0
    (line,) = shown.out.splitlines()
    file, best, share, *others = line.split("\t")
    assert (file, best, len(others)) == (str(path), label, 4)
    assert float(share) == pytest.approx(said[0]["probability"], abs=1e-4)


def test_predict_agrees_with_the_run_s_own_predictions(
    trained: TrainedStudy, digit: tuple[Path, str]
) -> None:
    from sixteenth import Study, predict

    run = trained.run(model="big", fraction="1")
    labels, probabilities = Study.open(trained.folder).predictions()[run.name]
    found = predict(run, digit[0], trust_code=True)[0]
    assert found == predict(run, [str(digit[0])], trust_code=True)[0]
    sure = np.where(probabilities.argmax(1) == labels, probabilities.max(1), 0)
    assert found.probability == pytest.approx(sure.max(), abs=5e-3)
    assert sum(share for _, share in found.ranked) == pytest.approx(1, abs=1e-5)


def test_predict_imports_no_code_that_a_run_folder_names(
    trained: TrainedStudy, sixteenth: Command, digit: tuple[Path, str]
) -> None:
    run = str(trained.run(model="big", fraction="1"))
    refused = sixteenth("predict", run, str(digit[0]))
    assert refused.code == 2
    assert "--trust-code" in refused.err
    assert "tiny_models:big" in refused.err


def test_predict_names_an_image_that_cannot_be_read(
    trained: TrainedStudy, sixteenth: Command
) -> None:
    run = str(trained.run(model="small", fraction="1"))
    wrong = trained.home / "wrong.png"
    wrong.write_bytes(b"no image")
    refused = sixteenth("predict", run, str(wrong), "missing.png", "--trust-code")
    assert (refused.code, refused.out) == (2, "")
    assert "wrong.png" in refused.err
    assert "missing.png" in refused.err
    assert len(refused.err.splitlines()) == 1


def test_predict_holds_a_few_images_at_a_time_and_names_what_is_odd_in_all(
    trained: TrainedStudy, digit: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sixteenth import DataError, InputError, predict

    run = trained.run(model="small", fraction="1")
    rng = np.random.default_rng(0)
    paths = [trained.home / f"{i}.png" for i in range(5)]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8)).save(path)
    expected = predict(run, paths, trust_code=True)
    monkeypatch.setattr("sixteenth.engine.prediction.BATCH", 2)
    monkeypatch.setattr("sixteenth.data.pixel_store.memory_bytes", lambda: 2 * 8 * 8 * 3)
    found = predict(run, paths, trust_code=True, top=3)
    with pytest.raises(InputError, match="top 0 is no number of classes"):
        predict(run, paths, trust_code=True, top=0)
    for one, whole in zip(found, expected, strict=True):
        assert one.path == whole.path
        assert [name for name, _ in one.ranked] == [name for name, _ in whole.ranked[:3]]
        assert one.probability == pytest.approx(whole.probability, abs=1e-5)

    notes, cut = list[str](), [trained.home / "a.webp", trained.home / "b.webp"]
    for path in cut:
        pixels = rng.integers(0, 256, (8, 8, 3), np.uint8)
        pixels[-2:] = 7  # as of a file that was cut off
        Image.fromarray(pixels).save(path, lossless=True)
    # In their own batches they would be too many, and count as made so (`MOST_FLAT`).
    predict(run, [cut[0], *paths, cut[1]], trust_code=True, on_note=notes.append)
    assert [note.partition(":")[0] for note in notes] == ["2 images seem to stop early"]
    (trained.home / "wrong.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"^2 of 7 images .*wrong\.png .*missing\.png"):
        predict(run, [trained.home / "wrong.png", *paths, "missing.png"], trust_code=True)


def test_predict_walks_a_folder_and_names_a_url(
    trained: TrainedStudy, sixteenth: Command, digit: tuple[Path, str]
) -> None:
    run = str(trained.run(model="big", fraction="1"))
    folder = trained.home / ("a rather long name of a folder " * 4)
    for name in ("b.png", "below/a.png", ".hidden.png", "notes.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(digit[0].read_bytes())
    shown = sixteenth("predict", run, str(folder), str(digit[0]), "--trust-code")
    assert [line.split("\t")[:2] for line in shown.out.splitlines()] == [
        [str(folder / "b.png"), digit[1]],
        [str(folder / "below/a.png"), digit[1]],
        [str(digit[0]), digit[1]],
    ]
    assert "2, 1 other file" in shown.err
    url = "https://example.org/a.png"
    for path, said in (
        (url, f"no image {url}, which is a URL: download it"),
        (run, "no images"),
        ("", "an image has an empty name: give image files"),
    ):
        refused = sixteenth("predict", run, path, "--trust-code")
        assert (refused.code, refused.out) == (2, "")
        assert said in refused.err


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ("run.json", "is not finished, it is running: sixteenth run STUDY goes on with it"),
        ("model.safetensors", "weights were removed: remove the run's folder and run again"),
    ],
)
def test_predict_says_how_to_come_by_a_run_that_has_no_weights(
    trained: TrainedStudy, sixteenth: Command, tmp_path: Path, gone: str, said: str
) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained.run(model="small", fraction="1"), run)
    if gone == "run.json":
        record = json.loads((run / gone).read_text("utf-8"))
        (run / gone).write_text(json.dumps({**record, "status": "running"}), "utf-8")
    else:
        (run / gone).unlink()
    Image.new("RGB", (8, 8)).save(tmp_path / "digit.png")
    ended = sixteenth("predict", str(run), str(tmp_path / "digit.png"))
    assert (ended.code, ended.out) == (2, "")
    assert said in " ".join(ended.err.split())
