"""Was the bigger model better, as the study expected: at each size, and overall."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ..curves.crossover import Crossover, CrossoverOutcome
from ..curves.forecast import find_crossover
from ..curves.joint import Curves
from ..inputs.cells import Cell
from ..inputs.grid import Grid
from ..stats.paired import Contrast, Side, compare_differences
from .doubling import as_settled
from .over_sizes import over_sizes
from .types import Finding, Strength


class Expect(StrEnum):
    """What was expected of the bigger model, as a study file writes it."""

    BIGGER = "bigger-is-better"
    SMALLER = "smaller-is-better"
    NONE = "none"


class Outcome(StrEnum):
    """What came of the expectation at one size."""

    HELD = "held"
    OPPOSITE = "opposite"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True)
class SizeVerdict(Finding):
    """The bigger against the smaller model at one size.

    The same comparison as an option, or in hand, has the same verdict: see `over_sizes`.

    Attributes:
        small, big: the two cells.
        found: accuracy of `big` minus that of `small`.
        p: Holm's adjusted p over the sizes of this init; NaN where no test could be made.
        outcome: not "cannot tell" only if the interval leaves out zero and `p` is at most one minus
            its level: with several sizes, one of them would too often seem to differ by chance.
        sizes: how many sizes of this init are compared.
        detectable: smallest difference that would have counted with a probability of 80% at least;
            NaN where there is none.
    """

    init: str
    small: Cell
    big: Cell
    found: Contrast
    p: float
    outcome: Outcome
    sizes: int
    detectable: float

    @property
    def strength(self) -> Strength:
        return Strength.measured_if(self.outcome is not Outcome.CANNOT_TELL)

    @property
    def corrected_away(self) -> bool:
        """Whether the interval leaves out zero, and only Holm's correction makes it not count."""
        return self.outcome is Outcome.CANNOT_TELL and self.found.leaves_out_zero


class NotCompared(StrEnum):
    """Why no bigger model is compared with a smaller one."""

    ONE_MODEL = "one-model"
    SIZES_UNKNOWN = "sizes-unknown"
    """The parameters of the models do not differ."""
    SIZE_NOT_TOLD = "size-not-told"
    """No run tells the parameters of one of the models, as where none of it has begun."""
    NO_SHARED_SIZE = "no-shared-size"
    """No size has finished runs of both the smallest and the largest model."""


@dataclass(frozen=True)
class NoComparison(Finding):
    """The expectation cannot be judged."""

    reason: NotCompared

    @property
    def strength(self) -> Strength:
        one = self.reason is NotCompared.ONE_MODEL
        return Strength.NOTE if one else Strength.CANNOT_TELL


@dataclass(frozen=True)
class ComparedModels(Finding):
    """The two that are compared, where there are more than two models."""

    strength = Strength.NOTE
    models: int
    small: str
    big: str


@dataclass(frozen=True)
class ComparisonMethod(Finding):
    """How the sizes are compared.

    Attributes:
        comparisons: those with a p value.
        most_sizes: the most sizes of one init that Holm's correction is for.
        level: a difference counts when its p is at most one minus this.
    """

    strength = Strength.NOTE
    comparisons: int
    most_sizes: int
    level: float


@dataclass(frozen=True)
class ExpectationVerdict(Finding):
    """Whether the expectation held, from one init: the training-set sizes by outcome."""

    expect: Expect
    init: str
    held: tuple[float, ...]
    opposite: tuple[float, ...]
    cannot_tell: tuple[float, ...]
    run_ids: tuple[str, ...]

    @property
    def strength(self) -> Strength:
        return Strength.measured_if(bool(self.held or self.opposite))


@dataclass(frozen=True)
class GainFromData(Finding):
    """Whether the bigger model gained more from more data, from one init.

    Attributes:
        small_gain, big_gain: of accuracy, from `from_images` to `to_images`.
        difference: of the gains, the bigger model's minus the smaller one's.
        last_from, last_step: the same from the last size but one, where that goes the other way:
            the range that a user acts on next must not be hidden by the whole.
        as_expected: None where nothing of the kind was expected, or nothing can be said.
    """

    init: str
    small: str
    big: str
    from_images: float
    to_images: float
    small_gain: float
    big_gain: float
    difference: Contrast
    last_from: float | None
    last_step: Contrast | None
    as_expected: bool | None

    @property
    def strength(self) -> Strength:
        return Strength.measured_if(self.difference.leaves_out_zero)


@dataclass(frozen=True)
class ModelCrossover(Finding):
    """Whether the bigger model overtakes the smaller one, or is overtaken, by the fitted curves.

    Attributes:
        ahead: the model that leads after the crossover, or throughout; None where that is unclear.
        crossover: the smaller model's curve is the first.
    """

    init: str
    small: str
    big: str
    outcome: CrossoverOutcome
    ahead: str | None
    crossover: Crossover

    @property
    def strength(self) -> Strength:
        return Strength.CANNOT_TELL if self.ahead is None else Strength.SUGGESTIVE


ExpectationFinding = (
    SizeVerdict
    | NoComparison
    | ComparedModels
    | ComparisonMethod
    | ExpectationVerdict
    | GainFromData
    | ModelCrossover
)


def verdicts(grid: Grid, expect: Expect, level: float) -> list[SizeVerdict]:
    """The comparison at every size and init that both models have finished.

    With nothing expected, "held" stands for the bigger model being ahead.
    """
    if not grid.sizes_known:
        return []
    return [row for init in grid.inits for row in _size_verdicts(grid, init, expect, level)]


def _size_verdicts(grid: Grid, init: str, expect: Expect, level: float) -> Iterator[SizeVerdict]:
    better = Side.BELOW if expect is Expect.SMALLER else Side.ABOVE
    small, big = grid.compared_models
    rows = over_sizes(grid, (small, init), (big, init), level)
    for row in rows:
        outcome = Outcome.CANNOT_TELL
        if row.told:
            outcome = Outcome.HELD if row.found.side is better else Outcome.OPPOSITE
        detectable = row.found.detectable_of(len(rows))
        yield SizeVerdict(
            init, row.first, row.second, row.found, row.p, outcome, len(rows), detectable
        )


def expectation(
    grid: Grid, rows: Sequence[SizeVerdict], expect: Expect, curves: Curves, level: float
) -> list[ExpectationFinding]:
    """For each init whether the expectation held, then each size's difference."""
    if not rows:
        return [_no_comparison(grid)]
    found: list[ExpectationFinding] = []
    if (models := len(grid.finished_models)) > 2:
        found.append(ComparedModels(models, *grid.compared_models))
    found += _method(rows, level)
    for init in dict.fromkeys(row.init for row in rows):
        mine = [row for row in rows if row.init == init]
        if expect is not Expect.NONE:
            found.append(_verdict(mine, expect))
        found += [*mine, *_gain_from_data(grid, mine, expect, level), *_crossover(curves, init)]
    return found


def _no_comparison(grid: Grid) -> NoComparison:
    if len(grid.models) < 2:
        return NoComparison(NotCompared.ONE_MODEL)
    if not all(math.isfinite(grid.parameters(model)) for model in grid.compared_models):
        return NoComparison(NotCompared.SIZE_NOT_TOLD)
    unknown = not grid.sizes_known
    return NoComparison(NotCompared.SIZES_UNKNOWN if unknown else NotCompared.NO_SHARED_SIZE)


def _method(rows: Sequence[SizeVerdict], level: float) -> list[ComparisonMethod]:
    """How all rows are compared; empty where nothing is to be told."""
    inits = [row.init for row in rows if math.isfinite(row.p)]
    most = max((inits.count(init) for init in inits), default=0)
    return [ComparisonMethod(len(inits), most, level)] if inits else []


def _verdict(rows: Sequence[SizeVerdict], expect: Expect) -> ExpectationVerdict:
    def sizes(outcome: Outcome) -> tuple[float, ...]:
        return tuple(row.small.train_size for row in rows if row.outcome is outcome)

    return ExpectationVerdict(
        expect=expect,
        init=rows[0].init,
        held=sizes(Outcome.HELD),
        opposite=sizes(Outcome.OPPOSITE),
        cannot_tell=sizes(Outcome.CANNOT_TELL),
        run_ids=tuple(i for row in rows for i in row.found.run_ids),
    )


def _gain_from_data(
    grid: Grid, rows: Sequence[SizeVerdict], expect: Expect, level: float
) -> list[GainFromData]:
    """A difference of differences, from the fewest to the most images."""
    if len(rows) < 2:
        return []
    first, before, last = rows[0], rows[-2], rows[-1]
    # What the bigger model gained more than the smaller one, from one size to another.
    ends = (last.small, last.big)
    starts = ((start.small, start.big) for start in (first, before))
    whole, step = (
        as_settled(grid, (*start, *ends), compare_differences(grid, start, ends, level))
        for start in starts
    )
    told = whole.leaves_out_zero
    turned = told and step.leaves_out_zero and step.side is not whole.side
    expected = expect is Expect.BIGGER and told and not turned
    return [
        GainFromData(
            init=first.init,
            small=first.small.model,
            big=first.big.model,
            from_images=first.small.train_size,
            to_images=last.small.train_size,
            small_gain=last.small.accuracy - first.small.accuracy,
            big_gain=last.big.accuracy - first.big.accuracy,
            difference=whole,
            last_from=before.small.train_size if turned else None,
            last_step=step if turned else None,
            as_expected=whole.side is Side.ABOVE if expected else None,
        )
    ]


def _crossover(curves: Curves, init: str) -> list[ModelCrossover]:
    """Empty where the two models do not share two sizes, a curve is not fitted, or a run of them is
    not at its end."""
    small, big = curves.grid.compared_models
    arms = (small, init), (big, init)
    if any(cell.so_far for arm in arms for cell in curves.grid.curve(arm)):
        return []
    if any(arm not in curves.fits for arm in arms) or len(curves.grid.shared(*arms)) < 2:
        return []
    found = find_crossover(curves, *arms)
    leads = found.second_leads
    ahead = None if leads is None else big if leads else small
    return [ModelCrossover(init, small, big, found.outcome, ahead, found)]
