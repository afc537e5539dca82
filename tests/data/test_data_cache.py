import os
import warnings

import numpy as np
import pytest
from small_data import encode, random_pixels, write_classes, write_parquet

from sixteenth.data import load_dataset
from sixteenth.data.cache import default_data_dir


@pytest.fixture
def counting(tmp_path, parquet_folder):
    """Load the Parquet folder, and say whether it was decoded for that."""

    def load_and_tell(source=parquet_folder, **options):
        steps = []
        options = {"image_size": 8, "data_dir": tmp_path / "cache", **options}
        data = load_dataset(source, progress=lambda *step: steps.append(step), **options)
        return data, bool(steps)

    return load_and_tell


def cached_files(tmp_path):
    return sorted((tmp_path / "cache" / "decoded").glob("*/*"))


def test_images_are_decoded_once(counting):
    first, decoded = counting()
    assert decoded
    second, decoded = counting()
    assert not decoded
    assert first.fingerprint == second.fingerprint
    assert first.classes == second.classes
    for one, other in ((first.train, second.train), (first.test, second.test)):
        assert np.array_equal(one.images, other.images)
        assert np.array_equal(one.labels, other.labels)
        assert other.images.flags.writeable


def test_writing_to_the_images_does_not_reach_the_cache(counting):
    counting()
    mapped, _ = counting()
    mapped.train.images[:] = 0
    again, decoded = counting()
    assert not decoded
    assert again.train.images.any()


def test_another_image_size_or_split_has_a_copy_of_its_own(counting, tmp_path):
    counting()
    assert counting(image_size=16)[1]
    assert not counting()[1]
    write_classes(tmp_path / "flat", {"a": 10, "b": 10})
    for options in (
        {},
        {"split_seed": 1},
        {"test_fraction": 0.3},
        {"interpolation": "bicubic"},
    ):
        assert counting(tmp_path / "flat", **options)[1]
        assert not counting(tmp_path / "flat", **options)[1]


def test_a_changed_file_is_noticed(counting, parquet_folder, tmp_path):
    before, _ = counting()
    images = [encode(random_pixels(8, 8, 3, seed=50 + i)) for i in range(6)]
    names = {"label": ["cat", "dog", "emu"]}
    write_parquet(parquet_folder / "test.parquet", images, {"label": [0, 1, 2] * 2}, names)
    after, decoded = counting()
    assert decoded
    assert after.fingerprint != before.fingerprint
    assert len(cached_files(tmp_path)) == 5, "the new copy takes the old one's place"


def test_a_change_of_content_alone_is_noticed(counting, tmp_path):
    write_classes(tmp_path / "flat", {"a": 10, "b": 10})
    before, _ = counting(tmp_path / "flat")
    file = tmp_path / "flat" / "a" / "3.png"
    old, stat = file.read_bytes(), file.stat()
    new = encode(random_pixels(8, 8, 3, seed=999))
    assert len(new) == len(old)
    file.write_bytes(new)
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    after, decoded = counting(tmp_path / "flat")
    assert decoded
    assert after.fingerprint != before.fingerprint


@pytest.mark.parametrize("change", ["add", "remove", "rename"])
def test_an_added_removed_or_renamed_image_is_noticed(counting, tmp_path, change):
    write_classes(tmp_path / "flat", {"a": 10, "b": 10})
    counting(tmp_path / "flat")
    file = tmp_path / "flat" / "a" / "3.png"
    if change == "add":
        (file.parent / "new.png").write_bytes(file.read_bytes())
    elif change == "remove":
        file.unlink()
    else:
        file.rename(tmp_path / "flat" / "b" / "33.png")
    assert counting(tmp_path / "flat")[1]


@pytest.mark.parametrize("part", range(5))
@pytest.mark.parametrize("damage", ["truncated", "one bit", "empty", "gone"])
def test_a_damaged_copy_is_made_again(counting, tmp_path, part, damage):
    first, _ = counting()
    file = cached_files(tmp_path)[part]
    content = file.read_bytes()
    file.unlink()
    if damage == "truncated":
        file.write_bytes(content[:-7])
    elif damage == "one bit":
        middle = len(content) * 9 // 10
        flipped = bytes([content[middle] ^ 1])
        file.write_bytes(content[:middle] + flipped + content[middle + 1 :])
    elif damage == "empty":
        file.write_bytes(b"")
    again, decoded = counting()
    assert decoded
    assert again.fingerprint == first.fingerprint
    assert not counting()[1]


def test_a_cache_that_cannot_be_written_only_warns(counting, tmp_path):
    (tmp_path / "cache").write_text("a file where a folder should be")
    with pytest.warns(UserWarning, match="decoded images are not kept"):
        data, _ = counting()
    assert len(data.train) == 12


def test_nothing_temporary_is_left_behind_and_old_leftovers_are_swept(counting, tmp_path):
    counting()
    folder = cached_files(tmp_path)[0].parent
    new, old = ".test_images.npy.0123abcd.tmp", ".train_labels.npy.0123abcd.tmp"
    earlier = f".train_images.npy.{'0123abcd' * 4}.tmp"  # of a version with longer names
    for age, name in ((0, new), (7200, old), (7200, earlier)):
        (folder / name).write_bytes(b"half")
        when = (folder / name).stat().st_mtime - age
        os.utime(folder / name, (when, when))
    (folder / "dataset.json").unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        counting()
    assert [path.name for path in folder.glob(".*")] == [new]


def test_the_same_images_have_the_same_fingerprint_wherever_they_lie(counting, tmp_path):
    first, _ = counting()
    (tmp_path / "animals").rename(tmp_path / "moved")
    second, decoded = counting(tmp_path / "moved")
    assert decoded
    assert first.fingerprint == second.fingerprint


def test_the_data_folder_follows_xdg(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_data_dir() == tmp_path / "sixteenth"
