"""From uint8 images to class scores: normalisation, batches, several views of one image.

The training, its measurements and `sixteenth predict` go through here, so that a trained network is
always shown the same thing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from ..data.augment import shifted
from .execution import Execution

Views = Literal["none", "mirror", "mirror-shift"]

VIEWS: dict[str, tuple[tuple[int, int, float], ...]] = {
    "mirror": ((0, 0, 1.0),),
    "mirror-shift": ((0, 0, 0.5), (-1, -1, 0.25), (1, 1, 0.25)),
}
"""Test-time augmentation: (pixels down, pixels right, weight) of each view, which is shown as it is
and mirrored; both count half."""

PIXELS_TOGETHER = 500 * 64 * 64
"""Pixels of the images that are evaluated at a time: 500 of them at 64x64, fewer of larger ones."""


class InputNormalisation:
    """Brings uint8 images to mean 0 and deviation 1 in each channel.

    Args:
        mean, std: of red, green and blue, in [0, 1].
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float], execution: Execution) -> None:
        device = execution.device
        self._mean = torch.tensor(mean, device=device).view(1, 3, 1, 1) * 255
        self._scale = 1 / (torch.tensor(std, device=device).view(1, 3, 1, 1) * 255)
        self._channels_last = execution.layout == "channels-last"

    def __call__(self, images: Tensor) -> Tensor:
        """uint8 (n, height, width, 3) to float32 (n, 3, height, width), in the layout."""
        pixels = images.permute(0, 3, 1, 2).float().sub_(self._mean).mul_(self._scale)
        return pixels if self._channels_last else pixels.contiguous()


def count_views(views: Views) -> int:
    """How often each image passes through the network."""
    return 2 * len(VIEWS[views]) if views != "none" else 1


@torch.inference_mode()
def class_scores(
    model: nn.Module,
    images: Tensor,
    normalise: InputNormalisation,
    execution: Execution,
    views: Views = "none",
) -> Tensor:
    """Logits, float32 (n, classes), of uint8 images (n, height, width, 3) on the device.

    Args:
        model: in evaluation mode.
        views: which test-time augmentation; the logits of the views are averaged.
    """
    together = max(1, min(500, PIXELS_TOGETHER // (images.shape[1] * images.shape[2])))

    def scores(batch: Tensor) -> Tensor:
        with execution.autocast():
            logits: Tensor = model(normalise(batch)).float()
        return logits

    def over_views(batch: Tensor) -> Tensor:
        weighted = [
            weight / 2 * scores(shifted(batch, down, right, mirror=mirror))
            for down, right, weight in VIEWS[views]
            for mirror in (False, True)
        ]
        return torch.stack(weighted).sum(0)

    one = scores if views == "none" else over_views
    return torch.cat([one(batch) for batch in torch.split(images, together)])
