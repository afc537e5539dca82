"""Every finding has its sentence in every language."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from collections.abc import Iterator
from typing import get_args

import pytest

from sixteenth.analysis import Finding
from sixteenth.language import language_for, language_tags
from sixteenth.language.base import Language


def concrete(kind: type[Finding] = Finding) -> Iterator[type[Finding]]:
    """All findings of the analysis that can be made."""
    for derived in kind.__subclasses__():
        yield from concrete(derived)
        if dataclasses.is_dataclass(derived) and not derived.__subclasses__():
            yield derived


def unions(language: type[Language]) -> set[type]:
    """The findings for which a language has a match: members of the unions that it reads."""
    return {kind for union, _ in language.sayers for kind in get_args(union) if _is_finding(kind)}


def _is_finding(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Finding)


@pytest.fixture(autouse=True)
def _all_findings_are_imported() -> None:
    package = importlib.import_module("sixteenth.analysis.findings")
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)


@pytest.mark.parametrize("tag", language_tags())
def test_every_language_has_a_sentence_for_every_finding(tag: str) -> None:
    found = {kind for kind in concrete() if kind.__module__.startswith("sixteenth.")}
    assert len(found) > 50
    assert found - unions(type(language_for(tag=tag))) == set()


@pytest.mark.parametrize("tag", language_tags())
def test_a_finding_without_a_sentence_is_an_error(tag: str) -> None:
    @dataclasses.dataclass(frozen=True)
    class Unheard(Finding):
        number: float

    language = language_for(tag=tag)
    assert Unheard not in unions(type(language))
    with pytest.raises(TypeError, match="no sentence for Unheard"):
        language.say(Unheard(0.5))
