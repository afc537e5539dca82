import numpy as np
import pytest
from small_data import random_pixels

from sixteenth.errors import DataError

LABELS = np.array([0, 1, 2, 0])


def write_npz(file, x, y=LABELS, **more):
    np.savez(file, **{"x_train": x, "y_train": y, "x_test": x[:2], "y_test": y[:2], **more})
    return file


@pytest.mark.parametrize("shape", [(4, 8, 8), (4, 8, 8, 1), (4, 1, 8, 8)])
def test_grey_arrays_become_three_equal_channels(load, tmp_path, shape):
    pixels = random_pixels(*shape)
    data = load(write_npz(tmp_path / "grey.npz", pixels))
    assert data.name == "grey"
    assert data.train.images.shape == (4, 8, 8, 3)
    for channel in range(3):
        assert np.array_equal(data.train.images[..., channel], pixels.reshape(4, 8, 8))


def test_channels_may_come_first_or_last(load, tmp_path):
    pixels = random_pixels(4, 8, 8, 3)
    last = load(write_npz(tmp_path / "last.npz", pixels))
    first = load(write_npz(tmp_path / "first.npz", pixels.transpose(0, 3, 1, 2)))
    assert np.array_equal(last.train.images, pixels)
    assert last.fingerprint == first.fingerprint


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_floats_from_0_to_1_become_bytes(load, tmp_path, kind):
    values = np.linspace(0, 1, 4 * 64).reshape(4, 8, 8).astype(kind)
    data = load(write_npz(tmp_path / "float.npz", values))
    assert data.train.images.min() == 0
    assert data.train.images.max() == 255


def test_labels_may_stand_in_a_column_and_classes_may_have_names(load, tmp_path):
    names = np.array(["ant", "bee", "fly"])
    file = write_npz(tmp_path / "a.npz", random_pixels(4, 8, 8), LABELS[:, None], classes=names)
    data = load(file)
    assert data.train.labels.tolist() == LABELS.tolist()
    assert data.classes == ("ant", "bee", "fly")


def test_arrays_of_another_size_are_cropped_and_resized(load, tmp_path):
    wide = np.zeros((4, 16, 32, 3), np.uint8)
    wide[:, :, 7:25] = 200
    assert np.all(load(write_npz(tmp_path / "wide.npz", wide)).train.images == 200)


def broken(**change):
    return {"x_train": random_pixels(4, 8, 8), "y_train": LABELS, **change}


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (broken(x_train=random_pixels(4, 8)), r"shape \(4, 8\): images are \(N, H, W\)"),
        (broken(x_train=random_pixels(4, 8, 8, 4)), r"shape \(4, 8, 8, 4\)"),
        (broken(x_train=random_pixels(4, 0, 8)), r"the images are empty"),
        (broken(x_train=random_pixels(4, 8, 8) / 2.0), r"values from .* floats in \[0, 1\]"),
        (broken(x_train=np.full((4, 8, 8), np.nan)), r"values from nan to nan"),
        (broken(x_train=random_pixels(4, 8, 8).astype(np.int16) - 200), r"values from -"),
        (broken(x_train=np.full((4, 8, 8), "a")), r"type <U1: use uint8"),
        (broken(y_train=LABELS[:3]), r"4 images in x_train, but 3 labels in y_train"),
        (broken(y_train=LABELS / 2), r"y_train .* type float64 .*: labels are integers"),
        (broken(y_train=np.eye(4, dtype=int)), r"shape \(4, 4\): labels are integers"),
        (broken(y_train=LABELS - 1), r"label -1 of training image 0"),
        (broken(classes=np.array(["a", "b"])), r"label 2 of training image 2"),
        (broken(x_train=np.array([{}, {}, {}, {}])), r"pickled objects, which are never loaded"),
        (broken(x_train=random_pixels(0, 8, 8), y_train=LABELS[:0]), r"no training images"),
    ],
)
def test_arrays_that_are_no_images_or_labels_are_refused(load, tmp_path, arrays, message):
    np.savez(tmp_path / "bad.npz", **broken(x_test=random_pixels(4, 8, 8), y_test=LABELS) | arrays)
    with pytest.raises(DataError, match=message):
        load(tmp_path / "bad.npz")


def test_missing_arrays_are_named(load, tmp_path):
    np.savez(tmp_path / "bad.npz", x_train=random_pixels(4, 8, 8), x_test=0, labels=LABELS)
    with pytest.raises(DataError, match=r"no y_train, y_test: .* \(it has x_train, x_test, labels"):
        load(tmp_path / "bad.npz")


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 half a zip"])
def test_a_damaged_npz_is_refused(load, tmp_path, content):
    (tmp_path / "bad.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"cannot read .*bad\.npz"):
        load(tmp_path / "bad.npz")


def test_a_single_array_is_not_an_npz(load, tmp_path):
    np.save(tmp_path / "one.npy", random_pixels(4, 8, 8))
    (tmp_path / "one.npy").rename(tmp_path / "one.npz")
    with pytest.raises(DataError, match=r"one\.npz"):
        load(tmp_path / "one.npz")


def test_digits_are_symbols_with_a_stratified_test_split(load):
    data = load("digits")
    assert data.symbols
    assert data.classes == tuple("0123456789")
    assert (len(data.train), len(data.test)) == (1438, 359)
    assert data.train.images.max() == 255
    whole = np.bincount(np.concatenate([data.train.labels, data.test.labels]))
    assert np.all(np.abs(np.bincount(data.test.labels) - 359 * whole / 1797) < 1)
    assert load("digits").fingerprint == data.fingerprint
    assert load("digits", split_seed=1).fingerprint != data.fingerprint


def test_digits_are_resized(load):
    assert load("digits", image_size=32).image_size == 32
