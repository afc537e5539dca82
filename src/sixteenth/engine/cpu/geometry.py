"""Which outputs of a convolution use which elements of its kernel, along each of the two axes.

On a 2x2 map a padded 5x5 kernel is a 3x3 one without its unused elements (`engine.padding`), and
each output still uses only two of its three elements along an axis.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from ..padding import Axis, used_part


class Span(NamedTuple):
    """Neighbouring outputs along an axis that use the same kernel elements.

    Attributes:
        first, length: which outputs.
        kernel_first, kernel_length: which elements of the kernel.
        start: the input position that the first element of the first output reads.
    """

    first: int
    length: int
    kernel_first: int
    kernel_length: int
    start: int

    @property
    def outputs(self) -> slice:
        return slice(self.first, self.first + self.length)

    @property
    def kernel(self) -> slice:
        return slice(self.kernel_first, self.kernel_first + self.kernel_length)


@lru_cache(maxsize=4096)
def spans_of(axis: Axis) -> tuple[Span, ...]:
    """All outputs of an axis that read the map at all, in as few spans as possible."""
    spans: list[Span] = []
    for out in range(axis.out):
        start = out * axis.stride - axis.low
        used = [k for k in range(axis.kernel) if 0 <= start + k < axis.size]
        if not used:
            continue
        last = spans[-1] if spans else None
        same = last and (last.kernel_first, last.kernel_length) == (used[0], len(used))
        if last and same and last.outputs.stop == out:
            spans[-1] = last._replace(length=last.length + 1)
        else:
            spans.append(Span(out, 1, used[0], len(used), start + used[0]))
    return tuple(spans)


class Residue(NamedTuple):
    """Every `stride`-th input position of an axis, and how the output gradient reaches it.

    Attributes:
        first: the first of these positions; the others follow in steps of the stride.
        kernel_first: the first of the kernel elements that reach them, a stride apart too.
        axis: the stride-1 convolution of the output gradient, by these elements in reverse order,
            that gives these positions' gradient.
    """

    first: int
    kernel_first: int
    axis: Axis


@lru_cache(maxsize=4096)
def residues_of(axis: Axis) -> tuple[Residue, ...]:
    """The input positions that any kernel element reaches, in at most `axis.stride` parts.

    Output ``o`` reads input ``i`` by element ``i + low - o * stride``: positions whose ``i + low``
    leave the same remainder share their elements.
    """
    parts = []
    for remainder in range(axis.stride):
        first = (remainder - axis.low) % axis.stride
        elements = len(range(remainder, axis.kernel, axis.stride))
        count = len(range(first, axis.size, axis.stride))
        if elements and count:
            low = elements - 1 - (first + axis.low) // axis.stride
            high = count - 1 + elements - axis.out - low
            parts.append(
                Residue(first, remainder, Axis(axis.out, count, elements, 1, low, high, first=0))
            )
    return tuple(parts)


def mirrored(axis: Axis) -> Axis:
    """The axis of the convolution that takes an output gradient back to the input (stride 1)."""
    low, high = axis.kernel - 1 - axis.low, axis.size + axis.low - axis.out
    return Axis(axis.out, axis.size, axis.kernel, 1, low, high, first=0)


def full_gradient(grad: Tensor, like: Tensor, rows: Axis, cols: Axis) -> Tensor:
    """A gradient for the whole weight: ``grad`` at the used elements, zero elsewhere."""
    # The strides of the weight, so that the optimiser need not copy.
    if grad.shape == like.shape:
        same = grad.stride() == like.stride()
        return grad.to(like.dtype) if same else torch.empty_like(like).copy_(grad)
    full = torch.zeros_like(like)
    used_part(full, rows, cols).copy_(grad)
    return full


def backend_gradient(
    of: Literal["input", "weight"],
    grad: Tensor,
    x: Tensor,
    kernel: Tensor,
    rows: Axis,
    cols: Axis,
    groups: int = 1,
) -> Tensor:
    """torch's own gradient of a convolution that pads ``low`` positions at both ends of an axis."""
    stride, padding = [rows.stride, cols.stride], [rows.low, cols.low]
    wanted = [of == "input", of == "weight", False]
    gradients: tuple[Tensor, Tensor, Tensor] = torch.ops.aten.convolution_backward(
        grad, x, kernel, None, stride, padding, [1, 1], False, [0, 0], groups, wanted
    )
    return gradients[0 if of == "input" else 1]


def nhwc(x: Tensor) -> Tensor:
    """``(N, C, H, W)`` as a contiguous ``(N, H, W, C)``; free for a channels-last tensor."""
    return x.permute(0, 2, 3, 1).contiguous()
