"""Training from images in memory, from the mapped copy, and from a copy that is not in memory.

    python -m benchmarks.mapped --size 96 --images 6000

Training steps of one model with their data, in turn, in one process: images in memory; mapped from
the disk and in the system's cache; the same, dropped from the cache before each round and read as
they are used, as where all images do not fit. The pictures are random. Linux only.
"""

from __future__ import annotations

import argparse
import itertools
import mmap
import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from sixteenth import parse_spec
from sixteenth.data.cache import mapped_file
from sixteenth.engine import images as engine_images
from sixteenth.engine.execution import resolve_execution
from sixteenth.engine.images import DeviceImages
from sixteenth.engine.learner import Learner


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="resnet18")
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--images", type=int, default=6000)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--folder", help="on the disk to measure", default=None)
    options = parser.parse_args()
    study = {"data": "digits", "models": [options.model], "image_size": options.size}
    run = parse_spec(study).runs()[0]
    execution = resolve_execution("cpu", run.train)
    shape = (options.images, options.size, options.size, 3)
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    learner = Learner(run, 10, pixels[:500], execution)
    labels = torch.arange(run.train.batch_size) % 10
    with tempfile.TemporaryDirectory(dir=options.folder) as scratch, execution.torch_settings():
        np.save(Path(scratch) / "images.npy", pixels)
        mapped = np.load(Path(scratch) / "images.npy", mmap_mode="c")
        device = torch.device("cpu")
        ways = {"in memory": DeviceImages(pixels, device), "mapped": DeviceImages(mapped, device)}
        engine_images.COPY_SHARE = 0.0  # as if there were no memory for the images
        cold = np.load(Path(scratch) / "images.npy", mmap_mode="c")
        ways["not in memory"] = DeviceImages(cold, device)
        rates: dict[str, list[float]] = {way: [] for way in ways}
        for number in range(options.rounds + 1):
            for way, source in ways.items():
                if way == "not in memory":
                    drop(cold)
                rate = images_per_second(learner, source, labels, options.steps, number)
                if number:  # the first round warms up
                    rates[way].append(rate)
    base = rates["in memory"]
    for way, measured in rates.items():
        ratios = [one / other for one, other in zip(measured, base, strict=True)]
        print(f"{way:<14}{statistics.median(measured):8.0f}/s{statistics.median(ratios):8.2f}x")


def images_per_second(
    learner: Learner, source: DeviceImages, labels: torch.Tensor, steps: int, seed: int
) -> float:
    """Speed of some steps on random images."""
    order = torch.randperm(len(source), generator=torch.Generator().manual_seed(seed))
    batches = [*order.split(len(labels))][: steps + 1]
    began = time.perf_counter()
    for batch, following in itertools.pairwise(batches):
        source.expect(following)
        learner.step(source[batch], labels, 1e-3)
    return steps * len(labels) / (time.perf_counter() - began)


def drop(array: np.ndarray) -> None:
    """Take a mapped file out of this process and out of the system's cache."""
    file = mapped_file(array)
    assert file is not None
    array.base.madvise(mmap.MADV_DONTNEED)  # type: ignore[union-attr]
    with file.open("rb") as handle:
        os.fsync(handle.fileno())
        os.posix_fadvise(handle.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


if __name__ == "__main__":
    main()
