"""Whether the bigger model was better, as expected, in English."""

from __future__ import annotations

import math
from typing import assert_never

from ...analysis.curves.crossover import HORIZON, Crossover, CrossoverOutcome
from ...analysis.curves.forecast import CERTAIN, FORESEEN
from ...analysis.findings.expectation import (
    ComparedModels,
    ComparisonMethod,
    Expect,
    ExpectationFinding,
    ExpectationVerdict,
    GainFromData,
    ModelCrossover,
    NoComparison,
    NotCompared,
    Outcome,
    SizeVerdict,
)
from ...analysis.stats.paired import Contrast, Side
from ..text import upper_first
from .numbers import count, interval, join, p_value, percent, points, probability, rounded, signed
from .words import UNSETTLED, Words

NO_DIFFERENCE = "no difference, however large, could have been seen"


def say(finding: ExpectationFinding, words: Words) -> str:
    """A finding on the bigger and the smaller model as one to three sentences."""
    match finding:
        case SizeVerdict():
            return _size(finding, words)
        case NoComparison():
            return _no_comparison(finding.reason)
        case ComparedModels():
            return (
                f"Of {finding.models} models, the smallest ({words.model(finding.small)}) and the "
                f"largest ({words.model(finding.big)}) are compared."
            )
        case ComparisonMethod():
            return _method(finding)
        case ExpectationVerdict():
            return _verdict(finding, words)
        case GainFromData():
            return _gain_from_data(finding, words)
        case ModelCrossover():
            return _crossover(finding, words)
        case _:
            assert_never(finding)


def _size(row: SizeVerdict, words: Words) -> str:
    """One size: who is ahead, by how much, and how sure that is."""
    found = row.found
    big, small = (
        (name, percent(cell.accuracy))
        for name, cell in ((words.model(cell.model), cell) for cell in (row.big, row.small))
    )
    head = f"On {count(row.small.train_size)} images from {words.from_init(row.init)} "
    test = f", p {p_value(row.p, 1 - row.found.level)}" if math.isfinite(row.p) else ""
    span = interval(found)
    if found.unsettled:
        return (
            f"{head}{big[0]} ({big[1]}) and {small[0]} ({small[1]}) cannot be told apart yet, "
            f"{UNSETTLED}: {signed(found.value)} points ({span})."
        )
    if row.corrected_away:
        return (
            f"{head}{big[0]} ({big[1]}) and {small[0]} ({small[1]}) cannot be told apart once "
            f"{row.sizes} sizes are corrected for: {signed(found.value)} points ({span}{test}); "
            f"{_visible(row)}."
        )
    if row.outcome is Outcome.CANNOT_TELL:
        return (
            f"{head}these runs show no difference between {big[0]} ({big[1]}) and {small[0]} "
            f"({small[1]}): {signed(found.value)} points ({span}{test}); {_visible(row)}."
        )
    first, second = big, small
    if found.value < 0:
        first, second = small, big
        span = interval(found, flip=True)
    return (
        f"{head}{first[0]} ({first[1]}) is ahead of {second[0]} ({second[1]}) by "
        f"{points(found.value)} ({span}{test})."
    )


def _visible(row: SizeVerdict) -> str:
    """How small a difference these runs could have seen."""
    if not math.isfinite(row.detectable):
        return f"{NO_DIFFERENCE}: {too_much(row.found)}"
    return f"one of {points(row.detectable)} would have been seen with 80% probability"


def too_much(found: Contrast) -> str:
    """Why no difference, however large, could have been seen."""
    if found.spread.mostly_images:
        return "the test images are too few"
    return "the spread between trainings is too large"


def _no_comparison(reason: NotCompared) -> str:
    match reason:
        case NotCompared.ONE_MODEL:
            return "This study has one model: whether a bigger one is better was not part of it."
        case NotCompared.SIZES_UNKNOWN:
            return (
                "Which of the models is the bigger one is not known: their parameters do not "
                "differ."
            )
        case NotCompared.SIZE_NOT_TOLD:
            return (
                "Which of the models is the bigger one is not known: no run tells how many "
                "parameters each of them has."
            )
        case NotCompared.NO_SHARED_SIZE:
            return "No size has finished runs of both the smallest and the largest model."
        case _:
            assert_never(reason)


def _method(found: ComparisonMethod) -> str:
    alpha = f"a difference counts when p is at most {1 - found.level:.2f}"
    if found.most_sizes > 1:
        return f"With Holm's correction for {found.most_sizes} sizes, {alpha}."
    return f"{upper_first(alpha)}."


def _verdict(found: ExpectationVerdict, words: Words) -> str:
    ahead = "smaller" if found.expect is Expect.SMALLER else "bigger"
    head = f"From {words.from_init(found.init)}, the expectation ({ahead} is better)"
    outcomes = [
        ("held on", found.held),
        ("was reversed on", found.opposite),
        ("could not be judged on", found.cannot_tell),
    ]
    told = [(outcome, sizes) for outcome, sizes in outcomes if sizes]
    if len(told) > 1:
        parts = [f"{outcome} {join([count(n) for n in sizes])} images" for outcome, sizes in told]
        return f"{head} {join(parts)}."
    number = len(told[0][1])
    whole = {1: "the one size measured", 2: "both sizes"}.get(number, f"all {number} sizes")
    if found.held:
        return f"{head} held at {whole}."
    if found.opposite:
        return f"{head} did not hold: the opposite was found at {whole}."
    return f"{head} was neither met nor refuted: at {whole} these runs cannot tell."


def _gain_from_data(found: GainFromData, words: Words) -> str:
    whole = found.difference
    text = (
        f"From {count(found.from_images)} to {count(found.to_images)} images "
        f"{words.model(found.big)} gained {signed(found.big_gain)} points and "
        f"{words.model(found.small)} {signed(found.small_gain)}"
    )
    span = f"{signed(whole.value)}, {interval(whole)}"
    if not whole.leaves_out_zero:
        why = f", {UNSETTLED}" * whole.unsettled
        told = f"whether the bigger model gains more from data cannot be told{why}"
        return f"{text}: {told} ({span})."
    more = "more" if whole.side is Side.ABOVE else "less"
    text += f": the bigger model gained {more} from more data ({span})"
    if found.last_step is not None and found.last_from is not None:
        last = found.last_step
        text += (
            f". But in the last step, from {count(found.last_from)} images on, it gained "
            f"{'more' if last.side is Side.ABOVE else 'less'} "
            f"({signed(last.value)}, {interval(last)})"
        )
    elif found.as_expected is not None:
        text += ", as expected" if found.as_expected else ", against the expectation"
    return f"{text}."


def _crossover(finding: ModelCrossover, words: Words) -> str:
    weights = words.from_init(finding.init)
    return f"From {weights}, {_overtaking(finding, words)}."


def _overtaking(finding: ModelCrossover, words: Words) -> str:
    found = finding.crossover
    big_leads = finding.ahead == finding.big
    models = (finding.big, finding.small) if big_leads else (finding.small, finding.big)
    ahead, behind = (words.model(model) for model in models)
    inside = probability(found.inside, CERTAIN)
    beyond = probability(found.beyond, FORESEEN)
    neither = (
        "neither model overtakes the other inside the measured range "
        f"(probability {probability(1 - found.inside, CERTAIN)})"
    )
    reach = f"beyond it, up to {count(found.horizon)} images ({HORIZON} times as many),"
    match finding.outcome:
        case CrossoverOutcome.INSIDE:
            return (
                f"{ahead} overtakes {behind} inside the measured range, {_place(found)}; "
                f"probability {inside}"
            )
        case CrossoverOutcome.INSIDE_UNCLEAR:
            return (
                "whether one model overtakes the other inside the measured range cannot be told: "
                f"the probability is {inside}"
            )
        case CrossoverOutcome.STAYS_AHEAD:
            stays = probability(found.stays_ahead, FORESEEN)
            return f"{neither}, and {reach} {ahead} stays ahead with probability {stays}"
        case CrossoverOutcome.BEYOND:
            return (
                f"{neither}; {reach} {ahead} overtakes {behind}, {_place(found)}, with "
                f"probability {beyond}"
            )
        case CrossoverOutcome.BEYOND_UNCLEAR:
            return f"{neither}; whether one does {reach} cannot be told (probability {beyond})"
        case _:
            assert_never(finding.outcome)


def _place(found: Crossover) -> str:
    """Where the change is, with its interval."""
    return (
        f"at about {rounded(found.size)} images ({found.level:.0%} interval "
        f"{rounded(found.low)} to {rounded(found.high)})"
    )
