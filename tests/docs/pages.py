"""The pages that a reader sees, taken apart: code blocks, commands, links and headings."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")),
    ROOT / "docs/results/README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
MARKER = re.compile(r"<!-- (run|not run: \S.*?) -->")
"""Before a block of commands, for it and all below up to the next marker."""
PROGRAMS = ("sixteenth", "python", "python3", "pip", "uv", "sphinx-build", "pytest", "pre-commit")
"""What commands begin with in blocks that hold output as well."""


@dataclass(frozen=True)
class Block:
    """A code block, and the marker that holds for it."""

    page: Path
    line: int
    language: str
    text: str
    marker: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    def commands(self) -> list[list[str]]:
        """The words of each command, without what stands before its program.

        Of a block in bash all lines are commands; of an indented one those that name a program.
        """
        if self.language not in ("bash", "indented"):
            return []
        lines = self.text.replace("\\\n", " ").splitlines()
        found = [words for line in lines if self.may_be_command(line) for words in split(line)]
        return found if self.language == "bash" else [each for each in found if is_program(each[0])]

    def may_be_command(self, line: str) -> bool:
        """Whether the line may be split like a shell's: output has unpaired quotes."""
        return self.language == "bash" or any(name in line for name in PROGRAMS)


def is_program(word: str) -> bool:
    """Whether the word names one of the programs, with or without a path."""
    return word.rpartition("/")[2] in PROGRAMS


def split(line: str) -> list[list[str]]:
    """The commands of a shell's line: without variables, `nice`, redirections and comments."""
    commands = []
    for part in line.split(" && "):
        words = shlex.split(part, comments=True)
        while words and re.fullmatch(r"\w+=.*", words[0]):
            words.pop(0)
        if words[:1] == ["nice"]:
            del words[:3]
        if words[:1] in (["srun"], ["time"]):
            words.pop(0)
        if ">" in words:
            del words[words.index(">") :]
        if words:
            commands.append(words)
    return commands


@cache
def tokens(page: Path) -> list[Token]:
    """The page as CommonMark with tables."""
    return MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))


def blocks(page: Path) -> Iterator[Block]:
    """The code blocks of a page, in their order."""
    marker = ""
    for token in tokens(page):
        if token.type == "html_block" and (found := MARKER.search(token.content)):
            marker = found[1]
        if token.type in ("fence", "code_block") and token.map:
            language = token.info if token.type == "fence" else "indented"
            yield Block(page, token.map[0] + 1, language, token.content, marker)


def inline(page: Path, kind: str) -> Iterator[Token]:
    """The tokens of one kind within the text of a page, such as ``code_inline``."""
    for token in tokens(page):
        yield from (child for child in token.children or () if child.type == kind)


@cache
def anchors(page: Path) -> frozenset[str]:
    """The anchors of a page's headings, as GitHub and MyST make them."""
    found: list[str] = []
    every = tokens(page)
    for opening, content in itertools.pairwise(every):
        if opening.type == "heading_open":
            text = "".join(child.content for child in content.children or ())
            slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            again = sum(
                re.fullmatch(rf"{re.escape(slug)}(-\d+)?", other) is not None for other in found
            )
            found.append(f"{slug}-{again}" if again else slug)
    return frozenset(found)
