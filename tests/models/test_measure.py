"""Counts that can be checked by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

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
