"""What could help, in points of accuracy: twice the images, the bigger model, pretrained weights.

Each move is measured where the study holds both of its ends, at the largest such size. What the
*next* doubling would buy was not measured: it is a move of its own kind, a forecast from the
fitted curve with the curve's interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from ..curves.doubling import Half, HalfOrigin, is_rise, last_doubling
from ..curves.forecast import doubts, next_doubling
from ..curves.joint import Arm, Curves
from ..curves.points import CurveWarning
from ..inputs.grid import Cell, Grid, common_seeds
from ..stats.intervals import LEVEL
from ..stats.paired import Contrast, contrast
from .expectation import SizeVerdict, TooLittle
from .types import Finding, Strength


class MoveKind(StrEnum):
    """The things that can be done."""

    DATA = "data"
    """The last doubling of the training set that was measured."""
    NEXT = "next"
    """The doubling after it: a forecast."""
    MODEL = "model"
    """The largest model instead of the smallest."""
    INIT = "init"
    """Other initial weights."""


class MoveVerdict(StrEnum):
    """What a move did to test accuracy."""

    HELPS = "helps"
    HURTS = "hurts"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True)
class Move(Finding):
    """One thing to do, and the accuracy that it bought in this study.

    Attributes:
        kind: what is done.
        start, end: (model, init) before and after.
        from_images, to_images: training images before and after.
        gain, low, high, level: in shares of accuracy; forecasts have the level of the curves.
        verdict: whether it counts.
        main: it starts from the reference: the small model with the first init. These carry the
            answer.
        contrast: of the cells, None for a forecast.
        half: where the accuracy at half the images comes from; for a measured doubling.
        more_steps: with the images the training steps grew.
        too_little: why the gain does not count although its interval leaves out zero.
        doubts: what speaks against a forecast besides its interval.
        terms: the move as a contrast of cells, so that two moves can be compared in turn.
    """

    kind: MoveKind
    start: Arm
    end: Arm
    from_images: float
    to_images: float
    gain: float
    low: float
    high: float
    level: float
    verdict: MoveVerdict
    main: bool
    contrast: Contrast | None = None
    half: Half | None = None
    more_steps: bool = False
    too_little: TooLittle | None = None
    doubts: tuple[CurveWarning, ...] = ()
    terms: tuple[tuple[float, Cell], ...] = field(default=(), repr=False, compare=False)

    @property
    def strength(self) -> Strength:
        if self.verdict is MoveVerdict.CANNOT_TELL:
            return Strength.CANNOT_TELL
        return Strength.MEASURED if self.measured else Strength.SUGGESTIVE

    @property
    def measured(self) -> bool:
        """Whether both of its ends were trained; where not, its interval is no confidence interval
        but the range that a rising curve allows."""
        trained = self.half is None or self.half.origin is HalfOrigin.TRAINED
        return self.kind is not MoveKind.NEXT and trained


def find_moves(
    grid: Grid,
    level: float = LEVEL,
    curves: Curves | None = None,
    rows: Sequence[SizeVerdict] = (),
) -> list[Move]:
    """All moves that the study measured or, with fitted curves, foresees; the best gain first.

    Args:
        grid: the study.
        level: of the intervals of what was measured.
        curves: its fitted curves.
        rows: its comparisons of the smallest with the largest model: where one is too little to
            count among them, it does not help or hurt here either.
    """
    reference = reference_arm(grid)
    found: list[Move] = []
    for model in grid.models:
        for init in grid.inits:
            found += _data_move(grid, (model, init), (model, init) == reference, level)
            if curves is not None:
                found += _next_move(curves, (model, init), (model, init) == reference)
    if grid.sizes_known:
        small, big = grid.models[0], grid.models[-1]
        for init in grid.inits:
            ends = (small, init), (big, init)
            same = [row for row in rows if row.init == init]
            found += _cell_move(grid, MoveKind.MODEL, ends, ends[0] == reference, level, same)
    for model in grid.models:
        for init in grid.inits[1:]:
            ends = (model, grid.inits[0]), (model, init)
            found += _cell_move(grid, MoveKind.INIT, ends, ends[0] == reference, level)
    return sorted(found, key=lambda move: -move.gain)


def reference_arm(grid: Grid) -> Arm:
    """The (model, init) that moves start from: small and first, or the first that one starts from.

    In a study that is not finished that may be another one; without any move it is the first that
    has results.
    """
    arms = [(model, init) for model in grid.models for init in grid.inits]
    trained = [arm for arm in arms if grid.curve(*arm)]
    for model, init in trained:
        data = is_rise(grid.curve(model, init))
        bigger = model == grid.models[0] and grid.sizes_known
        others = [(grid.models[-1], init)] if bigger else []
        if init == grid.inits[0]:
            others += [(model, other) for other in grid.inits[1:]]
        if data or any(grid.shared((model, init), other) for other in others):
            return model, init
    return next(iter([*trained, *arms]), ("", ""))


def difference_of_moves(
    grid: Grid, first: Move, second: Move, level: float = LEVEL
) -> Contrast | None:
    """How much more `first` bought than `second`; None where they do not share their seeds."""
    terms = [*first.terms, *((-weight, cell) for weight, cell in second.terms)]
    if not set.intersection(*(set(cell.seeds) for _, cell in terms)):
        return None
    return contrast(grid, terms, value=first.gain - second.gain, level=level)


def _data_move(grid: Grid, arm: Arm, main: bool, level: float) -> list[Move]:
    """The last doubling of the training set."""
    found = last_doubling(grid, grid.curve(*arm), level)
    if found is None:
        return []
    return [
        Move(
            kind=MoveKind.DATA,
            start=arm,
            end=arm,
            from_images=found.half.images,
            to_images=found.last,
            gain=found.contrast.value,
            low=found.contrast.low,
            high=found.contrast.high,
            level=found.contrast.level,
            verdict=_verdict(found.contrast),
            main=main,
            contrast=found.contrast,
            half=found.half,
            more_steps=found.more_steps,
            terms=tuple(found.terms),
        )
    ]


def _next_move(curves: Curves, arm: Arm, main: bool) -> list[Move]:
    """The next doubling, by the fitted curve."""
    found = next_doubling(curves, arm)
    if found is None:
        return []
    return [
        Move(
            kind=MoveKind.NEXT,
            start=arm,
            end=arm,
            from_images=found.images,
            to_images=2 * found.images,
            gain=found.gain,
            low=found.low,
            high=found.high,
            level=found.level,
            verdict=MoveVerdict.HELPS if found.seen else MoveVerdict.CANNOT_TELL,
            main=main,
            doubts=doubts(curves, arm),
        )
    ]


def _cell_move(
    grid: Grid,
    kind: MoveKind,
    ends: tuple[Arm, Arm],
    main: bool,
    level: float,
    rows: Sequence[SizeVerdict] = (),
) -> list[Move]:
    """From one (model, init) to another, at the largest size that both have."""
    pairs = grid.shared(*ends)
    if not pairs:
        return []
    first, second = common_seeds(*pairs[-1])
    terms = ((1.0, second), (-1.0, first))
    found = contrast(grid, terms, level=level)
    same = [row.too_little for row in rows if row.small.train_size == first.train_size]
    too_little = same[0] if same else None
    return [
        Move(
            kind=kind,
            start=ends[0],
            end=ends[1],
            from_images=second.train_size,
            to_images=second.train_size,
            gain=found.value,
            low=found.low,
            high=found.high,
            level=found.level,
            verdict=MoveVerdict.CANNOT_TELL if too_little else _verdict(found),
            main=main,
            contrast=found,
            too_little=too_little,
            terms=terms,
        )
    ]


def _verdict(found: Contrast) -> MoveVerdict:
    return {
        "above": MoveVerdict.HELPS,
        "below": MoveVerdict.HURTS,
        "cannot tell": MoveVerdict.CANNOT_TELL,
    }[found.verdict]
