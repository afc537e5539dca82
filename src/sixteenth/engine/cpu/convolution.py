"""Cheaper convolutions for small feature maps on a CPU.

A network that was designed for 224-pixel images and is fed 32- or 64-pixel ones spends its last
stages on maps of 8x8 down to 1x1 pixels.  There the general convolution of the CPU backend does
poorly: its weight gradient takes many times as long as the matrix product that it is.
:func:`lower_convolutions` turns eligible ``nn.Conv2d`` modules into :class:`LoweredConv2d`, which
computes the same function and the same gradients, choosing at each forward pass, from the shape
that arrives:

* **Unused kernel elements are left out**: those that only ever multiply padding (`engine.padding`).
* **Dense, one element left, or a small map**: output, input gradient and weight gradient each by
  the fastest of several algorithms (`dense`), mostly matrix products that leave padding out.
* **Depthwise**: the backend's forward kernel is fast, its gradients are not, and are computed
  otherwise (`depthwise`).
* **Everything else** (groups, larger maps, not channels-last) is the ordinary call.

Padding that a subclass does in a step of its own ("same" padding, as in EfficientNet ports of
TensorFlow weights) is folded in, so no padded copy of the map is made where none is needed.

Under autocast the weight is cast inside the autograd function, and the weight gradient comes back
in the parameter's own dtype, as ``autocast`` itself arranges.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..padding import Axis, axis_of, convolve, is_symmetric, used_part
from .dense import PRODUCTS, Dense, Ways
from .depthwise import Depthwise

# Measured with benchmarks/lowering.py --parts on AVX-512 cores without AMX. What concerns AMX was
# measured with products that still multiplied padding. An output map counts by its longer side.
_PRODUCTS_SIDE = 2  # up to here all three parts are products
_AMX_PRODUCTS_SIDE = 4  # the same in bfloat16 with AMX
_WEIGHT_GRAD_SIDE = 3  # up to here the weight gradient still is,
_LARGER_WEIGHT_GRAD_SIDE = 4  # or up to here with a stride or as many channels, in and out, as
_MANY_CHANNELS = 256
# Where no kernel element meets padding the weight gradient is one product: faster up to here in
# bfloat16 from so many channels on, in and out.
_UNPADDED_SIDE = 6
_UNPADDED_CHANNELS = 128
# Where AMX is faster at the weight gradient of several maps side by side: sides of the map, and
# fewest channels, in and out.
_BESIDE_SIDES = range(5, 9)
_BESIDE_CHANNELS = 128
# Subclasses whose forward pads as TensorFlow's SAME does, from the size of the map that arrives.
_DYNAMIC_SAME = frozenset({"Conv2dDynamicSamePadding", "Conv2dSame", "Conv2dSamePadding"})


@dataclass
class Crop:
    """What is left of a kernel for maps of one size, and all that is needed to restore it.

    Attributes:
        rows, cols: the axes of the convolution.
        full: the whole weight, as it was when it was cropped or loaded.
        decay: a parameter shared by all crops of a model: the factor by which weight decay has
            shrunk the unused elements since then.
    """

    rows: Axis
    cols: Axis
    full: Tensor
    decay: nn.Parameter

    def used(self, full: Tensor) -> Tensor:
        """The used elements of a whole weight, as a view."""
        return used_part(full, self.rows, self.cols)

    def restored(self, used: Tensor, decay: Tensor) -> Tensor:
        """A tensor of the whole weight's shape: ``used``, and the others ``decay * full``."""
        full = self.full * decay.detach().view(1, 1, 1, 1)
        self.used(full).copy_(used)
        return full


class LoweredConv2d(nn.Conv2d):
    """An ``nn.Conv2d`` that picks a cheaper algorithm for small maps; see the module's docstring.

    An existing convolution becomes one (`take_over`); none is ever made anew. Its state dict holds
    the whole weight even while that is cropped.
    """

    _extra_padding: tuple[int, int, int, int] | None  # left, right, top, bottom; None: dynamic
    _crop: Crop | None = None

    @classmethod
    def take_over(cls, conv: nn.Conv2d) -> None:
        """Make ``conv`` a lowered convolution, unless it is of a kind that is not understood.

        It stays the same object: a model may hold it outside of the tree of its modules as well,
        in a plain list say, and all of these references have to see the same convolution.
        """
        kind = type(conv)
        extra: tuple[int, int, int, int] | None = (0, 0, 0, 0)
        if kind is nn.Conv2d:
            pass
        elif hasattr(conv, "static_padding"):  # "same" padding, fixed when the module was made
            extra = getattr(conv.static_padding, "padding", extra)
        elif kind.__name__ in _DYNAMIC_SAME:
            extra = None
        else:
            return  # a subclass may do anything in its forward
        if (
            isinstance(conv.padding, str)
            or conv.padding_mode != "zeros"
            or any(d != 1 for d in conv.dilation)
        ):
            return
        expected = None if kind is nn.Conv2d else _sample(conv)
        conv.__class__ = cls
        lowered = cast(LoweredConv2d, conv)
        lowered._extra_padding = extra
        if kind is not nn.Conv2d and not _agree(_sample(conv), expected):
            # A subclass that pads so by its name, but does something else as well.
            del lowered._extra_padding
            conv.__class__ = kind

    def _axes(self, height: int, width: int) -> tuple[Axis | None, Axis | None, list[int]]:
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
        rows = axis_of(height, self.kernel_size[0], self.stride[0], pads[2], pads[3])
        cols = axis_of(width, self.kernel_size[1], self.stride[1], pads[0], pads[1])
        return rows, cols, pads

    def used_axes(self, height: int, width: int, dtype: torch.dtype) -> tuple[Axis, Axis] | None:
        """The axes for maps of this size, which tell the used elements.

        None where all are used, or where the ordinary call, which needs all of them, is the choice.
        """
        rows, cols, _ = self._axes(height, width)
        if rows is None or cols is None or self._cheaper_way(rows, cols, dtype) is None:
            return None
        return (rows, cols) if (rows.kernel, cols.kernel) != self.kernel_size else None

    @property
    def crop(self) -> Crop:
        """What `crop_weight` did."""
        assert self._crop is not None
        return self._crop

    def crop_weight(self, rows: Axis, cols: Axis, decay: nn.Parameter) -> None:
        """Keep only the used elements as the weight: it then takes maps of that size alone."""
        full = self.weight.detach()
        used = used_part(full, rows, cols).clone(memory_format=torch.channels_last)
        self.weight = nn.Parameter(used, requires_grad=self.weight.requires_grad)
        self._crop = Crop(rows, cols, full, decay)

    def undo_crop(self, weight: nn.Parameter) -> None:
        """Take back the parameter that there was before `crop_weight`."""
        self.weight, self._crop = weight, None

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        if self._crop is not None:
            key = f"{prefix}weight"
            destination[key] = self._crop.restored(destination[key].detach(), self._crop.decay)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *others: Any) -> None:
        key, crop = f"{prefix}weight", self._crop
        # In checkpoints of an earlier format the weight is cropped already.
        if crop is not None and key in state_dict and state_dict[key].shape == crop.full.shape:
            crop.full = state_dict[key]
            state_dict[key] = crop.used(crop.full)
            with torch.no_grad():
                crop.decay.fill_(1.0)
        super()._load_from_state_dict(state_dict, prefix, *others)

    def _cheaper_way(
        self, rows: Axis, cols: Axis, dtype: torch.dtype
    ) -> Callable[[Tensor], Tensor] | None:
        """How maps of this size and type are convolved; None for the ordinary call."""
        if dtype not in (torch.float32, torch.bfloat16, torch.float64):
            return None
        if 1 < self.groups == self.in_channels == self.out_channels:
            return lambda x: cast(Tensor, Depthwise.apply(x, self.weight, rows, cols))
        ways = self._ways(rows, cols, dtype) if self.groups == 1 else None
        if ways is None:
            return None
        return lambda x: cast(Tensor, Dense.apply(x, self.weight, rows, cols, ways))

    def _ways(self, rows: Axis, cols: Axis, dtype: torch.dtype) -> Ways | None:
        """How the parts of a dense convolution are computed; None for the ordinary call."""
        amx = dtype is torch.bfloat16 and _has_amx()
        side, channels = max(rows.out, cols.out), min(self.in_channels, self.out_channels)
        one_element = rows.kernel == cols.kernel == 1
        if one_element or side <= (_AMX_PRODUCTS_SIDE if amx else _PRODUCTS_SIDE):
            return PRODUCTS
        larger = max(self.stride) > 1 or channels >= _MANY_CHANNELS
        unpadded = (
            dtype is torch.bfloat16
            and not amx
            and channels >= _UNPADDED_CHANNELS
            and not any(a.low or a.high for a in (rows, cols))
        )
        products_side = _LARGER_WEIGHT_GRAD_SIDE if larger else _WEIGHT_GRAD_SIDE
        if side <= (_UNPADDED_SIDE if unpadded else products_side):
            symmetric = is_symmetric(rows) and is_symmetric(cols)
            return Ways("backend", "backend", "products") if symmetric else PRODUCTS
        beside = (
            amx
            and self.kernel_size == (3, 3)
            and self.stride == (1, 1)
            and channels >= _BESIDE_CHANNELS
            and all(a.low == a.high == 1 and a.size in _BESIDE_SIDES for a in (rows, cols))
        )
        return Ways("backend", "backend", "beside") if beside else None

    def forward(self, input: Tensor) -> Tensor:
        """The convolution of ``(N, C, H, W)``."""
        if input.dim() != 4:  # a single map
            return self._forward(input.unsqueeze(0)).squeeze(0)
        return self._forward(input)

    def _forward(self, x: Tensor) -> Tensor:
        device = x.device.type
        # As autocast does, leave float64 alone; it knows no meta device.
        casts = (
            device != "meta" and torch.is_autocast_enabled(device) and x.dtype is not torch.float64
        )
        if casts:
            x = x.to(torch.get_autocast_dtype(device))
        crop = self._crop
        if crop is not None:  # of a cropped weight the ordinary call can make nothing
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
            convolve_cheaper = self._cheaper_way(rows, cols, x.dtype)
            if convolve_cheaper is not None and (
                crop is None or (crop.rows, crop.cols) == (rows, cols)
            ):
                # It casts for itself; autocast must not do so again inside.
                with torch.autocast(device, enabled=False):
                    y = convolve_cheaper(x)
                    if self.bias is not None:
                        y = y + self.bias.to(y.dtype).view(1, -1, 1, 1)
                return y
        if crop is not None:
            raise RuntimeError(
                f"only the kernel elements that maps of {crop.rows.size}x{crop.cols.size} use were "
                f"kept, not those for {x.shape[2]}x{x.shape[3]} ({x.dtype}, {device}); with "
                "train.lower_convolutions=false all are"
            )
        if device == "cpu" and rows is not None and cols is not None:
            used = used_part(self.weight, rows, cols)
            if used is not self.weight:  # autograd fills the gradient of the others with zeros
                return convolve(x, used, rows, cols, self.groups, self.bias)
        padding = (pads[2], pads[0])
        if (pads[0], pads[2]) != (pads[1], pads[3]):
            x, padding = F.pad(x, pads), (0, 0)
        return F.conv2d(x, self.weight, self.bias, self.stride, padding, 1, self.groups)


@cache
def _has_amx() -> bool:
    """Whether the processor multiplies bfloat16 tiles (Intel's, from Sapphire Rapids on)."""
    # A private name, but the only one that torch has for it.
    return bool(getattr(torch.cpu, "_is_amx_tile_supported", lambda: False)())


@torch.no_grad()
def _sample(conv: nn.Conv2d) -> Tensor | None:
    """What ``conv`` makes of a certain map of 16x16 pixels; None if it fails there."""
    count = conv.in_channels * 16 * 16
    x = torch.linspace(-1, 1, count, dtype=conv.weight.dtype, device=conv.weight.device)
    x = x.view(1, conv.in_channels, 16, 16)
    try:
        return cast(Tensor, conv(x))
    except Exception:  # whatever a subclass may raise
        return None


def _agree(mine: Tensor | None, theirs: Tensor | None) -> bool:
    if mine is None or theirs is None or mine.shape != theirs.shape:
        return False
    return torch.allclose(mine, theirs, rtol=1e-4, atol=1e-5)


def lower_convolutions(model: nn.Module) -> nn.Module:
    """Make the convolutions of ``model`` cheaper equivalents, in place, and return it.

    Modules, parameters, their names and order, and hooks stay what they were, so this may be done
    before or after an optimiser is made or a state dict loaded. The gain needs the model and its
    input in ``torch.channels_last`` (before or after, too); other layouts get the ordinary
    convolution.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d) and not isinstance(module, LoweredConv2d):
            LoweredConv2d.take_over(module)
    return model
