"""Muon: how it turns and scales a network's filters, and what takes the rest."""

from __future__ import annotations

import pytest
import torch

from sixteenth.engine.muon import Muon, orthogonalise
from sixteenth.engine.optim import build_optimizers
from sixteenth.models import build_model
from sixteenth.spec import TrainSpec

pytestmark = pytest.mark.usefixtures("narrow_speedrun")


@pytest.mark.parametrize("shape", [(16, 40), (40, 16), (12, 12)])
def test_orthogonalising_keeps_singular_vectors_and_levels_their_values(
    shape: tuple[int, int],
) -> None:
    torch.manual_seed(0)
    small = min(shape)
    u, _ = torch.linalg.qr(torch.randn(shape[0], small))
    v, _ = torch.linalg.qr(torch.randn(shape[1], small))
    values = torch.linspace(1, 10, small)
    out = orthogonalise(u @ torch.diag(values) @ v.T)
    core = u.T @ out @ v
    assert core.diag().min() > 0.6
    assert core.diag().max() < 1.3
    off_diagonal = core - torch.diag(core.diag())
    assert off_diagonal.abs().max() < 0.05  # bfloat16 arithmetic


def test_muon_turns_filters_by_its_learning_rate_and_keeps_their_length() -> None:
    torch.manual_seed(0)
    filters = torch.nn.Parameter(torch.randn(8, 6, 3, 3))
    before = filters.detach().clone()
    optimizer = Muon([filters], lr=0.1, momentum=0.5)
    filters.grad = torch.randn_like(filters)
    optimizer.step()
    assert filters.norm().item() == pytest.approx(before.norm().item(), rel=1e-5)
    turned = (filters - before).norm() / before.norm()
    assert 0.05 < turned < 0.15


def test_muon_goes_down_in_either_memory_layout_alike() -> None:
    def trained(layout: torch.memory_format) -> torch.Tensor:
        torch.manual_seed(0)
        convolution = torch.nn.Conv2d(4, 8, 3, bias=False).to(memory_format=layout)
        images, wanted = torch.randn(16, 4, 8, 8), torch.randn(16, 8, 6, 6)
        optimizer = Muon([convolution.weight], lr=0.05, momentum=0.9)
        losses = []
        for _ in range(20):
            loss = (convolution(images) - wanted).square().mean()
            convolution.weight.grad = None
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        assert losses[-1] < losses[0]
        return convolution.weight.detach()

    first, last = (trained(layout) for layout in (torch.contiguous_format, torch.channels_last))
    torch.testing.assert_close(first, last, rtol=0.05, atol=0.02)


def test_beside_muon_another_optimiser_takes_what_is_no_filter() -> None:
    model = build_model("speedrun", 10, image_size=32)
    recipe = TrainSpec(optimizer="muon")
    muon, rest = build_optimizers(model, recipe, torch.device("cpu"))
    assert all(p.ndim == 4 for group in muon.param_groups for p in group["params"])
    held = [p for o in (muon, rest) for group in o.param_groups for p in group["params"]]
    trainable = [p for p in model.parameters() if p.requires_grad]
    assert {id(p) for p in held} == {id(p) for p in trainable}
    assert len(held) == len(trainable)
    # Of four axes, and no filters: a position embedding; and filters that have no length to keep.
    model.register_parameter("position", torch.nn.Parameter(torch.ones(1, 3, 2, 2)))
    blank = torch.nn.Conv2d(3, 2, 1)
    torch.nn.init.zeros_(blank.weight)
    model.add_module("blank", blank)
    muon, _ = build_optimizers(model, recipe, torch.device("cpu"))
    filters = {id(p) for group in muon.param_groups for p in group["params"]}
    assert not filters & {id(model.position), id(blank.weight)}
    (only,) = build_optimizers(torch.nn.Linear(3, 2), recipe, torch.device("cpu"))
    assert not isinstance(only, Muon)
