"""The head of a network: the linear layer that turns features into logits."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..errors import ModelError


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
