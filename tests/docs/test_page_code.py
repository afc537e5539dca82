"""The Python that pages and the notebook show compiles, and what it names of the library is there.

What runs it is elsewhere: the README's example and the notebook have slow tests.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
from typing import Any

import pytest
from pages import PAGES, ROOT, blocks

import sixteenth
import sixteenth.analysis
import sixteenth.language

HOMES = (sixteenth, sixteenth.analysis, sixteenth.language)
"""Where a name that a function is said to return is looked for."""
UNKNOWN = object()
"""Of a value that only running the code would tell."""


def code_of_notebook() -> str:
    book = json.loads((ROOT / "examples/reference-study.ipynb").read_text(encoding="utf-8"))
    cells = ("".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code")
    return re.sub(r"^%.*$", "", "\n".join(cells), flags=re.M)


EXAMPLES = {
    str(block): block.text for page in PAGES for block in blocks(page) if block.language == "python"
} | {"examples/reference-study.ipynb": code_of_notebook()}


def returned_by(function: Any) -> Any:
    """The class of what a call returns, as far as its annotation says; else UNKNOWN."""
    if inspect.isclass(function):
        return function
    if inspect.isclass(getattr(function, "__self__", None)):  # Study.load, Study.open
        return function.__self__
    name = str(getattr(function, "__annotations__", {}).get("return"))
    return next((getattr(home, name) for home in HOMES if hasattr(home, name)), UNKNOWN)


class Names(ast.NodeVisitor):
    """Follows the library's modules, classes and functions through a piece of code."""

    def __init__(self) -> None:
        self.known: dict[str, Any] = {}
        self.faults: list[str] = []

    def visit_Import(self, node: ast.Import) -> None:
        for each in node.names:
            if each.name.partition(".")[0] == "sixteenth":
                importlib.import_module(each.name)
                self.known["sixteenth"] = sixteenth

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.module and node.module.partition(".")[0] == "sixteenth":
            module = importlib.import_module(node.module)
            for each in node.names:
                self.known[each.asname or each.name] = self.attribute(module, each.name)

    def visit_Assign(self, node: ast.Assign) -> None:
        value = self.value(node.value)
        for target in node.targets:
            if isinstance(target, ast.Name):
                self.known[target.id] = value

    def visit_Expr(self, node: ast.Expr) -> None:
        self.value(node.value)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.value(node)

    def value(self, node: ast.expr) -> Any:
        """What an expression is: a module, a class (or an object of it), a function, UNKNOWN."""
        if isinstance(node, ast.Name):
            return self.known.get(node.id, UNKNOWN)
        if isinstance(node, ast.Attribute):
            return self.attribute(self.value(node.value), node.attr)
        if isinstance(node, ast.Call):
            function = self.value(node.func)
            for each in (*node.args, *(keyword.value for keyword in node.keywords)):
                self.value(each)
            if function is UNKNOWN:
                return UNKNOWN
            parameters = inspect.signature(function).parameters
            self.faults += [
                f"{ast.unparse(node.func)} has no argument {keyword.arg}"
                for keyword in node.keywords
                if keyword.arg not in parameters
            ]
            return returned_by(function)
        self.generic_visit(node)
        return UNKNOWN

    def attribute(self, owner: Any, name: str) -> Any:
        fields = getattr(owner, "__annotations__", {})
        if owner is UNKNOWN or name in fields:
            return UNKNOWN
        if not hasattr(owner, name):
            if not _set_in_init(owner, name):
                self.faults.append(f"{getattr(owner, '__name__', owner)} has no {name}")
            return UNKNOWN
        value = getattr(owner, name)
        return UNKNOWN if isinstance(value, property) else value


def _set_in_init(owner: Any, name: str) -> bool:
    return inspect.isclass(owner) and any(
        f"self.{name}" in inspect.getsource(base) for base in owner.__mro__[:-1]
    )


def faults(code: str) -> list[str]:
    names = Names()
    names.visit(ast.parse(code))
    return names.faults


@pytest.mark.parametrize("example", EXAMPLES)
def test_what_an_example_names_of_the_library_is_there(example: str) -> None:
    assert faults(EXAMPLES[example]) == []


def test_names_that_are_not_there_are_noticed() -> None:
    begin = "import sixteenth\nstudy = sixteenth.Study.load('cifar10')\n"
    assert faults(begin + "print(study.folder, study.run(budget=3))") == []
    assert faults(begin + "study.runn()") == ["Study has no runn"]
    assert faults(begin + "study.run(budgets=3)") == ["study.run has no argument budgets"]
    assert faults(begin + "x = study.findings()\nx.tables()") == ["Findings has no tables"]
    assert faults("import sixteenth\nsixteenth.fit()") == ["sixteenth has no fit"]
