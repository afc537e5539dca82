"""Every link and picture of every page leads to a file that is there, and to a heading in it."""

from __future__ import annotations

import tomllib
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


def targets(page: Path) -> list[str]:
    """What a page links to and shows, as it is written there."""
    links = [str(token.attrs["href"]) for token in inline(page, "link_open")]
    return links + [str(token.attrs["src"]) for token in inline(page, "image")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    assert [fault for target in targets(page) if (fault := broken(page, target))] == []


def test_the_source_archive_holds_the_pages_and_all_that_they_link_to() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    archive = settings["tool"]["hatch"]["build"]["targets"]["sdist"]
    held = [ROOT / name for name in archive["include"]]
    assert [path.name for path in held if not path.exists()] == []
    urls = [(page, urlsplit(target)) for page in PAGES for target in targets(page)]
    local = [(page, unquote(url.path)) for page, url in urls if url.path and not url.scheme]
    files = {(page.parent / path).resolve() for page, path in local}
    files |= {*PAGES, ROOT / "docs/conf.py", ROOT / "CITATION.cff"}
    missing = [file for file in files if not any(file.is_relative_to(path) for path in held)]
    assert missing == []


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
