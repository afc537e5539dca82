"""What a module makes of a map, and all gradients of it."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def images(size: int, dtype: torch.dtype, channels: int = 16, batch: int = 4) -> Tensor:
    x = torch.randn(batch, channels, size, size, dtype=dtype)
    return x.contiguous(memory_format=torch.channels_last)


def results(module: nn.Module, x: Tensor, out_grad: Tensor | None = None) -> list[Tensor]:
    """Output, input gradient and all parameter gradients of one forward and backward pass."""
    module.zero_grad()
    x = x.clone().requires_grad_()
    y = module(x)
    if out_grad is None:
        out_grad = torch.linspace(-1, 1, y.numel(), dtype=torch.float64).view(y.shape).sin()
    y.backward(out_grad.to(y.dtype))
    grads = [x.grad, *(p.grad for p in module.parameters())]
    return [y.detach(), *(g for g in grads if g is not None)]


def assert_same(got: list[Tensor], wanted: list[Tensor], tolerance: float) -> None:
    assert len(got) == len(wanted)
    for a, b in zip(got, wanted, strict=True):
        assert a.shape == b.shape
        assert torch.allclose(a, b, rtol=tolerance, atol=tolerance), (a - b).abs().max()
