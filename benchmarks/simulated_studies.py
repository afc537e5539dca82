"""Simulated studies whose truth is known: two models, two inits, three fractions, some seeds.

The error of the average training on n images, trained for s times the steps that the largest
set gets, is

    alpha + eta (n / N)^-gamma + excess s^-delta (n / N)^(delta (1 - kappa)),

a power law in the images (Hestness et al. 2017) and one in the steps, whose excess falls slower
the more images there are. The parameters are drawn at random; those of the four arms share much.
Gains are as in docs/results: half a point to ten for a doubling of the images, none to twenty for
pretrained weights, and a bigger model that may as well lose. Each training deviates from the
average by its own draw. All networks are tested on the same images, whose difficulty they share.
Nothing here bends as real curves do: `benchmarks.simulated` is about that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

Arm = tuple[str, str]

FRACTIONS = {"1/16": 3125, "1/2": 25_000, "1": 50_000}
FULL = 50_000
LENGTHS = {"": 1.0, "@1/4": 0.25, "@1/2": 0.5}
"""What a run id ends with, by the share of the steps that were trained."""
PARAMETERS = {"small": 11_181_642, "big": 23_528_522}
INITS = ("random", "imagenet")
CLASSES = 10
BATCH = 128
EPOCHS = 6
SHARED_DIFFICULTY = 0.7
"""Part of the variance of an image's score that all networks share."""
SHARED_TRUNK = 0.7
"""Part of the variance of a training's deviation that its shorter lengths share."""


@dataclass(frozen=True)
class Setting:
    """What kind of studies.

    Attributes:
        seeds: trainings of each cell.
        spread: standard deviation between trainings on all images, a share of accuracy.
        wider: times as much on a sixteenth of the images.
        converged: every cell has the steps of the largest, and twice as many bring at most 0.2
            points; else all train for the same epochs, and twice as many bring 1 to 4 points (for
            the small model, from random weights, on all images).
        harmful: where not converged, twice the images at equal steps bring the small model from
            random weights less than nothing in most studies (-3.1 to 2.5 points in the middle 90%
            of them), which was seen in no measured study; else -1.0 to 3.8 points, as in
            docs/results, where 0.4 to 3.1 were measured.
    """

    seeds: int = 1
    spread: float = 0.005
    wider: float = 1.0
    test_images: int = 10_000
    converged: bool = True
    harmful: bool = False

    def __str__(self) -> str:
        wider = f" ({self.wider:g} x at 1/16)" if self.wider != 1 else ""
        return (
            f"{self.seeds} seed{'s' * (self.seeds > 1)}, {100 * self.spread:g} points{wider}, "
            f"{self.test_images:,} images, {'' if self.converged else 'not '}converged"
            f"{', images alone may harm' if self.harmful else ''}"
        )


@dataclass(frozen=True)
class Curve:
    """The law of one arm; see the module's docstring."""

    alpha: float
    eta: float
    gamma: float
    excess: float
    delta: float
    kappa: float

    def error(self, images: float, steps: float) -> float:
        """Error of the average training; `steps` relative to those of the largest measured set."""
        n = images / FULL
        late = self.excess * steps**-self.delta * n ** (self.delta * (1 - self.kappa))
        return float(self.alpha + self.eta * n**-self.gamma + late)


@dataclass(frozen=True)
class SimulatedTruth:
    """What holds of all trainings, on infinitely many test images."""

    curves: Mapping[Arm, Curve]
    setting: Setting

    @property
    def arms(self) -> tuple[Arm, ...]:
        return tuple(self.curves)

    def accuracy(self, arm: Arm, images: float, length: float = 1.0) -> float:
        """Of the average training; `length` is a share of the steps that the study gives."""
        return 1 - self.curves[arm].error(images, length * self.steps(images))

    def images_alone(self, arm: Arm, few: float, many: float) -> float:
        """What more images bring at the steps that the fewer ones get."""
        same = self.steps(few) / self.steps(many)
        return self.accuracy(arm, many, same) - self.accuracy(arm, few)

    def spread(self, arm: Arm, images: float) -> float:
        """Standard deviation of the true accuracy between trainings."""
        doublings = np.log2(FULL / images)
        return float(self.setting.spread * self.setting.wider ** (doublings / 4))

    def steps(self, images: float) -> float:
        """Steps of a whole run, relative to those on the largest measured set."""
        return 1.0 if self.setting.converged else images / FULL


@dataclass(frozen=True)
class Study:
    """The three tables that `sixteenth.analysis.analyse` takes, and the truth."""

    results: pd.DataFrame
    histories: pd.DataFrame
    predictions: dict[str, tuple[Any, Any]]
    truth: SimulatedTruth


def draw_truth(setting: Setting, rng: np.random.Generator, equal: bool = False) -> SimulatedTruth:
    """Draw the laws of the four arms.

    Args:
        equal: the bigger model is as good as the smaller one in every cell.
    """
    while True:
        curves = _draw_curves(setting, rng, equal)
        found = SimulatedTruth(curves, setting)
        least = [found.accuracy(arm, FULL / 16) for arm in curves]
        if min(least) > 0.2 and max(c.error(FULL, 1.0) for c in curves.values()) < 0.5:
            return found


def _draw_curves(setting: Setting, rng: np.random.Generator, equal: bool) -> dict[Arm, Curve]:
    error, share = rng.uniform(0.08, 0.35), rng.uniform(0.2, 0.8)
    delta = rng.uniform(0.5, 1.0)
    doubled = rng.uniform(0.0, 0.002) if setting.converged else rng.uniform(0.01, 0.04)
    small = Curve(
        alpha=share * error,
        eta=(1 - share) * error,
        gamma=rng.uniform(0.2, 0.5),
        excess=doubled / (1 - 2**-delta),
        delta=delta,
        kappa=rng.uniform(*((0.25, 0.5) if setting.harmful else (0.6, 0.9))),
    )
    big = small if equal else _changed(small, rng, (-0.05, -0.05, 0.2), (0.1, 0.12, 0.3))
    # What the weights do is mostly common to both models.
    weights = rng.normal([-0.15, -0.32, -0.7], [0.18, 0.35, 0.3])
    curves = {("small", "random"): small, ("big", "random"): big}
    curves["small", "imagenet"] = _changed(small, rng, weights, (0.05, 0.08, 0.1))
    curves["big", "imagenet"] = (
        curves["small", "imagenet"] if equal else _changed(big, rng, weights, (0.05, 0.08, 0.1))
    )
    return curves


def _changed(curve: Curve, rng: np.random.Generator, mean: Any, sd: Any) -> Curve:
    """Another arm: the logarithms of alpha, eta and excess moved by normal draws."""
    alpha, eta, excess = np.exp(rng.normal(mean, sd))
    return replace(
        curve,
        alpha=curve.alpha * alpha,
        eta=curve.eta * eta,
        gamma=max(0.05, curve.gamma + rng.normal(0, 0.03)),
        excess=curve.excess * excess,
    )


def simulate(truth: SimulatedTruth, rng: np.random.Generator, *, lengths: bool = True) -> Study:
    """Train and test every run of a study: 12 cells, each with the setting's seeds.

    Args:
        lengths: also a row for the run at a quarter and at a half of its steps.
    """
    labels = rng.integers(0, CLASSES, truth.setting.test_images)
    rows, histories, predictions = [], [], {}
    for run, ending, expected, right in trainings(truth, rng, lengths=lengths):
        arm, fraction, images, seed = run
        run_id = f"{arm[0]}-{arm[1]}-{fraction.replace('/', 'of')}-seed{seed}{ending}"
        predictions[run_id] = labels, said_with_confidence(labels, right)
        row = _row(truth, arm, fraction, images, seed) | {
            "run_id": run_id,
            "length": LENGTHS[ending],
            "test_accuracy": float(right.mean()),
            "train_accuracy": float(min(1.0, expected)),
        }
        for column in ("epochs", "steps", "seconds", "train_flops"):
            row[column] *= LENGTHS[ending]
        rows.append(row)
        if not ending:
            histories.append(_history(truth, row, arm))
    table = pd.DataFrame(rows)
    for split in ("test", "train"):
        table[f"{split}_loss"] = 2.3 * (1 - table[f"{split}_accuracy"])
    table["generalisation_gap"] = table["train_accuracy"] - table["test_accuracy"]
    return Study(table, pd.concat(histories, ignore_index=True), predictions, truth)


Run = tuple[Arm, str, int, int]
"""Its arm, fraction, images and seed."""


def trainings(
    truth: SimulatedTruth, rng: np.random.Generator, *, lengths: bool = True
) -> Iterator[tuple[Run, str, float, NDArray[np.bool_]]]:
    """Each run at each length: what its id ends with, its training accuracy, and which test images
    it has right."""
    size = truth.setting.test_images
    common = np.sqrt(SHARED_DIFFICULTY) * rng.standard_normal(size)
    for run in _runs(truth):
        arm, _, images, _ = run
        trunk, gap = rng.standard_normal(), rng.uniform(0.02, 0.1)
        for ending, length in LENGTHS.items() if lengths else [("", 1.0)]:
            own = np.sqrt(SHARED_TRUNK) * trunk
            own += np.sqrt(1 - SHARED_TRUNK) * rng.standard_normal()
            expected = truth.accuracy(arm, images, length)
            expected = float(np.clip(expected + truth.spread(arm, images) * own, 0.01, 0.999))
            score = common + np.sqrt(1 - SHARED_DIFFICULTY) * rng.standard_normal(size)
            yield run, ending, expected + gap, score < ndtri(expected)


def _runs(truth: SimulatedTruth) -> Iterator[Run]:
    for arm in truth.arms:
        for fraction, images in FRACTIONS.items():
            for seed in range(truth.setting.seeds):
                yield arm, fraction, images, seed


def _row(truth: SimulatedTruth, arm: Arm, fraction: str, images: int, seed: int) -> dict[str, Any]:
    """All of a whole run's row but its accuracies."""
    steps = truth.steps(images) * EPOCHS * FULL / BATCH
    seen = steps * BATCH
    return {
        "model": arm[0],
        "init": arm[1],
        "fraction": fraction,
        "train_size": images,
        "seed": seed,
        "status": "finished",
        "test_size": truth.setting.test_images,
        "train_measured": min(images, 10_000),
        "parameters": PARAMETERS[arm[0]],
        "train_flops": PARAMETERS[arm[0]] * 10.0 * seen,
        "seconds": PARAMETERS[arm[0]] / 1e9 * seen,
        "epochs": seen / images,
        "steps": steps,
        "chosen_by": "last",
        "final_map": "4x4",
        "error": "",
    }


def _history(truth: SimulatedTruth, row: Mapping[str, Any], arm: Arm) -> pd.DataFrame:
    """Six points of the training curves of a whole run; the last one is what the row says."""
    part = np.arange(1, 7) / 6
    images = row["train_size"]
    end = truth.accuracy(arm, images)
    behind = np.array([end - truth.accuracy(arm, images, p) for p in part])
    keys = ("run_id", "model", "init", "fraction", "train_size", "seed")
    curves = {f"{s}_accuracy": np.clip(row[f"{s}_accuracy"] - behind, 0, 1) for s in SPLITS}
    return pd.DataFrame(
        {key: row[key] for key in keys}
        | {"epoch": np.arange(1, 7), "step": row["steps"] * part}
        | curves
        | {f"{s}_loss": 2.3 * (1 - curves[f"{s}_accuracy"]) for s in SPLITS}
        | {"test_images": row["test_size"]}
    )


SPLITS = ("train", "test")


def said_with_confidence(
    labels: NDArray[np.int64], right: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Probabilities (n, C) whose largest is the label's where the answer is right."""
    found = np.full((len(labels), CLASSES), 0.01, dtype=np.float32)
    found[np.arange(len(labels)), np.where(right, labels, (labels + 1) % CLASSES)] = 0.91
    return found
