"""Every finding has its sentence in every language."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
import typing
from collections.abc import Iterator
from typing import get_args

import pytest

from sixteenth.analysis import Finding
from sixteenth.language import language_for, language_tags
from sixteenth.language.base import SAID_BY


def concrete(kind: type[Finding] = Finding) -> Iterator[type[Finding]]:
    """All findings of the analysis that can be made."""
    for derived in kind.__subclasses__():
        yield from concrete(derived)
        if dataclasses.is_dataclass(derived) and not derived.__subclasses__():
            yield derived


def unions() -> set[type]:
    """The findings that a module of each language has a match for: members of the unions."""
    return {kind for union in SAID_BY.values() for kind in get_args(union) if _is_finding(kind)}


def _is_finding(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Finding)


@pytest.fixture(autouse=True)
def _all_findings_are_imported() -> None:
    package = importlib.import_module("sixteenth.analysis.findings")
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)


def test_every_finding_is_said_by_a_module() -> None:
    found = {kind for kind in concrete() if kind.__module__.startswith("sixteenth.")}
    assert len(found) > 50
    assert found - unions() == set()


@pytest.mark.parametrize("tag", language_tags())
@pytest.mark.parametrize("module", SAID_BY)
def test_every_language_reads_the_findings_of_its_modules(tag: str, module: str) -> None:
    """mypy sees to it that the match over them is exhaustive."""
    say = language_for(tag=tag)._module(module).say
    read, _ = (each for name, each in typing.get_type_hints(say).items() if name != "return")
    assert all(issubclass(kind, get_args(read)) for kind in get_args(SAID_BY[module]))


@pytest.mark.parametrize("tag", language_tags())
@pytest.mark.parametrize(
    ("module", "function"),
    [("diagnosis", "rule"), ("advice", "step"), ("curves", "warning"), ("curves", "required_size")],
)
def test_every_language_has_the_functions_of_english(tag: str, module: str, function: str) -> None:
    theirs, english = (
        typing.get_type_hints(getattr(language_for(tag=each)._module(module), function))
        | {"words": None}
        for each in (tag, "en")
    )
    assert theirs == english


@pytest.mark.parametrize("tag", language_tags())
def test_a_finding_without_a_sentence_is_an_error(tag: str) -> None:
    @dataclasses.dataclass(frozen=True)
    class Unheard(Finding):
        number: float

    language = language_for(tag=tag)
    assert Unheard not in unions()
    with pytest.raises(TypeError, match="no sentence for Unheard"):
        language.say(Unheard(0.5))
