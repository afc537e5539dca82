"""Options that nobody trained: more images or twice the steps, forecast from fitted curves."""

from __future__ import annotations

import math
import zlib
from dataclasses import replace

import numpy as np

from ...spec.fields import AUTO_ENDS
from ..curves.forecast import GainDraws, doubling_draws, doubts
from ..curves.joint import spread_of
from ..curves.learning_curve import CURVE_LEVEL, fit_learning_curve
from ..curves.power_laws import TRAINING_PRIOR
from ..inputs.cells import Cell, across_machines
from ..inputs.trainings import COUNT
from .cost import cell_seconds
from .doubling import next_images
from .evidence import Evidence
from .options import Option, OptionKind, verdict_of

AT_EQUAL_STEPS = (0.10, 0.07)
"""What twice the images bring at equal steps before a study measures it, as a share of the error:
mean and standard deviation. More images at equal steps are fewer passes over each, and hardly ever
harm: in docs/results it was 0.02 to 0.14 after 6 to 30 epochs, the less the shorter the training.
Where training has ended it is all that they bring: 0.2 by the usual exponent of -0.35."""
STRAYS = 0.03
"""Standard deviation of that share from one doubling to the next."""


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
    return _forecast(option, GainDraws(np.minimum(falls, now), another))


def share_steps(evidence: Evidence, data: Option, training: Option) -> tuple[Option, Option]:
    """Both forecasts, given that twice the images with the same epochs are twice the steps too.

    What more images bring is what more steps bring, and what the images bring at equal steps. So
    the draws of both are weighted by how likely their difference is, and drawn again (sampling
    importance resampling: Gelman et al. 2013, Bayesian Data Analysis, section 10.4). That
    difference is normal: as a share of the error it is what the study measured for the last
    doubling, combined with `AT_EQUAL_STEPS`; from one doubling to the next it strays by `STRAYS`.
    """
    start, doubling = data.start, evidence.last_doubling(data.start.arm)
    more, longer, error = data.forecast, training.forecast, 1 - data.start.accuracy
    if more is None or longer is None or doubling is None or not doubling.more_steps or not error:
        return data, training
    if any(run.chosen_by in AUTO_ENDS for run in start.runs):
        return data, training  # each of its trainings has as many steps as it needs
    alone = doubling.from_images
    if alone is None or not math.isfinite(alone.spread.images):
        return data, training  # what the study cannot tell apart is not told apart by a prior
    (mean, deviation), before = AT_EQUAL_STEPS, error + max(0.0, doubling.gain.value)
    variance = (alone.spread.images + alone.spread.estimate) / before**2
    weight = deviation**2 / (deviation**2 + variance)
    mean += weight * (alone.value / before - mean)
    deviation *= math.sqrt(1 - weight)
    doublings = data.doublings
    by_images, by_steps = np.sort(more.average), np.sort(longer.average)
    off = by_images[:, None] - doublings * (by_steps + error * mean)
    strays = doublings * error * math.hypot(deviation, STRAYS)
    # All pairs, so that few draws are enough where the two forecasts hardly agree.
    likely = np.cumsum(np.exp(-0.5 * (off**2 - np.min(off**2)) / strays**2))
    chosen = np.searchsorted(likely, (np.arange(COUNT) + 0.5) / COUNT * likely[-1])
    images, steps = np.divmod(np.random.default_rng(3).permutation(chosen), len(by_steps))
    more, longer = (
        replace(more, average=by_images[images]),
        replace(longer, average=by_steps[steps]),
    )
    equal = data.gain_at_equal_steps
    if math.isfinite(equal):
        equal = float(np.median(more.average - doublings * longer.average))
    return replace(_forecast(data, more), gain_at_equal_steps=equal), _forecast(training, longer)


def _forecast(option: Option, drawn: GainDraws) -> Option:
    """The option with draws of its gain."""
    gain, low, high = spread_of(drawn.total)
    return replace(
        option,
        gain=gain,
        low=low,
        high=high,
        level=CURVE_LEVEL,
        verdict=verdict_of(low, high),
        draws=drawn.total,
        forecast=drawn,
    )
