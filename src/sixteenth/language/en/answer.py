"""The answer that a report opens with: a few sentences, each with its interval."""

from __future__ import annotations

from collections.abc import Sequence

from ...analysis.findings.advice import Advice
from ...analysis.findings.diagnosis import Context, accuracy_span, from_weights
from ...analysis.findings.moves import Move, difference_of_moves, reference_arm
from ...analysis.inputs.grid import Grid
from ..numbers import (
    count,
    is_nothing,
    join,
    percent,
    plural,
    points,
    short_name,
    signed,
    upper_first,
)


def answer(
    grid: Grid, moves: Sequence[Move], advice: Advice, context: Context, level: float
) -> list[str]:
    """What helped most, what the next doubling would buy, what to do next, what is open."""
    if not grid.cells:
        return ["No run of this study has finished, so there is nothing to conclude yet."]
    main = [move for move in moves if move.main and move.kind != "next"]
    if main:
        sentences = [_headline(grid, main, context, level), *_next_doubling(grid, moves)]
    else:
        cell = grid.cells[0]
        around = accuracy_span(cell, level)
        around = f" ({around})" if around else ""
        sentences = [
            f"{upper_first(grid.name(cell.model))} from {from_weights(grid, cell.init)} reaches "
            f"{percent(cell.accuracy)} on {plural(round(cell.train_size), 'image')}{around}; no "
            "two finished runs differ in just one thing, so nothing can be compared yet."
        ]
    if advice.steps:
        step = advice.steps[0]
        best = f"{advice.best} " if main else ""
        sentences.append(f"{best}What to do next: {step.what}. {step.why}")
    return [*sentences, *_open(grid, main)]


def _headline(grid: Grid, main: Sequence[Move], context: Context, level: float) -> str:
    """Which move helped most, and all of them with their intervals, the best first."""
    model, init = reference_arm(grid)
    data = f" on {short_name(context.data)}" if context.data else ""
    head = f"For {grid.name(model)} from {from_weights(grid, init)}{data}, "
    parts = [_phrase(move, first=i == 0) for i, move in enumerate(main)]
    best, others = main[0], main[1:]
    rest = "".join(f" {upper_first(part)}." for part in parts[1:])
    helping = [move for move in main if move.verdict == "helps"]
    if not helping:
        if len(main) == 1:
            return f"{head}{parts[0]}."
        nothing = "nothing that was tried helped by an amount that these runs can see"
        return f"{head}{nothing}: {parts[0]}.{rest}"
    if not others:
        return f"{head}{parts[0]}."
    rivals = [move for move in others if not _ahead(grid, best, move, level)]
    if not rivals:
        only = len(helping) == 1
        lead = f"only {_called(best)} helped" if only else f"{_called(best)} helped most"
    elif all(move.verdict == "helps" for move in rivals):
        names = join([_called(move) for move in [best, *rivals]])
        lead = f"{names} helped, and these runs cannot tell which of them helps more"
    else:
        names = join([_called(move) for move in helping])
        lead = f"{names} helped, but which helps most cannot be told"
    return f"{head}{lead}: {parts[0]}.{rest}"


def _called(move: Move) -> str:
    """A move as the subject or object of a sentence."""
    return f"the {move.short}" if move.kind == "model" else move.short


def _ahead(grid: Grid, best: Move, move: Move, level: float) -> bool:
    if not (best.measured and move.measured):
        return False  # their intervals are no confidence intervals
    found = difference_of_moves(grid, best, move, level)
    return found is not None and found.verdict == "above"


def _phrase(move: Move, *, first: bool) -> str:
    """A move as half a sentence with its gain and interval; the first says which interval."""
    at = move.evidence.get("at_images")
    where = f" on {count(float(str(at)))} images" if at is not None else ""
    span = move.span(name_level=first)
    if move.verdict == "helps":
        bought = "bought" if move.measured else "bought, as far as can be told,"
        return f"{move.action} {bought} {points(move.gain)}{where} ({span})"
    if move.verdict == "hurts":
        return f"{move.action} cost {points(move.gain)}{where} ({span})"
    return f"what {move.action} brings{where} cannot be told ({signed(move.gain)} points, {span})"


def _next_doubling(grid: Grid, moves: Sequence[Move]) -> list[str]:
    """The forecast for the model that the headline is about."""
    found = next((move for move in moves if move.kind == "next" and move.main), None)
    if found is None:
        return []
    model, init = reference_arm(grid)
    size = count(float(str(found.evidence["to_images"])))
    head = f"The next doubling, to {size} images, was not measured: by the fitted curve it would "
    who = f"{grid.name(model)} from {from_weights(grid, init)}"
    doubt = f"; {found.evidence['doubts']}" if found.evidence["doubts"] else ""
    perhaps = "" if found.verdict == "helps" else ", or perhaps nothing"
    gain = f"buy {who} about {points(found.gain)}{perhaps}"
    if is_nothing(found.gain):
        gain = f"buy {who} next to nothing"
    elif found.gain < 0:
        gain = f"change the accuracy of {who} by about {signed(found.gain)} points"
    return [f"{head}{gain} ({found.span()}){doubt}."]


def _open(grid: Grid, main: Sequence[Move]) -> list[str]:
    """What the study did not ask, what the intervals do not hold, and what is missing."""
    kinds = {move.kind for move in main}
    absent = []
    if "data" not in kinds and len({run.fraction for run in grid.runs}) < 2:
        absent.append("more images")
    if "model" not in kinds and len(grid.models) < 2:
        absent.append("a bigger model")
    if "init" not in kinds and len(grid.inits) < 2:
        absent.append("pretrained weights" if "random" in grid.inits else "random weights")
    parts = []
    if absent:
        verb = "was" if absent == ["a bigger model"] else "were"
        parts.append(f"{join(absent)} {verb} not part of this study")
    if max(len(cell.runs) for cell in grid.cells) == 1 and main:
        parts.append(
            "each cell was trained once, so the intervals hold for other test images, not for "
            "other trainings"
        )
    if grid.missing:
        verb = "is" if len(grid.missing) == 1 else "are"
        parts.append(f"{len(grid.missing)} of {len(grid.runs)} runs {verb} missing and left out")
    return [f"{upper_first('; '.join(parts))}."] if parts else []
