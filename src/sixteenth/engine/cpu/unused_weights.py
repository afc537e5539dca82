"""Weights that only ever multiply padding, kept out of the training.

At 32 pixels a network with an ImageNet stem ends in 1x1 maps: of a padded 3x3 kernel there only the
middle element is used. The other eight get no gradient, yet an optimiser reads and writes them, and
their two moments, at every step: in ResNet-18 they are 6.9 of its 11.2 million weights. Here are
found the convolutions whose weights can be cropped to the used elements while a network is trained
on images of one size.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from ...models.measure import sample_logits, try_call
from ...models.structure import measured_once
from ...spec import TrainSpec
from ..execution import Execution
from ..padding import Axis
from .convolution import LoweredConv2d

# Part of the largest logit by which two ways to round in bfloat16 may differ.
_ROUNDING = 0.03

Croppable = list[tuple[LoweredConv2d, tuple[Axis, Axis]]]
"""Convolutions that never use all elements of their kernels, with their axes."""


def crop_weights(
    model: nn.Module, image_size: int, train: TrainSpec, execution: Execution, decay: nn.Parameter
) -> list[LoweredConv2d]:
    """Crop the weights of `model` to what square images of `image_size` pixels use.

    Nothing is cropped where that could change what is learnt: for Muon, which looks at a whole
    filter bank, and for Adam's own kind of weight decay, which is not linear; nor in another layout
    than channels-last, nor where `model` then gives other logits, as one may that does more with a
    convolution than to call it.

    Args:
        decay: see `Crop`.

    Returns:
        The convolutions that were cropped.
    """
    linear = train.optimizer != "adam" or train.resolved_weight_decay == 0
    if train.optimizer == "muon" or not linear or execution.layout != "channels-last":
        return []
    found = _unused(model, image_size, getattr(torch, execution.precision))
    with execution.autocast():
        if not found or not _crop(model, image_size, found, decay):
            return []
    return [module for module, _ in found]


@measured_once
def _map_sizes(
    model: nn.Module, image_size: int, meta_only: bool
) -> dict[str, frozenset[tuple[int, int]]]:
    """Name of each lowered convolution -> heights and widths of the maps that it is given."""
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
            try_call(model, image_size, train=train, meta_only=meta_only)
    finally:
        for hook in hooks:
            hook.remove()
    return {name: frozenset(each) for name, each in sizes.items()}


def _unused(model: nn.Module, image_size: int, dtype: torch.dtype) -> Croppable:
    names = [id(p) for _, p in model.named_parameters(remove_duplicate=False)]
    found: Croppable = []
    for name, sizes in _map_sizes(model, image_size).items():
        module = cast(LoweredConv2d, model.get_submodule(name))
        # One that meets maps of several sizes, or shares its weight, needs what all of them need;
        # a weight of two names would have to be restored under both.
        # One that is not trained is not decayed, and takes no optimiser's time.
        trained = module.weight.requires_grad
        if trained and len(sizes) == 1 and names.count(id(module.weight)) == 1:
            axes = module.used_axes(*next(iter(sizes)), dtype)
            if axes is not None:
                found.append((module, axes))
    return found


def _crop(model: nn.Module, image_size: int, found: Croppable, decay: nn.Parameter) -> bool:
    """Crop the weights, unless `model` would give other logits then."""
    before = sample_logits(model, image_size)
    weights = [cast(nn.Parameter, module.weight) for module, _ in found]
    for module, (rows, cols) in found:
        module.crop_weight(rows, cols, decay)
    if _gives(model, image_size, before):
        return True
    for (module, _), weight in zip(found, weights, strict=True):
        module.undo_crop(weight)
    return False


def _gives(model: nn.Module, image_size: int, expected: Tensor | None) -> bool:
    """Whether `model` still gives the logits that it gave before, rounding aside."""
    try:
        logits = sample_logits(model, image_size)
    except Exception:  # whatever a model raises whose weights have another shape
        return False
    if logits is None or expected is None or logits.shape != expected.shape:
        return False
    tolerance = _ROUNDING * expected.abs().nan_to_num().max().item()
    return torch.allclose(logits, expected, rtol=0, atol=tolerance, equal_nan=True)
