"""Taps that only ever see padding: out of the training, and back in the weights afterwards."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn

from sixteenth.engine.cpu.convolution import LoweredConv2d, lower_convolutions
from sixteenth.engine.cpu.unseen_taps import UnseenTaps
from sixteenth.engine.execution import Execution
from sixteenth.engine.optim import build_optimizers
from sixteenth.spec import TrainSpec

CPU = Execution("cpu", "float32", "channels-last", 1)


def network(*, depthwise: bool = False) -> nn.Sequential:
    """8x8 images end on 1x1 maps: of nine taps the last convolutions use four, one and one."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, 2, padding=1, bias=False),
        nn.ReLU(),
        nn.Conv2d(8, 12, 3, 2, padding=1, bias=False),
        nn.ReLU(),
        nn.Conv2d(12, 12, 3, padding=1, groups=12 if depthwise else 1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(12, 5),
    ).to(memory_format=torch.channels_last)
    return lower_convolutions(model, 8)  # type: ignore[return-value]


def trained(trim: bool, recipe: TrainSpec, steps: int = 12, **kind: Any) -> dict[str, torch.Tensor]:
    """The weights after some steps, with or without the unseen taps in the training."""
    model = network(**kind)
    unseen = UnseenTaps(model, 8, recipe, CPU) if trim else None
    both = nn.ModuleList([model, *([unseen] if unseen else [])])
    optimizers = build_optimizers(both, recipe, torch.device("cpu"))
    torch.manual_seed(1)
    images = torch.randn(16, 3, 8, 8).to(memory_format=torch.channels_last)
    labels = torch.randint(0, 5, (16,))
    for _ in range(steps):
        loss = nn.functional.cross_entropy(model(images), labels)
        for optimizer in optimizers:
            optimizer.zero_grad()
        if unseen:
            unseen.see_nothing()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
    state = model.state_dict()
    return unseen.put_back(state) if unseen else state


@pytest.mark.parametrize("depthwise", [False, True])
@pytest.mark.parametrize(
    "recipe",
    [
        TrainSpec(optimizer="adamw", learning_rate=0.01, weight_decay=0.5),
        TrainSpec(optimizer="sgd", learning_rate=0.05, weight_decay=0.1),
        TrainSpec(optimizer="adam", learning_rate=0.01),
        TrainSpec(optimizer="adam", learning_rate=0.01, weight_decay=0.1),
    ],
    ids=["adamw", "sgd with momentum", "adam", "adam with decay"],
)
def test_training_without_the_unseen_taps_gives_the_weights_of_training_with_them(
    recipe: TrainSpec, depthwise: bool
) -> None:
    whole = trained(False, recipe, depthwise=depthwise)
    trimmed = trained(True, recipe, depthwise=depthwise)
    assert list(whole) == list(trimmed)
    for name, weight in whole.items():
        torch.testing.assert_close(trimmed[name], weight, rtol=1e-4, atol=1e-6, msg=name)
    if recipe.decay_of_weights:
        before = network(depthwise=depthwise).state_dict()["6.weight"]
        assert not torch.equal(trimmed["6.weight"][..., 0, 0], before[..., 0, 0])


def test_only_taps_that_meet_the_map_are_kept() -> None:
    model = network()
    unseen = UnseenTaps(model, 8, TrainSpec(), CPU)
    kernels = [tuple(m.weight.shape[2:]) for m in model if isinstance(m, LoweredConv2d)]
    assert kernels == [(3, 3), (3, 3), (2, 2), (1, 1)]
    assert len(unseen) == 8 * 12 * 5 + 12 * 12 * 8
    assert sum(p.numel() for p in unseen.parameters()) == 1


def test_a_resnet18_leaves_most_of_its_last_stage_alone() -> None:
    from torchvision.models import resnet18

    model = lower_convolutions(resnet18().to(memory_format=torch.channels_last), 32)
    total = sum(p.numel() for p in model.parameters())
    unseen = UnseenTaps(model, 32, TrainSpec(), CPU)
    assert len(unseen) == 512 * 256 * 5 + 3 * 512 * 512 * 8
    assert len(unseen) + sum(p.numel() for p in model.parameters()) == total


@pytest.mark.parametrize(
    ("recipe", "execution"),
    [
        (TrainSpec(optimizer="muon"), CPU),
        (TrainSpec(), Execution("cpu", "float32", "channels-first", 1)),
        (TrainSpec(), Execution("cuda", "float32", "channels-last", 1)),
    ],
    ids=["muon", "not lowered in this layout", "not lowered on a GPU"],
)
def test_where_it_could_change_something_nothing_is_set_aside(
    recipe: TrainSpec, execution: Execution
) -> None:
    model = network()
    before = [p.shape for p in model.parameters()]
    unseen = UnseenTaps(model, 8, recipe, execution)
    assert len(unseen) == 0
    assert list(unseen.parameters()) == []
    assert [p.shape for p in model.parameters()] == before


def test_a_convolution_that_serves_maps_of_two_sizes_keeps_all_taps() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution = nn.Conv2d(3, 3, 3, 2, padding=1)
            self.linear = nn.Linear(3, 2)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            while images.shape[-1] > 1:
                images = self.convolution(images)
            return self.linear(images.flatten(1))

    model = lower_convolutions(Twice().to(memory_format=torch.channels_last), 4)
    assert len(UnseenTaps(model, 4, TrainSpec(), CPU)) == 0


def test_images_of_another_size_are_refused_once_taps_are_set_aside() -> None:
    model = network()
    UnseenTaps(model, 8, TrainSpec(), CPU)
    larger = torch.randn(2, 3, 16, 16).to(memory_format=torch.channels_last)
    message = "only the taps that maps of 2x2 .* with train.lower_convolutions=false all are"
    with pytest.raises(RuntimeError, match=message):
        model(larger)


class Strided(nn.Module):
    """4x4 images, halved until they are one pixel; how it calls its convolutions varies."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.convolutions = nn.ModuleList(nn.Conv2d(c, 6, 3, 2, padding=1) for c in (3, 6, 6))
        self.linear = nn.Linear(6, 2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        for convolution in self.convolutions:
            images = self.call(convolution, images)
        return self.linear(images.flatten(1))

    def call(self, convolution: nn.Module, images: torch.Tensor) -> torch.Tensor:
        return convolution(images)


class Listed(Strided):
    def __init__(self) -> None:
        super().__init__()
        self.layers = list(self.convolutions)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        for convolution in self.layers:
            images = convolution(images)
        return self.linear(images.flatten(1))


class OfTwoNames(Strided):
    def __init__(self) -> None:
        super().__init__()
        self.again = nn.Sequential(*self.convolutions)


class ByKeyword(Strided):
    def call(self, convolution: nn.Module, images: torch.Tensor) -> torch.Tensor:
        return convolution(input=images)


class WeightsOnly(Strided):
    """Also convolves with the weights of a convolution that it calls."""

    def call(self, convolution: nn.Module, images: torch.Tensor) -> torch.Tensor:
        by_hand = nn.functional.conv2d(images, convolution.weight, None, 2, 1)
        return convolution(images) + by_hand


class LargerInTraining(Strided):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if self.training:
            images = nn.functional.interpolate(images, scale_factor=2.0)
        maps = images
        for convolution in self.convolutions:
            maps = convolution(maps)
        return self.linear(maps.mean((2, 3)))


@pytest.mark.parametrize(
    ("kind", "set_aside"),
    [
        (Listed, 6 * 6 * 13),
        (OfTwoNames, 0),
        (ByKeyword, 6 * 6 * 13),
        (WeightsOnly, 0),
        (LargerInTraining, 0),
    ],
    ids=[
        "kept in a plain list",
        "of two names",
        "called by keyword",
        "weights used elsewhere",
        "resizing",
    ],
)
def test_a_model_goes_on_as_it_was_however_it_calls_its_convolutions(
    kind: type[Strided], set_aside: int
) -> None:
    images = torch.randn(4, 3, 4, 4).to(memory_format=torch.channels_last)
    model = kind().to(memory_format=torch.channels_last)
    parameters = list(model.parameters())
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    wanted = [model.train(mode)(images).detach() for mode in (True, False)]
    lower_convolutions(model, 4)
    unseen = UnseenTaps(model, 4, TrainSpec(), CPU)
    assert len(unseen) == set_aside
    whole = unseen.put_back(model.state_dict())
    assert all(torch.equal(whole[name], weight) for name, weight in before.items())
    for mode, logits in zip((True, False), wanted, strict=True):
        torch.testing.assert_close(model.train(mode)(images), logits)
    if not set_aside:
        assert all(a is b for a, b in zip(model.parameters(), parameters, strict=True))


def test_a_frozen_convolution_keeps_its_weights() -> None:
    model = network()
    model[6].requires_grad_(False)
    whole = {name: weight.clone() for name, weight in model.state_dict().items()}
    unseen = UnseenTaps(model, 8, TrainSpec(), CPU)
    with torch.no_grad():
        unseen.shrinkage.fill_(0.5)
    back = unseen.put_back(model.state_dict())
    assert torch.equal(back["6.weight"], whole["6.weight"])
    assert not torch.equal(back["4.weight"], whole["4.weight"])


def test_weights_that_are_put_back_and_set_aside_again_are_the_same() -> None:
    model = network()
    unseen = UnseenTaps(model, 8, TrainSpec(), CPU)
    with torch.no_grad():
        unseen.shrinkage.fill_(0.5)
    whole = {k: v.clone() for k, v in unseen.put_back(model.state_dict()).items()}
    model.load_state_dict(unseen.set_aside(whole))
    again = unseen.put_back(model.state_dict())
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    corner = network().state_dict()["6.weight"][..., 0, 0]
    assert math.isclose((again["6.weight"][..., 0, 0] / corner).mean().item(), 0.5, rel_tol=1e-5)


def test_a_trimmed_convolution_takes_maps_in_any_memory_order() -> None:
    model = network()
    images = torch.randn(4, 3, 8, 8)
    with torch.no_grad():
        wanted = model(images.to(memory_format=torch.channels_last))
        UnseenTaps(model, 8, TrainSpec(), CPU)
        maps = images
        for layer in model:
            maps = layer(maps.clone(memory_format=torch.contiguous_format))
    torch.testing.assert_close(maps, wanted)
