"""What a network costs and where its convolutions end, without training it.

The network is called on the meta device where it can be: shapes flow, numbers do not, so that even
the largest takes no memory and a fraction of a second. Parameters and buffers are lent for the call
(`torch.func.functional_call`), so a measured model is the one it was before, running statistics of
its norms included, and the global random state as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

# Batch norm over a 1x1 map needs a second image in training mode; all counts are per image.
_BATCH = 2


def count_parameters(model: nn.Module) -> int:
    """Number of trainable values, the classifier's included."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def train_flops_per_image(model: nn.Module, image_size: int) -> int:
    """Floating-point operations to train on one image once: forward and backward.

    Counted by `torch.utils.flop_counter`: matrix products and convolutions, a multiplication and an
    addition as two operations; norms, activations and the optimiser are left out. The gradient
    towards the image itself is never computed, so it is not counted either: three forward passes
    less one of the first convolution (ResNet-18 at 32 pixels: 217 MFLOP, not 222).
    """
    counter = FlopCounterMode(
        display=False,
        custom_mapping={torch.ops.aten.convolution_backward: _convolution_backward_flops},
    )
    try_call(model, image_size, train=True, watch=counter)
    return int(counter.get_total_flops()) // _BATCH


def _convolution_backward_flops(
    grad_shape: Sequence[int], x_shape: Sequence[int], w_shape: Sequence[int], *rest: Any, **_: Any
) -> int:
    """Each of the two gradients takes the multiplications of the forward pass.

    Torch's own formula forgets that a grouped convolution does not connect all channels (seen up
    to 2.14): it makes training a depthwise network look ten times dearer than it is.
    """
    _bias, _stride, _padding, _dilation, transposed, _output_padding, _groups, wanted = rest[:8]
    places = math.prod((x_shape if transposed else grad_shape)[2:])
    gradients = int(wanted[0]) + int(wanted[1])
    return 2 * x_shape[0] * places * math.prod(w_shape) * gradients


def final_map(model: nn.Module, image_size: int) -> tuple[int, int] | None:
    """Height and width of the map that the last convolution gives, None without convolutions.

    1x1 means that the network has halved the image down to one pixel: its last convolutions then
    see mostly padding, which is why a large network may do badly on small images.
    """
    maps: list[tuple[int, int]] = []

    def keep(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        maps.append((output.shape[-2], output.shape[-1]))

    handles = [m.register_forward_hook(keep) for m in model.modules() if isinstance(m, nn.Conv2d)]
    try:
        try_call(model, image_size, train=False)
    finally:
        for handle in handles:
            handle.remove()
    return maps[-1] if maps else None


def try_call(
    model: nn.Module,
    image_size: int,
    *,
    train: bool,
    watch: AbstractContextManager[object] | None = None,
    meta_only: bool = False,
) -> torch.Size | None:
    """Call `model` on two empty images, backward too if `train`; the shape of what it returned.

    None when it returned something else than a tensor. The meta device is tried first; a model
    that fails there (one that reads values, say) is called on two black images, unless
    `meta_only`. `watch` is entered around each of the two calls.

    Raises:
        RuntimeError, ValueError, ...: whatever the model raises on images of that size.
    """
    with _mode(model, train), torch.random.fork_rng(devices=[]), torch.set_grad_enabled(train):
        watch = watch or nullcontext()
        try:
            with watch:
                return _call(model, image_size, lambda t: torch.empty_like(t, device="meta"))
        except Exception:
            if meta_only:
                raise
            with watch:
                return _call(model, image_size, lambda t: t.detach().clone())


def sample_logits(model: nn.Module, image_size: int) -> Tensor | None:
    """What `model` gives in evaluation mode for two random images, the same ones each time.

    None when it returned something else than a tensor.
    """
    state = _lent(model, lambda t: t if isinstance(t, nn.Parameter) else t.clone())
    with _mode(model, False), torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.default_generator.manual_seed(0)
        images = torch.randn(_BATCH, 3, image_size, image_size)
        output = torch.func.functional_call(model, state, (images,), tie_weights=False)
    return output if isinstance(output, Tensor) else None


def _call(model: nn.Module, size: int, lend: Callable[[Tensor], Tensor]) -> torch.Size | None:
    state = _lent(model, lend)
    first = next(iter(state.values()), torch.zeros(()))
    # Each call its own images: a model may write into its input (ReLU in place).
    images = lend(torch.zeros(_BATCH, 3, size, size, device=first.device))
    output = torch.func.functional_call(model, state, (images,), tie_weights=False)
    if not isinstance(output, Tensor):
        return None
    if output.requires_grad:
        output.sum().backward()  # type: ignore[no-untyped-call, unused-ignore]
    return output.shape


def _lent(model: nn.Module, lend: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:
    """What `lend` makes of each parameter and buffer, by a name of each module that holds it.

    Torch's own way to find all names of a tensor (`tie_weights`) also gives those of a module that
    has two, and then puts the lent tensor back there instead of the one that it stands for.
    """
    lent: dict[int, Tensor] = {}
    state: dict[str, Tensor] = {}
    for path, module in model.named_modules():
        own = [
            *module.named_parameters(recurse=False, remove_duplicate=False),
            *module.named_buffers(recurse=False, remove_duplicate=False),
        ]
        for name, tensor in own:
            if id(tensor) not in lent:
                lent[id(tensor)] = lend(tensor).requires_grad_(tensor.requires_grad)
            state[f"{path}.{name}" if path else name] = lent[id(tensor)]
    return state


@contextmanager
def _mode(model: nn.Module, train: bool) -> Iterator[None]:
    """Training or evaluation mode for a while, each part's own mode put back afterwards."""
    before = {module: module.training for module in model.modules()}
    model.train(train)
    try:
        yield
    finally:
        for module, mode in before.items():
            module.training = mode
