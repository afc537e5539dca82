"""The settings that messages about images print can be typed as they stand, and then the images are
read."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from understanding import greys, put

from sixteenth.data import load_dataset, options_of
from sixteenth.data.source import Decoded
from sixteenth.errors import DataError
from sixteenth.spec import load_spec

SET = re.compile(r"--set (?:'[^']*'|\"[^\"]*\"|[^\s'\";,)])+")
EXCLUDE = re.compile(r"exclude: (\[(?:\"[^\"]*\"|[^\]\"])*\])")


def refusal(folder: Path, cache: Path, settings: Sequence[str] = ()) -> str:
    with pytest.raises(DataError) as refused:
        load(folder, cache, settings)
    return str(refused.value)


def load(folder: Path, cache: Path, settings: Sequence[str]) -> Mapping[str, int]:
    """Images by class."""
    options = options_of(load_spec("demo", settings))
    data = load_dataset(folder, **{**options, "image_size": 4, "data_dir": cache})
    return dict(data.understood.per_class or {})


def typed(message: str) -> list[str]:
    """The ``KEY=VALUE`` of a message, as a shell hands them over."""
    return [each for each in shlex.split(" ".join(SET.findall(message))) if each != "--set"]


CATS_AND_DOGS = {"cat": range(5), "dog": range(10, 15)}


def in_each(*folders: str) -> Mapping[str, Sequence[int]]:
    return {f"{place}/{name}": v for place in folders for name, v in CATS_AND_DOGS.items()}


FOLDERS = [
    (in_each("2019", "2020"), "if they are parts"),
    (in_each("Train Data", "Other Stuff"), ""),
    (in_each("it's, a", "[b] c", "no"), "if they are parts"),
    (in_each(*(f"fold_{number}" for number in range(10))), "if they are parts"),
]


@pytest.mark.parametrize(("folders", "after"), FOLDERS)
def test_folders_that_a_message_names_can_be_typed_as_they_stand(
    folders: Mapping[str, Sequence[int]], after: str, tmp_path: Path
) -> None:
    greys(folders)(tmp_path / "data")
    message = refusal(tmp_path / "data", tmp_path / "cache").partition(after)[2] if after else ""
    message = message or refusal(tmp_path / "data", tmp_path / "cache")
    first = message.partition(" cuts a test part")[0]
    settings = [each for each in typed(first) if not each.endswith("=NAME")]
    assert settings
    assert set(load(tmp_path / "data", tmp_path / "cache", settings)) == {"cat", "dog"}


@pytest.mark.parametrize("rare", ["7", "no", "[z] x", "cat, wild", "*", "it's"])
def test_a_class_that_a_message_leaves_out_can_be_typed_as_it_stands(
    rare: str, tmp_path: Path
) -> None:
    greys({rare: [99], **CATS_AND_DOGS})(tmp_path / "data")
    message = refusal(tmp_path / "data", tmp_path / "cache")
    (patterns,) = EXCLUDE.findall(message)
    found = load(tmp_path / "data", tmp_path / "cache", [f"exclude={patterns}"])
    assert found == {"cat": 5, "dog": 5}


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("abcde", "(a, b, c, d, e)"),
        ("abdefghijklmnopqr", "(a, b, d, e, f, g, h, i, j, k and 7 more)"),
    ],
)
def test_all_classes_of_one_image_are_left_out_at_once(
    tmp_path: Path, names: str, said: str
) -> None:
    greys({**{name: [99] for name in names}, **CATS_AND_DOGS, "emu": range(20, 70)})(
        tmp_path / "data"
    )
    message = refusal(tmp_path / "data", tmp_path / "cache")
    assert f"{len(names)} classes of" in message
    assert f"{said} have only 1 image: too few" in message
    (patterns,) = EXCLUDE.findall(message)
    found = load(tmp_path / "data", tmp_path / "cache", [f"exclude={patterns}"])
    assert list(found) == ["cat", "dog", "emu"]


def test_a_copy_of_all_classes_is_left_out_as_the_message_says(tmp_path: Path) -> None:
    greys({**CATS_AND_DOGS, **in_each("[all]")})(tmp_path / "data")
    (patterns,) = EXCLUDE.findall(refusal(tmp_path / "data", tmp_path / "cache"))
    found = load(tmp_path / "data", tmp_path / "cache", [f"exclude={patterns}"])
    assert found == {"cat": 5, "dog": 5}


@pytest.fixture
def undecoded(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Nothing may be decoded."""
    monkeypatch.setattr(Decoded, "of", None)
    return monkeypatch


@pytest.mark.parametrize(
    "folders",
    [
        {".": [99], **in_each("PetImages")},
        {"train": [99], "test": [98], **in_each("train/My Pets", "test/My Pets")},
    ],
)
def test_one_folder_with_folders_in_it_is_refused_before_images_are_decoded(
    folders: Mapping[str, Sequence[int]], tmp_path: Path, undecoded: pytest.MonkeyPatch
) -> None:
    greys(folders)(tmp_path / "data")
    message = refusal(tmp_path / "data", tmp_path / "cache")
    assert "has only one class, " in message
    undecoded.undo()
    found = load(tmp_path / "data", tmp_path / "cache", typed(message))
    assert set(found) == {"cat", "dog"}


@pytest.mark.parametrize("labels", [False, True])
@pytest.mark.usefixtures("undecoded")
def test_images_without_classes_in_both_parts_need_class_folders_or_a_table(
    labels: bool, tmp_path: Path
) -> None:
    greys({"train/images": range(5), "test/images": range(10, 15)})(tmp_path)
    if labels:  # as YOLO has them
        put("train/labels/1.txt", "0 .5 .5 1 1")(tmp_path)
    message = refusal(tmp_path, tmp_path / "cache")
    assert "has only one class, 'images': two are needed; put the images of each into" in message
    train = tmp_path / "train"
    assert f"{train / 'CLASS'}, or add {train / 'metadata.csv'} with the columns" in message


@pytest.mark.usefixtures("undecoded")
def test_a_table_with_one_label_is_refused_before_images_are_decoded(tmp_path: Path) -> None:
    greys({".": range(10)})(tmp_path)
    rows = "".join(f"{number}.png,cat\n" for number in range(10))
    put("labels.csv", f"file_name,label\n{rows}")(tmp_path)
    assert "has only one class, 'cat': two" in refusal(tmp_path, tmp_path / "cache")


def test_no_table_is_advised_where_none_would_be_read(tmp_path: Path) -> None:
    greys({"photos": range(10), "other": range(20, 25)})(tmp_path)
    message = refusal(tmp_path, tmp_path / "cache", ["train_folder=photos"])
    assert "metadata.csv" not in message
    assert "with train_folder or test_folder no table of labels is read" in message
    rows = "".join(f"{number}.png,{'ab'[number % 2]}\n" for number in range(10))
    put("photos/metadata.csv", f"file_name,label\n{rows}")(tmp_path)
    assert load(tmp_path / "photos", tmp_path / "cache", []) == {"a": 5, "b": 5}
