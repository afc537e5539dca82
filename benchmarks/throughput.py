"""Images per second of Sixteenth's engine and of a plain script, side by side in one run.

    python -m benchmarks.throughput --data FOLDER
    python -m benchmarks.throughput --models seed-cnn --batch-size 64
    python -m benchmarks.throughput --device cuda --workers 8 --steps 200

Both train the same model on the same images with the same batch size, each in a process of its own,
a few steps in turn, so that whatever else the machine does hits both. Quote the ratio; the absolute
figures drift. Memory is the peak of the process, torch included; on a GPU, what is held there.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator, Sequence
from itertools import cycle

import torch

from benchmarks.plain import PlainTraining
from benchmarks.side_by_side import peak_gigabytes, process_of
from sixteenth import RunSpec, parse_spec
from sixteenth.data import ImageDataset, load_dataset
from sixteenth.engine.acceleration import keep_freed_memory
from sixteenth.engine.execution import resolve_execution
from sixteenth.engine.learner import Learner
from sixteenth.engine.workload import Augmentation
from sixteenth.models import build_model, train_flops_per_image


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
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
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    if options.steps < 20 * options.workers:
        # They load two batches each ahead while the other side is timed.
        parser.error(
            f"--workers {options.workers}: too few --steps, {20 * options.workers} at least"
        )

    size = options.image_size
    precisions = (torch.bfloat16, torch.float32)
    bfloat16, float32 = (matrix_rate(precision, options.device) for precision in precisions)
    print(f"matrix products: bfloat16 {bfloat16:,.0f}, float32 {float32:,.0f} GFLOP/s")
    print(
        f"{'model':<12}{'plain':>11}{'sixteenth':>12}{'ratio':>8}{'of peak':>9}"
        f"{'memory: plain':>15}{'sixteenth':>11}"
    )
    for name in options.models:
        of = argparse.Namespace(**vars(options) | {"model": name})
        with process_of(plain_rounds, of) as plain, process_of(our_rounds, of) as ours:
            pairs = [(plain(), ours()) for _ in range(options.rounds + 1)][1:]  # first: warm caches
            memory = plain(peak_gigabytes), ours(peak_gigabytes)
        slow, fast = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(b / a for a, b in pairs)
        flops = train_flops_per_image(build_model(name, 10, image_size=size), size)
        print(
            f"{name:<12}{slow:>9,.0f}/s{fast:>10,.0f}/s{ratio:>7.2f}x"
            f"{fast * flops / (bfloat16 * 1e9):>9.0%}{memory[0]:>12.2f} GB{memory[1]:>8.2f} GB",
            flush=True,
        )


def plain_rounds(options: argparse.Namespace) -> Iterator[float]:
    """The plain script's images a second, round after round."""
    train = _dataset(options).train
    return PlainTraining(
        options.model,
        train.images,
        train.labels,
        options.batch_size,
        options.workers,
        options.device,
    ).rounds(options.steps)


def our_rounds(options: argparse.Namespace) -> Iterator[float]:
    """Those of Sixteenth's engine, with freed memory kept as where `sixteenth run` trains."""
    keep_freed_memory()
    dataset = _dataset(options)
    spec = parse_spec(
        {
            "data": dataset.source,
            "image_size": dataset.image_size,
            "models": [options.model],
            "train": {"batch_size": options.batch_size},
        }
    )
    return engine_rounds(spec.runs()[-1], dataset, options.steps, options.device)


def engine_rounds(
    run: RunSpec,
    dataset: ImageDataset,
    steps: int,
    device: str = "cpu",
    progress: Sequence[float] = (0.0,),
) -> Iterator[float]:
    """Rounds of `steps` training steps of a run by Sixteenth's engine, their data included.

    Args:
        progress: which part of the training the model is told to have behind it; rounds take these
            in turn.

    Returns:
        The images a second of each round, without end.
    """
    recipe = run.train
    learner = Learner(
        run, len(dataset.classes), dataset.train.images, resolve_execution(device, recipe)
    )
    augment = Augmentation.of(recipe, dataset)
    images = torch.from_numpy(dataset.train.images).to(learner.device)
    labels = torch.from_numpy(dataset.train.labels).to(learner.device)

    generator = torch.Generator().manual_seed(0)

    def rounds() -> Iterator[float]:
        for done in cycle(progress):
            learner.set_training_progress(done)
            with learner.execution.torch_settings():  # as it trains: kernels that repeat themselves
                seconds = one_round()
            yield steps * recipe.batch_size / seconds

    def one_round() -> float:
        began = time.perf_counter()
        mirrored = augment.mirrored(len(labels), epoch=1, seed=0)
        order = torch.randperm(len(labels))[: steps * recipe.batch_size]
        for batch in order.split(recipe.batch_size):
            flip = mirrored if isinstance(mirrored, bool) else mirrored[batch]
            chosen = batch.to(learner.device)
            augmented = augment(
                images[chosen], flip, colour=learner.mean_colour, generator=generator
            )
            loss, *_ = learner.step(augmented, labels[chosen], recipe.peak_learning_rate / 4)
        loss.item()  # waits for the device
        return time.perf_counter() - began

    return rounds()


def _dataset(options: argparse.Namespace) -> ImageDataset:
    return load_dataset(options.data, image_size=options.image_size)


def matrix_rate(dtype: torch.dtype, device: str = "cpu") -> float:
    """GFLOP/s of a large matrix product: the best of five."""
    # Without instructions for bfloat16 a product of 4096 takes a CPU most of a minute.
    size = 1536 if device == "cpu" else 4096
    a = torch.randn(size, size, device=device).to(dtype)
    (a @ a)[0, 0].item()
    times = []
    for _ in range(5):
        began = time.perf_counter()
        (a @ a)[0, 0].item()  # waits for the device
        times.append(time.perf_counter() - began)
    return 2 * size**3 / min(times) / 1e9


if __name__ == "__main__":
    main()
