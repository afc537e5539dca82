"""Muon: momentum whose directions all count alike, for the filters of convolutions.

A gradient step moves a filter bank mostly along a few dominant directions. Muon (Jordan et al.
2024, "Muon: an optimizer for hidden layers in neural networks") replaces the momentum, seen as a
matrix of outputs x (inputs * height * width), by the nearest matrix with orthonormal rows (or
columns), so that rare directions are learnt as fast as common ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import overload

import torch
from torch import Tensor

ITERATIONS = 3
"""Three are enough where many steps follow: what is left over is in the momentum of the next."""

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the published quintic: it lifts small singular values fast and leaves all of them near one,
which serves as well as exactly one."""


class Muon(torch.optim.Optimizer):
    """Muon for the filter banks of convolutions; other parameters belong to another optimiser.

    A step turns a filter bank and gives it back the length (Frobenius norm) that it had. A norm
    behind it takes no notice of that length, so the learning rate alone says how fast it turns, as
    in the CIFAR-10 speedrun of Jordan (2024).

    Args:
        filters: parameters (outputs, inputs, height, width).
        lr: length of a step, as a part of the filter bank's own length.
        momentum: of the gradients, Nesterov's way.
    """

    def __init__(self, filters: Iterable[Tensor], *, lr: float, momentum: float) -> None:
        super().__init__(filters, {"lr": lr, "momentum": momentum})

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...
    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Update all filters that have a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for filters in group["params"]:
                if filters.grad is not None:
                    self._turn(filters, group["lr"], group["momentum"])
        return loss

    def _turn(self, filters: Tensor, rate: float, momentum: float) -> None:
        gradient, state = filters.grad, self.state[filters]
        assert gradient is not None
        if not state:
            state["momentum"] = torch.zeros_like(gradient)
            state["length"] = filters.norm()
        average = state["momentum"]
        torch.add(gradient, average, alpha=momentum, out=average)
        # Axes in memory order: channels-last filters are a matrix without a copy, and the order of
        # its columns does not matter to the orthogonal factor.
        ahead = gradient.add(average, alpha=momentum).permute(0, 2, 3, 1)
        matrix = ahead.flatten(1)
        step = orthogonalised(matrix).view(ahead.shape).permute(0, 3, 1, 2)
        length = state["length"]
        filters.sub_(step.mul_(length * (rate / min(matrix.shape) ** 0.5)))
        filters.mul_(length / filters.norm())


def orthogonalised(matrix: Tensor, iterations: int = ITERATIONS) -> Tensor:
    """About the orthogonal factor U V^T of a matrix U S V^T, by a Newton-Schulz iteration.

    Args:
        matrix: (m, n), any float type.

    Returns:
        (m, n), the same type and singular vectors. Singular values end between 0.7 and 1.2 but for
        those that were far below the largest: each iteration lifts these by a factor of 3.4.
    """
    a, b, c = _COEFFICIENTS
    # bfloat16 is enough for a direction.
    x = matrix.to(torch.bfloat16)
    x = x / (x.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.T
    for _ in range(iterations):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    factor: Tensor = x.T if tall else x
    return factor.to(matrix.dtype)
