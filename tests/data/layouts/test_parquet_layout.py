import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from small_data import JPEG_COPY, encode, random_pixels, write_parquet

from sixteenth.data import draw_subset, load_dataset
from sixteenth.data.broken import formats
from sixteenth.errors import DataError
from sixteenth.spec.fraction import TrainFraction

needs_jpeg_copy = pytest.mark.skipif(
    not JPEG_COPY.is_dir(), reason="the JPEG copy of CIFAR-10 is not at ../shared/data/cifar10-jpeg"
)


def test_pixels_labels_and_names_come_as_they_were_written(load, parquet_folder):
    data = load(parquet_folder)
    assert data.name == "animals"
    assert data.classes == ("cat", "dog", "emu")
    assert data.train.images.shape == (12, 8, 8, 3)
    assert data.train.labels.tolist() == [i % 3 for i in range(12)]
    for i in range(6):
        assert np.array_equal(data.test.images[i], random_pixels(8, 8, 3, seed=i))


def test_shards_are_read_in_order_also_inside_a_data_folder(load, tmp_path):
    for shard in range(3):
        images = [encode(np.full((8, 8, 3), 10 * shard + i, np.uint8)) for i in range(2)]
        name = f"train-{shard:05d}-of-00003.parquet"
        write_parquet(tmp_path / "set" / "data" / name, images, {"label": [0, 1]})
    write_parquet(
        tmp_path / "set" / "data" / "test-00000-of-00001.parquet", images, {"label": [0, 1]}
    )
    data = load(tmp_path / "set")
    assert data.train.images[:, 0, 0, 0].tolist() == [0, 1, 10, 11, 20, 21]
    assert data.classes == ("0", "1")
    assert data.name == "set"


def test_a_missing_shard_is_named(load, tmp_path):
    write_parquet(tmp_path / "train-00000-of-00002.parquet", [None], {"label": [0]})
    write_parquet(tmp_path / "test.parquet", [None], {"label": [0]})
    with pytest.raises(DataError, match=r"lacks the shard train-00001-of-00002\.parquet"):
        load(tmp_path)


def test_a_missing_shard_is_named_where_names_end_with_a_hash(load, tmp_path):
    images = [encode(random_pixels(8, 8, 3, seed=i)) for i in range(2)]
    for shard in (0, 2):
        name = f"train-{shard:05d}-of-00003-{'0123456789abcdef'[shard:]}.parquet"
        write_parquet(tmp_path / name, images, {"label": [0, 1]})
    write_parquet(tmp_path / "test.parquet", images, {"label": [0, 1]})
    with pytest.raises(DataError, match=r"lacks the shard train-00001-of-00003-\*\.parquet"):
        load(tmp_path)
    write_parquet(tmp_path / "train-00001-of-00003-ab.parquet", images, {"label": [0, 1]})
    assert len(load(tmp_path).train) == 6


def test_a_configuration_in_the_only_subfolder_is_found(load, parquet_folder):
    assert len(load(parquet_folder.rename(parquet_folder.parent / "plain").parent).train) == 12


@pytest.fixture
def two_labels(tmp_path):
    for part in ("train", "test"):
        write_parquet(
            tmp_path / "two" / f"{part}.parquet",
            [encode(random_pixels(8, 8, 3, seed=i)) for i in range(4)],
            {"fine_label": [0, 1, 2, 3], "coarse_label": [0, 0, 1, 1], "size": [9, 9, 9, 9]},
            {"fine_label": ["cat", "dog", "oak", "elm"], "coarse_label": ["animal", "tree"]},
            image_column="image",
        )
    return tmp_path / "two"


def test_several_label_columns_must_be_chosen_from(load, two_labels):
    with pytest.raises(DataError, match=r"--label-column \(fine_label, coarse_label\)"):
        load(two_labels)
    assert load(two_labels, label_column="fine_label").classes == ("cat", "dog", "oak", "elm")
    coarse = load(two_labels, label_column="coarse_label", image_column="image")
    assert coarse.classes == ("animal", "tree")
    assert coarse.train.labels.tolist() == [0, 0, 1, 1]


def test_a_wrong_column_is_refused_with_the_nearest_or_the_possible_ones(load, two_labels):
    with pytest.raises(DataError, match=r"no column 'fine_labels'; did you mean fine_label"):
        load(two_labels, label_column="fine_labels")
    with pytest.raises(DataError, match=r"'image' .* is not of type integer.*; label columns are"):
        load(two_labels, label_column="image")


def write_columns(file, **columns):
    count = len(next(iter(columns.values())))
    images = [encode(random_pixels(8, 8, 3, seed=i)) for i in range(count)]
    pq.write_table(pa.table({"image": images, **columns}), file)


def test_categories_as_pandas_writes_them_are_labels(load, tmp_path):
    species = pa.array(["cat", "dog"] * 10).dictionary_encode()
    fold = [i % 5 for i in range(20)]
    write_columns(tmp_path / "train.parquet", label=species, fold=fold)
    data = load(tmp_path)
    assert data.classes == ("cat", "dog")
    assert len(data.train) + len(data.test) == 20
    write_columns(tmp_path / "train.parquet", label=pa.array([1, 0] * 10).dictionary_encode())
    assert load(tmp_path).classes == ("0", "1")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"label": [0.0, 1.0]}, r"column 'label' .* is not of type .* but double: convert it"),
        ({"labels": [[0], [1]]}, r"column 'labels' .* but list.*--label-column \(year\)"),
        ({"species": ["cat", "dog"]}, r"several label columns: .*--label-column \(species, year\)"),
    ],
)
def test_no_other_column_is_taken_for_the_labels(load, tmp_path, columns, message):
    repeated = {name: values * 10 for name, values in columns.items()}
    write_columns(tmp_path / "train.parquet", **repeated, year=[2020, 2021] * 10)
    with pytest.raises(DataError, match=message):
        load(tmp_path)
    write_columns(tmp_path / "train.parquet", **repeated, year=[0, 1] * 10)
    assert load(tmp_path, label_column="year").classes == ("0", "1")


@pytest.mark.parametrize("hidden", [-1, None])
def test_a_test_split_with_hidden_labels_is_left_out(load, tmp_path, hidden):
    images = [encode(random_pixels(8, 8, 3, seed=i)) for i in range(20)]
    write_parquet(tmp_path / "train.parquet", images, {"label": [0, 1] * 10})
    write_parquet(tmp_path / "test.parquet", images, {"label": [hidden] * 20})
    cut = load(tmp_path)
    assert (len(cut.train), len(cut.test)) == (16, 4)
    assert "test.parquet has no labels in column 'label'" in " ".join(cut.understood.left_out)
    write_parquet(tmp_path / "validation.parquet", images[:6], {"label": [0, 1] * 3})
    assert len(load(tmp_path).test) == 6


def test_wrong_labels_are_told_before_images_are_decoded(load, tmp_path):
    write_parquet(tmp_path / "train.parquet", [b"broken"] * 4, {"label": [1, 2, 1, 2]})
    message = "no training image of class 0: .*; if they start at 1, subtract 1"
    with pytest.raises(DataError, match=message):
        load(tmp_path)
    write_parquet(tmp_path / "train.parquet", [b"broken"] * 4, {"label": [0, 1, 0, 1]})
    write_parquet(tmp_path / "test.parquet", [b"broken"] * 2, {"label": [0, -1]})
    with pytest.raises(DataError, match="label -1 of test image 1"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("labels", "names", "message"),
    [
        ([0, 1, 2], ["cat", "dog"], r"label 2 of training image 2 .* labels are 0 to 1"),
        ([0, 1, -1], None, r"label -1 of training image 2"),
        ([0, None, 1], None, r"1 image without a label in column 'label', the first in row 1"),
        ([0, 2, 2], None, r"no training image of class 1"),
        ([0, 0, 0], None, r"only one class"),
        ([0, 1, 2**40], None, r"label 1099511627776 is out of range: 4 images have at most 4"),
    ],
)
def test_labels_that_are_no_classes_are_refused(load, tmp_path, labels, names, message):
    images = [encode(random_pixels(8, 8, 3))] * 3
    named = {"label": names} if names else None
    write_parquet(tmp_path / "train.parquet", images, {"label": labels}, named)
    write_parquet(tmp_path / "test.parquet", images[:1], {"label": [0]}, named)
    with pytest.raises(DataError, match=message):
        load(tmp_path)


def test_an_empty_split_is_refused(load, parquet_folder):
    write_parquet(
        parquet_folder / "test.parquet", [], {"label": []}, {"label": ["cat", "dog", "emu"]}
    )
    with pytest.raises(DataError, match="no test images"):
        load(parquet_folder)


def test_broken_images_of_both_splits_are_named_together(load, parquet_folder):
    good = encode(random_pixels(8, 8, 3))
    names = {"label": ["cat", "dog", "emu"]}
    write_parquet(
        parquet_folder / "train.parquet", [good, b"text", good], {"label": [0, 1, 2]}, names
    )
    write_parquet(parquet_folder / "test.parquet", [good[:90], None], {"label": [0, 1]}, names)
    with pytest.raises(DataError) as caught:
        load(parquet_folder)
    message = str(caught.value)
    assert message.startswith("3 of 5 images cannot be read: train.parquet row 1 1.png (not an")
    assert "test.parquet row 0" in message
    assert "test.parquet row 1 1.png (it has no bytes)" in message
    assert "\n" not in message


def test_a_file_that_is_not_parquet_and_one_without_images_are_refused(load, parquet_folder):
    (parquet_folder / "train.parquet").write_bytes(b"not parquet")
    with pytest.raises(DataError, match=r"train\.parquet is not a readable Parquet file"):
        load(parquet_folder)
    pq.write_table(pa.table({"label": [1], "text": ["a"]}), parquet_folder / "train.parquet")
    with pytest.raises(
        DataError, match=r"no image column .* its columns are label \(int64\), text \(string\)"
    ):
        load(parquet_folder)


def test_a_test_file_without_the_columns_is_refused(load, parquet_folder):
    pq.write_table(pa.table({"label": [1], "text": ["a"]}), parquet_folder / "test.parquet")
    with pytest.raises(DataError, match=r"test\.parquet has no column 'img', unlike"):
        load(parquet_folder)


@needs_jpeg_copy
def test_images_of_the_jpeg_copy_are_decoded_exactly(tmp_path):
    splits = {}
    for part, count in (("train", 400), ("test", 100)):
        table = next(pq.ParquetFile(JPEG_COPY / f"{part}.parquet").iter_batches(count))
        splits[part] = pa.Table.from_batches([table])
        pq.write_table(splits[part], tmp_path / f"{part}.parquet")
    data = load_dataset(tmp_path, image_size=32, data_dir=tmp_path / "cache")
    assert data.classes[:3] == ("airplane", "automobile", "bird")
    assert data.image_size == 32
    for part, split in (("train", data.train), ("test", data.test)):
        assert split.labels.tolist() == splits[part]["label"].to_pylist()
        for row, image in zip(splits[part]["img"].to_pylist(), split.images, strict=True):
            expected = np.asarray(Image.open(io.BytesIO(row["bytes"])).convert("RGB"))
            assert np.array_equal(image, expected)
    sixteenth = draw_subset(data.train.labels, TrainFraction.parse("1/16"), seed=0)
    assert len(sixteenth) == 25


def test_class_names_in_another_order_in_a_test_file_are_refused(load, parquet_folder):
    write_parquet(
        parquet_folder / "test.parquet",
        [encode(random_pixels(8, 8, 3, seed=i)) for i in range(6)],
        {"label": [i % 3 for i in range(6)]},
        {"label": ["dog", "cat", "emu"]},
    )
    with pytest.raises(DataError, match="dog, cat, emu here, cat, dog, emu there"):
        load(parquet_folder)


def test_broken_rows_are_left_out_on_request(load, parquet_folder):
    images = [encode(random_pixels(8, 8, 3, seed=i)) for i in range(12)]
    images[4] = b"no image"
    write_parquet(
        parquet_folder / "train.parquet",
        images,
        {"label": [i % 3 for i in range(12)]},
        {"label": ["cat", "dog", "emu"]},
    )
    data = load(parquet_folder, skip_broken=True)
    assert data.train.labels.tolist() == [i % 3 for i in range(12) if i != 4]
    assert data.checks.skipped == (
        f"train.parquet row 4 4.png (not an image in a known format: {', '.join(formats())})",
    )
