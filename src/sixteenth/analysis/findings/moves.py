"""What could help, in points of accuracy: twice the images, the bigger model, pretrained weights.

Each move is measured where the study holds both of its ends, at the largest such size. What the
*next* doubling would buy was not measured: it is a move of its own kind, a forecast from the
fitted curve with the curve's interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from ...language.numbers import count, interval, upper_first
from ..curves.doubling import is_rise, last_doubling
from ..curves.forecast import doubts, next_doubling
from ..curves.joint import Arm, Curves
from ..inputs.grid import Cell, Grid, common_seeds
from ..stats.intervals import LEVEL
from ..stats.paired import Contrast, contrast
from .expectation import SizeVerdict


@dataclass(frozen=True)
class Move:
    """One thing to do, and the accuracy that it bought in this study."""

    kind: Literal["data", "next", "model", "init"]
    """data: the last doubling that was measured; next: a forecast of the one after it."""
    label: str
    short: str
    gain: float
    low: float
    high: float
    level: float
    """Of the interval: forecasts have that of the fitted curves."""
    verdict: Literal["helps", "hurts", "cannot tell"]
    main: bool
    """Starts from the reference: the small model with the first init. These carry the answer."""
    basis: str
    """Which cells, which interval."""
    evidence: dict[str, object]
    start: Arm
    """The (model, init) that it starts from."""
    start_name: str
    """The same in words: ``resnet18, random weights``."""
    step: str
    """The move without its start, for a figure that groups moves by theirs."""
    action: str = ""
    """The move as the subject of a sentence: ``resnet50 instead of resnet18``."""
    too_little: str = ""
    """Why the gain does not count although its interval leaves out zero; else empty."""
    terms: tuple[tuple[float, Cell], ...] = field(default=(), repr=False, compare=False)
    """The move as a contrast of cells, so that two moves can be compared in turn."""

    @property
    def measured(self) -> bool:
        """Whether both of its ends were trained; where not, its interval is no confidence interval
        but the range that a rising curve allows."""
        return self.kind != "next" and bool(self.evidence.get("half_was_trained", True))

    def span(self, *, name_level: bool = True) -> str:
        """The interval as it stands in brackets after the gain: ``95% interval 3.2 to 5.0``; where
        an end was not trained ``0.0 to 35.4 if more images never hurt``."""
        text = interval(self.low, self.high, self.level, flip=self.verdict == "hurts")
        if self.kind != "next" and not self.measured:
            return f"{text.partition('interval ')[2]} if more images never hurt"
        if not name_level:
            text = text.partition("interval ")[2]
        return f"{text}, {self.too_little}" if self.too_little else text


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
            found += _data_move(grid, model, init, (model, init) == reference, level)
            if curves is not None:
                found += _next_move(curves, (model, init), (model, init) == reference)
    if grid.sizes_known:
        for init in grid.inits:
            main = (grid.models[0], init) == reference
            found += _model_move(grid, init, main, level, rows)
    for model in grid.models:
        for init in grid.inits[1:]:
            found += _init_move(grid, model, init, (model, grid.inits[0]) == reference, level)
    return sorted(found, key=lambda move: -move.gain)


def reference_arm(grid: Grid) -> tuple[str, str]:
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


def _data_move(grid: Grid, model: str, init: str, main: bool, level: float) -> list[Move]:
    """The last doubling of the training set."""
    found = last_doubling(grid, grid.curve(model, init), level)
    if found is None:
        return []
    names = f"{grid.name(model)}, {grid.init_name(init)}"
    sizes = f"{count(found.half)}{found.unmeasured} to {count(found.last)}"
    longer = " and with them the training steps," if found.more_steps else ""
    return [
        _move(
            "data",
            found.contrast,
            label=f"Twice the images ({sizes}), {names}",
            short="twice the images",
            start=(model, init),
            start_name=names,
            step=f"Twice the images: {sizes}",
            action=f"doubling the images, from {sizes},{longer}",
            main=main,
            basis=f"{found.how}; {found.contrast.method}",
            terms=found.terms,
            extra={
                "model": model,
                "init": init,
                "from_images": found.half,
                "to_images": found.last,
                "inside_measured_range": found.inside,
                "half_was_trained": not found.unmeasured,
            },
        )
    ]


def _next_move(curves: Curves, arm: Arm, main: bool) -> list[Move]:
    """The next doubling, by the fitted curve."""
    found = next_doubling(curves, arm)
    if found is None:
        return []
    grid = curves.grid
    names = f"{grid.name(arm[0])}, {grid.init_name(arm[1])}"
    sizes = f"{count(found.images)} to {count(2 * found.images)}"
    return [
        Move(
            kind="next",
            label=f"Twice the images again ({sizes}, forecast), {names}",
            short="the next doubling",
            start=arm,
            start_name=names,
            step=f"Next doubling: {sizes} (forecast)",
            gain=found.gain,
            low=found.low,
            high=found.high,
            level=found.level,
            verdict="helps" if found.seen else "cannot tell",
            main=main,
            basis="not measured; by the fitted curve",
            evidence={
                "model": arm[0],
                "init": arm[1],
                "from_images": found.images,
                "to_images": 2 * found.images,
                "difference": found.gain,
                "low": found.low,
                "high": found.high,
                "level": found.level,
                "doubts": doubts(curves, arm),
            },
            action=f"doubling the images once more, to {count(2 * found.images)},",
        )
    ]


def _model_move(
    grid: Grid, init: str, main: bool, level: float, rows: Sequence[SizeVerdict]
) -> list[Move]:
    small, big = grid.models[0], grid.models[-1]
    pairs = grid.shared((small, init), (big, init))
    if not pairs:
        return []
    first, second = common_seeds(*pairs[-1])
    terms = [(1.0, second), (-1.0, first)]
    found = contrast(grid, terms, level=level)
    size = count(second.train_size)
    same = [row for row in rows if row.init == init and row.small.train_size == first.train_size]
    names = f"{grid.name(big)} instead of {grid.name(small)}"
    return [
        _move(
            "model",
            found,
            label=f"Bigger model ({names}), {grid.init_name(init)}",
            short="bigger model",
            start=(small, init),
            start_name=f"{grid.name(small)}, {grid.init_name(init)}",
            step=f"Bigger model: {names}",
            action=f"the bigger model, {names},",
            main=main,
            basis=f"at {size} images; {found.method}",
            terms=terms,
            too_little=same[0].too_little if same else "",
            extra={"init": init, "at_images": second.train_size, "small": small, "big": big},
        )
    ]


def _init_move(grid: Grid, model: str, init: str, main: bool, level: float) -> list[Move]:
    pairs = grid.shared((model, grid.inits[0]), (model, init))
    if not pairs:
        return []
    first, second = common_seeds(*pairs[-1])
    terms = [(1.0, second), (-1.0, first)]
    found = contrast(grid, terms, level=level)
    words, before = grid.init_name(init), grid.init_name(grid.inits[0])
    return [
        _move(
            "init",
            found,
            label=f"{words} instead of {before}, {grid.name(model)}",
            short=words,
            start=(model, grid.inits[0]),
            start_name=f"{grid.name(model)}, {before}",
            step=f"{upper_first(words)} instead of {before}",
            action=f"starting from {words} instead of {before}",
            main=main,
            basis=f"at {count(second.train_size)} images; {found.method}",
            terms=terms,
            extra={"model": model, "init": init, "at_images": second.train_size},
        )
    ]


_VERDICTS: dict[str, Literal["helps", "hurts", "cannot tell"]] = {
    "above": "helps",
    "below": "hurts",
    "cannot tell": "cannot tell",
}


def _move(
    kind: Literal["data", "model", "init"],
    found: Contrast,
    *,
    label: str,
    short: str,
    start: Arm,
    start_name: str,
    step: str,
    action: str,
    main: bool,
    basis: str,
    terms: list[tuple[float, Cell]],
    extra: dict[str, object],
    too_little: str = "",
) -> Move:
    return Move(
        kind=kind,
        label=label,
        short=short,
        start=start,
        start_name=start_name,
        step=step,
        gain=found.value,
        low=found.low,
        high=found.high,
        level=found.level,
        verdict="cannot tell" if too_little else _VERDICTS[found.verdict],
        main=main,
        basis=basis,
        evidence={**extra, **found.numbers()},
        action=action,
        too_little=too_little,
        terms=tuple(terms),
    )
