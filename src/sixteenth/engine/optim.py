"""Optimisers and learning-rate schedules, by their names in the study file.

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

ADAMW_LR_SCALE = 0.04
"""Learning rate of the AdamW that is used together with Muon, relative to Muon's."""


def build_optimizers(
    model: nn.Module, train: TrainSpec, device: torch.device
) -> list[torch.optim.Optimizer]:
    """The optimisers of a recipe: one, or for muon two.

    With muon, AdamW trains all other parameters, and filters that are zero at the start, since Muon
    keeps their norm.

    Weight decay is not applied to norm scales and biases, that is, to parameters with fewer than
    two axes (He et al. 2019, arXiv 1812.01187, section 3.1; Zhang et al. 2019, arXiv 1810.12281).
    """
    rate = train.peak_learning_rate
    decay = train.resolved_weight_decay
    # One kernel for the whole update.
    fused = device.type in ("cpu", "cuda")
    trainable = [p for p in model.parameters() if p.requires_grad]
    if train.optimizer == "muon":
        weights = {id(m.weight) for m in model.modules() if isinstance(m, nn.Conv2d)}
        filters = [p for p in trainable if id(p) in weights and p.detach().norm() > 0]
        filter_ids = {id(p) for p in filters}
        groups = _groups([p for p in trainable if id(p) not in filter_ids], decay)
        adamw = torch.optim.AdamW(groups, lr=rate * ADAMW_LR_SCALE, betas=(0.9, 0.99), fused=fused)
        for group in adamw.param_groups:
            group["lr_scale"] = ADAMW_LR_SCALE
        # An optimiser without parameters is an error, so there is no Muon without filters.
        return [Muon(filters, lr=rate, momentum=train.momentum), adamw] if filters else [adamw]
    groups = _groups(trainable, decay)
    if train.optimizer == "sgd":
        mu = train.momentum
        sgd = torch.optim.SGD(groups, lr=rate, momentum=mu, nesterov=mu > 0, fused=fused)
        if mu > 0:
            # If a parameter has no gradient in the first step (stochastic depth), torch's fused SGD
            # never gets a momentum buffer for it (up to 2.14). A zero buffer changes no result.
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


def learning_rate(
    step: int, total: int, train: TrainSpec, warmup_steps: float | None = None
) -> float:
    """The learning rate of step `step` (from 0) of `total`.

    one-cycle: cosine from peak / 25 to the peak, then cosine to peak / 10,000 (Smith and Topin
    2018, arXiv 1708.07120, with the now usual cosine phases). warmup-linear: linear to the peak,
    then linear to zero. warmup-stable-decay: linear to the peak, which stays until the cool-down;
    there it falls as one minus the square root of the progress, to almost zero (Hägele et al.
    2024, arXiv 2405.18392, section 3). The momentum is constant.

    Args:
        warmup_steps: by default the recipe's share of `total`.
    """
    peak = train.peak_learning_rate
    if train.schedule == "constant":
        return peak
    warmup = train.warmup * total if warmup_steps is None else warmup_steps
    rising = min(1.0, (step + 1) / (warmup + 1))
    if train.schedule == "warmup-stable-decay":
        cooldown = cooldown_steps(total, train.cooldown)
        progress = (step + 1 - (total - cooldown)) / (cooldown + 1)
        return peak * rising * (1 - math.sqrt(max(0.0, progress)))
    if train.schedule == "warmup-linear":
        if step < warmup:
            return peak * (step + 1) / (warmup + 1)
        return peak * (total - step) / max(1.0, total - warmup)
    if step < warmup:
        return _cosine(peak / 25, peak, rising)
    return _cosine(peak, peak / 1e4, (step - warmup + 1) / max(1.0, total - warmup))


def cooldown_steps(total: int, share: float) -> int:
    """Steps of the cool-down at the end of `total` steps; one at least."""
    return max(1, round(share * total))


def set_learning_rate(optimizers: Sequence[torch.optim.Optimizer], rate: float) -> None:
    """Set the learning rate of all parameter groups, times ``lr_scale`` for groups that have it."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate * group.get("lr_scale", 1.0)


def _cosine(start: float, end: float, progress: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * min(1.0, progress))) / 2
