"""Where a folder of images lies and what lies in it beside the images change nothing."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from PIL import Image
from small_data import random_pixels, write_classes

from sixteenth.engine.prediction import find_images


@pytest.fixture
def pets(tmp_path):
    write_classes(tmp_path / "pets", {"cat": 6, "dog": 6})
    return tmp_path / "pets"


def begin_study(folder: Path) -> None:
    """What `sixteenth run` leaves in a folder before the first report."""
    (folder / "runs").mkdir(parents=True)
    (folder / "study.yaml").write_text("data: .\n")


def test_studies_among_the_images_are_no_class_and_leave_the_images_the_same(load, pets, tmp_path):
    before = load(pets)
    begin_study(pets / "studies" / "x")
    begun = load(pets)
    write_classes(pets / "studies" / "x", {"figures": 2})
    reported = load(pets)
    (pets / "studies" / "x" / "runs").rmdir()
    (pets / "studies" / "x" / "results.csv").write_text("run_id\n")
    assert load(pets).classes == before.classes == ("cat", "dog")
    line = "studies holds studies of Sixteenth"
    for data in (begun, reported):
        assert data.fingerprint == before.fingerprint
        assert data.understood.left_out == (line,)
        assert data.understood.notes == before.understood.notes
    assert len(list((tmp_path / "cache" / "decoded").iterdir())) == 1


def test_studies_do_not_make_the_images_be_decoded_again(load, pets, monkeypatch):
    before = load(pets)
    begin_study(pets / "studies" / "x")
    begin_study(pets / "cat-or-dog")
    monkeypatch.setattr("sixteenth.data.source.decode_images", None)
    again = load(pets)
    assert again.fingerprint == before.fingerprint
    assert again.understood.left_out == (
        "cat-or-dog is a study of Sixteenth", "studies holds studies of Sixteenth"
    )  # fmt: skip


def test_a_folder_of_images_beside_studies_stays_a_class(load, pets):
    begin_study(pets / "dog" / "x")
    data = load(pets)
    assert data.classes == ("cat", "dog")
    assert data.understood.left_out == ("dog/x is a study of Sixteenth",)


def test_images_above_the_current_folder_are_found(load, pets, monkeypatch):
    data = load(pets)
    (pets / "cat" / "notebooks").mkdir()
    monkeypatch.chdir(pets / "cat" / "notebooks")
    for path in ("../..", "../../../pets"):
        assert load(path).fingerprint == data.fingerprint
        images, _ = find_images(path)
        assert len(images) == 12


def test_the_files_of_cifar_are_known_from_inside_their_folder(tmp_path, monkeypatch):
    from sixteenth.data.layouts.named import find_cifar_copy

    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    (folder / "data_batch_1").write_bytes(b"x")
    monkeypatch.chdir(folder)
    found = [find_cifar_copy(path) for path in (Path("."), folder, tmp_path)]
    assert all(found)
    assert len({(each.stamp, each.identity["path"]) for each in found}) == 1


def in_form(form: str, folder: Path) -> Path:
    """A folder of images whose names are in one form of Unicode."""
    name = unicodedata.normalize(form, "é{}.png")
    for number in range(10):
        place = folder / unicodedata.normalize(form, "été")
        place.mkdir(parents=True, exist_ok=True)
        pixels = Image.fromarray(random_pixels(8, 8, 3, seed=number))
        pixels.save(place / name.format(number))
    return folder


@pytest.mark.parametrize("path", ["été/é{}.png", "é{}.png", "é{}", "/of/another/é{}.png"])
def test_a_table_may_name_files_in_another_form_of_unicode(load, tmp_path, path):
    def labelled(folder: Path, form: str) -> Path:
        rows = [f"{path.format(number)},{'ab'[number % 2]}" for number in range(10)]
        text = unicodedata.normalize(form, "\n".join(["file_name,label", *rows]))
        (folder / "labels.csv").write_text(text, encoding="utf-8")
        return folder

    same = load(labelled(in_form("NFC", tmp_path / "c"), "NFC"))
    apart = load(labelled(in_form("NFD", tmp_path / "d"), "NFC"))
    assert apart.fingerprint == same.fingerprint
    labelled(tmp_path / "c", "NFD")
    assert load(tmp_path / "c").fingerprint == same.fingerprint


def test_folders_are_named_in_any_form_of_unicode(load, tmp_path):
    name = unicodedata.normalize("NFD", "entraînement")
    write_classes(tmp_path / "pets" / name, {"cat": 5, "dog": 5})
    write_classes(tmp_path / "pets" / "other", {"cat": 2, "dog": 2}, seed=999)
    composed = unicodedata.normalize("NFC", name)
    data = load(tmp_path / "pets", train_folder=[composed])
    assert data.fingerprint == load(tmp_path / "pets", train_folder=[name]).fingerprint
    assert len(load(tmp_path / "pets", exclude=[composed], test_fraction=0.5).train) == 2
