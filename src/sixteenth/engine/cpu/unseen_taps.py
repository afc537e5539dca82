"""Weights that no image ever meets, kept out of the training.

At 32 pixels a network with an ImageNet stem ends in 1x1 maps: of a padded 3x3 filter there only the
middle tap ever touches the map. The other eight get no gradient, yet an optimiser reads and writes
them, and their two moments, at every step: in ResNet-18 they are 6.9 of its 11.2 million weights.
`UnseenTaps` puts them aside while a network is trained on images of one size, and back among its
weights afterwards. What weight decay does to them meanwhile is followed on a single number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from ...models.measure import sample_logits, try_call
from ...spec import TrainSpec
from ..execution import Execution
from .convolution import LoweredConv2d
from .geometry import Window

# Part of the largest logit by which two ways to round in bfloat16 may differ.
_ROUNDING = 0.03


@dataclass
class _Aside:
    """A convolution that keeps only the taps of `window`, and its whole weight before that."""

    module: LoweredConv2d
    window: Window
    whole: Tensor


class UnseenTaps(nn.Module):
    """The taps of a model's convolutions that are set aside.

    Its one parameter, `shrinkage`, starts at 1. An optimiser that treats it as one of the decayed
    weights, with a gradient of zero (`see_nothing`), leaves in it the factor by which decay shrinks
    every unseen tap, because nothing else moves them and what decay does to them is linear. It has
    no parameter where nothing is set aside.
    """

    def __init__(
        self, model: nn.Module, image_size: int, train: TrainSpec, execution: Execution
    ) -> None:
        """Set aside what `model` does not need for square images of `image_size` pixels.

        Nothing is set aside where that could change what is learnt: for Muon, which looks at a
        filter bank as a whole, and for Adam's own kind of weight decay, which is not linear; nor
        where convolutions are not lowered (see `lowering`), nor where `model` then gives other
        logits, as one may that does more with a convolution than to call it.
        """
        super().__init__()
        self._aside: dict[str, _Aside] = {}
        linear = train.optimizer != "adam" or train.decay_of_weights == 0
        if train.optimizer == "muon" or not linear:
            return
        if execution.device != "cpu" or execution.layout != "channels-last":
            return
        dtype = getattr(torch, execution.precision)
        found = _unseen(model, image_size, dtype)
        whole = [module.weight.detach() for _, module, _ in found]
        with execution.autocast():
            if not found or not _trim(model, image_size, found):
                return
        for (name, module, window), weight in zip(found, whole, strict=True):
            self._aside[f"{name}.weight"] = _Aside(module, window, weight)
        self.shrinkage = nn.Parameter(torch.ones(1, 1))  # two axes: it is decayed

    def __len__(self) -> int:
        """How many weights are set aside."""
        kept = sum(aside.module.weight.numel() for aside in self._aside.values())
        return sum(aside.whole.numel() for aside in self._aside.values()) - kept

    def see_nothing(self) -> None:
        """The gradient of a step: zero."""
        for parameter in self.parameters():
            parameter.grad = torch.zeros_like(parameter)

    def put_back(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """The model's state dict with the unseen taps in it, as if none had been set aside."""
        whole = dict(state)
        for name, aside in self._aside.items():
            whole[name] = aside.whole * self.shrinkage.detach().view(1, 1, 1, 1)
            aside.window.of(whole[name]).copy_(state[name])
        return whole

    def set_aside(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """The opposite of `put_back`; the unseen taps are from now on those of `state`."""
        trimmed = dict(state)
        for name, aside in self._aside.items():
            aside.whole = state[name]
            trimmed[name] = aside.window.of(state[name])
            with torch.no_grad():
                self.shrinkage.fill_(1.0)
        return trimmed


def _unseen(
    model: nn.Module, image_size: int, dtype: torch.dtype
) -> list[tuple[str, LoweredConv2d, Window]]:
    """Convolutions that never use all of their taps: name, module, and the taps that they use."""
    lowered = {name: m for name, m in model.named_modules() if isinstance(m, LoweredConv2d)}
    sizes: dict[str, set[tuple[int, int]]] = {name: set() for name in lowered}

    def note_size(name: str) -> Any:
        def note(_module: nn.Module, args: tuple[Tensor, ...], kwargs: dict[str, Tensor]) -> None:
            maps = args[0] if args else kwargs["input"]
            sizes[name].add((maps.shape[-2], maps.shape[-1]))

        return note

    hooks = [
        m.register_forward_pre_hook(note_size(name), with_kwargs=True)
        for name, m in lowered.items()
    ]
    try:
        for train in (False, True):  # a model may resize its images in one mode only
            try_call(model, image_size, train=train)
    finally:
        for hook in hooks:
            hook.remove()
    names = [id(p) for _, p in model.named_parameters(remove_duplicate=False)]
    found = []
    for name, module in lowered.items():
        # One that meets maps of several sizes, or shares its weight, needs what all of them need;
        # a weight of two names would have to be put back under both.
        # One that is not trained is not decayed, and takes no optimiser's time.
        trained = module.weight.requires_grad
        if trained and len(sizes[name]) == 1 and names.count(id(module.weight)) == 1:
            window = module.window(*sizes[name].pop(), dtype)
            if window is not None:
                found.append((name, module, window))
    return found


def _trim(
    model: nn.Module, image_size: int, found: list[tuple[str, LoweredConv2d, Window]]
) -> bool:
    """Leave each convolution its seen taps alone, unless `model` would give other logits then."""
    before = sample_logits(model, image_size)
    weights = [cast(nn.Parameter, module.weight) for _, module, _ in found]
    for _, module, window in found:
        module.trim(window)
    if _gives(model, image_size, before):
        return True
    for (_, module, _), weight in zip(found, weights, strict=True):
        module.untrim(weight)
    return False


def _gives(model: nn.Module, image_size: int, wanted: Tensor | None) -> bool:
    """Whether `model` still gives the logits that it gave before, rounding aside."""
    try:
        logits = sample_logits(model, image_size)
    except Exception:  # whatever a model raises that now meets weights of another shape
        return False
    if logits is None or wanted is None or logits.shape != wanted.shape:
        return False
    tolerance = _ROUNDING * wanted.abs().nan_to_num().max().item()
    return torch.allclose(logits, wanted, rtol=0, atol=tolerance, equal_nan=True)
