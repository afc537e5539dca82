"""The parts of a network that are trained alone: its head, or its last stage with the head.

The head (`finetune: head`) is the linear layer that turns features into logits.

A stage (`finetune: last-stage`) is what works on maps of one size (He et al. 2016,
arXiv 1512.03385, table 1). Where the last one begins is read from a call of the network and not
from names, so that one rule holds for torchvision, timm and the user's own:

1. The layers (convolutions and linear layers) are listed in the order of their calls, with the
   positions of the maps that they give. A layer that gives one vector for an image (a classifier, a
   squeeze-and-excitation) has none.
2. If more than half of them lie in a row of equal blocks, behind which no map has another size, as
   in a ViT, the last quarter of these blocks is the last stage.
3. Else the last stage begins behind the last layer that gives maps of another size than the last
   maps, and with whole modules: a block that halves its maps within belongs to it, such as
   ``layer4.0`` of a ResNet, and what begins with that, ``layer4``, is named for it.

All that is called from there on learns, and all that is called before is frozen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import ModelError
from .measure import BATCH, try_call

USUAL_SIZE = 224
"""In pixels. Several stages may have maps of one position for small images, so a network is called
with images of this size if it can work on them."""

LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
LAST_PART = 4
"""Of equal blocks the last 1 / LAST_PART is the last stage: most networks have four stages."""


def find_head(
    model: nn.Module, name: str, try_logits: Callable[[], Tensor | None]
) -> tuple[str, nn.Linear]:
    """The name and the layer from which the logits of a model come, unchanged.

    Args:
        name: of the model, for the error.
        try_logits: calls the model in evaluation mode with some images.

    Raises:
        ModelError: the network does not end in a linear layer.
    """
    layers = [(key, m) for key, m in model.named_modules() if isinstance(m, nn.Linear)]
    outputs: list[Tensor] = []
    if layers:
        hook = layers[-1][1].register_forward_hook(lambda _m, _i, output: outputs.append(output))
        try:
            logits = try_logits()
        finally:
            hook.remove()
        whole = layers[-1][1].bias is not None and bool(outputs)
        if whole and logits is not None and torch.equal(outputs[-1].float(), logits.float()):
            return layers[-1]
    raise ModelError(
        f"finetune: head needs a network that ends in a linear layer with a bias, and {name} does "
        "not: use finetune: all, or another model"
    )


@dataclass(frozen=True)
class LastStage:
    """The last stage of a network, and what is frozen if it alone learns with all behind it.

    Attributes:
        name: of the module that it begins with.
        frozen: parameters that are not trained.
        still: modules that stay in evaluation mode, so that norms keep their running statistics.
    """

    name: str
    frozen: tuple[nn.Parameter, ...]
    still: tuple[nn.Module, ...]

    def freeze(self) -> None:
        """Freeze the rest. Again after each ``model.train()``, which wakes all modules."""
        for parameter in self.frozen:
            parameter.requires_grad_(False)
        for module in self.still:
            module.training = False


def find_last_stage(model: nn.Module, name: str, image_size: int) -> LastStage:
    """The last stage of a model, which is not changed.

    Args:
        name: of the model, for the error.
        image_size: height and width of the run's images, in pixels.

    Raises:
        ModelError: no last stage can be told apart.
    """
    calls = _calls(model, image_size)
    stage = calls and (_last_of_equals(calls) or _last_size(calls))
    if not (calls and stage):
        raise ModelError(
            "finetune: last-stage needs a network whose maps become smaller, or one of equal "
            f"blocks, to tell its last stage by; {name} is neither: use finetune: all, or head"
        )
    begin = calls.first[stage]
    learning = {
        parameter
        for key, module in model.named_modules()
        if calls.of(calls.first, key) >= begin
        for parameter in module.parameters(recurse=False)
    }
    later = [key for key, _ in model.named_modules() if calls.of(calls.last, key) >= begin]
    awake = {each for key in later for each in (key, *_above(key))}
    return LastStage(
        stage,
        tuple(each for each in model.parameters() if each not in learning),
        tuple(module for key, module in model.named_modules() if key and key not in awake),
    )


@dataclass
class _Calls:
    """What a call of a network showed.

    Attributes:
        first, last: name of a module -> when it was called first, and last.
        layers: names of the layers in the order of their calls -> positions of their maps, or 0.
    """

    model: nn.Module
    first: dict[str, int] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)
    layers: dict[str, int] = field(default_factory=dict)
    count: int = 0

    def of(self, when: dict[str, int], name: str) -> int:
        """When a module was called; if it was not, as in attention, when that which holds it."""
        return next((when[each] for each in (name, *_above(name)) if each in when), 0)

    def within(self, name: str) -> list[str]:
        """The layers of a module, in the order of their calls."""
        return [each for each in self.layers if f"{each}.".startswith(f"{name}.")]

    def sizes(self, layers: list[str]) -> set[int]:
        """The numbers of positions of the maps of some layers."""
        return {self.layers[each] for each in layers} - {0}


def _above(name: str) -> list[str]:
    """The names of the modules that hold a module, from the innermost on; the last is "", all."""
    parts = name.split(".") if name else []
    return [".".join(parts[:i]) for i in reversed(range(len(parts)))]


def _calls(model: nn.Module, image_size: int) -> _Calls | None:
    """What a call shows with images of the usual size, or else of the run's; None if both fail."""
    for size in (max(USUAL_SIZE, image_size), image_size):
        calls = _Calls(model)
        try:
            with _noting(calls):
                try_call(model, size, train=False, meta_only=size != image_size)
        except Exception:  # whatever a model raises for images of another size
            continue
        return calls
    return None


@contextmanager
def _noting(calls: _Calls) -> Iterator[None]:
    """Note in `calls` what is called within the context."""
    names = {module: name for name, module in calls.model.named_modules()}

    def begins(module: nn.Module, _args: Any) -> None:
        if module is calls.model:  # a call before this one failed
            for noted in (calls.first, calls.last, calls.layers):
                noted.clear()
        calls.first.setdefault(names[module], calls.count)
        calls.last[names[module]] = calls.count
        calls.count += 1

    def ends(module: nn.Module, _args: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.shape[0] % BATCH == 0:  # else of no image
            channels = output.shape[-1 if isinstance(module, nn.Linear) else 1]
            positions = output.numel() // channels // BATCH
            calls.layers.setdefault(names[module], positions if positions > 1 else 0)

    with ExitStack() as hooks:
        for module in names:
            hooks.callback(module.register_forward_pre_hook(begins).remove)
            if isinstance(module, LAYERS):
                hooks.callback(module.register_forward_hook(ends).remove)
        yield


def _last_of_equals(calls: _Calls) -> str | None:
    """The first block of the last part of equal blocks, if most layers lie in such."""
    for name, module in calls.model.named_modules():
        prefix = f"{name}." if name else ""
        for _, equal in groupby(module.named_children(), lambda child: _shape(child[1])):
            names: list[str] = [prefix + own for own, _ in equal]
            blocks = [key for key in names if key in calls.first]
            inside = [each for key in blocks for each in calls.within(key)]
            if len(blocks) < 2 or 2 * len(inside) <= len(calls.layers):
                continue
            layers = list(calls.layers)
            behind = layers[layers.index(inside[-1]) + 1 :]
            if calls.sizes(behind) <= calls.sizes(inside):
                return blocks[len(blocks) * (LAST_PART - 1) // LAST_PART]
    return None


def _shape(module: nn.Module) -> list[tuple[str, tuple[int, ...]]]:
    """What equal blocks have in common."""
    return [(name, tuple(each.shape)) for name, each in module.named_parameters()]


def _last_size(calls: _Calls) -> str | None:
    """The module that the maps of the last size begin with."""
    layers = [each for each, size in calls.layers.items() if size]
    others = [each for each in layers if calls.layers[each] != calls.layers[layers[-1]]]
    if not others:
        return None
    start = stage = layers[layers.index(others[-1]) + 1]
    both = calls.sizes([start, others[-1]])
    for name in _above(start)[:-1]:
        inside = calls.within(name)
        if not calls.sizes(inside) <= both or layers[0] in inside:
            break
        listed = isinstance(calls.model.get_submodule(name), nn.Sequential)
        block = not listed and calls.within(stage) == [start]
        if name in calls.first and (block or inside[0] == calls.within(stage)[0]):
            stage = name
    return stage
