"""Images per second of Sixteenth's engine and of a plain script, side by side in one run.

    python -m benchmarks.throughput --data ../shared/data/cifar10-jpeg
    python -m benchmarks.throughput --models seed-cnn --batch-size 64

Both train the same model on the same images with the same batch size, a few steps each in turn, so
that whatever else the machine does hits both. Quote the ratio; the absolute figures drift.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator

import torch

from benchmarks.plain import PlainTraining
from sixteenth import parse_spec
from sixteenth.data import ImageDataset, load_dataset
from sixteenth.data.augment import crop_and_flip
from sixteenth.engine.execution import resolve_execution
from sixteenth.engine.learner import Learner


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="cifar10")
    parser.add_argument(
        "--models",
        nargs="+",
        default=["resnet18", "resnet50"],
        help="of torchvision's, or seed-cnn",
    )
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=8, help="steps in a round")
    parser.add_argument("--workers", type=int, default=0, help="of the plain script's DataLoader")
    options = parser.parse_args()

    dataset = load_dataset(options.data, image_size=options.image_size)
    peak = matrix_rate(torch.bfloat16), matrix_rate(torch.float32)
    print(f"matrix products: bfloat16 {peak[0]:,.0f}, float32 {peak[1]:,.0f} GFLOP/s")
    print(f"{'model':<12}{'plain':>10}{'sixteenth':>12}{'ratio':>8}  of bfloat16 peak")
    for name in options.models:
        plain = PlainTraining(
            name,
            dataset.train.images,
            dataset.train.labels,
            options.batch_size,
            options.workers,
        ).rounds(options.steps)
        ours, flops = engine_rounds(name, dataset, options.batch_size, options.steps)
        next(plain), next(ours)  # warm caches, chosen kernels
        pairs = [(next(plain), next(ours)) for _ in range(options.rounds)]
        slow, fast = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(b / a for a, b in pairs)
        share = fast * flops / (peak[0] * 1e9)
        print(f"{name:<12}{slow:>8,.0f}/s{fast:>10,.0f}/s{ratio:>7.2f}x{share:>9.0%}", flush=True)


def engine_rounds(
    name: str, dataset: ImageDataset, batch_size: int, steps: int
) -> tuple[Iterator[float], int]:
    """Sixteenth's training steps, data included, and the FLOPs of one image."""
    spec = parse_spec(
        {
            "data": dataset.source,
            "image_size": dataset.image_size,
            "models": [name],
            "train": {"batch_size": batch_size},
        }
    )
    run = spec.runs()[-1]
    execution = resolve_execution("cpu", run.train)
    learner = Learner(run, len(dataset.classes), dataset.train.images, execution)
    images = torch.from_numpy(dataset.train.images)
    labels = torch.from_numpy(dataset.train.labels)

    def rounds() -> Iterator[float]:
        generator = torch.Generator().manual_seed(0)
        while True:
            began = time.perf_counter()
            for batch in torch.randperm(len(labels))[: steps * batch_size].split(batch_size):
                augmented = crop_and_flip(images[batch], crop=4, flip=True, generator=generator)
                learner.step(augmented, labels[batch], 0.01)
            yield steps * batch_size / (time.perf_counter() - began)

    return rounds(), learner.facts["train_flops_per_image"]


def matrix_rate(dtype: torch.dtype, size: int = 4096) -> float:
    """GFLOP/s of a large matrix product: the best of five."""
    a = torch.randn(size, size).to(dtype)
    a @ a
    times = []
    for _ in range(5):
        began = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - began)
    return 2 * size**3 / min(times) / 1e9


if __name__ == "__main__":
    main()
