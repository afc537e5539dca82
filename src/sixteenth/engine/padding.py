"""Convolutions without the kernel elements that only multiply padding.

For a 1x1 map, eight of the nine elements of a padded 3x3 kernel are unused; for a 2x2 map, 16 of
the 25 elements of a 5x5 kernel. The convolution with the used elements alone gives the same result.
`engine.cpu` uses this for speed, `gradient_fault` for correct gradients.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor


class Axis(NamedTuple):
    """One spatial axis of a convolution, without the unused kernel elements.

    Output position ``o`` reads input positions ``o * stride + k - low`` for ``k < kernel``. The
    used elements are ``first .. first + kernel - 1`` of the parameter. ``high`` is the padding
    after the last input position; it is negative if the last positions are not read.
    """

    size: int
    out: int
    kernel: int
    stride: int
    low: int
    high: int
    first: int


@lru_cache(maxsize=4096)
def axis_of(size: int, kernel: int, stride: int, low: int, high: int) -> Axis | None:
    """The axis without unused kernel elements; None if a padding is as large as the kernel, or
    there is no output."""
    out = (size + low + high - kernel) // stride + 1
    if out < 1 or low >= kernel or high >= kernel:
        return None
    used = [k for k in range(kernel) if any(0 <= o * stride + k - low < size for o in range(out))]
    first, kept = used[0], used[-1] - used[0] + 1
    low -= first
    return Axis(size, out, kept, stride, low, (out - 1) * stride + kept - size - low, first)


def used_part(weight: Tensor, rows: Axis, cols: Axis) -> Tensor:
    """The used elements of a ``(C_out, C_in, k, k)`` weight, as a view."""
    if weight.shape[2:] == (rows.kernel, cols.kernel):
        return weight  # all elements are used, or it is cropped already
    return weight[
        :, :, rows.first : rows.first + rows.kernel, cols.first : cols.first + cols.kernel
    ]


def is_symmetric(axis: Axis) -> bool:
    """Whether the output has the same size with the padding ``low`` at both ends, as torch pads."""
    return (axis.size + 2 * axis.low - axis.kernel) // axis.stride + 1 == axis.out


def convolve(
    x: Tensor, kernel: Tensor, rows: Axis, cols: Axis, groups: int, bias: Tensor | None = None
) -> Tensor:
    """torch's convolution with the used elements of a kernel.

    The map is padded in a copy only if its two ends need different padding.
    """
    stride, padding = (rows.stride, cols.stride), (rows.low, cols.low)
    if not (is_symmetric(rows) and is_symmetric(cols)):
        x, padding = F.pad(x, (cols.low, cols.high, rows.low, rows.high)), (0, 0)
    return as_torch_strides(F.conv2d(x, kernel, bias, stride, padding, 1, groups))


def as_torch_strides(maps: Tensor) -> Tensor:
    """Maps (N, C, H, W); those of one pixel with the strides of torch's element-wise operations.

    With one pixel, different strides are equivalent. But if the input of a batch norm and its
    gradient have different ones, torch (up to 2.14) takes ten times as long for the gradient.
    """
    return maps.flatten(1)[:, :, None, None] if maps.shape[2:] == (1, 1) else maps
