"""Tables of labels of images that lie in parts, or that name the parts: training, test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from understanding import BOTH, CUT, Case, cases, check, greys, put, table, together


def renamed(folder: str, names: dict[int, int]) -> Callable[[Path], None]:
    """Give images of grey values other names."""

    def make(root: Path) -> None:
        for grey, name in names.items():
            (root / folder / f"{grey}.png").rename(root / folder / f"{name}.png")

    return make


def ten_rows(title: str, column: str, values: tuple[str, str], *notes: str) -> Case:
    """Ten labelled images whose table has another column, with two values in turn."""
    rows = "".join(f"{i}.png,{'ab'[i // 5]},{values[i % 2]}\n" for i in range(10))
    return Case(
        f"{title}, {' and '.join(values)}",
        together(greys({".": range(10)}), put("metadata.csv", f"file_name,label,{column}\n{rows}")),
        both={"a": range(5), "b": range(5, 10)},
        test_images=2,
        notes=["labels from column 'label' of metadata.csv", *notes, CUT],
    )


TWO_PARTS = [
    *("0.png,a,train", "1.png,b,train", "2.png,a,train", "2.png,a,train"),
    *("0.png,a,test", "2.png,a,test", "3.png,b,test", "3.png,b,later", "4.png,a,later"),
]

TABLES = [
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
        "rows without a part",
        together(
            greys({".": range(6)}),
            put(
                "metadata.csv",
                "file_name,label,split\n0.png,a,train\n1.png,b,train\n2.png,a,test\n"
                "3.png,b,test\n4.png,a,\n5.png,b, \n",
            ),
        ),
        train={"a": [0], "b": [1]},
        test={"a": [2], "b": [3]},
        notes=["labels from column 'label' of metadata.csv"],
        left_out=["4.png has an empty split", "5.png has an empty split"],
    ),
    Case(
        "rows without a part, and of another",
        together(
            greys({".": range(6)}),
            put(
                "metadata.csv",
                "file_name,label,split\n0.png,a,train\n1.png,b,train\n2.png,a,test\n"
                "3.png,b,test\n4.png,a,\n5.png,b,later\n",
            ),
        ),
        train={"a": [0], "b": [1]},
        test={"a": [2], "b": [3]},
        notes=["labels from column 'label' of metadata.csv"],
        left_out=["4.png has the split later or an empty one", "5.png has the split later or an"],
    ),
    *(
        Case(
            f"images in rows of both parts, {order} first, are in both: leakage is told",
            together(
                greys({".": range(5)}),
                put("metadata.csv", "\n".join(["file_name,label,split", *TWO_PARTS[::step]])),
            ),
            train={"a": [0, 2], "b": [1]},
            test={"a": [0, 2], "b": [3]},
            notes=["labels from column 'label' of metadata.csv"],
            left_out=["4.png has the split later"],
        )
        for order, step in (("training", 1), ("test", -1))
    ),
    Case(
        "the parts in a column of another kind, beside a set of its own",
        together(
            greys({".": range(4)}),
            put(
                "metadata.csv",
                "file_name,label,set,part_of,usage\n0.png,a,7,x,train\n1.png,b,8,x,train\n"
                "2.png,a,8,x,test\n3.png,b,7,x,test\n",
            ),
        ),
        train={"a": [0], "b": [1]},
        test={"a": [2], "b": [3]},
        notes=["labels from column 'label' of metadata.csv"],
    ),
    *(
        ten_rows(f"a column that is called as a part, and is none: {name}", name, values)
        for name, values in {
            "is_valid": ("valid", "invalid"),
            "dev": ("dev1", "dev2"),
            "test": ("PCR test", "rapid test"),
            "eval": ("ok", "needs training"),
            "val": ("0.143", "2.5"),
        }.items()
    ),
    *(
        ten_rows(
            f"parts that are not understood: {name}",
            name,
            values,
            f"column {name!r} of metadata.csv has the values {', '.join(sorted(values))}, "
            "which name no part: it is not used; a column split of train and test is",
        )
        for name, values in {
            "split": ("1", "2"),
            "Subset": ("A", "B"),
            "partition": ("entrenamiento", "prueba"),
            "is_train": ("1", "0"),
            "isTest": ("False", "True"),
        }.items()
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
        "a missing image of the test part is not the one of its name that exclude leaves out",
        together(
            greys({"train": range(5), "test": [10, 11]}),
            put("train.csv", "id,label\n1,a\n2,b\n3,a\n4,b\n"),
            put("test.csv", "id,label\n10,a\n11,b\n0,a\n"),
        ),
        {"exclude": ["train/0.png"]},
        refused=["1 of 7 images cannot be read: 0 "],
    ),
]


@cases(TABLES)
def test_a_table_of_labels_is_understood(case: Case, tmp_path: Path) -> None:
    check(case, tmp_path)
