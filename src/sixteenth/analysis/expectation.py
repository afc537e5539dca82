"""Was the bigger model better, as the study expected: at each size, and overall."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .claims import Claim, Section
from .compare import Contrast, compare_cells, contrast
from .diagnosis import from_weights
from .tables import Cell, Grid, common_seeds
from .wording import count, interval, join, percent, points, signed

Expect = Literal["bigger-is-better", "smaller-is-better", "none"]

P_SHOWN = 0.001
"""p values below this are written as smaller than it."""


@dataclass(frozen=True)
class SizeVerdict:
    """The bigger against the smaller model at one size."""

    init: str
    small: Cell
    big: Cell
    found: Contrast
    outcome: Literal["held", "opposite", "cannot tell"]


def verdicts(grid: Grid, expect: str, level: float) -> list[SizeVerdict]:
    """The comparison at every size and init that both models have finished.

    With nothing expected, "held" stands for the bigger model being ahead.
    """
    if not grid.sizes_known:
        return []
    better = "below" if expect == "smaller-is-better" else "above"
    rows = []
    for init in grid.inits:
        for small, big in grid.shared((grid.models[0], init), (grid.models[-1], init)):
            small, big = common_seeds(small, big)  # so that text and difference agree
            found = compare_cells(grid, small, big, level)
            outcome: Literal["held", "opposite", "cannot tell"] = "cannot tell"
            if found.verdict != "cannot tell":
                outcome = "held" if found.verdict == better else "opposite"
            rows.append(SizeVerdict(init, small, big, found, outcome))
    return rows


def expectation(grid: Grid, rows: Sequence[SizeVerdict], expect: str, level: float) -> Section:
    """Each size's difference, then whether the expectation held."""
    title = "Bigger and smaller model" if expect == "none" else "Was the expectation met?"
    if not rows:
        return Section("expectation", title, [_nothing_to_compare(grid)])
    claims: list[Claim] = []
    if len(grid.models) > 2:
        text = (
            f"Of {len(grid.models)} models, the smallest ({grid.name(grid.models[0])}) and the "
            f"largest ({grid.name(grid.models[-1])}) are compared."
        )
        claims.append(Claim(text, {}, "note"))
    for init in dict.fromkeys(row.init for row in rows):
        mine = [row for row in rows if row.init == init]
        if expect != "none":
            claims.append(_verdict(grid, mine, expect))
        claims += [_size(grid, row, level) for row in mine]
        claims += _more_from_data(grid, mine, expect, level)
    return Section("expectation", title, claims)


def _nothing_to_compare(grid: Grid) -> Claim:
    if len(grid.models) < 2:
        text = "This study has one model: whether a bigger one is better was not part of it."
    elif not grid.sizes_known:
        text = "Which of the models is the bigger one is not known: their parameters do not differ."
    else:
        text = "No size has finished runs of both the smallest and the largest model."
    return Claim(text, {}, "note" if len(grid.models) < 2 else "cannot tell")


def _verdict(grid: Grid, rows: Sequence[SizeVerdict], expect: str) -> Claim:
    ahead = "bigger" if expect == "bigger-is-better" else "smaller"
    head = f"From {from_weights(grid, rows[0].init)}, the expectation that the {ahead} model is "
    head += "better"
    sizes = {
        outcome: [count(row.small.train_size) for row in rows if row.outcome == outcome]
        for outcome in ("held", "opposite", "cannot tell")
    }
    evidence: dict[str, object] = {
        **{outcome: list(found) for outcome, found in sizes.items()},
        "run_ids": [i for row in rows for i in row.found.run_ids],
    }
    whole = "the one size measured"
    if len(rows) > 1:
        whole = "both sizes" if len(rows) == 2 else f"all {len(rows)} sizes"
    if len(sizes["held"]) == len(rows):
        return Claim(f"{head} held at {whole}.", evidence)
    if len(sizes["opposite"]) == len(rows):
        return Claim(f"{head} did not hold: the opposite was found at {whole}.", evidence)
    if len(sizes["cannot tell"]) == len(rows):
        text = f"{head} was neither met nor refuted: at {whole} these runs cannot see a difference."
        return Claim(text, evidence, "cannot tell")
    words = {
        "held": "held on",
        "opposite": "was reversed on",
        "cannot tell": "could not be judged on",
    }
    parts = [f"{words[outcome]} {join(found)} images" for outcome, found in sizes.items() if found]
    return Claim(f"{head} {join(parts)}.", evidence)


def _visible(found: Contrast) -> str:
    """How small a difference these runs could have seen."""
    if not math.isfinite(found.detectable):
        return "these runs scatter so much that they could see no difference, however large"
    return f"one of {points(found.detectable)} would have been seen with 80% probability"


def _size(grid: Grid, row: SizeVerdict, level: float) -> Claim:
    """One size: who is ahead, by how much, and how sure that is."""
    found = row.found
    small, big = grid.name(row.small.model), grid.name(row.big.model)
    head = f"On {count(row.small.train_size)} images from {from_weights(grid, row.init)} "
    test = ""
    if math.isfinite(found.p_value):
        p = f"< {P_SHOWN}" if found.p_value < P_SHOWN else f"= {found.p_value:.3f}"
        test = f"; McNemar's exact p {p}"
    if found.verdict == "cannot tell":
        text = (
            f"{head}no difference between {big} ({percent(row.big.accuracy)}) and {small} "
            f"({percent(row.small.accuracy)}) that these runs could see: {signed(found.value)} "
            f"points ({interval(found.low, found.high, level)}{test}); {_visible(found)}."
        )
        return Claim(text, found.numbers(), "cannot tell")
    first, second = (big, small) if found.value > 0 else (small, big)
    values = [percent(row.big.accuracy), percent(row.small.accuracy)]
    if found.value < 0:
        values.reverse()
    span = interval(found.low, found.high, level, flip=found.value < 0)
    text = f"{head}{first} ({values[0]}) is ahead of {second} ({values[1]}) by "
    return Claim(f"{text}{points(found.value)} ({span}{test}).", found.numbers())


def _more_from_data(
    grid: Grid, rows: Sequence[SizeVerdict], expect: str, level: float
) -> list[Claim]:
    """Whether the bigger model gains more from more data: a difference of differences."""
    if len(rows) < 2:
        return []
    a, b = rows[0], rows[-1]
    cells = common_seeds(a.small, a.big, b.small, b.big)
    found = contrast(grid, list(zip((1, -1, -1, 1), cells, strict=True)), level=level)
    big, small = grid.name(a.big.model), grid.name(a.small.model)
    gains = [cells[3].accuracy - cells[1].accuracy, cells[2].accuracy - cells[0].accuracy]
    text = (
        f"From {count(a.small.train_size)} to {count(b.small.train_size)} images {big} gained "
        f"{signed(gains[0])} points and {small} {signed(gains[1])}"
    )
    span = f"{signed(found.value)}, {interval(found.low, found.high, level)}"
    if found.verdict == "cannot tell":
        text += f": whether the bigger model gains more from data cannot be told ({span})."
        return [Claim(text, found.numbers(), "cannot tell")]
    more = "more" if found.verdict == "above" else "less"
    text += f": the bigger model gained {more} from more data ({span})"
    before = rows[-2]
    steps = common_seeds(before.small, before.big, b.small, b.big)
    last = contrast(grid, list(zip((1, -1, -1, 1), steps, strict=True)), level=level)
    if last.verdict not in (found.verdict, "cannot tell"):
        # The range that a user acts on next must not be hidden by the whole.
        now = "more" if last.verdict == "above" else "less"
        text += (
            f". But in the last step, from {count(before.small.train_size)} images on, it gained "
            f"{now} ({signed(last.value)}, {interval(last.low, last.high, level)})"
        )
    elif expect == "bigger-is-better":
        text += ", as expected" if more == "more" else ", against the expectation"
    return [Claim(f"{text}.", found.numbers())]
