"""The docstring of a package that lists its modules lists all of them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import sixteenth

ROOT = Path(sixteenth.__file__).parent
LEAST = 3
"""Lines that begin with a module, from which on a docstring is a map of its package."""


def modules(package: Path) -> list[str]:
    return sorted(path.stem for path in package.glob("*.py") if path.stem != "__init__")


def docstring(package: Path) -> str:
    source = (package / "__init__.py").read_text(encoding="utf-8")
    return ast.get_docstring(ast.parse(source)) or ""


def is_map(package: Path) -> bool:
    lines = docstring(package).splitlines()
    begins = re.compile(rf"\s*({'|'.join(modules(package)) or '-'})(\.py)?[ ,]")
    return sum(begins.match(line) is not None for line in lines) >= LEAST


def missing(package: Path) -> list[str]:
    """Modules that its docstring names neither at the start of a line, nor as a name."""
    text = docstring(package)
    named = r"(?m)^\s*{0}(\.py)?[ ,]|\b{0}\.py\b|`{0}`"
    return [name for name in modules(package) if not re.search(named.format(name), text)]


MAPS = [path.parent for path in sorted(ROOT.rglob("__init__.py")) if is_map(path.parent)]


@pytest.mark.parametrize("package", MAPS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_each_module_stands_in_the_map_of_its_package(package: Path) -> None:
    assert missing(package) == []


def test_the_large_packages_have_maps() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in MAPS}
    assert {"analysis/findings", "analysis/curves", "engine", "study"} <= names
