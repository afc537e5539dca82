"""Whole networks with lowered convolutions train as they did before."""

from __future__ import annotations

import copy

import pytest
import torch
import torchvision
from gradients import images, results
from torch import Tensor, nn

from sixteenth.engine.cpu.convolution import lower_convolutions


def build(name: str) -> nn.Module:
    torch.manual_seed(0)
    if name.startswith(("resnet", "regnet")):
        return torchvision.models.get_model(name, num_classes=10)
    lite = pytest.importorskip("efficientnet_lite_pytorch", reason="the lite extra is missing")
    return lite.EfficientNet.from_name(name, num_classes=10)


MODELS = [("resnet18", 32), ("resnet50", 32), ("efficientnet-lite0", 64)]


@pytest.mark.parametrize(
    ("name", "size", "training"), [(*m, True) for m in MODELS] + [("resnet18", 32, False)]
)
def test_a_whole_network_has_the_same_logits_and_gradients_in_float64(
    name: str, size: int, training: bool
) -> None:
    plain = build(name).double().to(memory_format=torch.channels_last).train(training)
    lowered = lower_convolutions(copy.deepcopy(plain))
    x = images(size, torch.float64, channels=3)
    wanted, got = [], []
    for module, into in ((plain, wanted), (lowered, got)):
        torch.manual_seed(1)  # dropout and stochastic depth draw the same numbers
        into.extend(results(module, x))
    for a, b in zip(got, wanted, strict=True):
        # Batch normalisation over few positions magnifies rounding: compare on the tensor's scale.
        assert (a - b).abs().max() <= 1e-9 * b.abs().max() + 1e-12


@pytest.mark.parametrize("name", ["resnet18", "regnet_x_400mf"])
def test_batch_norms_of_1x1_maps_get_gradients_with_the_strides_of_their_input(name: str) -> None:
    """Where they differ, torch takes ten times as long."""
    model = lower_convolutions(build(name).to(memory_format=torch.channels_last))
    pairs: list[tuple[tuple[int, ...], tuple[int, ...]]] = []

    def compare(_norm: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        strides = inputs[0].stride()
        if output.shape[2:] == (1, 1):
            output.register_hook(lambda grad: pairs.append((strides, grad.stride())))

    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.register_forward_hook(compare)  # type: ignore[arg-type]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        results(model, images(32, torch.float32, channels=3))
    assert len(pairs) > 4
    assert all(mine == its for mine, its in pairs)


@pytest.mark.parametrize(("name", "size"), [MODELS[0], MODELS[2]])
def test_two_identical_steps_give_bit_identical_gradients(name: str, size: int) -> None:
    model = lower_convolutions(build(name).to(memory_format=torch.channels_last))
    x = images(size, torch.float32, channels=3)
    runs = []
    for _ in range(2):
        torch.manual_seed(1)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            runs.append(results(model, x))
    assert all(torch.equal(a, b) for a, b in zip(*runs, strict=True))
