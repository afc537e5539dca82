"""How often can the best option be named first, and at what regret, in the simulated studies?

    python -m benchmarks.best_possible                       # 4,000 studies of each setting
    python -m benchmarks.best_possible --only "500 images"   # the settings with this in their names

A learner that is fitted to other studies of the same simulation knows how its truths are drawn,
which no tool can know of a real study. From the accuracies of all runs at all lengths it predicts
what each option from the best network would gain, and names the largest. What it reaches on studies
that it has not seen is near the best that any rule could reach there: `benchmarks.decisions` has
what the reports reach.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression

from .decisions import EQUAL_EVERY, SETTINGS, upcoming
from .simulated_studies import FRACTIONS, FULL, LENGTHS, Setting, draw_truth, trainings

KINDS = ("data", "training", "model", "init")
FITTED = 0.7
"""Share of the studies that the learner is fitted to."""
Floats = NDArray[np.float64]


def study(setting: Setting, number: int) -> tuple[Floats, Floats]:
    """What is measured in one study, as numbers (features,), and what each of `KINDS` would gain
    from its best network (4,); NaN for none.

    The arms are in the order of what they share with the best one.
    """
    rng = np.random.default_rng(number)
    truth = draw_truth(setting, rng, equal=number % EQUAL_EVERY == 0)
    shape = (len(truth.arms), len(FRACTIONS), len(LENGTHS), setting.seeds)
    measured = np.zeros(shape)
    for (arm, fraction, _, seed), ending, _, right in trainings(truth, rng):
        place = truth.arms.index(arm), [*FRACTIONS].index(fraction), [*LENGTHS].index(ending)
        measured[(*place, seed)] = right.mean()
    means = measured.mean(axis=-1)
    best = truth.arms[int(means[:, -1, 0].argmax())]
    order = sorted(truth.arms, key=lambda arm: (arm[1] != best[1], arm[0] != best[0]))
    accuracy = means[[truth.arms.index(arm) for arm in order]].reshape(len(order), -1)
    whole = accuracy[:, :: len(LENGTHS)]
    # Differences are what the gains are made of: a tree would need many cuts for each.
    last = whole[:, -1:] - accuracy
    numbers = [accuracy, np.log(1 - accuracy.clip(0, 0.995)), last, last.mean(axis=0)]
    given = [best == arm for arm in truth.arms]
    gains = upcoming(truth, best, FULL)
    return (
        np.concatenate([given, *(each.ravel() for each in numbers)]).astype(float),
        np.array([gains.get(kind, np.nan) for kind in KINDS]),
    )


def reached(setting: Setting, count: int) -> tuple[float, float]:
    """The share of studies whose best option the learner names, and its regret, as shares."""
    # The numbers of the studies of `benchmarks.decisions` are smaller.
    pairs = [study(setting, 10_000 + number) for number in range(count)]
    measured, gains = (np.array(each) for each in zip(*pairs, strict=True))
    split = round(FITTED * count)
    found = np.full(gains.shape, -np.inf)
    for kind in range(len(KINDS)):
        known = np.flatnonzero(np.isfinite(gains[:split, kind]))
        line = LinearRegression().fit(measured[known], gains[known, kind])
        rest = HistGradientBoostingRegressor(
            learning_rate=0.03, max_iter=300, max_leaf_nodes=12, random_state=0
        ).fit(measured[known], gains[known, kind] - line.predict(measured[known]))
        found[:, kind] = line.predict(measured) + rest.predict(measured)
    there = np.isfinite(gains)
    chosen = np.where(there, found, -np.inf)[split:].argmax(axis=1)
    true = np.where(there, gains, -np.inf)[split:]
    regret = true.max(axis=1) - true[np.arange(len(true)), chosen]
    return float((regret <= 0).mean()), float(regret.mean())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--studies", type=int, default=4000, help="of each setting (4000)")
    parser.add_argument("--only", default="", help="settings whose name holds this text")
    options = parser.parse_args()
    print("| studies | best first | regret |\n| --- | ---: | ---: |", flush=True)
    for setting in (one for one in SETTINGS if options.only in str(one)):
        share, regret = reached(setting, options.studies)
        print(f"| {setting} | {100 * share:.0f} | {100 * regret:.2f} |", flush=True)


if __name__ == "__main__":
    main()
