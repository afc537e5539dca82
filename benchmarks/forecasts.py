"""Do the forecasts and probabilities of a discussion hold on real learning curves?

    python -m benchmarks.forecasts --data FOLDER     # FOLDER holds lcdb11/curves.parquet; a minute

On LCDB 1.1 (Yan, Mohr & Viering 2025), as a study would see it: the sizes N/16, N/2 and N, or five
sizes up to N. Doubling: the 90% interval of the gain from N to 2N against the gain that was
measured. Crossover: two learners on one data set; the probability that at 8 N another one leads
than at N, against how often it does. One learner, TabNet, has curves that drop late: pairs with
and without it are told apart.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from sixteenth.analysis import fit_curves, read_grid
from sixteenth.analysis.curves.crossover import HORIZON
from sixteenth.analysis.curves.joint import spread_of

PARTS = {"3 sizes": (16, 2, 1), "5 sizes": (16, 8, 4, 2, 1)}
BINS = (0.0, 0.02, 0.1, 0.2, 0.35, 1.01)


def studies(
    table: pd.DataFrame, parts: tuple[int, ...], ahead: int, pairs: int
) -> Iterator[tuple[pd.DataFrame, dict[str, float], dict[str, float]]]:
    """Results tables of two learners on one data set, their errors at `ahead` times N, and the
    standard error of that error minus the one at N (both are means of 25 splits)."""
    rng = np.random.default_rng(0)
    for _, data in table.groupby("openml_id"):
        errors, noise = (
            data.pivot_table(index="train_size", columns="learner", values=values)
            for values in ("error_mean", "error_stderr")
        )
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
            later = {name: float(whole.loc[last * ahead, name]) for name in two}
            both = noise.loc[[last, last * ahead]]
            yield pd.DataFrame(rows), later, {name: float(np.hypot(*both[name])) for name in two}


def doublings(table: pd.DataFrame, parts: tuple[int, ...]) -> pd.DataFrame:
    """One row a curve: forecast and measured gain of the next doubling.

    The interval is that of `forecast.next_doubling`, of the true gain. What was measured scatters
    around the truth by its standard error, so this is added to each draw here; `bare` tells
    whether the interval covers what was measured without that.
    """
    rng = np.random.default_rng(0)
    rows = []
    for results, later, noise in studies(table, parts, 2, pairs=4):
        curves = fit_curves(read_grid(results))
        for arm in curves.fits:
            last = curves.grid.curve(*arm)[-1]
            drawn = curves.errors(arm, [last.train_size, 2 * last.train_size])
            gains = drawn[:, 0] - drawn[:, 1]
            low, high = spread_of(gains + noise[arm[0]] * rng.normal(size=len(gains)))[1:]
            gain, least, most = spread_of(gains)
            measured = 1 - last.accuracy - later[arm[0]]
            bare = least <= measured <= most
            rows.append((gain, least > 0, low, high, bare, measured))
    return pd.DataFrame(rows, columns=["gain", "sure", "low", "high", "bare", "measured"])


def crossovers(table: pd.DataFrame, parts: tuple[int, ...]) -> pd.DataFrame:
    """One row a pair: the probability of another leader at the horizon, and whether it came."""
    rows = []
    for results, later, _ in studies(table, parts, HORIZON, pairs=8):
        curves = fit_curves(read_grid(results))
        first, second = curves.fits
        last = curves.grid.curve(*first)[-1]
        lead = last.accuracy - curves.grid.curve(*second)[-1].accuracy
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
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    table = pd.read_parquet(parser.parse_args().data / "lcdb11" / "curves.parquet")
    for name, parts in PARTS.items():
        found = doublings(table, parts)
        inside = (found["low"] <= found["measured"]) & (found["measured"] <= found["high"])
        error = (found["gain"] - found["measured"]).abs()
        print(f"\nThe next doubling, {name}: {len(found)} curves")
        print(
            f"  |error| in points: median {100 * error.median():.2f}, mean {100 * error.mean():.2f}"
        )
        width = (found["high"] - found["low"]).median()
        print(f"  90% intervals cover {inside.mean():.1%}, median width {100 * width:.1f} points")
        print(f"  without the noise of what was measured {found['bare'].mean():.1%}")
        sure = found[found["sure"]]
        fell = (sure["measured"] <= 0).mean()
        print(f"  a gain was sure of {len(sure)}; of these {fell:.1%} measured none")
    for name, parts in PARTS.items():
        found = crossovers(table, parts)
        print(f"\nAnother leader at {HORIZON} N, {name}: {len(found)} pairs")
        print("  without TabNet")
        reliability(found[~found["late"]])
        print("  with TabNet")
        reliability(found[found["late"]])


if __name__ == "__main__":
    main()
