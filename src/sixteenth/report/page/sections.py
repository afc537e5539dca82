"""The discussion as a page shows it: what the rest of the page does not say.

Each statement and each row of a table has a link to the run that it rests on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace

from ...analysis import Cell, Findings
from ...analysis.findings.advice import BestNetwork, MoreSeeds
from ...analysis.findings.answer import SpreadOfTrainings
from ...analysis.findings.cautions import LeakedTest, PartTrained
from ...analysis.findings.doubtful_labels import LeakedImages, NoCopies
from ...analysis.findings.expectation import ComparisonMethod, NoComparison, NotCompared
from ...analysis.findings.limits import (
    Detectable,
    FewEpochs,
    FewSeeds,
    OneSize,
    Repeats,
    ReportedEpoch,
)
from ...analysis.findings.not_converged import NotConverged
from ...analysis.findings.options import Option, OptionKind, OptionVerdict
from ...analysis.findings.overfitting import GeneralisationGap
from ...analysis.findings.overview import Overview
from ...analysis.findings.pretraining import OneInit
from ...analysis.findings.relation import AccuracyCurve, HighestAccuracy
from ...analysis.findings.types import Finding


def beyond_the_rest(findings: Findings) -> Findings:
    """The findings without those that another part of the page tells with the same numbers."""
    kept = [
        replace(section, findings=tuple(f for f in section.findings if not _is_told(f, findings)))
        for section in findings.sections
    ]
    return replace(
        findings,
        # The rest of the answer is told by the cards, the table of doublings and the cautions.
        answer=tuple(
            each
            for each in findings.answer
            if isinstance(each, PartTrained | SpreadOfTrainings)
            and each not in findings.overview.cautions
        ),
        sections=tuple(section for section in kept if section.findings),
    )


def _is_told(found: Finding, findings: Findings) -> bool:
    """Whether the first screen, the results or the list of how it was made tell a finding."""
    screen = findings.overview
    warned = {type(caution) for caution in screen.cautions}
    # Cards say of what nobody tried that it was not, and why.
    untried = {card.option.kind for card in screen.cards if not card.option.known}
    match found:
        case BestNetwork():
            return found.rival_flops is None  # the lead; which others are as good is told below
        case Option():
            return found.kind in untried if not found.known else _is_all_of_a_card(found, screen)
        case NoComparison():
            return found.reason is NotCompared.ONE_MODEL and OptionKind.MODEL in untried
        case OneInit():
            return OptionKind.INIT in untried
        case OneSize():
            return OptionKind.DATA in untried
        case HighestAccuracy():
            if found.best.arm == found.second.arm:
                return True  # two sizes of one curve
            # Two that cannot be told apart, with the advice to train more.
            pair = {found.best.key, found.second.key}
            steps = (step for step in findings.advice.steps if isinstance(step, MoreSeeds))
            return any({step.best.key, step.rival.key} == pair for step in steps)
        case AccuracyCurve():
            return found.rise is None  # one row of the results
        case GeneralisationGap():
            return found.trend is None
        case FewSeeds():
            return found.repeats is Repeats.NONE  # the spread that is assumed
        case FewEpochs():
            return NotConverged in warned
        case ReportedEpoch():
            return found.chosen_by == ("last",)  # the reported accuracy
        case Detectable():
            return True  # a column of the comparisons
        case ComparisonMethod():
            return found.most_sizes <= 1
        case LeakedImages():
            return LeakedTest in warned
        case NoCopies():
            return True  # the checks of the images
        case _:
            return False


def _is_all_of_a_card(option: Option, screen: Overview) -> bool:
    """Whether a card has all of an option: it is compared with no other, and has no rates."""
    alone = math.isnan(option.chance_best) and option.told is not OptionVerdict.HELPS
    return alone and any(card.option is option for card in screen.cards)


def row_of(finding: Finding, rows: Mapping[object, str]) -> str:
    """The id of the results' row that a finding rests on, or empty.

    That of the first of its runs; of a curve without runs, the rows of its arm.

    Args:
        rows: run_id, or (model, init), -> id of its row or rows in the table of results.
    """
    arm = getattr(finding, "model", None), getattr(finding, "init", None)
    return next((rows[key] for key in (*_runs(finding), arm) if key in rows), "")


def _runs(found: object) -> Iterator[str]:
    """Runs named anywhere inside a finding, in the order of its fields."""
    if isinstance(found, Cell):
        yield from found.run_ids
    elif isinstance(found, tuple | list):
        for each in found:
            yield from _runs(each)
    elif is_dataclass(found):
        for field in fields(found):
            value = getattr(found, field.name)
            if field.name == "run_id":
                yield value
            elif field.name == "run_ids":
                yield from value
            else:
                yield from _runs(value)
