"""Copies, leaks and doubtful labels are found by the hash of the decoded pixels."""

import shutil
import time

import numpy as np
import pytest
from PIL import Image
from small_data import encode, random_pixels, write_classes, write_parquet

from sixteenth.data.checks import examine, notices
from sixteenth.data.dataset import Split
from sixteenth.data.source import Content


@pytest.fixture
def folder(tmp_path):
    write_classes(tmp_path / "pets" / "train", {"cat": 4, "dog": 4})
    write_classes(tmp_path / "pets" / "test", {"cat": 2, "dog": 1}, seed=1000)
    return tmp_path / "pets"


def test_sound_data_have_nothing_to_report(load, folder):
    checks = load(folder).checks
    assert not any(checks.to_dict().values())
    assert notices(checks) == []


def test_copies_inside_a_split_and_leaks_between_them_are_counted_and_named(load, folder):
    train, test = folder / "train", folder / "test"
    shutil.copy(train / "cat" / "0.png", train / "cat" / "copy.png")
    shutil.copy(train / "cat" / "0.png", train / "cat" / "another.png")
    shutil.copy(test / "cat" / "1.png", test / "cat" / "copy.png")
    shutil.copy(train / "dog" / "2.png", test / "dog" / "leak.png")
    checks = load(folder).checks
    assert checks.duplicates_within_train == 2
    assert checks.duplicates_within_test == 1
    assert checks.leaked_test_images == 1
    assert checks.conflicting_labels == 0
    assert "test/dog/leak.png is the same image as train/dog/2.png" in checks.examples
    assert "test/cat/copy.png is the same image as test/cat/1.png" in checks.examples
    said = "\n".join(notices(checks))
    assert "leakage: 1 test image is a training image too" in said
    assert "2 training images are copies of another" in said


@pytest.mark.parametrize("part", ["train", "test"])
def test_one_image_under_two_labels_is_a_conflict_also_across_the_splits(load, folder, part):
    shutil.copy(folder / "train" / "cat" / "0.png", folder / part / "dog" / "x.png")
    checks = load(folder).checks
    assert checks.conflicting_labels == 1
    assert f"train/cat/0.png (cat) is the same image as {part}/dog/x.png (dog)" in checks.examples


def test_the_same_pixels_in_another_format_are_the_same_image(load, tmp_path):
    pixels = [random_pixels(8, 8, 3, seed=i) for i in range(4)]
    labels = {"label": [0, 0, 1, 1]}
    write_parquet(tmp_path / "p" / "train.parquet", [encode(p, "BMP") for p in pixels], labels)
    write_parquet(
        tmp_path / "p" / "test.parquet", [encode(p) for p in pixels[1:3]], {"label": [0, 1]}
    )
    checks = load(tmp_path / "p").checks
    assert checks.leaked_test_images == 2
    assert checks.examples[0] == (
        "test.parquet row 0 0.png is the same image as train.parquet row 1 1.png"
    )


def test_a_class_that_the_test_split_lacks_is_named(load, tmp_path):
    np.savez(
        tmp_path / "d.npz", x_train=random_pixels(9, 8, 8), y_train=np.arange(9) % 3,
        x_test=random_pixels(4, 8, 8, seed=1), y_test=np.array([0, 2, 0, 2]),
        classes=np.array(["ant", "bee", "cat"]),
    )  # fmt: skip
    checks = load(tmp_path / "d.npz").checks
    assert checks.classes_without_test == ("bee",)
    assert notices(checks) == ["no test image of class bee"]


def test_nearly_black_images_of_16_bits_are_counted_and_told(load, folder):
    for number in range(2):
        values = random_pixels(8, 8, seed=number).astype(np.uint16) * 16
        Image.fromarray(values).save(folder / "train" / "dog" / f"scan{number}.png")
    for _ in range(2):  # decoded, then from the copy
        checks = load(folder).checks
        assert checks.nearly_black == 2
        assert notices(checks) == [
            "2 16-bit images use less than a quarter of the range, as 12 or 14 bits in 16 do: "
            "they come out dark or nearly black; rescale them",
            "such as: train/dog/scan0.png is dark; train/dog/scan1.png is dark",
        ]


def test_the_decoded_copy_remembers_what_was_found(load, folder):
    shutil.copy(folder / "train" / "cat" / "0.png", folder / "test" / "dog" / "x.png")
    first = load(folder).checks
    assert first.leaked_test_images == 1
    assert load(folder).checks == first


def test_sixty_thousand_small_images_are_checked_within_seconds():
    images = random_pixels(60_000, 32, 32, 3)
    images[50_000] = images[7]
    labels = np.zeros(60_000, dtype=np.int64)
    train, test = Split(images[:50_000], labels[:50_000]), Split(images[50_000:], labels[50_000:])
    began = time.process_time()
    checks = examine(Content(("only",), train, test))
    assert time.process_time() - began < 2
    assert checks.examples == ("test image 0 is the same image as train image 7",)
