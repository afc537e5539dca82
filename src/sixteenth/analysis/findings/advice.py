"""What there is, what could be had from it, and what would make the answer surer.

Everything starts from the best network that the study trained, because that one is there already.
`docs/science.md` has the rules.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise

from ...spec.fields import is_frozen
from ..inputs.cells import SAME_SIZE, Arm, Cell
from ..stats.intervals import Interval, cell_interval
from ..stats.paired import Contrast, compare_cells
from .compare_options import find_options
from .cost import seeds_seconds, size_seconds
from .doubling import ControlRun
from .evidence import Evidence
from .levers import MORE_SEEDS, is_testable
from .options import Option, OptionKind, OptionVerdict, visible_gain
from .over_sizes import told_apart
from .recommendation import Lead, recommend
from .target import Target, reach
from .types import Finding, Strength, as_json

WIDE = 2.5
"""Two neighbouring sizes with a larger ratio have room for another one between them."""
ENOUGH_SIZES = 4
"""Sizes in steps of at most `WIDE`, from which on one more leaves a forecast as wide as it is."""
CHEAPER = 0.95
"""A rival that took less than this share of the training FLOPs of the best took clearly less."""


@dataclass(frozen=True)
class NothingTrained(Finding):
    """No run has finished that advice could start from."""

    strength = Strength.NOTE


@dataclass(frozen=True)
class BestNetwork(Finding):
    """The cell that the options start from, see `best_network`.

    Attributes:
        cell: its accuracy is the highest, but for fewer images of its own curve that cannot be told
            from it.
        interval: of the accuracy of another training.
        rival: the best of those that cannot be told from it and saw no more images.
        rival_flops: training FLOPs of the rival as a share of those of the best; None where they
            are not clearly less.
    """

    cell: Cell
    interval: Interval
    rival: Cell | None = None
    rival_flops: float | None = None


class Step(Finding):
    """Base of what would make the answer surer; takes no label."""

    strength = Strength.NOTE


@dataclass(frozen=True)
class Separate(Step):
    """A run that tells what images bring from what more training steps bring."""

    control: ControlRun
    images: float


@dataclass(frozen=True)
class LabelledImages(Step):
    """More images come next and have labels already: one more size for the whole study.

    Attributes:
        size: training images.
        seconds: of training that all networks of the study take on them.
        fractions: of the study, with this one.
    """

    size: float
    seconds: float
    fractions: tuple[str, ...] = ()


@dataclass(frozen=True)
class AnotherSize(Step):
    """`size` training images would be one more point of each curve; that of `arm` has `sizes`.

    Attributes:
        seconds: of training that all networks of the study take on them.
        fractions: of the study, with this one.
    """

    arm: Arm
    size: float
    sizes: int
    seconds: float
    fractions: tuple[str, ...] = ()


@dataclass(frozen=True)
class MoreSeeds(Step):
    """Two more trainings of each of the two best cells of one size, which cannot be told apart.

    Attributes:
        seconds: of these trainings.
        seeds: of the study and two more, where `explain` cannot repeat these cells, or has done so
            before and would not do so again: then the study has to be trained with them.
    """

    best: Cell
    rival: Cell
    difference: Contrast
    seconds: float
    seeds: tuple[int, ...] = ()


AdviceStep = Separate | LabelledImages | AnotherSize | MoreSeeds
AdviceFinding = NothingTrained | BestNetwork | Target | Option | Step


@dataclass(frozen=True)
class Advice:
    """What there is, what could be had from it, and what would make that surer.

    Attributes:
        best: what there is already.
        options: the best first, see `compare_options.find_options`.
        steps: towards a surer answer, the most useful first.
        target: what a wanted error takes; None where none was asked for.
    """

    best: BestNetwork | NothingTrained
    options: tuple[Option, ...] = ()
    steps: tuple[AdviceStep, ...] = ()
    target: Target | None = None

    @property
    def findings(self) -> tuple[AdviceFinding, ...]:
        """The best network, the target, the options, the steps: as they are told."""
        target = () if self.target is None else (self.target,)
        return (self.best, *target, *self.options, *self.steps)

    def to_dict(self) -> dict[str, object]:
        """The fields as plain values for JSON; numbers that are not finite become None."""
        return {f.name: as_json(getattr(self, f.name)) for f in fields(self)}


def advise(evidence: Evidence, target_error: float | None = None) -> Advice:
    """What to do next, and what a wanted test error in [0, 1] takes."""
    grid = evidence.grid
    if not grid.cells:
        return Advice(NothingTrained())
    guesses, target = evidence.guesses(evidence.best), None
    if target_error is not None:
        target = reach(grid, evidence.curves, target_error, guesses=guesses)
    options = find_options(evidence, evidence.best)
    # More of what learns nothing tells nothing.
    if guesses or recommend(options, evidence.best).lead is Lead.STOP:
        return Advice(_best(evidence), options, target=target)
    steps: list[AdviceStep] = [*_seeds(evidence)]
    if target is None or not target.reached:
        first: list[AdviceStep] = [*_separate(evidence), *_labelled(evidence, options)]
        steps = [*first, *steps, *_sizes(evidence, options)]
    return Advice(_best(evidence), options, tuple(steps), target)


def _best(evidence: Evidence) -> BestNetwork:
    grid, best, level = evidence.grid, evidence.best, evidence.level
    rivals = [
        cell
        for cell in grid.cells
        if cell is not best
        and cell.train_size <= best.train_size
        and not told_apart(grid, cell, best, compare_cells(grid, cell, best, level))
    ]
    rival = max(rivals, key=lambda cell: cell.accuracy, default=None)
    flops = best.mean("train_flops")  # 0 where no operation of the model is counted
    ratio = rival.mean("train_flops") / flops if rival and flops > 0 else math.nan
    cheaper = ratio if ratio < CHEAPER else None
    return BestNetwork(best, cell_interval(grid, best, level), rival, cheaper)


def _separate(evidence: Evidence) -> list[Separate]:
    """The control run of the best network's curve, where twice the images raised its accuracy."""
    best = evidence.best
    doubling = evidence.last_doubling(best.arm)
    if doubling is None or doubling.control is None or doubling.gain.value <= 0:
        return []
    if best is not doubling.control.cell and best.train_size != doubling.images:
        return []  # its best network is on fewer images than these two
    return [Separate(doubling.control, doubling.images)]


def _labelled(evidence: Evidence, options: Sequence[Option]) -> list[LabelledImages]:
    """More images, if they are the best option, take no label and are not planned."""
    grid, first = evidence.grid, options[0]
    size = first.images
    free = first.kind is OptionKind.DATA and not (first.measured or first.new_images)
    if not free or first.told is not OptionVerdict.HELPS:
        return []
    planned = {run.fraction: run for run in grid.runs}
    sizes = map(grid.size_of, planned.values())  # of one run a fraction: it looks through all runs
    if any(abs(known - size) <= SAME_SIZE * size for known in sizes):
        return []
    if not evidence.can_have(size, len({run.seed for run in grid.runs})):
        return []
    whole = "1" if size == first.all_labelled else f"{size:.0f} images"
    fractions = (*planned, whole)
    return [LabelledImages(size, size_seconds(grid, size), fractions)]


def _sizes(evidence: Evidence, options: Sequence[Option]) -> list[AnotherSize]:
    """One more fraction, where the forecast does not say whether more images would help.

    Not where all of the forecast is less than these test images can show: the answer is to stop.
    Nor where runs of the best network's curve are still to be trained, which may tell.
    """
    grid, best = evidence.grid, evidence.best
    data = next(option for option in options if option.kind is OptionKind.DATA)
    told = data.verdict in (OptionVerdict.HELPS, OptionVerdict.DOES_NOT)
    if told or (data.known and data.high < visible_gain(best)):
        return []
    left = [run for run in grid.missing if run.status not in ("failed", "finished")]
    if any(run.arm == best.arm for run in left):
        return []
    known = [cell.train_size for cell in grid.curves[best.arm]]
    planned = {run.fraction: run for run in grid.runs}.values()  # of which some may have no result
    there = sorted({*known, *filter(math.isfinite, map(grid.size_of, planned))})
    size = float(f"{_missing_size(there):.2g}")  # as it is said; NaN where none would help
    if not size >= (evidence.context.num_classes or 1):  # each class needs an image
        return []
    fractions = (*(run.fraction for run in planned), f"{size:.0f} images")
    return [AnotherSize(best.arm, size, len(known), size_seconds(grid, size), fractions)]


def _missing_size(known: Sequence[float]) -> float:
    """Where one more size helps most: in the middle of the widest gap, on a logarithmic axis.

    Where no gap is wider than a factor of 2.5, it is half of the smallest; NaN where there are
    `ENOUGH_SIZES` then: another one hardly makes the forecast narrower.
    """
    gaps = [(b / a, math.sqrt(a * b)) for a, b in pairwise(known)]
    widest, middle = max(gaps, default=(1.0, 0.0))
    if widest > WIDE:
        return middle
    return known[0] / 2 if len(known) < ENOUGH_SIZES else math.nan


def _seeds(evidence: Evidence) -> list[MoreSeeds]:
    """More seeds of the best cell and of the one that it has to be told from, if they may tell."""
    grid, best = evidence.grid, evidence.best
    others = [
        cell for cell in grid.cells if cell.train_size == best.train_size and cell is not best
    ]
    if not others:
        return []
    rival = max(others, key=lambda cell: cell.accuracy)
    found = compare_cells(grid, rival, best, evidence.level)
    # A head on all images is trained once: other seeds would see the same images.
    once = all(is_frozen(cell.init) and cell.fraction == "1" for cell in (best, rival))
    ahead = told_apart(grid, rival, best, found) and found.value > 0
    # Of runs that were stopped before their end the rest comes first.
    stopped = grid.length < 1 or best.so_far or rival.so_far
    if once or ahead or stopped or not found.may_be_told_by(MORE_SEEDS):
        return []
    seeds = tuple(dict.fromkeys(run.seed for run in grid.runs))
    if not evidence.can_have(best.train_size, len(seeds) + MORE_SEEDS):
        return []
    repeats = evidence.explanation.repeats
    repeated = any(run_id in repeats for cell in (best, rival) for run_id in cell.run_ids)
    if repeated or not is_testable(best, rival):
        more = (*seeds, *(max(seeds) + i for i in range(1, MORE_SEEDS + 1)))
        return [MoreSeeds(best, rival, found, seeds_seconds(grid, len(more)), more)]
    seconds = MORE_SEEDS * (best.mean("seconds") + rival.mean("seconds"))
    return [MoreSeeds(best, rival, found, seconds)]
