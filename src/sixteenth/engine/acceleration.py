"""The one door to `engine.cpu`, which makes training on a CPU faster, to the same results.

Nothing else imports that package. Without it everything works as well, slower.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import nn
from torch.optim import Optimizer

from ..spec import TrainSpec
from .execution import Execution

LARGEST_IMAGE = 128
"""Side in pixels up to which anything is gained, and up to which it was measured."""


class Acceleration(Protocol):
    """What was done to one model to train it faster.

    State dicts of the model and of attached optimisers are those of the model as it was before, in
    names and shapes.
    """

    @property
    def removed_weights(self) -> int:
        """How many of the model's weights are kept out of the training, as no image uses them."""

    def attach(self, optimizers: Sequence[Optimizer]) -> None:
        """Let the model's optimisers know of it, before their first step."""


class NoAcceleration:
    """Of a model that was left as it was."""

    removed_weights = 0

    def attach(self, optimizers: Sequence[Optimizer]) -> None:
        """There is nothing to know."""


def accelerate(
    model: nn.Module, image_size: int, train: TrainSpec, execution: Execution
) -> Acceleration:
    """Make the training of a model faster, in place, where that is known to gain something.

    On other devices than CPUs, for larger images than `LARGEST_IMAGE` and without
    `train.lower_convolutions` its modules stay what they are.

    Args:
        model: on its device and in its layout.
        image_size: height and width of all images that it will be given, in pixels.
    """
    useful = execution.device == "cpu" and image_size <= LARGEST_IMAGE
    if not (useful and train.lower_convolutions):
        return NoAcceleration()
    try:
        from .cpu.accelerate import CpuAcceleration
    except ModuleNotFoundError:
        return NoAcceleration()
    return CpuAcceleration(model, image_size, train, execution)


def keep_freed_memory() -> bool:
    """Tell the C library to keep freed memory for the next training step, for good.

    For processes that are there to train, such as workers and the command line. It cannot be
    undone, so a process of the user's, such as a notebook, is left alone.

    Returns:
        Whether it could be told.
    """
    try:
        from .cpu.memory import keep_freed_memory as keep
    except ModuleNotFoundError:
        return False
    return keep()
