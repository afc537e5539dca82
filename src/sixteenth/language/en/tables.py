"""Findings of one shape as a table, where sentences would repeat themselves."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ...analysis.curves.crossover import CrossoverOutcome
from ...analysis.curves.forecast import CERTAIN, FORESEEN, Worth
from ...analysis.findings.doubling import HalfOrigin, LastDoubling
from ...analysis.findings.expectation import GainFromData, ModelCrossover, Outcome, SizeVerdict
from ...analysis.findings.options import Option
from ...analysis.findings.overfitting import GapTrend, GeneralisationGap
from ...analysis.findings.pretraining import (
    AheadOnFewer,
    FirstEpoch,
    FitAndGap,
    InitGain,
    InitGainChange,
    WorthInImages,
)
from ...analysis.findings.relation import AccuracyCurve
from ...analysis.inputs.grid import Cell
from ...analysis.stats.paired import Basis, Contrast
from ..base import SaidTable
from ..numbers import DASH
from ..text import plain, upper_first
from . import options
from .numbers import NUMBERS, count, p_value, percent, probability, rounded, signed, times
from .overview import around, verdict
from .words import Words

Row = tuple[str, ...]
_TRENDS = {
    None: DASH,
    GapTrend.CANNOT_TELL: "cannot tell",
    GapTrend.LITTLE: "little changed",
    GapTrend.SMALLER: "smaller with more",
    GapTrend.LARGER: "larger with more",
}


def table(findings: Sequence[Any], words: Words) -> SaidTable | None:
    """Findings of one kind as rows; None where sentences say them better."""
    first = findings[0]
    made = _TABLES.get(type(first))
    if made is None or len(findings) < 2:
        return None
    title, columns, row = made
    rows = tuple(
        (tuple(map(plain, cells)), each) for each in findings for cells in _rows(row(each, words))
    )
    if isinstance(first, SizeVerdict):
        columns = (
            *columns[:2],
            *(plain(words.model(c.model)) for c in (first.small, first.big)),
            *columns[2:],
        )
    return SaidTable(title, columns, rows)


def _curve(found: AccuracyCurve, words: Words) -> Row:
    first, last = found.cells[0], found.cells[-1]
    rise = (DASH, DASH) if found.rise is None else _both(found.rise)
    sizes = NUMBERS.span.format(count(first.train_size), count(last.train_size))
    return words.arm(first.model, first.init), sizes, _values(found.cells, "test_accuracy"), *rise


def _doubling(found: LastDoubling, words: Words) -> Row:
    parts = [
        DASH if part is None else signed(part.value)
        for part in (found.from_images, found.from_steps)
    ]
    if not found.more_steps and found.from_images is None:
        parts = [DASH, DASH]
    half = "" if found.half.origin is HalfOrigin.TRAINED else " (not trained)"
    sizes = NUMBERS.span.format(count(found.half.images) + half, count(found.images))
    return words.arm(found.model, found.init), sizes, *_both(found.gain), *parts


def _size(row: SizeVerdict, words: Words) -> Row:
    ahead = "cannot tell"
    if row.outcome is not Outcome.CANNOT_TELL:
        ahead = words.model((row.big if row.found.value > 0 else row.small).model)
    visible = signed(row.detectable).lstrip("+") if math.isfinite(row.detectable) else DASH
    p = p_value(row.p).removeprefix("= ") if math.isfinite(row.p) else DASH
    accuracies = (percent(cell.accuracy) for cell in (row.small, row.big))
    size = count(row.small.train_size)
    return words.init(row.init), size, *accuracies, *_both(row.found), p, visible, ahead


def _gain_from_data(found: GainFromData, words: Words) -> Row:
    sizes = NUMBERS.span.format(count(found.from_images), count(found.to_images))
    last = DASH
    if found.last_step is not None and found.last_from is not None:
        last = f"{signed(found.last_step.value)} from {count(found.last_from)} on"
    gains = signed(found.small_gain), signed(found.big_gain)
    return words.init(found.init), sizes, *gains, *_both(found.difference), last


def _crossover(found: ModelCrossover, words: Words) -> Row:
    crossed, place = found.crossover, DASH
    ahead = words.model(found.ahead) if found.ahead else ""
    if found.outcome in (CrossoverOutcome.INSIDE, CrossoverOutcome.BEYOND):
        ends = NUMBERS.span.format(rounded(crossed.low), rounded(crossed.high))
        place = f"{rounded(crossed.size)} ({ends})"
    outcome = {
        CrossoverOutcome.INSIDE: f"{ahead} overtakes within the measured sizes",
        CrossoverOutcome.INSIDE_UNCLEAR: "cannot tell within the measured sizes",
        CrossoverOutcome.STAYS_AHEAD: f"{ahead} stays ahead",
        CrossoverOutcome.BEYOND: f"{ahead} overtakes beyond the measured sizes",
        CrossoverOutcome.BEYOND_UNCLEAR: "not within the measured sizes; beyond cannot tell",
    }[found.outcome]
    inside = probability(crossed.inside, CERTAIN)
    beyond = f"{probability(crossed.beyond, FORESEEN)} up to {count(crossed.horizon)}"
    return words.init(found.init), outcome, place, inside, beyond


def _init_gain(found: InitGain, words: Words) -> list[Row]:
    return [
        (words.model(found.model), words.init(found.init), count(size), *_both(one))
        for size, one in zip(found.sizes, found.differences, strict=True)
    ]


def _init_gain_change(found: InitGainChange, words: Words) -> Row:
    sizes = NUMBERS.span.format(count(found.from_images), count(found.to_images))
    return words.model(found.model), words.init(found.init), sizes, *_both(found.difference)


def _ahead_on_fewer(found: AheadOnFewer, words: Words) -> Row:
    cells = (
        f"{words.init(cell.init)} on {count(cell.train_size)}: {percent(cell.accuracy)}"
        for cell in (found.fewer, found.more)
    )
    return words.model(found.fewer.model), *map(upper_first, cells), *_both(found.difference)


def _fit_and_gap(found: FitAndGap, words: Words) -> Row:
    source = {None: DASH, "fit": "a better fit", "gap": "a smaller gap"}[found.source]
    changes = signed(found.train_accuracy_change), signed(found.gap_change)
    return words.arm(found.model, found.init), count(found.train_size), *changes, source


def _first_epoch(found: FirstEpoch, words: Words) -> Row:
    accuracies = percent(found.base_accuracy), percent(found.accuracy)
    return words.model(found.model), words.init(found.init), count(found.train_size), *accuracies


def _worth(found: WorthInImages, words: Words) -> list[Row]:
    head = words.model(found.model), words.init(found.init)
    return [(*head, count(one.images), *_times_as_many(one)) for one in found.worth]


def _times_as_many(found: Worth) -> Row:
    """How many times as many images, and the interval; nothing is told beyond `most`."""
    factor, low, high = (
        times(value) if math.isfinite(value) else f"over {times(found.most)}"
        for value in (found.factor, found.low, found.high)
    )
    return factor, NUMBERS.span.format(low, high)


def _gap(found: GeneralisationGap, words: Words) -> Row:
    first, last = found.cells[0], found.cells[-1]
    sizes = NUMBERS.join([count(cell.train_size) for cell in found.cells])
    gaps = NUMBERS.join([signed(cell.mean("gap")) for cell in found.cells])
    trend = _TRENDS[found.trend]
    if found.little_fitted:
        trend += "; few images were hardly fitted"
    fits = dict.fromkeys(percent(cell.mean("train_accuracy")) for cell in (first, last))
    return words.arm(first.model, first.init), sizes, gaps, " → ".join(fits), trend


def _option(option: Option, words: Words) -> Row:
    said = upper_first(options.do(option, words))
    if not option.known:
        return said, DASH, upper_first(options.untried(option, words)), DASH, verdict(option)
    chance = NUMBERS.percent(option.chance_best, 0)
    if option.gain <= 0 or not math.isfinite(option.chance_best):
        chance = DASH
    return said, signed(option.gain), around(option), chance, verdict(option)


_Made = tuple[str, Row, Callable[[Any, Words], Row | list[Row]]]
_GAIN = ("Change, points", "95% interval")
_TABLES: dict[type, _Made] = {
    AccuracyCurve: (
        "Accuracy by training images",
        ("Network", "Images", "Test accuracy", *_GAIN),
        _curve,
    ),
    LastDoubling: (
        "What the last doubling of the images brought; its part by images and by more training "
        "steps where the study tells them apart",
        ("Network", "Images", *_GAIN, "By images", "By steps"),
        _doubling,
    ),
    SizeVerdict: (
        "The bigger model against the smaller one",
        ("From", "Images", "Difference, points", "95% interval", "p", "Could see", "Ahead"),
        _size,
    ),
    GainFromData: (
        "What more images brought the two models",
        (
            "From",
            "Images",
            "Smaller",
            "Bigger",
            "Bigger minus smaller",
            "95% interval",
            "The last step alone",
        ),
        _gain_from_data,
    ),
    ModelCrossover: (
        "Whether one model overtakes the other, by the fitted curves",
        ("From", "Finding", "Images (90% interval)", "Probability within", "Beyond"),
        _crossover,
    ),
    InitGain: (
        "What pretrained weights brought over the first kind of weights",
        ("Model", "Weights", "Images", "Gain, points", "95% interval"),
        _init_gain,
    ),
    InitGainChange: (
        "How that changes with more images",
        ("Model", "Weights", "Images", *_GAIN),
        _init_gain_change,
    ),
    AheadOnFewer: (
        "Ahead on fewer images",
        ("Model", "Ahead", "Behind", "Difference, points", "95% interval"),
        _ahead_on_fewer,
    ),
    FitAndGap: (
        "Where the gain of pretrained weights is made",
        ("Network", "Images", "Training accuracy", "Gap", "Mostly by"),
        _fit_and_gap,
    ),
    FirstEpoch: (
        "Test accuracy after the first epoch",
        ("Model", "Weights", "Images", "Without", "With"),
        _first_epoch,
    ),
    WorthInImages: (
        "What pretrained weights are worth in images: times as many are needed without them",
        ("Model", "Weights", "Images", "Times as many", "90% interval"),
        _worth,
    ),
    GeneralisationGap: (
        "Training minus test accuracy",
        ("Network", "Images", "Gap, points", "Training accuracy", "With more images"),
        _gap,
    ),
    Option: (
        "What could be done from the best network",
        ("What", "Gain, points", "How it is known", "Chance to be the best", "Verdict"),
        _option,
    ),
}


def _rows(made: Row | list[Row]) -> list[Row]:
    """Most findings are one row."""
    return made if isinstance(made, list) else [made]


def _values(cells: Sequence[Cell], what: str) -> str:
    return " → ".join(percent(cell.mean(what)) for cell in cells)


def _both(found: Contrast) -> tuple[str, str]:
    """A difference and its interval."""
    return signed(found.value), _interval(found)


def _interval(found: Contrast) -> str:
    ends = NUMBERS.points_interval(found.low, found.high)
    # A range, with no level of its own.
    return f"{ends} if more never hurt" if found.basis is Basis.RISING_CURVE else ends
