"""A user's text in Markdown, where no template engine escapes it."""

from __future__ import annotations

import re

from ...language.text import plain

_SPECIAL = re.compile(r"([\\`*_\[\]|~$#])")


def escape(text: object) -> str:
    """A user's text as inert Markdown: no markup, HTML, link or table cell comes of it."""
    value = plain(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    value = _SPECIAL.sub(r"\\\1", value)
    # A bare address would become a link; a zero-width space would break copying, an entity not.
    return re.sub(r"(?i)\b(https?|ftp|mailto):", r"\1&#58;", value).replace("@", "&#64;")


def code_block(text: object, language: str = "") -> str:
    """`text` in a Markdown fence that is longer than any run of backticks inside it."""
    body = str(text).rstrip("\n")
    fence = "`" * max(3, _longest_run(body) + 1)
    return f"{fence}{language}\n{body}\n{fence}"


def code_span(text: str) -> str:
    """`text` as code inside a line, between more backticks than it holds in a row."""
    fence = "`" * (_longest_run(text) + 1)
    room = " " if len(fence) > 1 else ""  # one is taken off at each end
    return f"{fence}{room}{text}{room}{fence}"


def _longest_run(text: str) -> int:
    """Backticks in a row."""
    return max((len(run) for run in re.findall(r"`+", text)), default=0)
