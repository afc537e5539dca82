"""What a user wrote cannot act in Markdown."""

from __future__ import annotations

import re

import pytest

from sixteenth.report.page.markdown import escape


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
