"""Templates filled in, and what a page's security policy allows its parts by."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import jinja2

from .markdown import code_block, code_span, escape


def render(template: str, values: Mapping[str, Any]) -> bytes:
    """A template of this package, filled in, as UTF-8."""
    # A lone surrogate (a file name that is not UTF-8) must not stop a report.
    return _template(template).render(**values).encode("utf-8", "replace")


@cache
def _template(name: str) -> jinja2.Template:
    """A template, compiled once: that takes longer than to fill it."""
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(template_text),
        autoescape=name.endswith(".html.j2"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"md": escape, "fence": code_block, "code": code_span}
    return environment.get_template(name)


def template_text(name: str) -> str:
    """The text of a template, a style sheet or a script."""
    folder = resources.files("sixteenth.report.page") / "templates"
    return (folder / name).read_text(encoding="utf-8")


def digest(text: str) -> str:
    """What a Content-Security-Policy allows a style sheet or a script by."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
