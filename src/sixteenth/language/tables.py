"""Findings of one shape as a table, where sentences would repeat themselves: in every language."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..analysis.curves.crossover import CrossoverOutcome
from ..analysis.curves.forecast import CERTAIN, FORESEEN, Worth
from ..analysis.findings.doubling import HalfOrigin, LastDoubling
from ..analysis.findings.expectation import GainFromData, ModelCrossover, Outcome, SizeVerdict
from ..analysis.findings.options import Option
from ..analysis.findings.overfitting import GapTrend, GeneralisationGap
from ..analysis.findings.per_class import ClassRecall
from ..analysis.findings.pretraining import (
    AheadOnFewer,
    FirstEpoch,
    FitAndGap,
    GainSource,
    InitGain,
    InitGainChange,
    WorthInImages,
)
from ..analysis.findings.relation import AccuracyCurve
from ..analysis.findings.types import Finding
from ..analysis.inputs.grid import Cell
from ..analysis.stats.paired import Basis, Contrast
from .numbers import DASH
from .screen import Screen
from .sentences import SentenceNumbers
from .text import plain
from .words import Words

Row = tuple[str, ...]


@dataclass(frozen=True)
class SaidTable:
    """Findings of one kind, which sentences would repeat, as rows of plain texts."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[tuple[str, ...], Finding], ...]


@dataclass(frozen=True)
class TableLabels:
    """The words of the tables; fields that hold ``{name}`` are patterns for `str.format`.

    Attributes:
        tables: of each kind of finding, the title and the columns. Those of `SizeVerdict` get the
            names of the two models after the second.
        not_trained: behind a number of images that was not trained.
        last_step: a ``{gain}`` of the last step alone, from so many ``{images}`` on.
        overtaking: with the model that is ``{ahead}``.
        up_to: a ``{probability}`` up to so many ``{images}``.
        on_images: an ``{init}``, its ``{images}`` and ``{accuracy}``.
        hardly_fitted: behind a trend.
        if_never_hurt: a range that holds if more images never hurt.
    """

    tables: Mapping[type, tuple[str, tuple[str, ...]]]
    cannot_tell: str
    not_trained: str
    last_step: str
    overtaking: Mapping[CrossoverOutcome, str]
    up_to: str
    on_images: str
    sources: Mapping[GainSource, str]
    trends: Mapping[GapTrend, str]
    hardly_fitted: str
    if_never_hurt: str


class Tables:
    """The tables of one study in one language."""

    def __init__(
        self, labels: TableLabels, words: Words, numbers: SentenceNumbers, screen: Screen
    ) -> None:
        self.labels, self.words, self.screen = labels, words, screen
        self.sentence, self.numbers = numbers, numbers.numbers
        self._model, self._init, self._arm = words.model, words.init, words.arm
        self._count, self._points = self.numbers.count, self.numbers.points
        self._percent = numbers.percent
        self._rows: dict[type, Callable[[Any], Row | list[Row]]] = {
            AccuracyCurve: self._curve,
            LastDoubling: self._doubling,
            SizeVerdict: self._size,
            GainFromData: self._gain_from_data,
            ModelCrossover: self._crossover,
            InitGain: self._init_gain,
            InitGainChange: self._init_gain_change,
            AheadOnFewer: self._ahead_on_fewer,
            FitAndGap: self._fit_and_gap,
            FirstEpoch: self._first_epoch,
            WorthInImages: self._worth,
            ClassRecall: self._class,
            GeneralisationGap: self._gap,
            Option: self._option,
        }

    def table(self, findings: Sequence[Any]) -> SaidTable | None:
        """Findings of one kind as rows; None where sentences say them better."""
        first = findings[0]
        row = self._rows.get(type(first))
        if row is None or len(findings) < 2:
            return None
        title, columns = self.labels.tables[type(first)]
        rows = tuple(
            (tuple(plain(self.words.tidy(cell)) for cell in cells), each)
            for each in findings
            for cells in _several(row(each))
        )
        if isinstance(first, SizeVerdict):
            models = (plain(self._model(c.model)) for c in (first.small, first.big))
            columns = (*columns[:2], *models, *columns[2:])
        return SaidTable(title, columns, rows)

    def _span(self, low: str, high: str) -> str:
        return self.numbers.span.format(low, high)

    def _sizes(self, low: float, high: float) -> str:
        return self._span(self._count(low), self._count(high))

    def _curve(self, found: AccuracyCurve) -> Row:
        first, last = found.cells[0], found.cells[-1]
        rise = (DASH, DASH) if found.rise is None else self._both(found.rise)
        sizes = self._sizes(first.train_size, last.train_size)
        return (
            self._arm(first.model, first.init),
            sizes,
            self._values(found.cells, "accuracy"),
            *rise,
        )

    def _doubling(self, found: LastDoubling) -> Row:
        parts = [
            DASH if part is None else self._points(part.value)
            for part in (found.from_images, found.from_steps)
        ]
        if not found.more_steps and found.from_images is None:
            parts = [DASH, DASH]
        half = "" if found.half.origin is HalfOrigin.TRAINED else self.labels.not_trained
        sizes = self._span(self._count(found.half.images) + half, self._count(found.images))
        return self._arm(found.model, found.init), sizes, *self._both(found.gain), *parts

    def _size(self, row: SizeVerdict) -> Row:
        ahead = self.labels.cannot_tell
        if row.outcome is not Outcome.CANNOT_TELL:
            ahead = self._model((row.big if row.found.value > 0 else row.small).model)
        visible = (
            self._points(row.detectable).lstrip("+") if math.isfinite(row.detectable) else DASH
        )
        p = self.sentence.p_value(row.p).removeprefix("= ") if math.isfinite(row.p) else DASH
        accuracies = (self._percent(cell.accuracy) for cell in (row.small, row.big))
        size = self._count(row.small.train_size)
        return (
            self._init(row.init),
            size,
            *accuracies,
            *self._both(row.found),
            p,
            visible,
            ahead,
        )

    def _gain_from_data(self, found: GainFromData) -> Row:
        sizes = self._sizes(found.from_images, found.to_images)
        last = DASH
        if found.last_step is not None and found.last_from is not None:
            last = self.labels.last_step.format(
                gain=self._points(found.last_step.value),
                images=self._count(found.last_from),
            )
        gains = self._points(found.small_gain), self._points(found.big_gain)
        return self._init(found.init), sizes, *gains, *self._both(found.difference), last

    def _crossover(self, found: ModelCrossover) -> Row:
        crossed, place = found.crossover, DASH
        ahead = self._model(found.ahead) if found.ahead else ""
        if found.outcome in (CrossoverOutcome.INSIDE, CrossoverOutcome.BEYOND):
            ends = self._span(
                self.sentence.rounded(crossed.low), self.sentence.rounded(crossed.high)
            )
            place = f"{self.sentence.rounded(crossed.size)} ({ends})"
        outcome = self.labels.overtaking[found.outcome].format(ahead=ahead)
        inside = self.sentence.probability(crossed.inside, CERTAIN)
        beyond = self.labels.up_to.format(
            probability=self.sentence.probability(crossed.beyond, FORESEEN),
            images=self._count(crossed.horizon),
        )
        return self._init(found.init), outcome, place, inside, beyond

    def _init_gain(self, found: InitGain) -> list[Row]:
        return [
            (
                self._model(found.model),
                self._init(found.init),
                self._count(size),
                *self._both(one),
            )
            for size, one in zip(found.sizes, found.differences, strict=True)
        ]

    def _init_gain_change(self, found: InitGainChange) -> Row:
        sizes = self._sizes(found.from_images, found.to_images)
        return (
            self._model(found.model),
            self._init(found.init),
            sizes,
            *self._both(found.difference),
        )

    def _ahead_on_fewer(self, found: AheadOnFewer) -> Row:
        cells = (
            self.labels.on_images.format(
                init=self._init(cell.init),
                images=self._count(cell.train_size),
                accuracy=self._percent(cell.accuracy),
            )
            for cell in (found.fewer, found.more)
        )
        return (
            self._model(found.fewer.model),
            *map(self.words.begin, cells),
            *self._both(found.difference),
        )

    def _fit_and_gap(self, found: FitAndGap) -> Row:
        source = DASH if found.source is None else self.labels.sources[found.source]
        changes = (
            self._points(found.train_accuracy_change),
            self._points(found.gap_change),
        )
        return (
            self._arm(found.model, found.init),
            self._count(found.train_size),
            *changes,
            source,
        )

    def _first_epoch(self, found: FirstEpoch) -> Row:
        accuracies = (
            self._percent(found.base_accuracy),
            self._percent(found.accuracy),
        )
        return (
            self._model(found.model),
            self._init(found.init),
            self._count(found.train_size),
            *accuracies,
        )

    def _worth(self, found: WorthInImages) -> list[Row]:
        head = self._model(found.model), self._init(found.init)
        return [(*head, self._count(one.images), *self._times_as_many(one)) for one in found.worth]

    def _times_as_many(self, found: Worth) -> Row:
        """How many times as many images, and the interval; nothing is told beyond `most`."""
        factor, low, high = (
            self.sentence.times(value)
            if math.isfinite(value)
            else self.sentence.over.format(self.sentence.times(found.most))
            for value in (found.factor, found.low, found.high)
        )
        return factor, self._span(low, high)

    def _gap(self, found: GeneralisationGap) -> Row:
        first, last = found.cells[0], found.cells[-1]
        sizes = self.numbers.join([self._count(cell.train_size) for cell in found.cells])
        gaps = self.numbers.join([self._points(cell.mean("gap")) for cell in found.cells])
        trend = DASH if found.trend is None else self.labels.trends[found.trend]
        if found.little_fitted:
            trend += self.labels.hardly_fitted
        fits = dict.fromkeys(self._percent(cell.mean("train_accuracy")) for cell in (first, last))
        return self._arm(first.model, first.init), sizes, gaps, " → ".join(fits), trend

    def _class(self, found: ClassRecall) -> Row:
        percent = self._percent
        known = [self._count(n) for n in found.train_images if math.isfinite(n)]
        gain = self._points(found.gain) if math.isfinite(found.gain) else DASH
        return (
            found.name,
            " → ".join(known) or DASH,
            self._count(found.test_images),
            " → ".join(percent(recall) for recall in found.recalls),
            self._span(percent(found.interval.low), percent(found.interval.high)),
            gain,
        )

    def _option(self, option: Option) -> Row:
        said, verdict = self.screen.do(option), self.screen.verdict(option)
        if not option.known:
            return said, DASH, self.screen.why_untried(option), DASH, verdict
        chance = self.numbers.percent(option.chance_best, 0)
        if option.gain <= 0 or not math.isfinite(option.chance_best):
            chance = DASH
        return said, self._points(option.gain), self.screen.around(option), chance, verdict

    def _values(self, cells: Sequence[Cell], what: str) -> str:
        return " → ".join(self._percent(cell.mean(what)) for cell in cells)

    def _both(self, found: Contrast) -> tuple[str, str]:
        """A difference and its interval."""
        return self._points(found.value), self._interval(found)

    def _interval(self, found: Contrast) -> str:
        ends = self.numbers.points_interval(found.low, found.high)
        # A range, with no level of its own.
        rising = found.basis is Basis.RISING_CURVE
        return self.labels.if_never_hurt.format(ends) if rising else ends


def _several(made: Row | list[Row]) -> list[Row]:
    """Most findings are one row."""
    return made if isinstance(made, list) else [made]
