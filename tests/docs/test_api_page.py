"""docs/api.md documents every public name, and nothing of a study that is for the package alone."""

from __future__ import annotations

import re

from pages import ROOT

import sixteenth
from sixteenth import Study

PAGE = (ROOT / "docs/api.md").read_text(encoding="utf-8")
PYTHON_PAGE = (ROOT / "docs/python.md").read_text(encoding="utf-8")


def test_every_public_name_is_documented() -> None:
    shown = set(re.findall(r"^\.\. auto(?:class|function):: ([\w.]+)", PAGE, flags=re.M))
    shown |= set(re.findall(r"`sixteenth\.(\w+)`", PAGE))
    if ".. automodule:: sixteenth.errors\n   :members:" in PAGE:
        shown |= {name for name in sixteenth.__all__ if name.endswith("Error")}
    assert set(sixteenth.__all__) - shown == set()


def test_of_a_study_the_methods_are_shown_that_the_python_page_tells_of() -> None:
    (section,) = re.findall(r"autoclass:: Study\n((?: +:.*\n)+)", PAGE)
    (hidden,) = re.findall(r":exclude-members: (.*)", section)
    public = {name for name in dir(Study) if not name.startswith("_")}
    told = set(re.findall(r"\b[sS]tudy\.(\w+)\(", PYTHON_PAGE))
    assert public - set(hidden.split(", ")) == told & public
    assert set(hidden.split(", ")) <= public
