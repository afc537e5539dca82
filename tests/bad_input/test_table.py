"""Every bad input of the table gives one line that names it, and its exit code; nothing else."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from table import CASES, Case

from tiny_study import Command, Ended, run_process


def refused(ended: Ended, case: Case) -> None:
    """The exit code, and one line of complaint, on standard error alone."""
    assert ended.code == case.code, ended
    assert ended.out == ""
    assert "Traceback" not in ended.err
    lines = [line for line in ended.err.splitlines() if line.startswith("sixteenth: ")]
    assert len(lines) == 1, ended.err
    assert ended.err.splitlines()[-1] == lines[0]
    for part in case.named:
        assert part in lines[0], f"{part!r} is not in: {lines[0]}"
    assert len(lines[0]) < 3000


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_bad_input_is_one_line_that_names_it(
    case: Case, place: Path, with_runs: Callable[[], None], sixteenth: Command
) -> None:
    if case.trained:
        with_runs()
    if case.make is not None:
        case.make()
    before = {path for path in Path().rglob("*") if path.is_file()}
    refused(sixteenth(*shlex.split(case.words), *case.more), case)
    assert not Path("executed").exists(), "nothing that was read has run"
    written = {path for path in Path().rglob("*") if path.is_file()} - before
    kept = {path for path in written if path.parts[0] not in ("__pycache__", "cache")}
    assert kept == set(), "nothing is written before all is known to be right"


def test_the_table_is_long_and_its_cases_have_names_of_their_own() -> None:
    assert len(CASES) >= 60
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("name", ["a billion laughs", "a pickle of torch's", "a bomb"])
def test_a_process_of_its_own_says_the_same(name: str, place: Path) -> None:
    case = next(case for case in CASES if case.name == name)
    assert case.make is not None
    case.make()
    refused(run_process([*shlex.split(case.words), *case.more], place), case)
    assert not Path("executed").exists()
