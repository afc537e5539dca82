"""Options that nobody trained: twice the images or steps, forecast from fitted curves."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..curves.forecast import doubling_draws, doubts
from ..curves.joint import CURVE_LEVEL, Curves, spread_of
from ..curves.learning_curve import fit_learning_curve
from ..inputs.grid import Cell, Grid, across_machines
from ..inputs.trainings import COUNT
from .cost import cell_seconds
from .diagnosis import DiagnosisFinding, TooFewSteps
from .doubling import SAME_SIZE, LastDoubling
from .options import Draws, Option, OptionKind, verdict_of


def more_images(
    grid: Grid, curves: Curves, best: Cell, doublings: Sequence[LastDoubling]
) -> Option:
    """Twice the images with the same epochs, by the fitted curve."""
    arm, images = best.arm, best.train_size
    # Of images that have labels already, and were not all trained on, none has to be labelled.
    more = max(0.0, 2 * images - max(grid.labelled, images))
    option = Option(
        kind=OptionKind.DATA,
        start=best,
        end=arm,
        new_images=more if more > SAME_SIZE * images else 0.0,
        seconds=cell_seconds(grid, best, 2 * images),
        across_machines=across_machines(grid.curve(*arm)),
    )
    if arm not in curves.fits:
        return option
    option = _forecast(option, doubling_draws(curves, best))
    split = next((d for d in doublings if (d.model, d.init) == arm), None)
    equal = math.nan
    if split is not None and split.from_images is not None and split.gain.value > 0:
        part = min(1.0, max(0.0, split.from_images.value / split.gain.value))
        equal = part * option.gain
    return replace(option, gain_at_equal_steps=equal, doubts=doubts(curves, arm))


def longer_training(
    grid: Grid, curves: Curves, best: Cell, diagnoses: Sequence[DiagnosisFinding]
) -> Option:
    """Twice the steps, by a curve through the accuracies at several training lengths."""
    option = Option(
        kind=OptionKind.TRAINING,
        start=best,
        end=best.arm,
        seconds=2 * best.mean("seconds"),
    )
    # Of a run of two steps, two lengths may be one step: the longest of each number counts.
    of_steps = {
        steps: cell
        for cell in grid.lengths(best)
        if cell.length <= best.length and (steps := cell.mean("steps")) > 0
    }
    cells = [of_steps[steps] for steps in sorted(of_steps)]
    if len(cells) < 2:
        climbing = [d for d in diagnoses if isinstance(d, TooFewSteps) and d.run_id in best.run_ids]
        return replace(option, converged=False) if climbing else option
    fit = fit_learning_curve(
        [cell.mean("steps") for cell in cells],
        [[1 - run.accuracy for run in cell.runs] for cell in cells],
        test_size=int(best.effective_size) if best.effective_size > 0 else None,
        chance=curves.chance,
    )
    last = cells[-1].mean("steps")
    falls = fit.falls([2 * last], count=COUNT, seed=zlib.crc32(b"training"))[:, 0]
    # No fall is larger than the error that is left, whatever curve was fitted.
    scatter = np.random.default_rng(2).standard_normal(COUNT)
    error, variances = 1 - best.accuracy, grid.spread.variances[best.key]
    images = error * (1 - error) / best.effective_size if best.effective_size > 0 else 0.0
    now = (error + scatter * np.sqrt(images + variances / len(best.runs))).clip(0.0, 1.0)
    another = grid.spread.another(best.key, "steps x2") - grid.spread.another(best.key)
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
