"""Every finding has its sentence in every language."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from collections.abc import Iterator
from typing import get_args

import pytest

from sixteenth.analysis import Finding
from sixteenth.language import English, Names, en


def concrete(kind: type[Finding] = Finding) -> Iterator[type[Finding]]:
    """All findings of the analysis that can be made."""
    for derived in kind.__subclasses__():
        yield from concrete(derived)
        if dataclasses.is_dataclass(derived) and not derived.__subclasses__():
            yield derived


def unions(language: object) -> set[type]:
    """The findings for which a language's `say` has a match: members of the unions it reads."""
    return {
        kind for union in vars(language).values() for kind in get_args(union) if _is_finding(kind)
    }


def _is_finding(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Finding)


@pytest.fixture(autouse=True)
def _all_findings_are_imported() -> None:
    package = importlib.import_module("sixteenth.analysis.findings")
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)


def test_english_has_a_sentence_for_every_finding() -> None:
    found = {kind for kind in concrete() if kind.__module__.startswith("sixteenth.")}
    assert len(found) > 50
    assert found - unions(en) == set()


def test_a_finding_without_a_sentence_is_an_error() -> None:
    @dataclasses.dataclass(frozen=True)
    class Unheard(Finding):
        number: float

    assert Unheard not in unions(en)
    with pytest.raises(TypeError, match="no sentence for Unheard"):
        English(Names()).say(Unheard(0.5))
