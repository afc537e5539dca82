"""What the first screen of a report claims, brought to one form that a benchmark can score.

The one place of the benchmarks that knows the findings' fields: `read` takes a list of moves (the
data moves already spent beside a forecast) as well as a list of options ahead. Each statement is a
difference of two accuracies, each of an arm, a number of images and a training length.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sixteenth.analysis import Findings
from sixteenth.analysis import cells as cell_table
from sixteenth.analysis.findings.expectation import SizeVerdict

Arm = tuple[str, str]
Point = tuple[Arm, float, float]
"""Model and init, training images, and the share of the study's own steps."""

SIGNS = {"helps": 1, "hurts": -1, "above": 1, "below": -1}
"""What a verdict claims; everything else claims nothing."""


@dataclass(frozen=True)
class Statement:
    """A difference of accuracies with its interval.

    Attributes:
        sign: of the difference, as claimed; 0 where nothing is claimed.
        forecast: it is of something that was not trained.
        alone: the gain that more images are credited with, apart from more steps; NaN where no
            gain is.
    """

    kind: str
    plus: Point
    minus: Point
    low: float
    high: float
    sign: int
    forecast: bool = False
    alone: float = math.nan


@dataclass(frozen=True)
class Screen:
    """What is read first, and the comparison at every size.

    Attributes:
        first: the option named first; None where there is none.
        start: (arm, images) that the first option starts from.
        paragraph: the statements of the first paragraph.
        options: all statements of the list.
        ahead: pairs of which the first is claimed to bring more than the second.
        only: the first helped and, it is claimed, no other one of the paragraph.
        sizes: the bigger against the smaller model; `sign` by the outcome that is told.
        cells: arm, images, low and high end of each cell's interval.
    """

    first: Statement | None
    start: tuple[Arm, float]
    paragraph: tuple[Statement, ...]
    options: tuple[Statement, ...]
    ahead: tuple[tuple[Statement, Statement], ...]
    only: bool
    sizes: tuple[Statement, ...]
    cells: tuple[tuple[Arm, float, float, float], ...]


def read(found: Findings, results: pd.DataFrame) -> Screen:
    """The claims of a study's findings; `results` is the table that they are from."""
    options = [_option(found, each) for each in found.options]
    listed = tuple(each for each in options if each is not None)
    headline = next((f for f in found.answer if hasattr(f, "moves")), None)
    named = tuple(_move(move) for move in headline.moves) if headline is not None else listed
    upcoming = tuple(_move(f.move) for f in found.answer if type(f).__name__ == "NextDoubling")
    lead = str(getattr(headline, "lead", ""))
    first = named[0] if named else None
    best = max(found.curves.grid.cells, key=lambda cell: cell.accuracy)
    start = (first.minus[0], best.train_size) if first else ((best.model, best.init), 0.0)
    return Screen(
        first=first,
        start=start,
        paragraph=named + upcoming,
        options=listed,
        ahead=tuple(
            (named[0], each) for each in named[1:] if lead in ("best-told", "only-one-helped")
        ),
        only=lead == "only-one-helped",
        sizes=tuple(
            _size(each)
            for section in found.sections
            for each in section.findings
            if isinstance(each, SizeVerdict)
        ),
        cells=tuple(
            ((row.model, row.init), float(row.train_size), row.low, row.high)
            for row in cell_table(results).itertuples()
        ),
    )


def _option(found: Findings, option: Any) -> Statement | None:
    """None where no truth can be known: a model or a resolution that the study does not hold."""
    if hasattr(option, "from_images"):
        return _move(option)
    kind = str(option.kind)
    if kind not in ("data", "model", "init", "training") or option.end is None:
        return None
    start, end = tuple(option.start), tuple(option.end)
    images = max(cell.train_size for cell in found.curves.grid.curve(*start))
    plus: Point = (end, images, 1.0)
    if kind == "data":
        plus = (end, images + option.new_images, 1.0)
    elif kind == "training":
        plus = (end, images, 2.0)
    sign = SIGNS.get(str(option.verdict), 0)
    alone = option.gain_at_equal_steps if kind == "data" else None
    return Statement(
        kind,
        plus,
        (start, images, 1.0),
        option.low,
        option.high,
        sign,
        not option.measured,
        math.nan if alone is None else alone,
    )


def _move(move: Any) -> Statement:
    kind = "data" if str(move.kind) == "next" else str(move.kind)
    return Statement(
        kind=kind,
        plus=(move.end, float(round(move.to_images)), 1.0),
        minus=(move.start, float(round(move.from_images)), 1.0),
        low=move.low,
        high=move.high,
        sign=SIGNS.get(str(move.verdict), 0),
        forecast=not move.measured,
        alone=move.gain if kind == "data" else math.nan,
    )


def _size(row: SizeVerdict) -> Statement:
    plus, minus = (((cell.model, cell.init), cell.train_size, 1.0) for cell in (row.big, row.small))
    told = row.outcome != "cannot tell"
    found = row.found
    return Statement(
        "model", plus, minus, found.low, found.high, SIGNS[found.verdict] if told else 0
    )
