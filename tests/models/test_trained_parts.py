"""Which module a network's last stage begins with, and what is frozen before it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from sixteenth.errors import ModelError
from sixteenth.models import build_model, find_last_stage


class Gated(nn.Module):
    """A block that halves its maps in its second convolution, with squeeze-and-excitation last."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.wide = nn.Conv2d(inputs, 2 * outputs, 1)
        self.narrow = nn.Sequential(nn.Conv2d(2 * outputs, outputs, 3, stride, 1), nn.ReLU())
        self.gate = nn.Conv2d(outputs, outputs, 1)
        self.scale = nn.Parameter(torch.ones(outputs, 1, 1))

    def forward(self, maps: Tensor) -> Tensor:
        maps = self.narrow(self.wide(maps))
        gated: Tensor = self.scale * maps * self.gate(maps.mean((2, 3), keepdim=True)).sigmoid()
        return gated


class Body(nn.Module):
    """Stages as attributes; in training it drops images of the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.first = nn.Sequential(Gated(4, 4, 2), Gated(4, 4, 1))
        self.second = nn.ModuleList([Gated(4, 8, 2), Gated(8, 8, 1)])
        self.act, self.unused = nn.ReLU(), nn.Linear(3, 3)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.first(self.act(self.norm(self.stem(images))))
        for block in self.second:
            maps = block(maps)
        pooled: Tensor = self.act(maps).mean((2, 3))
        return pooled


class Attention(nn.Module):
    """A small ViT, of blocks whose attention uses its layers' weights without calling them."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, 4)
        self.token = nn.Parameter(torch.zeros(1, 1, 8))
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.blocks = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.head = nn.Linear(8, 2)

    def forward(self, images: Tensor) -> Tensor:
        patches = self.patches(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(len(patches), -1, -1), patches], 1)
        logits: Tensor = self.head(self.blocks(tokens)[:, 0])
        return logits


class Picky(nn.Sequential):
    """Reads a value of its maps, which it cannot of shapes alone."""

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = super().forward(images)
        assert float(logits.sum()) == float(logits.sum())
        return logits


def learning(model: nn.Module, size: int = 32) -> tuple[str, set[str], set[str]]:
    """The stage; the parameters that learn; and the modules that are in training mode."""
    stage = find_last_stage(model, "net", size)
    model.train()
    stage.freeze()
    learns = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    return stage.name, learns, {name for name, module in model.named_modules() if module.training}


def test_a_block_that_halves_its_maps_within_belongs_to_the_stage_whole() -> None:
    model = nn.Sequential(Body(), nn.Linear(8, 2))
    name, learns, awake = learning(model)
    assert name == "0.second.0"
    own = {each for each, _ in model.named_parameters()}
    assert learns == {each for each in own if each.startswith(("0.second.", "1."))}
    assert {"", "0", "0.second.0", "0.act"} <= awake, "what is called again later stays awake"
    assert not {"0.stem", "0.norm", "0.first", "0.first.1", "0.unused"} & awake


def test_norms_rest_too_in_a_network_that_reads_values_of_its_images() -> None:
    model = Picky(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 2, 2), nn.BatchNorm2d(4),
        nn.Flatten(), nn.Linear(64, 2),
    )  # fmt: skip
    name, learns, awake = learning(model, 8)
    assert name == "2"
    assert learns == {"2.weight", "2.bias", "3.weight", "3.bias", "5.weight", "5.bias"}
    assert awake == {"", "2", "3", "4", "5"}


def test_of_equal_blocks_the_last_quarter_learns() -> None:
    model = Attention(6)
    name, learns, _ = learning(model, 8)
    assert name == "blocks.layers.4"
    later = ("blocks.layers.4.", "blocks.layers.5.", "head.")
    assert learns == {each for each, _ in model.named_parameters() if each.startswith(later)}
    assert "blocks.layers.5.self_attn.out_proj.weight" in learns


def test_most_layers_in_equal_blocks_of_an_earlier_stage_are_not_the_last_stage() -> None:
    blocks = [nn.Conv2d(4, 4, 3, padding=1) for _ in range(9)]
    model = nn.Sequential(
        nn.Conv2d(3, 4, 2, 2), nn.Sequential(*blocks), nn.Sequential(nn.Conv2d(4, 4, 2, 2)),
        nn.Flatten(), nn.Linear(4 * 8 * 8, 2),
    )  # fmt: skip
    assert learning(model)[0] == "2"  # this network can only work on images of the run's size


@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(nn.Flatten(), nn.Linear(192, 8), nn.ReLU(), nn.Linear(8, 2)),
        nn.Sequential(nn.Conv2d(3, 4, 3, 2), nn.Conv2d(4, 4, 3, padding=1), nn.Flatten(),
                      nn.Linear(36, 2)),
        nn.Sequential(nn.Conv2d(3, 2, 8), nn.Flatten()),
    ],
    ids=["no maps", "maps of one size", "one layer"],
)  # fmt: skip
def test_where_no_stage_can_be_told_apart_one_line_says_so(model: nn.Module) -> None:
    with pytest.raises(ModelError, match="net is neither: use finetune: all, or head"):
        find_last_stage(model, "net", 8)


PAGE = Path(__file__).parents[2] / "docs" / "study-file.md"
ROW = re.compile(r"^\| (\S+) \| `(\S+)` \| (\d+)% \|$", re.MULTILINE)
TABLE = {name: (stage, share) for name, stage, share in ROW.findall(PAGE.read_text("utf-8"))}
QUICK = ("resnet18", "squeezenet1_1", "speedrun", "seed-cnn")
LARGE = ("alexnet", "inception_v3", "maxvit_t")
"""Networks that cannot work on small images; nor can some of timm's."""


@pytest.mark.parametrize(
    "name", [*QUICK, *(pytest.param(n, marks=pytest.mark.slow) for n in TABLE if n not in QUICK)]
)
def test_the_last_stages_are_those_of_the_documentation(name: str) -> None:
    if name.startswith("timm/"):
        pytest.importorskip("timm")
    elif name.startswith("sixteenth.models.lite:"):
        pytest.importorskip("efficientnet_lite_pytorch")
    size = 224 if name in LARGE or name.startswith("timm/") else 32
    model = build_model(name, 10, image_size=size)
    stage = find_last_stage(model, name, size)
    frozen = sum(parameter.numel() for parameter in stage.frozen)
    total = sum(parameter.numel() for parameter in model.parameters())
    assert (stage.name, f"{100 * (1 - frozen / total):.0f}") == TABLE[name]
