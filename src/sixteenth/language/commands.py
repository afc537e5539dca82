"""The commands that a report and the command line advise, as they are typed in every language."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from pathlib import Path

from ..analysis.findings.advice import (
    AdviceStep,
    AnotherSize,
    LabelledImages,
    MoreSeeds,
    Separate,
)
from ..analysis.findings.causes import PossibleCause
from ..analysis.findings.cautions import (
    Caution,
    NothingLearned,
    OneSeed,
    PartTrained,
    ReasonFound,
    UnstableModel,
)
from ..analysis.findings.levers import Lever, is_testable
from ..analysis.findings.missing_runs import MeasuredSoFar, StoppedEarly, UnfinishedRuns
from ..analysis.findings.not_converged import CatchingUp, NotConverged
from ..analysis.findings.options import Option
from ..analysis.findings.per_class import ImbalancedClasses
from ..analysis.findings.types import Section
from ..analysis.inputs.cells import Cell
from ..analysis.inputs.scoring import Metric

RUN = "sixteenth run study.yaml"
"""How the commands begin that train more of the study or all of it anew."""
DIR = "DIR"
"""Stands for the study's folder in the others."""


def typed(command: str, folder: Path, home: Path | None = None) -> str:
    """A command with the study's folder in the place of what stands for it.

    Args:
        home: a folder that a shell knows as ``~``, and that is not to be named.
    """
    study, where = _quoted(folder / "study.yaml", home), _quoted(folder, home)
    if not command.startswith(RUN):
        return command.replace(f" {DIR}", f" {where}", 1)
    stays = "" if "--fresh" in command else f" --out {where}"
    return command.replace("study.yaml", study, 1) + stays


def _quoted(path: Path, home: Path | None) -> str:
    """A path as a shell takes it."""
    if home is None or not path.is_relative_to(home):
        return shlex.quote(str(path))
    return f"~/{shlex.quote(str(path.relative_to(home)))}"  # in quotes a tilde would be one


def _anew(settings: Iterable[str]) -> str:
    """The study with other settings, which trains all of it; empty where there are none."""
    given = " ".join(f"--set {shlex.quote(each)}" for each in settings)
    return f"{RUN} {given} --fresh" if given else ""


def command(found: Caution) -> str:
    """What would settle it, as it is typed; empty where the records do not tell."""
    match found:
        case NotConverged():
            return _anew(found.settings)
        case CatchingUp() if found.chose_steps or found.longer:
            return ""
        case CatchingUp():
            return _explain(found.behind.run_ids[0], found.behind, found.best, Lever.STEPS)
        case OneSeed():
            return f"{RUN} --set 'seeds={list(found.seeds)}'" if found.seeds else ""
        case ImbalancedClasses():
            return f"{RUN} --set metric={Metric.BALANCED_ACCURACY}"  # trains nothing again
        case UnstableModel():
            run_id = found.falls[0].run_id
            return _explain(run_id, found.model, found.best, Lever.RATE_HALF)
        case NothingLearned() if found.cell is found.best:
            return ""  # labels may be wrong, or the recipe: no one command
        case NothingLearned():
            run_id = found.cell.run_ids[0]
            return _explain(run_id, found.cell, found.best, Lever.RATE_HALF)
        case ReasonFound():
            return _anew(found.reason.settings)
        case PartTrained():
            # The most telling runs of a fine-tuning that may be long.
            return f"{RUN} --set 'finetune=[{', '.join(found.finetune)}]' --budget 1h"
        case UnfinishedRuns() if not found.to_begin:
            return ""  # the rest is being trained, or would diverge again
        case MeasuredSoFar() if not found.stopped:
            return ""  # all of them are being trained
        case _:
            # The missing runs alone, or all runs anew once the reason is gone.
            goes_on = isinstance(found, UnfinishedRuns | StoppedEarly | MeasuredSoFar)
            return RUN if goes_on else f"{RUN} --fresh"


def step_command(step: Option | AdviceStep) -> str:
    """What does a step of the advice; finished runs are kept. Empty of an option."""
    match step:
        case Separate():
            return f"sixteenth explain {DIR} --separate"
        case LabelledImages() | AnotherSize():
            return f"{RUN} --set {shlex.quote(f'fractions={json.dumps([*step.fractions])}')}"
        case MoreSeeds() if step.seeds:
            return f"{RUN} --set 'seeds={list(step.seeds)}'"
        case MoreSeeds():
            return _explain(step.rival.run_ids[0], step.rival, step.best, Lever.SEEDS)
        case _:
            return ""


def section_command(section: Section) -> str:
    """What tests the possible causes of a section; empty where it has none that it can test."""
    causes = (each for each in section.findings if isinstance(each, PossibleCause))
    return f"sixteenth explain {DIR}" if any(each.testable for each in causes) else ""


def _explain(run_id: str, cell: Cell, best: Cell, lever: Lever) -> str:
    """Trains a cell, one of whose runs is named, and the best one with a lever.

    Empty where `sixteenth explain` would refuse to.
    """
    if not is_testable(cell, best):
        return ""
    return f"sixteenth explain {DIR} --between {run_id} {best.run_ids[0]} --only {lever}"
