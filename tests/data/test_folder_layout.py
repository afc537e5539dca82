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
    for name in ("a.JPG", "b.jpeg", "c.bmp", "d.webp", "e.gif", "f.TIF", "g.PNG"):
        image.save(folder / "train" / "dog" / name)
    assert len(load(folder).train) == 14


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
    with pytest.raises(DataError, match=r"class 'rare' of .* has only 1 images: too few"):
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


def test_a_folder_with_train_but_without_test_is_refused_with_two_ways_out(load, folder):
    (folder / "test").rename(folder / "val")
    with pytest.raises(DataError, match=r"no folder test \(it has train, val\): add it, or give"):
        load(folder)
    assert len(load(folder / "train", test_fraction=0.3).test) == 2


def test_broken_images_are_named_the_first_ten_and_counted(load, folder):
    for number in range(12):
        (folder / "train" / "dog" / f"broken{number:02}.jpg").write_bytes(b"\xff\xd8\xff")
    whole = (folder / "test" / "cat" / "0.png").read_bytes()
    (folder / "test" / "cat" / "0.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError) as caught:
        load(folder)
    message = str(caught.value)
    assert message.startswith("13 of 22 images cannot be read: train/dog/broken00.jpg (")
    assert "broken09.jpg" in message
    assert "broken10.jpg" not in message
    assert "and 3 more" in message


def test_html_and_odd_characters_in_class_names_are_kept(load, tmp_path):
    write_classes(tmp_path / "odd", {"<b>bold & co": 5, "été": 5})
    assert load(tmp_path / "odd").classes == ("<b>bold & co", "été")
