"""Every link and picture of every page leads to a file that is there, and to a heading in it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from pages import PAGES, ROOT, anchors, inline


def broken(page: Path, target: str) -> str | None:
    """What is wrong with a link of a page; None for one that leads somewhere or outside."""
    url = urlsplit(target)
    if url.scheme:
        return None if url.scheme in ("http", "https", "mailto") else f"{target}: no link"
    file = page.parent / unquote(url.path) if url.path else page
    if not file.exists():
        return f"{target}: no such file"
    if url.fragment and file.suffix == ".md" and unquote(url.fragment) not in anchors(file):
        return f"{target}: no such heading"
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = [str(token.attrs["href"]) for token in inline(page, "link_open")]
    targets += [str(token.attrs["src"]) for token in inline(page, "image")]
    assert [fault for target in targets if (fault := broken(page, target))] == []


def test_links_are_found_and_broken_ones_noticed() -> None:
    readme = ROOT / "README.md"
    assert sum(1 for _ in inline(readme, "link_open")) > 15
    assert broken(readme, "docs/absent.md") == "docs/absent.md: no such file"
    assert broken(readme, "#absent") == "#absent: no such heading"
    assert broken(readme, "docs/science.md#the-learning-curve") is None
    assert broken(readme, "#中文說明") is None


def test_every_page_of_the_folder_is_in_the_sites_index() -> None:
    index = (ROOT / "docs/index.md").read_text(encoding="utf-8").splitlines()
    pages = {page.stem for page in PAGES if page.parent == ROOT / "docs"}
    assert pages - {"index"} - set(index) == set()
