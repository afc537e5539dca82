"""The commands that are advised, as a shell takes them."""

from __future__ import annotations

import json
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from sixteenth.analysis.findings.advice import AnotherSize
from sixteenth.analysis.findings.causes import Cause, SmallFinalMap
from sixteenth.analysis.findings.types import Section, SectionKey
from sixteenth.analysis.inputs.cells import Cell
from sixteenth.language import language_for
from sixteenth.language.commands import DIR, section_command, step_command, typed


@pytest.mark.parametrize("name", ["pets", "my pets", "it's"])
def test_a_study_in_the_home_folder_is_named_without_it(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "studies" / name
    for command in ("sixteenth run study.yaml", "sixteenth explain DIR --separate"):
        line = typed(command, folder, home=tmp_path)
        assert str(tmp_path) not in line
        words = subprocess.run(
            ["sh", "-c", f"printf '%s\\n' {line}"],
            env={"HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        assert words == shlex.split(typed(command, folder))
        assert str(folder) in " ".join(words)


def test_a_study_elsewhere_is_named_by_its_path() -> None:
    folder = Path("/data/pets")
    assert (
        typed("sixteenth explain DIR", folder, Path("/home/ann")) == "sixteenth explain /data/pets"
    )
    relative = Path("studies/pets")
    assert typed("sixteenth explain DIR", relative, Path("/home/ann")) == (
        "sixteenth explain studies/pets"
    )


def test_one_more_size_is_asked_for_beside_all_others() -> None:
    fractions = ("1/16", "25 per class", "1", "390 images")
    line = step_command(AnotherSize(("small", "random"), 390, 3, 1.0, fractions))
    *_, setting = shlex.split(line)
    key, value = setting.split("=")
    assert key == "fractions"
    assert yaml.safe_load(value) == json.loads(value) == list(fractions)


@pytest.mark.parametrize("tag", ["en", "zh-Hant"])
def test_a_title_names_no_command(tag: str) -> None:
    """Nothing would put the study's folder into it."""
    titles = language_for(tag=tag).titles
    assert [title for title in titles.values() if "sixteenth" in title or DIR in title] == []


def test_what_tests_the_possible_causes_stands_in_their_section() -> None:
    small, big = (Cell(name, "random", "1", 1000, (), 1) for name in ("small", "big"))
    testable = SmallFinalMap(
        cause=Cause.RESOLUTION, favoured=big, other=small, both=True, image_size=32, cifar_stem=True
    )
    section = Section(SectionKey.CAUSES, (testable,))
    assert typed(section_command(section), Path("studies/pets")) == "sixteenth explain studies/pets"
    head = replace(testable, favoured=replace(big, init="imagenet, frozen"))
    assert section_command(replace(section, findings=(head,))) == ""
