"""What a study shows in words: what a language must say, and each language in a folder.

base       what a language must say, and findings put together in words
words      the names of a study's models and weights
labels     fixed words of pages, figures and tables
captions   what is said of figures and tables
screen     the first screen of a report; `said` the form of its words
tables     findings of one shape, as tables
commands   the commands that are advised
provenance how a study was made
understood what data and files of weights were taken for
numbers    numbers, dates and lists in a locale; `sentences` with their units; `text` on one line
en/        English
zh_hant/   Traditional Chinese as in Taiwan

A folder is a language: its name is the tag (``zh_hant`` is ``zh-Hant``), and it names its class
`LANGUAGE`. The functions here import no analysis before somebody has something to say.
"""

from __future__ import annotations

import os
import pkgutil
import re
from importlib import import_module
from typing import TYPE_CHECKING

from ..errors import InputError

if TYPE_CHECKING:
    from ..analysis.findings.analyse import Findings
    from ..analysis.inputs.scoring import Metric
    from .base import Language


def language_tags() -> list[str]:
    """The BCP 47 tags of the languages that there are, sorted."""
    return sorted(map(_tag, _folders()))


def find_tag(wanted: str) -> str:
    """The tag of the language that was asked for, whatever its letters' case: ``zh-Hant``.

    A locale counts as its language: ``zh_TW`` is ``zh-Hant``, ``en-GB`` is ``en``.

    Raises:
        InputError: there is no such language.
    """
    tag = _known(wanted)
    if tag is None:
        raise InputError(f"no language {wanted!r}: there are {', '.join(language_tags())}")
    return tag


def locale_tag() -> str:
    """The language of this machine's locale if it is one of ours, else English.

    In gettext's order: the first of LANGUAGE that there is, unless the locale is C.
    """
    set_to = filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG")))
    locale = next(set_to, "C")
    if re.split("[.@]", locale)[0] in ("C", "POSIX"):
        return "en"
    wanted = [*os.environ.get("LANGUAGE", "").split(":"), locale]
    return next(filter(None, map(_known, wanted)), "en")


def language_for(
    findings: Findings | None = None, tag: str = "en", metric: Metric | None = None
) -> Language:
    """A language with the names of one study.

    Args:
        findings: of the study whose models and initial weights it is to name.
        tag: one of `language_tags`.
        metric: what the study decides by, where there are no findings to tell.
    """
    from .words import Names

    folder = next(name for name in _folders() if _tag(name) == tag)
    made: type[Language] = import_module(f"{__name__}.{folder}").LANGUAGE
    if findings is None:
        return made(Names(metric=metric) if metric else Names())
    return made(Names.of(findings.models, findings.inits, findings.metric))


def _folders() -> list[str]:
    return [each.name for each in pkgutil.iter_modules(__path__) if each.ispkg]


def _tag(folder: str) -> str:
    """``zh_hant`` as ``zh-Hant``: a script has four letters and a capital."""
    language, *rest = folder.split("_")
    return "-".join(
        [language, *(part.title() if len(part) == 4 else part.upper() for part in rest)]
    )


def _known(wanted: str) -> str | None:
    """The tag of ours that a tag or a locale means, if any."""
    from babel import Locale, UnknownLocaleError

    tags = {tag.lower(): tag for tag in language_tags()}
    name = re.split("[.@]", wanted)[0].replace("_", "-").lower()
    if name in tags:
        return tags[name]
    try:
        found = Locale.parse(name, sep="-")
    except (ValueError, UnknownLocaleError):
        return None
    written = f"{found.language}-{found.script}" if found.script else found.language
    return tags.get(written.lower())
