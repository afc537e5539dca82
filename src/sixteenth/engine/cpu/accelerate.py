"""Cheaper convolutions and a smaller optimiser state for one model that is trained on a CPU."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ...spec import TrainSpec
from ..execution import Execution
from .convolution import LoweredConv2d, lower_convolutions
from .unused_weights import crop_weights


class CpuAcceleration:
    """A model whose convolutions are lowered and whose unused weights are kept out of the training.

    What weight decay does to those is followed on a single number, `decay`: a parameter that starts
    at 1, that the optimiser decays as it does the weights, and whose gradient is zero. Nothing else
    changes the unused weights, and what decay does is linear. They are restored in the state dicts
    of the model and the optimiser, whose names and shapes are those of the ordinary model.
    """

    def __init__(
        self, model: nn.Module, image_size: int, train: TrainSpec, execution: Execution
    ) -> None:
        self.decay = nn.Parameter(torch.ones(1, 1))
        self._cropped = crop_weights(
            lower_convolutions(model), image_size, train, execution, self.decay
        )
        self._initial = [module.crop.full for module in self._cropped]

    @property
    def removed_weights(self) -> int:
        """How many weights are kept out of the training."""
        return sum(m.crop.full.numel() - m.weight.numel() for m in self._cropped)

    def attach(self, optimizers: Sequence[Optimizer]) -> None:
        """Let the optimisers decay the unused weights, and keep these in their state dicts."""
        if not self._cropped:
            return
        first = self._cropped[0].weight
        optimizer, group = next(
            (optimizer, group)
            for optimizer in optimizers
            for group in optimizer.param_groups
            if any(parameter is first for parameter in group["params"])
        )
        optimizer.add_param_group({**group, "params": [self.decay]})
        if first in optimizer.state:  # it has moments before the first step
            moments = {key: torch.zeros_like(self.decay) for key in optimizer.state[first]}
            optimizer.state[self.decay] = moments
        optimizer.register_step_pre_hook(self._before_step)
        optimizer.register_state_dict_post_hook(self._restore)
        optimizer.register_load_state_dict_pre_hook(self._crop)

    def _before_step(self, _optimizer: Optimizer, _args: Any, _kwargs: Any) -> None:
        self.decay.grad = torch.zeros_like(self.decay)

    def _restore(self, optimizer: Optimizer, state: dict[str, Any]) -> dict[str, Any]:
        """An optimiser's state dict as if no weight had been cropped.

        The unused weights' moments are, as the weights themselves, those of `decay` times what the
        weights were at the beginning: a momentum that weight decay moves, or zero.
        """
        *groups, own = state["param_groups"]
        moments = dict(state["state"])
        of_decay = moments.pop(own["params"][0], {})
        for number, module in self._numbers(optimizer, groups):
            moments[number] = {
                key: module.crop.restored(value, of_decay[key])
                if isinstance(value, Tensor) and value.shape == module.weight.shape
                else value
                for key, value in moments.get(number, {}).items()
            }
        decay = {"value": self.decay.detach().clone(), "state": of_decay, "group": own}
        return {"state": moments, "param_groups": groups, "decay": decay}

    def _crop(self, optimizer: Optimizer, state: dict[str, Any]) -> dict[str, Any]:
        """The opposite of `_restore`; comes after the model's state dict is loaded."""
        groups, moments = state["param_groups"], dict(state["state"])
        if "unseen" in state:  # an earlier format, in which all was cropped
            *others, number = groups[0]["params"]
            own, value = {**groups[0], "params": [number]}, state["unseen"]["shrinkage"]
            groups = [{**groups[0], "params": others}, *groups[1:]]
        else:
            own, value = state["decay"]["group"], state["decay"]["value"]
            moments[own["params"][0]] = state["decay"]["state"]
        for number, module in self._numbers(optimizer, groups):
            moments[number] = {
                key: torch.empty_like(module.weight).copy_(module.crop.used(value))
                if isinstance(value, Tensor) and value.shape == module.crop.full.shape
                else value
                for key, value in moments.get(number, {}).items()
            }
        # Not as they were loaded: rounded once more than in a run that was never interrupted.
        for module, full in zip(self._cropped, self._initial, strict=True):
            module.crop.full = full
        with torch.no_grad():
            self.decay.copy_(value)
        return {"state": moments, "param_groups": [*groups, own]}

    def _numbers(
        self, optimizer: Optimizer, groups: Sequence[dict[str, Any]]
    ) -> Iterator[tuple[int, LoweredConv2d]]:
        """The cropped convolutions with their weights' numbers in a state dict's groups."""
        cropped = {id(module.weight): module for module in self._cropped}
        for group, saved in zip(optimizer.param_groups, groups, strict=False):
            for parameter, number in zip(group["params"], saved["params"], strict=False):
                if id(parameter) in cropped:
                    yield number, cropped[id(parameter)]
