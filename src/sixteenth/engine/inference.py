"""From uint8 images to logits: normalisation, batches, test-time augmentation.

Training, evaluation and `sixteenth predict` all use this module, so a network always gets the same
input.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..data.augment import shift_images
from ..spec.fields import Interpolation, Views
from .execution import Execution
from .images import DeviceImages

VIEWS: dict[str, tuple[tuple[int, int, float], ...]] = {
    "mirror": ((0, 0, 1.0),),
    "mirror-shift": ((0, 0, 0.5), (-1, -1, 0.25), (1, 1, 0.25)),
}
"""Test-time augmentation: (pixels down, pixels right, weight) of each shift. Each is used twice, as
it is and flipped, with half the weight."""

MAX_PIXELS = 500 * 64 * 64
"""Pixels in one batch of evaluation: 500 images of 64x64, fewer larger ones."""


class InputNormalisation:
    """Normalises uint8 images: ``(pixel / 255 - mean) / std``.

    Args:
        mean, std: of red, green and blue, for pixels in [0, 1].
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float], execution: Execution) -> None:
        device = execution.device
        self._mean = torch.tensor(mean, device=device).view(1, 3, 1, 1) * 255
        self._scale = 1 / (torch.tensor(std, device=device).view(1, 3, 1, 1) * 255)
        self._channels_last = execution.layout == "channels-last"

    def __call__(self, images: Tensor) -> Tensor:
        """uint8 (n, height, width, 3) to float32 (n, 3, height, width) in the memory layout."""
        pixels = images.permute(0, 3, 1, 2).float().sub_(self._mean).mul_(self._scale)
        return pixels if self._channels_last else pixels.contiguous()


class ImageClassifier(nn.Module):
    """A network that normalises its input by itself, for those who deploy it.

    Attributes:
        classes: their names, in the order of the logits.
        image_size: height and width of the images, in pixels.
        interpolation: by which training images were resized.
    """

    def __init__(
        self,
        network: nn.Module,
        mean: Sequence[float],
        std: Sequence[float],
        classes: Sequence[str],
        image_size: int,
        interpolation: Interpolation = "bilinear",
    ) -> None:
        super().__init__()
        self.interpolation = interpolation
        self.network, self.classes, self.image_size = network, tuple(classes), image_size
        self.mean: Tensor
        self.scale: Tensor
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1) * 255)
        self.register_buffer("scale", 1 / (torch.tensor(std).view(1, 3, 1, 1) * 255))

    def forward(self, images: Tensor) -> Tensor:
        """Logits, float32 (n, classes), of uint8 images (n, height, width, 3)."""
        pixels = (images.permute(0, 3, 1, 2).float() - self.mean) * self.scale
        logits: Tensor = self.network(pixels)
        return logits


def count_views(views: Views) -> int:
    """Number of forward passes for each image."""
    return 2 * len(VIEWS[views]) if views != "none" else 1


@torch.inference_mode()
def class_scores(
    model: nn.Module,
    images: Tensor | DeviceImages,
    normalise: InputNormalisation,
    execution: Execution,
    views: Views = "none",
) -> Tensor:
    """Logits, float32 (n, classes), of uint8 images (n, height, width, 3) on the device.

    Args:
        model: in evaluation mode.
        views: test-time augmentation; the logits are averaged over the views.
    """
    batch_size = max(1, min(500, MAX_PIXELS // (images.shape[1] * images.shape[2])))

    def scores(batch: Tensor) -> Tensor:
        with execution.autocast():
            logits: Tensor = model(normalise(batch)).float()
        return logits

    def averaged_scores(batch: Tensor) -> Tensor:
        weighted = [
            weight / 2 * scores(shift_images(batch, down, right, flip=flip))
            for down, right, weight in VIEWS[views]
            for flip in (False, True)
        ]
        return torch.stack(weighted).sum(0)

    score_batch = scores if views == "none" else averaged_scores
    starts = range(0, max(1, len(images)), batch_size)
    return torch.cat([score_batch(images[start : start + batch_size]) for start in starts])
