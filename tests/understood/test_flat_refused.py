"""Tables of labels that are refused, and those whose images are missing."""

from __future__ import annotations

from pathlib import Path

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
    refused,
    table,
    together,
)

MISSING = [f"{number}.png,{'cat' if number % 2 else 'dog'}" for number in range(50, 65)]

MISSING_IMAGES = [
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
        "labels that are not there, as pandas writes them as texts",
        FLAT,
        put(
            "labels.csv",
            "file_name,label\n"
            + "".join(f"{i}.png,{['0.0', 'nan'][i % 2]}\n{i + 10}.png,1.0\n" for i in range(5)),
        ),
        words=["2 rows without a label in column 'label' (nan among numbers)", "'1.png': remove"],
    ),
    refused(
        "labels that are objects",
        FLAT,
        put("labels.jsonl", "\n".join(line.replace('"cat"', '{"id": 0}') for line in LINES)),
        words=["column 'label' of", "holds objects, such as {'id': 0}: one label an image"],
    ),
    refused(
        "labels that are lists of objects",
        FLAT,
        put("labels.jsonl", "\n".join(line.replace('"cat"', '[{"id": 0}]') for line in LINES)),
        words=["column 'label' of", "holds lists, such as [{'id': 0}]: one label an image"],
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
    *(
        refused(
            f"a table in {encoding}",
            FLAT,
            put("metadata.csv", "file_name,label\n0.png,K\u00e4se\n1.png,b\n".encode(encoding)),
            words=["as a table in UTF-8: save it as UTF-8", "or give", "metadata.csv the col"],
        )
        for encoding in ("latin-1", "utf-16")
    ),
    refused(
        "a column for each class, in a table of the usual name",
        FLAT,
        table("metadata.csv", "file_name,cat,dog", "{0}.png,1,0"),
        words=["file_name, cat, dog", "CLASS, or give", "metadata.csv the columns file_name and l"],
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
        words=["line 12 of", "does not have 2 values, one a column, but 1"],
    ),
    refused(
        "a row of another length behind empty lines and the line of a spreadsheet",
        FLAT,
        table("a.csv", "sep=,\r\n\nimage,label", extra=["\n", "3.png"]),
        words=["line 16 of", "does not have 2 values, one a column, but 1"],
    ),
    refused(
        "a null byte in a table",
        FLAT,
        table("a.csv", "image,label", extra=["3\0.png,cat"]),
        words=["line 12 of", "a.csv has a null byte: remove it"],
    ),
    refused(
        "a null byte in JSON",
        FLAT,
        put("a.jsonl", "\n".join([LINES[0].replace("cat", r"c\u0000t"), *LINES[1:]])),
        words=["line 1 of", "a.jsonl has a null byte: remove it"],
    ),
    refused(
        "a null byte in a header",
        FLAT,
        table("a.csv", "image,la\0bel"),
        words=["the header of", "a.csv has a null byte: remove it"],
    ),
    refused(
        "a line that is no JSON",
        FLAT,
        put("a.jsonl", "\n".join([*LINES, "", '{"file_name": "3.png"'])),
        words=["line 12 of", "a.jsonl is no JSON (Expecting ',' delimiter, in column 22)"],
    ),
    refused(
        "a line of JSON that is no object",
        FLAT,
        put("a.jsonl", "\n".join([*LINES, "3"])),
        words=["line 11 of", "a.jsonl holds no JSON object"],
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


@cases([*MISSING_IMAGES, *REFUSED])
def test_a_table_of_labels_is_understood(case: Case, tmp_path: Path) -> None:
    check(case, tmp_path)
