"""Small convolutional networks that train fast from random weights: the CIFAR-10 speedrun line.

Page (2018, "How to train your ResNet") started the line; hlb-CIFAR10 (Balsam 2023) and Jordan
(2024, arXiv 2404.00498) brought it to 94% of CIFAR-10 in seconds on one GPU. What these networks
share, and what is built here:

* a first layer that whitens 2x2 patches, its filters computed once from the training images and
  then fixed, so that no training is spent on undoing the correlation of neighbouring pixels;
* three groups of 3x3 convolutions, each of which halves the map by max-pooling before its first
  norm, where there is least to compute;
* filters that begin as the identity where they can (dirac), batch norms that have no scale to
  learn, a classifier whose output is scaled down.

``speedrun`` is the network of the 94% recipe with its arithmetic moved to where maps are small: 192
and 320 channels in the last two groups where that has 256, and a third convolution on the last
maps, with a shortcut around two of the three. ``speedrun-large`` is the network of the 96% recipe:
wider, with three convolutions and the shortcut in each group.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import ModelError

SHAPES: dict[str, tuple[tuple[int, int], ...]] = {
    "speedrun": ((64, 2), (192, 2), (320, 3)),
    "speedrun-large": ((128, 3), (384, 3), (512, 3)),
}
"""Channels and convolutions of each group, by the model's name."""

PATCH = 2
"""Height and width of the whitened patches, in pixels."""

SMALLEST_VARIANCE = 5e-4
"""Added to the variances, so that directions which hold only noise are not blown up."""

NOTHING = 1e-6
"""A direction in which normalised patches vary less than this holds nothing, not even noise: all
that tells red from blue in grey images. A filter for it would give a constant, and each norm behind
it blow up the gradient of that by a million."""

BIAS_SHARE = 3 / 8
"""Of the training in which the whitening's bias is learned, as in the published recipe. After it
nothing has to be carried back through the first activation and the convolution behind it."""

LOGIT_SCALE = 1 / 9
"""As in the published networks: the classifier's learning rate goes with it."""


class SpeedrunNet(nn.Module):
    """Whitening, three groups of convolutions, a global max-pool and a classifier without bias."""

    def __init__(self, num_classes: int, shape: tuple[tuple[int, int], ...]) -> None:
        super().__init__()
        patch_values = 3 * PATCH * PATCH
        self.whitening = nn.Conv2d(3, 2 * patch_values, PATCH)
        # `initialise_from` computes it from the images; there is nothing to learn about it after.
        self.whitening.weight.requires_grad_(False)
        self.whitening.bias.data.zero_()  # type: ignore[union-attr]
        groups, inputs = [], 2 * patch_values
        for channels, depth in shape:
            groups.append(_Group(inputs, channels, depth))
            inputs = channels
        self.groups = nn.Sequential(*groups)
        self.classifier = nn.Linear(inputs, num_classes, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, num_classes) of normalised images (N, 3, height, width)."""
        maps = self.groups(F.gelu(self.whitening(images)))
        strongest = F.adaptive_max_pool2d(maps, 1).flatten(1)
        logits: Tensor = self.classifier(strongest) * LOGIT_SCALE
        return logits

    def settle(self, progress: float) -> None:
        """Learn the whitening's bias only as long as `progress`, of 1, is below `BIAS_SHARE`."""
        self.whitening.bias.requires_grad_(progress < BIAS_SHARE)  # type: ignore[union-attr]

    @torch.no_grad()
    def initialise_from(self, images: Tensor) -> None:
        """Set the first layer so that what it gives for these images is white.

        The rows are the eigenvectors of the patches' covariance over the square root of their
        eigenvalues, each once with either sign, so that the activation behind them loses nothing
        (Page 2018, part 8). Directions that hold nothing are left out: others come again instead.

        Args:
            images: normalised training images, float32 (N, 3, height, width); 5,000 are plenty.
        """
        values = 3 * PATCH * PATCH
        total, count = images.new_zeros(values, values, dtype=torch.float64), 0
        for part in torch.split(images, 100):  # all at once would be gigabytes of large images
            patches = F.unfold(part, PATCH).transpose(1, 2).reshape(-1, values).double()
            total += patches.T @ patches
            count += len(patches)
        covariance = total / count
        variances, directions = torch.linalg.eigh(covariance)
        # An eigenvector's sign is arbitrary and differs between libraries: fix it.
        largest = directions.gather(0, directions.abs().argmax(0, keepdim=True))
        rows = (directions * largest.sign() / (variances + SMALLEST_VARIANCE).sqrt()).T.flip(0)
        filled = max(1, int((variances > NOTHING).sum()))  # they stand first
        rows = rows[torch.arange(values) % filled]
        weight = torch.cat([rows, -rows]).view_as(self.whitening.weight)
        self.whitening.weight.copy_(weight)


class _Group(nn.Module):
    """Convolution, max-pool, norm, and `depth` - 1 more convolutions; three have a shortcut."""

    def __init__(self, inputs: int, outputs: int, depth: int) -> None:
        super().__init__()
        self.first = _filters(inputs, outputs, padding=0)  # `_pooled` pads
        self.pool = nn.MaxPool2d(2)
        self.first_norm = _norm(outputs)
        self.convolutions = nn.ModuleList(_filters(outputs, outputs) for _ in range(depth - 1))
        self.norms = nn.ModuleList(_norm(outputs) for _ in range(depth - 1))

    def forward(self, maps: Tensor) -> Tensor:
        maps = F.gelu(self.first_norm(self._pooled(maps)))
        shortcut = maps if len(self.norms) > 1 else None
        layers = list(zip(self.convolutions, self.norms, strict=True))
        for convolution, norm in layers[:-1]:
            maps = F.gelu(norm(convolution(maps)))
        convolution, norm = layers[-1]
        maps = norm(convolution(maps))
        return F.gelu(maps if shortcut is None else maps + shortcut)

    def _pooled(self, maps: Tensor) -> Tensor:
        """The first convolution and the pool behind it. Of maps with an odd side the pool leaves
        the last row and column out: they are not computed."""
        height, width = maps.shape[2:]
        padded = F.pad(maps, (1, 1 - width % 2, 1, 1 - height % 2))
        pooled: Tensor = self.pool(self.first(padded))
        return pooled


def speedrun(name: str, num_classes: int, image_size: int) -> SpeedrunNet:
    """The network `name` of `SHAPES` for square images of `image_size` pixels.

    Raises:
        ModelError: the images are too small to be halved three times after the first layer.
    """
    smallest = 2 ** len(SHAPES[name]) + PATCH - 1
    if image_size < smallest:
        raise ModelError(
            f"{name} cannot work on image_size {image_size}: the smallest image_size that it can "
            f"is {smallest}"
        )
    return SpeedrunNet(num_classes, SHAPES[name])


def _filters(inputs: int, outputs: int, padding: int = 1) -> nn.Conv2d:
    convolution = nn.Conv2d(inputs, outputs, 3, padding=padding, bias=False)
    # The first filters hand their inputs on as they are; the others keep their random values.
    nn.init.dirac_(convolution.weight.data[:inputs])
    return convolution


def _norm(channels: int) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(channels, eps=1e-12)
    norm.weight.requires_grad_(False)  # the next filters can scale as well
    return norm
