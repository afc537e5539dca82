"""What is said of the images of a study before anything is trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sixteenth import Listener, Study


class Heard(Listener):
    """Keeps what was noticed."""

    def __init__(self) -> None:
        self.notices: list[str] = []

    def noticed(self, what: str) -> None:
        self.notices.append(what)


def _arrays(folder: Path, classes: int) -> str:
    """Random images with the labels 0, 1, ..., which are the names of the classes too."""
    rng, labels = np.random.default_rng(0), np.arange(4 * classes) % classes
    images = rng.integers(0, 256, (len(labels), 8, 8), dtype=np.uint8)
    path = folder / "images.npz"
    np.savez(path, x_train=images, y_train=labels, x_test=images[::-1], y_test=labels[::-1])
    return str(path)


@pytest.mark.parametrize(
    ("classes", "more", "asked"),
    [
        (10, {}, True),
        (10, {"train": {"flip": False}}, False),
        (10, {"train": {"flip": True}}, False),
        (10, {"finetune": ["head"]}, False),
        (12, {}, False),
    ],
    ids=["digits", "not mirrored", "chosen", "frozen features", "class 11 is no digit"],
)
def test_classes_that_may_be_digits_are_asked_about_before_they_are_mirrored(
    tmp_path: Path, classes: int, more: dict[str, object], asked: bool
) -> None:
    data = _arrays(tmp_path, classes)
    settings = {"data": data, "image_size": 8, "models": ["resnet18"], "init": ["imagenet"]}
    heard = Heard()
    study = Study({"init": ["random"]} | settings | more, tmp_path / "study", data_dir=tmp_path)
    study.dataset(heard)
    mirrored = [line for line in heard.notices if "mirrored" in line]
    assert bool(mirrored) == asked
    if asked:
        assert "if the classes 0 to 9 are digits or letters, set train.flip=false" in mirrored[0]


def test_the_built_in_digits_are_not_mirrored_and_nothing_is_asked(tmp_path: Path) -> None:
    heard = Heard()
    Study({"data": "digits", "models": ["resnet18"]}, tmp_path / "study").dataset(heard)
    assert not [line for line in heard.notices if "mirrored" in line]


@pytest.mark.parametrize(
    ("views", "finetune", "told"),
    [
        ("mirror", ["all", "head"], True),
        ("mirror", ["head"], True),
        ("mirror", ["all", "last-stage"], False),
        ("none", ["all", "head"], False),
    ],
)
def test_test_augmentation_that_heads_do_not_have_is_told(
    tmp_path: Path, views: str, finetune: list[str], told: bool
) -> None:
    spec = {"data": "digits", "models": ["resnet18"], "init": ["imagenet"], "finetune": finetune}
    heard = Heard()
    study = Study(spec | {"train": {"test_augmentation": views}}, tmp_path, data_dir=tmp_path)
    study.dataset(heard)
    notes = [line for line in heard.notices if "test_augmentation" in line]
    assert len(notes) == told
    assert not told or "mirror does not apply to heads" in notes[0]
