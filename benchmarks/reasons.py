"""Is a lever called the reason where it is, and what is said of a model with its reason mended?

    python -m benchmarks.reasons                  # 200 studies a setting: 4 minutes
    python -m benchmarks.reasons --studies 50

Two models on 3,125 images; the bigger one is 10 points behind. `explain` tries four levers. Three
explain nothing: two raise both models alike, one changes nothing. The fourth takes away the share
of the difference that the setting states, and costs the smaller model nothing. Each lever has as
many seeds as the study. Accuracies, test images and trainings are drawn as in
`benchmarks.simulated_studies`.

reason            studies that call the fourth lever the reason
others            studies that call one of the other three the reason
false             studies whose option of a bigger model says that it helps or does not help, where
                  that is not so
told              studies whose option says either
coverage          the chance that the option's interval holds another training of both models (the
                  best of several levers is picked, so it may be less than 95%)
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import ndtri

from sixteenth.analysis import analyse
from sixteenth.analysis.findings.explained import ExplainedLever
from sixteenth.analysis.findings.levers import CellPair, Lever, LeverRuns
from sixteenth.analysis.findings.options import OptionKind, OptionVerdict

from .simulated_studies import CLASSES, PARAMETERS, SHARED_DIFFICULTY, said_with_confidence

IMAGES = 3125
SMALL, BIG = ("small", "random"), ("big", "random")
PAIR = CellPair("1/16", BIG, SMALL)
GAP = 0.10
ALIKE = {Lever.STEPS: 0.03, Lever.IMAGE_SIZE: 0.05, Lever.RATE_HALF: 0.0}
"""What the levers that explain nothing bring both models."""
MENDS = Lever.ZERO_INIT
COLUMNS = ("reason", "others", "false", "told", "coverage")


@dataclass(frozen=True)
class Setting:
    """What kind of studies.

    Attributes:
        share: of the difference that the fourth lever takes away.
        spread: standard deviation between trainings, a share of accuracy.
    """

    share: float
    seeds: int
    spread: float
    test_images: int = 10_000

    def __str__(self) -> str:
        return (
            f"explains {self.share:.0%}, {self.seeds} seed{'s' * (self.seeds > 1)}, "
            f"{100 * self.spread:g} points"
        )


SETTINGS = tuple(
    Setting(share, seeds, spread)
    for share in (0.0, 0.4, 1.0, 1.3)
    for seeds, spread in ((1, 0.01), (3, 0.01), (1, 0.005))
)


class Laboratory:
    """Trains and tests networks of one setting, all on the same test images."""

    def __init__(self, setting: Setting, rng: np.random.Generator) -> None:
        self.setting, self.rng = setting, rng
        self.labels = rng.integers(0, CLASSES, setting.test_images)
        self.common = np.sqrt(SHARED_DIFFICULTY) * rng.standard_normal(setting.test_images)

    def train(self, accuracy: Mapping[tuple[str, str], float]) -> tuple[pd.DataFrame, Any]:
        """All seeds of some models: results and predictions."""
        rows, predictions = [], {}
        for (model, init), mean in accuracy.items():
            for seed in range(self.setting.seeds):
                run_id = f"{model}-{init}-1of16-seed{seed}"
                expected = mean + self.setting.spread * self.rng.standard_normal()
                own = self.rng.standard_normal(len(self.labels))
                right = self.common + np.sqrt(1 - SHARED_DIFFICULTY) * own < ndtri(expected)
                predictions[run_id] = self.labels, said_with_confidence(self.labels, right)
                rows.append(
                    {
                        "run_id": run_id,
                        "model": model,
                        "init": init,
                        "fraction": PAIR.fraction,
                        "length": 1.0,
                        "train_size": IMAGES,
                        "seed": seed,
                        "status": "finished",
                        "test_accuracy": float(right.mean()),
                        "test_size": len(right),
                        "parameters": PARAMETERS[model],
                        "seconds": 60.0,
                    }
                )
        return pd.DataFrame(rows), predictions


def score(setting: Setting, number: int) -> dict[str, float]:
    """One study's scores."""
    rng = np.random.default_rng([number, *str(setting).encode()])
    laboratory, small = Laboratory(setting, rng), rng.uniform(0.5, 0.8)
    base = {SMALL: small, BIG: small - GAP}
    lever_runs = []
    for lever, gain in {**ALIKE, MENDS: 0.0}.items():
        mended = setting.share * GAP if lever is MENDS else 0.0
        arms = {SMALL: small + gain, BIG: base[BIG] + gain + mended}
        if lever is Lever.RATE_HALF:
            del arms[SMALL]
        lever_runs.append(LeverRuns(PAIR, lever, *laboratory.train(arms)))
    results, predictions = laboratory.train(base)
    found = analyse(results, predictions=predictions, lever_runs=lever_runs)
    levers = (each for section in found.sections for each in section.findings)
    reasons = {
        one.lever for one in levers if isinstance(one, ExplainedLever) and one.verdict == "reason"
    }
    option = next(one for one in found.options if one.kind is OptionKind.MODEL)
    lever = option.lever
    with_lever = base[BIG] + (setting.share * GAP if lever is MENDS else ALIKE.get(lever, 0.0))
    truth = with_lever - small - (ALIKE.get(lever, 0.0) if lever is not MENDS else 0.0)
    sign = {OptionVerdict.HELPS: 1, OptionVerdict.DOES_NOT: -1}.get(option.verdict, 0)
    ends = (np.array([option.high, option.low]) - truth) / (np.sqrt(2) * setting.spread)
    return {
        "reason": MENDS in reasons,
        "others": bool(reasons - {MENDS}),
        "false": sign * truth < 0 or (bool(sign) and abs(truth) < 1e-9),
        "told": bool(sign),
        "coverage": float(np.subtract(*stats.norm.cdf(ends))),
    }


def main() -> None:
    """Print one line a setting, in percent."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--studies", type=int, default=200, help="of each setting")
    parser.add_argument("--workers", type=int, default=None, help="processes; default: all cores")
    args = parser.parse_args()
    print(f"| studies | {' | '.join(COLUMNS)} |\n| --- |{' ---: |' * len(COLUMNS)}")
    with ProcessPoolExecutor(args.workers) as pool:
        for setting in SETTINGS:
            scores = list(pool.map(score, repeat(setting), range(args.studies)))
            means = (100 * np.mean([one[name] for one in scores]) for name in COLUMNS)
            print(f"| {setting} | {' | '.join(f'{mean:.0f}' for mean in means)} |", flush=True)


if __name__ == "__main__":
    main()
