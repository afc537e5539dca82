"""Arrays in .npz files: splits, classes, and values in the wrong scale."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from understanding import Case, cases, check, put

CUT = "there is no test part: 0.2 of the images, and at least one of each class"
TRAIN = {"0": [100, 110, 250], "1": [120, 200]}
TEST = {"0": [130, 251], "1": [90, 190]}
TEN = {"0": range(100, 105), "1": range(200, 205)}


def part(
    split: Mapping[str, Sequence[int]], name: str, kind: Any = np.uint8, scale: float = 1
) -> dict[str, np.ndarray]:
    """x and y of a split: images of 6 x 6 pixels of one grey value, multiplied by `scale`."""
    rows = [(label, value) for label, values in split.items() for value in values]
    greys = np.array([value for _, value in rows])[:, None, None] * scale
    return {
        f"x_{name}": np.broadcast_to(greys, (len(rows), 6, 6)).astype(kind),
        f"y_{name}": np.array([int(label) for label, _ in rows]),
    }


def npz(*parts: Mapping[str, np.ndarray], **more: Any) -> Callable[[Path], Path]:
    def make(root: Path) -> Path:
        arrays = {key: value for each in parts for key, value in each.items()}
        np.savez(root / "a.npz", **{**arrays, **more})
        return root / "a.npz"

    return make


def scaled(kind: Any, train: float, test: float) -> Callable[[Path], Path]:
    return npz(part(TRAIN, "train", kind, train), part(TEST, "test", kind, test))


def grey(split: Mapping[str, Sequence[int]], scale: float) -> dict[str, list[int]]:
    return {name: [int(scale * value) for value in values] for name, values in split.items()}


def hot(root: Path) -> Path:
    """Floats of 12 bits in 16, with one pixel that is white."""
    arrays = {**part(TRAIN, "train", float, 1 / 4080), **part(TEST, "test", float, 1 / 4080)}
    x = np.repeat(np.repeat(arrays["x_train"], 4, 1), 4, 2)
    x[0, 0, 0] = 1
    return npz(arrays, {"x_train": x})(root)


BOTH = (part(TRAIN, "train"), part(TEST, "test"))
CASES = [
    Case("two splits", npz(*BOTH), train=TRAIN, test=TEST, layout="npz"),
    Case(
        "named classes",
        npz(*BOTH, classes=np.array(["cat", "dog"])),
        train={"cat": TRAIN["0"], "dog": TRAIN["1"]},
        test={"cat": TEST["0"], "dog": TEST["1"]},
    ),
    Case("no test part", npz(part(TEN, "train")), both=TEN, test_images=2, notes=[CUT]),
    Case(
        "no test part, and a larger one is cut",
        npz(part(TEN, "train")),
        {"test_fraction": 0.4},
        both=TEN,
        test_images=4,
        notes=["there is no test part: 0.4"],
    ),
    Case(
        "floats from 0 to 1 in both splits", scaled(np.float32, 1 / 255, 1 / 255),
        train=TRAIN, test=TEST,
    ),
    Case(
        "floats from 0 to 1 in one split, bytes in the other",
        npz(part(TRAIN, "train", np.float32, 1 / 255), part(TEST, "test")),
        train=TRAIN,
        test=TEST,
        notes=["x_train are floats from 0 to 1, x_test whole numbers from 0 to 255"],
    ),
    Case(
        "a test split of half the brightness",
        scaled(np.uint8, 1, 0.3),
        train=TRAIN,
        test=grey(TEST, 0.3),
        notes=["their means are 156 and 50 of 255, almost all values are at most 250 and 75"],
    ),
    Case(
        "values that are all 0 or 1",
        npz(part({"0": [0, 1], "1": [1]}, "train"), part({"0": [1], "1": [0]}, "test")),
        train={"0": [0, 1], "1": [1]},
        test={"0": [1], "1": [0]},
        notes=[f"x_{name} is nearly black: almost all of its values are at most 1 of 255"
               for name in ("train", "test")],
    ),
    Case(
        "values up to 16 in bytes",
        scaled(np.uint8, 1 / 16, 1 / 16),
        train=grey(TRAIN, 1 / 16),
        test=grey(TEST, 1 / 16),
        notes=["x_train is nearly black: almost all of its values are at most 15",
               "x_test is nearly black: almost all of its values are at most 15"],
    ),
    Case(
        "floats divided by 255 twice",
        scaled(np.float64, 1 / 255**2, 1 / 255**2),
        train={"0": [0, 0, 1], "1": [0, 1]},
        test={"0": [1, 1], "1": [0, 1]},
        notes=["x_train is nearly black: almost all of its values are at most 1 of 255 (floats",
               "x_test is nearly black"],
    ),
    Case(
        "14 bits divided by 65,535",
        scaled(np.float64, 0.2 / 255, 0.2 / 255),
        train=grey(TRAIN, 0.2),
        test=grey(TEST, 0.2001),
        notes=["x_train is nearly black: almost all of its values are at most 50",
               "x_test is nearly black: almost all of its values are at most 50"],
    ),
    Case("dark, but not nearly black", scaled(np.uint8, 0.2, 0.2),
         train=grey(TRAIN, 0.2), test=grey(TEST, 0.2)),
    Case("a name twice", npz(*BOTH, classes=np.array(["cat", "cat"])),
         refused=["names two classes 'cat' in classes"]),
    Case("a name twice, in two spellings of Unicode",
         npz(*BOTH, classes=np.array(["caf\u00e9", "cafe\u0301"])),
         refused=["names two classes 'caf\u00e9' in classes"]),
    Case("test images without labels", npz(part(TRAIN, "train"), x_test=np.zeros((2, 6, 6))),
         refused=["has no y_test: it needs x_train, y_train"]),
    Case(
        "a validation part in place of a test part",
        npz(part(TRAIN, "train"), part(TEST, "val")),
        train=TRAIN,
        test=TEST,
        notes=["x_val is the test set: there is no other"],
    ),
    Case(
        "a validation part in place of a test part, with floats",
        npz(part(TRAIN, "train"), part(TEST, "valid", np.float32, 1 / 255)),
        train=TRAIN,
        test=TEST,
        notes=["x_train are whole numbers from 0 to 255, x_valid floats", "x_valid is the test"],
    ),
    Case(
        "a validation part beside a test part, and other arrays",
        npz(*BOTH, part({"0": [1], "1": [2, 3]}, "validation"), ids=np.arange(3), x_all=0),
        train=TRAIN,
        test=TEST,
        validation_images=3,
        left_out=["x_validation with 3 validation images", "ids is not read", "x_all is not read"],
    ),
    Case(
        "validation images without labels",
        npz(part(TEN, "train"), x_val=np.zeros((2, 6, 6))),
        both=TEN,
        test_images=2,
        notes=[CUT],
        left_out=["x_val is not read"],
    ),
    Case("no test part, and none is to be cut", npz(part(TEN, "train")), {"test_fraction": 0.0},
         refused=["has no test images of its own, and test_fraction is 0"]),
    Case("16 bits", scaled(np.uint16, 16, 16), refused=["values from 1600 to 4000: use uint8"]),
    Case("labels of -1 in a split that would be cut",
         npz({**part(TEN, "train"), "y_train": np.arange(10) % 3 - 1}), refused=["labels", "0"]),
    Case("a Git LFS pointer",
         lambda root: [put("a.npz", "version https://git-lfs.github.com/spec/v1\n")(root)]
         and root / "a.npz",
         refused=["a.npz is a Git LFS pointer, not the file itself"]),
]  # fmt: skip


@cases(CASES)
def test_arrays_are_understood(case: Case, tmp_path: Path) -> None:
    check(case, tmp_path)


def test_a_hot_pixel_does_not_hide_12_bits(tmp_path: Path) -> None:
    from sixteenth.data import load_dataset

    data = load_dataset(hot(tmp_path), image_size=24, data_dir=tmp_path)
    assert data.train.images.max() == 255
    assert [note.partition(" is nearly")[0] for note in data.understood.notes][:2] == [
        "x_train", "x_test",
    ]  # fmt: skip
