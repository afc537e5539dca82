"""Weights that only multiply padding: out of the training, and in all state dicts."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import nn

from sixteenth.engine.acceleration import Acceleration, accelerate
from sixteenth.engine.cpu.convolution import LoweredConv2d, lower_convolutions
from sixteenth.engine.execution import Execution
from sixteenth.engine.optim import build_optimizers
from sixteenth.spec import TrainSpec

CPU = Execution("cpu", "float32", "channels-last", 1)
SGD = TrainSpec(optimizer="sgd", learning_rate=0.05, weight_decay=0.1)


def network(*, depthwise: bool = False) -> nn.Sequential:
    """8x8 images end on 1x1 maps: of nine elements the last kernels use four, one and one."""
    torch.manual_seed(0)
    return nn.Sequential(
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
    ).to(memory_format=torch.channels_last)  # type: ignore[return-value]


def accelerated(model: nn.Module, size: int = 8, recipe: TrainSpec | None = None) -> Acceleration:
    return accelerate(model, size, recipe or TrainSpec(), CPU)


class Training:
    """A network with its optimiser, with its unused weights in the training or without them."""

    def __init__(self, recipe: TrainSpec, *, crop: bool, **kind: Any) -> None:
        self.model = lower_convolutions(network(**kind))
        acceleration = accelerated(self.model, recipe=recipe) if crop else None
        self.optimizers = build_optimizers(self.model, recipe, torch.device("cpu"))
        if acceleration is not None:
            acceleration.attach(self.optimizers)

    def steps(self, count: int) -> dict[str, torch.Tensor]:
        """Take so many steps; the weights after them."""
        generator = torch.Generator().manual_seed(1)
        images = torch.randn(16, 3, 8, 8, generator=generator)
        images = images.to(memory_format=torch.channels_last)
        labels = torch.randint(0, 5, (16,), generator=generator)
        for _ in range(count):
            loss = nn.functional.cross_entropy(self.model(images), labels)
            for optimizer in self.optimizers:
                optimizer.zero_grad()
            loss.backward()
            for optimizer in self.optimizers:
                optimizer.step()
        return {name: weight.clone() for name, weight in self.model.state_dict().items()}

    def checkpoint(self) -> dict[str, Any]:
        optimizers = [optimizer.state_dict() for optimizer in self.optimizers]
        return copy.deepcopy({"model": self.model.state_dict(), "optimizers": optimizers})

    def load(self, checkpoint: dict[str, Any]) -> None:
        self.model.load_state_dict(checkpoint["model"])
        for optimizer, state in zip(self.optimizers, checkpoint["optimizers"], strict=True):
            optimizer.load_state_dict(state)


RECIPES = {
    "adamw": TrainSpec(optimizer="adamw", learning_rate=0.01, weight_decay=0.5),
    "sgd with momentum": SGD,
    "adam": TrainSpec(optimizer="adam", learning_rate=0.01),
    "adam with decay": TrainSpec(optimizer="adam", learning_rate=0.01, weight_decay=0.1),
}
each_recipe = pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)


@pytest.mark.parametrize("depthwise", [False, True])
@each_recipe
def test_training_without_the_unused_weights_gives_the_weights_of_training_with_them(
    recipe: TrainSpec, depthwise: bool
) -> None:
    full = Training(recipe, crop=False, depthwise=depthwise).steps(12)
    cropped = Training(recipe, crop=True, depthwise=depthwise).steps(12)
    assert list(full) == list(cropped)
    for name, weight in full.items():
        torch.testing.assert_close(cropped[name], weight, rtol=1e-4, atol=1e-6, msg=name)
    if recipe.resolved_weight_decay:
        before = network(depthwise=depthwise).state_dict()["6.weight"]
        assert not torch.equal(cropped["6.weight"][..., 0, 0], before[..., 0, 0])


@each_recipe
def test_a_checkpoint_has_the_names_shapes_and_values_of_one_of_the_ordinary_network(
    recipe: TrainSpec,
) -> None:
    runs = [Training(recipe, crop=crop) for crop in (False, True)]
    for run in runs:
        run.steps(5)
    full, cropped = (run.checkpoint() for run in runs)
    assert list(full["model"]) == list(cropped["model"])
    for name, weight in full["model"].items():
        torch.testing.assert_close(cropped["model"][name], weight, rtol=1e-4, atol=1e-6)
    for mine, its in zip(cropped["optimizers"], full["optimizers"], strict=True):
        assert mine["param_groups"] == its["param_groups"]
        assert mine["state"].keys() == its["state"].keys()
        for number, moments in its["state"].items():
            for key, value in moments.items():
                torch.testing.assert_close(mine["state"][number][key], value, rtol=1e-4, atol=1e-6)


@each_recipe
def test_an_ordinary_training_can_go_on_from_an_accelerated_one_s_checkpoint(
    recipe: TrainSpec,
) -> None:
    run, ordinary = Training(recipe, crop=True), Training(recipe, crop=False)
    run.steps(5)
    ordinary.load(run.checkpoint())
    expected = run.steps(5)
    for name, weight in ordinary.steps(5).items():
        torch.testing.assert_close(weight, expected[name], rtol=1e-4, atol=1e-6, msg=name)


@each_recipe
def test_a_training_that_goes_on_from_its_checkpoint_ends_on_the_same_bits(
    recipe: TrainSpec,
) -> None:
    run, resumed = Training(recipe, crop=True), Training(recipe, crop=True)
    run.steps(5)
    resumed.load(run.checkpoint())
    expected, found = run.steps(5), resumed.steps(5)
    assert all(torch.equal(found[name], weight) for name, weight in expected.items())


@each_recipe
def test_a_training_goes_on_from_a_checkpoint_of_the_earlier_format(recipe: TrainSpec) -> None:
    """In which weights and moments were cropped, and `decay` the last of the decayed parameters."""
    run, resumed = Training(recipe, crop=True), Training(recipe, crop=True)
    run.steps(5)
    checkpoint = run.checkpoint()
    checkpoint["model"] |= {name: p.detach().clone() for name, p in run.model.named_parameters()}
    for optimizer, state in zip(run.optimizers, checkpoint["optimizers"], strict=True):
        if "decay" in state:
            number = state["decay"]["group"]["params"][0]
            state["param_groups"][0]["params"].append(number)
            cropped = [optimizer.state[p] for g in optimizer.param_groups for p in g["params"]]
            state["state"] = copy.deepcopy(dict(enumerate(cropped)))
            state["unseen"] = {"shrinkage": state.pop("decay")["value"]}
    resumed.load(checkpoint)
    expected, found = run.steps(5), resumed.steps(5)
    assert all(torch.equal(found[name], weight) for name, weight in expected.items())


def test_weights_that_are_loaded_come_back_as_they_were() -> None:
    run = Training(SGD, crop=True)
    best = run.steps(3)
    run.steps(3)
    run.model.load_state_dict(best)
    again = run.model.state_dict()
    assert all(torch.equal(again[name], weight) for name, weight in best.items())
    corner = network().state_dict()["6.weight"][..., 0, 0]
    assert (best["6.weight"][..., 0, 0] / corner).mean().item() < 0.999


def test_only_elements_that_read_the_map_are_kept() -> None:
    model = network()
    kept = accelerated(model)
    kernels = [tuple(m.weight.shape[2:]) for m in model if isinstance(m, LoweredConv2d)]
    assert kernels == [(3, 3), (3, 3), (2, 2), (1, 1)]
    assert kept.removed_weights == 8 * 12 * 5 + 12 * 12 * 8


def test_a_resnet18_leaves_most_of_its_last_stage_alone() -> None:
    from torchvision.models import resnet18

    model = resnet18().to(memory_format=torch.channels_last)
    total = sum(p.numel() for p in model.parameters())
    removed = accelerated(model, 32).removed_weights
    assert removed == 512 * 256 * 5 + 3 * 512 * 512 * 8
    assert removed + sum(p.numel() for p in model.parameters()) == total


@pytest.mark.parametrize(
    ("recipe", "layout"),
    [(TrainSpec(optimizer="muon"), "channels-last"), (TrainSpec(), "channels-first")],
    ids=["muon", "channels-first"],
)
def test_where_it_could_change_something_all_weights_are_kept(
    recipe: TrainSpec, layout: str
) -> None:
    model = network()
    before = [p.shape for p in model.parameters()]
    kept = accelerate(model, 8, recipe, Execution("cpu", "float32", layout, 1))
    optimizers = build_optimizers(model, recipe, torch.device("cpu"))
    groups = [len(optimizer.param_groups) for optimizer in optimizers]
    kept.attach(optimizers)
    assert kept.removed_weights == 0
    assert [p.shape for p in model.parameters()] == before
    assert [len(optimizer.param_groups) for optimizer in optimizers] == groups


def test_a_convolution_that_serves_maps_of_two_sizes_keeps_all_weights() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution = nn.Conv2d(3, 3, 3, 2, padding=1)
            self.linear = nn.Linear(3, 2)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            while images.shape[-1] > 1:
                images = self.convolution(images)
            return self.linear(images.flatten(1))

    model = Twice().to(memory_format=torch.channels_last)
    assert accelerated(model, 4).removed_weights == 0


def test_images_of_another_size_are_refused_once_weights_are_cropped() -> None:
    model = network()
    accelerated(model)
    larger = torch.randn(2, 3, 16, 16).to(memory_format=torch.channels_last)
    message = "only the kernel elements .* of 2x2 .* with train.lower_convolutions=false all are"
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
    ("kind", "removed"),
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
    kind: type[Strided], removed: int
) -> None:
    images = torch.randn(4, 3, 4, 4).to(memory_format=torch.channels_last)
    model = kind().to(memory_format=torch.channels_last)
    parameters = list(model.parameters())
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    wanted = [model.train(mode)(images).detach() for mode in (True, False)]
    assert accelerated(model, 4).removed_weights == removed
    state = model.state_dict()
    assert all(torch.equal(state[name], weight) for name, weight in before.items())
    for mode, logits in zip((True, False), wanted, strict=True):
        torch.testing.assert_close(model.train(mode)(images), logits)
    if not removed:
        assert all(a is b for a, b in zip(model.parameters(), parameters, strict=True))


def test_a_frozen_convolution_keeps_its_weights() -> None:
    model = network()
    model[6].requires_grad_(False)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    accelerated(model)
    assert model[6].weight.shape == before["6.weight"].shape
    assert model[4].weight.shape != before["4.weight"].shape


def test_a_cropped_convolution_takes_maps_in_any_memory_order() -> None:
    model = network()
    images = torch.randn(4, 3, 8, 8)
    with torch.no_grad():
        wanted = model(images.to(memory_format=torch.channels_last))
        accelerated(model)
        maps = images
        for layer in model:
            maps = layer(maps.clone(memory_format=torch.contiguous_format))
    torch.testing.assert_close(maps, wanted)
