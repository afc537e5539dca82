"""No file is kept with both sides of a merge in it."""

from __future__ import annotations

import subprocess

import pytest
from pages import ROOT

MARKS = tuple(7 * sign for sign in "<>")


def test_no_tracked_text_has_the_marks_of_a_conflict() -> None:
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True)
    except FileNotFoundError:
        pytest.skip("there is no git")
    if listed.returncode:
        pytest.skip("this is no checkout")
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    assert len(paths) > 500
    marked = []
    for path in filter(lambda each: each.is_file(), paths):
        raw = path.read_bytes()
        if b"\0" not in raw:  # else it is no text
            lines = raw.decode("utf-8", "replace").split("\n")
            marked += [
                f"{path.relative_to(ROOT)}:{number}"
                for number, line in enumerate(lines, 1)
                if line.startswith(MARKS)
            ]
    assert marked == []
