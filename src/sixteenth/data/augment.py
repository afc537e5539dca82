"""Random crops, flips and cutout of a whole batch of uint8 images.

Shifts and flips are one gather: rows and columns are indexed, and indices beyond the edge are
reflected. There is no Python loop over images and no padded copy of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .device import to_device


def crop_and_flip(
    images: Tensor, *, crop: int, flip: bool | Tensor, generator: torch.Generator
) -> Tensor:
    """Images shifted at random by up to `crop` pixels, edges reflected, and flipped left-right.

    Args:
        images: uint8, (N, height, width, 3), on any device.
        crop: largest shift in pixels, smaller than the image; 0 for none.
        flip: True flips each image with probability 1/2. A bool tensor (N,) on the CPU says which
            images to flip, as `alternating_flip` returns it.
        generator: on the CPU, so that the random numbers do not depend on the device.

    Returns:
        uint8, (N, height, width, 3), contiguous.
    """
    if not crop and flip is False:
        return images
    n = len(images)
    shift_y, shift_x = torch.randint(-crop, crop + 1, (2, n), generator=generator)
    if not isinstance(flip, Tensor):
        flip = torch.rand(n, generator=generator) < 0.5 if flip else torch.zeros(n).bool()
    return _shift_and_flip(images, shift_y, shift_x, flip)


def alternating_flip(count: int, epoch: int, seed: int) -> Tensor:
    """Which of `count` images to flip in an epoch: a random half, the other half in the next one.

    Two epochs in a row then show each image both ways. With independent random flips, half of the
    images would look the same in both (Jordan 2024, arXiv 2404.00498, section 3.6).

    Args:
        seed: draws the half that is flipped first; the same in all epochs of a run.

    Returns:
        bool, (count,), on the CPU.
    """
    first = torch.rand(count, generator=torch.Generator().manual_seed(seed)) < 0.5
    return first if epoch % 2 else ~first


def cut_out(
    images: Tensor, *, size: int, colour: Sequence[float], generator: torch.Generator
) -> Tensor:
    """Images with one random square in `colour` each (DeVries and Taylor 2017, arXiv 1708.04552).

    Args:
        images: uint8, (N, height, width, 3), on any device.
        size: side of the square in pixels; it lies inside the image.
        colour: red, green and blue, 0 to 255; usually the mean of the training images.
        generator: on the CPU, as in `crop_and_flip`.

    Returns:
        uint8, (N, height, width, 3), a copy.
    """
    n, height, width, _ = images.shape
    top = torch.randint(0, height - size + 1, (n, 1), generator=generator)
    left = torch.randint(0, width - size + 1, (n, 1), generator=generator)
    # Only these positions are copied to the device; the masks are built there.
    top, left = (to_device(drawn, images.device) for drawn in (top, left))
    row = torch.arange(height, device=images.device)
    column = torch.arange(width, device=images.device)
    rows = (row >= top) & (row < top + size)
    columns = (column >= left) & (column < left + size)
    square = (rows[:, :, None] & columns[:, None, :])[..., None]
    fill = torch.tensor([round(value) for value in colour], dtype=torch.uint8)
    return torch.where(square, fill.to(images.device), images)


def shift_images(images: Tensor, down: int, right: int, *, flip: bool) -> Tensor:
    """All images moved by the same number of pixels, edges reflected.

    Args:
        images: uint8, (N, height, width, 3), on any device.
        flip: flip them left-right first.
    """
    ones = torch.ones(len(images), dtype=torch.int64)
    return _shift_and_flip(images, -down * ones, -right * ones, flip * ones.bool())


def _shift_and_flip(images: Tensor, shift_y: Tensor, shift_x: Tensor, flip: Tensor) -> Tensor:
    """Images whose pixel (y, x) is pixel (y + shift_y, x + shift_x) of the image, or of its flip.

    Shifts are int64 (N,), `flip` is bool (N,), all on the CPU.
    """
    n, height, width, _ = images.shape
    device = images.device
    # Three numbers per image are copied to the device; the index of each pixel is computed there.
    shift_y, shift_x, flip = (to_device(drawn, device) for drawn in (shift_y, shift_x, flip))
    rows = _reflect(torch.arange(height, device=device) + shift_y[:, None], height)
    columns = _reflect(torch.arange(width, device=device) + shift_x[:, None], width)
    columns = torch.where(flip[:, None], width - 1 - columns, columns)
    image = torch.arange(n, device=device)[:, None, None]
    pixel = (image * height + rows[:, :, None]) * width + columns[:, None, :]
    flat = images.reshape(n * height * width, 3)
    return flat.index_select(0, pixel.flatten()).view(images.shape)


def _reflect(index: Tensor, size: int) -> Tensor:
    """Indices outside 0 .. size - 1 reflected at the edge pixel, as in ``pad(mode="reflect")``."""
    index = index.abs()
    return torch.where(index < size, index, 2 * (size - 1) - index)
