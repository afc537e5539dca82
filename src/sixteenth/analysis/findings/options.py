"""What could still be had from the best network: more images, another model, weights, training.

All options start from the cell with the highest accuracy. Its gain from a bigger model or other
weights is measured where the study trained them on as many images, and that from twice the images
where it trained on these too; else that, and that from twice the steps, is a forecast from fitted
curves. What a step on the way to this network bought is
spent and no option. An option that nobody tried has no gain.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...spec.fields import is_frozen, trains_more, weights_of
from ..curves.forecast import doubling_draws, doubts
from ..curves.joint import CURVE_LEVEL, Curves, spread_of
from ..curves.learning_curve import fit_learning_curve
from ..curves.points import CurveWarning
from ..inputs.grid import Arm, Cell, Grid, across_machines
from ..inputs.trainings import COUNT
from ..stats.paired import Contrast, compare_cells
from ..stats.significance import holm
from .diagnosis import DiagnosisFinding, TooFewSteps
from .doubling import SAME_SIZE, LastDoubling, of_steps
from .explained import Explanation, Lever
from .types import Finding, Strength

LITTLE = 0.005
"""Where no gain is there to compare with, a last doubling of the steps may still have bought half a
point: as much ends a training of `epochs: auto`."""

VISIBLE = 7.84
"""Net test images that a gain must get right to be seen with 80% probability at the 95% level, if
it loses none: g n images scatter by their root, and (1.96 + 0.84) squared is 7.84."""

Draws = NDArray[np.float64]


class OptionKind(StrEnum):
    """What could be done next."""

    DATA = "data"
    """Twice the training images, with the same epochs."""
    MODEL = "model"
    """A bigger model."""
    INIT = "init"
    """Other initial weights."""
    TRAINING = "training"
    """Twice the training steps."""
    RESOLUTION = "resolution"
    """Larger images, or a first layer that reduces them less."""


class OptionVerdict(StrEnum):
    """Whether an option would raise the accuracy of another training."""

    HELPS = "helps"
    DOES_NOT = "does not"
    CANNOT_TELL = "cannot tell"
    NOT_TRIED = "not tried"


@dataclass(frozen=True)
class Option(Finding):
    """One thing to do next from the best network.

    Attributes:
        kind: what is done.
        start: the best network's cell.
        end: (model, init) that are trained then; None where the study has no such model or init.
        gain, low, high, level: of test accuracy for another training, in shares; NaN where nothing
            is known of it.
        verdict: whether it counts, by its interval alone; `told` is what to say.
        measured: both ends were trained; else it is a forecast or unknown.
        converged: the last doubling of the steps of both ends bought less than this difference;
            None where no training curve or shorter training tells.
        gain_at_equal_steps: for data, the part of the gain that images bring without more steps, if
            it is the same part as in the last doubling; NaN where unknown.
        new_images: labelled images that it takes and that are not there yet.
        seconds: of the training that it takes, at the speed of the study; NaN where unknown.
        chance_best: that it has the largest gain of all options whose gain is known; NaN where
            there is one.
        regret: gain that is lost on average by choosing it and not the one that is best then, in
            shares; NaN as of `chance_best`.
        points_per_1000_images: gain in percentage points for each 1,000 of `new_images`; NaN where
            it takes none or where unknown.
        points_per_hour: the same for each hour of `seconds`.
        doubts: what speaks against a forecast besides its interval.
        available: such a model or such weights exist, as far as is known.
        elsewhere: other pretrained weights have runs, though none that these can be compared with.
        across_machines: the gain rests on trainings from machines of several kinds.
        lever: of `explain`, whose runs measured the gain; None where the study's own did. Of a
            model or weights it is the reason why they are behind in the study, and they have the
            lever here.
    """

    kind: OptionKind
    start: Cell
    end: Arm | None = None
    gain: float = math.nan
    low: float = math.nan
    high: float = math.nan
    level: float = math.nan
    verdict: OptionVerdict = OptionVerdict.NOT_TRIED
    measured: bool = False
    converged: bool | None = None
    gain_at_equal_steps: float = math.nan
    new_images: float = 0.0
    seconds: float = math.nan
    chance_best: float = math.nan
    regret: float = math.nan
    points_per_1000_images: float = math.nan
    points_per_hour: float = math.nan
    doubts: tuple[CurveWarning, ...] = ()
    available: bool = True
    elsewhere: bool = False
    across_machines: bool = False
    lever: Lever | None = None
    draws: Draws | None = field(default=None, repr=False, compare=False)

    @property
    def known(self) -> bool:
        """Whether there is a gain to speak of."""
        return math.isfinite(self.gain)

    @property
    def advised(self) -> bool:
        """Whether it may be told to be done: not what would lose accuracy."""
        return not (self.known and self.gain < 0)

    @property
    def told(self) -> OptionVerdict:
        """The verdict as it may be told: where training had not ended, only one on training is."""
        decided = self.verdict in (OptionVerdict.HELPS, OptionVerdict.DOES_NOT)
        open_still = self.converged is False and self.kind is not OptionKind.TRAINING
        return OptionVerdict.CANNOT_TELL if decided and open_still else self.verdict

    @property
    def strength(self) -> Strength:
        if self.told is OptionVerdict.CANNOT_TELL:
            return Strength.CANNOT_TELL
        if self.verdict is OptionVerdict.NOT_TRIED:
            return Strength.NOTE
        return Strength.MEASURED if self.measured else Strength.SUGGESTIVE


def find_options(
    grid: Grid,
    curves: Curves,
    best: Cell,
    diagnoses: Sequence[DiagnosisFinding],
    doublings: Sequence[LastDoubling],
    never_pretrained: Sequence[str],
    level: float,
    explanation: Explanation,
) -> tuple[Option, ...]:
    """All options from `best`, the largest gain first; those without a known gain come last."""
    others = _others(grid, best, level, never_pretrained, explanation)
    longer = [option for option in others if option.kind is OptionKind.TRAINING]
    training = longer[0] if longer else _training(grid, best, diagnoses)
    options = [*others]
    if all(option.kind is not OptionKind.RESOLUTION for option in others):
        options += _resolution(best)
    if not is_frozen(best.init) and not longer:
        options.insert(0, training)
    if all(option.kind is not OptionKind.DATA for option in others):
        options.insert(0, _data(grid, curves, best, doublings))
    options = [
        replace(_priced(option), converged=_converged(grid, option, training, diagnoses))
        for option in _compared(options)
    ]
    return tuple(sorted(options, key=lambda one: -one.gain if one.known else math.inf))


def _compared(options: Sequence[Option]) -> list[Option]:
    """The options with the chance that each is the best, and what choosing it loses on average."""
    drawn = [option for option in options if option.draws is not None]
    if len(drawn) < 2:
        return list(options)
    draws = np.array([option.draws for option in drawn], dtype=float)
    best, most = np.argmax(draws, axis=0), np.max(draws, axis=0)
    compared = {
        id(option): replace(
            option,
            chance_best=float((best == i).mean()),
            regret=float((most - draws[i]).mean()),
        )
        for i, option in enumerate(drawn)
    }
    return [compared.get(id(option), option) for option in options]


def _priced(option: Option) -> Option:
    """The option with its gain for what it takes."""
    points, hours = 100 * option.gain, option.seconds / 3600
    return replace(
        option,
        points_per_1000_images=1000 * points / option.new_images if option.new_images else math.nan,
        points_per_hour=points / hours if hours > 0 else math.nan,
    )


def training_gain(grid: Grid, cell: Cell) -> float:
    """What the last doubling of a cell's steps bought; NaN where no shorter training was tested.

    A head on frozen features is fitted to its end, so that more steps would bring nothing.
    """
    if is_frozen(cell.init):
        return 0.0
    lengths = grid.lengths(cell)
    halves = [c for c in lengths if abs(c.length / lengths[-1].length - 0.5) < 0.1]
    return lengths[-1].accuracy - halves[0].accuracy if halves else math.nan


def visible_gain(cell: Cell) -> float:
    """The smallest gain that a cell's test images can show; NaN where their number is unknown."""
    return VISIBLE / cell.effective_size if cell.effective_size > 0 else math.nan


def _data(grid: Grid, curves: Curves, best: Cell, doublings: Sequence[LastDoubling]) -> Option:
    """Twice the images with the same epochs, by the fitted curve."""
    arm, images = best.arm, best.train_size
    # Of images that have labels already, and were not all trained on, none has to be labelled.
    more = max(0.0, 2 * images - max(grid.labelled, images))
    option = Option(
        kind=OptionKind.DATA,
        start=best,
        end=arm,
        new_images=more if more > SAME_SIZE * images else 0.0,
        seconds=2 * best.mean("seconds"),
        across_machines=across_machines(grid.curve(*arm)),
    )
    if arm not in curves.fits:
        return option
    option = _forecast(option, doubling_draws(curves, arm))
    split = next((d for d in doublings if (d.model, d.init) == arm), None)
    equal = math.nan
    if split is not None and split.from_images is not None and split.gain.value > 0:
        part = min(1.0, max(0.0, split.from_images.value / split.gain.value))
        equal = part * option.gain
    return replace(option, gain_at_equal_steps=equal, doubts=doubts(curves, arm))


def _training(grid: Grid, best: Cell, diagnoses: Sequence[DiagnosisFinding]) -> Option:
    """Twice the steps, by a curve through the accuracies at several training lengths."""
    option = Option(
        kind=OptionKind.TRAINING,
        start=best,
        end=best.arm,
        seconds=2 * best.mean("seconds"),
    )
    shorter = [cell for cell in grid.lengths(best) if cell.length <= best.length]
    cells = [cell for cell in shorter if math.isfinite(cell.mean("steps"))]
    if len(cells) < 2:
        climbing = [d for d in diagnoses if isinstance(d, TooFewSteps) and d.run_id in best.run_ids]
        return replace(option, converged=False) if climbing else option
    fit = fit_learning_curve(
        [cell.mean("steps") for cell in cells],
        [[1 - run.accuracy for run in cell.runs] for cell in cells],
        test_size=int(best.effective_size) if best.effective_size > 0 else None,
    )
    last = cells[-1].mean("steps")
    falls = fit.falls([2 * last], count=COUNT, seed=zlib.crc32(b"training"))[:, 0]
    # No fall is larger than the error that is left, whatever curve was fitted.
    normal, scatter = np.random.default_rng(2).standard_normal((2, COUNT))
    error, variances = 1 - best.accuracy, grid.spread.variances[best.key]
    images = error * (1 - error) / best.effective_size if best.effective_size > 0 else 0.0
    now = (error + scatter * np.sqrt(images + variances / len(best.runs))).clip(0.0, 1.0)
    falls = np.minimum(falls, now)
    option = replace(option, across_machines=across_machines(cells))
    return _forecast(option, falls + normal * np.sqrt(2 * variances))


def _forecast(option: Option, drawn: Draws) -> Option:
    """The option with draws of its gain for another training of both ends."""
    gain, low, high = spread_of(drawn)
    return replace(
        option,
        gain=gain,
        low=low,
        high=high,
        level=CURVE_LEVEL,
        verdict=_verdict_of(low, high),
        draws=drawn,
    )


class _Tried(NamedTuple):
    """A cell that was trained, and what it has over the best network's; see `Option`.

    Attributes:
        chosen_of: cells that it is the best of.
    """

    kind: OptionKind
    end: Cell
    gain: Contrast
    lever: Lever | None = None
    chosen_of: int = 1

    @property
    def p_value(self) -> float:
        """Of the best of so many (Bonferroni)."""
        return min(1.0, self.chosen_of * self.gain.p_value)


def _others(
    grid: Grid,
    best: Cell,
    level: float,
    never_pretrained: Sequence[str],
    explanation: Explanation,
) -> list[Option]:
    """A bigger model, other weights, twice the images or steps, larger images or another first
    layer: what the study, or `explain`, trained and so measured.

    Of a model and weights that were not trained it says so; the others are left out then.
    """
    size = [cell for cell in grid.cells if cell.train_size == best.train_size and cell is not best]
    parameters = grid.parameters(best.model)
    found = [
        (OptionKind.MODEL, cell)
        for cell in size
        if cell.init == best.init and grid.parameters(cell.model) > parameters
    ]
    found += [
        (OptionKind.INIT, cell)
        for cell in size
        if cell.model == best.model and (best.init == "random" or trains_more(cell.init, best.init))
    ]
    found += [
        (OptionKind.DATA, cell)
        for cell in grid.curve(best.model, best.init)
        if abs(cell.train_size / best.train_size - 2) <= 2 * SAME_SIZE
    ]
    steps = best.mean("steps")  # 0 of a head
    longer = of_steps(grid.lengths(best), 2 * steps) if steps > 0 else None
    if longer is not None:
        found.append((OptionKind.TRAINING, longer))
    tried = [_mended(grid, best, kind, cell, level, explanation) for kind, cell in found]
    for lever, each in explanation.gains.get((best.arm, best.fraction), {}).items():
        kind = OptionKind.TRAINING if lever is Lever.STEPS else OptionKind.RESOLUTION
        if longer is None or kind is not OptionKind.TRAINING:
            tried.append(_Tried(kind, each.end, each.gain, lever))
    options = _measured(best, tried, level)
    asked = {option.kind for option in options}
    if OptionKind.MODEL not in asked:
        options.append(Option(OptionKind.MODEL, best))
    if OptionKind.INIT not in asked:
        available = best.init != "random" or best.model not in never_pretrained
        own = ("random", weights_of(best.init))
        elsewhere = any(weights_of(init) not in own for init in grid.inits)
        options.append(Option(OptionKind.INIT, best, available=available, elsewhere=elsewhere))
    return options


def _mended(
    grid: Grid,
    best: Cell,
    kind: OptionKind,
    cell: Cell,
    level: float,
    explanation: Explanation,
) -> _Tried:
    """A cell of the study; where the reason why it is behind was found, as it is with that mended.

    Without it the verdict would be about the recipe, and not about the model or the weights.
    """
    reason = explanation.reason(cell, best)
    if reason is None or reason.remedied is None:
        return _Tried(kind, cell, compare_cells(grid, best, cell, level))
    tried = len(explanation.levers(cell, best))
    return _Tried(kind, reason.remedied.end, reason.remedied.gain, reason.lever, tried)


def _measured(best: Cell, tried: Sequence[_Tried], level: float) -> list[Option]:
    """Options whose ends were trained; their verdicts share one error (Holm 1979)."""
    options = [
        replace(measured(one.kind, best, one.end, one.gain), lever=one.lever) for one in tried
    ]
    adjusted = holm([one.p_value for one in tried])
    return [
        option if p <= 1 - level else replace(option, verdict=OptionVerdict.CANNOT_TELL)
        for option, p in zip(options, adjusted, strict=True)
    ]


def measured(kind: OptionKind, start: Cell, end: Cell, found: Contrast) -> Option:
    """An option whose ends were trained, with their difference; the verdict is by its interval."""
    return Option(
        kind=kind,
        start=start,
        end=end.arm,
        gain=found.value,
        low=found.low,
        high=found.high,
        level=found.level,
        verdict=_verdict_of(found.low, found.high),
        measured=True,
        seconds=end.mean("seconds"),
        across_machines=found.across_machines,
        draws=found.draws(zlib.crc32("\0".join(map(str, end.key)).encode())),
    )


def _verdict_of(low: float, high: float) -> OptionVerdict:
    """What an interval of a gain allows to say."""
    if low > 0:
        return OptionVerdict.HELPS
    return OptionVerdict.DOES_NOT if high < 0 else OptionVerdict.CANNOT_TELL


def _resolution(best: Cell) -> list[Option]:
    """Larger images or another first layer, where the last feature map has one position."""
    return [Option(OptionKind.RESOLUTION, best)] if best.runs[0].one_position else []


def _converged(
    grid: Grid, option: Option, training: Option, diagnoses: Sequence[DiagnosisFinding]
) -> bool | None:
    """Whether the last doubling of the steps bought less than the option does.

    Of longer training itself: whether twice the steps would no longer help.
    """
    if option.kind is OptionKind.TRAINING:
        if option.known:
            return option.verdict is not OptionVerdict.HELPS
        return option.converged if option.converged is not None else _levelled(grid, option.start)
    ends = [option.start]
    if option.measured and option.end is not None and option.lever is None:
        arm = option.end
        ends += [c for c in grid.curve(*arm) if c.train_size == option.start.train_size]
    gains = [training_gain(grid, cell) for cell in ends]
    if not any(map(math.isfinite, gains)):
        return _converged(grid, training, training, diagnoses)
    bought = max(gain for gain in gains if math.isfinite(gain))
    return bought < (abs(option.gain) if option.known else LITTLE)


def _levelled(grid: Grid, cell: Cell) -> bool | None:
    """True with training curves, whose rules would have shown too few steps; else not known."""
    return True if any(run_id in grid.histories for run_id in cell.run_ids) else None
