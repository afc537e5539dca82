"""Folders of images by class, as people have them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from understanding import Case, cases, check, greys, put, together

PETS = {"cat": [10, 20], "dog": [30]}
TESTED = {"cat": [40], "dog": [50]}
IN_CLASSES = {f"{name}/train": values for name, values in PETS.items()} | {
    f"{name}/test": values for name, values in TESTED.items()
}
NFC, NFD = (unicodedata.normalize(form, "été") for form in ("NFC", "NFD"))
CUT = "there is no test part: 0.2"


def split(train: str, test: str, cut: dict[str, list[int]] | None = None) -> Callable[[Path], None]:
    """PETS in TRAIN/CLASS, TESTED in TEST/CLASS, and more."""
    places = {f"{train}/{name}": values for name, values in PETS.items()}
    places |= {f"{test}/{name}": values for name, values in TESTED.items()}
    return greys({**places, **(cut or {})})


def named(train: str, test: str) -> Case:
    """Two folders by these names are the training and the test part."""
    return Case(
        f"{train} and {test}",
        split(train, test),
        train=PETS,
        test=TESTED,
        layout="train and test folders",
        notes=[f"training images from {train}, test images from {test}"],
    )


def link(path: str, target: str) -> Callable[[Path], None]:
    """Make a link."""

    def make(root: Path) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).symlink_to(target)

    return make


SPLITS = [
    Case(
        "train and test",
        split("train", "test"),
        train=PETS,
        test=TESTED,
        layout="train and test folders",
    ),
    named("Training", "Testing"),
    named("TRAIN", "eval"),
    named("trn", "tst"),
    named("seg_train/seg_train", "seg_test/seg_test"),
    named("training_set/training_set", "test_set/test_set"),
    named("archive/pets/train_images", "archive/pets/test_images"),
    named("TrainImages", "TestImages"),
    named("pets-train", "pets-holdout"),
    named("train1", "test1"),
    named("traindata", "testdata"),
    Case(
        "a validation part beside train and test is left out, and counted",
        split("train", "test", {"val/cat": [60, 70], "val/dog": [80]}),
        train=PETS,
        test=TESTED,
        validation_images=3,
        left_out=["val with 3 validation images"],
    ),
    Case(
        "train and valid: valid is the test set",
        split("train", "valid"),
        train=PETS,
        test=TESTED,
        notes=["training images from train, test images from valid", "valid is the test set"],
    ),
    Case(
        "a validation part where the test part is unlabelled",
        together(split("train", "val"), greys({"test": [90, 100, 110]})),
        refused=["3 images in", "/test lie in no class folder", "--set train_folder=train"],
    ),
    Case(
        "a training part alone is cut",
        greys({"train/cat": range(10, 20), "train/dog": range(30, 35)}),
        both={"cat": range(10, 20), "dog": range(30, 35)},
        test_images=3,
        layout="class folders",
        notes=["the class folders are those in train", CUT],
    ),
    Case(
        "a test part alone",
        greys({"Testing/cat": [10], "Testing/dog": [20]}),
        refused=["a folder Testing but no folder train"],
    ),
    Case(
        "a validation part alone, with class folders",
        greys({"val/cat": [10], "val/dog": [20]}),
        refused=["a folder val but no folder train"],
    ),
    Case(
        "an unlabelled part and a copy of the whole beside the splits",
        split("train", "test", {"seg_pred": [60], "pets/train/cat": [70], "pets/test/cat": [80]}),
        train=PETS,
        test=TESTED,
        left_out=["pets is no part that is used", "seg_pred is no part that is used"],
    ),
    Case(
        "other test parts beside the plain one",
        split("Training", "Test", {"test-multiple_fruits": [60], "test_unlabelled/x": [70]}),
        train=PETS,
        test=TESTED,
        notes=["training images from Training, test images from Test"],
        left_out=["test-multiple_fruits is no part", "test_unlabelled is no part"],
    ),
    Case(
        "images and masks of each split",
        split("train_images", "test_images", {"train_masks/cat": [60], "test_masks/cat": [70]}),
        train=PETS,
        test=TESTED,
        notes=["training images from train_images"],
        left_out=["test_masks", "train_masks"],
    ),
    Case(
        "two training folders",
        split("train_a", "test", {"train_b/cat": [60], "train_b/dog": [70]}),
        refused=["both train_a and train_b", "train_folder=[train_a, train_b]"],
    ),
    Case(
        "train and training",
        split("train", "test", {"training/cat": [60]}),
        refused=["both train and training"],
    ),
    Case(
        "the test part holds images of another class",
        split("train", "test", {"test/emu": [60]}),
        refused=["emu in test, but not in train; ", "exclude"],
    ),
    Case(
        "a validation part called eval beside train and test",
        split("train", "test", {"eval/cat": [60], "eval/dog": [70]}),
        train=PETS,
        test=TESTED,
        left_out=["eval is no part that is used"],
    ),
    Case(
        "a folder named like a part around the parts",
        split("test_data/train", "test_data/val"),
        train=PETS,
        test=TESTED,
        notes=["training images from test_data/train, test images from test_data/val", "no other"],
    ),
    Case(
        "class folders and a test folder beside them",
        greys({"cat": [10], "dog": [20], "test/cat": [30], "test/dog": [40]}),
        refused=["no folder train", "--set test_folder=test takes the other folders as classes"],
    ),
    Case(
        "a test folder that is a link to nowhere",
        together(greys({"train/cat": [10], "train/dog": [20]}), link("test", "../gone")),
        refused=["data/test is a link that leads nowhere"],
    ),
    Case(
        "an empty test folder",
        greys({"train/cat": [10], "train/dog": [20], "test/cat": []}),
        refused=["no images in", "data/test"],
    ),
    Case(
        "an empty validation folder",
        split("train", "test", {"validation": []}),
        train=PETS,
        test=TESTED,
        left_out=["validation holds no images"],
    ),
    Case(
        "a vehicle called train among classes",
        greys({"bus": [10], "car": [20], "train": [30]}),
        refused=["a folder train but no folder test", "bus, car, train", "train_folder=."],
    ),
    Case(
        "the same, said to be classes",
        greys({"bus": range(5), "car": range(10, 15), "train": range(20, 25)}),
        {"train_folder": ["."]},
        both={"bus": range(5), "car": range(10, 15), "train": range(20, 25)},
        test_images=3,
        notes=[CUT],
    ),
    Case(
        "stations, whose names hold the word train",
        greys({"bus_station": range(5), "train_station": range(10, 15)}),
        both={"bus_station": range(5), "train_station": range(10, 15)},
        test_images=2,
        layout="class folders",
        notes=[CUT],
    ),
    Case(
        "valid and invalid are classes",
        greys({"invalid": range(5), "valid": range(10, 15)}),
        both={"invalid": range(5), "valid": range(10, 15)},
        test_images=2,
        notes=["valid is taken for a class", CUT],
    ),
]

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

NAMED = [
    Case(
        "a test folder among the classes, named",
        greys({"cat": [10], "dog": [20], "2024/cat": [30], "2024/dog": [40]}),
        {"test_folder": ["2024"]},
        train={"cat": [10], "dog": [20]},
        test={"cat": [30], "dog": [40]},
        notes=["training images from ., test images from 2024"],
    ),
    Case(
        "a test folder further down is in no class",
        greys({"cat": [10], "dog": [20], "a/b/cat": [30], "a/b/dog": [40]}),
        {"test_folder": ["a/b"]},
        train={"cat": [10], "dog": [20]},
        test={"cat": [30], "dog": [40]},
        notes=["training images from ., test images from a/b"],
    ),
    Case(
        "a test folder named beside the folder of the classes",
        greys({"pets/cat": [10], "pets/dog": [20], "b/cat": [30], "b/dog": [40]}),
        {"test_folder": ["b"]},
        train={"cat": [10], "dog": [20]},
        test={"cat": [30], "dog": [40]},
        notes=["training images from pets, test images from b"],
    ),
    Case(
        "letters: the test images lie in no class folder",
        greys({"asl_train/asl_train/A": [1], "asl_train/asl_train/B": [2], "asl_test": [3, 4]}),
        refused=["2 images in", "asl_test lie in no class", "train_folder=asl_train/asl_train"],
    ),
    Case(
        "the same, with the training folder named",
        greys({"asl_train/asl_train/A": range(5), "asl_train/asl_train/B": range(5, 10)}),
        {"train_folder": ["asl_train"]},
        both={"A": range(5), "B": range(5, 10)},
        test_images=2,
        notes=["the class folders are those in asl_train/asl_train", CUT],
    ),
    Case(
        "a training folder named, and no test folder",
        split("train", "test", {"train/cat": range(5), "train/dog": range(10, 15)}),
        {"train_folder": ["train"]},
        both={"cat": range(5), "dog": range(10, 15)},
        test_images=2,
        notes=["the class folders are those in train", CUT],
        left_out=["test is no part that is used"],
    ),
    Case(
        "a training folder further down named",
        split(
            "a/train", "a/test", {"b/x": [60], "a/train/cat": range(5), "a/train/dog": [7, 8, 9]}
        ),
        {"train_folder": ["a/train"]},
        both={"cat": range(5), "dog": [7, 8, 9]},
        test_images=2,
        notes=["the class folders are those in a/train", CUT],
        left_out=["a/test is no part that is used", "b is no part that is used"],
    ),
    Case(
        "a folder that is not there",
        split("train", "test"),
        {"train_folder": ["trian"]},
        refused=["train_folder: there is no folder 'trian'", "did you mean train?"],
    ),
    Case(
        "a folder outside",
        split("train", "test"),
        {"test_folder": ["../cache"]},
        refused=["test_folder: '../cache' lies outside"],
    ),
    Case(
        "one folder for both",
        split("train", "test"),
        {"train_folder": ["train"], "test_folder": ["train"]},
        refused=["train is train_folder and test_folder"],
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


@cases([*SPLITS, *CLASSES, *NAMED, *BROKEN])
def test_a_folder_is_understood(case: Case, tmp_path: Path) -> None:
    if NFC in case.name and len({NFC, NFD}) < 2:
        pytest.skip("this file system knows one spelling only")
    check(case, tmp_path)
