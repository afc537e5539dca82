"""What an input must be taken for: a case makes it, and says the right value or the message.

Images are of one grey value each, which tells them apart: a case names the grey values of every
class in each split, so that an image in another class or split, or a pixel that changed, fails.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sixteenth.data import ImageDataset, load_dataset
from sixteenth.data.dataset import Split
from sixteenth.errors import DataError

Greys = Mapping[str, Sequence[int]]
"""Grey values of the images by class, or by folder."""

CUT = "there is no test part: 0.2"
"""The note of images without a test part, of which a fifth is cut off."""


@dataclass(frozen=True)
class Case:
    """One input, and what must be understood.

    Attributes:
        name: a sentence on what the input is.
        make: writes it into the folder ``data`` (which is there and empty); the path that it
            returns, if any, is loaded instead.
        options: of `load_dataset`.
        train, test: grey values of the images by class, the classes in order.
        both: instead of these, where a test split is cut: those of both splits together.
        test_images: how many of `both` are split off.
        layout: of `Understood`.
        notes, left_out: for each note or line a part of it, in order; there must be no others.
        validation_images: of `Understood`.
        refused: instead of all that, parts of the message, which must be one line.
    """

    name: str
    make: Callable[[Path], Path | None]
    options: Mapping[str, Any] = field(default_factory=dict)
    train: Greys | None = None
    test: Greys | None = None
    both: Greys | None = None
    test_images: int | None = None
    layout: str | None = None
    notes: Sequence[str] = ()
    left_out: Sequence[str] = ()
    validation_images: int = 0
    refused: Sequence[str] = ()


def cases(listed: Sequence[Case]) -> pytest.MarkDecorator:
    """``@cases(CASES)``: a test of each, by its name."""
    return pytest.mark.parametrize("case", listed, ids=lambda case: case.name)


def check(case: Case, place: Path) -> None:
    """Make the input in the empty folder `place`, load it, and compare."""
    (place / "data").mkdir()
    source = case.make(place / "data") or place / "data"
    options = {"image_size": 4, "data_dir": place / "cache", **case.options}
    if case.refused:
        with pytest.raises(DataError) as caught:
            load_dataset(source, **options)
        message = str(caught.value)
        assert len(message.splitlines()) == 1
        for part in case.refused:
            assert part in message, message
        return
    first = load_dataset(source, **options)
    again = load_dataset(source, **options)  # from the decoded copy
    assert again.understood == first.understood
    for data in (first, again):
        _compare(case, data)


def _compare(case: Case, data: ImageDataset) -> None:
    train, test = (_greys(split, data.classes) for split in (data.train, data.test))
    if case.both is not None:
        assert _merged(train, test) == {name: sorted(greys) for name, greys in case.both.items()}
        assert len(data.test) == case.test_images
        expected = case.both
    else:
        assert case.train is not None
        assert case.test is not None
        assert train == {name: sorted(greys) for name, greys in case.train.items()}
        assert {name: greys for name, greys in test.items() if greys} == {
            name: sorted(greys) for name, greys in case.test.items() if greys
        }
        expected = _merged(case.train, case.test)
    found = data.understood
    assert list(found.classes) == list(case.both or case.train or ())
    assert found.per_class == {name: len(greys) for name, greys in expected.items()}
    assert (found.train_images, found.test_images) == (len(data.train), len(data.test))
    assert found.validation_images == case.validation_images
    if case.layout is not None:
        assert found.layout == case.layout
    for lines, parts in ((found.notes, case.notes), (found.left_out, case.left_out)):
        assert len(lines) == len(parts), lines
        for line, part in zip(lines, parts, strict=True):
            assert part in line


def _greys(split: Split, classes: Sequence[str]) -> dict[str, list[int]]:
    """The grey values of a split by class, sorted; every image must be of one value."""
    values = split.images.reshape(len(split), -1)
    assert (values == values[:, :1]).all(), "an image is not of one grey value"
    return {
        name: sorted(values[split.labels == label, 0].tolist())
        for label, name in enumerate(classes)
    }


def _merged(one: Greys, other: Greys) -> dict[str, list[int]]:
    return {name: sorted([*one.get(name, ()), *other.get(name, ())]) for name in {**one, **other}}


def grey(path: Path, value: int) -> None:
    """An image file of 6 x 6 pixels of one grey value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((6, 6), value, np.uint8)).save(path)


def greys(places: Greys, ending: str = "png") -> Callable[[Path], None]:
    """Make FOLDER/VALUE.png for every value of each folder, as ``{"train/cat": [50, 60]}``."""

    def make(root: Path) -> None:
        for place, values in places.items():
            (root / place).mkdir(parents=True, exist_ok=True)
            for value in values:
                grey(root / place / f"{value}.{ending}", value)

    return make


def together(*makers: Callable[[Path], Path | None]) -> Callable[[Path], Path | None]:
    """All of `makers`, in order; the last decides what is loaded."""

    def make(root: Path) -> Path | None:
        loaded = None
        for maker in makers:
            loaded = maker(root)
        return loaded

    return make


def put(path: str, content: str | bytes = b"") -> Callable[[Path], None]:
    """Make a file of that content."""

    def make(root: Path) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content.encode() if isinstance(content, str) else content)

    return make


def link(path: str, target: str) -> Callable[[Path], None]:
    """Make a link."""

    def make(root: Path) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).symlink_to(target)

    return make


# Class folders in two parts

PETS = {"cat": [10, 20], "dog": [30]}
TESTED = {"cat": [40], "dog": [50]}


def split(train: str, test: str, cut: dict[str, list[int]] | None = None) -> Callable[[Path], None]:
    """PETS in TRAIN/CLASS, TESTED in TEST/CLASS, and more."""
    places = {f"{train}/{name}": values for name, values in PETS.items()}
    places |= {f"{test}/{name}": values for name, values in TESTED.items()}
    return greys({**places, **(cut or {})})


# Images in one folder with a table of their labels

BOTH = {"cat": range(5), "dog": range(10, 15)}
FLAT = greys({".": [*range(5), *range(10, 15)]})
IMAGES = greys({"images": [*range(5), *range(10, 15)]})
LINES = [
    json.dumps({"file_name": f"{grey}.png", "label": name, "text": "a photo"})
    for name, values in BOTH.items()
    for grey in values
]


def table(
    file: str, header: str, row: str = "{0}.png,{1}", extra: Sequence[str] = ()
) -> Callable[[Path], None]:
    """A table of BOTH: `header`, then `row` filled with the grey value and the class."""
    rows = [row.format(grey, name) for name, values in BOTH.items() for grey in values]
    return put(file, "\n".join([header, *rows, *extra]) + "\n")


def refused(name: str, *makers: Callable[[Path], Path | None], words: Sequence[str]) -> Case:
    return Case(name, together(*makers), refused=words)
