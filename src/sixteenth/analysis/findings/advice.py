"""The next most useful thing to do: what it would buy, what it costs, and how sure that is.

Advice starts from the best network that the study trained, because that one is there already. What
was measured is told from what a fitted curve foresees and from what nobody has tried. The order is
by rule, not by a guess at prices: first what needs no new label and was found wanting (training
that had not ended, pretrained weights that were not tried), then more labels as far as the curve
foresees a gain, then what would make the answer surer. `docs/science.md` has the rules.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise

from ..curves.doubling import SAME_SIZE
from ..curves.forecast import doubts, leaders, next_doubling
from ..curves.joint import Curves
from ..inputs.grid import Cell, Grid
from ..stats.intervals import LEVEL, Interval, cell_interval
from ..stats.paired import compare_cells
from .diagnosis import Diagnosis, TooFewSteps
from .expectation import SizeVerdict
from .steps import (
    AnotherSize,
    BiggerModel,
    MoreImages,
    MoreSeeds,
    Outlook,
    Step,
    StepKind,
    Sureness,
    TrainLonger,
    TryPretrained,
)
from .target import Target, reach
from .types import Finding, Strength, plain

LARGE_LEAD = 0.05
"""A lead of one training over another that no usual spread between trainings turns round."""
WIDE = 1.0
"""A forecast whose interval is wider than this many times its gain is called rough."""
CHEAPER = 0.95
"""A rival that took less than this share of the training FLOPs of the best took clearly less."""


@dataclass(frozen=True)
class NothingTrained(Finding):
    """No run has finished that advice could start from."""

    @property
    def strength(self) -> Strength:
        return Strength.NOTE


@dataclass(frozen=True)
class BestNetwork(Finding):
    """The cell with the highest accuracy.

    Attributes:
        cell: the best.
        interval: of its accuracy.
        rival: the best of those that cannot be told from it and saw no more images.
        rival_flops: training FLOPs of the rival as a share of those of the best; None where they
            are not clearly less.
    """

    cell: Cell
    interval: Interval
    rival: Cell | None = None
    rival_flops: float | None = None


AdviceFinding = NothingTrained | BestNetwork | Target | Step


@dataclass(frozen=True)
class Advice:
    """What to do next, the most useful first; `best` is what there is already."""

    best: BestNetwork | NothingTrained
    steps: tuple[Step, ...] = ()
    target: Target | None = None

    @property
    def findings(self) -> tuple[AdviceFinding, ...]:
        """All of it in the order in which it is told."""
        return (self.best, *([] if self.target is None else [self.target]), *self.steps)

    def to_dict(self) -> dict[str, object]:
        """The same as plain values for JSON; numbers that are not finite become None."""
        return {f.name: plain(getattr(self, f.name)) for f in fields(self)}


def advise(
    grid: Grid,
    curves: Curves,
    diagnoses: Sequence[Diagnosis] = (),
    rows: Sequence[SizeVerdict] = (),
    *,
    never_pretrained: Sequence[str] = (),
    target_error: float | None = None,
    level: float = LEVEL,
) -> Advice:
    """What to do next.

    Args:
        grid: the study.
        curves: its fitted curves.
        diagnoses: of its runs; training that had not ended is read from them.
        rows: its comparisons of the smallest with the largest model.
        never_pretrained: models that nobody has pretrained weights of.
        target_error: a wanted test error, in [0, 1].
        level: of the intervals of what was measured.
    """
    if not grid.cells:
        return Advice(NothingTrained())
    best = max(grid.cells, key=lambda cell: cell.accuracy)
    target = None if target_error is None else reach(grid, curves, target_error)
    steps: list[Step] = [
        *_unfinished(best, diagnoses),
        *_pretrained(grid, best, never_pretrained),
        *_images(curves, best),
        *_bigger(best, rows),
        *_sizes(grid, curves, best),
        *_seeds(grid, best, level),
    ]
    if target is not None and target.reached:
        steps = [step for step in steps if isinstance(step, MoreSeeds)]
    return Advice(_best(grid, best, level), tuple(steps), target)


def _best(grid: Grid, best: Cell, level: float) -> BestNetwork:
    rivals = [
        cell
        for cell in grid.cells
        if cell is not best
        and cell.train_size <= best.train_size
        and compare_cells(grid, cell, best, level).verdict == "cannot tell"
    ]
    rival = max(rivals, key=lambda cell: cell.accuracy, default=None)
    ratio = rival.mean("train_flops") / best.mean("train_flops") if rival else math.nan
    cheaper = ratio if ratio < CHEAPER else None
    return BestNetwork(best, cell_interval(best, level), rival, cheaper)


def _unfinished(best: Cell, diagnoses: Sequence[Diagnosis]) -> list[TrainLonger]:
    """Train longer, where the best network was still improving on its training images."""
    found = [d for d in diagnoses if isinstance(d, TooFewSteps) and d.run_id in best.run_ids]
    if not found:
        return []
    return [
        TrainLonger(
            cell=best,
            climb=found[0].climb,
            steps=2 * best.mean("steps"),
            flops=2 * best.mean("train_flops"),
        )
    ]


def _pretrained(grid: Grid, best: Cell, never_pretrained: Sequence[str]) -> list[TryPretrained]:
    """Pretrained weights, where the study used none."""
    if best.init != "random" or len(grid.inits) > 1:
        return []
    available = best.model not in never_pretrained
    flops = best.mean("train_flops") if available else math.nan
    return [TryPretrained(model=best.model, available=available, flops=flops)]


def _images(curves: Curves, best: Cell) -> list[MoreImages]:
    """More images: the forecast of the next doubling, and who would lead then."""
    arm = (best.model, best.init)
    found = next_doubling(curves, arm)
    if found is None:
        return []
    images = found.images
    outlook = Outlook.ROUGH if found.high - found.low > WIDE * found.gain else Outlook.CLEAR
    leader, probability = leaders(curves, 2 * images)[0]
    other = leader != arm and probability > 0.5
    # Of images that have labels already, and were not all trained on, none has to be labelled.
    labelled = curves.grid.labelled
    idle = labelled > images * (1 + SAME_SIZE)
    more = max(0.0, 2 * images - labelled) if idle else images
    enough = more <= SAME_SIZE * images
    return [
        MoreImages(
            kind=StepKind.USE if enough else StepKind.LABELS,
            gain=found.gain,
            low=found.low,
            high=found.high,
            level=found.level,
            images=0.0 if enough else more,
            flops=2 * curves.grid.curve(*arm)[-1].mean("train_flops"),
            sure=Sureness.FORECAST,
            arm=arm,
            to_images=2 * images,
            outlook=outlook if found.seen else Outlook.OPEN,
            doubts=doubts(curves, arm),
            leader=leader if other else None,
            leader_probability=probability if other else math.nan,
            labelled=labelled if idle else None,
        )
    ]


def _bigger(best: Cell, rows: Sequence[SizeVerdict]) -> list[BiggerModel]:
    """A bigger model than any here, where the bigger one of the study was ahead and it counts."""
    row = next((row for row in rows if row.big.key == best.key), None)
    if row is None or row.outcome == "cannot tell" or row.found.verdict != "above":
        return []
    return [BiggerModel(small=row.small.model, big=best.model, difference=row.found)]


def _sizes(grid: Grid, curves: Curves, best: Cell) -> list[AnotherSize]:
    """One more fraction, where the curve's interval is too wide to plan with."""
    arm = (best.model, best.init)
    known = [cell.train_size for cell in grid.curve(*arm)]
    found = next_doubling(curves, arm)
    if found is not None and found.high - found.low <= WIDE * abs(found.gain):
        return []
    size = _missing_size(known)
    flops = best.mean("train_flops") * size / best.train_size
    sizes = 1 if found is None else len(known)
    return [AnotherSize(arm=arm, size=size, sizes=sizes, flops=flops)]


def _missing_size(known: Sequence[float]) -> float:
    """Where one more size helps most: in the middle of the widest gap, on a logarithmic axis.

    Where no gap is wider than a factor of 2.5, and with one size, it is half of the smallest.
    """
    gaps = [(b / a, math.sqrt(a * b)) for a, b in pairwise(known)]
    widest, middle = max(gaps, default=(1.0, 0.0))
    return middle if widest > 2.5 else known[0] / 2


def _seeds(grid: Grid, best: Cell, level: float) -> list[MoreSeeds]:
    """More seeds of the best cell and of the one that it has to be told from."""
    others = [
        cell
        for cell in grid.cells
        if cell.train_size == best.train_size and (cell.model, cell.init) != (best.model, best.init)
    ]
    if not others:
        return []
    rival = max(others, key=lambda cell: cell.accuracy)
    found = compare_cells(grid, rival, best, level)
    single = found.seeds == 1
    if found.verdict == "above" and (not single or found.value > LARGE_LEAD):
        return []
    flops = 2 * (best.mean("train_flops") + rival.mean("train_flops"))
    return [MoreSeeds(best=best, rival=rival, difference=found, flops=flops)]
