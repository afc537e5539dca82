"""Options that nobody trained: more images or twice the steps, forecast from fitted curves."""

from __future__ import annotations

import math
import zlib
from dataclasses import replace

import numpy as np

from ..curves.forecast import doubling_draws, doubts
from ..curves.joint import spread_of
from ..curves.learning_curve import CURVE_LEVEL, fit_learning_curve
from ..curves.power_laws import TRAINING_PRIOR
from ..inputs.cells import Cell, across_machines
from ..inputs.trainings import COUNT
from .cost import cell_seconds
from .doubling import next_images
from .evidence import Evidence
from .options import Draws, Option, OptionKind, verdict_of


def more_images(evidence: Evidence, start: Cell) -> Option:
    """Twice the images with the same epochs, by the fitted curve.

    Where fewer have labels, and were not all trained on, it is all that have them: none has to be
    labelled for what these bring.
    """
    grid, curves = evidence.grid, evidence.curves
    arm, images = start.arm, next_images(grid, start)
    option = Option(
        kind=OptionKind.DATA,
        start=start,
        end=arm,
        new_images=max(0.0, images - max(grid.labelled, start.train_size)),
        all_labelled=images if images < 2 * start.train_size else math.nan,
        seconds=cell_seconds(grid, start, images),
        across_machines=across_machines(grid.curve(arm)),
    )
    if arm not in curves.fits:
        return option
    option = _forecast(option, doubling_draws(curves, start, images))
    split = evidence.last_doubling(arm)
    equal = math.nan
    if split is not None and split.from_images is not None and split.gain.value > 0:
        part = min(1.0, max(0.0, split.from_images.value / split.gain.value))
        equal = part * option.gain
    return replace(option, gain_at_equal_steps=equal, doubts=doubts(curves, arm))


def longer_training(evidence: Evidence, start: Cell) -> Option:
    """Twice the steps, by a curve through the accuracies at several training lengths."""
    grid = evidence.grid
    option = Option(
        kind=OptionKind.TRAINING,
        start=start,
        end=start.arm,
        seconds=2 * start.mean("seconds"),
    )
    # Of a run of two steps, two lengths may be one step: the longest of each number counts.
    of_steps = {
        steps: cell
        for cell in grid.lengths(start)
        if cell.length <= start.length and (steps := cell.mean("steps")) > 0
    }
    cells = [of_steps[steps] for steps in sorted(of_steps)]
    if len(cells) < 2:
        return replace(option, converged=False) if evidence.still_climbs(start) else option
    fit = fit_learning_curve(
        [cell.mean("steps") for cell in cells],
        [[1 - run.accuracy for run in cell.runs] for cell in cells],
        test_size=int(start.effective_size) if start.effective_size > 0 else None,
        chance=evidence.curves.chance,
        same_test_images=True,
        prior=TRAINING_PRIOR,
    )
    last = cells[-1].mean("steps")
    falls = fit.falls([2 * last], count=COUNT, seed=zlib.crc32(b"training"))[:, 0]
    # No fall is larger than the error that is left, whatever curve was fitted.
    scatter = np.random.default_rng(2).standard_normal(COUNT)
    error, variances = 1 - start.accuracy, grid.spread.variances[start.key]
    images = error * (1 - error) / start.effective_size if start.effective_size > 0 else 0.0
    now = (error + scatter * np.sqrt(images + variances / len(start.runs))).clip(0.0, 1.0)
    another = grid.spread.another(start.key, "steps x2") - grid.spread.another(start.key)
    option = replace(option, across_machines=across_machines(cells))
    return _forecast(option, np.minimum(falls, now) + another)


def _forecast(option: Option, drawn: Draws) -> Option:
    """The option with draws of its gain for another training of both ends."""
    gain, low, high = spread_of(drawn)
    return replace(
        option,
        gain=gain,
        low=low,
        high=high,
        level=CURVE_LEVEL,
        verdict=verdict_of(low, high),
        draws=drawn,
    )
