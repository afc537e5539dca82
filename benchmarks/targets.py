"""Is a wanted error reached where a study says so, and do the bounds of its images hold?

    python -m benchmarks.targets                 # 60 studies a design; two minutes

Studies whose truth is known: a power law for each network, trainings that deviate from it, and test
images whose difficulty all networks share. Each is asked for nine errors that know nothing of it.
`said` is the mean probability that the network that was named for having measured the error has it
in truth, `true` the share that does; both again for those that are told as reached. `at least` and
`at most` are the shares of the one-sided bounds that hold, where no network reached the error; of
`at most` those that are finite.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from sixteenth.analysis import fit_curves, read_grid
from sixteenth.analysis.findings.target import FARTHEST, Target, TargetOutcome, targets

Arm = tuple[str, str]
Errors = Callable[[Arm, NDArray[np.float64]], NDArray[np.float64]]
ERRORS = [0.02, 0.05, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25, 0.3]
SHARED_DIFFICULTY = 0.7
"""Part of the variance of an image's score that all networks share."""
CLASSES = 10


@dataclass(frozen=True)
class Design:
    """What kind of studies.

    Attributes:
        spread: standard deviation between trainings, a share of accuracy.
        apart: standard deviation of the logarithm of a network's error, around that of its study.
        equal: all networks have the same curve, of an error of 15% on all images.
    """

    models: str
    inits: tuple[str, ...]
    sizes: tuple[int, ...]
    seeds: int
    test_images: int
    spread: float = 0.005
    apart: float = 0.15
    equal: bool = False


EIGHT = tuple(250 * 2**i for i in range(8))
BOTH = ("random", "imagenet")
DESIGNS = {
    "2 models, 2 weights, 8 sizes, 1 training, 150": Design("ab", BOTH, EIGHT, 1, 150),
    "5 models nearly equal, 3 sizes, 1 training, 300": Design(
        "abcde", ("random",), (500, 4000, 8000), 1, 300, apart=0.05
    ),
    "2 models, 2 weights, 6 sizes, 3 trainings, 2,000": Design(
        "ab", BOTH, EIGHT[:6], 3, 2000, spread=0.004
    ),
    "2 models, 2 weights, 3 sizes, 3 trainings, 10,000": Design(
        "ab", BOTH, (500, 4000, 8000), 3, 10_000, spread=0.004
    ),
}
EQUAL = Design("ab", BOTH, EIGHT, 1, 150, equal=True)


def draw_errors(design: Design, rng: np.random.Generator) -> Errors:
    """The mean error over trainings of each network, by its number of images."""
    largest = design.sizes[-1]
    if design.equal:
        return lambda _, n: 0.15 * (n / largest) ** -0.3
    base, share, slope = rng.uniform([0.08, 0.2, 0.25], [0.3, 0.7, 0.6])
    laws = {
        (model, init): (
            base * share * np.exp(rng.normal(0, design.apart)),
            base * (1 - share) * np.exp(rng.normal(0, design.apart)),
            max(0.08, slope + rng.normal(0, 0.06)),
        )
        for model in design.models
        for init in design.inits
    }

    def errors(arm: Arm, n: NDArray[np.float64]) -> NDArray[np.float64]:
        alpha, eta, gamma = laws[arm]
        return np.asarray(np.minimum(alpha + eta * (n / largest) ** -gamma, 0.95))

    return errors


def simulate(
    design: Design, errors: Errors, rng: np.random.Generator, wanted: list[float]
) -> list[Target]:
    """What a study of such networks says of the wanted errors."""
    labels = np.arange(design.test_images) % CLASSES
    common = np.sqrt(SHARED_DIFFICULTY) * rng.standard_normal(len(labels))
    rows, predictions = [], {}
    for arm in ((model, init) for model in design.models for init in design.inits):
        for size in design.sizes:
            for seed in range(design.seeds):
                accuracy = 1 - errors(arm, np.array(float(size)))
                accuracy += design.spread * rng.standard_normal()
                own = np.sqrt(1 - SHARED_DIFFICULTY) * rng.standard_normal(len(labels))
                right = common + own < ndtri(np.clip(accuracy, 0.001, 0.9995))
                probabilities = np.full((len(labels), CLASSES), 0.01)
                probabilities[np.arange(len(labels)), (labels + ~right) % CLASSES] += 0.9
                run_id = f"{arm[0]}-{arm[1]}-{size}-{seed}"
                predictions[run_id] = labels, probabilities
                rows.append((run_id, *arm, size, seed, right.mean(), len(labels)))
    names = ["run_id", "model", "init", "train_size", "seed", "test_accuracy", "test_size"]
    grid = read_grid(pd.DataFrame(rows, columns=names), None, predictions)
    return targets(grid, fit_curves(grid, 1 - 1 / CLASSES), wanted, guesses=False)


def score(design: Design, errors: Errors, target: Target, scores: dict[str, list[float]]) -> None:
    """Add to each score what one answer is worth."""
    if target.outcome in (TargetOutcome.REACHED, TargetOutcome.MEASURED):
        size = np.array(target.cell.train_size)
        true = bool(errors(target.cell.arm, size) <= target.error)
        for name in ("", "reached: ")[: 1 + target.reached]:
            scores[f"{name}said"].append(target.probability)
            scores[f"{name}true"].append(true)
        scores["told as reached"].append(target.reached)
    if not target.reached:
        sizes = np.geomspace(design.sizes[0], FARTHEST * design.sizes[-1], 1500)
        enough = errors((target.model, target.init), sizes) <= target.error
        takes = sizes[np.argmax(enough)] if enough.any() else np.inf
        scores["at least"].append(takes >= 0.99 * target.at_least)
        if np.isfinite(target.at_most):
            scores["at most"].append(takes <= 1.01 * target.at_most)


def report(title: str, design: Design, wanted: list[float], studies: int) -> None:
    """Print the means of all scores, with their numbers."""
    scores: dict[str, list[float]] = defaultdict(list)
    for seed in range(studies):
        rng = np.random.default_rng([seed, design.test_images, len(design.sizes)])
        errors = draw_errors(design, rng)
        for target in simulate(design, errors, rng, wanted):
            score(design, errors, target, scores)
    print(title)
    for name, values in scores.items():
        print(f"    {name:16} {np.mean(values):6.1%} of {len(values)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--studies", type=int, default=60, help="a design")
    studies = parser.parse_args().studies
    for title, design in DESIGNS.items():
        report(f"{title} test images", design, ERRORS, studies)
    title = "4 networks with an error of 15% at best, wanted 14%, 150 test images"
    report(title, EQUAL, [0.14], studies)


if __name__ == "__main__":
    main()
