"""What the first screen of a report claims, brought to one form that a benchmark can score.

The one place of the benchmarks that knows the findings' fields. Each statement is a difference of
two accuracies, each of an arm, a number of images and a training length.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from sixteenth.analysis import Cell, Contrast, Findings, Option, OptionKind
from sixteenth.analysis import cells as cell_table
from sixteenth.analysis.findings.advice import BestNetwork
from sixteenth.analysis.findings.answer import AnswerFinding, BoughtByImages, InHand
from sixteenth.analysis.findings.expectation import SizeVerdict
from sixteenth.analysis.findings.overview import Overview, Verdict
from sixteenth.analysis.findings.recommendation import recommend

Arm = tuple[str, str]
Point = tuple[Arm, float, float]
"""Model and init, training images, and the share of the study's own steps."""

SIGNS = {"helps": 1, "does not": -1, "above": 1, "below": -1}
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
        first: the first option of the list; None where there is none.
        title: the kind of option that the title says to take; empty where it names none.
        start: (arm, images) that the first option starts from.
        paragraph: what comes next from the best network, and the gains that are spent.
        options: all statements of the list.
        sizes: the bigger against the smaller model; `sign` by the outcome that is told.
        cells: arm, images, low and high end of each cell's interval.
    """

    first: Statement | None
    title: str
    start: tuple[Arm, float] | None
    paragraph: tuple[Statement, ...]
    options: tuple[Statement, ...]
    sizes: tuple[Statement, ...]
    cells: tuple[tuple[Arm, float, float, float], ...]


def read(found: Findings) -> Screen:
    """The claims of a study's findings."""
    options = [_option(each) for each in found.options]
    listed = tuple(each for each in options if each is not None)
    cells = tuple(
        ((str(row["model"]), str(row["init"])), row["train_size"], row["low"], row["high"])
        for row in cell_table(found.grid).to_dict("records")
    )
    named: tuple[Statement | None, ...] = ()
    if isinstance(found.advice.best, BestNetwork):
        onwards = recommend(found.options, found.advice.best.cell)
        named = (_option(onwards.option),)
    first = listed[0] if listed else None
    return Screen(
        first=first,
        title=_title(found.overview),
        start=(first.minus[0], max(images for _, images, _, _ in cells)) if first else None,
        paragraph=tuple(
            each
            for each in (*named, *(one for finding in found.answer for one in _spent(finding)))
            if each is not None
        ),
        options=listed,
        sizes=tuple(
            _size(each)
            for section in found.sections
            for each in section.findings
            if isinstance(each, SizeVerdict)
        ),
        cells=cells,
    )


def _title(seen: Overview) -> str:
    """What to do; of a gain that is in hand, what comes next."""
    if seen.verdict is Verdict.TRAIN_FIRST:
        return str(OptionKind.TRAINING)
    if seen.verdict is Verdict.IN_HAND:
        return str(seen.next.kind) if seen.next else ""
    return str(seen.card.option.kind) if seen.card and seen.verdict is Verdict.DO else ""


def _option(option: Option) -> Statement | None:
    """None without a gain, or where no truth can be known of it."""
    kind, start = str(option.kind), _point(option.start)
    if not option.known or option.end is None:
        return None
    images, length = (2 if kind == "data" else 1) * start[1], 2.0 if kind == "training" else 1.0
    return Statement(
        kind=kind,
        plus=(option.end, images, length),
        minus=start,
        low=option.low,
        high=option.high,
        sign=_sign(option),
        forecast=not option.measured,
        alone=option.gain_at_equal_steps if kind == "data" else math.nan,
    )


def _spent(finding: AnswerFinding) -> list[Statement]:
    """The gains that are spent, as the answer tells them."""
    if isinstance(finding, InHand):
        best = _point(finding.best)
        spent = (one for one in (finding.model, finding.init) if one is not None)
        return [
            Statement("spent", best, _point(one.start), one.low, one.high, _sign(one))
            for one in spent
        ]
    if not isinstance(finding, BoughtByImages):
        return []
    told = finding.doubling
    arm, half = told.arm, float(round(told.half.images))
    last, few = (arm, told.images, 1.0), (arm, half, 1.0)
    same_steps = (arm, told.images, half / told.images)
    images = told.from_images if told.more_steps else told.gain
    alone = images.value if images is not None else math.nan
    whole = replace(_contrast("data", last, few, told.gain), alone=alone)
    parts = [(same_steps, few, told.from_images), (last, same_steps, told.from_steps)]
    split = parts if told.more_steps else []
    return [whole, *(_contrast("part", a, b, found) for a, b, found in split if found is not None)]


def _point(cell: Cell) -> Point:
    return cell.arm, cell.train_size, 1.0


def _sign(option: Option) -> int:
    return SIGNS.get(str(option.verdict), 0)


def _contrast(kind: str, plus: Point, minus: Point, found: Contrast) -> Statement:
    return Statement(kind, plus, minus, found.low, found.high, SIGNS.get(found.side, 0))


def _size(row: SizeVerdict) -> Statement:
    told = _contrast("model", _point(row.big), _point(row.small), row.found)
    return told if row.outcome != "cannot tell" else replace(told, sign=0)
