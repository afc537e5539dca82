"""A whole study by the real command, against the plain script on the same models and images.

    python -m benchmarks.study --data FOLDER --epochs 3 --fractions 1/16 1/2

Everything counts on both sides, as a user would wait for it: start-up, evaluation, checkpoints,
results and report here; start-up, a test of all images after each epoch and the weights there. The
plain script trains one model after another on all cores, which is how it is used. Each model is
timed by one and then the other, so that whatever else the machine does may hit both; all models in
one study, at the end, are set against the sum of the plain times before. Each study runs twice: the
first time on a machine it also measures how fast each model trains, unless that is known from
earlier (delete `calibration` beside the decoded images to make it unknown). Quote the ratios.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml

from sixteenth import TrainFraction
from sixteenth.data import ImageDataset, load_dataset


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", default="cifar10")
    parser.add_argument("--models", nargs="+", default=["resnet18", "resnet50"])
    parser.add_argument("--fractions", nargs="+", default=["1/16", "1/2"])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--workers", type=int, default=0, help="of the plain script's DataLoader")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()

    dataset = load_dataset(options.data, image_size=options.image_size)
    sizes = [
        TrainFraction.parse(fraction).size(len(dataset.train), len(dataset.classes))
        for fraction in options.fractions
    ] * len(options.seeds)
    images = sum(sizes) * options.epochs
    print(
        f"{', '.join(options.fractions)} of {dataset.name}, {options.epochs} epochs, "
        f"{len(options.seeds)} seed(s): {images:,} training images a model"
    )
    print(f"{'study of':<14}{'plain':>8}{'sixteenth':>12}{'ratio':>8}{'again':>8}{'ratio':>8}")
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        write_images(dataset, home / "images.npz")
        plain: dict[str, float] = {}
        for model in options.models:
            plain[model] = sum(train_plainly(model, size, options, home) for size in sizes)
            report(model, plain[model], run_twice([model], options, home / model))
            print(f"  its largest process: {peak_of(home / f'{model}-1') / 1e9:.2f} GB", flush=True)
        if len(options.models) > 1:
            report(
                "all of them", sum(plain.values()), run_twice(options.models, options, home / "all")
            )


def peak_of(study: Path) -> int:
    """Peak memory in bytes of the process that trained the study's largest run."""
    records = [json.loads(path.read_text()) for path in study.glob("runs/*/run.json")]
    return max(record["peak_memory_bytes"] or 0 for record in records)


def report(name: str, plain: float, ours: tuple[float, float]) -> None:
    first, again = ours
    print(
        f"{name:<14}{plain:>6,.0f} s{first:>10,.0f} s{plain / first:>7.2f}x"
        f"{again:>6,.0f} s{plain / again:>7.2f}x",
        flush=True,
    )


def write_images(dataset: ImageDataset, path: Path) -> None:
    """The images in the order of a fixed shuffle: the plain script takes the first so many."""
    order = np.random.default_rng(0).permutation(len(dataset.train))
    np.savez(
        path,
        x_train=np.asarray(dataset.train.images)[order],
        y_train=np.asarray(dataset.train.labels)[order],
        x_test=np.asarray(dataset.test.images),
        y_test=np.asarray(dataset.test.labels),
    )


def train_plainly(model: str, images: int, options: argparse.Namespace, home: Path) -> float:
    """Seconds of the plain script."""
    return timed(
        [
            sys.executable, "-m", "benchmarks.plain", str(home / "images.npz"),
            "--model", model, "--images", str(images), "--epochs", str(options.epochs),
            "--batch-size", str(options.batch_size), "--workers", str(options.workers),
            "--device", options.device,
        ]
    )  # fmt: skip


def run_twice(
    models: Sequence[str], options: argparse.Namespace, folder: Path
) -> tuple[float, float]:
    """Seconds of ``sixteenth run`` on a new study, and on a second one of the same models."""
    first, again = (
        run_study(models, options, folder.with_name(f"{folder.name}-{turn}")) for turn in (1, 2)
    )
    return first, again


def run_study(models: Sequence[str], options: argparse.Namespace, folder: Path) -> float:
    """Seconds of ``sixteenth run``."""
    study = {
        "data": options.data,
        "image_size": options.image_size,
        "models": list(models),
        "fractions": options.fractions,
        "seeds": options.seeds,
        "train": {"epochs": options.epochs, "batch_size": options.batch_size},
    }
    file = folder.with_suffix(".yaml")
    file.write_text(yaml.safe_dump(study), encoding="utf-8")
    command = [sys.executable, "-m", "sixteenth", "run", str(file), "--out", str(folder)]
    return timed([*command, "--device", options.device])


def timed(command: Sequence[str]) -> float:
    """Seconds that a command takes; what it says is shown only if it fails."""
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    return time.monotonic() - began


if __name__ == "__main__":
    main()
