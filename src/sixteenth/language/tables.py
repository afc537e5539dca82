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
from ..analysis.findings.training_time import DifferenceByLength, LongerTraining, Order
from ..analysis.findings.types import Finding
from ..analysis.stats.paired import Basis, Contrast
from .numbers import DASH
from .screen import Screen, may_be_best, rates
from .sentences import SURE
from .text import plain

Row = tuple[str, ...]
Heading = tuple[str, tuple[str, ...]]
"""The title of a table and its columns."""
ALWAYS = (SizeVerdict, Option, LongerTraining, DifferenceByLength)
"""Tables of one row too: a sentence would have more words."""


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
        sizes: gets the names of the two models after the second column.
        not_separated: instead of the parts of a gain, where the study cannot tell them apart, and
            of the chance that more images are the best option.
        parts: of a gain, by ``{images}`` and by training ``{steps}``.
        not_trained: behind a number of images that was not trained.
        last_step: a ``{gain}`` of the last step alone, from so many ``{images}`` on.
        overtaking: with the model that is ``{ahead}``.
        up_to: a ``{probability}`` up to so many ``{images}``.
        on_images: an ``{init}``, its ``{images}`` and ``{accuracy}``.
        init_gains, first_epochs, worth: over the ``{base}``, the weights that the study has first.
        against: the ``{first}`` of two networks compared and the ``{second}``.
        orders: what longer training does to the order of two networks.
        hardly_fitted: behind a trend.
        if_never_hurt: a range that holds if more images never hurt.
    """

    curves: Heading
    doublings: Heading
    sizes: Heading
    gains_from_data: Heading
    crossovers: Heading
    init_gains: Heading
    init_gain_changes: Heading
    ahead_on_fewer: Heading
    fit_and_gap: Heading
    first_epochs: Heading
    worth: Heading
    classes: Heading
    gaps: Heading
    longer_training: Heading
    differences_by_length: Heading
    options: Heading
    cannot_tell: str
    not_separated: str
    parts: str
    not_trained: str
    last_step: str
    overtaking: Mapping[CrossoverOutcome, str]
    up_to: str
    on_images: str
    sources: Mapping[GainSource, str]
    trends: Mapping[GapTrend, str]
    against: str
    orders: Mapping[Order, str]
    hardly_fitted: str
    if_never_hurt: str


class Tables:
    """The tables of one study in one language."""

    def __init__(self, labels: TableLabels, screen: Screen) -> None:
        self.labels, self.screen, self.words = labels, screen, screen.words
        self.sentence, self.numbers = screen.numbers, screen.numbers.numbers
        self._model, self._init = self.words.model, self.words.init
        self._count, self._points = self.numbers.count, self.numbers.points
        self._percent = self.sentence.percent
        self._kinds: dict[type, tuple[Heading, Callable[[Any], Row | list[Row]]]] = {
            AccuracyCurve: (labels.curves, self._curve),
            LastDoubling: (labels.doublings, self._doubling),
            SizeVerdict: (labels.sizes, self._size),
            GainFromData: (labels.gains_from_data, self._gain_from_data),
            ModelCrossover: (labels.crossovers, self._crossover),
            InitGain: (labels.init_gains, self._init_gain),
            InitGainChange: (labels.init_gain_changes, self._init_gain_change),
            AheadOnFewer: (labels.ahead_on_fewer, self._ahead_on_fewer),
            FitAndGap: (labels.fit_and_gap, self._fit_and_gap),
            FirstEpoch: (labels.first_epochs, self._first_epoch),
            WorthInImages: (labels.worth, self._worth),
            ClassRecall: (labels.classes, self._class),
            GeneralisationGap: (labels.gaps, self._gap),
            LongerTraining: (labels.longer_training, self._longer),
            DifferenceByLength: (labels.differences_by_length, self._by_length),
            Option: (labels.options, self._option),
        }

    def table(self, findings: Sequence[Any]) -> SaidTable | None:
        """Findings of one kind as rows; None where sentences say them better."""
        first = findings[0]
        kind = self._kinds.get(type(first))
        if kind is None or (len(findings) < 2 and type(first) not in ALWAYS):
            return None
        (title, columns), row = kind
        rows = tuple(
            (tuple(plain(self.words.tidy(cell)) for cell in cells), each)
            for each in findings
            for cells in _several(row(each))
        )
        if not rows:
            return None
        if isinstance(first, InitGain | FirstEpoch | WorthInImages):  # all have the same base
            named = [self.words.tidy(each.format(base=self._init(first.base))) for each in columns]
            columns, title = (*named,), self.words.tidy(title.format(base=self._init(first.base)))
        if isinstance(first, SizeVerdict):
            models = (plain(self._model(c.model)) for c in (first.small, first.big))
            columns = (*columns[:2], *models, *columns[2:])
        known = [i for i in range(len(columns)) if any(cells[i] != DASH for cells, _ in rows)]
        if len(known) < 2:
            return None  # names alone
        return SaidTable(
            title,
            tuple(columns[i] for i in known),
            tuple((tuple(cells[i] for i in known), each) for cells, each in rows),
        )

    def _arm(self, model: str, init: str) -> str:
        """A network in the first column."""
        return self.words.network(model, init)

    def _from(self, init: str) -> str:
        """The weights in the first column, which is left out where all rows have the same."""
        return DASH if self.words.names.one_init else self._init(init)

    def _span(self, low: str, high: str) -> str:
        return self.numbers.span.format(low, high)

    def _sizes(self, low: float, high: float) -> str:
        return self._span(self._count(low), self._count(high))

    def _curve(self, found: AccuracyCurve) -> Row:
        first, last = found.cells[0], found.cells[-1]
        rise = (DASH, DASH) if found.rise is None else self._both(found.rise)
        sizes = self._sizes(first.train_size, last.train_size)
        return self._arm(first.model, first.init), sizes, *rise

    def _doubling(self, found: LastDoubling) -> Row:
        parts = self.labels.not_separated if found.measured and found.more_steps else DASH
        if found.from_images is not None:
            steps = DASH if found.from_steps is None else self._points(found.from_steps.value)
            parts = self.labels.parts.format(
                images=self._points(found.from_images.value), steps=steps
            )
        half = "" if found.half.origin is HalfOrigin.TRAINED else self.labels.not_trained
        sizes = self._span(self._count(found.half.images) + half, self._count(found.images))
        return self._arm(found.model, found.init), sizes, *self._both(found.gain), parts

    def _size(self, row: SizeVerdict) -> Row:
        ahead = self.labels.cannot_tell
        if row.outcome is not Outcome.CANNOT_TELL:
            ahead = self._model((row.big if row.found.value > 0 else row.small).model)
        visible, p = self._points(row.detectable).lstrip("+"), DASH
        if row.found.unsettled:
            visible = DASH  # a run is not at its end, which no test knows of
        elif math.isfinite(row.p):
            p = self.sentence.p_value(row.p, 1 - row.found.level).removeprefix("= ")
        accuracies = (self._percent(cell.accuracy) for cell in (row.small, row.big))
        size = self._count(row.small.train_size)
        found = self._both(row.found)
        return self._from(row.init), size, *accuracies, *found, p, visible, ahead

    def _gain_from_data(self, found: GainFromData) -> Row:
        sizes = self._sizes(found.from_images, found.to_images)
        last = DASH
        if found.last_step is not None and found.last_from is not None:
            last = self.labels.last_step.format(
                gain=self._points(found.last_step.value),
                images=self._count(found.last_from),
            )
        gains = self._points(found.small_gain), self._points(found.big_gain)
        return self._from(found.init), sizes, *gains, *self._both(found.difference), last

    def _crossover(self, found: ModelCrossover) -> Row:
        crossed, place = found.crossover, DASH
        ahead = self._model(found.ahead) if found.ahead else ""
        if found.outcome in (CrossoverOutcome.INSIDE, CrossoverOutcome.BEYOND):
            ends = self._span(
                self.sentence.rounded(crossed.low), self.sentence.rounded(crossed.high)
            )
            place = self.sentence.rounded(crossed.size) + self.numbers.aside.format(ends)
        outcome = self.labels.overtaking[found.outcome].format(ahead=ahead)
        inside = self.sentence.probability(crossed.inside, CERTAIN)
        beyond = self.labels.up_to.format(
            probability=self.sentence.probability(crossed.beyond, FORESEEN),
            images=self._count(crossed.horizon),
        )
        return self._from(found.init), outcome, place, inside, beyond

    def _init_gain(self, found: InitGain) -> list[Row]:
        head = self._model(found.model), self._init(found.init)
        return [
            (*head, self._count(size), *self._both(one))
            for size, one in zip(found.sizes, found.differences, strict=True)
        ]

    def _init_gain_change(self, found: InitGainChange) -> Row:
        sizes = self._sizes(found.from_images, found.to_images)
        head = self._model(found.model), self._init(found.init)
        return *head, sizes, *self._both(found.difference)

    def _ahead_on_fewer(self, found: AheadOnFewer) -> Row:
        cells = (
            self.labels.on_images.format(
                init=self._init(cell.init),
                images=self._count(cell.train_size),
                accuracy=self._percent(cell.accuracy),
            )
            for cell in (found.fewer, found.more)
        )
        model = self._model(found.fewer.model)
        return model, *map(self.words.begin, cells), *self._both(found.difference)

    def _fit_and_gap(self, found: FitAndGap) -> Row:
        source = DASH if found.source is None else self.labels.sources[found.source]
        changes = map(self._points, (found.train_accuracy_change, found.gap_change))
        arm = self._arm(found.model, found.init)
        return arm, self._count(found.train_size), *changes, source

    def _first_epoch(self, found: FirstEpoch) -> Row:
        head = self._model(found.model), self._init(found.init)
        accuracies = map(self._percent, (found.base_accuracy, found.accuracy))
        return *head, self._count(found.train_size), *accuracies

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
        sizes = self._sizes(first.train_size, last.train_size)
        gaps = " → ".join(self._points(cell.mean("gap")) for cell in found.cells)
        trend = DASH if found.trend is None else self.labels.trends[found.trend]
        if found.little_fitted:
            trend += self.labels.hardly_fitted
        return self._arm(first.model, first.init), sizes, gaps, trend

    def _longer(self, found: LongerTraining) -> Row:
        last = found.cells[-1]
        return (
            self._arm(last.model, last.init),
            self._count(last.train_size),
            " → ".join(self._count(cell.mean("steps")) for cell in found.cells),
            " → ".join(self._percent(cell.accuracy) for cell in found.cells),
            *self._both(found.gain),
        )

    def _by_length(self, found: DifferenceByLength) -> Row:
        (first, base), (second, init) = found.first, found.second
        if base == init:
            one, other, shared = self._model(second), self._model(first), self._from(init)
        else:
            one, other, shared = self._init(init), self._init(base), self._model(second)
        return (
            self.words.begin(self.labels.against.format(first=one, second=other)),
            shared,
            self._count(found.images),
            self._steps(found),
            " → ".join(self._points(one.value) for one in found.differences),
            *self._both(found.change),
            self.labels.orders[found.order],
        )

    def _steps(self, found: DifferenceByLength) -> str:
        """The steps of each length; of both networks, in the order that they are named in, where
        they chose their own."""
        both = found.steps, found.first_steps
        counts = [" → ".join(map(self._count, steps)) for steps in both]
        return " / ".join(dict.fromkeys(counts))

    def _class(self, found: ClassRecall) -> Row:
        percent = self._percent
        known = [self._count(n) for n in found.train_images if math.isfinite(n)]
        return (
            found.name,
            " → ".join(known) or DASH,
            self._count(found.test_images),
            " → ".join(percent(recall) for recall in found.recalls),
            self._span(percent(found.interval.low), percent(found.interval.high)),
        )

    def _option(self, option: Option) -> list[Row]:
        if not option.known:
            return []  # a sentence says why
        said, chance = self.screen.do(option), DASH
        regret = self.numbers.decimal(100 * option.regret, 1)
        if may_be_best(option):
            chance = self.sentence.probability(option.chance_best, SURE)
        elif option.mixed and option.gain > 0 and math.isfinite(option.chance_best):
            chance, regret = self.labels.not_separated, DASH
        elif not option.ranked:
            regret = DASH
        told = (rate or DASH for rate in rates(option, self.sentence))
        return [(said, *told, chance, regret)]

    def _both(self, found: Contrast) -> tuple[str, str]:
        """A difference and its interval."""
        return self._points(found.value), self._interval(found)

    def _interval(self, found: Contrast) -> str:
        ends = self.numbers.points_interval(found.low, found.high)
        # A range, with no level of its own.
        rising = found.basis is Basis.RISING_CURVE
        ends = self.labels.if_never_hurt.format(ends) if rising else ends
        return ends + self.words.across * found.across_machines


def _several(made: Row | list[Row]) -> list[Row]:
    """Most findings are one row."""
    return made if isinstance(made, list) else [made]
