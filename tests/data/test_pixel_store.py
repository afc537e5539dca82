"""Pixels are decoded into files that are mapped, so that a data set may be larger than memory."""

import errno
import os
import tracemalloc
from pathlib import Path

import numpy as np
import psutil
import pytest
from small_data import encode, random_pixels, write_parquet

from sixteenth.data import cache, load_dataset, pixel_store
from sixteenth.errors import DataError, InputError


@pytest.fixture
def animals(tmp_path):
    """120 and 30 images of 8 pixels, in Parquet; at 128 pixels they take 7.4 MB."""
    for part, count in (("train", 120), ("test", 30)):
        images = [encode(random_pixels(8, 8, 3, seed=i + count)) for i in range(count)]
        write_parquet(tmp_path / "p" / f"{part}.parquet", images, {"label": [0, 1] * (count // 2)})
    return tmp_path / "p"


SIZE, BYTES = 128, 150 * 128 * 128 * 3


def test_images_larger_than_the_memory_are_decoded_and_loaded_without_it(
    animals, tmp_path, monkeypatch
):
    monkeypatch.setattr(pixel_store, "memory_bytes", lambda: BYTES // 8)
    tracemalloc.start()  # numpy's arrays too, but not maps
    first = load_dataset(animals, image_size=SIZE, data_dir=tmp_path / "cache")
    again = load_dataset(animals, image_size=SIZE, data_dir=tmp_path / "cache")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < BYTES // 2
    assert first.fingerprint == again.fingerprint
    for data in (first, again):
        files = {cache.mapped_file(split.images) for split in (data.train, data.test)}
        assert {file.name for file in files} == {"train_images.npy", "test_images.npy"}
    assert not list((tmp_path / "cache").rglob("*.tmp"))


def test_broken_images_are_left_out_of_the_file_too(tmp_path):
    images = [encode(random_pixels(8, 8, 3, seed=i)) for i in range(20)]
    images[3] = images[7] = b"no image"
    labels = {"label": [0, 1] * 10}
    write_parquet(tmp_path / "p" / "train.parquet", images, labels)
    write_parquet(tmp_path / "p" / "test.parquet", images[10:], {"label": [0, 1] * 5})
    data = load_dataset(tmp_path / "p", image_size=8, data_dir=tmp_path, skip_broken=True)
    kept = [i for i in range(20) if i not in (3, 7)]
    assert np.array_equal(data.train.images, [random_pixels(8, 8, 3, seed=i) for i in kept])
    assert cache.mapped_file(data.train.images).stat().st_size < 20 * 8 * 8 * 3


def test_without_a_cache_they_are_refused_with_both_numbers(animals, tmp_path, monkeypatch):
    monkeypatch.setattr(pixel_store, "memory_bytes", lambda: BYTES // 8)
    (tmp_path / "cache").write_text("a file where a folder should be")
    with pytest.raises(
        DataError, match=r"120 images of 128 x 128 take 0\.0 GB .* are 0\.0 GB, and"
    ):
        load_dataset(animals, image_size=SIZE, data_dir=tmp_path / "cache")


def test_a_full_disk_is_noticed_before_anything_is_written_to_the_map(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pixel_store.PixelStore(8, folder=tmp_path / "c") as room:
        pixels = room.new_pixels("train", 5)
        assert not isinstance(pixels, np.memmap)
    assert list((tmp_path / "c").iterdir()) == []


def test_a_copy_larger_than_the_machine_is_mapped_read_only(tmp_path):
    memory = psutil.virtual_memory().total + psutil.swap_memory().total
    file = tmp_path / "sparse.npy"
    rows = 2 * memory // (1 << 20)
    header = np.lib.format.header_data_from_array_1_0(np.empty((0, 1 << 20), np.uint8))
    with file.open("wb") as handle:
        np.lib.format.write_array_header_1_0(handle, {**header, "shape": (rows, 1 << 20)})
        handle.truncate(handle.tell() + rows * (1 << 20))
    array = cache.map_array(lambda mode: np.load(file, mmap_mode=mode))
    assert array.nbytes == 2 * memory // (1 << 20) * (1 << 20)
    assert array[rows - 1, 0] == 0


def test_no_home_and_an_unknown_user_are_told_to_name_a_folder(monkeypatch):
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as it is for such a user
    with pytest.raises(InputError, match="--data-dir"):
        cache.default_data_dir()


def test_a_home_that_is_there_is_used(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.default_data_dir().is_relative_to(Path(tmp_path))
