"""The analysis says nothing in words: findings are numbers, and a language says them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import sixteenth.analysis

ROOM = Path(sixteenth.analysis.__file__).parent

NOT_PROSE = {
    "cannot tell",  # the value of several enums, as --json has always had it
    "does not",  # likewise
    "not tried",
    "assumed spread",  # likewise, of `show --json`
    "measured spread",
    "{} images",  # a fraction, as a study file writes it
}


def prose(source: str) -> list[str]:
    """Strings for people in a module: those of several words. Not docstrings, errors, reprs."""
    return [text for text in _texts(ast.parse(source)) if _is_prose(text) and text not in NOT_PROSE]


def _texts(node: ast.AST) -> Iterator[str]:
    """All strings below a node, f-strings with ``{}`` in place of their values."""
    if isinstance(node, ast.FunctionDef) and node.name in ("__repr__", "_repr_html_"):
        return
    if isinstance(node, ast.Raise) or (isinstance(node, ast.Call) and _is_error(node.func)):
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return  # a docstring, of a module, a function or an attribute
    if isinstance(node, ast.JoinedStr):
        yield "".join(p.value if isinstance(p, ast.Constant) else "{}" for p in node.values)
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    for child in ast.iter_child_nodes(node):
        yield from _texts(child)


def _is_error(function: ast.expr) -> bool:
    name = getattr(function, "id", getattr(function, "attr", ""))
    return name.endswith("Error")


def _is_prose(text: str) -> bool:
    words = re.findall(r"[A-Za-z]{2,}|\{\}", text)
    return len(words) > 1 and bool(re.search(r"\s", text.strip()))


@pytest.mark.parametrize("path", sorted(ROOM.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOM)))
def test_no_sentence_stands_in_the_analysis(path: Path) -> None:
    assert prose(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        'text = "more images helped"',
        'text = f"{gain:.1f} points more"',
        'return_value = say("the bigger", "model is ahead")',
        'class Why(Enum):\n    """Doc."""\n    SEEDS = "luck of the training"',
    ],
)
def test_a_sentence_that_is_put_into_a_module_is_found(line: str) -> None:
    source = (ROOM / "stats" / "significance.py").read_text(encoding="utf-8")
    assert prose(source) == []
    assert prose(f"{source}\n{line}\n")


def test_docstrings_and_error_messages_are_no_sentences_for_readers() -> None:
    source = (
        '"""A doc string."""\n'
        'raise InputError(f"no size {n} is there")\n'
        'error = InputError("no such size")\n'
    )
    assert prose(source) == []
