"""Do the forecasts of a study hold: the next doubling, and who leads beyond the largest size?

    python -m benchmarks.forecasts                   # simulated curves; a minute
    python -m benchmarks.forecasts --data FOLDER     # real ones, from lcdb11/curves.parquet; three

The next doubling: the 90% interval of `next_doubling` from 3 to 8 sizes, each twice the one before,
against the gain from N to 2 N that another pair of trainings gives. Simulated curves are those of
`benchmarks.simulated`; their true errors are known. Of LCDB 1.1 (Yan, Mohr & Viering 2025) the
means of 25 splits, and one or three trainings drawn around them with the spread of the splits.
What a mean of 25 splits leaves open is added to the draws. `bias` is the forecast
minus the gain, its mean and median over the curves; all but shares are in points.

Crossover: two learners on one data set; the probability that at 8 N another one leads than at N,
against how often it does. One learner, TabNet, has curves that drop late: pairs with and without
it are told apart.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sixteenth.analysis import fit_curves, read_grid
from sixteenth.analysis.curves.crossover import HORIZON
from sixteenth.analysis.curves.forecast import doubling_draws
from sixteenth.analysis.curves.joint import spread_of
from sixteenth.analysis.inputs.grid import TEST_NOISE

from .calibrate import winkler
from .learning_curves import SPLITS
from .simulated import SETTINGS, WANDER, Setting, draw_truth

Floats = NDArray[np.float64]

PARTS = {"3 sizes": (16, 2, 1), "5 sizes": (16, 8, 4, 2, 1)}
BINS = (0.0, 0.02, 0.1, 0.2, 0.35, 1.01)
COUNTS = (3, 4, 5, 6, 7, 8)
"""Measured sizes of a forecast."""


def forecast(
    sizes: Floats, repeats: list[Floats], test_size: float, noise: float, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Mean and ends of the gain of the next doubling, from the errors of each size's trainings.

    Args:
        noise: standard deviation of what the gain will be measured with; added to the draws.
    """
    rows = [
        {
            "model": "m",
            "train_size": n,
            "seed": seed,
            "test_accuracy": 1 - e,
            "test_size": test_size,
        }
        for n, errors in zip(sizes, repeats, strict=True)
        for seed, e in enumerate(errors)
    ]
    curves = fit_curves(read_grid(pd.DataFrame(rows)))
    gains = doubling_draws(curves, curves.grid.curve(next(iter(curves.fits)))[-1]).total
    _, low, high = spread_of(gains + noise * rng.normal(size=len(gains)))
    return float(gains.mean()), low, high


def simulated(setting: Setting, count: int, curves: int, wander: float = WANDER) -> Floats:
    """One row a curve, (curves, 4): the forecast and its ends, and another pair's gain."""
    rng = np.random.default_rng(100 + count)  # not the curves that the constants were set with
    rows = []
    for _ in range(curves):
        truth = draw_truth(count - 1, 1, wander, rng)[::2]
        # The trainings of a size are tested on the same images; part of their noise is their own.
        noise = np.sqrt(truth[:-1] * (1 - truth[:-1]) / setting.test_images)
        common = np.sqrt(1 - TEST_NOISE) * noise * rng.standard_normal(count)
        own = np.hypot(np.sqrt(TEST_NOISE) * noise, setting.spread)[:, None]
        own = own * rng.standard_normal((count, setting.repeats))
        measured = list(((truth[:-1] + common)[:, None] + own).clip(0, 1))
        sizes = 500.0 * 2.0 ** np.arange(count)
        found = forecast(sizes, measured, setting.test_images, 0.0, rng)
        ends = truth[-2:] + setting.spread * rng.standard_normal(2)
        rows.append((*found, ends[0] - ends[1]))
    return np.array(rows)


def real(table: pd.DataFrame, count: int, repeats: int, every: int) -> Floats:
    """The same of every so many curves of LCDB; `repeats` 0 takes the means of the splits.

    One training's noise is told as that of a test set; several tell it themselves.
    """
    rng = np.random.default_rng(count)
    rows = []
    for i, (_, curve) in enumerate(table.groupby(["openml_id", "learner"])):
        by_size = curve.set_index("train_size")
        last = max(n for n in by_size.index if n & (n - 1) == 0 and 2 * n in by_size.index)
        sizes = last // 2 ** np.arange(count)[::-1]
        if i % every or sizes[0] < by_size.index[0]:
            continue
        wanted = by_size.loc[[*sizes, 2 * last]]
        mean, stderr = wanted["error_mean"].to_numpy(), wanted["error_stderr"].to_numpy()
        spread = stderr * np.sqrt(SPLITS) * bool(repeats)
        drawn = mean[:, None] + spread[:, None] * rng.standard_normal((count + 1, max(repeats, 1)))
        level = float(np.mean(mean * (1 - mean)))
        variance = float(np.mean(spread**2))
        test_size = max(level / variance, 1.0) if repeats == 1 and variance else np.nan
        noise = float(np.hypot(*stderr[-2:]))
        found = forecast(sizes, list(drawn[:-1].clip(0, 1)), test_size, noise, rng)
        # One training was said to differ from the truth by its test images only.
        new = (spread[-2:] if repeats > 1 else np.zeros(2)) * rng.standard_normal(2)
        rows.append((*found, mean[-2] - mean[-1] + new[0] - new[1]))
    return np.array(rows)


def score(rows: Floats) -> str:
    """Cells of a table: covered, bias, error, median width and Winkler score."""
    gain, low, high, came = rows.T
    inside = ((low <= came) & (came <= high)).mean()
    off, width, points = gain - came, np.median(high - low), winkler(low, high, came).mean()
    bias = f"{100 * off.mean():+.2f}, {100 * np.median(off):+.2f}"
    error = f"{100 * np.median(abs(off)):.2f}, {100 * abs(off).mean():.2f}"
    return f"{inside:.1%} | {bias} | {error} | {100 * width:.1f} | {100 * points:.1f}"


def studies(
    table: pd.DataFrame, parts: tuple[int, ...], ahead: int, pairs: int
) -> Iterator[tuple[pd.DataFrame, dict[str, float]]]:
    """Results tables of two learners on one data set, and their errors at `ahead` times N."""
    rng = np.random.default_rng(0)
    for _, data in table.groupby("openml_id"):
        errors = data.pivot_table(index="train_size", columns="learner", values="error_mean")
        doubling = [n for n in errors.index if n & (n - 1) == 0 and n * ahead in errors.index]
        if not doubling:
            continue
        last = max(doubling)
        wanted = [last // part for part in parts]
        if not set(wanted) <= set(errors.index):
            continue
        whole = errors.loc[[*wanted, last * ahead]].dropna(axis=1)
        for _ in range(pairs if whole.shape[1] > 1 else 0):
            two = rng.choice(whole.columns.to_numpy(), 2, replace=False)
            rows = [
                {
                    "model": name,
                    "train_size": size,
                    "test_accuracy": 1 - whole.loc[size, name],
                    "parameters": i,
                }
                for i, name in enumerate(two, 1)
                for size in wanted
            ]
            yield pd.DataFrame(rows), {name: float(whole.loc[last * ahead, name]) for name in two}


def crossovers(table: pd.DataFrame, parts: tuple[int, ...]) -> pd.DataFrame:
    """One row a pair: the probability of another leader at the horizon, and whether it came."""
    rows = []
    for results, later in studies(table, parts, HORIZON, pairs=8):
        curves = fit_curves(read_grid(results))
        first, second = curves.fits
        last = curves.grid.curve(first)[-1]
        lead = last.accuracy - curves.grid.curve(second)[-1].accuracy
        then = later[second[0]] - later[first[0]]
        if lead == 0 or then == 0:
            continue
        horizon = [HORIZON * last.train_size]
        drawn = curves.errors(second, horizon) - curves.errors(first, horizon)
        said = float(((drawn > 0) != (lead > 0)).mean())
        rows.append((said, (lead > 0) != (then > 0), "TabNet" in later))
    return pd.DataFrame(rows, columns=["probability", "crossed", "late"])


def reliability(found: pd.DataFrame) -> None:
    """Print what was said and what came, by probability."""
    for low, high in pairwise(BINS):
        part = found[(found["probability"] >= low) & (found["probability"] < high)]
        if len(part):
            said, came = part["probability"].mean(), part["crossed"].mean()
            print(f"    said {said:5.1%}  came {came:5.1%}  ({len(part)} pairs)")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder that holds lcdb11: real curves")
    parser.add_argument("--every", type=int, default=8, help="of the real ones every so many")
    parser.add_argument("--curves", type=int, default=300, help="simulated ones a line")
    options = parser.parse_args()
    heads = "covered | bias: mean, median | error: median, mean | median width | Winkler"
    print(f"| the next doubling | {heads} |\n| --- |{' ---: |' * 5}")
    if options.data is None:
        for setting in SETTINGS:
            for count in COUNTS:
                line = score(simulated(setting, count, options.curves))
                print(f"| {setting}; {count} sizes | {line} |", flush=True)
        return
    table = pd.read_parquet(options.data / "lcdb11" / "curves.parquet")
    for repeats, name in {0: "means of 25", 1: "one", 3: "three"}.items():
        for count in COUNTS:
            found = real(table, count, repeats, options.every)
            print(f"| {name}; {count} sizes ({len(found)}) | {score(found)} |", flush=True)
    for name, parts in PARTS.items():
        pairs = crossovers(table, parts)
        print(f"\nAnother leader at {HORIZON} N, {name}: {len(pairs)} pairs")
        print("  without TabNet")
        reliability(pairs[~pairs["late"]])
        print("  with TabNet")
        reliability(pairs[pairs["late"]])


if __name__ == "__main__":
    main()
