"""How fast do the gains of longer training shrink, and does the prior of such curves foresee it?

    python -m benchmarks.training_curves     # the studies in docs/results; seconds

Every cell there with three training lengths, a quarter, a half and all of its steps; but not of
`epochs: auto`, whose runs ended because their last doubling brought little. The ratio is
what the second doubling of the steps brought to what the first one did. Then a curve is fitted to
the first two lengths, once with the prior of accuracy over images and once with that of accuracy
over steps, and its forecast compared with what the second doubling brought: bias, root mean square
error and median width of the 90% interval in points, and how many intervals hold it. Two lengths
of one run differ by the noise of a cool-down, for which `NOISE` is added to each.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sixteenth.analysis import fit_learning_curve
from sixteenth.analysis.curves.power_laws import PRIOR, TRAINING_PRIOR, Prior
from sixteenth.spec.fields import AT_MAX_EPOCHS, LEVELLED_OFF

RESULTS = Path(__file__).parent.parent / "docs" / "results"
LENGTHS = (0.25, 0.5, 1.0)
TEST_IMAGES = 10_000
NOISE = 0.004
Cell = tuple[NDArray[np.float64], ...]
"""The errors of a cell's trainings, at each of the lengths."""


def cells(results: Path = RESULTS) -> list[Cell]:
    """All cells with three lengths; one that a second study holds, too, once."""
    found: dict[tuple[str, ...], Cell] = {}
    for path in sorted(results.glob("*/results.csv")):
        table = pd.read_csv(path)
        if "length" not in table:
            continue
        table = table[(table["status"] == "finished") & table["test_accuracy"].notna()]
        if "chosen_by" in table:
            table = table[~table["chosen_by"].isin([LEVELLED_OFF, AT_MAX_EPOCHS])]
        for key, rows in table.groupby(["model", "init", "train_size"]):
            by_length = {
                length: (1 - part["test_accuracy"]).to_numpy()
                for length, part in rows.groupby("length")
            }
            if set(LENGTHS) <= set(by_length):
                last = f"{by_length[1.0].min():.6f}"
                found.setdefault((*map(str, key), last), tuple(by_length[n] for n in LENGTHS))
    return list(found.values())


def score(every: list[Cell], prior: Prior) -> str:
    """One line of the table."""
    rng = np.random.default_rng(0)
    off, widths, held = [], [], 0
    for first, second, third in every:
        fit = fit_learning_curve(
            LENGTHS[:2], [first, second], test_size=TEST_IMAGES, chance=0.9, prior=prior
        )
        falls = fit.falls([1.0], count=1000, seed=1)[:, 0]
        drawn = falls + NOISE * np.sqrt(2) * rng.standard_normal(len(falls))
        low, high = np.quantile(drawn, [0.05, 0.95])
        came = second.mean() - third.mean()
        off.append(np.median(falls) - came)
        widths.append(high - low)
        held += low <= came <= high
    rms = np.sqrt(np.mean(np.square(off)))
    width = np.median(widths)
    return f"{100 * np.mean(off):+.2f} | {100 * rms:.2f} | {100 * width:.1f} | {held}"


def main() -> None:
    """Print the ratios and the table."""
    every = cells()
    means = [tuple(float(errors.mean()) for errors in cell) for cell in every]
    ratios = [(second - third) / (first - second) for first, second, third in means]
    low, middle, high = np.quantile(ratios, [0.1, 0.5, 0.9])
    print(f"{len(every)} cells; ratio {middle:.2f} (80% within {low:.2f} to {high:.2f})\n")
    print(f"| prior | bias | root mean square | width | hold, of {len(every)} |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, prior in {"of images": PRIOR, "of steps": TRAINING_PRIOR}.items():
        print(f"| {name} | {score(every, prior)} |")


if __name__ == "__main__":
    main()
