"""What is checked before hours are spent."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from odd_images import ONE_RUN, write_images
from PIL import Image
from safetensors.torch import save_file

from sixteenth import InputError, Study
from sixteenth.errors import MismatchError
from sixteenth.spec import parse_spec
from sixteenth.storage.whole_files import check_writable
from sixteenth.study.preflight import check_folder
from tiny_study import Command, TrainedStudy, read_results


def test_what_is_odd_about_the_data_is_told_recorded_and_reported(
    tiny_folder: Path, sixteenth: Command
) -> None:
    write_images(tiny_folder / "images")
    words = ("run", "tiny.yaml", *ONE_RUN, "--data", "images", "--data-dir", "cache",
             "--set", "fractions=[1]")  # fmt: skip
    refused = sixteenth(*words)
    assert refused.code == 2
    assert "1 of 12 images cannot be read: train/dog/broken.png (" in refused.err
    assert "--skip-broken" in refused.err
    assert not Path("studies").exists()

    ended = sixteenth(*words, "--skip-broken")
    assert ended.code == 0, ended.err
    assert "leakage: 1 test image is a training image too" in ended.err
    understood = "data: train and test folders; 2 classes (cat, dog); 6 training + 5 test images"
    left_out = "left out: train/dog/broken.png cannot be read: not an image in a known format"
    told = ended.err.splitlines()
    assert any(line.startswith(understood) for line in told), "what was understood, in a line"
    assert any(line.startswith(left_out) for line in told)
    before = ended.err.index("leakage")
    assert before < ended.err.index("run 1 of 1"), "it is told before training"
    record = json.loads(next(Path("studies/tiny").glob("runs/*/run.json")).read_text())
    checks = record["data_checks"]
    assert (checks["leaked_test_images"], checks["conflicting_labels"]) == (1, 1)
    assert (checks["duplicates_within_train"], checks["duplicates_within_test"]) == (0, 0)
    assert checks["skipped_broken"] == 1
    assert (
        "train/cat/1.png (cat) is the same image as test/dog/leak.png (dog)" in checks["examples"]
    )
    assert record["data"]["train_images"] == 6
    assert record["data"]["per_class"] == {"cat": 5, "dog": 6}
    assert record["data"]["left_out"][0].startswith("train/dog/broken.png cannot be read")
    page = Path("studies/tiny/report.md").read_text(encoding="utf-8")
    assert "1 image left out as unreadable" in page
    first_screen = page[: page.index("## ")]
    assert understood.replace("data", "Data") in first_screen
    assert "Left out: train/dog/broken.png" in first_screen
    assert "1 image of the test split also in the training split" in page
    assert "test/dog/leak.png" in page
    assert yaml.safe_load(Path("studies/tiny/study.yaml").read_text())["skip_broken"] is True
    again = sixteenth(*words, "--skip-broken")
    assert "was finished before" in again.err


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"seeds": [0]}, True),
        ({"seeds": [0], "models": ["resnet18"]}, True),
        ({"seeds": [0], "image_size": 16}, False),
        ({"seeds": [0], "fractions": ["1/8"]}, False),
        ({"seeds": [2]}, False),
    ],
)
def test_a_study_with_fewer_seeds_than_its_folder_is_told_the_command_that_goes_on(
    tmp_path: Path, asked: dict[str, object], named: bool
) -> None:
    folder = tmp_path / "my study"
    begun = {"data": "digits", "models": ["resnet18", "resnet34"], "seeds": [0, 1]}
    folder.mkdir()
    (folder / "study.yaml").write_text(yaml.safe_dump(begun), encoding="utf-8")
    with pytest.raises(MismatchError) as caught:
        check_folder(folder, parse_spec({**begun, **asked}))
    command = f"go on with it by sixteenth run '{folder}/study.yaml' --out '{folder}', or begin"
    assert (command in str(caught.value)) == named
    with pytest.raises(MismatchError) as caught:
        check_folder(folder, parse_spec({**begun, **asked, "data": "moved"}))
    assert command not in str(caught.value), "the images are not where it looks for them"
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_misspelt_model_is_told_before_images_are_decoded(
    tiny_folder: Path, sixteenth: Command
) -> None:
    write_images(tiny_folder / "images")
    for setting in ("models=[resnet81]", "init=[imagnet]", "train.precision=float16"):
        refused = sixteenth("run", "tiny.yaml", "--data", "images", "--set", setting)
        assert refused.code == 2
        assert "decoding" not in refused.err
        assert "broken.png" not in refused.err


def test_a_model_of_ones_own_that_cannot_be_built_is_told_in_the_plan(
    tiny_folder: Path, sixteenth: Command
) -> None:
    models = "models=[tiny_models:small, tiny_models:broken]"
    told = sixteenth("plan", "tiny.yaml", "--set", models)
    assert told.code == 0
    (note,) = [line for line in told.err.splitlines() if "the tests broke it" in line]
    assert note.startswith("note: model tiny_models:broken")
    assert note.endswith("2 runs will fail")
    table = Study.load("tiny.yaml", [models]).plan().set_index("model")["seconds"]
    assert table["tiny_models:broken"].isna().all(), "no time is known of what cannot be built"
    assert (table["tiny_models:small"] > 0).all()
    refused = sixteenth("run", "tiny.yaml", "--set", "models=[tiny_models:broken]")
    assert (refused.code, refused.out) == (2, "")
    assert "the tests broke it" in refused.err
    assert not Path("studies").exists()


def test_every_weights_file_is_loaded_before_anything_is_trained(
    tiny_folder: Path, sixteenth: Command
) -> None:
    """The random runs would come first, and the wrong file be noticed only after them."""
    save_file({"0.weight": torch.zeros(8, 3, 3, 3)}, "wrong.safetensors")
    refused = sixteenth("run", "tiny.yaml", "--set", "init=[random, wrong.safetensors]")
    assert refused.code == 2
    assert "wrong.safetensors does not fit this network: it lacks 0.bias" in refused.err
    assert not Path("studies").exists()
    assert sixteenth("plan", "tiny.yaml", "--set", "init=[wrong.safetensors]").code == 2


def test_a_weights_file_of_the_same_name_with_other_content_is_refused(
    trained: TrainedStudy, tiny_folder: Path, sixteenth: Command
) -> None:
    weights = next(trained.folder.glob("runs/*small*all*/model.safetensors"))
    shutil.copy(weights, "w.safetensors")
    words = ("run", "tiny.yaml", *ONE_RUN, "--set", "init=[w.safetensors]")
    first = sixteenth(*words, "--set", "fractions=[50 images]")
    assert first.code == 0, first.err
    other = next(trained.folder.glob("runs/*small*50images*/model.safetensors"))
    shutil.copy(other, "w.safetensors")
    refused = sixteenth(*words, "--set", "fractions=[50 images, 60 images]")
    assert refused.code == 2
    assert "SHA-256" in refused.err
    assert "--fresh" in refused.err
    assert len(read_results(Path("studies/tiny"))) == 1


def test_a_classifier_for_other_classes_starts_anew_where_that_is_allowed(
    trained: TrainedStudy, tiny_folder: Path, sixteenth: Command
) -> None:
    from safetensors.torch import load_file

    state = load_file(next(trained.folder.glob("runs/*small*all*/model.safetensors")))
    state |= {"8.weight": torch.zeros(3, 32), "8.bias": torch.zeros(3)}
    torch.save({"ema": {f"module.{k}": v for k, v in state.items()}}, "three.pth")
    words = ("run", "tiny.yaml", *ONE_RUN, "--set", "init=[three.pth]",
             "--set", "fractions=[50 images]")  # fmt: skip
    refused = sixteenth(*words)
    assert refused.code == 2
    assert "8.weight has shape (3, 32), this network needs (10, 32)" in refused.err
    ended = sixteenth(*words, "--allow-partial", "--json")
    assert ended.code == 0, ended.err
    assert "from three.pth: tensors under the key ema, prefix module. removed" in ended.err
    understood = {"file": "three.pth", "key": "ema", "prefix": "module."}
    (said,) = json.loads(ended.out)["weights"]
    assert said.items() >= {"init": "three.pth", **understood}.items()
    record = next(Path("studies/tiny").glob("runs/*/run.json"))
    assert json.loads(record.read_text(encoding="utf-8"))["model"]["weights"] == understood
    del state["0.weight"]
    torch.save({"ema": {f"module.{k}": v for k, v in state.items()}}, "three.pth")
    refused = sixteenth(*words, "--allow-partial", "--fresh")
    assert refused.code == 2
    assert "lacks 0.weight" in refused.err


def test_too_little_disk_is_told_before_anything_is_written(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sixteenth.study.planning.cost.free_bytes", lambda folder: 1000)
    with pytest.raises(InputError, match=r"has 0\.0 GB of free disk and this study needs"):
        Study.load("tiny.yaml").run()
    assert not Path("studies").exists()


@pytest.mark.parametrize("more", [(), ("--json",)], ids=["table", "json"])
def test_a_plan_that_does_not_fit_on_the_disk_is_shown_and_then_complained_of(
    tiny_folder: Path, sixteenth: Command, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...]
) -> None:
    monkeypatch.setattr("sixteenth.study.planning.cost.free_bytes", lambda folder: 1000)
    shown = sixteenth("plan", "tiny.yaml", *more)
    assert shown.code == 1
    assert len(json.loads(shown.out)["runs"]) == 4 if more else "4 of 4 runs to train" in shown.out
    assert shown.err.splitlines()[-1].startswith(
        "sixteenth: studies/tiny has 0.0 GB of free disk and this study needs"
    )
    assert "Traceback" not in shown.err


def test_a_cache_that_cannot_be_written_is_one_line_of_the_command(
    tiny_folder: Path, sixteenth: Command
) -> None:
    write_images(tiny_folder / "images")
    Path("cache").write_text("a file where a folder should be", encoding="utf-8")
    shown = sixteenth(
        "plan", "tiny.yaml", *ONE_RUN, "--data", "images", "--data-dir", "cache", "--skip-broken",
        "--set", "fractions=[1]",
    )  # fmt: skip
    assert shown.code == 0, shown.err
    told = [line for line in shown.err.splitlines() if "are not kept" in line]
    assert len(told) == 1
    assert told[0].startswith("note: decoded images are not kept, the next start decodes")
    assert "Warning" not in shown.err
    assert "warnings.warn" not in shown.err


def test_a_prediction_is_computed_in_the_numbers_in_which_the_run_was_measured(
    trained: TrainedStudy, tmp_path: Path
) -> None:
    from sixteenth import predict

    run = shutil.copytree(next(trained.folder.glob("runs/*small*all*")), tmp_path / "run")
    Image.fromarray(np.eye(8, dtype=np.uint8) * 255).save(tmp_path / "x.png")
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    found = {}
    for precision in ("float32", "bfloat16", "float16"):
        record["execution"]["precision"] = precision
        (run / "run.json").write_text(json.dumps(record), encoding="utf-8")
        one = predict(run, [tmp_path / "x.png"], trust_code=True, device="cpu")[0]
        found[precision] = dict(one.ranked)["0"]
    assert found["float32"] != found["bfloat16"]
    assert found["float16"] == found["float32"], "a CPU has no float16"


def test_an_error_that_nobody_foresaw_is_one_line_and_exit_70(
    trained: TrainedStudy, sixteenth: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("a bug\nof ours")

    monkeypatch.setattr("sixteenth.cli.tables.results_table", fail)
    ended = sixteenth("show", "studies/tiny")
    assert (ended.code, ended.out) == (70, "")
    assert len(ended.err.splitlines()) == 1
    assert "ZeroDivisionError: a bug of ours (test_preflight.py, line" in ended.err
    assert "--debug" in ended.err
    for words in (("show", "studies/tiny", "--debug"), ("--debug", "show", "studies/tiny")):
        told = sixteenth(*words)
        assert told.code == 70
        assert "Traceback (most recent call last)" in told.err


def test_an_npz_that_unpacks_to_more_than_the_memory_is_refused_before_it_is_unpacked(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch, sixteenth: Command
) -> None:
    zeros = np.zeros((1000, 64, 64, 3), np.uint8)
    np.savez_compressed(
        "d.npz", x_train=zeros, y_train=np.arange(1000) % 2, x_test=zeros[:4], y_test=[0, 1, 0, 1]
    )
    assert Path("d.npz").stat().st_size < 100_000
    monkeypatch.setattr("sixteenth.data.layouts.arrays.memory_bytes", lambda: 10_000_000)
    refused = sixteenth("run", "tiny.yaml", "--data", "d.npz", "--data-dir", "cache")
    assert refused.code == 2
    assert "d.npz: its arrays take more memory than there is" in refused.err


def test_a_prediction_sees_the_views_in_which_the_run_was_measured(
    tiny_folder: Path, sixteenth: Command
) -> None:
    from sixteenth import predict

    ended = sixteenth(
        "run", "tiny.yaml", *ONE_RUN, "--set", "fractions=[1]",
        "--set", "train.test_augmentation=mirror-shift",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    study = Study.open("studies/tiny")
    Image.fromarray(study.dataset().test.images[0]).save("first.png")
    [(run, (_, probabilities))] = study.predictions().items()
    found = predict(study.folder / "runs" / run, ["first.png"], trust_code=True)[0]
    asked = [dict(found.ranked)[name] for name in study.dataset().classes]
    assert asked == pytest.approx(probabilities[0], abs=1e-3)


def test_a_folder_that_cannot_be_written_is_refused_before_images_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot write to .*file: Not a directory; .*--out"):
        check_writable(tmp_path / "file" / "studies")
    check_writable(tmp_path / "new" / "studies")
    assert not (tmp_path / "new").exists()
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write everywhere
    study = Study({"data": "nowhere", "models": ["resnet18"]}, tmp_path / "new")
    with pytest.raises(InputError, match=r": Permission denied; choose another place with --out"):
        study.run()
