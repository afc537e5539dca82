"""Folders for training and for testing, by their names or by `train_folder` and `test_folder`."""

from __future__ import annotations

from pathlib import Path

from understanding import CUT, PETS, TESTED, Case, cases, check, greys, link, split, together


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


@cases([*SPLITS, *NAMED])
def test_a_folder_is_understood(case: Case, tmp_path: Path) -> None:
    check(case, tmp_path)
