"""A work-around for bfloat16 weight gradients that torch leaves uninitialised on some CPUs.

With padding, some elements of a convolution's kernel may only multiply padding: for a 1x1 map, all
elements of a 3x3 kernel except the middle one. Their gradient is zero. But torch 2.14 on processors
with bfloat16 instructions does not write it, so it has the previous content of the memory,
sometimes NaN. It happens in strided convolutions, with and without groups, in both memory layouts.

`has_fault` tests torch for this. Only then `correct_gradients` has an effect: it passes just the
used elements of each kernel to torch, and autograd fills in the zeros.
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
    """A context for forward passes, for correct weight gradients of convolutions.

    It does nothing if torch has no fault, on other devices than CPUs and in other precisions.
    """
    if execution.device == "cpu" and execution.precision == "bfloat16" and has_fault():
        return _UsedElements()
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


class _UsedElements(TorchFunctionMode):
    """A context in which convolutions on the CPU get only the used elements of their kernels."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        return (_conv2d if func is F.conv2d else func)(*args, **(kwargs or {}))


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
