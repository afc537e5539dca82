"""What single runs and cells show of over- and underfitting, each by one rule that can be read.

A diagnosis says what was seen, not why one model beats another: `reasons` weighs that. Thresholds
are named here with their why; every diagnosis carries its rule and its numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ...language.numbers import count, percent, plural, points
from ..inputs.grid import Cell, Grid, Run, read_grid
from ..inputs.predictions import Predictions
from ..stats.intervals import accuracy_interval, binomial_interval
from .types import DataChecks

FITTED = 0.98
"""Clean training accuracy from which a run counts as having fitted its training images: what is
left to gain on the test set is then not to be had by fitting them better."""
LARGE_GAP = 0.05
"""A generalisation gap worth a sentence: five points, well above the noise of a test set of a
thousand images (about three)."""
LOSS_RISE = 0.05
"""Test loss must end this share above its minimum to count as rising: epochs differ by a few
hundredths without any trend."""
LAST_PART = 1 / 3
"""The part of the epochs over which "at the end" is judged: long enough for a slope, short enough
to be the end."""
CLIMB = 0.02
"""Training accuracy that still rose by two points over that part had not levelled off."""


@dataclass(frozen=True)
class Context:
    """What the tables do not say about a study; whatever is left out is not spoken of."""

    data: str = ""
    """The data set's name or path, for the answer's first sentence."""
    num_classes: int | None = None
    """For the accuracy of guessing, where no predictions tell the most frequent class."""
    classes: Sequence[str] = ()
    """Names of the classes, in the order of their numbers."""
    image_size: int | None = None
    stem: str = "default"
    schedule: str = ""
    """A falling learning rate lifts training accuracy at the end by itself."""
    augmented: bool | None = None
    never_pretrained: Sequence[str] = ()
    """Models that nobody has pretrained weights of."""
    data_checks: DataChecks | None = None
    """What the checks of the images found, see `suspects.data_section`; None: not checked."""


@dataclass(frozen=True)
class Diagnosis:
    """One finding about one run, or about the runs of one cell."""

    kind: Literal[
        "overfitting", "test-loss-rising", "too-few-steps", "small-map", "at-chance", "seed-spread"
    ]
    run_ids: tuple[str, ...]
    rule: str
    numbers: dict[str, float | int | str]
    strength: float
    """From 0 to 1, to rank findings of one kind and to leave out faint ones."""
    text: str


def diagnose(
    results: pd.DataFrame,
    histories: pd.DataFrame | None = None,
    *,
    context: Context | None = None,
    predictions: Predictions | None = None,
) -> list[Diagnosis]:
    """All findings of a study about single runs, the strongest first.

    Args:
        results, histories, predictions: as in `discuss`.
        context: what the tables do not say.

    Raises:
        InputError: as `discuss`.
    """
    return diagnose_grid(read_grid(results, histories, predictions), context or Context())


def diagnose_grid(grid: Grid, context: Context) -> list[Diagnosis]:
    """`diagnose` for a study that was read already."""
    found: list[Diagnosis | None] = []
    for cell in grid.cells:
        for run in cell.runs:
            name = describe(grid, cell, run)
            found += [
                at_chance(run, name, grid, context),
                overfitting(run, name),
                test_loss_rising(run, name, grid.histories.get(run.run_id)),
                too_few_steps(run, name, grid.histories.get(run.run_id)),
                small_map(run, name, context),
            ]
    return sorted((d for d in found if d is not None), key=lambda d: -d.strength)


def describe_cell(grid: Grid, cell: Cell) -> str:
    """A cell in words: ``resnet18 from random weights on 3,125 images``."""
    return (
        f"{grid.name(cell.model)} from {from_weights(grid, cell.init)} on "
        f"{plural(round(cell.train_size), 'image')}"
    )


def accuracy_span(cell: Cell, level: float) -> str:
    """``95% interval 84.1% to 86.0%`` of a cell's accuracy; empty where nothing tells it."""
    low, high = accuracy_interval([run.test_accuracy for run in cell.runs], cell.test_size, level)
    if not math.isfinite(low):
        return ""
    return f"{level:.0%} interval {percent(low)} to {percent(high)}"


def describe(grid: Grid, cell: Cell, run: Run) -> str:
    """One of a cell's runs in words; its seed only where others were planned."""
    words = describe_cell(grid, cell)
    return f"{words}, seed {run.seed}" if cell.planned > 1 else words


def from_weights(grid: Grid, init: str) -> str:
    """An init after the word "from": ``random weights``, ``the weights in file.pth``."""
    return grid.init_name(init).replace("weights from ", "the weights in ", 1)


def overfitting(run: Run, name: str) -> Diagnosis | None:
    """Training images fitted, and a large generalisation gap."""
    if not (run.train_accuracy >= FITTED and run.gap >= LARGE_GAP):
        return None
    return Diagnosis(
        kind="overfitting",
        run_ids=(run.run_id,),
        rule=f"training accuracy at least {percent(FITTED)} and at least "
        f"{points(LARGE_GAP)} above test accuracy",
        numbers={
            "train_accuracy": run.train_accuracy,
            "test_accuracy": run.test_accuracy,
            "generalisation_gap": run.gap,
        },
        strength=min(1.0, run.gap / (1 - min(0.99, run.test_accuracy))),
        text=f"{name}: {percent(run.train_accuracy)} of the training images but "
        f"{percent(run.test_accuracy)} of the test images are right, a gap of {points(run.gap)}.",
    )


def test_loss_rising(run: Run, name: str, history: pd.DataFrame | None) -> Diagnosis | None:
    """Test loss ends above its minimum while training loss went on falling.

    The loss of a single image scatters about as much as its mean, so a mean over m images has a
    standard error near loss / sqrt(m): the rise must be two of these beyond `LOSS_RISE` too.
    """
    if history is not None and "test_loss" in history.columns:
        history = history[history["test_loss"].notna()]  # not every epoch is measured
    test, train = _column(history, "test_loss"), _column(history, "train_loss")
    epochs = _column(history, "epoch")
    if len(epochs) != len(test):
        epochs = np.arange(1.0, len(test) + 1)
    if len(test) < 3 or not np.all(np.isfinite(test)) or not np.all(np.isfinite(train)):
        return None
    best = int(np.argmin(test))
    if best == len(test) - 1 or test[best] <= 0:
        return None
    images = _column(history, "test_images")
    noise = 0.0
    if len(images) == len(test) and np.all(images > 0):
        noise = 2 * math.sqrt(1 / images[best] + 1 / images[-1])
    rise = float(test[-1] / test[best] - 1)
    if rise < max(LOSS_RISE, noise) or train[-1] >= train[best]:
        return None
    return Diagnosis(
        kind="test-loss-rising",
        run_ids=(run.run_id,),
        rule=f"test loss ends at least {LOSS_RISE:.0%} and two standard errors above its minimum, "
        "and training loss fell since",
        numbers={
            "best_epoch": int(epochs[best]),
            "last_epoch": int(epochs[-1]),
            "test_loss_best": float(test[best]),
            "test_loss_last": float(test[-1]),
            "train_loss_best": float(train[best]),
            "train_loss_last": float(train[-1]),
        },
        strength=min(1.0, rise),
        text=f"{name}: test loss was lowest at epoch {epochs[best]:.0f} ({test[best]:.2f}) and "
        f"rose to {test[-1]:.2f} by epoch {epochs[-1]:.0f}, while training loss fell from "
        f"{train[best]:.2f} to {train[-1]:.2f}.",
    )


def too_few_steps(run: Run, name: str, history: pd.DataFrame | None) -> Diagnosis | None:
    """Training accuracy was still climbing at the end, and was not near its ceiling."""
    climb = climbing(history)
    if climb is None or climb < CLIMB or run.train_accuracy >= FITTED:
        return None
    if not math.isfinite(run.train_accuracy):
        return None
    steps = f" after {count(run.steps)} steps" if math.isfinite(run.steps) else ""
    return Diagnosis(
        kind="too-few-steps",
        run_ids=(run.run_id,),
        rule=f"training accuracy below {percent(FITTED)} and up by at least {points(CLIMB)} over "
        "the last third of the epochs",
        numbers={
            "climb_last_third": climb,
            "train_accuracy": run.train_accuracy,
            "steps": run.steps,
        },
        strength=min(1.0, climb / 0.10),
        text=f"{name}: training accuracy was still climbing at the end, by {points(climb)} over "
        f"the last third of the epochs, and stood at {percent(run.train_accuracy)}{steps}.",
    )


def climbing(history: pd.DataFrame | None) -> float | None:
    """Rise of the running training accuracy over the last third of the epochs.

    A straight line through these epochs (at least two), so that one epoch does not decide.
    """
    accuracy = _column(history, "train_accuracy")
    if len(accuracy) < 3 or not np.all(np.isfinite(accuracy)):
        return None
    part = accuracy[-max(2, math.ceil(len(accuracy) * LAST_PART) + 1) :]
    slope = float(np.polyfit(np.arange(len(part)), part, 1)[0])
    return slope * (len(part) - 1)


def mean_climb(grid: Grid, cell: Cell) -> float | None:
    """`climbing`, mean over the cell's seeds; None where no history tells."""
    rises = [climbing(grid.histories.get(run.run_id)) for run in cell.runs]
    known = [rise for rise in rises if rise is not None]
    return sum(known) / len(known) if known else None


def fit_error(cell: Cell) -> float:
    """Standard error of a cell's training accuracy: it is measured on a part of the images.

    Seeds are not counted on to shrink it: on all images each measures the same part. Where their
    subsets differ, so do the parts, and this is too wide rather than too narrow. 0 where all images
    of the subset were measured, since there is nothing that they stand for.
    """
    p, measured = cell.mean("train_accuracy"), cell.mean("train_measured")
    if not (math.isfinite(p) and measured > 0) or measured >= cell.train_size:
        return 0.0
    return math.sqrt(p * (1 - p) / measured)


def small_map(run: Run, name: str, context: Context) -> Diagnosis | None:
    """The last convolution sees a single position: nothing is left of where things are."""
    if run.final_map.replace(" ", "") != "1x1":
        return None
    image = f" from {context.image_size}x{context.image_size} images" if context.image_size else ""
    return Diagnosis(
        kind="small-map",
        run_ids=(run.run_id,),
        rule="the feature map of the last convolution is 1x1",
        numbers={"final_map": "1x1", "image_size": context.image_size or 0},
        strength=0.3,  # a circumstance, not a measured effect
        text=f"{name}: the last convolution makes a map of 1x1 position{image}.",
    )


def at_chance(run: Run, name: str, grid: Grid, context: Context) -> Diagnosis | None:
    """Test accuracy that guessing the most frequent class would reach as well."""
    chance = guessing(grid, context)
    if not (math.isfinite(chance) and run.test_size > 0):
        return None
    low = float(binomial_interval(run.test_accuracy * run.test_size, run.test_size)[0])
    if low > chance:
        return None
    guess = f"no more than guessing gets ({percent(chance)})"
    if run.test_accuracy > chance:
        images = plural(round(run.test_size), "test image")
        guess = f"which {images} cannot tell from guessing ({percent(chance)})"
    return Diagnosis(
        kind="at-chance",
        run_ids=(run.run_id,),
        rule="the 95% interval of the test accuracy does not lie above that of guessing",
        numbers={"test_accuracy": run.test_accuracy, "low": low, "chance": chance},
        strength=1.0,
        text=f"{name}: {percent(run.test_accuracy)} of the test images are right, {guess}; this "
        "run has learned nothing that shows.",
    )


def guessing(grid: Grid, context: Context) -> float:
    """Accuracy of always naming the most frequent class; NaN where nothing tells it."""
    if math.isfinite(grid.answers.majority):
        return grid.answers.majority
    return 1 / context.num_classes if context.num_classes else math.nan


def seed_spread(first: Cell, second: Cell, difference: float) -> Diagnosis | None:
    """Two cells whose seeds differ among themselves more than the cells do."""
    seeds = sorted(set(first.seeds) & set(second.seeds))
    if len(seeds) < 2:
        return None
    a, b = ({run.seed: run.test_accuracy for run in cell.runs} for cell in (first, second))
    spread = float(np.std([b[seed] - a[seed] for seed in seeds], ddof=1))
    if spread <= abs(difference):
        return None
    return Diagnosis(
        kind="seed-spread",
        run_ids=(*first.run_ids, *second.run_ids),
        rule="the standard deviation of the difference between seeds exceeds the mean difference",
        numbers={"seed_sd_of_difference": spread, "difference": difference, "seeds": len(seeds)},
        strength=1.0,
        text=f"between {len(seeds)} seeds the difference has a standard deviation of "
        f"{points(spread)}, more than its mean of {points(difference)}.",
    )


def _column(
    history: pd.DataFrame | None, name: str
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    if history is None or name not in history.columns:
        return np.empty(0)
    ordered = history.sort_values("epoch") if "epoch" in history.columns else history
    return pd.to_numeric(ordered[name], errors="coerce").to_numpy(dtype=float)
