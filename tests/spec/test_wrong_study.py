"""A study that cannot be read: the message names what is wrong, and where it was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from sixteenth import Study, load_spec, parse_spec
from sixteenth.errors import SpecError


@pytest.mark.parametrize("key", ["date", "dataset"])
def test_an_unknown_key_is_told_before_the_one_that_it_was_meant_for(key: str) -> None:
    with pytest.raises(SpecError, match=f"unknown key '{key}'; did you mean data"):
        parse_spec({key: "digits", "models": ["resnet18"]})


@pytest.mark.parametrize("study", ["cifar10", None, ["data"], 3])
def test_what_is_no_mapping_is_no_study(study: object) -> None:
    with pytest.raises(SpecError, match=r"expected a mapping .* read by Study\.load"):
        Study(study)  # type: ignore[arg-type]


def test_settings_that_are_one_text_are_refused() -> None:
    with pytest.raises(SpecError, match=r"settings are a list of texts: write \['train.steps=2'\]"):
        load_spec("demo", "train.steps=2")


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("train.epoch=5", "unknown key 'train.epoch'"),
        ("train.epochs=ten", "train.epochs: "),
        ("train={epochs: ten}", "train.epochs: "),
        ("fractions=[1/2, 2]", "fractions.1: "),
        ("image_size=x", "image_size: "),
    ],
)
def test_a_wrong_value_is_looked_for_where_it_was_given(
    setting: str, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("data: digits\n", "utf-8")
    with pytest.raises(SpecError) as caught:
        load_spec(file, ["seeds=[0, 1]", setting])
    assert str(caught.value).startswith(f"--set {setting}: {said}")
    file.write_text("data: digits\nimage_size: x\n", "utf-8")
    with pytest.raises(SpecError) as caught:
        load_spec(file, ["seeds=[0, 1]"])
    assert str(caught.value).startswith(f"{file}: image_size: ")
