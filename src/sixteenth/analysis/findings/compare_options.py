"""What could still be had from the best network: more images, another model, weights, training.

All options start from the cell with the highest accuracy. Its gain from a bigger model or other
weights is measured where the study trained them on as many images, and that from more images (see
`next_images`) where it trained on these too; else that, and that from twice the steps, is a
forecast from fitted curves. What a step on the way to this network bought is spent and no option.
An option that nobody tried has no gain.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from ...spec.fields import is_frozen, is_part_trained, other_weights, trains_more
from ...spec.train_spec import LEAST_GAIN
from ..inputs.cells import Cell
from ..inputs.grid import Grid
from .doubling import (
    LastDoubling,
    has_next_images,
    left_to_gain,
    may_change,
    takes_more_steps,
)
from .evidence import Evidence
from .forecast_options import longer_training, more_images, share_steps
from .measured_options import measured_options
from .options import HeldBack, Option, OptionKind, OptionVerdict


def find_options(evidence: Evidence, start: Cell) -> tuple[Option, ...]:
    """All options from a cell, the largest gain first; those without a known gain come last."""
    tried = measured_options(evidence, start)
    measured = {option.kind: option for option in tried}
    training = measured.get(OptionKind.TRAINING) or longer_training(evidence, start)
    options = []
    if OptionKind.DATA not in measured:
        data = more_images(evidence, start)
        if OptionKind.TRAINING not in measured:
            data, training = share_steps(evidence, data, training)
        options.append(data)
    if OptionKind.TRAINING not in measured and not is_frozen(start.init):
        options.append(training)
    options += tried
    options += _not_tried(evidence, start, tried)
    doubling = evidence.last_doubling(start.arm)
    curve = evidence.grid.curve(start.arm)
    if doubling is not None:
        separated = doubling.separated
    else:
        separated = not takes_more_steps(curve[0], curve[-1])
    guesses = evidence.guesses(evidence.best)
    judged = (
        replace(
            option,
            converged=_converged(evidence, option, training, doubling),
            separated=separated or option.kind is not OptionKind.DATA,
            gain_at_equal_steps=_at_equal_steps(option, doubling),
            held_back=HeldBack.GUESSING if guesses else _not_at_end(evidence.grid, option),
        )
        for option in _compared(options)
    )
    options = [_with_rates(option) for option in judged]
    return tuple(sorted(options, key=lambda one: -one.gain if one.known else math.inf))


def _not_at_end(grid: Grid, option: Option) -> HeldBack | None:
    """Why no forecast of more images is told, where runs on fewer of them may still gain as much
    as they are behind."""
    if option.kind is not OptionKind.DATA or option.measured:
        return None
    start = option.start
    fewer = (cell for cell in grid.curve(start.arm) if cell.train_size < start.train_size)
    may = (may_change(grid, (cell, start), start.accuracy - cell.accuracy) for cell in fewer)
    return HeldBack.NOT_AT_END if any(may) else None


def _compared(options: Sequence[Option]) -> list[Option]:
    """The options with the chance that each is the best, and what choosing it loses on average."""
    drawn = [
        option for option in options if option.draws is not None and np.isfinite(option.draws).all()
    ]
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


def _with_rates(option: Option) -> Option:
    """The option with its gain for what it takes: a gain that may be none has no rate."""
    if option.told is not OptionVerdict.HELPS:
        return option
    points, hours = 100 * option.gain, option.seconds / 3600
    labels = math.nan if option.adds_labelled else option.new_images
    return replace(
        option,
        points_per_1000_images=1000 * points / labels if labels else math.nan,
        points_per_hour=points / hours if hours > 0 else math.nan,
    )


def _not_tried(evidence: Evidence, start: Cell, tried: Sequence[Option]) -> Iterator[Option]:
    """A bigger model and other weights where the study has none, more of the weights where it
    trained a part; another resolution where the last feature map has one position."""
    measured = {option.kind for option in tried}
    grid = evidence.grid
    missing = [run for run in grid.missing if run.fraction == start.fraction]
    if OptionKind.MODEL not in measured:
        size = grid.parameters(start.model)
        bigger = [model for model in grid.models if grid.parameters(model) > size]
        runs = (run for run in missing if run.init == start.init and run.model in bigger)
        yield Option(OptionKind.MODEL, start, without_result=any(runs))
    part = is_part_trained(start.init)
    if not any(one.fine_tunes if part else one.kind is OptionKind.INIT for one in tried):
        available = start.init != "random" or start.model not in evidence.context.never_pretrained
        other = trains_more if part else other_weights
        elsewhere = any(other(init, start.init) for init in grid.inits)
        runs = (one for one in missing if one.model == start.model and other(one.init, start.init))
        yield Option(
            OptionKind.INIT,
            start,
            available=available,
            elsewhere=elsewhere,
            without_result=any(runs),
        )
    if OptionKind.RESOLUTION not in measured and start.runs[0].one_position:
        yield Option(OptionKind.RESOLUTION, start)


def _at_equal_steps(option: Option, doubling: LastDoubling | None) -> float:
    """The part of a gain that images bring at equal steps: of a forecast its own, of a trained
    doubling what was measured."""
    if not option.measured or option.kind is not OptionKind.DATA:
        return option.gain_at_equal_steps
    if doubling is None or doubling.from_images is None or not doubling.begins_with(option.start):
        return math.nan
    return doubling.from_images.value


def _converged(
    evidence: Evidence, option: Option, training: Option, doubling: LastDoubling | None
) -> bool | None:
    """Whether the last doubling of the steps bought less than the option does, see `left_to_gain`,
    at both of its ends; None where it is not known of one. Of images to be labelled, what they
    bring at equal steps is to be more than what as much longer training would bring.

    Args:
        training: the option of longer training.
        doubling: of the images; its control run trained longer on half of them.
    """
    if option.kind is OptionKind.TRAINING:
        return _training_ended(evidence.grid, option, doubling)
    if option.kind is OptionKind.DATA and option.gain > 0 and training.known:
        equal = _at_equal_steps(option, doubling)
        by_steps = option.doublings * training.gain
        # Longer training needs no labels.
        if option.new_images and math.isfinite(equal) and by_steps >= max(equal, LEAST_GAIN):
            return False
    grid, start, ends = evidence.grid, option.start, _trained_ends(evidence.grid, option)
    longest = max([start, *ends], key=lambda cell: cell.mean("steps"))
    left = left_to_gain(grid, start, longest)
    if math.isnan(left) and training.measured:  # by `explain`
        left = training.gain / math.log2(training.times_steps)
    if math.isnan(left) and doubling is not None and doubling.from_steps is not None:
        left = doubling.from_steps.value
    # That training accuracy levelled off does not show that more steps bring little: where the
    # learning rate falls to zero, it levels off for that reason too.
    ended = _training_ended(grid, training, doubling)
    unknown = ended if training.known or ended is False else None
    told = [(left, unknown)]
    for cell in ends:
        climbs = evidence.still_climbs(cell)
        told.append((left_to_gain(grid, cell, longest), False if climbs else None))
    # Without a gain to compare with, as much as ends a training of `epochs: auto`.
    most = abs(option.gain) if option.known else LEAST_GAIN
    found = [unknown if math.isnan(left) else _brings_less(left, most) for left, unknown in told]
    return False if False in found else None if None in found else True


def _training_ended(grid: Grid, training: Option, doubling: LastDoubling | None) -> bool | None:
    """Whether twice the steps would bring less than `LEAST_GAIN`; None where that is open."""
    if training.verdict is OptionVerdict.HELPS:
        return False
    if training.known:
        return True if training.high < LEAST_GAIN else None
    by_steps = doubling.from_steps if doubling is not None else None
    if by_steps is not None and by_steps.low > 0 and by_steps.value >= LEAST_GAIN:
        return False
    return training.converged


def _trained_ends(grid: Grid, option: Option) -> list[Cell]:
    """The cells that an option leads to, where the study trained it without a lever."""
    if not option.measured or option.end is None or option.lever is not None:
        return []
    start, curve = option.start, grid.curve(option.end)
    if option.kind is OptionKind.DATA:
        return [cell for cell in curve if has_next_images(grid, cell, start)]
    return [cell for cell in curve if cell.train_size == start.train_size]


def _brings_less(left: float, gain: float) -> bool:
    """Whether twice the steps bring less than a gain; nothing is less than any."""
    return left <= 0 or left < gain
