"""What could help, in points of accuracy: twice the images, the bigger model, pretrained weights.

Each move is measured where the study holds both of its ends, at the largest such size. What the
*next* doubling would buy was not measured: it is a move of its own kind, a forecast from the
fitted curve with the curve's interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from .compare import Contrast, Spread, contrast
from .forecast import next_doubling
from .intervals import LEVEL
from .joint import Arm, Curves
from .tables import Cell, Grid, common_seeds
from .wording import count

SAME_SIZE = 0.01
"""Training sets whose sizes differ by less than this share count as one size: halving an odd
number, or stratifying by class, moves a size by a few images."""


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
    action: str = ""
    """The move as the subject of a sentence: ``resnet50 instead of resnet18``."""
    terms: tuple[tuple[float, Cell], ...] = field(default=(), repr=False, compare=False)
    """The move as a contrast of cells, so that two moves can be compared in turn."""


def find_moves(grid: Grid, level: float = LEVEL, curves: Curves | None = None) -> list[Move]:
    """All moves that the study measured or, with fitted curves, foresees; the best gain first."""
    reference = reference_arm(grid)
    found: list[Move] = []
    for model in grid.models:
        for init in grid.inits:
            found += _data_move(grid, model, init, (model, init) == reference, level)
            if curves is not None:
                found += _next_move(curves, (model, init), (model, init) == reference)
    if grid.sizes_known:
        for init in grid.inits:
            found += _model_move(grid, init, init == reference[1], level)
    for model in grid.models:
        for init in grid.inits[1:]:
            found += _init_move(grid, model, init, model == reference[0], level)
    return sorted(found, key=lambda move: -move.gain)


def reference_arm(grid: Grid) -> tuple[str, str]:
    """The (model, init) that moves start from: small and first, or the first that has results."""
    for model in grid.models:
        for init in grid.inits:
            if grid.curve(model, init):
                return model, init
    return (grid.models[0] if grid.models else "", grid.inits[0] if grid.inits else "")


def difference_of_moves(
    grid: Grid, first: Move, second: Move, level: float = LEVEL
) -> Contrast | None:
    """How much more `first` bought than `second`; None where they do not share their seeds."""
    terms = [*first.terms, *((-weight, cell) for weight, cell in second.terms)]
    if not set.intersection(*(set(cell.seeds) for _, cell in terms)):
        return None
    return contrast(grid, terms, value=first.gain - second.gain, level=level)


def _data_move(grid: Grid, model: str, init: str, main: bool, level: float) -> list[Move]:
    """The last doubling of the training set, log-linear in error between measured sizes."""
    curve = grid.curve(model, init)
    if len(curve) < 2 or curve[-1].train_size <= curve[0].train_size * (1 + SAME_SIZE):
        return []
    last, half = curve[-1], curve[-1].train_size / 2
    near = [c for c in curve if abs(c.train_size - half) <= SAME_SIZE * half]
    names = f"{grid.name(model)}, {grid.init_name(init)}"
    if near:
        last, middle = common_seeds(last, near[0])
        terms: list[tuple[float, Cell]] = [(1.0, last), (-1.0, middle)]
        gain, how, measured, unmeasured = None, "both sizes were trained", True, ""
    else:
        below = [c for c in curve if c.train_size < half]
        low = below[-1] if below else curve[0]
        high = next(c for c in curve if c.train_size > max(half, low.train_size))
        reached = high is last
        low, high, last = common_seeds(low, high, last)
        high = last if reached else high  # one cell, not two of the same numbers
        terms, gain = _log_linear(low, high, last, half)
        between = f"{count(low.train_size)} and {count(high.train_size)} images"
        measured = bool(below)
        # Its interval holds the chance in the measured ends, not the curve between them.
        unmeasured = " (interpolated)" if measured else " (extrapolated)"
        how = (
            f"the error at {count(half)} images is interpolated between {between}"
            if measured
            else f"no size is half of the largest: the rate between {between} was carried to a "
            "full doubling"
        ) + ", on logarithmic axes"
    found = contrast(grid, terms, value=gain, level=level)
    if unmeasured:
        found = _without_the_curve(grid, found, curve, last, half, level)
    first_steps = near[0].mean("steps") if near else math.nan
    longer = " and with them the training steps," if last.mean("steps") > 1.5 * first_steps else ""
    return [
        _move(
            "data",
            found,
            label=f"Twice the images ({count(half)}{unmeasured} to {count(last.train_size)}), "
            f"{names}",
            short="twice the images",
            action=f"doubling the images, from {count(half)}{unmeasured} to "
            f"{count(last.train_size)},{longer}",
            main=main,
            basis=f"{how}; {found.method}",
            terms=terms,
            extra={
                "model": model,
                "init": init,
                "from_images": half,
                "to_images": last.train_size,
                "inside_measured_range": measured,
                "half_was_trained": not unmeasured,
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
            },
            action=f"doubling the images once more, to {count(2 * found.images)},",
        )
    ]


def _without_the_curve(
    grid: Grid, found: Contrast, curve: Sequence[Cell], last: Cell, half: float, level: float
) -> Contrast:
    """The interval of a doubling whose half was not trained: what a rising curve allows.

    The estimate's own interval knows the chance in its ends and not the curve between them. If more
    images never hurt, the accuracy at `half` lies between those of its trained neighbours.
    """
    below = [cell for cell in curve if cell.train_size < half]
    above = next(cell for cell in curve if cell.train_size > half)
    low = 0.0
    if above.train_size < last.train_size:
        low = contrast(grid, [(1.0, last), (-1.0, above)], level=level).low
    high = 1.0
    if below:
        high = contrast(grid, [(1.0, last), (-1.0, below[-1])], level=level).high
    return replace(
        found,
        low=min(low, found.low),
        high=max(high, found.high),
        spread=Spread(math.nan),
        p_value=math.nan,
        method="the range that a rising curve allows",
    )


def _log_linear(
    low: Cell, high: Cell, last: Cell, half: float
) -> tuple[list[tuple[float, Cell]], float]:
    """The gain from `half` to `last` images as a gradient in the accuracies, and its value.

    log e(half) = (1 - s) log e(low) + s log e(high), so d e(half) / d e(low) is
    (1 - s) e(half) / e(low), and an accuracy's weight is minus that of its error (delta method).
    """
    s = math.log(half / low.train_size) / math.log(high.train_size / low.train_size)
    floor = 0.5 / last.test_size if last.test_size > 0 else 1e-6  # a logarithm needs an error
    e_low, e_high = max(1 - low.accuracy, floor), max(1 - high.accuracy, floor)
    e_half = min(1.0, e_low ** (1 - s) * e_high**s)
    terms = [
        (-(1 - s) * e_half / e_low, low),
        (-s * e_half / e_high, high),
        (1.0, last),
    ]
    return terms, e_half - (1 - last.accuracy)


def _model_move(grid: Grid, init: str, main: bool, level: float) -> list[Move]:
    small, big = grid.models[0], grid.models[-1]
    pairs = grid.shared((small, init), (big, init))
    if not pairs:
        return []
    first, second = common_seeds(*pairs[-1])
    terms = [(1.0, second), (-1.0, first)]
    found = contrast(grid, terms, level=level)
    size = count(second.train_size)
    names = f"{grid.name(big)} instead of {grid.name(small)}"
    return [
        _move(
            "model",
            found,
            label=f"Bigger model ({names}), {grid.init_name(init)}",
            short="bigger model",
            action=f"the bigger model, {names},",
            main=main,
            basis=f"at {size} images; {found.method}",
            terms=terms,
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
            action=f"starting from {words} instead of {before}",
            main=main,
            basis=f"at {count(second.train_size)} images; {found.method}",
            terms=terms,
            extra={"model": model, "init": init, "at_images": second.train_size},
        )
    ]


def _move(
    kind: Literal["data", "model", "init"],
    found: Contrast,
    *,
    label: str,
    short: str,
    action: str,
    main: bool,
    basis: str,
    terms: list[tuple[float, Cell]],
    extra: dict[str, object],
) -> Move:
    return Move(
        kind=kind,
        label=label,
        short=short,
        gain=found.value,
        low=found.low,
        high=found.high,
        level=found.level,
        verdict={"above": "helps", "below": "hurts"}.get(found.verdict, "cannot tell"),  # type: ignore[arg-type]
        main=main,
        basis=basis,
        evidence={**extra, **found.numbers()},
        action=action,
        terms=tuple(terms),
    )
