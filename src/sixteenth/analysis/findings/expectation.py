"""Was the bigger model better, as the study expected: at each size, and overall."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ...language.numbers import count, interval, join, p_value, percent, points, signed
from ..curves.forecast import crossover_claims
from ..curves.joint import Curves
from ..inputs.grid import Cell, Grid, common_seeds
from ..stats.paired import Contrast, compare_cells, contrast
from ..stats.significance import holm
from .diagnosis import from_weights
from .types import Claim, Finding

Expect = Literal["bigger-is-better", "smaller-is-better", "none"]


@dataclass(frozen=True)
class TooLittle:
    """Why a difference does not count although its interval leaves out zero.

    Attributes:
        p: of the difference alone.
        sizes: compared; Holm's correction is for so many.
        only_among_several: alone it would count.
    """

    p: float
    sizes: int
    only_among_several: bool


@dataclass(frozen=True)
class SizeVerdict:
    """The bigger against the smaller model at one size."""

    init: str
    small: Cell
    big: Cell
    found: Contrast
    p: float
    """Holm's adjusted p over the sizes of this init; NaN where no test could be made."""
    outcome: Literal["held", "opposite", "cannot tell"]
    """Not "cannot tell" only if the interval leaves out zero and `p` is below one minus its level:
    with several sizes, one of them would too often seem to differ by chance."""
    sizes: int = 1
    """How many sizes of this init are compared."""

    @property
    def too_little(self) -> TooLittle | None:
        """Why a difference does not count although its interval leaves out zero, if it does not."""
        if self.outcome != "cannot tell" or self.found.verdict == "cannot tell":
            return None
        p = self.found.p_value
        return TooLittle(p, self.sizes, only_among_several=p <= 1 - self.found.level)

    @property
    def detectable(self) -> float:
        """Smallest difference that would have counted with a probability of 80% at least."""
        return self.found.detectable_of(self.sizes)


def verdicts(grid: Grid, expect: str, level: float) -> list[SizeVerdict]:
    """The comparison at every size and init that both models have finished.

    With nothing expected, "held" stands for the bigger model being ahead.
    """
    if not grid.sizes_known:
        return []
    better = "below" if expect == "smaller-is-better" else "above"
    rows: list[SizeVerdict] = []
    for init in grid.inits:
        pairs = [
            common_seeds(*pair)  # so that text and difference agree
            for pair in grid.shared((grid.models[0], init), (grid.models[-1], init))
        ]
        found = [compare_cells(grid, small, big, level) for small, big in pairs]
        adjusted = holm([one.p_value for one in found])
        for (small, big), one, p in zip(pairs, found, adjusted, strict=True):
            outcome: Literal["held", "opposite", "cannot tell"] = "cannot tell"
            if one.verdict != "cannot tell" and p <= 1 - level:
                outcome = "held" if one.verdict == better else "opposite"
            rows.append(SizeVerdict(init, small, big, one, float(p), outcome, len(pairs)))
    return rows


def expectation(
    grid: Grid, rows: Sequence[SizeVerdict], expect: str, curves: Curves, level: float
) -> list[Finding]:
    """Each size's difference, then whether the expectation held."""
    if not rows:
        return [_nothing_to_compare(grid)]
    claims: list[Claim] = []
    if len(grid.models) > 2:
        text = (
            f"Of {len(grid.models)} models, the smallest ({grid.name(grid.models[0])}) and the "
            f"largest ({grid.name(grid.models[-1])}) are compared."
        )
        claims.append(Claim(text, {}, "note"))
    claims += _tests(rows, level)
    for init in dict.fromkeys(row.init for row in rows):
        mine = [row for row in rows if row.init == init]
        if expect != "none":
            claims.append(_verdict(grid, mine, expect))
        claims += [_size(grid, row, level) for row in mine]
        claims += _more_from_data(grid, mine, expect, level)
        claims += crossover_claims(curves, init)
    return list(claims)


def _tests(rows: Sequence[SizeVerdict], level: float) -> list[Claim]:
    """What is compared and how it is tested, once for all rows."""
    texts = []
    if all(row.found.seeds == 1 for row in rows):
        texts.append(
            "Each line compares two trained networks, one of each model; other trainings of the "
            "same models may differ"
        )
    tested = [row for row in rows if math.isfinite(row.p)]
    if tested:
        exact = all(row.found.only_first is not None for row in tested)
        test = "McNemar's exact test" if exact else "the test that belongs to the interval"
        most = max(sum(row.init == init for row in tested) for init in {r.init for r in tested})
        holms = f", with Holm's correction for {most} sizes" if most > 1 else ""
        counts = f"; a difference counts when p is at most {1 - level:.2f}" if most > 1 else ""
        texts.append(f"The p values: {test}{holms}{counts}")
    if not texts:
        return []
    return [Claim(f"{'. '.join(texts)}.", {"comparisons": len(tested)}, "note")]


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
    weights = from_weights(grid, rows[0].init)
    # One training of each is a word on two networks, not on two models.
    head = (
        f"From {weights}" if rows[-1].found.seeds > 1 else f"For the networks here from {weights}"
    )
    head += f", the expectation that the {ahead} model is better"
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


def _visible(row: SizeVerdict) -> str:
    """How small a difference these runs could have seen."""
    if not math.isfinite(row.detectable):
        return "these runs scatter so much that they could see no difference, however large"
    return f"one of {points(row.detectable)} would have been seen with 80% probability"


def _size(grid: Grid, row: SizeVerdict, level: float) -> Claim:
    """One size: who is ahead, by how much, and how sure that is."""
    found = row.found
    evidence = {**found.to_dict(), "p_holm": row.p, "detectable": row.detectable}
    small, big = (
        f"the trained {name}" if found.seeds == 1 else name
        for name in (grid.name(row.small.model), grid.name(row.big.model))
    )
    head = f"On {count(row.small.train_size)} images from {from_weights(grid, row.init)} "
    test = f", p {p_value(row.p)}" if math.isfinite(row.p) else ""
    if found.verdict == "cannot tell":
        text = (
            f"{head}no difference between {big} ({percent(row.big.accuracy)}) and {small} "
            f"({percent(row.small.accuracy)}) that these runs could see: {signed(found.value)} "
            f"points ({interval(found.low, found.high, level)}{test}); {_visible(row)}."
        )
        return Claim(text, evidence, "cannot tell")
    first, second = (big, small) if found.value > 0 else (small, big)
    values = [percent(row.big.accuracy), percent(row.small.accuracy)]
    if found.value < 0:
        values.reverse()
    span = interval(found.low, found.high, level, flip=found.value < 0)
    text = f"{head}{first} ({values[0]}) is ahead of {second} ({values[1]}) by "
    text += f"{points(found.value)} ({span}{test})"
    if row.too_little:
        return Claim(f"{text}, {_too_little(row.too_little)}.", evidence, "cannot tell")
    return Claim(f"{text}.", evidence)


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
        return [Claim(text, found.to_dict(), "cannot tell")]
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
    return [Claim(f"{text}.", found.to_dict())]


def _too_little(found: TooLittle) -> str:
    if found.only_among_several:
        return f"too little to count when {found.sizes} sizes are looked at"
    return f"too little to count: p {p_value(found.p)}"
