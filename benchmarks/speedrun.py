"""`sixteenth run cifar10-best` against a CPU port of the published 94% speedrun, side by side.

    python -m benchmarks.speedrun --data FOLDER

The port follows the published recipe (Jordan 2024, arXiv 2404.00498, in its later variant with
Muon) as it stands: batches of 2,000, half precision throughout (bfloat16 here), 8 epochs. It shares
no code with Sixteenth. Each trains in a process of its own, as it would alone: the port in torch as
it is, cifar10-best with the memory it frees kept (`--keep-memory`: both). A few steps of each in
turn, from all parts of the training (what is learned changes on the way), give images per second;
with the epochs of each recipe these give the ratio of the two training times.
`--train` trains the port to its end instead and prints its accuracy.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from itertools import cycle
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.side_by_side import peak_gigabytes, process_of
from benchmarks.throughput import engine_rounds
from sixteenth import load_spec
from sixteenth.data import ImageDataset, load_dataset
from sixteenth.engine.acceleration import keep_freed_memory
from sixteenth.models.speedrun import BIAS_SHARE

EPOCHS, BATCH = 8, 2000
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="cifar10")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=4000, help="of half a round")
    parser.add_argument("--train", action="store_true", help="the whole port, with its accuracy")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--keep-memory", action="store_true", help="for the port too, as Sixteenth's training does"
    )
    options = parser.parse_args()
    if options.train:
        if options.keep_memory:
            keep_freed_memory()
        train_port(options)
        return
    recipe = load_spec("cifar10-best", ["data=unused"]).runs()[0].train
    with process_of(port_rounds, options) as port, process_of(our_rounds, options) as ours:
        pairs = [(port(), ours()) for _ in range(options.rounds + 1)][1:]  # first: warm caches
        memory = port(peak_gigabytes), ours(peak_gigabytes)
    slow, fast = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(b / a for a, b in pairs)
    print(f"published, ported: {slow:,.0f} images/s, {EPOCHS} epochs, {memory[0]:.1f} GB")
    print(f"cifar10-best:      {fast:,.0f} images/s, {recipe.epochs} epochs, {memory[1]:.1f} GB")
    times = [recipe.epochs / EPOCHS * a / b for a, b in pairs]
    print(
        f"images/s {ratio:.2f}x, training time {statistics.median(times):.2f}x the port's "
        f"({min(times):.2f} to {max(times):.2f} in {len(times)} rounds)"
    )


def port_rounds(options: argparse.Namespace) -> Iterator[float]:
    """The port's images a second, round after round."""
    if options.keep_memory:
        keep_freed_memory()
    return both_phases(PublishedSpeedrun(_dataset(options)).rounds(options.images))


def our_rounds(options: argparse.Namespace) -> Iterator[float]:
    """Those of cifar10-best, as `sixteenth run` trains it: a round takes steps of each epoch, since
    the later ones learn fewer of the weights."""
    keep_freed_memory()
    run = load_spec("cifar10-best", ["data=unused"]).runs()[0]
    epochs = run.train.epochs
    steps = max(1, round(2 * options.images / (epochs * run.train.batch_size)))
    behind = [epoch / epochs for epoch in range(epochs)]
    rates = engine_rounds(run, _dataset(options), steps, progress=behind)
    while True:
        yield epochs / sum(1 / next(rates) for _ in behind)


def both_phases(rates: Iterator[float]) -> Iterator[float]:
    """Images a second of whole trainings, of rounds in turn with and without the bias learned."""
    for learned, fixed in zip(rates, rates, strict=False):
        yield 1 / (BIAS_SHARE / learned + (1 - BIAS_SHARE) / fixed)


def _dataset(options: argparse.Namespace) -> ImageDataset:
    return load_dataset(options.data, image_size=32)


def train_port(options: argparse.Namespace) -> None:
    """Train the port as published and print its accuracy on the test images."""
    torch.manual_seed(options.seed)
    dataset = _dataset(options)
    port = PublishedSpeedrun(dataset)
    began = time.perf_counter()
    steps = EPOCHS * (len(port.labels) // BATCH)
    for step, (images, labels) in zip(range(steps), port.batches(), strict=False):
        port.step(images, labels, step)
        if (step + 1) % (steps // EPOCHS) == 0:
            print(f"step {step + 1} of {steps}, {time.perf_counter() - began:.0f} s", flush=True)
    images, labels = half(dataset.test.images), torch.from_numpy(dataset.test.labels)
    for views, name in ((1, "as they are"), (6, "with test-time augmentation")):
        right = (port.scores(images, views).argmax(1) == labels).float().mean().item()
        print(f"test accuracy {right:.2%}, images {name}")
    print(f"peak memory {peak_gigabytes():.1f} GB")


class PublishedSpeedrun:
    """The published network, data pipeline and optimisers, in bfloat16 on the CPU."""

    learning_rates: ClassVar = {"filters": 0.24, "bias": 0.053, "head": 0.67}
    momentum, sgd_momentum, decay = 0.6, 0.85, 2e-6 * BATCH
    whitening_bias_epochs = BIAS_SHARE * EPOCHS

    def __init__(self, dataset: ImageDataset) -> None:
        self.images = half(dataset.train.images)
        self.labels = torch.from_numpy(dataset.train.labels)
        self.net = network(len(dataset.classes), self.images[:5000].float())
        self.filters = [
            m.weight for m in self.net.modules() if isinstance(m, nn.Conv2d) and m.in_channels > 3
        ]
        norms = [m.bias for m in self.net.modules() if isinstance(m, nn.BatchNorm2d)]
        bias, head = self.learning_rates["bias"], self.learning_rates["head"]
        self.sgd = torch.optim.SGD(
            [
                {"params": [self.net[0].bias], "lr": bias, "weight_decay": self.decay / bias},
                {"params": norms, "lr": bias, "weight_decay": self.decay / bias},
                {"params": [self.net[-1].weight], "lr": head, "weight_decay": self.decay / head},
            ],
            momentum=self.sgd_momentum,
            nesterov=True,
        )
        self.peak = [group["lr"] for group in self.sgd.param_groups]
        self.averages = [torch.zeros_like(weight) for weight in self.filters]
        self.steps = EPOCHS * (len(self.labels) // BATCH)
        self.preparing_seconds = 0.0

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Epoch after epoch: mirrored by turns, shifted by up to two pixels, shuffled."""
        mirrored = torch.rand(len(self.labels)) < 0.5
        padded = F.pad(self.images, (2, 2, 2, 2), mode="reflect")
        epoch = 0
        while True:
            began = time.perf_counter()
            turn = (mirrored ^ bool(epoch % 2)).view(-1, 1, 1, 1)
            images = shifted_crops(torch.where(turn, padded.flip(-1), padded), 2)
            self.preparing_seconds += time.perf_counter() - began
            for batch in torch.randperm(len(images)).split(BATCH):
                if len(batch) == BATCH:
                    yield images[batch], self.labels[batch]
            epoch += 1

    def step(self, images: Tensor, labels: Tensor, step: int) -> None:
        """Forward, backward, and both optimisers at the rate of step `step`."""
        self.net.train()
        whitening = 1 - step / (self.whitening_bias_epochs * self.steps / EPOCHS)
        self.net[0].bias.requires_grad_(whitening > 0)
        loss = F.cross_entropy(self.net(images), labels, label_smoothing=0.2, reduction="sum")
        loss.backward()
        left = 1 - step / self.steps
        for group, peak, share in zip(
            self.sgd.param_groups, self.peak, (max(0.0, whitening), left, left), strict=True
        ):
            group["lr"] = peak * share
        self.sgd.step()
        with torch.no_grad():
            for weight, average in zip(self.filters, self.averages, strict=True):
                average.mul_(self.momentum).add_(weight.grad)
                direction = weight.grad.add(average, alpha=self.momentum)
                weight.mul_(len(weight) ** 0.5 / weight.norm())
                turned = newton_schulz(direction.reshape(len(weight), -1)).view_as(weight)
                weight.sub_(turned, alpha=self.learning_rates["filters"] * left)
        self.net.zero_grad()

    def rounds(self, round_images: int) -> Iterator[float]:
        """Train on and on; after each `round_images` images, the images a second of that round.

        Rounds take the learning rates of the beginning and, the whitening's bias fixed, those of
        the second half in turn. A whole epoch is augmented at once: of that a round bears its
        images' part.
        """
        batches = self.batches()
        next(batches)  # the first epoch is augmented
        share = self.preparing_seconds / len(self.labels)
        for step in cycle((0, self.steps // 2)):
            seen, began, prepared = 0, time.perf_counter(), self.preparing_seconds
            while seen < round_images:
                self.step(*next(batches), step)
                seen += BATCH
            training = time.perf_counter() - began - (self.preparing_seconds - prepared)
            yield seen / (training + seen * share)

    @torch.inference_mode()
    def scores(self, images: Tensor, views: int) -> Tensor:
        """Class scores, averaged over mirrored and shifted views if there are six."""
        self.net.eval()

        def both(batch: Tensor) -> Tensor:
            return (self.net(batch) + self.net(batch.flip(-1))).float() / 2

        parts = []
        for batch in images.split(BATCH):
            if views == 1:
                parts.append(self.net(batch).float())
                continue
            padded = F.pad(batch, (1, 1, 1, 1), mode="reflect")
            shifted = both(padded[:, :, :-2, :-2]) + both(padded[:, :, 2:, 2:])
            parts.append(both(batch) / 2 + shifted / 4)
        return torch.cat(parts)


def network(classes: int, images: Tensor) -> nn.Sequential:
    """The published network: a whitening layer, three groups, a pool, a scaled classifier."""
    patches = F.unfold(images, 2).transpose(1, 2).reshape(-1, 12)
    values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
    whitening = nn.Conv2d(3, 24, 2)
    rows = (vectors / (values + 5e-4).sqrt()).T.reshape(12, 3, 2, 2)
    whitening.weight.data = torch.cat([rows, -rows])
    whitening.weight.requires_grad = False
    whitening.bias.data.zero_()
    layers: list[nn.Module] = [whitening, nn.GELU()]
    for inputs, outputs in ((24, 64), (64, 256), (256, 256)):
        layers += [convolution(inputs, outputs), nn.MaxPool2d(2), norm(outputs), nn.GELU()]
        layers += [convolution(outputs, outputs), norm(outputs), nn.GELU()]
    head = nn.Linear(256, classes, bias=False)
    head.weight.data /= head.weight.data.std()
    net = nn.Sequential(*layers, nn.MaxPool2d(3), nn.Flatten(), Scale(1 / 256), head)
    for module in net:
        if not isinstance(module, nn.BatchNorm2d):
            module.bfloat16()
    return net.to(memory_format=torch.channels_last)


class Scale(nn.Module):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor


def convolution(inputs: int, outputs: int) -> nn.Conv2d:
    layer = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    nn.init.dirac_(layer.weight.data[:inputs])
    return layer


def norm(channels: int) -> nn.BatchNorm2d:
    layer = nn.BatchNorm2d(channels, eps=1e-12, momentum=0.4)
    layer.weight.requires_grad = False
    return layer


def half(images: np.ndarray) -> Tensor:
    """uint8 (N, height, width, 3) to normalised bfloat16 (N, 3, height, width), channels-last."""
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2) / 255
    centred = (pixels - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)
    return centred.bfloat16().to(memory_format=torch.channels_last)


def shifted_crops(padded: Tensor, most: int) -> Tensor:
    """A crop of every image at a place of its own, copied for all images of one place at once."""
    size = padded.shape[-1] - 2 * most
    crops = torch.empty_like(padded[:, :, :size, :size])
    down, right = torch.randint(0, 2 * most + 1, (2, len(padded)))
    for y in range(2 * most + 1):
        for x in range(2 * most + 1):
            here = (down == y) & (right == x)
            crops[here] = padded[here, :, y : y + size, x : x + size]
    return crops


def newton_schulz(matrix: Tensor, steps: int = 3) -> Tensor:
    """The published quintic iteration towards the orthogonal factor of a matrix."""
    x = matrix.bfloat16()
    x /= x.norm() + 1e-7
    tall = len(x) > x.shape[1]
    x = x.T if tall else x
    for _ in range(steps):
        square = x @ x.T
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return x.T if tall else x


if __name__ == "__main__":
    main()
