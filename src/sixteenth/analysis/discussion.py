"""The discussion of a study: the answer, the compared moves, and what speaks for what.

`discuss` reads top to bottom. Every sentence is a claim with its numbers; one that the data do not
support is not made, and a question that the study did not ask is named as such.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from .advice import Advice, advice_section, advise
from .answers import Predictions
from .claims import Claim, Section
from .diagnosis import Context, Diagnosis, diagnose_grid, from_weights, guessing
from .expectation import Expect, expectation, verdicts
from .fitting import fitting
from .intervals import LEVEL, accuracy_interval
from .joint import Curves, fit_curves
from .limits import limits
from .moves import Move, difference_of_moves, find_moves, reference_arm
from .pretraining import pretraining
from .reasons import reasons
from .sections import missing, relation
from .suspects import Suspect, data_section, suspects
from .tables import Grid, read_grid
from .wording import count, interval, join, percent, plural, points, short_name, signed, upper_first

FITTED_NUMBERS = (
    *("alpha", "eta", "gamma", "alpha_interval", "eta_interval", "gamma_interval"),
    *("sizes", "errors", "new_noise"),
)


@dataclass(frozen=True)
class MissingRun:
    """A run of the plan that no conclusion rests on."""

    run_id: str
    status: str
    why: str


@dataclass(frozen=True)
class Discussion:
    """All that the analysis says of a study, in plain text with numbers beside it."""

    answer: list[str]
    options: list[Move]
    sections: list[Section]
    diagnoses: list[Diagnosis]
    missing: list[MissingRun]
    level: float
    advice: Advice
    curves: Curves
    """The fitted learning curves, for figures and tables."""
    suspects: list[Suspect]
    """Test images whose labels all networks contradict, the most confident first."""

    def to_dict(self) -> dict[str, object]:
        """The same as plain values for JSON; numbers that are not finite become None."""
        options = [
            {f.name: getattr(move, f.name) for f in fields(move) if f.name != "terms"}
            for move in self.options
        ]
        plain = {
            "answer": self.answer,
            "options": options,
            "sections": [
                {
                    "key": s.key,
                    "title": s.title,
                    "sentences": [vars(claim) for claim in s.sentences],
                }
                for s in self.sections
            ],
            "diagnoses": [vars(d) for d in self.diagnoses],
            "missing": [vars(m) for m in self.missing],
            "level": self.level,
            "advice": self.advice.to_dict(),
            "fits": [
                {
                    "model": model,
                    "init": init,
                    **{key: getattr(fit, key) for key in FITTED_NUMBERS},
                    "warnings": list(fit.warnings),
                }
                for (model, init), fit in self.curves.fits.items()
            ],
            "suspects": [vars(suspect) for suspect in self.suspects],
        }
        return {key: _plain(value) for key, value in plain.items()}


def discuss(
    results: pd.DataFrame,
    histories: pd.DataFrame | None = None,
    *,
    expect: Expect = "bigger-is-better",
    context: Context | None = None,
    predictions: Predictions | None = None,
    target_error: float | None = None,
    level: float = LEVEL,
) -> Discussion:
    """Discuss a study, finished or not.

    Args:
        results: one row a run, see `tables.read_grid` for the columns that are needed.
        histories: one row an epoch and run; without it the training curves are not spoken of.
        expect: what was expected of the bigger model.
        context: what the tables do not say.
        predictions: run_id -> (labels (n,), probabilities (n, C)); without it, differences are
            not paired by test image, and the text says so.
        target_error: a test error in [0, 1] that the advice is about.
        level: coverage of the intervals of what was measured; forecasts have 90% intervals.

    Raises:
        InputError: a needed column is not there, or an accuracy is outside [0, 1]. A study with
            missing, failed or too few runs is not an error.
    """
    context = context or Context()
    grid = read_grid(results, histories, predictions)
    chance = guessing(grid, context)
    curves = fit_curves(grid, 1 - chance if chance < 1 else None)
    moves = find_moves(grid, level, curves)
    diagnoses = diagnose_grid(grid, context)
    doubted, judges = suspects(grid, context.classes)
    advice = advise(grid, curves, diagnoses, target_error=target_error, level=level)
    sections: list[Section] = []
    if grid.cells:
        rows = verdicts(grid, expect, level)
        why = reasons(grid, rows, expect, context)
        sections = [
            relation(grid, moves, level),
            expectation(grid, rows, expect, curves, level),
            *([why] if why else []),
            pretraining(grid, curves, level),
            fitting(grid, diagnoses, level),
            data_section(grid, doubted, judges, context.data_checks),
            limits(grid, curves, level),
            advice_section(advice),
        ]
        chance_level = [d for d in diagnoses if d.kind == "at-chance"]
        sections[0].sentences.extend(
            Claim(d.text, {"rule": d.rule, **d.numbers}) for d in chance_level
        )
    if grid.missing:
        sections.insert(-1, missing(grid))
    return Discussion(
        answer=_answer(grid, moves, advice, context, level),
        options=moves,
        sections=[
            Section(s.key, s.title, [_capital(claim) for claim in s.sentences])
            for s in sections
            if s.sentences
        ],
        diagnoses=diagnoses,
        missing=[MissingRun(r.run_id, r.status, r.why_missing) for r in grid.missing],
        level=level,
        advice=advice,
        curves=curves,
        suspects=doubted,
    )


def _answer(
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
        low, high = accuracy_interval(
            [run.test_accuracy for run in cell.runs], cell.test_size, level
        )
        around = (
            f" ({level:.0%} interval {percent(low)} to {percent(high)})"
            if math.isfinite(low)
            else ""
        )
        sentences = [
            f"{upper_first(grid.name(cell.model))} from {from_weights(grid, cell.init)} reaches "
            f"{percent(cell.accuracy)} on {plural(round(cell.train_size), 'image')}{around}; no "
            "two finished runs differ in just one thing, so nothing can be compared yet."
        ]
    if advice.steps:
        step = advice.steps[0]
        sentences.append(f"{advice.best} What to do next: {step.what}. {step.why}")
    return [*sentences, *_open(grid, main)]


def _headline(grid: Grid, main: Sequence[Move], context: Context, level: float) -> str:
    """Which move helped most, and all of them with their intervals, the best first."""
    model, init = reference_arm(grid)
    data = f" on {short_name(context.data)}" if context.data else ""
    head = f"For {grid.name(model)} from {from_weights(grid, init)}{data}, "
    parts = [_phrase(move, level, first=i == 0) for i, move in enumerate(main)]
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
    if not all(one.evidence.get("half_was_trained", True) for one in (best, move)):
        return False  # their intervals are no confidence intervals
    found = difference_of_moves(grid, best, move, level)
    return found is not None and found.verdict == "above"


def _phrase(move: Move, level: float, *, first: bool) -> str:
    """A move as half a sentence with its gain and interval; the first says which interval."""
    at = move.evidence.get("at_images")
    where = f" on {count(float(str(at)))} images" if at is not None else ""
    span = interval(move.low, move.high, level, flip=move.verdict == "hurts")
    if not first:
        span = span.partition("interval ")[2]
    if move.verdict == "helps":
        return f"{move.action} bought {points(move.gain)}{where} ({span})"
    if move.verdict == "hurts":
        return f"{move.action} cost {points(move.gain)}{where} ({span})"
    return f"what {move.action} brings{where} cannot be told ({signed(move.gain)} points, {span})"


def _next_doubling(grid: Grid, moves: Sequence[Move]) -> list[str]:
    """The forecast for the model that the headline is about."""
    found = next((move for move in moves if move.kind == "next" and move.main), None)
    if found is None:
        return []
    model, init = reference_arm(grid)
    span = interval(found.low, found.high, found.level)
    size = count(float(str(found.evidence["to_images"])))
    head = f"The next doubling, to {size} images, was not measured: by the fitted curve it would "
    who = f"{grid.name(model)} from {from_weights(grid, init)}"
    if found.verdict == "helps":
        return [f"{head}buy {who} about {points(found.gain)} ({span})."]
    return [f"{head}buy {who} about {points(found.gain)}, or perhaps nothing ({span})."]


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


def _capital(claim: Claim) -> Claim:
    """The claim as a sentence starts."""
    return Claim(upper_first(claim.text), claim.evidence, claim.strength)


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(item) for item in value]
    if isinstance(value, bool) or value is None or isinstance(value, str | int):
        return value
    number = float(str(value))
    return number if math.isfinite(number) else None
