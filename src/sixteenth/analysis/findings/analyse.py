"""The discussion of a study: the answer, the compared moves, and what speaks for what.

`discuss` reads top to bottom. Every sentence is a claim with its numbers; one that the data do not
support is not made, and a question that the study did not ask is named as such.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from ...errors import InputError
from ...language.en.answer import answer
from ...language.en.sections import missing, relation
from ...language.numbers import upper_first
from ..curves.joint import Curves, fit_curves
from ..inputs.grid import read_grid
from ..inputs.predictions import Predictions
from ..stats.intervals import LEVEL
from .advice import Advice, advice_section, advise
from .causes import reasons
from .diagnosis import Context, Diagnosis, diagnose_grid, guessing
from .doubtful_labels import Suspect, data_section, suspects
from .expectation import Expect, expectation, verdicts
from .limits import limits
from .moves import Move, find_moves
from .overfitting import fitting
from .pretraining import pretraining
from .types import Claim, Section

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
        InputError: a needed column is not there, an accuracy or `target_error` is outside [0, 1],
            or two finished runs cannot be told apart. A study with missing, failed or too few runs
            is not an error.
    """
    if target_error is not None and not 0 <= target_error <= 1:
        raise InputError(f"target_error {target_error:g} is not within 0 and 1")
    context = context or Context()
    grid = read_grid(results, histories, predictions)
    chance = guessing(grid, context)
    curves = fit_curves(grid, 1 - chance if chance < 1 else None)
    rows = verdicts(grid, expect, level)
    moves = find_moves(grid, level, curves, rows)
    diagnoses = diagnose_grid(grid, context)
    doubted, judges = suspects(grid, context.classes)
    advice = advise(
        grid,
        curves,
        diagnoses,
        rows,
        never_pretrained=context.never_pretrained,
        target_error=target_error,
        level=level,
    )
    sections: list[Section] = []
    if grid.cells:
        why = reasons(grid, rows, expect, context)
        sections = [
            relation(grid, moves, level),
            expectation(grid, rows, expect, curves, level),
            *([why] if why else []),
            pretraining(grid, curves, level),
            fitting(grid, diagnoses, level),
            data_section(grid, doubted, judges, context.data_checks),
            limits(grid, rows, curves),
            advice_section(advice),
        ]
        chance_level = [d for d in diagnoses if d.kind == "at-chance"]
        sections[0].sentences.extend(
            Claim(d.text, {"rule": d.rule, **d.numbers}) for d in chance_level
        )
    if grid.missing:
        sections.insert(-1, missing(grid))
    return Discussion(
        answer=answer(grid, moves, advice, context, level),
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
