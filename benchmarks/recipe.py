"""Compare training recipes without looking at the test set.

    python -m benchmarks.recipe --data FOLDER --model resnet18 --images 3125 --epochs 10 \
        'optimizer: adamw' 'optimizer: sgd, learning_rate: 0.05'

Each recipe trains on images among nine tenths of the training split and is measured on the last
tenth. The test split is not touched. A run has one length, so `warmup` is a share of all its steps,
and the schedule is one cycle unless the recipe names another. docs/recipe.md holds the comparisons
behind the default recipe.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
from pathlib import Path

import yaml

from sixteenth import SixteenthError, parse_spec
from sixteenth.data import ImageDataset, Split, hold_out, load_dataset
from sixteenth.engine.train import train_run
from sixteenth.storage.run_folder import RunFolder


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("recipes", nargs="+", help="keys of a study's train section, as YAML")
    parser.add_argument("--data", default="cifar10")
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--model", default="resnet18")
    parser.add_argument("--init", default="random")
    parser.add_argument("--images", type=int, default=3125)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--zero-init-residual", choices=["auto", "true", "false"], default="auto")
    options = parser.parse_args()

    dataset = without_test(load_dataset(options.data, image_size=options.image_size))
    print(f"{options.model}, {options.init} weights, {options.images} images, seed {options.seed}")
    for recipe in options.recipes:
        train = {"epochs": options.epochs, "curve_images": 500} | yaml.safe_load(f"{{{recipe}}}")
        spec = parse_spec(
            {
                "data": options.data,
                "image_size": options.image_size,
                "models": [options.model],
                "init": [options.init],
                "fractions": [f"{options.images} images"],
                "seeds": [options.seed],
                "zero_init_residual": yaml.safe_load(options.zero_init_residual),
                "lengths": ["1"],
                "train": train,
            }
        )
        with tempfile.TemporaryDirectory() as folder:
            try:
                record = train_run(spec.runs()[0], dataset, RunFolder(Path(folder) / "run"))
            except SixteenthError as error:
                print(f"{recipe}: {error}", flush=True)
                continue
        metrics = record.metrics
        assert metrics is not None
        print(
            f"{recipe}: held out {metrics.test_accuracy:.1%}, "
            f"training {metrics.train_accuracy:.1%}, {record.seconds:.0f} s",
            flush=True,
        )


def without_test(dataset: ImageDataset) -> ImageDataset:
    """The training split alone: nine tenths of each class to train on, a tenth to measure on."""
    images, labels = dataset.train.images, dataset.train.labels
    kept, held = hold_out(labels, 0.1, seed=0)
    return dataclasses.replace(
        dataset,
        train=Split(images[kept], labels[kept]),
        test=Split(images[held], labels[held]),
    )


if __name__ == "__main__":
    main()
