"""Cheaper convolutions for small feature maps on a CPU.

A network that was designed for 224-pixel images and is fed 32- or 64-pixel ones spends its last
stages on maps of 8x8 down to 1x1 pixels.  There the general convolution of the CPU backend does
poorly: its weight gradient takes many times as long as the matrix product that it is.
:func:`lower_convolutions` swaps eligible ``nn.Conv2d`` modules for :class:`LoweredConv2d`, which
computes the same function and the same gradients, choosing at each forward pass, from the shape
that arrives:

* **Unseen taps are dropped.**  On a 1x1 map eight of the nine taps of a padded 3x3 kernel only ever
  multiply padding; on a 2x2 map a 5x5 kernel is a 3x3 one.  The gradient of such a tap is zero.
* **Dense, one tap left** (a 1x1 convolution, or any kernel on a 1x1 map): one matrix product on
  the ``(N*H*W, C)`` view that a channels-last tensor already is.
* **Dense, small map**: the patches are laid out side by side ("im2col") and multiplied with the
  ``(C_out, k*k*C_in)`` view of a channels-last weight.
* **Depthwise**: the backend's forward kernel is fast, its gradients are not.  The input gradient
  is therefore a forward convolution with the mirrored kernel, the weight gradient a batched
  product over channels (:func:`_depthwise_weight_grad`).
* **Everything else** (CUDA, groups, dilation, not channels-last, larger maps) is the ordinary call.

Padding that a subclass does in a step of its own ("same" padding, as in EfficientNet ports of
TensorFlow weights) is folded in, so no padded copy of the map is made where none is needed.

Under autocast the weight is cast inside the autograd function, and the weight gradient comes back
in the parameter's own dtype, as ``autocast`` itself arranges.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

__all__ = ["LoweredConv2d", "lower_convolutions"]

# Largest output side that im2col still wins at, forward and backward together, as measured on
# AVX-512/AMX cores (benchmarks/lowering.py).  float64 is for tests and takes the longer list of
# paths.
_IM2COL_SIDE = {torch.float32: 2, torch.bfloat16: 4, torch.float64: 4}
# The depthwise weight gradient by batched products does work for every (input, output) position
# pair, used or not: beyond this many pairs a direct convolution is the better choice.
_MAX_POSITION_PAIRS = 256 * 64
# Elements of a channel slice that is transposed at a time, so that it stays in cache.
_SLICE_ELEMENTS = 1 << 21
# Images with a longer side leave a model as it is; see lower_convolutions.
_LARGEST_IMAGE = 128
# Subclasses whose forward pads as TensorFlow's SAME does, from the size of the map that arrives.
_DYNAMIC_SAME = frozenset({"Conv2dDynamicSamePadding", "Conv2dSame", "Conv2dSamePadding"})


class _Axis(NamedTuple):
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
def _axis(size: int, kernel: int, stride: int, low: int, high: int) -> _Axis | None:
    """The axis with its unseen taps dropped; None where the geometry is not an ordinary one."""
    out = (size + low + high - kernel) // stride + 1
    if out < 1 or low >= kernel or high >= kernel:
        return None
    seen = [t for t in range(kernel) if any(0 <= o * stride + t - low < size for o in range(out))]
    first, kept = seen[0], seen[-1] - seen[0] + 1
    low -= first
    return _Axis(size, out, kept, stride, low, (out - 1) * stride + kept - size - low, first)


def _seen(weight: Tensor, rows: _Axis, cols: _Axis) -> Tensor:
    """The part of a ``(C_out, C_in, k, k)`` weight that ever meets the map, as a view."""
    if weight.shape[2:] == (rows.kernel, cols.kernel):
        return weight  # all of it, or trimmed already
    return weight[
        :, :, rows.first : rows.first + rows.kernel, cols.first : cols.first + cols.kernel
    ]


class Window(NamedTuple):
    """The taps of a kernel that maps of one size meet."""

    rows: _Axis
    cols: _Axis

    def of(self, weight: Tensor) -> Tensor:
        """Those taps of a ``(C_out, C_in, k, k)`` weight, as a view."""
        return _seen(weight, self.rows, self.cols)


def _full_grad(grad: Tensor, like: Tensor, rows: _Axis, cols: _Axis) -> Tensor:
    """A gradient for the whole weight: ``grad`` at the seen taps, zero elsewhere."""
    if grad.shape == like.shape:
        return grad.to(like.dtype)
    full = torch.zeros_like(like)  # keeps the strides, so that the optimiser need not copy
    _seen(full, rows, cols).copy_(grad)
    return full


def _nhwc(x: Tensor) -> Tensor:
    """``(N, C, H, W)`` as a contiguous ``(N, H, W, C)``; free for a channels-last tensor."""
    return x.permute(0, 2, 3, 1).contiguous()


def _convolve(x: Tensor, weight: Tensor, rows: _Axis, cols: _Axis, groups: int) -> Tensor:
    """The backend's convolution, with a padded copy of the map only where it needs one."""
    stride = (rows.stride, cols.stride)
    if all((a.size + 2 * a.low - a.kernel) // a.stride + 1 == a.out for a in (rows, cols)):
        return F.conv2d(x, weight, None, stride, (rows.low, cols.low), 1, groups)
    padded = F.pad(x, (cols.low, cols.high, rows.low, rows.high))
    return F.conv2d(padded, weight, None, stride, 0, 1, groups)


def _patches(x: Tensor, rows: _Axis, cols: _Axis) -> Tensor:
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


def _unpatch(patches: Tensor, n: int, c: int, rows: _Axis, cols: _Axis) -> Tensor:
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


def _mirrored(axis: _Axis) -> _Axis:
    """The axis of the convolution that takes an output gradient back to the input (stride 1)."""
    low, high = axis.kernel - 1 - axis.low, axis.size + axis.low - axis.out
    return _Axis(axis.out, axis.size, axis.kernel, 1, low, high, first=0)


def _mirrored_matrix(matrix: Tensor, c: int, rows: _Axis, cols: _Axis) -> Tensor:
    """``(C_out, k*k*C_in)`` to the ``(k*k*C_out, C_in)`` matrix of the mirrored kernel."""
    kernel = matrix.view(-1, rows.kernel, cols.kernel, c)
    return kernel.permute(1, 2, 0, 3).flip(0, 1).reshape(-1, c)


class _DenseByProduct(torch.autograd.Function):
    """A dense convolution as one matrix product, forward and backward.

    With ``P`` the ``(N*H_out*W_out, k*k*C_in)`` patches, ``W`` the ``(C_out, k*k*C_in)`` weight
    and ``G`` the output gradient: ``Y = P W^T``, ``dW = G^T P``. The input gradient of a stride-1
    convolution is the convolution of ``G`` with the mirrored kernel, done the same way; with other
    strides it is ``G W``, added back patch by patch.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, rows: _Axis, cols: _Axis) -> Tensor:
        n, c = x.shape[:2]
        matrix = _seen(weight, rows, cols).to(x.dtype).permute(0, 2, 3, 1)
        matrix = matrix.reshape(weight.shape[0], -1)
        patches = _patches(_nhwc(x), rows, cols)
        ctx.save_for_backward(patches, matrix, weight)
        ctx.geometry = n, c, rows, cols
        return (patches @ matrix.t()).view(n, rows.out, cols.out, -1).permute(0, 3, 1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        patches, matrix, weight = ctx.saved_tensors
        n, c, rows, cols = ctx.geometry
        flat = _nhwc(grad).view(-1, matrix.shape[0])
        grad_x = grad_weight = None
        if ctx.needs_input_grad[0]:
            if rows.stride == cols.stride == 1 and (rows.kernel, cols.kernel) != (1, 1):
                back = _patches(_nhwc(grad), _mirrored(rows), _mirrored(cols))
                grad_x = (back @ _mirrored_matrix(matrix, c, rows, cols)).view(
                    n, rows.size, cols.size, c
                )
            else:
                grad_x = _unpatch(flat @ matrix, n, c, rows, cols)
            grad_x = grad_x.permute(0, 3, 1, 2)
        if ctx.needs_input_grad[1]:
            taps = (flat.t() @ patches).view(-1, rows.kernel, cols.kernel, c).permute(0, 3, 1, 2)
            grad_weight = _full_grad(taps, weight, rows, cols)
        return grad_x, grad_weight, None, None


class _Depthwise(torch.autograd.Function):
    """A depthwise convolution with gradients that avoid the backend's slow ones."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, rows: _Axis, cols: _Axis) -> Tensor:
        kernel = _seen(weight, rows, cols).to(x.dtype).contiguous()
        ctx.save_for_backward(x, kernel, weight)
        ctx.geometry = rows, cols
        return _convolve(x, kernel, rows, cols, x.shape[1])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        x, kernel, weight = ctx.saved_tensors
        rows, cols = ctx.geometry
        grad = grad.contiguous(memory_format=torch.channels_last)
        grad_x = grad_weight = None
        if ctx.needs_input_grad[0]:
            grad_x = _depthwise_input_grad(grad, kernel, rows, cols)
        if ctx.needs_input_grad[1]:
            taps = _depthwise_weight_grad(x, grad, kernel, rows, cols)
            grad_weight = _full_grad(taps, weight, rows, cols)
        return grad_x, grad_weight, None, None


def _depthwise_input_grad(grad: Tensor, kernel: Tensor, rows: _Axis, cols: _Axis) -> Tensor:
    """``dx[i] = sum_t w[t] g[(i + low - t) / stride]``: a stride-1 convolution of the gradient,
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
    back = _mirrored(rows), _mirrored(cols)
    return _convolve(grad, kernel.flip(2, 3), back[0], back[1], c)


@lru_cache(maxsize=256)
def _tap_of_pair(rows: _Axis, cols: _Axis, dtype: torch.dtype) -> Tensor:
    """A 0/1 matrix ``(H*W * H_out*W_out, k*k)``: which tap joins an input to an output position."""

    def one_axis(a: _Axis) -> Tensor:
        tap = torch.arange(a.size)[:, None] - torch.arange(a.out)[None] * a.stride + a.low
        return (tap[:, :, None] == torch.arange(a.kernel)).to(dtype)  # (in, out, tap)

    both = torch.einsum("ius,jvt->ijuvst", one_axis(rows), one_axis(cols))
    return both.reshape(-1, rows.kernel * cols.kernel)


def _depthwise_weight_grad(
    x: Tensor, grad: Tensor, kernel: Tensor, rows: _Axis, cols: _Axis
) -> Tensor:
    """``dw[c, t] = sum over images and output positions o of x[c, o*stride + t - low] g[c, o]``.

    The backend is fast at this for kernels of up to 3 taps whose output is not smaller than the
    kernel.  Otherwise: for every channel the ``(H*W, N) @ (N, H_out*W_out)`` product of all
    position pairs, then the sum of the pairs that each tap joins.
    """
    n, c = x.shape[:2]
    inputs, outputs = rows.size * cols.size, rows.out * cols.out
    fast = max(rows.kernel, cols.kernel) <= 3 and min(rows.out, cols.out) >= 3
    if fast or inputs * outputs > _MAX_POSITION_PAIRS:
        low, stride = [rows.low, cols.low], [rows.stride, cols.stride]
        if not all((a.size + 2 * a.low - a.kernel) // a.stride + 1 == a.out for a in (rows, cols)):
            x, low = F.pad(x, (cols.low, cols.high, rows.low, rows.high)), [0, 0]
        mask = [False, True, False]
        return cast(
            Tensor,
            torch.ops.aten.convolution_backward(
                grad, x, kernel, None, stride, low, [1, 1], False, [0, 0], c, mask
            )[1],
        )
    by_image = _nhwc(x).view(n, inputs, c), _nhwc(grad).view(n, outputs, c)
    tap_of_pair = _tap_of_pair(rows, cols, x.dtype)
    step = max(16, _SLICE_ELEMENTS // (n * max(inputs, outputs)))
    parts = []
    for start in range(0, c, step):
        xs, gs = (t[:, :, start : start + step].permute(2, 0, 1).contiguous() for t in by_image)
        pairs = torch.bmm(xs.transpose(1, 2), gs)  # (channels, H*W, H_out*W_out)
        parts.append(pairs.view(len(pairs), -1) @ tap_of_pair)
    return torch.cat(parts).view(c, 1, rows.kernel, cols.kernel)


class LoweredConv2d(nn.Conv2d):
    """An ``nn.Conv2d`` that picks a cheaper algorithm for small maps; see the module's docstring.

    Made from an existing convolution, whose Parameters, hooks and children it shares.
    """

    _extra_padding: tuple[int, int, int, int] | None  # left, right, top, bottom; None: dynamic
    _window: Window | None = None  # what `trim` left of the weight

    @classmethod
    def from_conv(cls, conv: nn.Conv2d) -> LoweredConv2d | None:
        """The lowered twin of ``conv``; None if it is of a kind that is not understood."""
        extra: tuple[int, int, int, int] | None = (0, 0, 0, 0)
        if hasattr(conv, "static_padding"):  # "same" padding, fixed when the module was made
            extra = getattr(conv.static_padding, "padding", extra)
        elif type(conv).__name__ in _DYNAMIC_SAME:
            extra = None
        elif type(conv) is not nn.Conv2d:
            return None  # a subclass may do anything in its forward
        dense = conv.groups == 1
        depthwise = conv.groups == conv.in_channels == conv.out_channels
        if (
            isinstance(conv.padding, str)
            or conv.padding_mode != "zeros"
            or any(d != 1 for d in conv.dilation)
            or not (dense or depthwise)
        ):
            return None
        lowered = cls.__new__(cls)
        lowered.__dict__.update(conv.__dict__)
        lowered._extra_padding = extra
        if type(conv) is not nn.Conv2d and not _agree(lowered, conv):
            return None  # a subclass that pads so by its name, but does something else as well
        return lowered

    def _axes(self, height: int, width: int) -> tuple[_Axis | None, _Axis | None, list[int]]:
        """Both axes, and the padding (left, right, top, bottom) for the ordinary call."""
        padding = cast(tuple[int, int], self.padding)
        pads: list[int] = []
        for axis, size in ((1, width), (0, height)):
            kernel, stride = self.kernel_size[axis], self.stride[axis]
            if self._extra_padding is None:  # SAME: out = ceil(size / stride), the odd one last
                total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
                low, high = total // 2, total - total // 2
            else:
                low, high = self._extra_padding[2 - 2 * axis : 4 - 2 * axis]
            pads += [low + padding[axis], high + padding[axis]]
        rows = _axis(height, self.kernel_size[0], self.stride[0], pads[2], pads[3])
        cols = _axis(width, self.kernel_size[1], self.stride[1], pads[0], pads[1])
        return rows, cols, pads

    def window(self, height: int, width: int, dtype: torch.dtype) -> Window | None:
        """The taps that maps of this size meet; None where these are all, or where the ordinary
        call, which needs all of them, is the choice for maps of that size and type."""
        rows, cols, _ = self._axes(height, width)
        if rows is None or cols is None or self._function(rows, cols, dtype) is None:
            return None
        return Window(rows, cols) if (rows.kernel, cols.kernel) != self.kernel_size else None

    def trim(self, window: Window) -> None:
        """Keep only the taps of `window` as the weight: it then takes maps of that size alone."""
        seen = window.of(self.weight.detach()).clone(memory_format=torch.channels_last)
        self.weight = nn.Parameter(seen, requires_grad=self.weight.requires_grad)
        self._window = window

    def _function(
        self, rows: _Axis, cols: _Axis, dtype: torch.dtype
    ) -> type[_DenseByProduct] | type[_Depthwise] | None:
        """How maps of this size and type are convolved; None for the ordinary call."""
        if dtype not in _IM2COL_SIDE:
            return None
        if self.groups > 1:
            return _Depthwise
        one_tap = rows.kernel == cols.kernel == 1
        small = max(rows.out, cols.out) <= _IM2COL_SIDE[dtype]
        return _DenseByProduct if one_tap or small else None

    def forward(self, input: Tensor) -> Tensor:
        """The convolution of ``(N, C, H, W)``."""
        if input.dim() != 4:
            input_4d, batched = input.unsqueeze(0), False
        else:
            input_4d, batched = input, True
        output = self._forward(input_4d)
        return output if batched else output.squeeze(0)

    def _forward(self, x: Tensor) -> Tensor:
        device = x.device.type
        # As autocast does, leave float64 alone.
        casts = torch.is_autocast_enabled(device) and x.dtype is not torch.float64
        if casts:
            x = x.to(torch.get_autocast_dtype(device))
        if self._window is not None:  # of a trimmed weight the ordinary call can make nothing
            x = x.contiguous(memory_format=torch.channels_last)
        rows, cols, pads = self._axes(x.shape[2], x.shape[3])
        if (
            rows is not None
            and cols is not None
            and device == "cpu"
            and (casts or self.weight.dtype is x.dtype)
            and x.numel() > 0
            and x.is_contiguous(memory_format=torch.channels_last)
        ):
            function = self._function(rows, cols, x.dtype)
            if function is not None and self._window in (None, (rows, cols)):
                # The functions cast for themselves; autocast must not do so again inside.
                with torch.autocast(device, enabled=False):
                    y = cast(Tensor, function.apply(x, self.weight, rows, cols))
                    if self.bias is not None:
                        y = y + self.bias.to(y.dtype).view(1, -1, 1, 1)
                return y
        if self._window is not None:
            raise RuntimeError(
                f"only the taps that maps of {self._window.rows.size}x{self._window.cols.size} "
                f"meet were kept, not those for {x.shape[2]}x{x.shape[3]} ({x.dtype}, {device})"
            )
        padding = (pads[2], pads[0])
        if (pads[0], pads[2]) != (pads[1], pads[3]):
            x, padding = F.pad(x, pads), (0, 0)
        return F.conv2d(x, self.weight, self.bias, self.stride, padding, 1, self.groups)


@torch.no_grad()
def _agree(lowered: nn.Conv2d, conv: nn.Conv2d) -> bool:
    """Whether both compute the same on a map of 16x16 pixels."""
    count = conv.in_channels * 16 * 16
    x = torch.linspace(-1, 1, count, dtype=conv.weight.dtype, device=conv.weight.device)
    x = x.view(1, conv.in_channels, 16, 16)
    try:
        mine, theirs = lowered(x), conv(x)
    except (RuntimeError, TypeError):
        return False
    return mine.shape == theirs.shape and torch.allclose(mine, theirs, rtol=1e-4, atol=1e-5)


def lower_convolutions(model: nn.Module, image_size: int, *, enabled: bool = True) -> nn.Module:
    """Swap the convolutions of ``model`` for cheaper equivalents, in place, and return it.

    Parameters, their names and order, module paths and hooks stay what they were, so this may be
    done before or after an optimiser is made or a state dict loaded.  The gain needs the model and
    its input in ``torch.channels_last`` (before or after, too); other layouts get the ordinary
    convolution.  ``image_size`` is the side in pixels of the images to come: above 128 the model
    is left alone, because none of the limits here were measured on maps that large.
    """
    if not enabled or image_size > _LARGEST_IMAGE:
        return model
    twins: dict[int, nn.Module] = {}
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Conv2d) and not isinstance(child, LoweredConv2d):
                twin = twins.get(id(child)) or LoweredConv2d.from_conv(child)
                if twin is not None:
                    twins[id(child)] = twin
                    setattr(parent, name, twin)
    return model
