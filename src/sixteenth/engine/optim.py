"""Optimisers and learning-rate schedules, by the names a study file uses.

A new optimiser goes into `build_optimizer`, a new schedule into `learning_rate`.
"""

from __future__ import annotations

import math

import torch
from torch import nn

from ..spec import TrainSpec


def build_optimizer(
    model: nn.Module, train: TrainSpec, device: torch.device
) -> torch.optim.Optimizer:
    """The recipe's optimiser, with weight decay only where it belongs.

    Norm scales and biases (all tensors of fewer than two axes) are not decayed: they do not set the
    size of a function that the next norm does not undo (Zhang et al. 2019, arXiv 1810.12281; He et
    al. 2019, arXiv 1812.01187, section 3.1).
    """
    decayed = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
    others = [p for p in model.parameters() if p.requires_grad and p.ndim <= 1]
    groups = [
        {"params": decayed, "weight_decay": train.decay_of_weights},
        {"params": others, "weight_decay": 0.0},
    ]
    rate = train.peak_learning_rate
    # One kernel for the whole update instead of one for each term of it.
    fused = device.type in ("cpu", "cuda")
    if train.optimizer == "sgd":
        nesterov = train.momentum > 0
        return torch.optim.SGD(
            groups, lr=rate, momentum=train.momentum, nesterov=nesterov, fused=fused
        )
    betas = (train.momentum, 0.999)
    if train.optimizer == "adam":
        return torch.optim.Adam(groups, lr=rate, betas=betas, fused=fused)
    return torch.optim.AdamW(groups, lr=rate, betas=betas, fused=fused)


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


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def _cosine(start: float, end: float, progress: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * min(1.0, progress))) / 2
