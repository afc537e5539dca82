"""Traditional Chinese as in Taiwan; the modules are those of `language.en`."""

from __future__ import annotations

from ...analysis.curves.learning_curve import RequiredSize
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
from ...analysis.findings.per_class import ClassFinding
from ...analysis.findings.pretraining import PretrainingFinding
from ...analysis.findings.relation import RelationFinding
from ...analysis.findings.training_time import TrainingTimeFinding
from ..base import Language, SaidStep
from ..provenance import ProvenanceText
from ..screen import OverviewFinding
from ..understood import UnderstoodText
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
    per_class,
    pretraining,
    provenance,
    relation,
    training_time,
    understood,
)
from .captions import ChineseCaptions
from .labels import FIGURES, PAGE, PROGRESS, TERMINAL, TITLES, WATCH
from .numbers import NUMBERS
from .tables import TABLES
from .words import Words


class TraditionalChinese(Language):
    """Traditional Chinese with the names of one study."""

    tag = "zh-Hant"
    sample = "準確率"
    words: Words
    words_type, captions_type, screen_type = Words, ChineseCaptions, overview.ChineseScreen
    numbers = NUMBERS
    page = PAGE
    figures = FIGURES
    terminal = TERMINAL
    progress = PROGRESS
    watch = WATCH
    table_labels = TABLES
    provenance = ProvenanceText(provenance.LABELS, NUMBERS)
    understanding = UnderstoodText(understood.LABELS, NUMBERS)

    titles = TITLES
    unexpected_title = "較大與較小的模型"
    across_machines = "所比較的訓練來自不同種類的機器。"
    sayers = (
        (OverviewFinding, overview.say),
        (AnswerFinding, answer.say),
        (RelationFinding, relation.say),
        (DiagnosisFinding, diagnosis.say),
        (OverfittingFinding, overfitting.say),
        (ClassFinding, per_class.say),
        (DataFinding, data.say),
        (LimitFinding, limits.say),
        (TrainingTimeFinding, training_time.say),
        (PretrainingFinding, pretraining.say),
        (AdviceFinding | AdviceStep, advice.say),
        (ExpectationFinding, expectation.say),
        (CauseFinding, causes.say),
        (ExplainedFinding, explained.say),
    )

    def rule(self, kind: DiagnosisKind) -> str:
        return diagnosis.rule(kind, self.words)

    def say_step(self, step: Option | AdviceStep) -> SaidStep:
        return advice.step(step, self.words)

    def curve_warning(self, kind: CurveWarning, sizes: int) -> str:
        return curves.warning(kind, sizes)

    def required_size(self, found: RequiredSize) -> str:
        return curves.required_size(found)


LANGUAGE = TraditionalChinese
