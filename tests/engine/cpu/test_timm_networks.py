"""Networks of timm train on a CPU as plain timm does, and their weights are plain timm's."""

from __future__ import annotations

import copy

import pytest
import torch
from gradients import images, results
from torch import nn

from sixteenth.engine.acceleration import accelerate
from sixteenth.engine.cpu.convolution import LoweredConv2d, lower_convolutions
from sixteenth.engine.execution import Execution
from sixteenth.models import build_model
from sixteenth.spec import TrainSpec

timm = pytest.importorskip("timm", reason="the timm extra is missing")

CPU = Execution("cpu", "float32", "channels-last", 1)


def network(name: str) -> nn.Module:
    """The network for 32 pixels, without the zeros that some layers begin with."""
    model = build_model(f"timm/{name}", 10, image_size=32)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=generator))
    return model.to(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    ("name", "lowered"),
    [
        ("test_resnet", True),
        ("test_byobnet", True),
        ("test_convnext", True),  # layer norms over channels, depthwise 7x7
        ("test_efficientnet", True),  # squeeze and excite
        ("test_nfnet", True),  # standardised convolutions, which are left as they are
        ("test_vit", True),
        ("test_coatnet", True),
        ("tf_mobilenetv3_small_minimal_100", True),  # padding "same" from the size of the map
        ("resnetblur18", True),  # blur-pool
        ("test_resnet", False),
        ("test_vit", False),
    ],
)
def test_logits_and_all_gradients_are_those_of_plain_timm(name: str, lowered: bool) -> None:
    mine = network(name).double()
    sized = {"img_size": 32} if timm.get_pretrained_cfg(name).fixed_input_size else {}
    plain = timm.create_model(name, num_classes=10, **sized).double()
    plain.load_state_dict(mine.state_dict())
    if lowered:
        lower_convolutions(mine)
        assert any(isinstance(module, LoweredConv2d) for module in mine.modules())
    for module in mine.modules():
        assert "StdConv" not in type(module).__name__ or not isinstance(module, LoweredConv2d)
    x = images(32, torch.float64, channels=3)
    expected = results(plain, x)
    # Some gradients are zero but for rounding, as of a bias before a batch norm.
    rounding = 1e-12 * max(float(wanted.abs().max()) for wanted in expected)
    for got, wanted in zip(results(mine, x), expected, strict=True):
        assert (got - wanted).abs().max() <= 1e-9 * wanted.abs().max() + rounding


def test_dropped_paths_are_drawn_as_plain_timm_draws_them() -> None:
    torch.manual_seed(0)
    # A path's scale is 1e-6 at first, and what is dropped would be seen in the last bits alone.
    plain = timm.create_model(
        "test_convnext", num_classes=10, drop_path_rate=0.5, ls_init_value=1.0
    )
    plain = plain.to(memory_format=torch.channels_last)
    mine = lower_convolutions(copy.deepcopy(plain))
    x = images(32, torch.float32, channels=3, batch=8)
    drawn = []
    for module, seed in ((plain, 1), (mine, 1), (mine, 2)):
        torch.manual_seed(seed)
        drawn.append(results(module, x))
    for got, wanted in zip(drawn[1], drawn[0], strict=True):
        assert (got - wanted).abs().max() <= 1e-4 * wanted.abs().max() + 1e-6
    assert not torch.allclose(drawn[2][0], drawn[1][0])


@pytest.mark.parametrize("name", ["test_resnet", "test_convnext", "test_efficientnet"])
def test_weights_trained_without_their_unused_part_are_saved_whole(name: str) -> None:
    model = network(name)
    before = copy.deepcopy(model.state_dict())
    acceleration = accelerate(model, 32, TrainSpec(), CPU)
    assert acceleration.removed_weights > 0
    plain = timm.create_model(name, num_classes=10)
    plain.load_state_dict(model.state_dict())
    assert all(map(torch.equal, plain.state_dict().values(), before.values()))
    x = images(32, torch.float32, channels=3, batch=2)
    with torch.no_grad():
        wanted = plain.eval()(x)
        for each in (model.eval(), copy.deepcopy(model)):
            assert torch.allclose(each(x), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_a_network_can_be_exported_while_its_convolutions_are_cheaper() -> None:
    model = network("test_convnext").eval()
    accelerate(model, 32, TrainSpec(), CPU)
    x = images(32, torch.float32, channels=3, batch=2)
    program = torch.export.export(model, (x,))
    with torch.no_grad():
        assert torch.allclose(program.module()(x), model(x), rtol=1e-4, atol=1e-5)
