"""Small convolutional networks that train fast from random weights: the CIFAR-10 speedruns.

The first one is by Page (2018, "How to train your ResNet"). hlb-CIFAR10 (Balsam 2023) and Jordan
(2024, arXiv 2404.00498) reach 94% on CIFAR-10 in seconds on one GPU. These networks have in common:

* a first layer that whitens 2x2 patches. Its filters are computed once from the training images and
  then fixed, so training does not have to undo the correlation of neighbouring pixels;
* three groups of 3x3 convolutions. Each group halves the map by max-pooling before its first norm,
  which makes the norm cheaper;
* Dirac initialisation, batch norms without a learned scale, and scaled logits.

``speedrun`` is the network of the 94% recipe with more of its computation on small maps: 192 and
320 channels in the last two groups instead of 256, and a third convolution in the last group, with
a shortcut around two of the three. ``speedrun-large`` is the network of the 96% recipe: wider, with
three convolutions and the shortcut in each group.
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

PATCH_SIZE = 2
"""Height and width of the whitened patches, in pixels."""

VARIANCE_EPSILON = 5e-4
"""Added to the variances, so that directions with nothing but noise are not amplified."""

MIN_VARIANCE = 1e-6
"""Directions in which the normalised patches vary less are left out, for example the differences
between the colours of grey images. The output of a filter for one would be constant, and each norm
after it would multiply the gradient by a million."""

BIAS_SHARE = 3 / 8
"""Part of the training in which the whitening's bias is learned, as in the published recipe. Later,
the backward pass ends before the first activation, which saves time."""

LOGIT_SCALE = 1 / 9
"""As in the published networks. The learning rate of the classifier is tuned for it."""


class SpeedrunNet(nn.Module):
    """Whitening, three groups of convolutions, a global max-pool and a classifier without bias."""

    def __init__(self, num_classes: int, shape: tuple[tuple[int, int], ...]) -> None:
        super().__init__()
        patch_values = 3 * PATCH_SIZE**2
        self.whitening = nn.Conv2d(3, 2 * patch_values, PATCH_SIZE)
        # `initialise_from` computes it from the images; it is not trained.
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
        features = F.adaptive_max_pool2d(maps, 1).flatten(1)
        logits: Tensor = self.classifier(features) * LOGIT_SCALE
        return logits

    def set_training_progress(self, progress: float) -> None:
        """Train the whitening's bias only while `progress`, from 0 to 1, is below `BIAS_SHARE`."""
        self.whitening.bias.requires_grad_(progress < BIAS_SHARE)  # type: ignore[union-attr]

    @torch.no_grad()
    def initialise_from(self, images: Tensor) -> None:
        """Set the filters of the first layer so that they whiten the patches of these images.

        The filters are the eigenvectors of the patches' covariance, divided by the square root of
        the eigenvalues, with both signs, so that the activation loses no information (Page 2018,
        part 8). Directions below `MIN_VARIANCE` are replaced by copies of the others.

        Args:
            images: normalised training images, float32 (N, 3, height, width); 5,000 of 64 pixels
                are enough, and of larger ones fewer.
        """
        values = 3 * PATCH_SIZE**2
        total, count = images.new_zeros(values, values, dtype=torch.float64), 0
        at_once = max(1, min(100, 100 * 64 * 64 // (images.shape[2] * images.shape[3])))
        for part in torch.split(images, at_once):  # all at once could take gigabytes
            patches = F.unfold(part, PATCH_SIZE).transpose(1, 2).reshape(-1, values).double()
            total += patches.T @ patches
            count += len(patches)
        covariance = total / count
        variances, directions = torch.linalg.eigh(covariance)
        # The sign of an eigenvector is arbitrary and differs between libraries.
        largest = directions.gather(0, directions.abs().argmax(0, keepdim=True))
        rows = (directions * largest.sign() / (variances + VARIANCE_EPSILON).sqrt()).T.flip(0)
        used = max(1, int((variances > MIN_VARIANCE).sum()))  # the first rows
        rows = rows[torch.arange(values) % used]
        weight = torch.cat([rows, -rows]).view_as(self.whitening.weight)
        self.whitening.weight.copy_(weight)


class _Group(nn.Module):
    """Convolution, max-pool, norm, and `depth` - 1 more convolutions; with 3, a shortcut."""

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
        """First convolution and max-pool. If a side is odd, the pool ignores the convolution's last
        row or column, so it is not computed."""
        height, width = maps.shape[2:]
        padded = F.pad(maps, (1, 1 - width % 2, 1, 1 - height % 2))
        pooled: Tensor = self.pool(self.first(padded))
        return pooled


def speedrun(name: str, num_classes: int, image_size: int) -> SpeedrunNet:
    """The network `name` of `SHAPES` for square images of `image_size` pixels.

    Raises:
        ModelError: the images are too small to be halved three times after the first layer.
    """
    smallest = 2 ** len(SHAPES[name]) + PATCH_SIZE - 1
    if image_size < smallest:
        raise ModelError(
            f"{name} cannot work on image_size {image_size}: the smallest image_size that it can "
            f"is {smallest}"
        )
    return SpeedrunNet(num_classes, SHAPES[name])


def _filters(inputs: int, outputs: int, padding: int = 1) -> nn.Conv2d:
    convolution = nn.Conv2d(inputs, outputs, 3, padding=padding, bias=False)
    # The first `inputs` filters are the identity; the others keep their random values.
    nn.init.dirac_(convolution.weight.data[:inputs])
    return convolution


def _norm(channels: int) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(channels, eps=1e-12)
    norm.weight.requires_grad_(False)  # the next convolution can scale too
    return norm
