"""Runs that train the last stage alone: what stays as it was, what learns, and how it goes on."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional as F

from sixteenth import ModelError, RunSpec
from sixteenth.data import ImageDataset
from sixteenth.engine import loop
from sixteenth.engine.execution import Execution
from sixteenth.engine.learner import Learner
from sixteenth.engine.train import train_run
from sixteenth.engine.trained import load_model
from sixteenth.models import build_model, count_parameters, find_last_stage
from sixteenth.storage.run_folder import RunFolder
from sixteenth.storage.run_record import RunRecord
from tiny_study import interrupt_at

NETS = """
from torch import nn

def block(inputs, outputs, stride):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False), nn.BatchNorm2d(outputs),
        nn.ReLU(), nn.Dropout2d(0.2))

def three(num_classes):
    return nn.Sequential(
        block(3, 8, 1), block(8, 16, 2), block(16, 24, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(24, num_classes))

def flat(num_classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(192, 8), nn.ReLU(), nn.Linear(8, num_classes))
"""
FROZEN, LEARNING = ("0.", "1."), ("2.", "5.")
PLAIN = Execution("cpu", "float32", "channels-last", 1)


@pytest.fixture(autouse=True)
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Tensor]:
    """Initial weights in `w.safetensors`, whose norms have seen images."""
    monkeypatch.chdir(tmp_path)
    Path("stage_nets.py").write_text(NETS, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    model = build_model("stage_nets:three", 10, image_size=8, seed=3)
    with torch.no_grad():
        model(torch.randn(64, 3, 8, 8))
    save_file(model.state_dict(), "w.safetensors")
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def spec(**changes: Any) -> RunSpec:
    recipe = {"epochs": 4, "batch_size": 16} | changes.pop("train", {})
    known = {"model": "stage_nets:three", "init": "w.safetensors", "finetune": "last-stage"}
    cell = {"fraction": "60 images", "seed": 0, "data": "digits", "image_size": 8}
    return RunSpec.model_validate(known | cell | {"train": recipe} | changes)


def train(run: RunSpec, data: ImageDataset, at: str, **more: Any) -> tuple[RunRecord, RunFolder]:
    folder = RunFolder(Path(at) / run.run_id)
    return train_run(run, data, folder, execution=PLAIN, **more), folder


@pytest.mark.parametrize(
    ("optimizer", "execution"),
    [
        ("adamw", PLAIN),
        ("sgd", Execution("cpu", "bfloat16", "channels-last", 1)),
        ("muon", Execution("cpu", "float32", "channels-first", 1)),
    ],
)
def test_steps_change_the_last_stage_and_no_bit_before_it(
    digits: ImageDataset, weights: dict[str, Tensor], optimizer: str, execution: Execution
) -> None:
    learner = Learner(spec(train={"optimizer": optimizer}), 10, digits.train.images, execution)
    labels = torch.from_numpy(digits.train.labels[:32])
    images = torch.from_numpy(digits.train.images[:32])
    for _ in range(2):
        learner.train_mode()
        learner.step(images, labels, 0.01)
        learner.logits(images)
    after = learner.weights()
    for name, before in weights.items():
        same = torch.equal(after[name], before)
        assert same == name.startswith(FROZEN), name
    held = {
        id(p) for each in learner.optimizers for group in each.param_groups for p in group["params"]
    }
    own = [p for name, p in learner.model.named_parameters() if name.startswith(LEARNING)]
    assert {id(p) for p in own} <= held
    assert not held & {
        id(p) for name, p in learner.model.named_parameters() if name.startswith(FROZEN)
    }


def test_gradients_are_those_of_plain_torch(
    digits: ImageDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = Learner(spec(), 10, digits.train.images, PLAIN)
    assert type(learner.model[2][0]) is not torch.nn.Conv2d  # type: ignore[index]
    plain = build_model("stage_nets:three", 10, image_size=8)
    plain.load_state_dict(load_file("w.safetensors"))
    plain.train()
    for block in (plain[0], plain[1]):  # type: ignore[index]
        block.requires_grad_(False).eval()
    images = learner.normalise(torch.from_numpy(digits.train.images[:32]))
    labels = torch.from_numpy(digits.train.labels[:32])
    found = []
    for model in (learner.model, plain):
        torch.manual_seed(1)
        F.cross_entropy(model(images), labels).backward()
        found.append({name: p.grad for name, p in model.named_parameters() if p.grad is not None})
    assert found[0].keys() == found[1].keys()
    assert all(name.startswith(LEARNING) for name in found[0])
    for name, gradient in found[0].items():
        torch.testing.assert_close(gradient, found[1][name], rtol=1e-4, atol=1e-6)


def test_a_run_is_resumed_to_the_last_bit_and_its_weights_are_the_whole_network(
    digits: ImageDataset, weights: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "CHECKPOINT_SHARE", 1e9)
    whole, folder = train(spec(lengths=["1/2", "1"]), digits, "whole")
    with pytest.raises(KeyboardInterrupt):
        train(spec(lengths=["1/2", "1"]), digits, "cut", on_progress=interrupt_at(epoch=3))
    (checkpoint, _) = RunFolder(Path("cut") / spec().run_id).checkpoint_paths
    assert checkpoint.exists()
    _, again = train(spec(lengths=["1/2", "1"]), digits, "cut")
    assert again.weights_path.read_bytes() == folder.weights_path.read_bytes()
    assert (
        again.predictions_path_of("1").read_bytes() == folder.predictions_path_of("1").read_bytes()
    )
    kept = load_file(folder.weights_path)
    assert kept.keys() == weights.keys()
    assert all(torch.equal(kept[n], weights[n]) for n in kept if n.startswith(FROZEN))
    assert folder.path.name == "stage_nets.three-w.safetensors+last-stage-60images-seed0"
    model = build_model("stage_nets:three", 10, image_size=8)
    assert whole.model is not None
    assert whole.model.parameters == count_parameters(model)
    images = torch.from_numpy(digits.test.images[:5])
    chances = load_model(folder.path, trust_code=True)(images).softmax(1)
    expected = torch.from_numpy(folder.read_predictions()[1][:5])
    torch.testing.assert_close(chances, expected, rtol=1e-3, atol=1e-4)


def test_training_the_last_stage_costs_no_backward_pass_through_the_rest(
    digits: ImageDataset,
) -> None:
    costs = [
        Learner(spec(finetune=kind), 10, digits.train.images, PLAIN).train_flops_per_image
        for kind in ("all", "last-stage")
    ]
    forward = 2 * 9 * (64 * 3 * 8 + 16 * 8 * 16 + 4 * 16 * 24) + 2 * 24 * 10
    stage = 2 * 9 * 4 * 16 * 24 + 2 * 24 * 10
    assert costs[1] == forward + stage + 2 * 24 * 10  # no gradient of the stage's input
    assert costs[0] > costs[1]


def test_a_network_without_stages_is_refused_before_anything_is_trained(
    digits: ImageDataset,
) -> None:
    with pytest.raises(ModelError, match="last stage by; stage_nets:flat is neither: use finetune"):
        find_last_stage(build_model("stage_nets:flat", 10, image_size=8), "stage_nets:flat", 8)
    model = build_model("stage_nets:three", 10, image_size=8)
    before = copy.deepcopy(model.state_dict())
    stage = find_last_stage(model, "stage_nets:three", 8)
    assert stage.name == "2"
    assert all(torch.equal(model.state_dict()[name], before[name]) for name in before)
    assert all(parameter.requires_grad for parameter in model.parameters())
