"""Muon, an optimiser for the filters of convolutions, with orthogonalised momentum.

A gradient step changes a filter bank mostly along a few dominant directions. Muon (Jordan et al.
2024, "Muon: an optimizer for hidden layers in neural networks") takes the momentum as a matrix,
outputs x (inputs * height * width), and replaces it by the nearest matrix with orthonormal rows (or
columns). So all directions are learned at the same speed.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

ITERATIONS = 3
"""Three are enough, since the remaining error is corrected in the following steps."""

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the published quintic. It increases small singular values fast; all end near one, which is as
good as exactly one."""


class Muon(torch.optim.Optimizer):
    """Muon for the filter banks of convolutions; other parameters need another optimiser.

    A step keeps the Frobenius norm of a filter bank. This norm has no effect if a normalisation
    layer follows, so the learning rate alone controls how fast the direction changes, as in the
    CIFAR-10 speedrun of Jordan (2024).

    Args:
        filters: parameters (outputs, inputs, height, width), none of them all zero.
        lr: Frobenius norm of a step, relative to that of the filter bank.
        momentum: Nesterov momentum.
    """

    def __init__(self, filters: Iterable[Tensor], *, lr: float, momentum: float) -> None:
        super().__init__(filters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]  # without a closure, which nothing here has
        """Update all filters that have a gradient."""
        for group in self.param_groups:
            for filters in group["params"]:
                if filters.grad is not None:
                    self._update(filters, group["lr"], group["momentum"])

    def _update(self, filters: Tensor, rate: float, momentum: float) -> None:
        gradient, state = filters.grad, self.state[filters]
        assert gradient is not None
        if not state:
            state["momentum"] = torch.zeros_like(gradient)
            state["length"] = filters.norm()
        average = state["momentum"]
        torch.add(gradient, average, alpha=momentum, out=average)
        # With the axes in memory order, flattening channels-last filters needs no copy. The order
        # of the columns does not matter.
        nesterov = gradient.add(average, alpha=momentum).permute(0, 2, 3, 1)
        matrix = nesterov.flatten(1)
        step = orthogonalise(matrix).view(nesterov.shape).permute(0, 3, 1, 2)
        length = state["length"]
        filters.sub_(step.mul_(length * (rate / min(matrix.shape) ** 0.5)))
        filters.mul_(length / filters.norm())


def orthogonalise(matrix: Tensor) -> Tensor:
    """The orthogonal factor U V^T of a matrix U S V^T, approximately, by a Newton-Schulz iteration.

    Args:
        matrix: (m, n), any float type.

    Returns:
        (m, n), the same type. The singular values are between about 0.7 and 1.2, except for those
        that were far below the largest, which grow by a factor of 3.4 per iteration.
    """
    a, b, c = _COEFFICIENTS
    # bfloat16 is precise enough for a direction.
    x = matrix.to(torch.bfloat16)
    x = x / (x.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.T
    for _ in range(ITERATIONS):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    factor: Tensor = x.T if tall else x
    return factor.to(matrix.dtype)
