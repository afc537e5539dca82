"""Over- and underfitting in the discussion: gaps, losses that rise, and steps that were too few."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy import stats

from ...language.numbers import count, join, percent, plural, points, signed, upper_first
from ..inputs.grid import Cell, Grid, common_seeds
from ..stats.paired import compare_cells
from .diagnosis import FITTED, Diagnosis, fit_error, from_weights, mean_climb
from .types import Claim, Finding

GAP_CHANGE = 0.02
"""A change of the generalisation gap below two points is called little, however sure it is."""
MOST_LISTED = 4


def fitting(grid: Grid, diagnoses: Sequence[Diagnosis], level: float) -> list[Finding]:
    """How the generalisation gap goes with the number of images, and what the curves show."""
    claims: list[Claim] = []
    for model in grid.models:
        for init in grid.inits:
            curve = [c for c in grid.curve(model, init) if math.isfinite(c.mean("gap"))]
            if curve:
                claims.append(_gaps(grid, common_seeds(*curve), level))
    claims += _overfitted(grid, diagnoses)
    claims += _rising(grid, diagnoses)
    claims += _steps(grid, diagnoses)
    return list(claims)


def _gaps(grid: Grid, curve: Sequence[Cell], level: float) -> Claim:
    arm = f"{grid.name(curve[0].model)} from {from_weights(grid, curve[0].init)}"
    parts = [f"{signed(c.mean('gap'))} points on {count(c.train_size)}" for c in curve]
    text = f"{arm}: training accuracy minus test accuracy is {join(parts)} images"
    evidence: dict[str, object] = {
        "train_sizes": [c.train_size for c in curve],
        "gaps": [c.mean("gap") for c in curve],
        "train_accuracies": [c.mean("train_accuracy") for c in curve],
        "run_ids": [run_id for c in curve for run_id in c.run_ids],
    }
    if len(curve) == 1:
        return Claim(f"{text}.", evidence)
    first, last = curve[0], curve[-1]
    change = last.mean("gap") - first.mean("gap")
    # The noise of the test accuracies, and that of training accuracies measured on a part.
    noise = math.hypot(
        compare_cells(grid, first, last, level).half_width,
        float(stats.norm.isf((1 - level) / 2)) * math.hypot(fit_error(first), fit_error(last)),
    )
    evidence["noise_of_change"] = noise
    if math.isnan(noise) or (abs(change) < noise and noise > GAP_CHANGE):
        text += (
            f"; whether it depends on the amount of data cannot be told ({signed(change)} points"
        )
        return Claim(f"{text} from the fewest to the most images).", evidence, "cannot tell")
    if abs(change) < GAP_CHANGE:
        return Claim(f"{text}; it changes by less than {points(GAP_CHANGE)}.", evidence)
    text += ", smaller with more data" if change < 0 else ", larger with more data"
    fits = [percent(c.mean("train_accuracy")) for c in (first, last)]
    if change > 0 and first.mean("train_accuracy") < min(FITTED, last.mean("train_accuracy")):
        steps = first.mean("steps")
        after = f" after {count(steps)} steps" if math.isfinite(steps) else ""
        text += (
            f"; with the fewest images only {fits[0]} of them are fitted{after}, so there was "
            f"little to overfit yet (against {fits[1]} with the most)"
        )
    else:
        text += f" (training accuracy goes from {fits[0]} to {fits[1]})"
    losses = [c.mean("test_loss") - c.mean("train_loss") for c in (first, last)]
    if all(math.isfinite(loss) for loss in losses):
        text += f"; in loss the gap goes from {losses[0]:.2f} to {losses[1]:.2f}"
        evidence["loss_gaps"] = losses
    return Claim(f"{text}.", evidence)


def _overfitted(grid: Grid, diagnoses: Sequence[Diagnosis]) -> list[Claim]:
    """Which runs fitted their training images and not the test images."""
    found = [d for d in diagnoses if d.kind == "overfitting"]
    if not found:
        return []
    worst = max(found, key=lambda each: float(each.numbers["generalisation_gap"]))
    others = len(found) - 1
    more = (
        f" The same holds of {plural(others, 'more run', 'more runs')}, with smaller gaps."
        if others
        else ""
    )
    ids = [run_id for d in found for run_id in d.run_ids]
    evidence: dict[str, object] = {"run_ids": ids, "rule": worst.rule, **worst.numbers}
    return [Claim(f"Overfitting: {worst.text}{more}", evidence)]


def _rising(grid: Grid, diagnoses: Sequence[Diagnosis]) -> list[Claim]:
    """Runs whose test loss rose while the training loss fell, and since which epoch."""
    rising = [d for d in diagnoses if d.kind == "test-loss-rising"]
    claims = [Claim(d.text, {"rule": d.rule, **d.numbers}) for d in rising[:MOST_LISTED]]
    if len(rising) > MOST_LISTED:
        others = plural(len(rising) - MOST_LISTED, "more run shows", "more runs show")
        ids = [run_id for d in rising[MOST_LISTED:] for run_id in d.run_ids]
        claims.append(Claim(f"{upper_first(others)} the same.", {"run_ids": ids}))
    elif not rising and any(len(h) >= 3 for h in grid.histories.values()):
        where = "In none of the runs" if len(grid.histories) > 1 else "Nowhere in this run"
        text = (
            f"{where} did test loss end clearly above its lowest epoch while training loss went on "
            "falling."
        )
        claims.append(Claim(text, {}))
    return claims


def _steps(grid: Grid, diagnoses: Sequence[Diagnosis]) -> list[Claim]:
    """Runs that were still learning when they ended, and the steps that each size got."""
    climbing = [d for d in diagnoses if d.kind == "too-few-steps"]
    done = [run for cell in grid.cells for run in cell.runs]
    claims = []
    if climbing:
        which = f"{len(climbing)} of {plural(len(done), 'run')}"
        if len(climbing) == len(done):
            which = "Each run" if len(done) > 1 else "The run"
        its, was, gap = "its", "was", "Its gap says"
        if 1 < len(climbing) < len(done):
            its, was, gap = "their", "were", "Their gaps say"
        ends = _ends(grid)
        text = (
            f"{which} got fewer than {FITTED:.0%} of {its} training images right and {was} still "
            f"improving on them at the end{ends}: underfitted, for lack of steps. {gap} little of "
            "the gap that more steps would give."
        )
        ids = [run_id for d in climbing for run_id in d.run_ids]
        claims.append(Claim(text, {"run_ids": ids, "rule": climbing[0].rule}, "suggestive"))
    epochs = {run.epochs for run in done if math.isfinite(run.epochs)}
    steps = {c.train_size: c.mean("steps") for c in grid.cells if math.isfinite(c.mean("steps"))}
    if len(epochs) == 1 and len(set(steps.values())) > 1:
        least, most = min(steps), max(steps)
        text = (
            f"Equal epochs are unequal work: {count(steps[least])} steps on {count(least)} images, "
            f"{count(steps[most])} on {count(most)}. What more images bought holds more training "
            f"too; with train.steps: {round(steps[most])} every size would get the same."
        )
        claims.append(Claim(text, {"steps": [steps[least], steps[most]]}, "note"))
    return claims


def _ends(grid: Grid) -> str:
    """By how much each model still climbed at its largest size, in brackets."""
    parts = []
    for model in grid.models:
        for init in grid.inits:
            curve = grid.curve(model, init)
            climb = mean_climb(grid, curve[-1]) if curve else None
            if climb is not None:
                parts.append(
                    f"{grid.name(model)} from {from_weights(grid, init)} by {points(climb)}"
                    if climb >= 0
                    else ""
                )
    known = [part for part in parts if part]
    if not known:
        return ""
    return f" (over the last third of the epochs, on the most images: {join(known)})"
