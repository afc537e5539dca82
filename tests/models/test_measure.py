"""Counts that can be checked by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sixteenth.models import build_model, count_parameters, final_map, train_flops_per_image


def test_a_linear_layer_costs_two_operations_a_weight_forward_and_two_backward() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 4 * 4, 10))
    # No gradient towards the image, so one backward product and not two.
    assert train_flops_per_image(model, 4) == 2 * 2 * 48 * 10


@pytest.mark.parametrize("groups", [1, 2, 6])
def test_a_grouped_convolution_costs_what_its_weights_cost(groups: int) -> None:
    first = nn.Conv2d(3, 6, 1, bias=False)
    grouped = nn.Conv2d(6, 6, 3, padding=1, groups=groups, bias=False)
    model = nn.Sequential(first, grouped, nn.AdaptiveAvgPool2d(1))
    expected = 2 * 64 * (2 * first.weight.numel() + 3 * grouped.weight.numel())
    assert train_flops_per_image(model, 8) == expected


@pytest.mark.parametrize(
    ("name", "parameters", "three_passes"),
    [("resnet18", 11_181_642, 222.1e6), ("resnet50", 23_528_522, 500.6e6)],
)
def test_the_reference_models_cost_three_forward_passes_less_the_images_gradient(
    name: str, parameters: int, three_passes: float
) -> None:
    model = build_model(name, 10, image_size=32)
    first_convolution = 2 * 16 * 16 * 64 * 3 * 7 * 7
    assert count_parameters(model) == parameters
    assert train_flops_per_image(model, 32) + first_convolution == pytest.approx(
        three_passes, rel=1e-3
    )
    assert final_map(model, 32) == (1, 1)
    assert final_map(model, 64) == (2, 2)


def test_a_model_without_convolutions_has_no_final_map() -> None:
    assert final_map(nn.Sequential(nn.Flatten(), nn.Linear(48, 2)), 4) is None


class ReadsValues(nn.Module):
    """Cannot be called without real values, and notices only after its convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 2, 1, bias=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = self.convolution(images)
        return maps.mean((2, 3)) + float(maps.detach().sum())


def test_a_model_that_reads_values_is_counted_once() -> None:
    assert train_flops_per_image(ReadsValues(), 4) == 2 * 2 * 16 * 6
    assert final_map(ReadsValues(), 4) == (4, 4)


def test_measuring_changes_nothing_in_the_model_or_the_random_state() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Flatten(), nn.Linear(16, 2)
    )
    model[1].eval()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    state = torch.get_rng_state()
    train_flops_per_image(model, 4)
    final_map(model, 4)
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
    assert [module.training for module in model] == [True, False, True, True, True]
    assert not any(module._forward_hooks for module in model)


class Pooled(nn.Module):
    """How often it was called is counted."""

    calls = 0

    def __init__(self, pool: int | torch.Tensor = 2, activation: object = F.relu) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 1)
        self.pool, self.activation = pool, activation

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        type(self).calls += 1
        pooled = F.max_pool2d(images, int(self.pool))
        return self.activation(self.convolution(pooled)).mean((2, 3))  # type: ignore[operator]


def frozen() -> Pooled:
    model = Pooled()
    model.convolution.weight.requires_grad_(False)
    return model


def test_a_model_of_a_known_structure_is_not_called_again() -> None:
    known = train_flops_per_image(Pooled(), 8), final_map(Pooled(), 8)
    calls = Pooled.calls
    assert (train_flops_per_image(Pooled(), 8), final_map(Pooled(), 8)) == known
    assert Pooled.calls == calls
    final_map(Pooled(), 16)
    assert Pooled.calls == calls + 1


@pytest.mark.parametrize(
    ("model", "flops", "size"),
    [
        (lambda: Pooled(4), 2 * 2 * 4 * 12, (2, 2)),
        (lambda: Pooled(activation=F.gelu), 2 * 2 * 16 * 12, (4, 4)),
        (lambda: Pooled(activation=lambda maps: F.pad(maps, (1, 1))), 2 * 2 * 16 * 12, (4, 4)),
        (lambda: Pooled(torch.tensor(4)), 2 * 2 * 4 * 12, (2, 2)),
        (frozen, 2 * 16 * 12, (4, 4)),
        (lambda: type("Pooled", (Pooled,), {})(1), 2 * 2 * 64 * 12, (8, 8)),
    ],
    ids=[
        "an attribute",
        "a function",
        "a lambda",
        "a tensor's value",
        "a frozen weight",
        "a class of that name",
    ],
)
def test_a_model_that_differs_in_one_thing_only_is_measured_anew(
    model: Callable[[], Pooled], flops: int, size: tuple[int, int]
) -> None:
    for known in (Pooled(), Pooled(torch.tensor(2))):
        assert (train_flops_per_image(known, 8), final_map(known, 8)) == (2 * 2 * 16 * 12, (4, 4))
    calls = Pooled.calls
    other = model()
    assert (train_flops_per_image(other, 8), final_map(other, 8)) == (flops, size)
    assert Pooled.calls + type(other).calls >= calls + 2


def test_what_depends_on_values_is_measured_each_time() -> None:
    class Skips(ReadsValues):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            twice = float(self.convolution.weight.detach().sum()) > 0
            return super().forward(images) + (self.convolution(images).mean((2, 3)) if twice else 0)

    models = [Skips(), Skips()]
    for model, value in zip(models, (-1.0, 1.0), strict=True):
        nn.init.constant_(model.convolution.weight, value)
    assert [train_flops_per_image(model, 4) for model in models] == [384, 768]
