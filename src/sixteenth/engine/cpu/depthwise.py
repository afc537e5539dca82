"""A depthwise convolution with gradients that avoid the backend's slow ones on a CPU.

The backend's forward kernel is fast. The input gradient is a forward convolution with the mirrored
kernel, the weight gradient a batched product over channels.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from ..padding import Axis, convolve, is_symmetric, used_part
from .geometry import backend_gradient, full_gradient, mirrored, nhwc

# The weight gradient by batched products does work for every (input, output) position pair, used or
# not: beyond this many pairs a direct convolution is the better choice.
_MAX_POSITION_PAIRS = 256 * 64
# Elements of a channel slice that is transposed at a time, so that it stays in cache.
_SLICE_ELEMENTS = 1 << 21


class Depthwise(torch.autograd.Function):
    """A depthwise convolution with gradients that avoid the backend's slow ones."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, rows: Axis, cols: Axis) -> Tensor:
        kernel = used_part(weight, rows, cols).to(x.dtype).contiguous()
        ctx.save_for_backward(x, kernel, weight)
        ctx.geometry = rows, cols
        return convolve(x, kernel, rows, cols, x.shape[1])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        x, kernel, weight = ctx.saved_tensors
        rows, cols = ctx.geometry
        grad = grad.contiguous(memory_format=torch.channels_last)
        grad_x = grad_weight = None
        if ctx.needs_input_grad[0]:
            grad_x = _input_grad(grad, kernel, rows, cols)
        if ctx.needs_input_grad[1]:
            used = _weight_grad(x, grad, kernel, rows, cols)
            grad_weight = full_gradient(used, weight, rows, cols)
        return grad_x, grad_weight, None, None


def _input_grad(grad: Tensor, kernel: Tensor, rows: Axis, cols: Axis) -> Tensor:
    """``dx[i] = sum_k w[k] g[(i + low - k) / stride]``: a stride-1 convolution of the gradient,
    with ``stride - 1`` zeros put between its positions, by the kernel mirrored."""
    n, c = grad.shape[:2]
    if (rows.stride, cols.stride) != (1, 1):
        height, width = (a.size + a.kernel - 1 for a in (rows, cols))
        spread = grad.new_zeros((n, height, width, c)).permute(0, 3, 1, 2)
        top, left = (a.kernel - 1 - a.low for a in (rows, cols))
        spread[
            :,
            :,
            top : top + rows.stride * rows.out : rows.stride,
            left : left + cols.stride * cols.out : cols.stride,
        ] = grad
        return F.conv2d(spread, kernel.flip(2, 3), groups=c)
    back = mirrored(rows), mirrored(cols)
    return convolve(grad, kernel.flip(2, 3), back[0], back[1], c)


@lru_cache(maxsize=256)
def _element_of_pair(rows: Axis, cols: Axis, dtype: torch.dtype) -> Tensor:
    """A 0/1 matrix ``(H*W * H_out*W_out, k*k)``: which element joins an input to an output."""

    def one_axis(a: Axis) -> Tensor:
        element = torch.arange(a.size)[:, None] - torch.arange(a.out)[None] * a.stride + a.low
        return (element[:, :, None] == torch.arange(a.kernel)).to(dtype)  # (in, out, element)

    both = torch.einsum("ius,jvt->ijuvst", one_axis(rows), one_axis(cols))
    return both.reshape(-1, rows.kernel * cols.kernel)


def _weight_grad(x: Tensor, grad: Tensor, kernel: Tensor, rows: Axis, cols: Axis) -> Tensor:
    """``dw[c, k] = sum over images and output positions o of x[c, o*stride + k - low] g[c, o]``.

    The backend is fast at this for kernels of up to 3x3 whose output is not smaller than the
    kernel. Otherwise: for every channel the ``(H*W, N) @ (N, H_out*W_out)`` product of all
    position pairs, then the sum of the pairs that each element joins.
    """
    n, c = x.shape[:2]
    inputs, outputs = rows.size * cols.size, rows.out * cols.out
    fast = max(rows.kernel, cols.kernel) <= 3 and min(rows.out, cols.out) >= 3
    if fast or inputs * outputs > _MAX_POSITION_PAIRS:
        if not (is_symmetric(rows) and is_symmetric(cols)):
            x = F.pad(x, (cols.low, cols.high, rows.low, rows.high))
            rows, cols = rows._replace(low=0), cols._replace(low=0)
        return backend_gradient("weight", grad, x, kernel, rows, cols, groups=c)
    by_image = nhwc(x).view(n, inputs, c), nhwc(grad).view(n, outputs, c)
    element_of_pair = _element_of_pair(rows, cols, x.dtype)
    step = max(16, _SLICE_ELEMENTS // (n * max(inputs, outputs)))
    parts = []
    for start in range(0, c, step):
        xs, gs = (t[:, :, start : start + step].permute(2, 0, 1).contiguous() for t in by_image)
        pairs = torch.bmm(xs.transpose(1, 2), gs)  # (channels, H*W, H_out*W_out)
        parts.append(pairs.view(len(pairs), -1) @ element_of_pair)
    return torch.cat(parts).view(c, 1, rows.kernel, cols.kernel)
