"""Where the expectation did not hold: what speaks for which reason.

The reasons rest on an identity. Test accuracy is training accuracy minus the generalisation gap,
so a shortfall on the test images is a shortfall on the training images (the model was not fitted:
too few steps, or a recipe that does not suit it) plus an excess of the gap (it overfits more).
Each reason is ranked by the share of the shortfall that it accounts for. None of them is tested by
an experiment of its own here, and the text says what would.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from .claims import Claim, Section
from .compare import Contrast
from .diagnosis import Context, climbing, seed_spread
from .expectation import SizeVerdict
from .tables import Cell, Grid
from .wording import count, interval, join, percent, plural, points, signed

NOTEWORTHY = 0.01
"""A difference in training accuracy or gap below one point is not brought up as a reason."""
SAME_MAP_SCORE, OWN_MAP_SCORE = 0.2, 0.4
"""Rank of a 1x1 feature map that both models have, or only the one that disappointed: below any
reason that accounts for a larger share of the shortfall, because its effect was not measured."""
UNMEASURED_SCORE = 0.1
"""Rank of a spread between seeds that nobody measured: it can never be ruled out, nor be seen."""
SPREAD_SCORE = 0.9
"""Rank of seeds that differ more among themselves than the models do: it was measured, and only a
reason that accounts for nearly all of the shortfall stands above it."""


def reasons(
    grid: Grid, rows: Sequence[SizeVerdict], expect: str, context: Context
) -> Section | None:
    """Likely reasons where the expectation did not hold, best supported first; None if it did."""
    if expect == "none":
        return None
    claims: list[Claim] = []
    for init in dict.fromkeys(row.init for row in rows):
        for outcome in ("opposite", "cannot tell"):
            failing = [row for row in rows if row.init == init and row.outcome == outcome]
            if failing:
                claims += _over_sizes(grid, failing, expect, context)
                break
    if not claims:
        return None
    return Section("reasons", "Likely reasons, the best supported first", claims)


def _over_sizes(
    grid: Grid, failing: Sequence[SizeVerdict], expect: str, context: Context
) -> list[Claim]:
    """The reasons at the largest size, and what comes first at the others."""
    ranked = [_ranked(grid, row, expect, context) for row in failing]
    claims = list(ranked[-1])
    if not claims:
        return []
    first = claims[0].evidence["reason"]
    same = [
        count(row.small.train_size)
        for row, found in zip(failing[:-1], ranked[:-1], strict=True)
        if found and found[0].evidence["reason"] == first
    ]
    if same:
        text = f"{claims[0].text} The same comes first on {join(same)} images."
        claims[0] = Claim(text, claims[0].evidence, claims[0].strength)
    others = [f[0] for f in ranked[:-1] if f and f[0].evidence["reason"] != first]
    return claims + others


def _ranked(grid: Grid, row: SizeVerdict, expect: str, context: Context) -> list[Claim]:
    hoped, other = (row.big, row.small) if expect == "bigger-is-better" else (row.small, row.big)
    scored: list[tuple[float, str, Claim]] = []
    if row.outcome == "cannot tell":
        scored.append((1.0, "too small a study", _not_enough_to_see(row)))
    else:
        scored += _fit_and_gap(grid, hoped, other, context)
        scored += _resolution(grid, hoped, other, context)
    scored += _spread(hoped, other, row.found)
    where = f"{count(row.small.train_size)} images, {grid.init_name(row.init)}: "
    return [
        Claim(
            where + claim.text,
            {**claim.evidence, "score": score, "reason": reason},
            claim.strength,
        )
        for score, reason, claim in sorted(scored, key=lambda entry: -entry[0])
    ]


def _not_enough_to_see(row: SizeVerdict) -> Claim:
    found = row.found
    hidden = "no difference could have been seen: the trainings scatter too much"
    if math.isfinite(found.detectable):
        hidden = (
            f"differences below about {points(found.detectable)} stay hidden more often than one "
            "time in five"
        )
    text = (
        f"the study may be too small to see it. With {plural(found.seeds, 'training')} a cell and "
        f"{count(row.small.test_size)} test images, {hidden}."
    )
    return Claim(text, found.numbers(), "cannot tell")


def _fit_and_gap(
    grid: Grid, hoped: Cell, other: Cell, context: Context
) -> list[tuple[float, str, Claim]]:
    """The shortfall as a shortfall of fit plus an excess of the gap."""
    behind = other.accuracy - hoped.accuracy
    fit = other.mean("train_accuracy") - hoped.mean("train_accuracy")
    gap = hoped.mean("gap") - other.mean("gap")
    if not (behind > 0 and math.isfinite(fit) and math.isfinite(gap)):
        return []
    a, b = grid.name(hoped.model), grid.name(other.model)
    gaps = [f"{signed(cell.mean('gap'))} points" for cell in (hoped, other)]
    evidence: dict[str, object] = {
        "shortfall": behind,
        "in_training_accuracy": fit,
        "in_gap": gap,
        "run_ids": hoped.run_ids + other.run_ids,
    }
    found: list[tuple[float, str, Claim]] = []
    if fit >= NOTEWORTHY:
        text = (
            f"too few steps, or a recipe that suits {a} less. {a} gets "
            f"{percent(hoped.mean('train_accuracy'))} of its training images right and {b} "
            f"{percent(other.mean('train_accuracy'))}: {_part(fit, behind)} there on the training "
            f"images already.{_climbs(grid, hoped, other, context)}"
        )
        score = min(1.0, fit / behind)
        found.append((score, "too few steps", Claim(text, evidence, "suggestive")))
    if gap >= NOTEWORTHY:
        augmentation = "stronger augmentation" if context.augmented else "augmentation"
        text = (
            f"overfitting. The generalisation gap of {a} is {gaps[0]}, that of {b} {gaps[1]}: "
            f"{_part(gap, behind)} an excess of the gap. More images, {augmentation} or "
            "more weight decay would tell."
        )
        found.append((min(1.0, gap / behind), "overfitting", Claim(text, evidence, "suggestive")))
    elif gap <= -NOTEWORTHY:
        text = (
            f"not overfitting. The generalisation gap of {a}, {gaps[0]}, is smaller than that of "
            f"{b}, {gaps[1]}."
        )
        found.append((0.0, "not overfitting", Claim(text, evidence, "measured")))
    return found


def _climbs(grid: Grid, hoped: Cell, other: Cell, context: Context) -> str:
    """Whether both models were still learning at the end; empty without histories."""
    ends = []
    for cell in (hoped, other):
        rises = [climbing(grid.histories.get(run.run_id)) for run in cell.runs]
        known = [rise for rise in rises if rise is not None]
        if not known:
            return ""
        ends.append(f"{signed(sum(known) / len(known))} points for {grid.name(cell.model)}")
    steps = hoped.mean("steps")
    whole = f" ({count(steps)} steps in all)" if math.isfinite(steps) else ""
    falling = (
        " (a part of that comes from the falling learning rate)"
        if context.schedule in ("one-cycle", "warmup-linear")
        else ""
    )
    return (
        f" Over the last third of training{whole} training accuracy changed by {ends[0]} and by "
        f"{ends[1]}{falling}. A study with more steps (train.steps) would tell."
    )


def _part(part: float, whole: float) -> str:
    """How much of the shortfall a reason accounts for, as the subject of a sentence."""
    if round(part, 3) >= round(whole, 3):
        return f"all of the {points(whole)} that it is behind are"
    verb = "is" if points(part) == "1.0 point" else "are"
    return f"{points(part)} of the {points(whole)} that it is behind {verb}"


def _spread(hoped: Cell, other: Cell, found: Contrast) -> list[tuple[float, str, Claim]]:
    if found.seeds < 2:
        text = (
            "luck of the training. There is one training of each, so the spread between seeds was "
            "not measured and cannot be ruled out; two more seeds would tell."
        )
        claim = Claim(text, {"run_ids": list(found.run_ids)}, "cannot tell")
        return [(UNMEASURED_SCORE, "seeds", claim)]
    spread = seed_spread(hoped, other, found.value)
    if spread is not None:
        text = f"luck of the training: {spread.text}"
        claim = Claim(text, {"rule": spread.rule, **spread.numbers}, "measured")
        return [(SPREAD_SCORE, "seeds", claim)]
    if found.verdict == "cannot tell":
        return []
    text = (
        f"not luck of the training. Over {plural(found.seeds, 'seed')}, the interval with their "
        f"spread in it excludes zero ({interval(found.low, found.high, found.level)})."
    )
    return [(0.0, "not seeds", Claim(text, found.numbers(), "measured"))]


def _resolution(
    grid: Grid, hoped: Cell, other: Cell, context: Context
) -> list[tuple[float, str, Claim]]:
    """A feature map of one position: known to be so, not known to matter."""
    maps = [cell.runs[0].final_map.replace(" ", "") for cell in (hoped, other)]
    if maps[0] != "1x1":
        return []
    size = f" at {context.image_size}x{context.image_size} pixels" if context.image_size else ""
    whose = "both models" if maps[1] == "1x1" else grid.name(hoped.model)
    remedy = "larger images"
    if context.stem != "cifar":
        remedy += ", or with stem: cifar for a ResNet,"
    text = (
        f"the resolution against the stem. The last feature map of {whose} is 1x1{size}: nothing "
        "is left there of where things are. Whether that matters was not tested; a study with "
        f"{remedy} would tell."
    )
    score = SAME_MAP_SCORE if maps[1] == "1x1" else OWN_MAP_SCORE
    evidence: dict[str, object] = {"final_maps": maps, "run_ids": hoped.run_ids + other.run_ids}
    return [(score, "resolution", Claim(text, evidence, "suggestive"))]
