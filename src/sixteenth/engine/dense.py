"""A dense convolution of a small map as matrix products.

With one tap left (a 1x1 convolution, or any kernel on a 1x1 map) the ``(N*H*W, C)`` matrix is what
a channels-last tensor already is; otherwise the patches are laid out side by side ("im2col").
On maps a little larger that costs more than it saves, but for the weight gradient, which needs no
patches (`DenseSideBySide`).
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from .taps import Axis, as_torch_strides, mirrored, nhwc, seen, whole_grad


class DenseByProduct(torch.autograd.Function):
    """A dense convolution as one matrix product, forward and backward.

    With ``P`` the ``(N*H_out*W_out, k*k*C_in)`` patches, ``W`` the ``(C_out, k*k*C_in)`` weight
    and ``G`` the output gradient: ``Y = P W^T``, ``dW = G^T P``. The input gradient of a stride-1
    convolution is the convolution of ``G`` with the mirrored kernel, done the same way; with other
    strides it is ``G W``, added back patch by patch.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, rows: Axis, cols: Axis) -> Tensor:
        n, c = x.shape[:2]
        matrix = seen(weight, rows, cols).to(x.dtype).permute(0, 2, 3, 1)
        matrix = matrix.reshape(weight.shape[0], -1)
        patches = _patches(nhwc(x), rows, cols)
        ctx.save_for_backward(patches, matrix, weight)
        ctx.geometry = n, c, rows, cols
        return _as_maps(patches @ matrix.t(), n, rows.out, cols.out)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        patches, matrix, weight = ctx.saved_tensors
        n, c, rows, cols = ctx.geometry
        flat = nhwc(grad).view(-1, matrix.shape[0])
        grad_x = grad_weight = None
        if ctx.needs_input_grad[0]:
            if rows.stride == cols.stride == 1 and (rows.kernel, cols.kernel) != (1, 1):
                back = _patches(nhwc(grad), mirrored(rows), mirrored(cols))
                grad_x = back @ _mirrored_matrix(matrix, c, rows, cols)
            else:
                grad_x = _unpatch(flat @ matrix, n, c, rows, cols)
            grad_x = _as_maps(grad_x, n, rows.size, cols.size)
        if ctx.needs_input_grad[1]:
            taps = (flat.t() @ patches).view(-1, rows.kernel, cols.kernel, c).permute(0, 3, 1, 2)
            grad_weight = whole_grad(taps, weight, rows, cols)
        return grad_x, grad_weight, None, None


class DenseSideBySide(torch.autograd.Function):
    """A 3x3 convolution with padding 1, whose weight gradient takes several maps as one.

    The backend reads a map row by row, and short rows leave it little to do at a time. Maps that
    lie side by side, with a column of zeros between, have long rows and the same weight gradient.
    Output and input gradient are the backend's own.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, rows: Axis, cols: Axis) -> Tensor:
        kernel = weight.to(x.dtype)
        ctx.save_for_backward(x, kernel, weight)
        return F.conv2d(x, kernel, padding=1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        x, kernel, weight = ctx.saved_tensors

        def gradients(grad: Tensor, x: Tensor, wanted: list[bool]) -> Any:
            one = [1, 1]
            return torch.ops.aten.convolution_backward(
                grad, x, kernel, None, one, one, one, False, [0, 0], 1, wanted
            )

        grad_x = grad_weight = None
        if ctx.needs_input_grad[0]:
            grad_x = gradients(grad, x, [True, False, False])[0]
        if ctx.needs_input_grad[1]:
            grad_weight = torch.empty_like(weight)  # its strides: the optimiser need not copy
            beside = _side_by_side(grad), _side_by_side(x)
            grad_weight.copy_(gradients(*beside, [False, True, False])[1])
        return grad_x, grad_weight, None, None


_TOGETHER = 5
"""Maps side by side: of 5 to 8 pixels 2 are slower and 10 no faster, on AVX-512/AMX cores."""


def _side_by_side(maps: Tensor) -> Tensor:
    """``(N, C, H, W)`` maps, k beside each other: ``(ceil(N / k), C, H, k * (W + 1))``."""
    maps = nhwc(maps)
    n, height, width, c = maps.shape
    full, rest = divmod(n, _TOGETHER)
    wide = maps.new_empty(full + (rest > 0), height, _TOGETHER, width + 1, c)
    wide[:, :, :, width] = 0
    whole = maps[: n - rest].view(full, _TOGETHER, height, width, c)
    wide[:full, :, :, :width] = whole.transpose(1, 2)
    if rest:
        wide[full, :, rest:] = 0
        wide[full, :, :rest, :width] = maps[n - rest :].transpose(0, 1)
    return wide.flatten(2, 3).permute(0, 3, 1, 2)


def _as_maps(matrix: Tensor, n: int, height: int, width: int) -> Tensor:
    """``(N*H*W, C)``, or that with its axes apart, as channels-last ``(N, C, H, W)``."""
    return as_torch_strides(matrix.view(n, height, width, -1).permute(0, 3, 1, 2))


def _patches(x: Tensor, rows: Axis, cols: Axis) -> Tensor:
    """im2col: ``(N, H, W, C)`` to ``(N * H_out * W_out, k * k * C)``; a view for one tap."""
    n, _, _, c = x.shape
    if (rows.low, cols.low, rows.high, cols.high) != (0, 0, 0, 0):
        x = F.pad(x, (0, 0, cols.low, cols.high, rows.low, rows.high))
    sn, sh, sw, sc = x.stride()
    patches = x.as_strided(
        (n, rows.out, cols.out, rows.kernel, cols.kernel, c),
        (sn, sh * rows.stride, sw * cols.stride, sh, sw, sc),
    )
    return patches.reshape(n * rows.out * cols.out, -1)


def _unpatch(patches: Tensor, n: int, c: int, rows: Axis, cols: Axis) -> Tensor:
    """The transpose of :func:`_patches`: adds every patch back to where it was read from."""
    if rows.size == rows.out and cols.size == cols.out and rows.kernel == cols.kernel == 1:
        return patches.view(n, rows.size, cols.size, c)
    patches = patches.view(n, rows.out, cols.out, rows.kernel, cols.kernel, c)
    height, width = (max(a.low + a.size, (a.out - 1) * a.stride + a.kernel) for a in (rows, cols))
    # Up to k*k terms meet at one pixel: add in float32 and round once, as a convolution would.
    wide = torch.float32 if patches.dtype is torch.bfloat16 else patches.dtype
    total = patches.new_zeros((n, height, width, c), dtype=wide)
    for i in range(rows.kernel):
        for j in range(cols.kernel):
            last_i, last_j = i + rows.stride * rows.out, j + cols.stride * cols.out
            total[:, i : last_i : rows.stride, j : last_j : cols.stride] += patches[:, :, :, i, j]
    inner = total[:, rows.low : rows.low + rows.size, cols.low : cols.low + cols.size]
    return inner.to(patches.dtype)


def _mirrored_matrix(matrix: Tensor, c: int, rows: Axis, cols: Axis) -> Tensor:
    """``(C_out, k*k*C_in)`` to the ``(k*k*C_out, C_in)`` matrix of the mirrored kernel."""
    kernel = matrix.view(-1, rows.kernel, cols.kernel, c)
    return kernel.permute(1, 2, 0, 3).flip(0, 1).reshape(-1, c)
