"""What a report says of a simulated study, and what it says in one of its sections."""

from __future__ import annotations

from typing import Any

from sixteenth.analysis import Context, Findings, analyse
from sixteenth.language.base import Discussion
from sixteenth.language.en import English
from sixteenth.language.words import Names

CONTEXT = Context(num_classes=10, image_size=32)


class Talk:
    """A discussion in English with its findings: ``answer``, ``sections``, ``advice``, ...

    ``advice`` is in numbers, ``said_advice`` in English.
    """

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.said: Discussion = english(findings).discuss(findings)
        self.said_advice = english(findings).advise(findings)
        self.answer, self.sections = list(self.said.answer), self.said.sections

    def __getattr__(self, name: str) -> Any:
        return getattr(self.findings, name)


def english(findings: Findings) -> English:
    """English with the names of a study."""
    return English(Names.of(findings.models, findings.inits))


def discuss(*tables, **options) -> Talk:
    """`analyse`, said in English."""
    return Talk(analyse(*tables, **options))


def talk(study, **options) -> Talk:
    """What is said of a simulated study."""
    options.setdefault("context", CONTEXT)
    return discuss(study.results, study.histories, predictions=study.predictions, **options)


def section(talk, key):
    """The statements of a section; empty where there is none."""
    found = [s for s in talk.sections if s.key == key]
    return found[0].statements if found else ()


def text(talk, key):
    return " ".join(statement.text for statement in section(talk, key))


def of_kind(talk, kind):
    """The findings of a class in all sections of a discussion."""
    return [f for s in talk.findings.sections for f in s.findings if isinstance(f, kind)]
