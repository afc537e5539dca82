"""The numbers that docs/questions.md quotes are those of the studies and of docs/science.md."""

from __future__ import annotations

import re

import pandas as pd
from pages import ROOT

from sixteenth.analysis import analyse
from sixteenth.language import language_for
from sixteenth.language.text import plain

QUESTIONS = (ROOT / "docs/questions.md").read_text(encoding="utf-8")
SCIENCE = (ROOT / "docs/science.md").read_text(encoding="utf-8")


def flat(text: str) -> str:
    """The text in one line, without the marks of a quotation."""
    return " ".join(re.sub(r"^>", "", text, flags=re.M).split())


def found(pattern: str, text: str) -> tuple[str, ...]:
    """The groups of a pattern that a page must hold once."""
    matches = list(re.finditer(pattern, flat(text)))
    assert len(matches) == 1, f"{pattern!r} stands {len(matches)} times in the page"
    return matches[0].groups()


def detected(seeds: str) -> tuple[str, str]:
    """The ends of the column "decided" of the simulated studies with so many seeds."""
    table = SCIENCE.partition("\nNow (the same command")[2].split("\n\n")[1]
    header, _, *rows = ([cell.strip() for cell in row.split("|")] for row in table.splitlines())
    column = header.index("decided")
    shares = [int(row[column]) for row in rows if row[1].startswith(seeds)]
    return str(min(shares)), str(max(shares))


def test_forecasts_that_held_are_those_of_the_science_page() -> None:
    held, of, *misses = found(
        r"(\d+) of (\d+) hold it, the (\w+) misses by ([\d.]+) to ([\d.]+) points", SCIENCE
    )
    quoted = found(
        r"of (\d+) forecasts from 1/16 and 1/2 of the images in our studies, (\d+) held, and (\w+) "
        r"missed by ([\d.]+) to ([\d.]+) points",
        QUESTIONS,
    )
    assert quoted == (of, held, *misses)


def test_detected_differences_are_those_of_the_table_on_the_science_page() -> None:
    one, three = detected("1 seed,"), detected("3 seeds,")
    quoted = found(
        r"three seeds detected (\d+) to (\d+)% of the true differences between models, one seed "
        r"(\d+) to (\d+)%",
        QUESTIONS,
    )
    assert quoted == (*three, *one)
    assert found(r"With three trainings (\d+) to (\d+)% are detected", SCIENCE) == three
    assert found(r"with one training: (\d+) to (\d+)% of the differences", SCIENCE) == one


def test_the_quoted_target_is_what_advise_says_of_the_study() -> None:
    results = pd.read_csv(ROOT / "docs/results/lite-jpeg/results.csv")
    findings = analyse(results, target_error=0.05)
    target = language_for(findings).advise(findings).target
    assert target is not None
    assert flat(plain(target.text)) in flat(QUESTIONS)
