"""Optimisers and learning-rate schedules, by the names a study file uses.

A new optimiser goes into `build_optimizers`, a new schedule into `learning_rate`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from ..spec import TrainSpec
from .muon import Muon

BESIDE_MUON = 0.04
"""Learning rate of the AdamW that takes what is no filter, as a part of Muon's."""


def build_optimizers(
    model: nn.Module, train: TrainSpec, device: torch.device
) -> list[torch.optim.Optimizer]:
    """The recipe's optimiser, with weight decay only where it belongs.

    Norm scales and biases (all tensors of fewer than two axes) are not decayed: they do not set the
    size of a function that the next norm does not undo (Zhang et al. 2019, arXiv 1810.12281; He et
    al. 2019, arXiv 1812.01187, section 3.1).

    Returns:
        One optimiser; two for muon, which is for the filters of convolutions: AdamW takes the rest,
        filters that begin at zero among it, which have no length for Muon to keep.
    """
    rate = train.peak_learning_rate
    # One kernel for the whole update instead of one for each term of it.
    fused = device.type in ("cpu", "cuda")
    trainable = [p for p in model.parameters() if p.requires_grad]
    if train.optimizer == "muon":
        weights = {id(m.weight) for m in model.modules() if isinstance(m, nn.Conv2d)}
        filters = [p for p in trainable if id(p) in weights and p.detach().norm() > 0]
        taken = {id(p) for p in filters}
        groups = _groups([p for p in trainable if id(p) not in taken], train.decay_of_weights)
        rest = torch.optim.AdamW(groups, lr=rate * BESIDE_MUON, betas=(0.9, 0.99), fused=fused)
        for group in rest.param_groups:
            group["lr_scale"] = BESIDE_MUON
        # A network without convolutions: Muon has nothing to do, and refuses to do it.
        return [Muon(filters, lr=rate, momentum=train.momentum), rest] if filters else [rest]
    groups = _groups(trainable, train.decay_of_weights)
    if train.optimizer == "sgd":
        mu = train.momentum
        sgd = torch.optim.SGD(groups, lr=rate, momentum=mu, nesterov=mu > 0, fused=fused)
        if mu > 0:
            # A layer that is dropped in the first step has no gradient then, and torch's fused SGD
            # no momentum for it later (seen up to 2.14). From zero the first step is the same.
            for parameter in trainable:
                sgd.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
        return [sgd]
    kind = torch.optim.Adam if train.optimizer == "adam" else torch.optim.AdamW
    return [kind(groups, lr=rate, betas=(train.momentum, 0.999), fused=fused)]


def _groups(parameters: list[nn.Parameter], decay: float) -> list[dict[str, Any]]:
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]


def learning_rate(step: int, total: int, train: TrainSpec) -> float:
    """The learning rate of step `step` (from 0) of `total`.

    one-cycle: a cosine from peak / 25 up to the peak, then a cosine down to peak / 10,000 (Smith
    and Topin 2018, arXiv 1708.07120, with the cosine phases that are usual since). warmup-linear: a
    line up to the peak and a line down to zero. Neither touches the momentum.
    """
    peak = train.peak_learning_rate
    if train.schedule == "constant":
        return peak
    warm = train.warmup * total
    if train.schedule == "warmup-linear":
        if step < warm:
            return peak * (step + 1) / (warm + 1)
        return peak * (total - step) / max(1.0, total - warm)
    if step < warm:
        return _cosine(peak / 25, peak, (step + 1) / (warm + 1))
    return _cosine(peak, peak / 1e4, (step - warm + 1) / max(1.0, total - warm))


def set_learning_rate(optimizers: Sequence[torch.optim.Optimizer], rate: float) -> None:
    """Give every parameter group this learning rate, times its own ``lr_scale`` if it has one."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate * group.get("lr_scale", 1.0)


def _cosine(start: float, end: float, progress: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * min(1.0, progress))) / 2
