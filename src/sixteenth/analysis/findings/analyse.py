"""All that the analysis finds in a study: the answer, the moves, and what speaks for what.

`analyse` reads top to bottom. What the data do not support is not found, and a question that the
study did not ask is named as such. Nothing here is in words: `language` says it.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import pandas as pd

from ...errors import InputError
from ..curves.joint import Curves, fit_curves
from ..curves.learning_curve import LearningCurve
from ..inputs.cells import Arm, MissingReason
from ..inputs.context import Context
from ..inputs.grid import Grid
from ..inputs.predictions import Predictions
from ..inputs.scoring import Metric
from ..inputs.tables import read_grid
from ..stats.spread import LEVEL
from .advice import Advice, advise
from .answer import AnswerFinding, answer
from .causes import causes
from .diagnosis import AtChance, DiagnosisFinding, chance_accuracy, diagnose
from .doubling import last_doubling
from .doubtful_labels import Suspect, data_findings, suspects
from .evidence import Evidence
from .expectation import Expect, expectation, verdicts
from .explained import Explanation
from .lever_effects import explained, lever_gains
from .levers import Lever, LeverRuns
from .limits import limits
from .options import Option
from .overfitting import overfitting
from .overview import Overview, overview
from .per_class import ClassCurves, class_curves, per_class
from .pretraining import pretraining
from .relation import missing, relation
from .training_time import training_time
from .types import Finding, Section, SectionKey, as_json


@dataclass(frozen=True)
class LeftOutRun:
    """A run of the plan that no conclusion rests on."""

    run_id: str
    status: str
    reason: MissingReason


@dataclass(frozen=True, repr=False)
class Findings:
    """All that the analysis found in a study, as numbers.

    Attributes:
        models, inits: of all runs, small models and random weights first; also of missing runs.
        expect: what was expected of the bigger model.
        overview: the first screen of a report.
        answer: what its verdict rests on.
        options: what could be had from the best network, the best first.
        sections: the parts of the discussion that found something, in order.
        diagnoses: of single runs, those with the highest score first.
        missing: runs without a result.
        level: coverage of the intervals of what was measured.
        advice: what to do next.
        metric: what all accuracies, errors and gains are by.
        curves: the fitted learning curves, for figures and tables.
        classes: the recalls of all classes, likewise; None without predictions.
        suspects: test images whose labels all networks contradict, the most confident first.
    """

    models: tuple[str, ...]
    inits: tuple[str, ...]
    expect: Expect
    overview: Overview
    answer: tuple[AnswerFinding, ...]
    options: tuple[Option, ...]
    sections: tuple[Section, ...]
    diagnoses: tuple[DiagnosisFinding, ...]
    missing: tuple[LeftOutRun, ...]
    level: float
    advice: Advice
    metric: Metric
    curves: Curves
    classes: ClassCurves | None
    suspects: tuple[Suspect, ...]

    def __repr__(self) -> str:
        found = sum(len(section.findings) for section in self.sections)
        return (
            f"Findings(models={list(self.models)}, inits={list(self.inits)}, "
            f"options={len(self.options)}, findings={found}, missing={len(self.missing)})"
        )

    def _repr_html_(self) -> str:
        return f"<p><code>{html.escape(repr(self))}</code></p>{self.table().to_html(index=False)}"

    def table(self) -> pd.DataFrame:
        """One row for each option from the best network, the best first.

        Columns: kind, model, init (trained then; empty where the study has none), gain, low, high
        (shares of accuracy, for another training), level, verdict, told, measured, converged,
        gain_at_equal_steps, separated, new_images, seconds, chance_best, regret,
        points_per_1000_images, points_per_hour, across_machines, lever (of `explain`, that measured
        it, or empty). Unknown numbers are NaN.
        """
        names = (
            *("gain", "low", "high", "level", "verdict", "told", "measured", "converged"),
            *("gain_at_equal_steps", "separated", "new_images", "seconds", "chance_best", "regret"),
            *("points_per_1000_images", "points_per_hour", "across_machines"),
        )
        rows = [
            {
                "kind": option.kind.value,
                "model": option.end[0] if option.end else "",
                "init": option.end[1] if option.end else "",
                **{name: getattr(option, name) for name in names},
                "verdict": option.verdict.value,
                "told": option.told.value,
                **({} if option.ranked else dict.fromkeys(("chance_best", "regret"), math.nan)),
                "lever": option.lever.value if option.lever else "",
            }
            for option in self.options
        ]
        # The columns are there also where no option is: nothing has finished.
        return pd.DataFrame(rows, columns=["kind", "model", "init", *names, "lever"])

    @property
    def grid(self) -> Grid:
        """The study's cells, which everything was found in."""
        return self.curves.grid

    def to_dict(self) -> dict[str, object]:
        """The findings as plain values for JSON, with the fitted curves as `fits`.

        Numbers that are not finite become None.
        """
        drawn = ("curves", "classes")
        found = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in drawn}
        found["fits"] = [_fit(arm, fit) for arm, fit in self.curves.fits.items()]
        return {key: as_json(value) for key, value in found.items()}


def analyse(
    results: pd.DataFrame,
    histories: pd.DataFrame | None = None,
    *,
    expect: str = Expect.BIGGER,
    context: Context | None = None,
    predictions: Predictions | None = None,
    target_error: float | None = None,
    lever_runs: Sequence[LeverRuns] = (),
    level: float = LEVEL,
    metric: str = Metric.ACCURACY,
) -> Findings:
    """Analyse a study, finished or not.

    Args:
        results: one row a run, see `tables.read_grid` for the columns that are needed.
        histories: one row an epoch and run; without it nothing is found in the training curves.
        expect: what was expected of the bigger model, a value of `Expect`.
        context: what the tables do not say.
        predictions: run_id -> (labels (n,), probabilities (n, C)); without it, differences are
            not paired by test image, which is one of the findings.
        target_error: a test error in [0, 1] that the advice is about.
        lever_runs: what the levers of `sixteenth explain` measured; it replaces the suspects.
        level: coverage of the intervals of what was measured; forecasts have 90% intervals.
        metric: what is decided by, a value of `Metric`; see `tables.read_grid`.

    Raises:
        InputError: a needed column is not there, an accuracy or `target_error` is outside [0, 1],
            `expect` or `metric` is unknown, or two finished runs cannot be told apart. A study with
            missing, failed or too few runs is not an error.
    """
    if target_error is not None and not 0 <= target_error <= 1:
        raise InputError(f"target_error {target_error:g} is not within 0 and 1")
    if expect not in list(Expect):
        raise InputError(f"expect {expect!r} is none of {', '.join(Expect)}")
    if metric not in list(Metric):
        raise InputError(f"metric {metric!r} is none of {', '.join(Metric)}")
    expected = Expect(expect)
    context = context or Context()
    there = math.nan if context.train_images is None else float(context.train_images)
    grid = read_grid(results, histories, predictions, Metric(metric), there)
    chance = chance_accuracy(grid, context)
    curves = fit_curves(grid, 1 - chance if chance < 1 else None)
    rows = verdicts(grid, expected, level)
    doublings = [d for curve in grid.curves.values() for d in last_doubling(grid, curve, level)]
    diagnoses = diagnose(grid, context)
    at_chance = [each for each in diagnoses if isinstance(each, AtChance)]
    doubted, judges = suspects(grid, context.classes, {each.run_id for each in at_chance})
    classes = class_curves(grid, context, level)
    telling = [runs for runs in lever_runs if runs.begins_to_tell]
    explanation = Explanation(
        tuple(explained(results, predictions, lever_runs, telling, level, grid.metric)),
        lever_gains(results, predictions, telling, level, grid.metric),
        frozenset(
            run_id
            for runs in telling
            if runs.lever is Lever.SEEDS
            for run_id in runs.results["run_id"]
        ),
    )
    evidence = Evidence(curves, context, level, diagnoses, doublings, explanation)
    advice = advise(evidence, target_error)
    answered = answer(evidence, advice)
    sections: list[Section] = []
    if grid.cells:
        found: dict[SectionKey, Sequence[Finding]] = {
            SectionKey.RELATION: [*relation(grid, doublings, level), *at_chance],
            SectionKey.EXPECTATION: expectation(grid, rows, expected, curves, level),
            SectionKey.CAUSES: [] if telling else causes(grid, rows, expected, context),
            SectionKey.TESTED: explanation.findings,
            SectionKey.TRAINING_TIME: training_time(grid, level),
            SectionKey.PRETRAINING: [*pretraining(grid, curves, level)],
            SectionKey.OVERFITTING: overfitting(grid, diagnoses, level),
            SectionKey.CLASSES: per_class(classes),
            SectionKey.DATA: data_findings(grid, doubted, judges, context.data_checks),
            SectionKey.LIMITS: limits(grid, rows, curves),
            SectionKey.ADVICE: [*advice.findings],
        }
        sections = [Section(key, tuple(each)) for key, each in found.items()]
    if grid.missing:
        sections.insert(-1, missing(grid))
    return Findings(
        models=grid.models,
        inits=grid.inits,
        expect=expected,
        overview=overview(evidence, advice, answered),
        answer=tuple(answered),
        options=advice.options,
        sections=tuple(section for section in sections if section.findings),
        diagnoses=tuple(diagnoses),
        missing=tuple(LeftOutRun(r.run_id, r.status, r.why_missing) for r in grid.missing),
        level=level,
        advice=advice,
        metric=grid.metric,
        curves=curves,
        classes=classes,
        suspects=tuple(doubted),
    )


def _fit(arm: Arm, fit: LearningCurve) -> dict[str, object]:
    names = (
        *("alpha", "eta", "gamma", "alpha_interval", "eta_interval", "gamma_interval"),
        *("sizes", "errors", "new_noise", "warnings"),
    )
    return {"model": arm[0], "init": arm[1], **{name: getattr(fit, name) for name in names}}
