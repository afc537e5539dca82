"""Random crops and flips of a whole batch as index arithmetic on uint8 tensors.

No per-image Python and no padded copy of the images: a shifted, mirrored image is a choice of rows
and columns, and pixels beyond the edge are mirrored back in by the same arithmetic.
"""

from __future__ import annotations

import torch
from torch import Tensor


def crop_and_flip(images: Tensor, *, crop: int, flip: bool, generator: torch.Generator) -> Tensor:
    """Shift each image by up to `crop` pixels each way (edges reflected) and mirror half of them.

    Args:
        images: uint8, (N, height, width, 3), on any device.
        crop: largest shift in pixels, smaller than the image; 0 leaves images where they are.
        flip: whether to mirror left-right with probability 1/2.
        generator: a CPU generator, so that what is drawn does not depend on the device.

    Returns:
        uint8, (N, height, width, 3), contiguous.
    """
    if not crop and not flip:
        return images
    n, height, width, _ = images.shape
    shift_y, shift_x = torch.randint(-crop, crop + 1, (2, n, 1), generator=generator)
    mirrored = torch.rand(n, 1, generator=generator) < 0.5 if flip else torch.zeros(n, 1).bool()
    rows = _reflect(torch.arange(height) + shift_y, height)
    columns = _reflect(torch.arange(width) + shift_x, width)
    columns = torch.where(mirrored, width - 1 - columns, columns)
    pixel = (
        rows[:, :, None] * width
        + columns[:, None, :]
        + torch.arange(n)[:, None, None] * height * width
    )
    flat = images.reshape(n * height * width, 3)
    return flat.index_select(0, pixel.flatten().to(images.device)).view(images.shape)


def _reflect(position: Tensor, size: int) -> Tensor:
    """Positions outside 0 .. size - 1 mirrored at the edge pixel, as in ``pad(mode="reflect")``."""
    position = position.abs()
    return torch.where(position < size, position, 2 * (size - 1) - position)
