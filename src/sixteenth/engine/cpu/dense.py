"""A dense convolution of a small map: its output and both gradients, each in its fastest way.

As **products**: outputs that use the same kernel elements are one matrix product of the patches
that they read with those elements, so nothing is ever multiplied with padding. With one used
element (a 1x1 convolution, or any kernel on a 1x1 map) the patches are what a channels-last tensor
already is; on a 2x2 map a padded 3x3 kernel takes 16 products of a position with an element instead
of 36, on a 4x4 map 100 instead of 144.

By the **backend**: torch's own convolution, which wins on larger maps.

**Beside** each other: the backend's weight gradient of several maps as one (`_side_by_side`).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ..padding import Axis, as_torch_strides, convolve, used_part
from .geometry import Span, backend_gradient, full_gradient, nhwc, residues_of, spans_of


class Ways(NamedTuple):
    """How each of the three parts is computed.

    The backend's gradients need an axis that is symmetric (`padding.is_symmetric`); maps go beside
    each other only for a 3x3 kernel with padding 1 and stride 1.
    """

    output: Literal["products", "backend"]
    input_grad: Literal["products", "backend"]
    weight_grad: Literal["products", "backend", "beside"]


PRODUCTS = Ways("products", "products", "products")


class Dense(torch.autograd.Function):
    """A convolution without groups or dilation: ``Dense.apply(x, weight, rows, cols, ways)``.

    `x` is ``(N, C_in, H, W)``, channels-last, in the type to compute in; `weight` has all
    elements or the used ones alone, in that type or one to be cast, and gets its gradient in its
    own.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, rows: Axis, cols: Axis, ways: Ways) -> Tensor:
        kernel = used_part(weight, rows, cols).to(x.dtype)
        ctx.save_for_backward(x, kernel, weight)
        ctx.geometry = rows, cols, ways
        if ways.output == "backend":
            return convolve(x, kernel, rows, cols, 1)
        by_position = kernel.permute(0, 2, 3, 1)

        def matrix(r: Span, c: Span) -> Tensor:
            return by_position[:, r.kernel, c.kernel].reshape(len(by_position), -1).t()

        return _as_maps(_by_products(nhwc(x), matrix, rows, cols))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None]:
        x, kernel, weight = ctx.saved_tensors
        rows, cols, ways = ctx.geometry
        grad_x = grad_weight = None
        if ctx.needs_input_grad[0]:
            if ways.input_grad == "products":
                grad_x = _as_maps(_input_grad(nhwc(grad), kernel, rows, cols))
            else:
                grad_x = backend_gradient("input", grad, x, kernel, rows, cols)
        if ctx.needs_input_grad[1]:
            if ways.weight_grad == "products":
                used = _weight_grad(nhwc(grad), nhwc(x), kernel, weight.dtype, rows, cols)
            else:
                if ways.weight_grad == "beside":
                    grad, x = _side_by_side(grad), _side_by_side(x)
                used = backend_gradient("weight", grad, x, kernel, rows, cols)
            grad_weight = full_gradient(used, weight, rows, cols)
        return grad_x, grad_weight, None, None, None


def _by_products(
    maps: Tensor, matrix: Callable[[Span, Span], Tensor], rows: Axis, cols: Axis
) -> Tensor:
    """The convolution of ``(N, H, W, C)`` maps: ``(N, rows.out, cols.out, C')``.

    Args:
        matrix: the kernel elements that two spans use, as ``(elements of both * C, C')``.
    """
    n, parts = len(maps), list(product(spans_of(rows), spans_of(cols)))
    made: Tensor | None = None
    for r, c in parts:
        part = _patches(maps, r, c, rows, cols) @ matrix(r, c)
        part = part.view(n, r.length, c.length, -1)
        if part.shape[1:3] == (rows.out, cols.out):
            return part
        if made is None:
            filled = sum(r.length * c.length for r, c in parts)
            made = _to_fill(part, rows.out, cols.out, filled)
        made[:, r.outputs, c.outputs] = part
    assert made is not None  # some element is used, or there would be no axis
    return made


def _input_grad(grad: Tensor, kernel: Tensor, rows: Axis, cols: Axis) -> Tensor:
    """``(N, H, W, C_in)`` of the output gradient ``(N, H_out, W_out, C_out)``."""
    by_position = kernel.permute(2, 3, 0, 1)  # (k, k, C_out, C_in)
    parts = list(product(residues_of(rows), residues_of(cols)))
    made: Tensor | None = None
    for r, c in parts:
        back = _rotated(by_position[r.kernel_first :: rows.stride, c.kernel_first :: cols.stride])

        def matrix(r: Span, c: Span, back: Tensor = back) -> Tensor:
            return back[r.kernel, c.kernel].flatten(0, 2)

        part = _by_products(grad, matrix, r.axis, c.axis)
        if part.shape[1:3] == (rows.size, cols.size):
            return part
        if made is None:
            filled = sum(r.axis.out * c.axis.out for r, c in parts)
            made = _to_fill(part, rows.size, cols.size, filled)
        made[:, r.first :: rows.stride, c.first :: cols.stride] = part
    assert made is not None
    return made


def _to_fill(part: Tensor, height: int, width: int, filled: int) -> Tensor:
    """``(N, height, width, C)`` for parts like this; zero, unless all positions get filled."""
    shape = len(part), height, width, part.shape[3]
    return part.new_empty(shape) if filled == height * width else part.new_zeros(shape)


def _weight_grad(
    grad: Tensor, maps: Tensor, kernel: Tensor, dtype: torch.dtype, rows: Axis, cols: Axis
) -> Tensor:
    """``(C_out, C_in, k, k)``: the sum of what all parts add to the elements they use."""
    parts = list(product(spans_of(rows), spans_of(cols)))
    shape = len(kernel), rows.kernel, cols.kernel, kernel.shape[1]
    made = maps.new_zeros(shape, dtype=dtype) if len(parts) > 1 else None
    for r, c in parts:
        patches = _patches(maps, r, c, rows, cols)
        part = grad[:, r.outputs, c.outputs].reshape(len(patches), -1).t() @ patches
        part = part.view(len(part), r.kernel_length, c.kernel_length, -1)
        if made is None:  # there is no other: nothing to add, so no wider type to add in
            return part.permute(0, 3, 1, 2)
        made[:, r.kernel, c.kernel] += part
    assert made is not None
    return made.permute(0, 3, 1, 2)


def _patches(maps: Tensor, r: Span, c: Span, rows: Axis, cols: Axis) -> Tensor:
    """What the outputs of two spans read, ``(N * outputs, elements * C)``; a view if possible."""
    n, _, _, channels = maps.shape
    sn, sh, sw, sc = maps.stride()
    patches = maps.as_strided(
        (n, r.length, c.length, r.kernel_length, c.kernel_length, channels),
        (sn, sh * rows.stride, sw * cols.stride, sh, sw, sc),
        maps.storage_offset() + r.start * sh + c.start * sw,
    )
    return patches.reshape(n * r.length * c.length, -1)


def _rotated(kernel: Tensor) -> Tensor:
    """The kernel ``(k, k, ...)`` rotated by 180 degrees; no copy of a single element."""
    axes = [axis for axis in (0, 1) if kernel.shape[axis] > 1]
    return kernel.flip(axes) if axes else kernel


_TOGETHER = 5
"""Maps side by side: of 5 to 8 pixels 2 are slower and 10 no faster, on AVX-512/AMX cores."""


def _side_by_side(maps: Tensor) -> Tensor:
    """``(N, C, H, W)`` maps, k beside each other: ``(ceil(N / k), C, H, k * (W + 1))``.

    The backend reads a map row by row, and short rows leave it little to do at a time. Maps that
    lie side by side, with a column of zeros between, have long rows and the same weight gradient.
    """
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


def _as_maps(made: Tensor) -> Tensor:
    """``(N, H, W, C)`` as channels-last ``(N, C, H, W)``."""
    return as_torch_strides(made.permute(0, 3, 1, 2))
