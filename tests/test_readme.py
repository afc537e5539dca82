"""What the README says is there, is there; and what it shows, runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sixteenth.spec import StudySpec, TrainSpec, preset_names

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_preset_is_named() -> None:
    named = README.partition("`sixteenth presets` lists")[2].partition("\n\n")[0]
    assert set(re.findall(r"`([a-z0-9-]+)`", named)) == set(preset_names())


def test_every_file_that_is_linked_is_there() -> None:
    links = re.findall(r"\]\(([^):#]+)[^)]*\)", README)
    assert len(links) > 5
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_quoted_answer_is_that_of_the_study_it_is_said_to_be_of() -> None:
    quoted = README.partition("This is what the study above said:\n\n")[2].partition("\n\n- ")[0]
    said = " ".join(re.sub(r"^>", "", line).strip() for line in quoted.splitlines())
    report = (ROOT / "docs/results/lite-jpeg/report.md").read_text(encoding="utf-8")
    assert " ".join(said.split()) in " ".join(report.split())


def test_every_key_of_a_study_file_is_in_its_table() -> None:
    page = (ROOT / "docs/study-file.md").read_text(encoding="utf-8")
    study, _, recipe = page.partition("## The recipe")
    for part, spec in ((study, StudySpec), (recipe, TrainSpec)):
        keys = [line.split("|")[1] for line in part.splitlines() if line.startswith("| `")]
        assert set(re.findall(r"`(\w+)`", " ".join(keys))) == set(spec.model_fields)


@pytest.mark.slow
def test_the_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = README.partition("```python\n")[2].partition("```")[0]
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "README.md", "exec"), {})
    assert (tmp_path / "my-study" / "report.html").exists()
