"""How often do the intervals of the learning-curve fit cover truths that are known?

    python -m benchmarks.simulated --data CURVES     # a minute

An exact power law is the easiest truth there is, and no real curve is one. So truths are drawn
whose exponent wanders: from one half doubling of the training set to the next its logarithm moves
by `WANDER` / sqrt(2) times a draw of Student's t with two degrees of freedom, mostly a little and
sometimes a lot. How far it wanders is set by real curves (LCDB 1.1), not by any fit. With the three
drops

    d1 = e(N/64) - e(N/16),    d2 = e(N/16) - e(N/4),    d3 = e(N/4) - e(N)

an exact power law has d3/d2 = d2/d1, whatever its asymptote. Quantiles of the difference of the two
ratios, and of d2/d1 itself, are printed for real curves (without TabNet and QDA) and for simulated
ones, where d1 and d2 exceed four standard errors. Then follow the coverages, for the error that a
new training would measure.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sixteenth import fit_learning_curve

from .learning_curves import ILL_BEHAVED

Floats = NDArray[np.float64]

WANDER = 0.23
"""How far the exponent of a real curve wanders in a doubling: with this the middle half and the
middle 90% of both ratios are, taken together, as wide as those of real curves."""
COUNTS = (3, 4, 5, 6, 8)
"""Measured sizes, each twice as large as the one before."""
FACTORS = (2, 4, 8)
"""How far beyond the largest of them the forecast is asked for."""
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Setting:
    """What is measured: a test set, and trainings whose true errors differ by `spread`."""

    test_images: int
    spread: float
    repeats: int

    def measure(self, truth: float, repeats: int, rng: np.random.Generator) -> Floats:
        """The test errors of that many trainings."""
        shares = np.clip(truth + self.spread * rng.standard_normal(repeats), 0, 1)
        return np.asarray(rng.binomial(self.test_images, shares) / self.test_images)

    def __str__(self) -> str:
        return f"{self.test_images:,} test images, {self.repeats} a size"


SETTINGS = (
    Setting(2000, 0.005, 1),
    Setting(2000, 0.005, 3),
    Setting(10000, 0.003, 1),
    Setting(10000, 0.003, 3),
)


def draw_truth(before: int, beyond: int, wander: float, rng: np.random.Generator) -> Floats:
    """True errors half a doubling apart, `before` doublings up to the largest measured size and
    `beyond` after it: (2 * (before + beyond) + 1,).

    The asymptote lies between 0 and 20%; at the largest measured size the curve is 3 to 30% above
    it, and the exponent has the median -0.5 and 0.5 as the standard deviation of its logarithm.
    Curves that begin above 95% are drawn again.
    """
    last, errors = 2 * before, np.ones(1)
    while errors[0] > 0.95:
        alpha, above = rng.uniform(0, 0.2), rng.uniform(0.03, 0.3)
        exponent = 0.5 * np.exp(0.5 * rng.standard_normal())
        walk = np.cumsum(wander * np.sqrt(0.5) * rng.standard_t(2, last + 2 * beyond))
        local = exponent * np.exp(np.clip(walk - walk[last - 1], -3, 2))
        fallen = np.concatenate([[0.0], np.cumsum(local * np.log(2) / 2)])
        errors = alpha + above * np.exp(fallen[last] - fallen)
    return np.asarray(errors)


def covered(
    wander: float, setting: Setting, curves: int = 1000, seed: int = 0
) -> NDArray[np.bool_]:
    """Whether 90% intervals hold what a new training measures at `FACTORS` times the last size.

    Returns:
        (curves, factors).
    """
    rng = np.random.default_rng(seed)
    beyond = max(FACTORS).bit_length() - 1
    inside: list[list[bool]] = []
    for i in range(curves):
        count = COUNTS[i % len(COUNTS)]
        truth = draw_truth(count - 1, beyond, wander, rng)[::2]
        errors = [setting.measure(e, setting.repeats, rng) for e in truth[:count]]
        sizes = 500.0 * 2.0 ** np.arange(count)
        fit = fit_learning_curve(sizes, errors, test_size=setting.test_images)
        inside.append([])
        for factor in FACTORS:
            low, high = fit.interval(factor * sizes[-1])
            later = setting.measure(truth[count - 1 + factor.bit_length() - 1], 1, rng)[0]
            inside[-1].append(bool(low <= later <= high))
    return np.array(inside)


def ratios(drops: Floats, stderr: Floats) -> tuple[Floats, Floats]:
    """d2/d1, and d3/d2 - d2/d1, of those of the drops (m, 3) whose first two are clear."""
    clear = (drops[:, :2] > 4 * stderr[:, None]).all(axis=1)
    d1, d2, d3 = drops[clear].T
    return d2 / d1, d3 / d2 - d2 / d1


def real_ratios(data: Path) -> tuple[Floats, Floats]:
    """Of the curves of LCDB 1.1 that are long enough, without the ill-behaved learners."""
    table = pd.read_parquet(data / "lcdb11" / "curves.parquet").sort_values("train_size")
    drops, stderr = [], []
    for (_, learner), curve in table.groupby(["openml_id", "learner"]):
        n = curve["train_size"].to_numpy(float)
        if learner in ILL_BEHAVED or n[0] > n[-1] / 64:
            continue
        wanted = n[-1] / np.array([64.0, 16.0, 4.0, 1.0])
        errors = np.interp(np.log(wanted), np.log(n), curve["error_mean"].to_numpy(float))
        drops.append(-np.diff(errors))
        stderr.append(float(curve["error_stderr"].iloc[-1]))
    return ratios(np.array(drops), np.array(stderr))


def simulated_ratios(
    wander: float, curves: int = 4000, noise: float = 0.0015
) -> tuple[Floats, Floats]:
    """Of simulated curves, with the standard error that LCDB's means have."""
    rng = np.random.default_rng(0)
    truths = np.array([draw_truth(3, 3, wander, rng)[::4] for _ in range(curves)])
    drops = -np.diff(truths + noise * rng.standard_normal(truths.shape))
    return ratios(drops, np.full(curves, noise))


def main() -> None:
    """Print how far curves bend, and the coverages."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder that holds lcdb11: real curves as well")
    options = parser.parse_args()
    rows = {"real curves": real_ratios(options.data)} if options.data else {}
    for wander in (0.0, WANDER / 2, WANDER, 2 * WANDER):
        rows[f"simulated, wandering by {wander:g}"] = simulated_ratios(wander)
    ends = "5, 25, 50, 75 and 95% quantiles"
    print(f"| {ends} of | d2/d1 | d3/d2 - d2/d1 | curves |\n| --- | --- | --- | ---: |")
    for name, found in rows.items():
        cells = [" / ".join(f"{q:.2f}" for q in np.quantile(x, QUANTILES)) for x in found]
        print(f"| {name} | {' | '.join(cells)} | {len(found[0]):,} |")
    truths = {"exact": 0.0, "as real curves": WANDER, "twice as far": 2 * WANDER}
    heads = " | ".join(f"{name}, {factor} N" for name in truths for factor in FACTORS)
    print(f"\n| covered, % | {heads} |\n| --- |{' ---: |' * len(FACTORS) * len(truths)}")
    for setting in SETTINGS:
        shares = np.concatenate([covered(w, setting).mean(axis=0) for w in truths.values()])
        print(f"| {setting} | {' | '.join(f'{100 * x:.1f}' for x in shares)} |", flush=True)


if __name__ == "__main__":
    main()
