"""The next most useful thing to do: what it would buy, what it costs, and how sure that is.

Advice starts from the best network that the study trained, because that one is there already. What
was measured is told from what a fitted curve foresees and from what nobody has tried. The order is
by rule, not by a guess at prices: first what needs no new label and was found wanting (training
that had not ended, pretrained weights that were not tried), then more labels as far as the curve
foresees a gain, then what would make the answer surer. `docs/science.md` has the rules.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import pairwise
from typing import Literal

from ...language.numbers import (
    count,
    interval,
    large,
    percent,
    plural,
    points,
    rounded,
    signed,
    upper_first,
)
from ..curves.doubling import SAME_SIZE
from ..curves.forecast import FORESEEN, arm_words, doubts, gain_text, leaders, next_doubling, share
from ..curves.joint import Curves
from ..inputs.grid import Cell, Grid
from ..stats.intervals import LEVEL
from ..stats.paired import compare_cells
from .diagnosis import Diagnosis, TooFewSteps, accuracy_span, describe_cell
from .expectation import SizeVerdict
from .target import Target, reach
from .types import Claim, Finding

Sureness = Literal["forecast", "not tried"]

LARGE_LEAD = 0.05
"""A lead of one training over another that no usual spread between trainings turns round."""
WIDE = 1.0
"""A forecast whose interval is wider than this many times its gain is called rough."""


@dataclass(frozen=True)
class Step:
    """One thing to do next."""

    kind: Literal["steps", "init", "use", "labels", "model", "sizes", "seeds"]
    """use: images that have labels already; labels: images that have none yet."""
    what: str
    """What to do, as an imperative without a full stop."""
    why: str
    """The finding behind it, and the gain where one is known: a sentence."""
    cost: str
    """What it takes, and what is not known of it: a sentence, or empty."""
    gain: float = math.nan
    """Expected gain in test accuracy, as a share; NaN where nothing is known of it."""
    low: float = math.nan
    high: float = math.nan
    level: float = math.nan
    images: float = 0.0
    """New labelled images that it takes."""
    flops: float = math.nan
    """Floating-point operations of the training that it takes."""
    sure: Sureness = "not tried"

    @property
    def text(self) -> str:
        """All of it as sentences."""
        return " ".join(
            part for part in (f"{upper_first(self.what)}.", self.why, self.cost) if part
        )


@dataclass(frozen=True)
class Advice:
    """What to do next, the most useful first; `best` is what there is already."""

    best: str
    steps: list[Step] = field(default_factory=list)
    target: Target | None = None

    def to_dict(self) -> dict[str, object]:
        """The same as plain values for JSON; numbers that are not finite become None."""
        return {
            "best": self.best,
            "target": None if self.target is None else _plain(self.target),
            "steps": [_plain(step) for step in self.steps],
        }


def advise(
    grid: Grid,
    curves: Curves,
    diagnoses: Sequence[Diagnosis] = (),
    rows: Sequence[SizeVerdict] = (),
    *,
    never_pretrained: Sequence[str] = (),
    target_error: float | None = None,
    level: float = LEVEL,
) -> Advice:
    """What to do next.

    Args:
        grid: the study.
        curves: its fitted curves.
        diagnoses: of its runs; training that had not ended is read from them.
        rows: its comparisons of the smallest with the largest model.
        never_pretrained: models that nobody has pretrained weights of.
        target_error: a wanted test error, in [0, 1].
        level: of the intervals of what was measured.
    """
    if not grid.cells:
        return Advice("No run of this study has finished, so there is nothing to advise from yet.")
    best = max(grid.cells, key=lambda cell: cell.accuracy)
    target = None if target_error is None else reach(grid, curves, target_error)
    steps = [
        *_unfinished(grid, best, diagnoses),
        *_pretrained(grid, best, never_pretrained),
        *_labels(curves, best),
        *_bigger(grid, best, rows),
        *_sizes(grid, curves, best),
        *_seeds(grid, best, level),
    ]
    if target is not None and target.reached:
        steps = [step for step in steps if step.kind == "seeds"]
    return Advice(_best_text(grid, best, level), steps, target)


def advice_section(advice: Advice) -> list[Finding]:
    """The advice as the end of a discussion; its order is a ranking."""
    claims: list[Finding] = [Claim(advice.best, {}, "measured")]
    if advice.target is not None:
        claims.append(Claim(advice.target.text, _plain(advice.target), "suggestive"))
    for step in advice.steps:
        claims.append(Claim(step.text, _plain(step), "note"))
    return claims


def _best_text(grid: Grid, best: Cell, level: float) -> str:
    around = accuracy_span(best, level)
    around = f", {around}" if around else ""
    text = (
        f"The best of what was trained is {describe_cell(grid, best)}: {percent(best.accuracy)} "
        f"of the test images are right{around}"
    )
    rivals = [
        cell
        for cell in grid.cells
        if cell is not best
        and cell.train_size <= best.train_size
        and compare_cells(grid, cell, best, level).verdict == "cannot tell"
    ]
    if rivals:
        rival = max(rivals, key=lambda cell: cell.accuracy)
        text += f"; these runs cannot tell it from {describe_cell(grid, rival)}"
        text += f" ({percent(rival.accuracy)})"
        ratio = rival.mean("train_flops") / best.mean("train_flops")
        if ratio < 0.95:
            text += f", which took {ratio:.2f} times the training FLOPs"
    return f"{text}."


def _unfinished(grid: Grid, best: Cell, diagnoses: Sequence[Diagnosis]) -> list[Step]:
    """Train longer, where the best network was still improving on its training images."""
    found = [d for d in diagnoses if isinstance(d, TooFewSteps) and d.run_id in best.run_ids]
    if not found:
        return []
    climb = found[0].climb
    flops, steps = 2 * best.mean("train_flops"), best.mean("steps")
    why = (
        f"Training accuracy of {describe_cell(grid, best)} was still climbing at the end, by "
        f"{points(climb)} over the last third of the epochs, and stood at "
        f"{percent(best.mean('train_accuracy'))}."
    )
    more = f" (train.steps: {round(2 * steps)})" if math.isfinite(steps) else ""
    cost = (
        f"Twice the steps{more} take no label{_work(flops, ', but')}; what they buy was not tried."
    )
    return [Step("steps", "train longer, before labelling more", why, cost, flops=flops)]


def _pretrained(grid: Grid, best: Cell, never_pretrained: Sequence[str]) -> list[Step]:
    """Pretrained weights, where the study used none."""
    if best.init != "random" or len(grid.inits) > 1:
        return []
    if best.model in never_pretrained:
        what = "try a model that has pretrained weights, such as resnet18"
        why = f"{upper_first(grid.name(best.model))} has none, and no run here used any."
        return [Step("init", what, why, "They need no label; what they buy here is not known.")]
    flops = best.mean("train_flops")
    why = "No run here used any, and what they buy on these images is not known."
    cost = f"They need no label, and a run costs what this one did{_work(flops, ':')}."
    return [Step("init", "try pretrained weights", why, cost, flops=flops)]


def _labels(curves: Curves, best: Cell) -> list[Step]:
    """More images: the forecast of the next doubling, and who would lead then."""
    arm = (best.model, best.init)
    found = next_doubling(curves, arm)
    if found is None:
        return []
    images, flops = found.images, 2 * curves.grid.curve(*arm)[-1].mean("train_flops")
    why = (
        f"With {count(2 * images)} images {arm_words(curves, arm)} would {gain_text(found)} by its "
        "fitted curve"
    )
    if not found.seen:
        why += ", which leaves open whether it would gain at all"
    elif found.high - found.low > WIDE * found.gain:
        why += ", a rough forecast"
    doubt = doubts(curves, arm)
    if doubt:
        why += f" ({doubt})"
    lead = leaders(curves, 2 * images)
    if len(lead) > 1 and lead[0][0] != arm and lead[0][1] > 0.5:
        why += (
            f"; {arm_words(curves, lead[0][0])} would then be the best with probability "
            f"{share(lead[0][1], FORESEEN)}"
        )
    cost = f"Training on them costs{_work(flops)} at the same epochs." if flops > 0 else ""
    # Of images that have labels already, and were not all trained on, none has to be labelled.
    labelled = curves.grid.labelled
    idle = labelled > images * (1 + SAME_SIZE)
    more = max(0.0, 2 * images - labelled) if idle else images
    kind: Literal["use", "labels"] = "labels"
    what = f"label {count(more)} more images"
    if more <= SAME_SIZE * images:
        more, kind, what = (
            0.0,
            "use",
            f"train {arm_words(curves, arm)} on {count(2 * images)} images",
        )
        cost = f"They are labelled already. {cost}".rstrip()
    elif idle:
        cost = f"{count(labelled)} are labelled already. {cost}".rstrip()
    step = Step(kind, what, f"{why}.", cost, sure="forecast")
    return [
        replace(
            step,
            gain=found.gain,
            low=found.low,
            high=found.high,
            level=found.level,
            images=more,
            flops=flops,
        )
    ]


def _bigger(grid: Grid, best: Cell, rows: Sequence[SizeVerdict]) -> list[Step]:
    """A bigger model than any here, where the bigger one of the study was ahead and it counts."""
    row = next((row for row in rows if row.big.key == best.key), None)
    if row is None or row.outcome == "cannot tell" or row.found.verdict != "above":
        return []
    found = row.found
    why = (
        f"Going up to {grid.name(best.model)} from {grid.name(row.small.model)} bought "
        f"{points(found.value)} ({interval(found.low, found.high, found.level)}); whether the next "
        "size up does too was not tried."
    )
    return [Step("model", f"try a bigger model than {grid.name(best.model)}", why, "")]


def _sizes(grid: Grid, curves: Curves, best: Cell) -> list[Step]:
    """One more fraction, where the curve's interval is too wide to plan with."""
    arm = (best.model, best.init)
    known = [cell.train_size for cell in grid.curve(*arm)]
    found = next_doubling(curves, arm)
    if found is not None and found.high - found.low <= WIDE * abs(found.gain):
        return []
    wanted = _missing_size(known)
    flops = best.mean("train_flops") * wanted / best.train_size
    why = "One size says nothing of what more images would buy."
    if found is not None:
        why = (
            f"{plural(len(known), 'size')} leave a wide forecast of what more images would buy; "
            "one more makes it narrower."
        )
    cost = f"That takes no label{_work(flops, ', but')}."
    what = f"train {arm_words(curves, arm)} on about {rounded(wanted)} images as well"
    return [Step("sizes", what, why, cost, flops=flops)]


def _missing_size(known: Sequence[float]) -> float:
    """Where one more size helps most: in the middle of the widest gap, on a logarithmic axis.

    Where no gap is wider than a factor of 2.5, and with one size, it is half of the smallest.
    """
    gaps = [(b / a, math.sqrt(a * b)) for a, b in pairwise(known)]
    widest, middle = max(gaps, default=(1.0, 0.0))
    return middle if widest > 2.5 else known[0] / 2


def _seeds(grid: Grid, best: Cell, level: float) -> list[Step]:
    """More seeds of the best cell and of the one that it has to be told from."""
    others = [
        cell
        for cell in grid.cells
        if cell.train_size == best.train_size and (cell.model, cell.init) != (best.model, best.init)
    ]
    if not others:
        return []
    rival = max(others, key=lambda cell: cell.accuracy)
    found = compare_cells(grid, rival, best, level)
    single = found.seeds == 1
    if found.verdict == "above" and (not single or found.value > LARGE_LEAD):
        return []
    flops = 2 * (best.mean("train_flops") + rival.mean("train_flops"))
    pair = f"{describe_cell(grid, best)} and {describe_cell(grid, rival)}"
    span = f"{signed(found.value)} points, {interval(found.low, found.high, level)}"
    why = f"{pair} cannot be told apart ({span})."
    if found.verdict == "below":
        why = (
            f"{describe_cell(grid, best)} is best over all its seeds, but over those that both "
            f"have {describe_cell(grid, rival)} is ahead by {points(found.value)}."
        )
    elif found.verdict == "above":
        why = (
            f"{describe_cell(grid, best)} is ahead of {describe_cell(grid, rival)} by "
            f"{points(found.value)}, but one training of each does not show the spread between "
            "trainings."
        )
    what = "train two more seeds of the two best, before choosing between them"
    return [
        Step(
            "seeds", what, why, f"Two more seeds take no label{_work(flops, ', but')}.", flops=flops
        )
    ]


def _work(flops: float, word: str = "") -> str:
    """Training work after a word, or nothing where it is not known."""
    return f"{word} {large(flops)} FLOPs" if math.isfinite(flops) and flops > 0 else ""


def _plain(item: Step | Target) -> dict[str, object]:
    values = {f.name: getattr(item, f.name) for f in fields(item)}
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in values.items()
    }
