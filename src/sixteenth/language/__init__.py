"""What a study shows in words: what a language must say, and English.

base       what a language must say; the names of a study's models and weights
labels     fixed words of pages, figures and tables
captions   what is said of figures and tables
screen     the first screen of a report
provenance how a study was made, as values
numbers    numbers, dates and lists in a locale; `text` names on one line
en/        English
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..analysis.findings.analyse import Findings
    from .base import Discussion, Language, Names, SaidAdvice, SaidStep, Statement
    from .en import English

_HOMES = {
    "Discussion": "base",
    "English": "en",
    "Language": "base",
    "Names": "base",
    "SaidAdvice": "base",
    "SaidStep": "base",
    "Statement": "base",
}
__all__ = [
    "Discussion",
    "English",
    "Language",
    "Names",
    "SaidAdvice",
    "SaidStep",
    "Statement",
    "default_language",
]


def default_language(findings: Findings | None = None) -> Language:
    """The language of reports, figures and the terminal: English, the only one so far.

    Args:
        findings: of the study whose models and initial weights it is to name.
    """
    from .base import Names
    from .en import English

    return English(Names.of(findings.models, findings.inits) if findings else Names())


def __getattr__(name: str) -> Any:
    """The analysis is imported only once somebody has something to say."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
