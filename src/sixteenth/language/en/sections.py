"""Two sections of the discussion: how accuracy goes with sizes, and missing runs."""

from __future__ import annotations

from collections.abc import Sequence

from ...analysis.findings.diagnosis import accuracy_span, describe_cell, from_weights
from ...analysis.findings.moves import Move
from ...analysis.findings.types import Claim, Section, Strength
from ...analysis.inputs.grid import Cell, Grid, Run, common_seeds
from ...analysis.stats.paired import compare_cells
from ..numbers import count, interval, join, large, percent, plural, points, signed


def relation(grid: Grid, moves: Sequence[Move], level: float) -> Section:
    """How accuracy, model size and training-set size relate."""
    claims: list[Claim] = []
    for model in grid.models:
        for init in grid.inits:
            curve = grid.curve(model, init)
            if curve:
                claims.append(_curve(grid, curve, moves, level))
    claims += _cost(grid)
    claims += _best(grid, level)
    return Section("relation", "Accuracy, model size and training-set size", claims)


def _curve(grid: Grid, whole: Sequence[Cell], moves: Sequence[Move], level: float) -> Claim:
    """One line of the figure in a sentence: its points, its rise, its last doubling."""
    curve = common_seeds(*whole)  # so that the accuracies and their differences agree
    arm = f"{grid.name(curve[0].model)} from {from_weights(grid, curve[0].init)}"
    values = join([f"{percent(c.accuracy)} on {count(c.train_size)}" for c in curve])
    evidence: dict[str, object] = {
        "train_sizes": [c.train_size for c in curve],
        "test_accuracies": [c.accuracy for c in curve],
        "run_ids": [run_id for c in curve for run_id in c.run_ids],
    }
    if len(curve) == 1:
        around = accuracy_span(curve[0], level)
        around = f" ({around})" if around else ""
        return Claim(f"{arm} reaches {values} images{around}.", evidence)
    rise = compare_cells(grid, curve[0], curve[-1], level)
    span = interval(rise.low, rise.high, level)
    evidence |= rise.numbers()
    tail = _only_common(whole, curve)
    if rise.verdict == "above":
        tail += f": {points(rise.value)} more with the most images than with the fewest ({span})"
    elif rise.verdict == "below":
        tail += f": {points(rise.value)} less with the most images than with the fewest"
        tail += f" ({interval(rise.low, rise.high, level, flip=True)})"
    else:
        tail += (
            f"; whether more images helped cannot be told ({signed(rise.value)} points from the "
            f"fewest to the most, {span})"
        )
    for move in moves:
        key = (move.evidence.get("model"), move.evidence.get("init"))
        if move.kind == "data" and key == (curve[0].model, curve[0].init) and len(curve) > 2:
            tail += f"; {_doubling(move)}"
            evidence["last_doubling"] = move.evidence
    strength: Strength = "cannot tell" if rise.verdict == "cannot tell" else "measured"
    return Claim(f"{arm} reaches {values} images{tail}.", evidence, strength)


def _only_common(whole: Sequence[Cell], used: Sequence[Cell]) -> str:
    """A word on seeds that some sizes lack, where a sentence leaves them out."""
    if all(len(a.runs) == len(b.runs) for a, b in zip(whole, used, strict=True)):
        return ""
    if not set.intersection(*(set(cell.seeds) for cell in whole)):
        return " (one training of each: no seed is common to all sizes)"
    return f" (over {plural(len(used[0].runs), 'seed')} that all sizes have)"


def _doubling(move: Move) -> str:
    start, end = _number(move.evidence["from_images"]), _number(move.evidence["to_images"])
    text = f"the last doubling, from {count(start)} to {count(end)} images, "
    if move.verdict == "helps":
        bought = "bought" if move.measured else "would have bought"
        text += f"{bought} {points(move.gain)} ({move.span()})"
    elif move.verdict == "hurts":
        text += f"cost {points(move.gain)} ({move.span()})"
    else:
        text += (
            f"changed test accuracy by {signed(move.gain)} points, which these runs cannot tell "
            f"from nothing ({move.span()})"
        )
    if not move.basis.startswith("both sizes"):
        text += f"; {move.basis.split(';')[0]}"
    return text


def _cost(grid: Grid) -> list[Claim]:
    """What the bigger model costs, at the largest size that both models have."""
    if not grid.sizes_known:
        return []
    small, big = grid.models[0], grid.models[-1]
    ratio = grid.parameters(big) / grid.parameters(small)
    text = (
        f"{grid.name(big)} has {ratio:.1f} times the parameters of {grid.name(small)} "
        f"({large(grid.parameters(big))} against {large(grid.parameters(small))})"
    )
    evidence: dict[str, object] = {"parameters_ratio": ratio}
    pairs = [p for init in grid.inits for p in grid.shared((small, init), (big, init))[-1:]]
    if pairs:
        first, second = pairs[0]
        costs = []
        # Not the time: on a machine that was busy with other things it compares nothing.
        for column, words in (("train_flops", "training FLOPs"),):
            before, after = first.mean(column), second.mean(column)
            if before > 0 and after > 0:
                costs.append(f"{after / before:.1f} times the {words}")
                evidence[f"{column}_ratio"] = after / before
        if costs:
            text += f" and took {join(costs)} on {count(first.train_size)} images"
        evidence["run_ids"] = first.run_ids + second.run_ids
    return [Claim(f"{text}.", evidence)]


def _best(grid: Grid, level: float) -> list[Claim]:
    """The highest accuracy, and whether it stands out."""
    ranked = sorted(grid.cells, key=lambda cell: -cell.accuracy)
    if len(ranked) < 2:
        return []
    best, second = ranked[0], ranked[1]
    found = compare_cells(grid, second, best, level)
    text = f"The highest test accuracy, {percent(best.accuracy)}, is that of "
    text += describe_cell(grid, best)
    behind = f"{describe_cell(grid, second)} ({percent(second.accuracy)})"
    if found.verdict == "above":
        text += f"; next is {behind}, {points(found.value)} behind "
        text += f"({interval(found.low, found.high, level)})."
        return [Claim(text, found.numbers())]
    if found.verdict == "below":
        text += f", but over the seeds that both have, {behind} is ahead by "
        text += f"{points(found.value)} ({interval(found.low, found.high, level, flip=True)})."
        return [Claim(text, found.numbers())]
    text += f", but these runs cannot tell it from {behind}."
    return [Claim(text, found.numbers(), "cannot tell")]


def missing(grid: Grid) -> Section:
    """The runs that no conclusion rests on, and why."""
    groups: dict[str, list[Run]] = {}
    for run in grid.missing:
        groups.setdefault(run.why_missing, []).append(run)
    claims = []
    for why, runs in groups.items():
        ids = [run.run_id for run in runs]
        shown = join(ids) if len(ids) <= 6 else f"{', '.join(ids[:5])} and {len(ids) - 5} more"
        verb = "is" if len(ids) == 1 else "are"
        text = f"{shown} {verb} left out of every conclusion: {why.rstrip('.')}."
        claims.append(Claim(text, {"run_ids": ids, "why": why}, "note"))
    return Section("missing", "Runs left out", claims)


def _number(value: object) -> float:
    return float(str(value))
