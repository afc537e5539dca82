"""Images in one folder with a table of their labels, and images without any label."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from understanding import (
    BOTH,
    CUT,
    FLAT,
    IMAGES,
    LINES,
    Case,
    cases,
    check,
    greys,
    put,
    table,
    together,
)

from sixteenth.data.source import Options, hold_out_test
from sixteenth.errors import DataError


def read(
    name: str,
    *makers: Callable[[Path], Path | None],
    columns: tuple[str, str, str] = ("label", "labels.csv", "file_name"),
    label_column: str | None = None,
    image_column: str | None = None,
    left_out: Sequence[str] = (),
) -> Case:
    """BOTH, whose labels come from a column of a table and whose names from another."""
    asked = {"label_column": label_column, "image_column": image_column}
    return Case(
        name,
        together(*makers),
        {key: value for key, value in asked.items() if value},
        both=BOTH,
        test_images=2,
        layout="images with a table",
        notes=[
            f"labels from column {columns[0]!r} of {columns[1]}, images from column {columns[2]!r}",
            CUT,
        ],
        left_out=left_out,
    )


def labelled(label: Callable[[int], str]) -> Callable[[Path], None]:
    """A table with the label of each of the images 0.png to 19.png that is there."""

    def make(root: Path) -> None:
        rows = [f"{i}.png,{label(i)}" for i in range(20) if (root / f"{i}.png").exists()]
        put("labels.csv", "\n".join(["file_name,label", *rows]))(root)

    return make


TABLES = [
    read("a CSV", FLAT, table("labels.csv", "file_name,label")),
    read(
        "metadata.csv of the hub",
        FLAT,
        table("metadata.csv", "file_name,label"),
        columns=("label", "metadata.csv", "file_name"),
    ),
    read(
        "metadata.jsonl of the hub",
        FLAT,
        put("metadata.jsonl", "\n".join(LINES)),
        columns=("label", "metadata.jsonl", "file_name"),
    ),
    read(
        "images in a folder beside the table, names without their ending",
        IMAGES,
        table("train.csv", "id,breed", "{0},{1}"),
        columns=("breed", "train.csv", "id"),
    ),
    read(
        "semicolons, a byte-order mark, spaces, paths of Windows",
        IMAGES,
        table("labels.csv", "\ufeffImage ; Class", "images\\{0}.png;{1} "),
        columns=("Class", "labels.csv", "Image"),
    ),
    read(
        "paths of another machine",
        IMAGES,
        table("labels.csv", "path,target", "/home/ann/images/{0}.png,{1}"),
        columns=("target", "labels.csv", "path"),
    ),
    read(
        "tabs, and a column of masks",
        IMAGES,
        greys({"masks": range(20, 25)}),
        table("labels.tsv", "mask\timage\tlabel", "20.png\t{0}.png\t{1}"),
        columns=("label", "labels.tsv", "image"),
        left_out=["masks/20.png"],
    ),
    read(
        "columns chosen by flag",
        FLAT,
        table("labels.csv", "no,file_name,kind,class", "x,{0}.png,{1},pet"),
        columns=("kind", "labels.csv", "file_name"),
        label_column="kind",
    ),
    read(
        "two columns name images, one is chosen",
        FLAT,
        table("labels.csv", "left,right,label", "{0}.png,0.png,{1}"),
        columns=("label", "labels.csv", "left"),
        image_column="left",
    ),
    read(
        "a number and a name of each class",
        FLAT,
        put(
            "labels.csv",
            "file_name,label,class_name\n"
            + "".join(f"{i},0,cat\n{i + 10},1,dog\n" for i in range(5)),
        ),
        columns=("class_name", "labels.csv", "file_name"),
    ),
    read(
        "names in other capitals",
        FLAT,
        table("labels.csv", "file_name,label", "{0}.PNG,{1}"),
    ),
    read(
        "the line that a spreadsheet writes before a table",
        FLAT,
        table("labels.csv", "sep=|\r\nfile_name|label", "{0}.png|{1}"),
    ),
    read(
        "images that no table names",
        FLAT,
        greys({".": [99]}),
        table("labels.csv", "file_name,label"),
        left_out=["99.png is in no table of labels"],
    ),
    read(
        "a submission is no table of labels",
        FLAT,
        table("sample_submission.csv", "file_name,label", "{0}.png,cat"),
        table("labels.csv", "file_name,label"),
    ),
    read(
        "an image twice with one label",
        FLAT,
        table("labels.csv", "file_name,label", extra=["0.png,cat"]),
    ),
    read(
        "numbered parts of the images",
        greys({"images_part_1": range(5), "images_part_2": range(10, 15)}),
        table("labels.csv", "image_id,dx,age", "{0},{1},33"),
        columns=("dx", "labels.csv", "image_id"),
        label_column="dx",
    ),
    Case(
        "classes with names that look like no label",
        together(
            FLAT,
            put(
                "labels.csv",
                "file_name,label\n"
                + "".join(f"{i}.png,nan\n{i + 10}.png,[unk]\n" for i in range(5)),
            ),
        ),
        both={"[unk]": range(10, 15), "nan": range(5)},
        test_images=2,
        notes=["labels from column 'label'", CUT],
    ),
    Case(
        "whole numbers are classes in the order of their size, also as pandas writes them",
        together(
            greys({".": range(20)}),
            put("a.csv", "id,label\n" + "".join(f"{i},{i // 5 * 5}.0\n" for i in range(20))),
        ),
        both={str(label): range(label, label + 5) for label in (0, 5, 10, 15)},
        test_images=4,
        notes=["column 'label' of a.csv", CUT],
    ),
    Case(
        "two paths that may be one image",
        together(FLAT, table("labels.csv", "file_name,label", "/a/{0}.png,{1}", ["/b/0.png,cat"])),
        refused=["'/a/0.png' and '/b/0.png' may both be 0.png", "give the paths from"],
    ),
    Case(
        "numbers with a fraction are no names with an ending",
        together(FLAT, table("labels.csv", "file_name,label", extra=["0.2,cat"])),
        refused=["1 of 11 images cannot be read: 0.2"],
    ),
    Case(
        "an image in a table that exclude leaves out",
        together(FLAT, greys({".": [20]}), table("metadata.csv", "file_name,label", extra=["20,"])),
        {"exclude": ["20.png"]},
        both=BOTH,
        test_images=2,
        notes=["labels from column 'label' of metadata.csv", CUT],
        left_out=["1 image by exclude '20.png'"],
    ),
    Case(
        "a folder in a table that exclude leaves out, and a row of it whose image is not there",
        together(
            FLAT,
            greys({"old": range(20, 24)}),
            table(
                "metadata.csv",
                "file_name,label",
                extra=[f"old/{grey}.png,emu" for grey in range(20, 25)],
            ),
        ),
        {"exclude": ["old"]},
        both=BOTH,
        test_images=2,
        notes=["labels from column 'label' of metadata.csv", CUT],
        left_out=["4 images by exclude 'old'"],
    ),
    Case(
        "of two images of one name, exclude leaves one out",
        together(IMAGES, greys({"old": [0]}), table("labels.csv", "file_name,label")),
        {"exclude": ["old"]},
        both=BOTH,
        test_images=2,
        notes=["labels from column 'label' of labels.csv", CUT],
        left_out=["1 image by exclude 'old'"],
    ),
    Case(
        "class folders and a table: the folders are the classes",
        together(greys(BOTH), table("labels.csv", "file_name,label", "{0}.png,x{1}")),
        both=BOTH,
        test_images=2,
        layout="class folders",
        notes=["labels.csv not read: folders are the classes", CUT],
    ),
    Case(
        "class folders and metadata.csv: the table wins",
        together(greys(BOTH), table("metadata.csv", "file_name,label", "{0}.png,x{1}")),
        both={f"x{name}": values for name, values in BOTH.items()},
        test_images=2,
        layout="images with a table",
        notes=[
            "labels from column 'label' of metadata.csv",
            "the folders cat, dog are not the classes, since metadata.csv goes before them: "
            "exclude: [metadata.csv] would take the folders",
            CUT,
        ],
    ),
    *(
        Case(
            f"class folders and metadata.csv with {column}s only: the folders are the classes",
            together(greys(BOTH), table("metadata.csv", f"file_name,{column}", "{0}.png,x{1}")),
            both=BOTH,
            test_images=2,
            layout="class folders",
            notes=["metadata.csv not read: folders are the classes; --label-column NAME", CUT],
        )
        for column in ("patient", "scanner", "camera", "fold")
    ),
    Case(
        "class folders and metadata.csv with another only column, which may be the labels",
        together(greys(BOTH), table("metadata.csv", "file_name,species", "{0}.png,x{1}")),
        both={f"x{name}": values for name, values in BOTH.items()},
        test_images=2,
        layout="images with a table",
        notes=[
            "labels from column 'species' of metadata.csv",
            "the folders cat, dog are not the classes, since metadata.csv goes before them: "
            "exclude: [metadata.csv] would take the folders",
            CUT,
        ],
    ),
    Case(
        "the same column, asked for",
        together(greys(BOTH), table("metadata.csv", "file_name,patient", "{0}.png,x{1}")),
        {"label_column": "patient"},
        both={f"x{name}": values for name, values in BOTH.items()},
        test_images=2,
        layout="images with a table",
        notes=[
            "labels from column 'patient' of metadata.csv",
            "the folders cat, dog are not the classes, since metadata.csv goes before them: "
            "exclude: [metadata.csv] would take the folders",
            CUT,
        ],
    ),
    Case(
        "the same, without the table",
        together(greys(BOTH), table("metadata.csv", "file_name,photographer", "{0}.png,x{1}")),
        {"exclude": ["metadata.csv"]},
        both=BOTH,
        test_images=2,
        layout="class folders",
        notes=[CUT],
        left_out=["0 images by exclude 'metadata.csv'"],
    ),
    Case(
        "class folders and metadata.csv that says the same",
        together(greys(BOTH), table("metadata.csv", "file_name,label")),
        both=BOTH,
        test_images=2,
        layout="images with a table",
        notes=["labels from column 'label' of metadata.csv", CUT],
    ),
    Case(
        "labels that differ in capitals",
        together(
            FLAT,
            greys({".": range(20, 25)}),
            table("labels.csv", "file_name,label", extra=[f"{n}.png,Cat" for n in range(20, 25)]),
        ),
        both={"Cat": range(20, 25), **BOTH},
        test_images=3,
        notes=["'Cat' and 'cat' are taken for different classes", "column 'label'", CUT],
    ),
    Case(
        "labels that are the same number, as of a table that a spreadsheet saved in part",
        together(
            greys({".": range(20)}),
            labelled(lambda i: ["001", "1", "002", "2"][i // 5]),
        ),
        both={"001": range(5), "1": range(5, 10), "002": range(10, 15), "2": range(15, 20)},
        test_images=4,
        notes=[
            "'001' and '1', '002' and '2' are taken for different classes",
            "column 'label'",
            CUT,
        ],
    ),
    Case(
        "labels that are the same number, beside a word",
        together(greys({".": range(15)}), labelled(lambda i: ["1", "1.0", "two"][i // 5])),
        both={"1": range(5), "1.0": range(5, 10), "two": range(10, 15)},
        test_images=3,
        notes=["'1' and '1.0' are taken for different classes", "column 'label'", CUT],
    ),
    Case(
        "labels of other widths, and with a sign that is not seen",
        together(
            greys({".": range(15)}),
            labelled(lambda i: ["cat", "cat\u200b", "\uff43\uff41\uff54"][i // 5]),
        ),
        both={
            "cat": range(5),
            "cat\u200b": range(5, 10),
            "\uff43\uff41\uff54": range(10, 15),
        },
        test_images=3,
        notes=[
            "'cat' and 'cat\\u200b' and '\uff43\uff41\uff54' are taken for different classes",
            "column 'label'",
            CUT,
        ],
    ),
    Case(
        "large numbers that differ in their last digit are no classes alike",
        together(greys({".": range(10)}), labelled(lambda i: f"{10**30 + i // 5}")),
        both={str(10**30): range(5), str(10**30 + 1): range(5, 10)},
        test_images=2,
        notes=["column 'label'", CUT],
    ),
    Case(
        "a label that was misspelt",
        together(
            FLAT,
            greys({".": [20]}),
            table("labels.csv", "file_name,label", extra=["20.png,catt"]),
        ),
        refused=["class 'catt'", "only 1 image", "did you mean cat?"],
    ),
]


@cases(TABLES)
def test_a_table_of_labels_is_understood(case: Case, tmp_path: Path) -> None:
    check(case, tmp_path)


def test_rare_classes_with_names_alike_are_not_taken_for_misspelt() -> None:
    labels, classes = np.repeat([0, 1, 2], [1, 2, 30]), ("breed 1", "breed 2", "cat")
    options = Options(Path("nowhere"), None, None, test_fraction=0.2, split_seed=0)
    with pytest.raises(DataError, match=r"only 1 image: .* exclude: \[breed 1\]\)$"):
        hold_out_test(labels, classes, options, "pets")
    labels = np.repeat([0, 1], [2, 30])
    train, test = hold_out_test(labels, ("rare", "cat"), options, "pets")
    assert np.bincount(labels[test]).tolist() == [1, 6]
    assert np.bincount(labels[train]).tolist() == [1, 24]
