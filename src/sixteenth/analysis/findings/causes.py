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

from ...language.numbers import count, interval, join, percent, plural, points, signed
from ..inputs.grid import Cell, Grid
from ..stats.paired import Contrast
from .diagnosis import CLIMB, Context, fit_error, mean_climb, seed_spread
from .expectation import SizeVerdict
from .types import Claim, Finding

NOTEWORTHY = 0.01
"""A difference in training accuracy or gap below one point is not brought up as a reason."""
SAME_MAP_SCORE, OWN_MAP_SCORE = 0.2, 0.4
"""Rank of a 1x1 feature map that both models have, or only the one that disappointed: below any
reason that accounts for a larger share of the shortfall, because its effect was not measured."""
TOO_SMALL_SCORE = 0.5
"""Rank of a study that may be too small: always so where nothing was seen, yet no cause of it."""
UNMEASURED = "seeds not measured"
UNMEASURED_SCORE = 0.1
"""Rank of a spread between seeds that nobody measured: it can never be ruled out, nor be seen."""
SPREAD_SCORE = 0.9
"""Rank of seeds that differ more among themselves than the models do: it was measured, and only a
reason that accounts for nearly all of the shortfall stands above it."""


def reasons(
    grid: Grid, rows: Sequence[SizeVerdict], expect: str, context: Context
) -> list[Finding]:
    """Likely reasons where the expectation did not hold, best supported first; None if it did."""
    if expect == "none":
        return []
    scored: list[tuple[float, str, Claim]] = []
    for init in dict.fromkeys(row.init for row in rows):
        for outcome in ("opposite", "cannot tell"):
            failing = [row for row in rows if row.init == init and row.outcome == outcome]
            if failing:
                scored += _over_sizes(grid, failing, expect, context)
                break
    # What is said in the same words everywhere is said once.
    once = {claim.text: (score, claim) for score, _, claim in scored}
    ranked = sorted(once.values(), key=lambda entry: -entry[0])
    return [claim for _, claim in ranked]


def _over_sizes(
    grid: Grid, failing: Sequence[SizeVerdict], expect: str, context: Context
) -> list[tuple[float, str, Claim]]:
    """The reasons at the largest size, and what comes first at the others where it differs."""
    ranked = [(row, _ranked(grid, row, expect, context)) for row in reversed(failing)]
    kept = ranked[0][1]
    leading = [found[0] for _, found in ranked[:1] if found]
    for _, found in ranked[1:]:
        if found and found[0][1] not in {reason for _, reason, _ in leading}:
            leading.append(found[0])
    for position, (score, reason, claim) in enumerate(leading):
        sizes = [
            count(row.small.train_size)
            for row, found in reversed(ranked)
            if found and found[0][1] == reason and found[0][2] is not claim
        ]
        if sizes:
            text = f"{claim.text} The same comes first on {join(sizes)} images."
            claim = Claim(text, claim.evidence, claim.strength)
            leading[position] = (score, reason, claim)
    return leading[:1] + kept[1:] + leading[1:]


def _ranked(
    grid: Grid, row: SizeVerdict, expect: str, context: Context
) -> list[tuple[float, str, Claim]]:
    hoped, other = (row.big, row.small) if expect == "bigger-is-better" else (row.small, row.big)
    scored: list[tuple[float, str, Claim]] = []
    if row.outcome == "cannot tell":
        scored.append((TOO_SMALL_SCORE, "too small a study", _not_enough_to_see(row)))
    else:
        scored += _fit_and_gap(grid, hoped, other, context)
        scored += _resolution(grid, hoped, other, context)
    scored += _spread(hoped, other, row.found)
    where = f"{count(row.small.train_size)} images, {grid.init_name(row.init)}: "
    return [
        (
            score,
            reason,
            Claim(
                (where if reason != UNMEASURED else "") + claim.text,
                {**claim.evidence, "score": score, "reason": reason},
                claim.strength,
            ),
        )
        for score, reason, claim in sorted(scored, key=lambda entry: -entry[0])
    ]


def _not_enough_to_see(row: SizeVerdict) -> Claim:
    found = row.found
    hidden = "no difference could have been seen: the trainings scatter too much"
    if math.isfinite(row.detectable):
        hidden = (
            f"differences below about {points(row.detectable)} may stay hidden more often than one "
            "time in five"
        )
    size = row.small.test_size
    images = f" and {count(size)} test images" if size > 0 else ""
    text = (
        f"the study may be too small to see it. With {plural(found.seeds, 'training')} a cell"
        f"{images}, {hidden}."
    )
    return Claim(text, found.to_dict(), "cannot tell")


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
    # Two accuracies of as many images as were measured: what they scatter by alone.
    noise = 2 * math.hypot(fit_error(hoped), fit_error(other))
    evidence: dict[str, object] = {
        "shortfall": behind,
        "in_training_accuracy": fit,
        "in_gap": gap,
        "noise": noise,
        "run_ids": hoped.run_ids + other.run_ids,
    }
    found: list[tuple[float, str, Claim]] = []
    if fit >= max(NOTEWORTHY, noise):
        reason, text, climbs = _poorer_fit(grid, hoped, other, context)
        text = (
            f"{text} {a} gets {percent(hoped.mean('train_accuracy'))} of its training images right "
            f"and {b} {percent(other.mean('train_accuracy'))}: {_part(fit, behind)} there on the "
            f"training images already.{climbs}"
        )
        found.append((min(1.0, fit / behind), reason, Claim(text, evidence, "suggestive")))
    if gap >= max(NOTEWORTHY, noise):
        augmentation = "stronger augmentation" if context.augmented else "augmentation"
        text = (
            f"overfitting. The generalisation gap of {a} is {gaps[0]}, that of {b} {gaps[1]}: "
            f"{_part(gap, behind)} an excess of the gap. More images, {augmentation} or "
            "more weight decay would tell."
        )
        found.append((min(1.0, gap / behind), "overfitting", Claim(text, evidence, "suggestive")))
    elif gap <= -max(NOTEWORTHY, noise):
        text = (
            f"not overfitting. The generalisation gap of {a}, {gaps[0]}, is smaller than that of "
            f"{b}, {gaps[1]}."
        )
        found.append((0.0, "not overfitting", Claim(text, evidence, "measured")))
    return found


def _poorer_fit(grid: Grid, hoped: Cell, other: Cell, context: Context) -> tuple[str, str, str]:
    """Why a model fits its training images less: reason, its words, and how both still climbed.

    Too few steps only where the model was still learning faster than the other at the end. Where it
    climbs no faster, more steps need not bring it nearer, and the recipe is what is left.
    """
    ends = [mean_climb(grid, cell) for cell in (hoped, other)]
    a, b = grid.name(hoped.model), grid.name(other.model)
    if ends[0] is None or ends[1] is None:
        return "poorer fit", f"too few steps, or a recipe that suits {a} less.", ""
    steps = hoped.mean("steps")
    whole = f" ({count(steps)} steps in all)" if math.isfinite(steps) else ""
    climbs = (
        f" Over the last third of training{whole} training accuracy rose by {points(ends[0])} for "
        f"{a} and by {points(ends[1])} for {b}"
    )
    if min(ends[0], ends[1]) < 0:
        climbs = (
            f" Over the last third of training{whole} training accuracy changed by "
            f"{signed(ends[0])} points for {a} and by {signed(ends[1])} for {b}"
        )
    # A running accuracy is a mean over the subset's images, and scatters like one.
    shares = [cell.mean("train_accuracy") for cell in (hoped, other)]
    noise = 2 * math.sqrt(sum(p * (1 - p) for p in shares) / hoped.train_size)
    if ends[0] > max(CLIMB, ends[1] + noise):
        falling = (
            " (a part of that comes from the falling learning rate)"
            if context.schedule in ("one-cycle", "warmup-linear")
            else ""
        )
        climbs += f"{falling}: it was catching up. More steps (train.steps) would tell."
        return "too few steps", "too few steps.", climbs
    climbs += (
        ": it was not catching up, so more steps alone need not help. Another learning rate or "
        f"weight decay for {a} would tell."
    )
    return "recipe", f"a recipe that suits {a} less.", climbs


def _part(part: float, whole: float) -> str:
    """How much of the shortfall a reason accounts for, as the subject of a sentence."""
    if round(part, 3) >= round(whole, 3):
        return f"all of the {points(whole)} that it is behind are"
    verb = "is" if points(part) == "1.0 point" else "are"
    return f"{points(part)} of the {points(whole)} that it is behind {verb}"


def _spread(hoped: Cell, other: Cell, found: Contrast) -> list[tuple[float, str, Claim]]:
    if found.seeds < 2:
        text = (
            "luck of the training, wherever there is one training of each: the spread between "
            "seeds was not measured there and cannot be ruled out; two more seeds would tell."
        )
        claim = Claim(text, {"run_ids": list(found.run_ids)}, "cannot tell")
        return [(UNMEASURED_SCORE, UNMEASURED, claim)]
    spread = seed_spread(hoped, other, found.value)
    if spread is not None:
        text = (
            f"luck of the training: between {spread.seeds} seeds the difference has a standard "
            f"deviation of {points(spread.deviation)}, more than its mean of "
            f"{points(spread.difference)}."
        )
        claim = Claim(text, vars(spread), "measured")
        return [(SPREAD_SCORE, "seeds", claim)]
    if found.verdict == "cannot tell":
        return []
    text = (
        f"not luck of the training. Over {plural(found.seeds, 'seed')}, the interval with their "
        f"spread in it excludes zero ({interval(found.low, found.high, found.level)})."
    )
    return [(0.0, "not seeds", Claim(text, found.to_dict(), "measured"))]


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
