"""Folders of images by class, as people have them."""

from __future__ import annotations

from pathlib import Path

from understanding import Case, cases, check, greys

CASES = [
    Case(
        "train and test",
        greys({"train/cat": [10, 20], "train/dog": [30], "test/cat": [40], "test/dog": [50]}),
        train={"cat": [10, 20], "dog": [30]},
        test={"cat": [40], "dog": [50]},
        layout="train and test folders",
    ),
    Case(
        "class folders alone",
        greys({"cat": range(10, 20), "dog": range(30, 35)}),
        both={"cat": range(10, 20), "dog": range(30, 35)},
        test_images=3,
        layout="class folders",
    ),
]


@cases(CASES)
def test_a_folder_is_understood(case: Case, tmp_path: Path) -> None:
    check(case, tmp_path)
