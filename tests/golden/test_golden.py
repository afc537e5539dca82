"""What is said of invented studies, and the numbers behind it, stay as they were.

`texts/` holds all words of a study's report, advice and (for some) figures; `findings/` its numbers
and enums; `curves/` fitted learning curves. The words must be equal to the letter. Of the findings,
order, keys, titles and strengths must be equal, and every number that was there must still be.

A change of these files is a change of what users read: make it on purpose, in a commit that says
why. Then this writes them anew, and `git diff` shows what changed:

    GOLDEN=write pytest tests/golden
"""

from __future__ import annotations

import json
import math
import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import today
import yaml
from curve_cases import CURVES, ERRORS
from golden_study import GoldenStudy
from studies import STUDIES

from chinese import faults
from sixteenth import load_spec

HERE = Path(__file__).parent
CHINESE = {
    "balanced-accuracy",
    "reference",
    "control-run",
    "unstable-training",
    "doubtful-labels",
    "explained-halfway",
    "heads-and-fine-tuned",
    "overfits-more",
    "unfinished",
    "validated",
}
"""Studies whose words are kept in Chinese too; the others' are only looked at for faults."""
WRITE = os.environ.get("GOLDEN") == "write"


@pytest.fixture(scope="module", params=list(STUDIES))
def study(request: pytest.FixtureRequest) -> tuple[str, GoldenStudy, today.Said]:
    """Name, tables and discussions of each study in turn, made once for all tests."""
    made = STUDIES[request.param]()
    return request.param, made, today.said(made)


def test_a_study_is_told_in_the_same_words(study: tuple[str, GoldenStudy, today.Said]) -> None:
    name, made, found = study
    for kind, text in today.texts(made, found).items():
        same_text(HERE / "texts" / f"{name}{kind}", text)


def test_a_study_has_the_same_findings(study: tuple[str, GoldenStudy, today.Said]) -> None:
    name, _, found = study
    place = HERE / "findings" / f"{name}.json"
    now = today.findings(found)
    if WRITE:
        write(place, dumped(now))
    before = json.loads(place.read_text("utf-8"))
    for key in ("key", "title"):
        assert [s[key] for s in now["sections"]] == [s[key] for s in before["sections"]]
    for old, new in zip(before.pop("sections"), now.pop("sections"), strict=True):
        strengths = [[strength for strength, _ in section["claims"]] for section in (old, new)]
        assert strengths[0] == strengths[1], old["key"]
        for i, ((_, was), (_, is_now)) in enumerate(zip(old["claims"], new["claims"], strict=True)):
            assert lost(was, is_now) == [], f"{old['key']}, claim {i + 1}"
    assert list(differences(before, now)) == []


def test_every_command_that_is_advised_is_one_for_the_study_file(tmp_path: Path) -> None:
    tried = 0
    for text in sorted((HERE / "texts").glob("*.md")):
        said = text.read_text("utf-8")
        commands = set(re.findall(r"`sixteenth run study\.yaml (.+?)`", said))
        spec = re.search(r"^(`{3,})yaml\n(.+?)^\1$", said, re.DOTALL | re.MULTILINE)
        if not spec or not commands:
            continue
        content = yaml.safe_load(spec[2]) | {"name": "study"}  # some names are no folder's
        (file := tmp_path / "study.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
        for command in commands:
            words = shlex.split(command)
            settings = [after for word, after in pairwise(words) if word == "--set"]
            load_spec(str(file), settings)  # raises where they exclude each other
            tried += bool(settings)
    assert tried > 10


def test_a_study_is_told_in_chinese_without_a_fault(
    study: tuple[str, GoldenStudy, today.Said],
) -> None:
    name, made, found = study
    told = today.chinese_texts(made, found)
    wrong = {text: faults(today.without_names(text)) for text in told.splitlines()}
    assert {text: found for text, found in wrong.items() if found} == {}
    if name in CHINESE:
        same_text(HERE / "chinese" / f"{name}.txt", told)


@pytest.mark.parametrize("name", CURVES)
def test_a_learning_curve_is_told_in_the_same_words(name: str) -> None:
    same_text(HERE / "curves" / f"{name}.txt", today.learning_curve(CURVES[name], ERRORS))


def test_the_figure_of_fitted_curves_has_the_same_words() -> None:
    same_text(HERE / "curves" / "figure.txt", today.fit_figure_texts(CURVES))


def test_every_file_belongs_to_a_study_or_a_curve() -> None:
    assert {path.stem for path in (HERE / "texts").iterdir()} == set(STUDIES)
    assert {path.stem for path in (HERE / "findings").iterdir()} == set(STUDIES)
    assert {path.stem for path in (HERE / "chinese").iterdir()} == CHINESE
    assert {path.stem for path in (HERE / "curves").iterdir()} == {*CURVES, "figure"}


def same_text(place: Path, text: str) -> None:
    """`text` is what the file holds; or it is written there, where that was asked for."""
    if WRITE:
        write(place, text)
    assert text.splitlines() == place.read_text("utf-8").splitlines()


def write(place: Path, text: str) -> None:
    place.parent.mkdir(exist_ok=True, parents=True)
    place.write_text(text, "utf-8")


def dumped(findings: Mapping[str, Any]) -> str:
    """JSON with one claim, option or fit a line, so that a change shows as one."""

    def line(value: Any) -> str:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)

    def lines(values: Iterable[Any]) -> str:
        return "[\n" + ",\n".join(map(line, values)) + "]"

    sections = [
        f'{{"key":{line(one["key"])},"title":{line(one["title"])},"claims":{lines(one["claims"])}}}'
        for one in findings["sections"]
    ]
    parts = ['"sections":[\n' + ",\n".join(sections) + "]"]
    parts += [f"{line(key)}:{lines(items)}" for key, items in findings.items() if key != "sections"]
    return "{" + ",\n".join(parts) + "}\n"


def close(a: float, b: float) -> bool:
    """Equal but for what another library's order of additions changes."""
    return math.isclose(a, b, rel_tol=1e-7, abs_tol=1e-12)


def lost(before: Sequence[float], now: Sequence[float]) -> list[float]:
    """The numbers that were there and are not now."""
    return [number for number in before if not any(close(number, one) for one in now)]


def differences(before: Any, now: Any, where: str = "") -> Iterator[str]:
    """Where `now` lacks something of `before`; what is new in a mapping is no difference."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key, value in before.items():
            yield from differences(value, now.get(key, "gone"), f"{where}.{key}")
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for i, (was, is_now) in enumerate(zip(before, now, strict=True)):
            yield from differences(was, is_now, f"{where}[{i}]")
    elif isinstance(before, float) and isinstance(now, int | float):
        if not close(before, now):
            yield f"{where}: {before} was, {now} is"
    elif before != now:
        yield f"{where}: {before!r} was, {now!r} is"
