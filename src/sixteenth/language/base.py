"""What a language must be able to say, and the names that it may use.

The analysis finds, a language says, the report arranges. A language is a class in a folder beside
this file, such as `en.English`, with its fixed words; sentences come from the modules of its
folder, which have the same names in each (`SAID_BY`), one exhaustive match over the findings of
each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from importlib import import_module
from types import ModuleType
from typing import Any

from ..analysis.curves.learning_curve import LearningCurve, RequiredSize
from ..analysis.curves.points import CurveWarning
from ..analysis.findings.advice import Advice, AdviceFinding, AdviceStep
from ..analysis.findings.analyse import Findings
from ..analysis.findings.answer import AnswerFinding
from ..analysis.findings.causes import CauseFinding
from ..analysis.findings.cautions import Caution
from ..analysis.findings.diagnosis import DiagnosisFinding, DiagnosisKind
from ..analysis.findings.doubtful_labels import DataFinding
from ..analysis.findings.expectation import Expect, ExpectationFinding
from ..analysis.findings.explained import ExplainedFinding
from ..analysis.findings.limits import LimitFinding
from ..analysis.findings.options import Option
from ..analysis.findings.overfitting import OverfittingFinding
from ..analysis.findings.per_class import ClassFinding
from ..analysis.findings.pretraining import PretrainingFinding
from ..analysis.findings.relation import RelationFinding
from ..analysis.findings.training_time import TrainingTimeFinding
from ..analysis.findings.types import Finding, Section, SectionKey, Strength
from ..storage.run_facts import Understood, WeightsFacts
from .captions import Captions
from .commands import section_command, step_command
from .labels import FigureLabels, PageLabels, ProgressLabels, TerminalLabels, WatchLabels
from .numbers import Numbers
from .provenance import ProvenanceText
from .said import SaidCaution
from .screen import OverviewFinding, Screen
from .tables import SaidTable, TableLabels, Tables
from .text import fill, plain
from .understood import UnderstoodText
from .words import Names, Words

SAID_BY: dict[str, Any] = {
    "overview": OverviewFinding,
    "cautions": Caution,
    "answer": AnswerFinding,
    "relation": RelationFinding,
    "diagnosis": DiagnosisFinding,
    "overfitting": OverfittingFinding,
    "per_class": ClassFinding,
    "data": DataFinding,
    "limits": LimitFinding,
    "training_time": TrainingTimeFinding,
    "pretraining": PretrainingFinding,
    "advice": AdviceFinding | AdviceStep,
    "expectation": ExpectationFinding,
    "causes": CauseFinding,
    "explained": ExplainedFinding,
}
"""A module of each language -> the findings that its function `say(finding, words)` says."""


@dataclass(frozen=True)
class Statement:
    """A finding in words: one or two sentences of plain text, not escaped."""

    text: str
    finding: Finding

    @property
    def strength(self) -> Strength:
        """How well the data support it."""
        return self.finding.strength


@dataclass(frozen=True)
class SaidStep(Statement):
    """One thing to do next; `text` is all of it.

    Attributes:
        what: an imperative without a capital and without a full stop.
        why: what speaks for it, and the gain where one is known: a sentence.
        cost: what it takes, and what is not known of it: sentences, or empty.
    """

    finding: Option | AdviceStep
    what: str
    why: str
    cost: str

    @property
    def command(self) -> str:
        """What does it, as `language.commands.typed` takes it; empty of an option."""
        return step_command(self.finding)


@dataclass(frozen=True, repr=False)
class SaidAdvice:
    """Advice in one language.

    Attributes:
        verdict: of the first screen, which weighs all options; empty where no run has
            finished.
        best: what there is already.
        options: what could be had from it, the largest gain first.
        steps: what would make the answer surer, the most useful first.
        target: what the wanted error takes; None where none was asked for.
        cautions: what could overturn the verdict, as on the first screen.
        findings: the same in numbers.
    """

    verdict: str
    best: str
    options: tuple[SaidStep, ...]
    steps: tuple[SaidStep, ...]
    target: Statement | None
    cautions: tuple[SaidCaution, ...]
    findings: Advice

    def __repr__(self) -> str:
        return f"SaidAdvice({[step.what for step in (*self.options, *self.steps)]})"

    def _repr_html_(self) -> str:
        parts = [*filter(None, [self.verdict]), self.best]
        parts += [self.target.text] if self.target else []
        parts += [caution.text for caution in self.cautions]
        steps = "".join(f"<li>{escape(step.text)}</li>" for step in (*self.options, *self.steps))
        return "".join(f"<p>{escape(part)}</p>" for part in parts) + f"<ol>{steps}</ol>"

    def to_dict(self) -> dict[str, object]:
        """Numbers and sentences as plain values for JSON; what is not finite becomes None."""
        target = self.target
        return {
            "verdict": self.verdict,
            "best": self.best,
            "target": None if target is None else {**target.finding.to_dict(), "text": target.text},
            "cautions": [{"text": one.text, "command": one.command} for one in self.cautions],
            "options": [_step_dict(step) for step in self.options],
            "steps": [_step_dict(step) for step in self.steps],
        }


def _step_dict(step: SaidStep) -> dict[str, object]:
    return {"what": step.what, "why": step.why, "cost": step.cost, **step.finding.to_dict()}


@dataclass(frozen=True)
class SaidSection:
    """A section of the discussion in words.

    Attributes:
        statements: all findings, in their order.
        tables: those that sentences would repeat, once more.
        command: what tests them, as `language.commands.typed` takes it; empty where nothing does.
    """

    key: SectionKey
    title: str
    statements: tuple[Statement, ...]
    tables: tuple[SaidTable, ...]
    command: str = ""

    @property
    def sentences(self) -> tuple[Statement, ...]:
        """The statements that stand in no table."""
        listed = {id(finding) for table in self.tables for _, finding in table.rows}
        return tuple(each for each in self.statements if id(each.finding) not in listed)


@dataclass(frozen=True, repr=False)
class Discussion:
    """The findings of a study in one language.

    Attributes:
        answer: the verdict, without a full stop, then what it rests on in sentences: `opening`.
        sections: the discussion.
        findings: the same in numbers.
    """

    answer: tuple[str, ...]
    sections: tuple[SaidSection, ...]
    findings: Findings

    def __repr__(self) -> str:
        return f"Discussion({len(self.answer)} sentences, {[str(s.key) for s in self.sections]})"

    def _repr_html_(self) -> str:
        return "".join(f"<p>{escape(part)}</p>" for part in self.answer)


class Language:
    """What a report needs to have said; each instance knows the names of one study."""

    tag: str
    """BCP 47, such as ``en``."""
    sample: str
    """Some letters: where no font of a machine has them, PNG figures are in English."""
    numbers: Numbers
    page: PageLabels
    figures: FigureLabels
    terminal: TerminalLabels
    progress: ProgressLabels
    watch: WatchLabels
    words_type: type[Words]
    captions_type: type[Captions]
    screen_type: type[Screen]
    table_labels: TableLabels
    provenance: ProvenanceText
    understanding: UnderstoodText
    titles: Mapping[SectionKey, str]
    unexpected_title: str
    """In place of that of EXPECTATION, where no model was expected to be better."""
    across_machines: str
    """A sentence behind a difference between machines of several kinds; begins with its space."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.words = words = self.words_type(names)
        self.page, self.figures = words.labelled(self.page), words.labelled(self.figures)
        self.terminal, self.titles = words.labelled(self.terminal), words.labelled(self.titles)
        self.captions = self.captions_type(words)
        self.screen = self.screen_type(words)
        self.tables = Tables(words.labelled(self.table_labels), self.screen)

    def say(self, finding: Finding) -> str:
        """A finding as sentences.

        Raises:
            TypeError: this language has no sentence for it, which a test forbids.
        """
        for module, kinds in SAID_BY.items():
            if isinstance(finding, kinds):
                mark = self.across_machines if finding.compares_machines else ""
                return self.words.begin(self._module(module).say(finding, self.words)) + mark
        raise TypeError(f"{self.tag} has no sentence for {type(finding).__name__}")

    def _module(self, name: str) -> ModuleType:
        """A module of this language's folder."""
        return import_module(f"{type(self).__module__}.{name}")

    def rule(self, kind: DiagnosisKind) -> str:
        """When a run gets this diagnosis, with the thresholds: a clause without a full stop."""
        rule: str = self._module("diagnosis").rule(kind, self.words)
        return rule

    def say_step(self, step: Option | AdviceStep) -> SaidStep:
        """A step of the advice, its parts apart."""
        said: SaidStep = self._module("advice").step(step, self.words)
        return said

    def section_title(self, section: Section, *, expected: bool) -> str:
        """The heading of a section; `expected` is whether one model was expected to be better."""
        if section.key is SectionKey.EXPECTATION and not expected:
            return self.unexpected_title
        return self.titles[section.key]

    def init(self, init: str) -> str:
        """What initial weights are called: ``ImageNet weights``. Plain text on one line."""
        return plain(self.words.init(init))

    def model(self, model: str) -> str:
        """What a model is called, plain text on one line."""
        return plain(self.names.models.get(model, model))

    def curve_warning(self, kind: CurveWarning, sizes: int) -> str:
        """A warning without capital and full stop, of a curve that was fitted to `sizes` sizes."""
        warning: str = self._module("curves").warning(kind, sizes)
        return warning

    def learning_curve(self, curve: LearningCurve) -> str:
        """A fitted curve with its warnings in a few lines of at most 80 columns."""
        labels, count, sizes = self.terminal, self.numbers.count, curve.sizes
        first, last = count(sizes[0]), count(sizes[-1])
        fitted = labels.fit_sizes.format(sizes=len(sizes), first=first, last=last)
        lines = [f"{labels.fit.format(curve=curve)}   {fitted}"]
        for name in ("alpha", "eta", "gamma"):
            low, high = getattr(curve, f"{name}_interval")
            value = getattr(curve, name)
            lines.append(labels.fit_parameter.format(name=name, value=value, low=low, high=high))
        for n in (2 * float(sizes[-1]), 4 * float(sizes[-1])):
            error, low, high = map(float, (curve.predict(n), *curve.interval(n)))
            lines.append(labels.fit_at.format(n=count(n), error=error, low=low, high=high))
        warnings = [
            fill(
                self.terminal.warning.format(self.curve_warning(kind, len(curve.sizes))),
                first="  ",
                rest="    ",
            )
            for kind in curve.warnings
        ]
        return "\n".join([*lines, *warnings])

    def required_size(self, found: RequiredSize) -> str:
        """How many images an error takes, in one sentence without a full stop."""
        sentence: str = self._module("curves").required_size(found)
        return sentence

    def understood(self, data: Understood) -> list[str]:
        """What the data were taken for: a line, one on what was left out, one for each note.

        Nothing of records of earlier versions, which do not tell.
        """
        return self.understanding.say(data)

    def understood_weights(self, model: str, init: str, weights: WeightsFacts) -> str:
        """How a file of initial weights was read: the key, and the prefix that was removed.

        Empty for weights that go by a name, such as ``imagenet``, if nothing was removed.
        """
        return self.understanding.say_weights(self.words.model(model), init, weights)

    def discuss(self, findings: Findings) -> Discussion:
        """All findings of a study in words."""
        return Discussion(
            answer=self.opening(findings),
            sections=tuple(
                self._section(section, expected=findings.expect is not Expect.NONE)
                for section in findings.sections
            ),
            findings=findings,
        )

    def opening(self, findings: Findings) -> tuple[str, ...]:
        """The first screen in words: the verdict, without a full stop, then what it rests on."""
        screen = findings.overview
        said = map(self.say, (*findings.answer, *screen.cautions))
        lines = (self.screen.title(screen), self.screen.lead(screen), *said)
        return tuple(dict.fromkeys(filter(None, lines)))  # a caution may be in the answer too

    def _section(self, section: Section, *, expected: bool) -> SaidSection:
        kinds = dict.fromkeys(type(each) for each in section.findings)
        tables = (
            self.tables.table([each for each in section.findings if type(each) is kind])
            for kind in kinds
        )
        return SaidSection(
            key=section.key,
            title=self.section_title(section, expected=expected),
            statements=tuple(Statement(self.say(each), each) for each in section.findings),
            tables=tuple(table for table in tables if table is not None),
            command=section_command(section),
        )

    def advise(self, findings: Findings) -> SaidAdvice:
        """The advice of a study in words, after the verdict of its first screen."""
        advice, screen = findings.advice, findings.overview
        target = advice.target
        return SaidAdvice(
            verdict=self.screen.title(screen) if screen.best is not None else "",
            best=self.say(advice.best),
            options=tuple(self.say_step(option) for option in advice.options),
            steps=tuple(self.say_step(step) for step in advice.steps),
            target=None if target is None else Statement(self.say(target), target),
            cautions=self.screen.say_cautions(screen),
            findings=advice,
        )
