"""English.

words       models, initial weights and cells as parts of sentences
overview    the first screen of a report
tables      findings of one shape, as a table
answer      the answer in sentences
advice      what there is, what a wanted error takes, what to do next
options     what could be had from the best network
doubling    what the last doubling of the images bought
relation    accuracy, model and data; runs left out
diagnosis   what single runs show, and by which rules
overfitting gaps, losses that rise, too few steps
data        doubtful labels, copies and leaked images
limits      what the numbers cannot say
pretraining what pretrained weights change
expectation   whether the bigger model was better
causes      why it was not, and what would test it
explained   why it was not, as far as it was tested
curves      fitted learning curves and their warnings
captions    what is said of figures and tables
labels      fixed words of pages, figures and tables
numbers     numbers in sentences
provenance  how a study was made
"""

from __future__ import annotations

from collections.abc import Sequence

from ...analysis.curves.learning_curve import LearningCurve, RequiredSize
from ...analysis.curves.points import CurveWarning
from ...analysis.findings.advice import AdviceFinding, AdviceStep
from ...analysis.findings.answer import AnswerFinding
from ...analysis.findings.causes import CauseFinding
from ...analysis.findings.diagnosis import DiagnosisFinding, DiagnosisKind
from ...analysis.findings.doubtful_labels import DataFinding
from ...analysis.findings.expectation import ExpectationFinding
from ...analysis.findings.explained import ExplainedFinding
from ...analysis.findings.limits import LimitFinding
from ...analysis.findings.options import Option
from ...analysis.findings.overfitting import OverfittingFinding
from ...analysis.findings.pretraining import PretrainingFinding
from ...analysis.findings.relation import RelationFinding
from ...analysis.findings.types import Finding, SectionKey
from ...storage.run_record import Understood, WeightsFacts
from ..base import Language, Names, SaidStep, SaidTable
from ..provenance import Fact, Provenance
from ..text import plain, upper_first
from . import (
    advice,
    answer,
    causes,
    curves,
    data,
    diagnosis,
    expectation,
    explained,
    limits,
    overfitting,
    overview,
    pretraining,
    provenance,
    relation,
    tables,
    understood,
)
from .captions import EnglishCaptions
from .labels import FIGURES, PAGE, TERMINAL, WATCH
from .numbers import NUMBERS
from .overview import OverviewFinding
from .words import Words


class English(Language):
    """English with the names of one study."""

    tag = "en"
    numbers = NUMBERS
    page = PAGE
    figures = FIGURES
    terminal = TERMINAL
    watch = WATCH

    def __init__(self, names: Names) -> None:
        super().__init__(names)
        self.words = Words(names)
        self.captions = EnglishCaptions(self.words)
        self.screen = overview.EnglishScreen(self.words)

    def say(self, finding: Finding) -> str:
        return upper_first(self._say(finding))

    def _say(self, finding: Finding) -> str:
        words = self.words
        if isinstance(finding, OverviewFinding):
            return overview.say(finding, words)
        if isinstance(finding, AnswerFinding):
            return answer.say(finding, words)
        if isinstance(finding, RelationFinding):
            return relation.say(finding, words)
        if isinstance(finding, DiagnosisFinding):
            return diagnosis.say(finding, words)
        if isinstance(finding, OverfittingFinding):
            return overfitting.say(finding, words)
        if isinstance(finding, DataFinding):
            return data.say(finding)
        if isinstance(finding, LimitFinding):
            return limits.say(finding, words)
        if isinstance(finding, PretrainingFinding):
            return pretraining.say(finding, words)
        if isinstance(finding, AdviceFinding):
            return advice.say(finding, words)
        if isinstance(finding, ExpectationFinding):
            return expectation.say(finding, words)
        if isinstance(finding, CauseFinding):
            return causes.say(finding, words)
        if isinstance(finding, ExplainedFinding):
            return explained.say(finding, words)
        raise TypeError(f"English has no sentence for {type(finding).__name__}")

    def rule(self, kind: DiagnosisKind) -> str:
        return diagnosis.rule(kind)

    def say_step(self, step: Option | AdviceStep) -> SaidStep:
        return advice.step(step, self.words)

    def section_title(self, key: SectionKey, *, expected: bool) -> str:
        titles = {
            SectionKey.RELATION: "Accuracy, model size and training-set size",
            SectionKey.EXPECTATION: "Was the expectation met?",
            SectionKey.CAUSES: "What may be behind it: sixteenth explain DIR tests it",
            SectionKey.TESTED: "Reasons, tested",
            SectionKey.PRETRAINING: "What pretrained weights change",
            SectionKey.OVERFITTING: "Overfitting, underfitting and the amount of data",
            SectionKey.DATA: "The labels and the data",
            SectionKey.LIMITS: "What these numbers cannot say",
            SectionKey.MISSING: "Runs left out",
            SectionKey.ADVICE: "What could be had from the best network",
        }
        if key is SectionKey.EXPECTATION and not expected:
            return "Bigger and smaller model"
        return titles[key]

    def table(self, findings: Sequence[Finding]) -> SaidTable | None:
        return tables.table(findings, self.words)

    def init(self, init: str) -> str:
        return plain(self.words.init(init))

    def dateline(self, made: Provenance) -> list[str]:
        return provenance.dateline(made)

    def understood(self, data: Understood) -> list[str]:
        return understood.say(data)

    def understood_weights(self, model: str, init: str, weights: WeightsFacts) -> str:
        return understood.say_weights(self.words.model(model), init, weights)

    def facts(self, made: Provenance) -> list[Fact]:
        return provenance.facts(made)

    def notes(self, made: Provenance) -> list[str]:
        return provenance.notes(made)

    def curve_warning(self, kind: CurveWarning, sizes: int) -> str:
        return curves.warning(kind, sizes)

    def learning_curve(self, curve: LearningCurve) -> str:
        return curves.summary(curve)

    def required_size(self, found: RequiredSize) -> str:
        return curves.required_size(found)
