"""Is what makes training fast as accurate as plain float32 on one thread?

    python -m benchmarks.accuracy --data FOLDER --models resnet18 --epochs 10

Two studies of the same spec. The fast one is computed as Sixteenth chooses; the plain one in
float32, channels-first, with ordinary convolutions, on one thread. Their runs have the same seeds,
so the same subsets, initial weights and order of images, and their difference is paired by seed and
by test image. Both folders stay in --out and go on where they were stopped.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pandas as pd

from sixteenth import Study
from sixteenth.analysis.inputs.tables import read_grid
from sixteenth.analysis.stats.paired import compare_cells
from sixteenth.cli.display import display_for

PLAIN = {"precision": "float32", "layout": "channels-first", "lower_convolutions": False}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", default="cifar10")
    parser.add_argument("--models", nargs="+", default=["resnet18"])
    parser.add_argument("--fractions", nargs="+", default=["1/16", "1/2"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--out", type=Path, default=Path("studies/accuracy"))
    options = parser.parse_args()

    fast = Study(spec(options), options.out / "fast")
    plain = Study(spec(options, **PLAIN), options.out / "plain")
    with display_for() as display:
        fast.run(device="cpu", listener=display)
    with display_for() as display:
        plain.run(device="cpu", threads=1, listener=display)

    for model in options.models:
        for fraction in fast.spec.fractions:
            print(difference(fast, plain, model, fraction))


def spec(options: argparse.Namespace, **train: Any) -> dict[str, Any]:
    """The study, with more keys of its train section."""
    return {
        "data": options.data,
        "image_size": options.image_size,
        "models": options.models,
        "fractions": options.fractions,
        "seeds": options.seeds,
        "train": {"epochs": options.epochs, **train},
    }


def difference(fast: Study, plain: Study, model: str, fraction: str) -> str:
    """One line: both accuracies, and the fast settings' minus the plain ones' with its interval."""
    tables, predictions = [], {}
    for name, study in (("plain", plain), ("fast", fast)):
        table = study.results()
        table = table[(table["model"] == model) & (table["fraction"] == fraction)]
        tables.append(table.assign(model=name, run_id=f"{name} " + table["run_id"]))
        predictions |= {f"{name} {key}": value for key, value in study.predictions().items()}
    results = pd.concat(tables, ignore_index=True)
    grid = read_grid(results, None, predictions)
    cells = {cell.model: cell for cell in grid.cells}
    found = compare_cells(grid, cells["plain"], cells["fast"])
    return (
        f"{model}, {fraction}: plain {cells['plain'].accuracy:.2%}, "
        f"fast {cells['fast'].accuracy:.2%}, difference {100 * found.value:+.2f} points, "
        f"{found.level:.0%} interval {100 * found.low:+.2f} to {100 * found.high:+.2f} "
        f"({found.basis})"
    )


if __name__ == "__main__":
    main()
