"""Learning-rate schedules, and what the optimisers do in uncommon cases."""

from __future__ import annotations

import pytest
import torch

from sixteenth.engine.optim import build_optimizers, learning_rate
from sixteenth.spec import TrainSpec


@pytest.mark.parametrize(
    "schedule", ["one-cycle", "warmup-linear", "warmup-stable-decay", "constant"]
)
def test_a_schedule_rises_to_its_peak_and_falls(schedule: str) -> None:
    recipe = TrainSpec.model_validate({"schedule": schedule, "learning_rate": 0.4, "warmup": 0.25})
    rates = [learning_rate(step, 100, recipe) for step in range(100)]
    assert max(rates) == pytest.approx(0.4, rel=0.05)
    assert all(rate > 0 for rate in rates)
    if schedule != "constant":
        top = rates.index(max(rates))
        assert 23 <= top <= 26
        assert rates[:top] == sorted(rates[:top])
        assert rates[top:] == sorted(rates[top:], reverse=True)
        assert rates[-1] < 0.01


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw"])
def test_norms_and_biases_are_not_decayed(name: str) -> None:
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    recipe = TrainSpec.model_validate({"optimizer": name, "weight_decay": 0.01})
    (optimizer,) = build_optimizers(model, recipe, torch.device("cpu"))
    decay = {
        id(parameter): group["weight_decay"]
        for group in optimizer.param_groups
        for parameter in group["params"]
    }
    for parameter in model.parameters():
        assert (decay[id(parameter)] > 0) == (parameter.ndim > 1)


def test_sgd_takes_a_parameter_whose_first_gradient_comes_late() -> None:
    """As of a block that stochastic depth drops in the first step."""
    model = torch.nn.ModuleList([torch.nn.Linear(2, 2) for _ in range(2)])
    recipe = TrainSpec.model_validate({"optimizer": "sgd", "weight_decay": 0})
    (optimizer,) = build_optimizers(model, recipe, torch.device("cpu"))
    plain = torch.optim.SGD([p.detach().clone() for p in model.parameters()], lr=0.02, momentum=0.9,
                            nesterov=True)  # fmt: skip
    for parts in (model[:1], model):
        optimizer.zero_grad()
        sum(part(torch.ones(1, 2)).sum() for part in parts).backward()
        optimizer.step()
        for theirs, ours in zip(plain.param_groups[0]["params"], model.parameters(), strict=True):
            theirs.grad = None if ours.grad is None else ours.grad.clone()
        plain.step()
    for theirs, ours in zip(plain.param_groups[0]["params"], model.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)
