import os

import numpy as np
import pytest
from PIL import Image
from small_data import random_pixels, write_classes

from sixteenth.errors import DataError


@pytest.fixture
def folder(tmp_path):
    write_classes(tmp_path / "pets" / "train", {"dog": 3, "cat": 4})
    write_classes(tmp_path / "pets" / "test", {"dog": 1, "cat": 2})
    return tmp_path / "pets"


def test_train_and_test_folders_become_the_splits_with_classes_in_order(load, folder):
    data = load(folder)
    assert data.name == "pets"
    assert data.classes == ("cat", "dog")
    assert data.train.labels.tolist() == [0, 0, 0, 0, 1, 1, 1]
    assert data.test.labels.tolist() == [0, 0, 1]
    assert np.array_equal(data.train.images[0], random_pixels(8, 8, 3, seed=100))


def test_many_kinds_of_files_are_read_whatever_the_case_of_their_name(load, folder):
    image = Image.fromarray(random_pixels(8, 8, 3))
    for name in ("a.JPG", "b.jpeg", "c.bmp", "d.webp", "e.gif", "f.TIF", "g.PNG", "h.ppm"):
        image.save(folder / "train" / "dog" / name)
    image.save(folder / "train" / "dog" / "i.jfif", "JPEG")
    assert len(load(folder).train) == 16


def test_hidden_files_and_files_that_are_no_images_are_left_out(load, folder):
    for name in (".DS_Store", "._1.png", "notes.txt", "Thumbs.db"):
        (folder / "train" / "dog" / name).write_bytes(b"no image")
    (folder / "train" / ".hidden").mkdir()
    (folder / "train" / "__MACOSX").mkdir()
    (folder / "README.md").write_text("about")
    data = load(folder)
    assert len(data.train) == 7
    assert data.classes == ("cat", "dog")


def test_images_in_folders_inside_a_class_belong_to_it(load, folder):
    write_classes(folder / "train" / "dog", {"puppies": 2})
    assert np.bincount(load(folder).train.labels).tolist() == [4, 5]


def test_one_level_of_classes_gets_a_stratified_test_split(load, tmp_path):
    write_classes(tmp_path / "flat", {"a": 20, "b": 10, "c": 5})
    data = load(tmp_path / "flat", test_fraction=0.2)
    assert np.bincount(data.test.labels).tolist() == [4, 2, 1]
    assert np.bincount(data.train.labels).tolist() == [16, 8, 4]
    other = load(tmp_path / "flat", test_fraction=0.2, split_seed=1)
    assert data.fingerprint != other.fingerprint
    assert data.fingerprint == load(tmp_path / "flat", test_fraction=0.2).fingerprint


def test_a_class_too_small_for_the_test_split_is_named(load, tmp_path):
    write_classes(tmp_path / "flat", {"common": 30, "rare": 1})
    with pytest.raises(DataError, match=r"class 'rare' of .* has only 1 image: too few"):
        load(tmp_path / "flat", test_fraction=0.1)
    with pytest.raises(DataError, match=r"test_fraction is 0"):
        load(tmp_path / "flat", test_fraction=0)


def test_an_empty_class_folder_is_named(load, folder):
    (folder / "test" / "emu").mkdir()
    with pytest.raises(DataError, match=r"no images in .*test.emu"):
        load(folder)


def test_classes_that_differ_between_train_and_test_are_named(load, folder):
    write_classes(folder / "test", {"emu": 1})
    with pytest.raises(DataError, match=r"classes of .* differ: emu in test, but not in train"):
        load(folder)


def add_broken(folder, count):
    for number in range(count):
        (folder / "train" / "dog" / f"broken{number:02}.jpg").write_bytes(b"\xff\xd8\xff")


def test_broken_images_are_all_named_in_one_message(load, folder):
    add_broken(folder, 12)
    whole = (folder / "test" / "cat" / "0.png").read_bytes()
    (folder / "test" / "cat" / "0.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError) as caught:
        load(folder)
    message = str(caught.value)
    assert message.startswith("13 of 22 images cannot be read: train/dog/broken00.jpg (")
    assert all(f"broken{number:02}.jpg" in message for number in range(12))
    assert "test/cat/0.png" in message
    assert message.endswith("Replace or remove them, or leave them out with --skip-broken")


def test_too_many_broken_images_for_a_line_all_stand_in_a_file(load, folder, tmp_path):
    add_broken(folder, 60)
    with pytest.raises(
        DataError, match=r"60 of 70 .* and 10 more, all of them in (.*\.txt)"
    ) as caught:
        load(folder)
    listing = next((tmp_path / "cache" / "broken").iterdir())
    assert str(listing) in str(caught.value)
    lines = listing.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 60
    assert lines[59].startswith("train/dog/broken59.jpg\t")


def test_broken_images_are_left_out_on_request_and_counted(load, folder):
    add_broken(folder, 2)
    data = load(folder, skip_broken=True)
    assert data.train.labels.tolist() == [0, 0, 0, 0, 1, 1, 1]
    assert np.array_equal(data.train.images[4], random_pixels(8, 8, 3, seed=0))
    assert data.checks.skipped_broken == 2
    assert data.checks.skipped[1].startswith("train/dog/broken01.jpg (")
    kept = load(folder, skip_broken=True)
    assert kept.checks == data.checks, "the decoded copy remembers"
    with pytest.raises(DataError, match="2 of 12 images cannot be read: train/dog/broken00"):
        load(folder)


def test_a_class_whose_images_are_all_broken_is_refused_even_then(load, folder):
    for file in (folder / "train" / "dog").iterdir():
        file.write_bytes(b"no image")
    with pytest.raises(DataError, match="no training image of class dog"):
        load(folder, skip_broken=True)


@pytest.mark.parametrize("ending", ["heic", "jp2", "svg", "CR2"])
def test_images_of_a_kind_that_is_not_read_are_broken_not_silently_left_out(load, folder, ending):
    (folder / "train" / "dog" / f"photo.{ending}").write_bytes(b"\0" * 100)
    with pytest.raises(DataError, match=rf"1 of 11 .*photo\.{ending} \(not an image in a known"):
        load(folder)


def test_other_files_and_folders_among_the_images_are_counted_and_named(load, folder):
    (folder / "train" / "dog" / "notes.txt").write_text("about")
    (folder / "val").mkdir()
    data = load(folder)
    named = {"val holds no images", "train/dog/notes.txt is no image"}
    assert set(data.understood.left_out) == named


def test_images_beside_the_class_folders_are_counted_and_named(load, folder):
    pixels = Image.fromarray(random_pixels(8, 8, 3, seed=77))
    for place in (folder, folder / "train", folder / "test"):
        pixels.save(place / "loose.png")
    (folder / "train" / "labels.csv").write_text("beside the images, not among them")
    (folder / "train" / "emu").symlink_to(folder / "nowhere")
    data = load(folder)
    assert set(data.understood.left_out) == {
        "loose.png lies in no class folder",
        "train/loose.png lies in no class folder",
        "test/loose.png lies in no class folder",
        "train/emu is a link that leads nowhere",
    }
    flat = load(folder / "train", test_fraction=0.3)
    assert set(flat.understood.left_out) == {
        "loose.png lies in no class folder", "emu is a link that leads nowhere"
    }  # fmt: skip


def test_a_link_to_a_folder_of_images_is_followed_once(load, folder, tmp_path):
    write_classes(tmp_path / "elsewhere", {"puppies": 2}, seed=5000)
    (folder / "train" / "dog" / "link").symlink_to(tmp_path / "elsewhere")
    (folder / "train" / "dog" / "again").symlink_to(tmp_path / "elsewhere" / "puppies")
    (tmp_path / "elsewhere" / "round").symlink_to(tmp_path / "elsewhere")
    (folder / "train" / "dog" / "up").symlink_to(folder / "train")
    data = load(folder)
    assert np.bincount(data.train.labels).tolist() == [4, 5]
    assert data.checks.duplicates_within_train == 0


def test_a_folder_inside_a_class_that_cannot_be_read_is_named(load, folder, monkeypatch):
    locked = folder / "train" / "dog" / "locked"
    locked.mkdir()
    real = os.scandir

    def scandir(place):  # root may read any folder: only a stand-in refuses it one
        if os.fspath(place) == os.fspath(locked):
            raise PermissionError(13, "Permission denied", os.fspath(place))
        return real(place)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(DataError, match=r"cannot read .*train.dog.locked: Permission denied"):
        load(folder)


def test_two_training_folders_that_differ_in_case_are_refused(load, folder):
    (folder / "Train").mkdir()
    if len(list(folder.iterdir())) == 2:
        pytest.skip("this file system does not tell Train from train")
    with pytest.raises(DataError, match="both Train and train"):
        load(folder)


def test_a_named_pipe_among_the_images_does_not_hang(load, folder):
    os.mkfifo(folder / "train" / "dog" / "pipe.png")
    with pytest.raises(DataError, match=r"train/dog/pipe\.png \(not a file\)"):
        load(folder)


def test_html_and_odd_characters_in_class_names_are_kept(load, tmp_path):
    write_classes(tmp_path / "odd", {"<b>bold & co": 5, "été": 5})
    assert load(tmp_path / "odd").classes == ("<b>bold & co", "été")
