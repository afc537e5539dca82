"""What the last doubling of the training set bought: by more images, and by more training steps.

With the same epochs, twice the images are also twice the steps. The two are told apart only where
the study has a run that has one without the other: all images with the steps of half of them, or
half of them with the steps of all. Without such a run neither is credited.

Where half of the largest size was not trained, the error between measured sizes is taken as
log-linear in the number of images; the interval is then what a rising curve allows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from ...spec.fields import AUTO_ENDS, is_frozen
from ..inputs.cells import SAME_SIZE, SAME_STEPS, Arm, Cell
from ..inputs.grid import Grid
from ..stats.paired import Basis, Contrast, compare_cells, contrast
from ..stats.spread import Spread
from .types import Finding, Strength

SPAN = 1.3
"""Sizes whose ratio is below this say nothing of a doubling: the rate between two of them would be
followed over twice their distance, or more, and their noise with it."""


MORE = 1.5
"""Times as many images that are worth a forecast of their own, where fewer than twice as many have
labels: what fewer bring is hardly ever told from nothing."""


def next_images(grid: Grid, start: Cell) -> float:
    """What comes after a cell's training images: twice as many, or all with labels where these are
    fewer, but for a few that are added to twice as many."""
    now = start.train_size
    return grid.labelled if MORE * now <= grid.labelled < 2 * now else 2 * now


def has_next_images(grid: Grid, cell: Cell, start: Cell) -> bool:
    """Whether a cell was trained on the images that come after those of another."""
    return abs(cell.train_size / next_images(grid, start) - 1) <= SAME_SIZE


def training_gain(grid: Grid, cell: Cell) -> float:
    """What the last doubling of a cell's steps bought; NaN where no shorter training was tested.

    A head on frozen features is fitted to its end, so that more steps would bring nothing.
    """
    if is_frozen(cell.init):
        return 0.0
    ends = _last_doubling_of_steps(grid, cell)
    return ends[1].accuracy - ends[0].accuracy if ends else math.nan


def left_to_gain(grid: Grid, cell: Cell, other: Cell) -> float:
    """What training may still bring a cell, beside another that it is compared with.

    What the last doubling of its steps bought; of runs that are not at their end so much for each
    doubling by which they are behind the other, and infinity where none was measured.
    """
    gain = training_gain(grid, cell)
    if not cell.so_far:
        return gain
    if math.isnan(gain):
        return math.inf
    steps, most = cell.mean("steps"), other.mean("steps")
    return gain * max(1.0, math.log2(most / steps)) if 0 < steps < most else gain


def may_change(grid: Grid, cells: Sequence[Cell], difference: float) -> bool:
    """Whether cells whose runs are not at their end may still gain as much as a difference of them,
    see `left_to_gain`.

    Args:
        cells: of two, the difference is that of the second minus the first: what the one that is
            ahead may still gain does not end its lead.
    """
    longest = max(cells, key=lambda cell: cell.mean("steps"))
    if len(cells) == 2:
        cells = cells[:1] if difference > 0 else cells[1:]
    return any(
        cell.so_far and left_to_gain(grid, cell, longest) >= abs(difference) for cell in cells
    )


def as_settled(grid: Grid, cells: Sequence[Cell], found: Contrast) -> Contrast:
    """A difference of cells, whose sign is not told where they may still gain as much."""
    return replace(found, unsettled=may_change(grid, cells, found.value))


def last_steps(grid: Grid, cell: Cell, level: float) -> Contrast | None:
    """What the last doubling of a cell's steps bought, with its interval for another training.

    None where half of the steps was not tested, and of a head on frozen features.
    """
    ends = None if is_frozen(cell.init) else _last_doubling_of_steps(grid, cell)
    return None if ends is None else compare_cells(grid, *ends, level)


def _last_doubling_of_steps(grid: Grid, cell: Cell) -> tuple[Cell, Cell] | None:
    """The cell at half of its longest length, and at that; None where no such half was trained."""
    lengths = grid.lengths(cell)
    halves = [c for c in lengths if abs(c.length / lengths[-1].length - 0.5) < 0.1]
    return (halves[0], lengths[-1]) if halves else None


class HalfOrigin(StrEnum):
    """Where the accuracy at half of the largest size comes from."""

    TRAINED = "trained"
    INTERPOLATED = "interpolated"
    """Log-linear in the error between the sizes on both sides."""
    EXTRAPOLATED = "extrapolated"
    """No size is half of the largest or less: the rate between two sizes, over a full doubling."""


@dataclass(frozen=True)
class Half:
    """Half of the largest size, and what its accuracy rests on.

    Attributes:
        images: half of the largest size.
        origin: trained or not.
        between: the two sizes that the rate was taken from; empty where half was trained.
    """

    images: float
    origin: HalfOrigin
    between: tuple[float, ...] = ()


@dataclass(frozen=True)
class ControlRun:
    """What would tell images from steps: a cell trained as long as one with more images.

    Attributes:
        cell: the one to train again, with each of its seeds.
        steps: of each training.
        seconds: that all of them take, by the time of `cell`; NaN where not known.
    """

    cell: Cell
    steps: float
    seconds: float


@dataclass(frozen=True)
class LastDoubling(Finding):
    """The accuracy of one model and init at the largest size minus that at half of it.

    Attributes:
        model, init: of the curve.
        images: at the largest size.
        half: of the largest size.
        gain: with its interval.
        more_steps: with the images the training steps grew, or may have; where half was not
            trained, from the size below it on, or from the smallest.
        steps_known: that they grew is known.
        from_images: the part of the gain that images bought at equal steps; None where the study
            cannot tell it.
        from_steps: the part that more steps bought; None where it cannot be told, or there were
            no more.
        last_steps: what the last doubling of the steps alone bought at the largest size, where the
            two parts cannot be told; NaN where no shorter training was tested.
        control: the run that would tell; None where nothing is missing, or half was not trained.
    """

    model: str
    init: str
    images: float
    half: Half
    gain: Contrast
    more_steps: bool = False
    from_images: Contrast | None = None
    from_steps: Contrast | None = None
    last_steps: float = math.nan
    control: ControlRun | None = None
    steps_known: bool = field(default=True, repr=False)

    @property
    def arm(self) -> Arm:
        """The curve."""
        return self.model, self.init

    @property
    def separated(self) -> bool:
        """Whether what the images brought is known apart from what more steps did."""
        return not self.more_steps or self.from_images is not None

    def begins_with(self, cell: Cell) -> bool:
        """Whether a cell of its curve is the half that it begins with, and was trained."""
        return (
            self.measured and abs(cell.train_size - self.half.images) <= SAME_SIZE * cell.train_size
        )

    @property
    def measured(self) -> bool:
        """Whether both ends were trained."""
        return self.half.origin is HalfOrigin.TRAINED

    @property
    def strength(self) -> Strength:
        if not self.gain.leaves_out_zero:
            return Strength.CANNOT_TELL
        return Strength.MEASURED if self.measured else Strength.SUGGESTIVE


def last_doubling(grid: Grid, curve: Sequence[Cell], level: float) -> list[LastDoubling]:
    """The last doubling of one model and init; empty where its sizes span too little of one."""
    if len(curve) < 2 or curve[-1].train_size < curve[0].train_size * SPAN:
        return []
    last, half = curve[-1], curve[-1].train_size / 2
    near = [c for c in curve if abs(c.train_size - half) <= SAME_SIZE * half]
    if near:
        return [_trained(grid, near[0], last, half, level)]
    below = [c for c in curve if c.train_size < half]
    low = below[-1] if below else curve[0]
    high = next(c for c in curve if c.train_size > max(half, low.train_size))
    terms, gain = _log_linear(low, high, last, half)
    origin = HalfOrigin.INTERPOLATED if below else HalfOrigin.EXTRAPOLATED
    found = contrast(grid, terms, value=gain, level=level)
    return [
        LastDoubling(
            model=last.model,
            init=last.init,
            images=last.train_size,
            half=Half(half, origin, (low.train_size, high.train_size)),
            # Its interval holds the chance in the measured ends, not the curve between them.
            gain=as_settled(
                grid, (low, high, last), _without_the_curve(grid, found, curve, half, level)
            ),
            more_steps=takes_more_steps(low, last),
            steps_known=_steps_known(low, last),
        )
    ]


def _trained(grid: Grid, middle: Cell, last: Cell, half: float, level: float) -> LastDoubling:
    """A doubling whose half was trained, and its two parts as far as the study tells them."""
    few, many = middle.mean("steps"), last.mean("steps")
    found = LastDoubling(
        model=last.model,
        init=last.init,
        images=last.train_size,
        half=Half(half, HalfOrigin.TRAINED),
        gain=as_settled(grid, (middle, last), compare_cells(grid, middle, last, level)),
        more_steps=takes_more_steps(middle, last),
        steps_known=_steps_known(middle, last),
    )
    if not found.more_steps:
        equal = abs(many - few) <= SAME_STEPS * few  # half the images may have taken more steps
        return replace(found, from_images=found.gain) if equal else found
    shorter = of_steps(grid.lengths(last), few)
    longer = of_steps(grid.lengths(middle), many)
    if shorter is not None:
        images, steps = (middle, shorter), (shorter, last)
    elif longer is not None:
        images, steps = (longer, last), (middle, longer)
    elif any(run.chosen_by in AUTO_ENDS for run in (*middle.runs, *last.runs)):
        # Runs that choose their own steps cannot be given others.
        return replace(found, last_steps=training_gain(grid, last))
    elif not math.isfinite(many):
        return found  # how long a control run is to train is not known
    else:
        seconds = len(middle.runs) * middle.mean("seconds") * many / few
        return replace(found, control=ControlRun(middle, many, seconds))
    return replace(
        found,
        from_images=compare_cells(grid, *images, level),
        from_steps=compare_cells(grid, *steps, level),
    )


def takes_more_steps(few: Cell, many: Cell) -> bool:
    """Whether the training on more images took more steps.

    Where a table has no steps, the images that were seen tell it; where it has no epochs either,
    they may have grown, and what came with the images is credited to neither. Heads take none.
    """
    if is_frozen(many.init):
        return False
    before, after = _steps_or_images_seen(few, many)
    return not after <= before * (1 + SAME_STEPS)  # so NaN counts as more


def _steps_known(few: Cell, many: Cell) -> bool:
    return all(map(math.isfinite, _steps_or_images_seen(few, many)))


def _steps_or_images_seen(few: Cell, many: Cell) -> tuple[float, float]:
    steps = few.mean("steps"), many.mean("steps")
    if all(map(math.isfinite, steps)):
        return steps
    return few.mean("epochs") * few.train_size, many.mean("epochs") * many.train_size


def of_steps(cells: Sequence[Cell], steps: float) -> Cell | None:
    """The cell that was trained for so many steps, in each of its runs."""
    near = [
        cell
        for cell in cells
        if all(abs(run.steps - steps) <= SAME_STEPS * steps for run in cell.runs)
    ]
    return min(near, key=lambda cell: abs(cell.mean("steps") - steps), default=None)


def _without_the_curve(
    grid: Grid, found: Contrast, curve: Sequence[Cell], half: float, level: float
) -> Contrast:
    """The interval of a doubling whose half was not trained: what a rising curve allows.

    The estimate's own interval knows the chance in its ends and not the curve between them. If more
    images never hurt, the accuracy at `half` lies between those of its trained neighbours, and
    within 0 and 1. Where that would be a loss, more images did hurt, and the interval stays.
    """
    last = curve[-1]
    below = [cell for cell in curve if cell.train_size < half]
    above = next(cell for cell in curve if cell.train_size > half)
    low, high = 0.0, last.accuracy
    if above is not last:
        low = compare_cells(grid, above, last, level).low
    if below:
        high = compare_cells(grid, below[-1], last, level).high
    low, high = min(low, found.low), max(high, found.high)
    if high < 0:
        return found
    return replace(
        found,
        low=max(low, last.accuracy - 1),
        high=min(high, last.accuracy),
        spread=Spread(math.nan),
        basis=Basis.RISING_CURVE,
    )


def _log_linear(
    low: Cell, high: Cell, last: Cell, half: float
) -> tuple[list[tuple[float, Cell]], float]:
    """The gain from `half` to `last` images as a gradient in the accuracies, and its value.

    log e(half) = (1 - s) log e(low) + s log e(high), so d e(half) / d e(low) is
    (1 - s) e(half) / e(low), and an accuracy's weight is minus that of its error (delta method).
    """
    s = math.log(half / low.train_size) / math.log(high.train_size / low.train_size)
    floor = 0.5 / last.effective_size if last.effective_size > 0 else 1e-6  # a logarithm needs one
    e_low, e_high = max(1 - low.accuracy, floor), max(1 - high.accuracy, floor)
    e_half = min(1.0, e_low ** (1 - s) * e_high**s)
    terms = [
        (-(1 - s) * e_half / e_low, low),
        (-s * e_half / e_high, high),
        (1.0, last),
    ]
    return terms, e_half - (1 - last.accuracy)
