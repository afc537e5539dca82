"""English.

words       models, initial weights and cells as parts of sentences
answer      what a report opens with
moves       what each thing that can be done bought
relation    accuracy, model and data; runs left out
expectation   whether the bigger model was better
causes      why it was not, and what would test it
curves      fitted learning curves and their warnings
captions    what stands under figures and tables
"""

from __future__ import annotations

from ...analysis.findings.answer import AnswerFinding
from ...analysis.findings.causes import CauseFinding
from ...analysis.findings.expectation import ExpectationFinding
from ...analysis.findings.relation import RelationFinding
from ...analysis.findings.types import Claim, Finding, SectionKey
from ..base import Language, Names
from ..numbers import upper_first
from . import answer, causes, expectation, relation
from .words import Words


class English(Language):
    """English with the names of one study."""

    tag = "en"

    def __init__(self, names: Names) -> None:
        super().__init__(names)
        self.words = Words(names)

    def say(self, finding: Finding) -> str:
        return upper_first(self._say(finding))

    def _say(self, finding: Finding) -> str:
        words = self.words
        if isinstance(finding, AnswerFinding):
            return answer.say(finding, words)
        if isinstance(finding, RelationFinding):
            return relation.say(finding, words)
        if isinstance(finding, ExpectationFinding):
            return expectation.say(finding, words)
        if isinstance(finding, CauseFinding):
            return causes.say(finding, words)
        if isinstance(finding, Claim):
            return finding.text
        raise TypeError(f"English has no sentence for {type(finding).__name__}")

    def section_title(self, key: SectionKey, *, expected: bool) -> str:
        titles = {
            SectionKey.RELATION: "Accuracy, model size and training-set size",
            SectionKey.EXPECTATION: "Was the expectation met?",
            SectionKey.CAUSES: "Likely reasons, the best supported first",
            SectionKey.PRETRAINING: "What pretrained weights change",
            SectionKey.OVERFITTING: "Overfitting, underfitting and the amount of data",
            SectionKey.DATA: "The labels and the data",
            SectionKey.LIMITS: "What these numbers cannot say",
            SectionKey.MISSING: "Runs left out",
            SectionKey.ADVICE: "What to do next, the most useful first",
        }
        if key is SectionKey.EXPECTATION and not expected:
            return "Bigger and smaller model"
        return titles[key]
