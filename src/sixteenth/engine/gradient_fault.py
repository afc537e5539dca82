"""Work-arounds for wrong gradients of torch: each is tested for, and used only where it is there.

**bfloat16 weight gradients of convolutions, on some CPUs.** With padding, some elements of a
convolution's kernel may only multiply padding: for a 1x1 map, all elements of a 3x3 kernel except
the middle one. Their gradient is zero. But torch 2.14 on processors with bfloat16 instructions does
not write it, so it has the previous content of the memory, sometimes NaN. It happens in strided
convolutions, with and without groups, in both memory layouts.

`has_fault` tests torch for this. Only then `correct_gradients` passes just the used elements of
each kernel to torch, and autograd fills in the zeros.

**Input gradients of average pooling with padding, on CUDA.** In channels-last they are those of
other pixels (https://github.com/pytorch/pytorch/issues/188344, in all versions until it was mended
in 2026). `has_pooling_fault` tests torch for this. Only then such a layer, as Inception has them,
works on a channels-first copy; all others keep their layout, with its speed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from .execution import Execution
from .padding import axis_of, convolve, used_part


def correct_gradients(execution: Execution) -> AbstractContextManager[object]:
    """A context for forward passes, for correct gradients of convolutions and average pooling.

    It does nothing if torch has neither fault on this device and in this precision.
    """
    if execution.device == "cpu" and execution.precision == "bfloat16" and has_fault():
        return _Replaced(F.conv2d, _conv2d)
    if execution.device.startswith("cuda") and has_pooling_fault(execution.device):
        return _Replaced(F.avg_pool2d, _avg_pool2d)
    return nullcontext()


@cache
def has_fault() -> bool:
    """Whether torch leaves weight gradients uninitialised in this process; tested only once."""
    layouts = torch.channels_last, torch.contiguous_format
    with torch.inference_mode(False), torch.enable_grad():
        return any(
            _has_wrong_gradient(groups, layout)
            for _ in range(3)
            for groups in (1, 4)
            for layout in layouts
        )


@cache
def has_pooling_fault(device: str) -> bool:
    """Whether average pooling with padding has wrong input gradients in channels-last there.

    It is tested once for each device in a process.
    """
    maps = torch.arange(32.0).view(1, 2, 4, 4)  # all gradients differ, at the edges and within
    found: list[Tensor] = []
    with torch.inference_mode(False), torch.enable_grad():
        for layout in (torch.contiguous_format, torch.channels_last):
            x = maps.to(device).contiguous(memory_format=layout).requires_grad_()
            output = F.avg_pool2d(x, 2, stride=1, padding=1)
            found += torch.autograd.grad((output**2).sum(), x)
    channels_first, channels_last = found
    return not torch.allclose(channels_first, channels_last)


def _has_wrong_gradient(groups: int, layout: torch.memory_format) -> bool:
    """Whether a gradient is wrong after freed memory, which it may reuse, was filled with NaN."""
    channels = 64
    maps = torch.ones(4, channels, 1, 1, dtype=torch.bfloat16).to(memory_format=layout)
    weight = torch.ones(channels, channels // groups, 3, 3, dtype=torch.bfloat16)
    weight = weight.to(memory_format=layout).requires_grad_()
    output = F.conv2d(maps, weight, stride=2, padding=1, groups=groups)
    ones = torch.ones_like(output)
    expected = torch.zeros_like(weight)
    expected[:, :, 1, 1] = len(maps)
    for size in (2, 4):  # bytes of an element: the gradient may be computed in float32
        for more in (0, 64, 256, 1024, 4096):
            count = (weight.numel() * size + more) // 4 + 1
            blocks = [torch.full((count,), math.nan) for _ in range(24)]
            del blocks
    (gradient,) = torch.autograd.grad(output, weight, ones)
    return not torch.equal(gradient, expected)


class _Replaced(TorchFunctionMode):
    """A context in which one function of torch is replaced by another of the same arguments."""

    def __init__(self, replaced: Callable[..., Any], by: Callable[..., Any]) -> None:
        super().__init__()
        self._replaced, self._by = replaced, by

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        return (self._by if func is self._replaced else func)(*args, **(kwargs or {}))


def _avg_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """`torch.nn.functional.avg_pool2d`, whose output has the layout of `input`."""
    rest = kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    padded = any(padding) if isinstance(padding, tuple | list) else padding
    # Maps of one pixel are contiguous in both layouts, whatever their strides.
    first = input.is_contiguous() and not input.is_contiguous(memory_format=torch.channels_last)
    if not padded or input.dim() != 4 or first:
        return F.avg_pool2d(input, *rest)
    output = F.avg_pool2d(input.clone(memory_format=torch.contiguous_format), *rest)
    return output.contiguous(memory_format=torch.channels_last)


def _conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """`torch.nn.functional.conv2d`, without the unused elements of `weight`."""
    ordinary = not isinstance(padding, str) and _pair(dilation) == (1, 1) and input.dim() == 4
    if ordinary and input.device.type == "cpu":
        steps, pads = _pair(stride), _pair(padding)
        rows, cols = (
            axis_of(input.shape[2 + i], weight.shape[2 + i], steps[i], pads[i], pads[i])
            for i in (0, 1)
        )
        if rows is not None and cols is not None:
            used = used_part(weight, rows, cols)
            if used is not weight:
                return convolve(input, used, rows, cols, groups, bias)
    return F.conv2d(input, weight, bias, stride, padding, dilation, groups)


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])
