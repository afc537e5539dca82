"""Parameters, FLOPs and feature map sizes of a model, without training it.

The model is called on the meta device if possible: only shapes are computed, which takes no memory
and a fraction of a second. The call gets its own parameters and buffers
(`torch.func.functional_call`), so it changes neither the model, with the running statistics of its
norms, nor the global random state.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from .structure import measured_once

# In training mode, batch norm of a 1x1 map needs two images; all counts are per image.
BATCH = 2
"""Images of a call."""


def count_parameters(model: nn.Module) -> int:
    """Number of trainable parameters, including the classifier."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def train_flops_per_image(model: nn.Module, image_size: int) -> int:
    """Floating-point operations of one training step per image, forward and backward.

    Counted by `torch.utils.flop_counter`: matrix products and convolutions, a multiply-add as two
    operations; no norms, activations or optimiser. The gradient of the image is not computed, so
    the sum is three forward passes minus one of the first convolution (ResNet-18 at 32 pixels: 217
    MFLOP, not 222).
    """
    return train_call(model, image_size)[1]


@measured_once
def train_call(model: nn.Module, image_size: int, meta_only: bool) -> tuple[torch.Size | None, int]:
    """Output shape and FLOPs per image of a call in training mode, with the gradients.

    Args and errors are those of `try_call`; what it finds is kept.
    """
    counter = FlopCounterMode(
        display=False,
        custom_mapping={torch.ops.aten.convolution_backward: _convolution_backward_flops},
    )
    shape = try_call(model, image_size, train=True, context=counter, meta_only=meta_only)
    return shape, int(counter.get_total_flops()) // BATCH


def _convolution_backward_flops(
    grad_shape: Sequence[int], x_shape: Sequence[int], w_shape: Sequence[int], *rest: Any, **_: Any
) -> int:
    """FLOPs of the gradients of input and weight: each has the multiplications of the forward pass.

    Torch's own formula ignores groups (up to 2.14): for a network with depthwise convolutions it
    gives ten times too much.
    """
    transposed, output_mask = rest[4], rest[7]
    positions = math.prod((x_shape if transposed else grad_shape)[2:])
    gradients = int(output_mask[0]) + int(output_mask[1])
    return 2 * x_shape[0] * positions * math.prod(w_shape) * gradients


@measured_once
def final_map(model: nn.Module, image_size: int, meta_only: bool) -> tuple[int, int] | None:
    """Height and width of the last convolution's output; None without convolutions.

    If it is 1x1, the input of the last convolutions is mostly padding. This is one reason why a
    large network may be bad at small images.
    """
    maps: list[tuple[int, int]] = []

    def keep(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        maps.append((output.shape[-2], output.shape[-1]))

    handles = [m.register_forward_hook(keep) for m in model.modules() if isinstance(m, nn.Conv2d)]
    try:
        try_call(model, image_size, train=False, meta_only=meta_only)
    finally:
        for handle in handles:
            handle.remove()
    return maps[-1] if maps else None


def try_call(
    model: nn.Module,
    image_size: int,
    *,
    train: bool,
    context: AbstractContextManager[object] | None = None,
    meta_only: bool = False,
) -> torch.Size | None:
    """The shape of a model's output for two images; None if the output is no tensor.

    Args:
        image_size: height and width of the images, in pixels.
        train: call it in training mode and compute the gradients too.
        context: entered around each call.
        meta_only: do not call it with two black images if it fails on the meta device, for example
            because it reads values of tensors.

    Raises:
        RuntimeError, ValueError, ...: whatever the model raises for images of that size.
    """
    with _mode(model, train), torch.random.fork_rng(devices=[]), torch.set_grad_enabled(train):
        context = context or nullcontext()
        try:
            with context:
                return _call(model, image_size, lambda t: torch.empty_like(t, device="meta"))
        except Exception:
            if meta_only:
                raise
            with context:
                return _call(model, image_size, lambda t: t.detach().clone())


def sample_logits(model: nn.Module, image_size: int) -> Tensor | None:
    """Output of `model` in evaluation mode for two fixed random images; None if it is no tensor."""
    state = _replaced_state(model, lambda t: t if isinstance(t, nn.Parameter) else t.clone())
    with _mode(model, False), torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.default_generator.manual_seed(0)
        images = torch.randn(BATCH, 3, image_size, image_size)
        output = torch.func.functional_call(model, state, (images,), tie_weights=False)
    return output if isinstance(output, Tensor) else None


def _call(model: nn.Module, size: int, replace: Callable[[Tensor], Tensor]) -> torch.Size | None:
    state = _replaced_state(model, replace)
    first = next(iter(state.values()), torch.zeros(()))
    # New images for each call: a model may write into its input (ReLU in place).
    images = replace(torch.zeros(BATCH, 3, size, size, device=first.device))
    output = torch.func.functional_call(model, state, (images,), tie_weights=False)
    if not isinstance(output, Tensor):
        return None
    if output.requires_grad:
        output.sum().backward()  # type: ignore[no-untyped-call, unused-ignore]
    return output.shape


def _replaced_state(model: nn.Module, replace: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:
    """``replace(tensor)`` for each parameter and buffer, under one name for each of its modules.

    `functional_call` with ``tie_weights=True`` would find shared tensors itself. But it uses all
    names of a module that is registered twice, and afterwards leaves the replacement in the model.
    """
    replaced: dict[int, Tensor] = {}
    state: dict[str, Tensor] = {}
    for path, module in model.named_modules():
        own = [
            *module.named_parameters(recurse=False, remove_duplicate=False),
            *module.named_buffers(recurse=False, remove_duplicate=False),
        ]
        for name, tensor in own:
            if id(tensor) not in replaced:
                replaced[id(tensor)] = replace(tensor).requires_grad_(tensor.requires_grad)
            state[f"{path}.{name}" if path else name] = replaced[id(tensor)]
    return state


@contextmanager
def _mode(model: nn.Module, train: bool) -> Iterator[None]:
    """Training or evaluation mode within the context; each module's own mode is restored."""
    before = {module: module.training for module in model.modules()}
    model.train(train)
    try:
        yield
    finally:
        for module, mode in before.items():
            module.training = mode
