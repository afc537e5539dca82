"""The only entry to `engine.cpu`, which makes training on a CPU faster, with the same results.

Nothing else imports that package. Without it, everything works, but slower.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import nn
from torch.optim import Optimizer

from ..spec import TrainSpec
from .execution import Execution

LARGEST_LOWERED = 128
"""Image size in pixels up to which it is faster; larger images were not measured."""


class Acceleration(Protocol):
    """The acceleration of one model.

    State dicts of the model and of attached optimisers keep the names and shapes that they have
    without it.
    """

    @property
    def removed_weights(self) -> int:
        """Number of the model's weights that are not trained, since no image uses them."""

    def attach(self, optimizers: Sequence[Optimizer]) -> None:
        """Register the model's optimisers, before their first step."""


class NoAcceleration:
    """The acceleration of a model that was not changed."""

    removed_weights = 0

    def attach(self, optimizers: Sequence[Optimizer]) -> None:
        """Nothing to do."""


def accelerate(
    model: nn.Module, image_size: int, train: TrainSpec, execution: Execution
) -> Acceleration:
    """Change a model in place so that it trains faster.

    Does nothing on other devices than CPUs, for images larger than `LARGEST_LOWERED`, and without
    `train.lower_convolutions`.

    Args:
        model: on its device and in its memory layout.
        image_size: height and width of all its images, in pixels.
    """
    useful = execution.device == "cpu" and image_size <= LARGEST_LOWERED
    if not (useful and train.lower_convolutions):
        return NoAcceleration()
    try:
        from .cpu.accelerate import CpuAcceleration
    except ModuleNotFoundError:
        return NoAcceleration()
    return CpuAcceleration(model, image_size, train, execution)


def keep_freed_memory() -> bool:
    """Make the C library keep freed memory for the next training step; whether it succeeded.

    It cannot be undone, so it is only for processes of this package, such as workers and the
    command line, not for a process of the user, such as a notebook.
    """
    try:
        from .cpu.memory import keep_freed_memory as keep
    except ModuleNotFoundError:
        return False
    return keep()
