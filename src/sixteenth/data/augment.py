"""Random crops, flips and cut-outs of a whole batch as index arithmetic on uint8 tensors.

No per-image Python and no padded copy of the images: a shifted, mirrored image is a choice of rows
and columns, and pixels beyond the edge are mirrored back in by the same arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def crop_and_flip(
    images: Tensor, *, crop: int, flip: bool | Tensor, generator: torch.Generator
) -> Tensor:
    """Shift each image by up to `crop` pixels each way (edges reflected) and mirror some of them.

    Args:
        images: uint8, (N, height, width, 3), on any device.
        crop: largest shift in pixels, smaller than the image; 0 leaves images where they are.
        flip: whether to mirror left-right with probability 1/2; or which images to mirror, bool
            (N,) on the CPU, as `alternating_flip` gives it.
        generator: a CPU generator, so that what is drawn does not depend on the device.

    Returns:
        uint8, (N, height, width, 3), contiguous.
    """
    if not crop and flip is False:
        return images
    n = len(images)
    shift_y, shift_x = torch.randint(-crop, crop + 1, (2, n), generator=generator)
    if isinstance(flip, Tensor):
        mirrored = flip
    else:
        mirrored = torch.rand(n, generator=generator) < 0.5 if flip else torch.zeros(n).bool()
    return _moved(images, shift_y, shift_x, mirrored)


def alternating_flip(count: int, epoch: int, seed: int) -> Tensor:
    """Which of `count` images epoch `epoch` mirrors: half of them, the other half the next time.

    Two epochs show each image both ways round, where independent coins would show every second one
    the same way twice (Jordan 2024, arXiv 2404.00498, section 3.6).

    Args:
        seed: which half is mirrored first; the same in all epochs of a run.

    Returns:
        bool, (count,), on the CPU.
    """
    first = torch.rand(count, generator=torch.Generator().manual_seed(seed)) < 0.5
    return first if epoch % 2 else ~first


def cut_out(
    images: Tensor, *, size: int, colour: Sequence[float], generator: torch.Generator
) -> Tensor:
    """Paint one square of each image in `colour` (DeVries and Taylor 2017, arXiv 1708.04552).

    Args:
        images: uint8, (N, height, width, 3), on any device.
        size: side of the square in pixels; its place is drawn so that it lies inside the image.
        colour: red, green and blue, 0 to 255: the training images' mean.
        generator: a CPU generator, as in `crop_and_flip`.

    Returns:
        uint8, (N, height, width, 3), a copy.
    """
    n, height, width, _ = images.shape
    top = torch.randint(0, height - size + 1, (n, 1), generator=generator)
    left = torch.randint(0, width - size + 1, (n, 1), generator=generator)
    # The few numbers that were drawn go to the device, and the masks are made there.
    top, left = (drawn.to(images.device, non_blocking=True) for drawn in (top, left))
    row = torch.arange(height, device=images.device)
    column = torch.arange(width, device=images.device)
    hidden_rows = (row >= top) & (row < top + size)
    hidden_columns = (column >= left) & (column < left + size)
    hidden = (hidden_rows[:, :, None] & hidden_columns[:, None, :])[..., None]
    paint = torch.tensor([round(value) for value in colour], dtype=torch.uint8)
    return torch.where(hidden, paint.to(images.device), images)


def shifted(images: Tensor, down: int, right: int, *, mirror: bool) -> Tensor:
    """All images, mirrored left-right if asked, then moved by so many pixels (edges reflected).

    Args:
        images: uint8, (N, height, width, 3), on any device.
    """
    every = torch.ones(len(images), dtype=torch.int64)
    return _moved(images, -down * every, -right * every, mirror * every.bool())


def _moved(images: Tensor, shift_y: Tensor, shift_x: Tensor, mirrored: Tensor) -> Tensor:
    """Images whose pixel (y, x) is the old (y + shift_y, x + shift_x), of the mirrored if asked.

    Shifts are int64 (N,), `mirrored` is bool (N,), all on the CPU.
    """
    n, height, width, _ = images.shape
    device = images.device
    # Three numbers an image go to the device, not one a pixel.
    shift_y, shift_x, mirrored = (
        drawn.to(device, non_blocking=True) for drawn in (shift_y, shift_x, mirrored)
    )
    rows = _reflect(torch.arange(height, device=device) + shift_y[:, None], height)
    columns = _reflect(torch.arange(width, device=device) + shift_x[:, None], width)
    columns = torch.where(mirrored[:, None], width - 1 - columns, columns)
    pixel = (
        rows[:, :, None] * width
        + columns[:, None, :]
        + torch.arange(n, device=device)[:, None, None] * height * width
    )
    flat = images.reshape(n * height * width, 3)
    return flat.index_select(0, pixel.flatten()).view(images.shape)


def _reflect(position: Tensor, size: int) -> Tensor:
    """Positions outside 0 .. size - 1 mirrored at the edge pixel, as in ``pad(mode="reflect")``."""
    position = position.abs()
    return torch.where(position < size, position, 2 * (size - 1) - position)
