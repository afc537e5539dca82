"""Which taps of a kernel meet a feature map, along each of its two axes, and where.

On a 1x1 map eight of the nine taps of a padded 3x3 kernel only ever multiply padding; on a 2x2 map
a 5x5 kernel is a 3x3 one, and each of its outputs still meets only two of three taps along an axis
(`Span`). Here are the geometry and the backend's own convolution with the taps that are left. Other
ways to compute it stand in `dense` and `depthwise`; which one is taken is decided in `lowering`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class Axis(NamedTuple):
    """One spatial axis of a convolution, after unseen taps were dropped.

    Output position ``o`` reads input positions ``o * stride + tap - low`` for ``tap < kernel``;
    the kept taps are ``first .. first + kernel - 1`` of the parameter.  ``high`` is the padding
    after the last input position, negative where trailing positions are never read.
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
    """The axis with its unseen taps dropped; None where the geometry is not an ordinary one."""
    out = (size + low + high - kernel) // stride + 1
    if out < 1 or low >= kernel or high >= kernel:
        return None
    met = [t for t in range(kernel) if any(0 <= o * stride + t - low < size for o in range(out))]
    first, kept = met[0], met[-1] - met[0] + 1
    low -= first
    return Axis(size, out, kept, stride, low, (out - 1) * stride + kept - size - low, first)


class Span(NamedTuple):
    """Neighbouring outputs along an axis that meet the map with the same taps.

    Attributes:
        first, length: which outputs.
        tap, taps: the first of their taps, and how many.
        start: the input position that the first tap of the first output reads.
    """

    first: int
    length: int
    tap: int
    taps: int
    start: int

    @property
    def outputs(self) -> slice:
        return slice(self.first, self.first + self.length)

    @property
    def met(self) -> slice:
        return slice(self.tap, self.tap + self.taps)


@lru_cache(maxsize=4096)
def spans_of(axis: Axis) -> tuple[Span, ...]:
    """All outputs of an axis that meet the map at all, in as few spans as they can be cut into."""
    spans: list[Span] = []
    for out in range(axis.out):
        start = out * axis.stride - axis.low
        met = [tap for tap in range(axis.kernel) if 0 <= start + tap < axis.size]
        if not met:
            continue
        last = spans[-1] if spans else None
        if last and (last.tap, last.taps) == (met[0], len(met)) and last.outputs.stop == out:
            spans[-1] = last._replace(length=last.length + 1)
        else:
            spans.append(Span(out, 1, met[0], len(met), start + met[0]))
    return tuple(spans)


class Residue(NamedTuple):
    """Every `stride`-th input position of an axis, and how the output gradient reaches it.

    Attributes:
        first: the first of these positions; the others follow in steps of the stride.
        tap: the first of the taps that reach them; these too are a stride apart.
        axis: the stride-1 convolution of the output gradient, by these taps in reverse order, that
            gives these positions' gradient.
    """

    first: int
    tap: int
    axis: Axis


@lru_cache(maxsize=4096)
def residues_of(axis: Axis) -> tuple[Residue, ...]:
    """The input positions that any tap reaches, in as many parts as the axis has strides at most.

    Output ``o`` reads input ``i`` by tap ``i + low - o * stride``: positions whose ``i + low``
    leave the same remainder share their taps.
    """
    parts = []
    for remainder in range(axis.stride):
        first = (remainder - axis.low) % axis.stride
        taps = len(range(remainder, axis.kernel, axis.stride))
        count = len(range(first, axis.size, axis.stride))
        if taps and count:
            low = taps - 1 - (first + axis.low) // axis.stride
            high = count - 1 + taps - axis.out - low
            parts.append(
                Residue(first, remainder, Axis(axis.out, count, taps, 1, low, high, first=0))
            )
    return tuple(parts)


def mirrored(axis: Axis) -> Axis:
    """The axis of the convolution that takes an output gradient back to the input (stride 1)."""
    low, high = axis.kernel - 1 - axis.low, axis.size + axis.low - axis.out
    return Axis(axis.out, axis.size, axis.kernel, 1, low, high, first=0)


def seen(weight: Tensor, rows: Axis, cols: Axis) -> Tensor:
    """The part of a ``(C_out, C_in, k, k)`` weight that ever meets the map, as a view."""
    if weight.shape[2:] == (rows.kernel, cols.kernel):
        return weight  # all of it, or trimmed already
    return weight[
        :, :, rows.first : rows.first + rows.kernel, cols.first : cols.first + cols.kernel
    ]


class Window(NamedTuple):
    """The taps of a kernel that maps of one size meet."""

    rows: Axis
    cols: Axis

    def of(self, weight: Tensor) -> Tensor:
        """Those taps of a ``(C_out, C_in, k, k)`` weight, as a view."""
        return seen(weight, self.rows, self.cols)


def whole_grad(grad: Tensor, like: Tensor, rows: Axis, cols: Axis) -> Tensor:
    """A gradient for the whole weight: ``grad`` at the seen taps, zero elsewhere."""
    # The strides of the weight, so that the optimiser need not copy.
    if grad.shape == like.shape:
        same = grad.stride() == like.stride()
        return grad.to(like.dtype) if same else torch.empty_like(like).copy_(grad)
    full = torch.zeros_like(like)
    seen(full, rows, cols).copy_(grad)
    return full


def nhwc(x: Tensor) -> Tensor:
    """``(N, C, H, W)`` as a contiguous ``(N, H, W, C)``; free for a channels-last tensor."""
    return x.permute(0, 2, 3, 1).contiguous()


def is_symmetric(axis: Axis) -> bool:
    """Whether the backend, which pads both ends alike, gives as many outputs."""
    return (axis.size + 2 * axis.low - axis.kernel) // axis.stride + 1 == axis.out


def convolve(
    x: Tensor, taps: Tensor, rows: Axis, cols: Axis, groups: int, bias: Tensor | None = None
) -> Tensor:
    """The backend's convolution with the seen taps; the map is copied only where its two sides
    need different padding."""
    stride, padding = (rows.stride, cols.stride), (rows.low, cols.low)
    if not (is_symmetric(rows) and is_symmetric(cols)):
        x, padding = F.pad(x, (cols.low, cols.high, rows.low, rows.high)), (0, 0)
    return as_torch_strides(F.conv2d(x, taps, bias, stride, padding, 1, groups))


def as_torch_strides(maps: Tensor) -> Tensor:
    """``(N, C, H, W)`` as it is; maps of one pixel with the strides that torch's own element-wise
    operations give to such.

    Many strides mean the same there, but where those of a batch norm's input and of its gradient
    differ, torch computes the gradient in a way that takes ten times as long (seen up to 2.14).
    """
    return maps.flatten(1)[:, :, None, None] if maps.shape[2:] == (1, 1) else maps
