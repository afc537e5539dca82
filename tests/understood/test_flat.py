"""Images in one folder with a table of their labels, and images without any label."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from understanding import Case, cases, check, greys, put, together

from sixteenth.data.source import Options, hold_out_test
from sixteenth.errors import DataError

CUT = "there is no test part: 0.2"
FLAT = greys({".": [*range(5), *range(10, 15)]})
IMAGES = greys({"images": [*range(5), *range(10, 15)]})
BOTH = {"cat": range(5), "dog": range(10, 15)}


def table(
    file: str, header: str, row: str = "{0}.png,{1}", extra: Sequence[str] = ()
) -> Callable[[Path], None]:
    """A table of BOTH: `header`, then `row` filled with the grey value and the class."""
    rows = [row.format(grey, name) for name, values in BOTH.items() for grey in values]
    return put(file, "\n".join([header, *rows, *extra]) + "\n")


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


def refused(name: str, *makers: Callable[[Path], Path | None], words: Sequence[str]) -> Case:
    return Case(name, together(*makers), refused=words)


def renamed(folder: str, names: dict[int, int]) -> Callable[[Path], None]:
    """Give images of grey values other names."""

    def make(root: Path) -> None:
        for grey, name in names.items():
            (root / folder / f"{grey}.png").rename(root / folder / f"{name}.png")

    return make


LINES = [
    json.dumps({"file_name": f"{grey}.png", "label": name, "text": "a photo"})
    for name, values in BOTH.items()
    for grey in values
]

MISSING = [f"{number}.png,{'cat' if number % 2 else 'dog'}" for number in range(50, 65)]

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
        "a column says which rows are for testing",
        together(
            greys({".": range(6)}),
            put(
                "metadata.csv",
                "file_name,label,split\n0.png,a,train\n1.png,b,train\n2.png,a,Test\n3.png,b,Test\n"
                "4.png,a,valid\n5.png,b,unlabelled\n",
            ),
        ),
        train={"a": [0], "b": [1]},
        test={"a": [2], "b": [3]},
        validation_images=1,
        notes=["labels from column 'label' of metadata.csv"],
        left_out=["validation rows of metadata.csv with 1 validation", "5.png has the split unla"],
    ),
    Case(
        "a table for each split, of the hub",
        together(
            greys({"train": range(4), "test": [10, 11]}),
            put("train/metadata.csv", "file_name,label\n0.png,a\n1.png,a\n2.png,b\n3.png,b\n"),
            put("test/metadata.csv", "file_name,label\n10.png,a\n11.png,b\n"),
        ),
        train={"a": [0, 1], "b": [2, 3]},
        test={"a": [10], "b": [11]},
        notes=["of train/metadata.csv", "of test/metadata.csv"],
    ),
    Case(
        "a table for each split beside the images, of the same names in both",
        together(
            greys({"train": range(4), "test": [10, 11]}),
            renamed("test", {10: 0, 11: 1}),
            put("train.csv", "id,label\n0,a\n1,a\n2,b\n3,b\n"),
            put("test.csv", "id,label\n0,a\n1,b\n"),
        ),
        train={"a": [0, 1], "b": [2, 3]},
        test={"a": [10], "b": [11]},
        notes=["of test.csv", "of train.csv"],
    ),
    Case(
        "one table for the images of both folders",
        together(
            greys({"train": range(4), "test": [10, 11]}),
            put(
                "metadata.csv",
                "file_name,label\ntrain/0.png,a\ntrain/1.png,a\ntrain/2.png,b\ntrain/3.png,b\n"
                "test/10.png,a\ntest/11.png,b\n",
            ),
        ),
        train={"a": [0, 1], "b": [2, 3]},
        test={"a": [10], "b": [11]},
        notes=["of metadata.csv"],
    ),
    Case(
        "a competition: the test images have no labels",
        together(
            greys({"train": [*range(5), *range(10, 15)], "test": [30, 31, 32, 33]}),
            table("train.csv", "id,label", "{0},{1}"),
            put("test.csv", "id\n30\n31\n32\n33\n"),
            put("sample_submission.csv", "id,label\n30,cat\n31,cat\n32,cat\n33,cat\n"),
        ),
        both=BOTH,
        test_images=2,
        notes=["column 'label' of train.csv", CUT],
        left_out=["test.csv gives no labels", "test/30.png"],
    ),
    Case(
        "a table for each split of one folder of images",
        together(
            greys({"images": range(8)}),
            put("train.csv", "id,label\n0,a\n1,a\n2,b\n3,b\n"),
            put("val.csv", "id,label\n6,a\n7,b\n"),
            put("test.csv", "id,label\n4,a\n5,b\n"),
        ),
        train={"a": [0, 1], "b": [2, 3]},
        test={"a": [4], "b": [5]},
        validation_images=2,
        notes=["of test.csv", "of train.csv", "of val.csv"],
        left_out=["val.csv with 2 validation"],
    ),
    Case(
        "a column of splits in a table that is named after one",
        together(
            greys({"train": range(6), "test": [10, 11]}),
            put(
                "train.csv",
                "id,label,split\n0,a,train\n1,a,train\n2,b,train\n3,b,val\n4,a,test\n5,b,test\n",
            ),
        ),
        train={"a": [0, 1], "b": [2]},
        test={"a": [4], "b": [5]},
        validation_images=1,
        notes=["of train.csv"],
        left_out=["validation rows of train.csv with 1 validation", "test/10.png", "test/11.png"],
    ),
    Case(
        "images of the test part are not those of the training part with the same names",
        together(
            greys({"train": range(4)}),
            put(
                "metadata.csv",
                "file_name,label\n"
                + "".join(
                    f"{part}/{i}.png,{'ab'[i % 2]}\n"
                    for part in ("train", "test")
                    for i in range(4)
                ),
            ),
        ),
        refused=["4 of 8 images cannot be read: test/", "test/0.png"],
    ),
    Case(
        "a missing image is not one of its name in another folder",
        together(
            greys({"left": range(4)}),
            put(
                "labels.csv",
                "file_name,label\n"
                + "".join(
                    f"{side}/{i}.png,{'ab'[i % 2]}\n"
                    for side in ("left", "right")
                    for i in range(4)
                ),
            ),
        ),
        refused=["4 of 8 images cannot be read: right/", "right/0.png"],
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
        "a missing image of the test part is not the one of its name that exclude leaves out",
        together(
            greys({"train": range(5), "test": [10, 11]}),
            put("train.csv", "id,label\n1,a\n2,b\n3,a\n4,b\n"),
            put("test.csv", "id,label\n10,a\n11,b\n0,a\n"),
        ),
        {"exclude": ["train/0.png"]},
        refused=["1 of 7 images cannot be read: 0 "],
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
        "a label that was misspelt",
        together(
            FLAT,
            greys({".": [20]}),
            table("labels.csv", "file_name,label", extra=["20.png,catt"]),
        ),
        refused=["class 'catt'", "only 1 image", "did you mean cat?"],
    ),
    Case(
        "a missing image is a broken one",
        together(FLAT, table("labels.csv", "file_name,label", extra=["77.png,cat", "78.png,dog"])),
        refused=["2 of 12 images cannot be read: 77.png", "78.png", "--skip-broken"],
    ),
    Case(
        "most images of a table are missing",
        together(IMAGES, table("labels.csv", "image,label", extra=MISSING)),
        refused=["15 of 25 images cannot be read: ", "50.png (No such", "--skip-broken"],
    ),
    Case(
        "most images of a table are missing, left out",
        together(IMAGES, table("labels.csv", "image,label", extra=MISSING)),
        {"skip_broken": True, "test_fraction": 0.4},
        both=BOTH,
        test_images=3,
        notes=["images from column 'image'", "there is no test part: 0.4"],
        left_out=["png cannot be read"] * 15,
    ),
    Case(
        "the same in a column of another name, chosen by flag",
        together(IMAGES, table("labels.csv", "scan,label", extra=MISSING)),
        {"image_column": "scan"},
        refused=["15 of 25 images cannot be read: ", "50.png (No such", "--skip-broken"],
    ),
    refused(
        "the same in a column of another name",
        IMAGES,
        table("labels.csv", "scan,label", extra=MISSING),
        words=["in column 'scan' of", "only 10 of 25 rows name images", "--image-column"],
    ),
    Case(
        "class folders, and metadata.csv of which few images are there",
        together(greys(BOTH), put("metadata.csv", "id,label\n0,x\n1,y\n50,x\n51,y\n52,y\n")),
        both=BOTH,
        test_images=2,
        layout="class folders",
        notes=["metadata.csv not read: folders are the classes", CUT],
    ),
    Case(
        "a missing image, left out",
        together(FLAT, table("labels.csv", "file_name,label", extra=["77.png,cat"])),
        {"skip_broken": True, "test_fraction": 0.3},
        both=BOTH,
        test_images=2,
        notes=["column 'label' of labels.csv", "there is no test part: 0.3"],
        left_out=["77.png cannot be read"],
    ),
]

REFUSED = [
    refused(
        "labels that are not there, as pandas writes them",
        FLAT,
        put("labels.jsonl", "\n".join([*LINES, '{"file_name": "3.png", "label": NaN}'])),
        words=["1 row without a label in column 'label', such as that of '3.png': remove them"],
    ),
    refused(
        "several labels an image",
        FLAT,
        put("labels.jsonl", "\n".join(line.replace('"cat"', '["cat", "pet"]') for line in LINES)),
        words=["column 'label' of", "holds lists, such as ['cat', 'pet']: one label an image"],
    ),
    refused(
        "labels in file names",
        greys({".": range(12)}),
        words=["12 images in", "lie in no class folder, such as 0.png", "metadata.csv"],
    ),
    refused(
        "a training and a test folder without classes",
        greys({"train": [1, 2], "test1": [3]}),
        words=["2 images in", "lie in no class folder", "labels in file names are not read"],
    ),
    refused(
        "labels in text files, as detectors have them",
        greys({"images/train": [1, 2], "images/val": [3]}),
        put("labels/train/1.txt", "0 0.5 0.5 1 1"),
        words=["2 images in", "lie in no class folder"],
    ),
    refused(
        "a column for each class",
        FLAT,
        table("labels.csv", "image,cat,dog", "{0},1,0"),
        words=["no column of", "image, cat, dog", "--label-column"],
    ),
    refused(
        "two columns of labels",
        FLAT,
        table("labels.csv", "image,label,class", "{0},{1},pet"),
        words=["several columns of", "--label-column (label, class)"],
    ),
    refused(
        "a column of numbers that is called nothing usual",
        FLAT,
        put("labels.csv", "image,width\n" + "".join(f"{i}.png,{i % 2}\n" for i in range(5))),
        words=["no column of", "known to hold labels (it has image, width)", "--label-column"],
    ),
    refused(
        "the same beside the one folder of its images",
        greys({"images": [*range(5), *range(10, 15)]}),
        put("labels.csv", "id,species,site\n" + "".join(f"{i}.png,a,b\n" for i in range(5))),
        words=["10 images in", "/images lie in no class folder", "choose one with --label-column"],
    ),
    refused(
        "a table that is a Git LFS pointer",
        FLAT,
        put("labels.csv", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"),
        words=["10 images in", "labels.csv is a Git LFS pointer"],
    ),
    refused(
        "two columns of images",
        FLAT,
        table("labels.csv", "left,right,label", "{0}.png,0.png,{1}"),
        words=["several columns of", "--image-column (left, right)"],
    ),
    refused(
        "two tables",
        FLAT,
        table("a.csv", "image,label"),
        table("b.csv", "image,label"),
        words=["several tables", "a.csv, b.csv", "exclude"],
    ),
    refused(
        "two labels of one image",
        FLAT,
        table("a.csv", "image,label", extra=["0.png,dog"]),
        words=["'0.png' under two labels: cat, dog"],
    ),
    refused(
        "one name in two folders",
        greys({"a": [1, 2], "b": [1, 3], "masks": []}),
        put("metadata.csv", "file_name,label\n1.png,x\n2.png,y\n3.png,x\n"),
        words=["'1.png' may be a/1.png, b/1.png"],
    ),
    refused(
        "a row without a label",
        FLAT,
        table("a.csv", "image,label", extra=["0.png,"]),
        words=["1 row without a label in column 'label'", "'0.png'"],
    ),
    refused(
        "unlabelled rows",
        FLAT,
        put("a.csv", "image,label\n0.png,-1\n1.png,0\n2.png,1\n"),
        words=["column 'label'", "-1", "whole numbers from 0"],
    ),
    refused(
        "a measured value",
        FLAT,
        put("a.csv", "image,label\n0.png,0.5\n1.png,0\n2.png,1\n"),
        words=["column 'label'", "0.5", "whole numbers from 0"],
    ),
    refused(
        "captions",
        FLAT,
        put("a.csv", "image,text\n" + "".join(f"{i}.png,picture {i}\n" for i in range(5))),
        words=["column 'text'", "5 different values in 5 rows"],
    ),
    refused(
        "a table without a header",
        FLAT,
        put("a.csv", "0.png,cat\n1.png,dog\n"),
        words=["a.csv has no header"],
    ),
    refused(
        "a header twice",
        FLAT,
        table("a.csv", "image,image,label", "{0},{0},{1}"),
        words=["two columns named 'image'"],
    ),
    refused(
        "a row of another length",
        FLAT,
        table("a.csv", "image,label", extra=["3.png"]),
        words=["row 12 of", "does not have 2 values, one a column, but 1"],
    ),
    refused(
        "a table of other images",
        FLAT,
        put("a.csv", "image,label\nx.png,cat\ny.png,dog\n"),
        words=["10 images in", "no column of", "names the images"],
    ),
    Case(
        "a column that is not there",
        together(FLAT, table("a.csv", "image,label")),
        {"label_column": "lable"},
        refused=["has no column 'lable'; did you mean label?"],
    ),
    Case(
        "columns of class folders",
        greys(BOTH),
        {"label_column": "label"},
        refused=["has no columns", "--label-column"],
    ),
]


@cases([*TABLES, *REFUSED])
def test_a_table_of_labels_is_understood(case: Case, tmp_path: Path) -> None:
    check(case, tmp_path)


def test_rare_classes_with_names_alike_are_not_taken_for_misspelt() -> None:
    labels, classes = np.repeat([0, 1, 2], [1, 2, 30]), ("breed 1", "breed 2", "cat")
    options = Options(Path("nowhere"), None, None, test_fraction=0.2, split_seed=0)
    with pytest.raises(DataError, match=r"only 1 image: .* exclude: \[breed 1\]\)$"):
        hold_out_test(labels, classes, options, "pets")
    labels = np.repeat([0, 1], [2, 30])
    with pytest.raises(DataError, match="add images, or set a larger test_fraction, or leave"):
        hold_out_test(labels, ("rare", "cat"), options, "pets")
