"""What pretrained weights change: the gain at each size, where it is made, and for which model."""

from __future__ import annotations

import math

import pandas as pd

from ...language.numbers import count, interval, join, percent, points, signed
from ..curves.forecast import worth_claims
from ..curves.joint import Curves
from ..inputs.grid import Cell, Grid, common_seeds
from ..stats.paired import Contrast, compare_cells, contrast
from .diagnosis import from_weights
from .types import Claim, Finding


def pretraining(grid: Grid, curves: Curves, level: float) -> list[Finding]:
    """What pretrained weights change and why, as far as the study has both."""
    base = grid.inits[0] if grid.inits else "random"
    if len(grid.inits) < 2:
        unknown = "pretrained weights would bring"
        if base != "random":
            unknown = "they bring over random weights"
        text = f"All runs start from {from_weights(grid, base)}: what {unknown} was not part of "
        return [Claim(f"{text}this study.", {}, "note")]
    claims: list[Claim] = []
    for init in grid.inits[1:]:
        for model in grid.models:
            claims += _pretrained_arm(grid, curves, model, base, init, level)
        claims += _pretrained_models(grid, base, init, level)
    if not claims:
        text = "No cell has finished both with and without pretrained weights."
        claims = [Claim(text, {}, "cannot tell")]
    return list(claims)


def _pretrained_arm(
    grid: Grid, curves: Curves, model: str, base: str, init: str, level: float
) -> list[Claim]:
    pairs = [common_seeds(*pair) for pair in grid.shared((model, base), (model, init))]
    if not pairs:
        return []
    name, words, before = grid.name(model), grid.init_name(init), from_weights(grid, base)
    found = [compare_cells(grid, a, b, level) for a, b in pairs]
    parts = [
        f"{signed(c.value)} points on {count(a.train_size)} images "
        f"({interval(c.low, c.high, level)}{'' if c.verdict != 'cannot tell' else ', cannot tell'})"
        for c, (a, _) in zip(found, pairs, strict=True)
    ]
    claims = [
        Claim(
            f"{name} from {from_weights(grid, init)}, against {before}: {join(parts)}.",
            {
                "sizes": [a.train_size for a, _ in pairs],
                "differences": [one.to_dict() for one in found],
            },
            "measured" if any(c.verdict != "cannot tell" for c in found) else "cannot tell",
        )
    ]
    (a0, b0), (a1, b1) = pairs[0], pairs[-1]
    if len(pairs) > 1:
        a0, b0, a1, b1 = common_seeds(a0, b0, a1, b1)
        change = contrast(grid, [(1, b1), (-1, a1), (-1, b0), (1, a0)], level=level)
        span = f"{signed(change.value)} points, {interval(change.low, change.high, level)}"
        verb = {"above": "grows", "below": "shrinks"}.get(change.verdict)
        sizes = f"from {count(a0.train_size)} to {count(a1.train_size)} images"
        if verb:
            text = f"For {name}, what {words} bring {verb} {sizes} ({span})."
            claims.append(Claim(text, change.to_dict()))
        else:
            text = f"Whether that changes {sizes} cannot be told ({span})."
            claims.append(Claim(text, change.to_dict(), "cannot tell"))
    before_cell, after_cell = pairs[-1]
    claims += _pretrained_why(grid, before_cell, after_cell, found[-1])
    claims += _beaten(grid, model, base, init, level)
    claims += worth_claims(curves, model, base, init)
    return claims


def _pretrained_why(grid: Grid, a: Cell, b: Cell, found: Contrast) -> list[Claim]:
    """Where the gain is made: in the fit or in the gap; and how early."""
    claims = []
    fit = b.mean("train_accuracy") - a.mean("train_accuracy")
    gap = b.mean("gap") - a.mean("gap")
    name, size = grid.name(b.model), count(b.train_size)
    if found.verdict != "cannot tell" and math.isfinite(fit) and math.isfinite(gap):
        text = (
            f"On {size} images the training accuracy of {name} changes by {signed(fit)} points and "
            f"its generalisation gap by {signed(gap)}"
        )
        if found.value > 0 and max(fit, -gap) > 0:
            text += (
                ": most of the gain is a better fit within the same number of epochs"
                if fit >= -gap
                else ": most of the gain is a smaller gap, not a better fit"
            )
        evidence: dict[str, object] = {
            "train_accuracy_change": fit,
            "gap_change": gap,
            "run_ids": a.run_ids + b.run_ids,
        }
        claims.append(Claim(f"{text}.", evidence, "suggestive"))
    before, after = first_epoch(grid, a), first_epoch(grid, b)
    if before is not None and after is not None:
        text = (
            f"After the first epoch on {size} images, test accuracy is {percent(after)} from "
            f"{from_weights(grid, b.init)} and {percent(before)} from {from_weights(grid, a.init)}."
        )
        claims.append(Claim(text, {"first_epoch": [before, after]}))
    return claims


def first_epoch(grid: Grid, cell: Cell) -> float | None:
    """Test accuracy after one epoch, mean over the cell's seeds; None where histories lack it."""
    values = []
    for run in cell.runs:
        history = grid.histories.get(run.run_id)
        if history is None or not {"epoch", "test_accuracy"} <= set(history.columns):
            continue
        first = history.loc[history["epoch"] == 1, "test_accuracy"]
        values += [float(value) for value in first if pd.notna(value)]
    return sum(values) / len(values) if values else None


def _beaten(grid: Grid, model: str, base: str, init: str, level: float) -> list[Claim]:
    """The fewest images with pretrained weights that beat the most images without, if any."""
    scratch = grid.curve(model, base)
    if len(scratch) < 2:
        return []
    for cell in grid.curve(model, init):
        beaten = [
            (other, mine, found)
            for whole in scratch
            if whole.train_size > cell.train_size
            for other, mine in [common_seeds(whole, cell)]
            if (found := compare_cells(grid, other, mine, level)).verdict == "above"
        ]
        if beaten:
            other, mine, found = beaten[-1]
            text = (
                f"{grid.name(model)} from {from_weights(grid, init)} on {count(cell.train_size)} "
                f"images ({percent(mine.accuracy)}) is ahead of the same model from "
                f"{from_weights(grid, base)} on {count(other.train_size)} "
                f"({percent(other.accuracy)}), by {points(found.value)} "
                f"({interval(found.low, found.high, level)})."
            )
            return [Claim(text, found.to_dict())]
    return []


def _pretrained_models(grid: Grid, base: str, init: str, level: float) -> list[Claim]:
    """Whether the bigger model has more of the pretrained weights than the small one."""
    if not grid.sizes_known:
        return []
    small, big = grid.models[0], grid.models[-1]
    plain = {a.train_size: (a, b) for a, b in grid.shared((small, base), (big, base))}
    both = [
        (*plain[a.train_size], a, b)
        for a, b in grid.shared((small, init), (big, init))
        if a.train_size in plain
    ]
    if not both:
        return []
    a, b, pre_a, pre_b = both[-1]
    found = contrast(grid, [(1, pre_b), (-1, b), (-1, pre_a), (1, a)], level=level)
    span = f"{signed(found.value)} points, {interval(found.low, found.high, level)}"
    names = f"{grid.name(big)} than to {grid.name(small)}"
    head = f"On {count(a.train_size)} images {grid.init_name(init)} bring"
    if found.verdict == "cannot tell":
        text = f"{head} {names.replace(' than to ', ' and ')} gains that cannot be told apart"
        return [Claim(f"{text} ({span}).", found.to_dict(), "cannot tell")]
    more = "more" if found.verdict == "above" else "less"
    return [Claim(f"{head} {more} to {names} ({span}).", found.to_dict())]
