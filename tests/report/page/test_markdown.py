"""What a user wrote cannot act in Markdown."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt

from sixteenth.report.page.markdown import code_span, escape


@pytest.mark.parametrize(
    "hostile",
    ["a|b", "<script>", "`code`", "[x](http://e.example)", "![i](x)", "**b**", "a\n\n# b", "_a_"],
)
def test_markdown_of_a_users_text_is_inert(hostile: str) -> None:
    text = escape(hostile)
    assert "\n" not in text
    assert "<" not in text
    assert not re.search(r"(?<!\\)[|`\[\]*_]", text)
    assert "http:" not in text


@pytest.mark.parametrize("text", ["advise DIR", "advise 'a`b'", "`a`", "a``b `c` ```d"])
def test_code_in_a_line_is_what_it_was_whatever_backticks_it_holds(text: str) -> None:
    (line,) = MarkdownIt().parseInline(f"Do {code_span(text)} now")
    found = [(each.type, each.content) for each in line.children or ()]
    assert found == [("text", "Do "), ("code_inline", text), ("text", " now")]
