"""Are the decisions right that a report leads to, and do its intervals hold for another training?

    python -m benchmarks.decisions                        # simulated studies: 7 minutes of a core
    python -m benchmarks.decisions --studies 300          # 100 a setting unless this says more
    python -m benchmarks.decisions --only ", 500 images"  # the settings with this in their names
    python -m benchmarks.decisions --data FOLDER          # FOLDER/lcdb11 too

Truths are of the average training on infinitely many test images. "Another training" is one with a
new seed, subset and order: the chance that an interval holds its true accuracy (or the difference
of two of them) is computed from the spread that the truth has, not drawn. In every fourth
simulated study both models are equally good. `benchmarks.simulated_studies` has the truths,
`benchmarks.first_screen` what counts as claimed.

false claim       a study whose answer or list of options says that something helps, or does
                  not, where that is zero or the other way round
missed            the interval of what comes next, or of a gain in hand, misses the average
                  training
cells ... forecasts   coverage for another training, with its standard error by study (for the
                  average one in brackets); "in hand" are gains that the best network has already,
                  "options" measured ones that are still to be had
images alone      what the same credit more images with, and what they bring at equal steps: mean
                  distance in points
best first        the first option of the list is the best of those that its network has: twice the
                  images, the other model if that is bigger, other weights, twice the steps; of
                  images that helped before, the next doubling counts
title             the same of what the report's title says to do (in brackets: the share of the
                  studies whose title says to do one of these)
regret            what the best of these would have brought more, in points
decided           of all sizes where the models differ, those where the report tells them apart
told wrongly      of these, the share with the wrong sign
equal             of the studies with two equally good models, those told apart at some size from
                  one init (in brackets: from any)
"""

from __future__ import annotations

import argparse
import math
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from scipy import stats

from sixteenth.analysis import analyse

from .first_screen import Arm, Point, Screen, Statement, read
from .measured_studies import held_back, lcdb_studies
from .simulated_studies import Setting, draw_truth, simulate

CHANGES: tuple[dict[str, Any], ...] = (
    {},
    {"converged": False},
    {"converged": False, "harmful": True},
    {"spread": 0.003},
    {"spread": 0.01},
    {"wider": 2.0},
    {"wider": 2.7},  # as the assumed law falls, for these accuracies
    {"test_images": 500},
)
"""What is changed in a setting, one thing at a time."""
SETTINGS = tuple(Setting(seeds=seeds, **changed) for changed in CHANGES for seeds in (1, 3))
EQUAL_EVERY = 4
"""In every study of so many both models are equally good."""
Scores = dict[str, list[float]]
COVERAGES = ("cells", "sizes", "in hand", "options", "forecasts")
POINTS = ("images alone", "regret")
BRACKETS = {name: f"average {name}" for name in COVERAGES[1:]}
BRACKETS |= {"equal": "equal, any init", "title": "titled"}
COLUMNS = (
    *("false claim", "missed", *COVERAGES, "images alone"),
    *("best first", "title", "regret", "decided", "told wrongly", "equal"),
)
RESULTS = Path(__file__).parent.parent / "docs" / "results"


class Truth(Protocol):
    """What is known of the average training, and how far others stray from it."""

    @property
    def arms(self) -> tuple[Arm, ...]: ...
    def accuracy(self, arm: Arm, images: float, length: float = 1.0) -> float: ...
    def images_alone(self, arm: Arm, few: float, many: float) -> float: ...
    def spread(self, arm: Arm, images: float) -> float: ...


def score(screen: Screen, truth: Truth, scores: Scores) -> None:
    """Append one study's scores, shares in [0, 1] and the regret in points."""

    def gain(each: Statement) -> float:
        return truth.accuracy(*each.plus) - truth.accuracy(*each.minus)

    paragraph, options = (
        [each for each in listed if math.isfinite(gain(each))]
        for listed in (screen.paragraph, screen.options)
    )
    said = [*paragraph, *options]
    false = any(each.sign and each.sign * gain(each) <= 0 for each in said)
    scores["false claim"].append(false)
    missed = (each.low > gain(each) or each.high < gain(each) for each in paragraph)
    scores["missed"].append(any(missed))
    for each in paragraph:
        bought = truth.images_alone(each.minus[0], each.minus[1], each.plus[1])
        if math.isfinite(each.alone) and math.isfinite(bought):
            scores["images alone"].append(100 * abs(each.alone - bought))
    for arm, images, low, high in screen.cells:
        mean, sd = truth.accuracy(arm, images), truth.spread(arm, images)
        scores["cells"].append(_holds(low, high, mean, sd))
    named = [(each, "forecasts" if each.forecast else "options") for each in options]
    named += [(each, "in hand") for each in paragraph if each.kind == "spent"]
    for each, name in [*named, *((size, "sizes") for size in screen.sizes)]:
        if math.isfinite(each.low) and math.isfinite(each.high):
            sd = math.hypot(*(truth.spread(*point[:2]) for point in (each.plus, each.minus)))
            scores[name].append(_holds(each.low, each.high, gain(each), sd))
            scores[f"average {name}"].append(_holds(each.low, each.high, gain(each), 0.0))
    _score_first(screen, truth, scores)
    differ = [gain(each) for each in screen.sizes]
    if any(differ):
        told = [each.sign * gain(each) for each in screen.sizes]
        scores["decided"] += [value != 0 for value in told]
        scores["told wrongly"] += [value < 0 for value in told if value]
    elif differ:
        inits = dict.fromkeys(each.plus[0][1] for each in screen.sizes)
        told_apart = [
            any(each.sign for each in screen.sizes if each.plus[0][1] == init) for init in inits
        ]
        scores["equal"] += told_apart
        scores["equal, any init"].append(any(told_apart))


def _holds(low: float, high: float, mean: float, sd: float) -> float:
    """The chance that an interval holds a normal draw."""
    if sd == 0:
        return float(low <= mean <= high)
    return float(stats.norm.cdf((high - mean) / sd) - stats.norm.cdf((low - mean) / sd))


def _score_first(screen: Screen, truth: Truth, scores: Scores) -> None:
    ahead = upcoming(truth, *screen.start) if screen.start else {}
    if ahead:
        scores["titled"].append(screen.title in ahead)
        if screen.title in ahead:
            scores["title"].append(ahead[screen.title] >= max(ahead.values()))
    if screen.first is None or screen.first.kind not in ahead:
        return
    best = max(ahead.values())
    regret = best - ahead[screen.first.kind]
    scores["best first"].append(regret <= 0)
    scores["regret"].append(100 * regret)


def upcoming(truth: Truth, arm: Arm, images: float) -> dict[str, float]:
    """What can be done from one network: kind of option -> true gain of the average training."""
    models = list(dict.fromkeys(model for model, _ in truth.arms))
    inits = dict.fromkeys(init for _, init in truth.arms)
    bigger = models[models.index(arm[0]) + 1 :]
    ends: list[tuple[str, Point]] = [
        ("data", (arm, 2 * images, 1.0)),
        ("training", (arm, images, 2.0)),
        *(("model", ((model, arm[1]), images, 1.0)) for model in bigger[:1]),
        *(("init", ((arm[0], init), images, 1.0)) for init in inits if init != arm[1]),
    ]
    now = truth.accuracy(arm, images)
    gains = {kind: truth.accuracy(*end) - now for kind, end in ends}
    return {kind: gain for kind, gain in gains.items() if math.isfinite(gain)}


def simulated(setting: Setting, number: int, lengths: bool) -> Scores:
    """The scores of one study; the same `number` is the same world in every setting."""
    rng = np.random.default_rng(number)
    truth = draw_truth(setting, rng, equal=number % EQUAL_EVERY == 0)
    study = simulate(truth, rng, lengths=lengths)
    found = analyse(study.results, study.histories, predictions=study.predictions)
    scores: Scores = defaultdict(list)
    score(read(found), truth, scores)
    return scores


def _scored_lcdb(data: Path, seeds: int) -> list[Scores]:
    found = []
    for results, truth in lcdb_studies(data, seeds):
        scores: Scores = defaultdict(list)
        score(read(analyse(results)), truth, scores)
        found.append(scores)
    return found


def line(name: str, studies: Sequence[Scores]) -> str:
    """One line of the table: means over all studies, in percent; the regret in points."""
    every: Scores = defaultdict(list)
    for scores in studies:
        for key, values in scores.items():
            every[key] += values

    def mean(key: str, digits: int) -> str:
        scale = 1 if key in POINTS else 100
        return f"{scale * np.mean(every[key]):.{digits}f}" if every[key] else ""

    def error(key: str) -> str:
        """Standard error of a coverage; the statements of one study are not independent."""
        if key not in COVERAGES or not every[key]:
            return ""
        centre = np.mean(every[key])
        off = [sum(value - centre for value in scores.get(key, [])) for scores in studies]
        return f" ± {100 * math.hypot(*off) / len(every[key]):.1f}"

    cells = [
        mean(key, 2 if key in POINTS else 1 if key in COVERAGES else 0)
        + error(key)
        + (f" ({mean(BRACKETS[key], 0)})" if key in BRACKETS and every[key] else "")
        for key in COLUMNS
    ]
    return f"| {name} | {' | '.join(cells)} |"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--studies", type=int, default=100, help="of each setting (100)")
    parser.add_argument("--only", default="", help="settings whose name holds this text")
    parser.add_argument("--workers", type=int, default=1, help="processes (1)")
    parser.add_argument("--whole", action="store_true", help="whole runs only, no shorter lengths")
    parser.add_argument("--data", type=Path, help="folder that holds lcdb11")
    options = parser.parse_args()
    head = f"| studies | {' | '.join(COLUMNS)} |\n| --- |{' ---: |' * len(COLUMNS)}"
    print(head, flush=True)
    numbers = range(options.studies)
    with ProcessPoolExecutor(options.workers) as pool:
        for setting in (one for one in SETTINGS if options.only in str(one)):
            found = pool.map(simulated, repeat(setting), numbers, repeat(not options.whole))
            print(line(str(setting), list(found)), flush=True)
    for seeds in (1, 3) if options.data else ():
        print(line(f"LCDB, {seeds} seed{'s' * (seeds > 1)}", _scored_lcdb(options.data, seeds)))
    print("\n| held back | low | high | measured | held |\n| --- | ---: | ---: | ---: | --- |")
    for folder in sorted(path.parent for path in RESULTS.glob("*/results.csv")):
        for name, low, high, measured in held_back(folder):
            numbers_of = " | ".join(f"{100 * value:.1f}" for value in (low, high, measured))
            print(f"| {name} | {numbers_of} | {'yes' if low <= measured <= high else 'no'} |")


if __name__ == "__main__":
    main()
