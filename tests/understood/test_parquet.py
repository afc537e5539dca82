"""Parquet files and saved data sets: which files are which split, and which columns are meant."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from small_images import png
from understanding import Case, cases, check, greys, put, together

from sixteenth.data import load_dataset

INTEGER = pa.int64()
STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
COLUMNS = "labels from column 'label', images from column 'image'"
CUT = "there is no test part: 0.2 of the images, and at least one of each class"
TRAIN, TEST = {"cat": [10, 11, 12], "dog": [20, 21]}, {"cat": [13], "dog": [22]}
NUMBERED = {"0": [10, 11, 12], "1": [20, 21]}
TEN = {"cat": range(10, 15), "dog": range(20, 25)}
VALUES = {"cat": 0, "dog": 1}


def table(
    split: Mapping[str, Sequence[int]],
    *,
    label: Callable[[str], Any] = VALUES.__getitem__,
    kind: pa.DataType = INTEGER,
    images: pa.DataType = STRUCT,
    names: Sequence[str] | None = ("cat", "dog"),
    more: Mapping[str, Any] | None = None,
) -> pa.Table:
    """A table with the columns ``image`` and ``label``, and `more` of one value each."""
    rows = [(name, value) for name, values in split.items() for value in values]
    data: list[Any] = [png(value) for _, value in rows]
    if pa.types.is_struct(images):
        data = [{"bytes": one} for one in data]
    columns = {
        "image": pa.array(data, images),
        "label": pa.array([label(name) for name, _ in rows], kind),
        **{key: pa.array([value] * len(rows)) for key, value in (more or {}).items()},
    }
    about = {"info": {"features": {"label": {"names": list(names)}}}} if names else {}
    return pa.table(columns).replace_schema_metadata({"huggingface": json.dumps(about)})


def named(files: Mapping[str, pa.Table]) -> Callable[[Path], None]:
    """Write tables to files of these names."""

    def make(root: Path) -> None:
        for name, content in files.items():
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            if file.suffix == ".arrow":
                with pa.ipc.new_stream(str(file), content.schema) as stream:
                    stream.write_table(content)
            else:
                pq.write_table(content, file)

    return make


def both(train: str, test: str) -> Callable[[Path], None]:
    return named({train: table(TRAIN), test: table(TEST)})


def read(name: str, *makers: Callable[[Path], Path | None], **more: Any) -> Case:
    """TRAIN and TEST, unless the case says otherwise."""
    expected = {"train": TRAIN, "test": TEST, "notes": [COLUMNS], "layout": "Parquet"}
    return Case(name, together(*makers), **{**expected, **more})


def cut(name: str, *makers: Callable[[Path], Path | None], **more: Any) -> Case:
    expected = {"both": TEN, "test_images": 2, "notes": [COLUMNS, CUT]}
    return Case(name, together(*makers), **{**expected, **more})


def refused(name: str, *makers: Callable[[Path], Path | None], words: Sequence[str]) -> Case:
    return Case(name, together(*makers), refused=words)


FOLDERS = greys(
    {f"train/{name}": values for name, values in TRAIN.items()}
    | {f"test/{name}": values for name, values in TEST.items()}
)

SPLITS = [
    read("train.parquet and test.parquet", both("train.parquet", "test.parquet")),
    read(
        "shards in data/, with hashes",
        both("data/train-00000-of-00001-a1b2c3.parquet", "data/test-00000-of-00001.parquet"),
    ),
    read("folders train and test", both("train/0000.parquet", "test/0000.parquet")),
    read("a folder default", both("default/train/0000.parquet", "default/test/0000.parquet")),
    read("the usual names in any case", both("Training.parquet", "Testing.parquet")),
    read("endings in any case", both("TRAIN.PARQUET", "Test.parquet")),
    read(
        "images in one folder beside them, which are no classes",
        both("train.parquet", "test.parquet"),
        greys({"preview": [1, 2]}),
        left_out=["2 images (preview) are not read beside Parquet files"],
    ),
    read(
        "folders of images beside them are named, with the way to take these",
        both("data/train.parquet", "data/TEST.PARQUET"),
        greys({"train/cat": [1, 2], "train/dog": [3], "test/cat": [4]}),
        left_out=[
            "4 images (test, train) are not read beside Parquet files; "
            'exclude: ["*.PARQUET", "*.parquet"] takes images instead'
        ],
    ),
    Case(
        "these images instead",
        together(both("train.parquet", "data/test.parquet"), FOLDERS),
        {"exclude": ["*.parquet"]},
        train=TRAIN,
        test=TEST,
        left_out=["data holds no images", "0 images by exclude '*.parquet'"],
    ),
    read(
        "an older copy that exclude leaves out",
        both("train.parquet", "test.parquet"),
        both("old/train.parquet", "old/test.parquet"),
        named({"train-00000-of-00001.parquet": table(TEN)}),
        options={"exclude": ["old", "train-*"]},
        left_out=["2 files by exclude 'old'", "1 file by exclude 'train-*'"],
    ),
    Case(
        "exclude matches nothing among Parquet files",
        both("train.parquet", "test.parquet"),
        {"exclude": ["tset.parquet"]},
        refused=["exclude: 'tset.parquet' matches no file or folder in", "mean test.parquet?"],
    ),
    read(
        "other splits are left out by name",
        both("train.parquet", "test.parquet"),
        named(
            {"train_small.parquet": table({"cat": [99]}), "test_unlabelled.parquet": table(TEST)}
        ),
        left_out=["test_unlabelled.parquet is of no", "train_small.parquet is of no"],
    ),
    read(
        "a validation split beside a test split",
        both("train.parquet", "test.parquet"),
        named({"validation-00000-of-00001.parquet": table({"cat": [99], "dog": [98]})}),
        validation_images=2,
        left_out=["validation-00000-of-00001.parquet with 2 validation images"],
    ),
    read(
        "a validation split in place of a test split",
        both("train.parquet", "validation.parquet"),
        notes=[COLUMNS, "validation.parquet is the test set: there is no other"],
    ),
    cut(
        "a test split without a column of labels",
        named(
            {"train.parquet": table(TEN), "test.parquet": table({"cat": [99]}).drop(["label"])}
        ),
        left_out=["test.parquet has no labels in column 'label'"],
    ),
    refused(
        "a test split whose labels stand in another column",
        named(
            {
                "train.parquet": table(TRAIN),
                "test.parquet": table(TEST).rename_columns(["image", "class"]),
            }
        ),
        words=["test.parquet has no column 'label', unlike the first training file"],
    ),
    cut("a training split alone", named({"train.parquet": table(TEN)})),
    cut(
        "a training split in two shards",
        named(
            {
                "train-00000-of-00002.parquet": table({"cat": TEN["cat"]}),
                "train-00001-of-00002.parquet": table({"dog": TEN["dog"]}),
            }
        ),
    ),
    read(
        "saved by save_to_disk",
        both("train/data-00000-of-00001.arrow", "test/data-00000-of-00001.arrow"),
        named({"train/cache-1234.arrow": table({"cat": [99]})}),
        put("dataset_dict.json", '{"splits": ["train", "test"]}'),
        layout="saved data set",
    ),
    cut(
        "one split saved by save_to_disk",
        named({"data-00000-of-00001.arrow": table(TEN)}),
        put("state.json", "{}"),
        layout="saved data set",
    ),
    read(
        "folders of images beside a Parquet file of something else",
        FOLDERS,
        named({"annotations/train_boxes.parquet": table(TRAIN)}),
        notes=[],
        layout="train and test folders",
        left_out=["annotations holds no images"],
    ),
    read(
        "the same, which exclude leaves out",
        FOLDERS,
        named({"annotations/train.parquet": table(TRAIN)}),
        options={"exclude": ["annotations"]},
        notes=[],
        layout="train and test folders",
        left_out=["0 images by exclude 'annotations'"],
    ),
    read(
        "folders of images with metadata.parquet of the hub",
        FOLDERS,
        named({"train/metadata.parquet": pa.table({"file_name": ["cat/10.png"], "x": ["b"]})}),
        notes=[],
        layout="train and test folders",
        left_out=["train/metadata.parquet is no image, and no table that is read"],
    ),
    refused("only a small split, and a picture of it",
            named({"train_small.parquet": table(TRAIN)}), greys({".": [1]}),
            words=["no train*.parquet (it has train_small.parquet)"]),
    refused("only a small split", named({"train_small.parquet": table(TRAIN)}),
            words=["no train*.parquet (it has train_small.parquet)"]),
    refused("only a test split", named({"test.parquet": table(TEST)}),
            words=["no train*.parquet (it has test.parquet)"]),
    refused(
        "a split whole and in shards",
        named({"train.parquet": table(TRAIN), "train-00000-of-00001.parquet": table(TRAIN)}),
        words=["both train.parquet and train-00000-of-00001.parquet"],
    ),
    refused(
        "several configurations",
        both("small/train.parquet", "small/test.parquet"),
        both("large/train.parquet", "large/test.parquet"),
        words=["several Parquet datasets", "large", "small"],
    ),
    refused(
        "a Git LFS pointer",
        put("train.parquet", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"),
        words=["train.parquet is not a readable Parquet file: a Git LFS pointer"],
    ),
]  # fmt: skip


def typed(**options: Any) -> Callable[[Path], None]:
    return named({"train.parquet": table(TRAIN, **options), "test.parquet": table(TEST, **options)})


TYPES = [
    read("images as plain binary", typed(images=pa.binary())),
    read("images as large binary", typed(images=pa.large_binary())),
    read("images as struct{bytes}", typed(images=pa.struct([("bytes", pa.binary())]))),
    read("labels as strings", typed(label=str, kind=pa.string(), names=None)),
    read("labels as large strings", typed(label=str, kind=pa.large_string(), names=None)),
    read(
        "strings of numbers in the order of their size",
        typed(label=lambda name: {"cat": "9", "dog": "10"}[name], kind=pa.string(), names=None),
        train={"9": [10, 11, 12], "10": [20, 21]},
        test={"9": [13], "10": [22]},
    ),
    read(
        "labels as booleans",
        typed(label=lambda name: name == "dog", kind=pa.bool_(), names=None),
        train={"False": [10, 11, 12], "True": [20, 21]},
        test={"False": [13], "True": [22]},
    ),
    read(
        "labels as small integers without names",
        typed(kind=pa.uint8(), names=None),
        train=NUMBERED,
        test={"0": [13], "1": [22]},
    ),
    read(
        "a column called label beside other numbers and texts",
        typed(names=None, more={"width": 6, "caption": "a photo"}),
        train=NUMBERED,
        test={"0": [13], "1": [22]},
    ),
    refused(
        "labels as floats",
        typed(label=lambda name: float(VALUES[name]), kind=pa.float64(), names=None),
        words=["no label column (type integer, string or boolean)", "label (double)"],
    ),
    refused(
        "labels as lists",
        typed(label=lambda name: [VALUES[name]], kind=pa.list_(pa.int64()), names=None),
        words=["no label column (type integer, string or boolean)", "label (list<"],
    ),
    Case(
        "labels as dictionaries, asked for",
        typed(
            label=lambda name: {"id": VALUES[name]},
            kind=pa.struct([("id", pa.int64())]),
            names=None,
        ),
        {"label_column": "label"},
        refused=["'label' of", "not of type integer, string or boolean, but struct<id: int64>"],
    ),
    refused(
        "a label of -1 in a split that would be cut",
        named({"train.parquet": table(TEN, label=lambda name: VALUES[name] - 1)}),
        words=["label -1 of training image 0"],
    ),
    refused(
        "a label that pandas wrote as a text and that is none",
        typed(label=lambda name: {"cat": "1.0", "dog": "nan"}[name], kind=pa.string(), names=None),
        words=["2 images without a label in column 'label', the first in row 3"],
    ),
    refused(
        "a class in the test split only",
        named(
            {
                "train.parquet": table(TRAIN, label=str, kind=pa.string(), names=None),
                "test.parquet": table(
                    {"cat": [40], "dog": [50], "emu": [60]},
                    label=str,
                    kind=pa.string(),
                    names=None,
                ),
            }
        ),
        words=["no training image of class emu, which is in test.parquet only"],
    ),
    refused(
        "a label that is an empty text",
        typed(label=lambda name: name.strip("dog"), kind=pa.string(), names=None),
        words=["2 images without a label in column 'label', the first in row 3"],
    ),
    refused(
        "images as lists of numbers",
        named({"train.parquet": pa.table({"image": [np.zeros(4)], "label": [0]})}),
        words=["no image column (type binary, or struct {bytes, path})", "image (list<"],
    ),
]


@cases([*SPLITS, *TYPES])
def test_parquet_is_understood(case: Case, tmp_path: Path) -> None:
    check(case, tmp_path)


def test_a_folder_beside_them_that_cannot_be_read_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    both("train.parquet", "test.parquet")(data)
    (data / "backup").mkdir()
    scandir = os.scandir

    def refusing(folder: Any) -> Any:
        if Path(folder).name == "backup":
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refusing)
    read_data = load_dataset(str(data), image_size=8, data_dir=tmp_path / "cache")
    assert len(read_data.test) == 2
