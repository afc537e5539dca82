"""Folders of images by class, as people have them."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from understanding import CUT, PETS, TESTED, Case, cases, check, greys, link, put, split, together

IN_CLASSES = {f"{name}/train": values for name, values in PETS.items()} | {
    f"{name}/test": values for name, values in TESTED.items()
}
NFC, NFD = (unicodedata.normalize(form, "été") for form in ("NFC", "NFD"))

CLASSES = [
    Case(
        "class folders alone",
        greys({"cat": range(10, 20), "dog": range(30, 35)}),
        both={"cat": range(10, 20), "dog": range(30, 35)},
        test_images=3,
        layout="class folders",
        notes=[CUT],
    ),
    Case(
        "an unpacked archive",
        together(greys({"PetImages/Cat": range(10), "PetImages/Dog": range(20, 25)}), put("a.md")),
        both={"Cat": range(10), "Dog": range(20, 25)},
        test_images=3,
        notes=["those in PetImages", CUT],
    ),
    Case(
        "images of every class in a folder of its name",
        greys({"cat/cat": range(10), "dog/dog": range(20, 25)}),
        both={"cat": range(10), "dog": range(20, 25)},
        test_images=3,
        notes=["subfolders of the classes were read too: cat 10, dog 5", CUT],
    ),
    Case(
        "orders of animals, with species below",
        greys({"birds/emu": range(5), "birds/owl": range(5, 10), "mammals/cat": range(20, 25)}),
        both={"birds": range(10), "mammals": range(20, 25)},
        test_images=3,
        notes=["read too: emu 5, owl 5, cat 5", CUT],
    ),
    Case(
        "images and masks apart, without classes",
        greys({"images": [1, 2], "masks": [3, 4]}),
        refused=["images, masks", "kinds of images"],
    ),
    Case(
        "masks beside the classes",
        greys({"cat": range(5), "dog": range(10, 15), "masks": range(20, 25)}),
        both={"cat": range(5), "dog": range(10, 15), "masks": range(20, 25)},
        test_images=3,
        notes=["masks is taken for a class: exclude: [masks]", CUT],
    ),
    Case(
        "two classes that differ in capitals",
        greys({"Cat": range(5), "cat": range(10, 15)}),
        both={"Cat": range(5), "cat": range(10, 15)},
        test_images=2,
        notes=["'Cat' and 'cat' are taken for different classes", CUT],
    ),
    Case(
        "an archive that was not unpacked",
        put("train.zip", b"PK"),
        refused=["no images found", "unpack train.zip there first"],
    ),
    Case(
        "folds",
        greys({f"fold_{i}/{name}": [10 * i] for i in range(5) for name in ("cat", "dog")}),
        refused=["fold_0, fold_1", "parts of one data set", "train_folder=.", "test_folder=fold_4"],
    ),
    Case(
        "folds, said to be parts",
        greys({f"fold_{i}/{name}": [10 * i + j] for i in range(3) for j, name in enumerate("ab")}),
        {"train_folder": ["fold_0", "fold_1"], "test_folder": ["fold_2"]},
        train={"a": [0, 10], "b": [1, 11]},
        test={"a": [20], "b": [21]},
        notes=["training images from fold_0, fold_1, test images from fold_2"],
    ),
    Case(
        "images in two numbered parts without classes",
        greys({"HAM_images_part_1": [10, 20], "HAM_images_part_2": [30]}),
        refused=["HAM_images_part_1, HAM_images_part_2", "parts of one data set"],
    ),
    Case(
        "years that hold the same classes",
        greys({f"{year}/{name}": [1] for year in (2019, 2020) for name in ("cat", "dog")}),
        refused=["2019, 2020", "hold folders of the same names (cat, dog)"],
    ),
    Case(
        "sites that share some classes",
        greys({"a/cat": [1], "a/dog": [2], "b/cat": [3], "c/dog": [4]}),
        refused=["a, b, c", "hold folders of the same names (cat, dog)"],
    ),
    Case(
        "a folder of old images in every class",
        greys({f"{name}{old}": range(5) for name in ("cat", "dog") for old in ("", "/old")}),
        both={"cat": [*range(5)] * 2, "dog": [*range(5)] * 2},
        test_images=4,
        notes=["read too: old 10", CUT],
    ),
    Case(
        "everything excluded",
        greys({"cat": [1], "dog": [2]}),
        {"exclude": ["*.png"]},
        refused=["exclude leaves no image"],
    ),
    Case(
        "a split in every class",
        greys(IN_CLASSES),
        train=PETS,
        test=TESTED,
        layout="train and test folders",
        notes=["training images from CLASS/train, test images from CLASS/test"],
    ),
    Case(
        "a split in every class, and kinds of images in each",
        greys({f"{place}/images": values for place, values in IN_CLASSES.items()}),
        train=PETS,
        test=TESTED,
        notes=["from CLASS/train, test images from CLASS/test", "read too: images 5"],
    ),
    Case(
        "three parts in every class of a folder that an archive was unpacked to",
        greys(
            {
                f"pets/{place.replace('train', 'Training')}": values
                for place, values in {**IN_CLASSES, "cat/val": [60], "dog/val": [70, 80]}.items()
            }
        ),
        train=PETS,
        test=TESTED,
        validation_images=3,
        left_out=["CLASS/val with 3 validation images"],
        notes=["training images from CLASS/Training, test images from CLASS/test"],
    ),
    Case(
        "a split in every class but one, which has no test images",
        greys({**IN_CLASSES, "owl/train": [60]}),
        refused=["such as cat (test, train), but owl holds train", "train/CLASS"],
    ),
    Case(
        "a split in every class but one",
        greys({**IN_CLASSES, "owl": [60]}),
        refused=["such as cat (test, train), but images lie in owl itself", "test/CLASS"],
    ),
    Case(
        "a split in every class, which is not meant",
        greys({f"{name}/{part}": range(5) for name in PETS for part in ("train", "test")}),
        {"train_folder": "."},
        both={"cat": [*range(5)] * 2, "dog": [*range(5)] * 2},
        test_images=4,
        notes=["read too: test 10, train 10", CUT],
    ),
    Case(
        "a data set and a copy of it in another folder",
        greys({"pets/cat": [1], "pets/dog": [2], "data/pets/cat": [3], "data/pets/dog": [4]}),
        refused=["data, pets", "hold folders of the same names (cat, dog)"],
    ),
    Case(
        "a copy of all classes beside them",
        greys({"cat": [1], "dog": [2], "all/cat": [3], "all/dog": [4]}),
        refused=["in all again (cat, dog", "exclude: [all]"],
    ),
    Case(
        "the same, without the copy",
        greys({"cat": range(5), "dog": range(10, 15), "all/cat": [30], "all/dog": [40]}),
        {"exclude": ["all"]},
        both={"cat": range(5), "dog": range(10, 15)},
        test_images=2,
        notes=[CUT],
        left_out=["2 images by exclude 'all'"],
    ),
    Case(
        "a folder whose name is a pattern of something else",
        greys({"cat": range(5), "dog": range(10, 15), "cat [old]": range(20, 25)}),
        {"exclude": ["cat [old]"]},
        refused=["exclude: 'cat [old]' matches no file", "did you mean cat [[]old]?"],
    ),
    Case(
        "images and masks of every class",
        greys({"a/images": range(5), "a/masks": [30], "b/images": range(10, 15), "b/masks": [40]}),
        both={"a": [*range(5), 30], "b": [*range(10, 15), 40]},
        test_images=2,
        notes=["images 10, masks 2; exclude: [masks]", CUT],
    ),
    Case(
        "the same, without the masks",
        greys({"a/images": range(5), "a/masks": [30], "b/images": range(10, 15), "b/masks": [40]}),
        {"exclude": ["*/masks"]},
        both={"a": range(5), "b": range(10, 15)},
        test_images=2,
        notes=["images 10", CUT],
        left_out=["2 images by exclude '*/masks'"],
    ),
    Case(
        "masks beside the images",
        together(
            greys({"a": range(5), "b": range(10, 14)}),
            lambda root: (root / "b" / "13.png").rename(root / "b" / "12_mask.png") and None,
        ),
        both={"a": range(5), "b": range(10, 14)},
        test_images=2,
        notes=["1 image is named like a mask of another, with '_mask': exclude: ['*_mask*']", CUT],
    ),
    Case(
        "files of systems",
        together(
            greys({"cat": range(5), "dog": range(10, 15)}),
            greys({"cat/@eaDir/1.png": [99], "@eaDir/x": [99], "#recycle/x": [99]}),
            greys({"$RECYCLE.BIN/x": [99], "lost+found/x": [99], "__MACOSX/cat": [99]}),
            greys({".ipynb_checkpoints": [99], "cat/.ipynb_checkpoints": [99]}),
            put("dog/Thumbs.db"),
        ),
        both={"cat": range(5), "dog": range(10, 15)},
        test_images=2,
        notes=[CUT],
    ),
    Case(
        "a class that begins with a dot",
        greys({"cat": range(5), "dog": range(10, 15), ".net": [30]}),
        both={"cat": range(5), "dog": range(10, 15)},
        test_images=2,
        notes=[CUT],
        left_out=[".net begins with a dot"],
    ),
    Case(
        "many files that are no images",
        together(
            greys({"cat": range(5), "dog": range(10, 15)}),
            *(put(f"cat/{number}.txt") for number in range(5)),
        ),
        both={"cat": range(5), "dog": range(10, 15)},
        test_images=2,
        notes=[CUT],
        left_out=["cat/0.txt, cat/1.txt, cat/2.txt and 2 more: each is no image"],
    ),
    Case(
        "a pattern of exclude that matches nothing",
        greys({"cat": [1], "dog": [2], "cat/masks": [3]}),
        {"exclude": ["mask"]},
        refused=["exclude: 'mask' matches no file or folder", "did you mean masks?"],
    ),
    Case(
        "a class name in two spellings of Unicode",
        greys({f"train/{NFC}": [10], "train/b": [20], f"test/{NFD}": [30], "test/b": [40]}),
        train={"b": [20], NFC: [10]},
        test={"b": [40], NFC: [30]},
        notes=["in two spellings of Unicode (NFC and NFD) are one class"],
    ),
    Case(
        "two folders of one class name in two spellings",
        greys({NFC: range(5), NFD: range(5, 10), "b": range(20, 25)}),
        both={"b": range(20, 25), NFC: range(10)},
        test_images=3,
        notes=["in two spellings", CUT],
    ),
    Case(
        "a class name that differs in a space only",
        greys({"train/cat": [10], "train/b": [20], "test/cat ": [30], "test/b": [40]}),
        refused=["'cat ' in test, but not in train", "cat in train, but not in test"],
    ),
]

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12345\n"

BROKEN = [
    Case(
        "links that lead nowhere",
        together(
            split("train", "test"),
            link("train/cat/a.png", "../gone/a.png"),
            link("test/dog/b.jpg", "gone"),
        ),
        refused=["2 of 7 images", "train/cat/a.png (a link that leads nowhere)", "test/dog/b.jpg"],
    ),
    Case(
        "links that lead nowhere, left out",
        together(split("train", "test"), link("train/cat/a.png", "../gone/a.png")),
        {"skip_broken": True},
        train=PETS,
        test=TESTED,
        left_out=["train/cat/a.png cannot be read: a link that leads nowhere"],
    ),
    Case(
        "a Git LFS pointer",
        together(split("train", "test"), put("train/cat/a.png", POINTER)),
        refused=["train/cat/a.png (a Git LFS pointer", "git lfs pull"],
    ),
]


@cases([*CLASSES, *BROKEN])
def test_a_folder_is_understood(case: Case, tmp_path: Path) -> None:
    if NFC in case.name and len({NFC, NFD}) < 2:
        pytest.skip("this file system knows one spelling only")
    check(case, tmp_path)
