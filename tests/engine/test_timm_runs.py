"""A run with a model of timm: its folder, what its record keeps, how its images are normalised."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from sixteenth.engine.execution import Execution
from sixteenth.engine.learner import Learner
from sixteenth.engine.records import environment
from sixteenth.spec import RunSpec, StudySpec
from sixteenth.storage.run_facts import ModelFacts
from timm_hub import publish

timm = pytest.importorskip("timm", reason="the timm extra is missing")

MODEL = "timm/test_vit.r160_in1k"


def run_of(init: str) -> RunSpec:
    return RunSpec(model=MODEL, init=init, fraction="1/16", seed=0, data="digits", image_size=32)


def test_the_name_of_a_run_is_one_folder_and_says_the_tag() -> None:
    spec = StudySpec(data="digits", models=["timm/resnet50.a1_in1k", "resnet50"], fractions=["1"])
    assert [run.run_id for run in spec.runs()] == [
        "timm-resnet50.a1_in1k-random-all-seed0",
        "resnet50-random-all-seed0",
    ]


def test_the_version_of_timm_is_kept_of_its_own_models_alone() -> None:
    run = run_of("random")
    assert environment(runs=[run]).to_dict()["timm"] == timm.__version__
    other = run.model_copy(update={"model": "resnet18"})
    assert "timm" not in environment(runs=[other]).to_dict()


def test_the_record_keeps_the_tag_and_how_images_were_prepared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    torch.manual_seed(0)
    name = MODEL.removeprefix("timm/")
    _, sha256 = publish(tmp_path, name, timm.create_model(name).state_dict())
    images = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3)).astype(np.uint8)
    cpu = Execution("cpu", "float32", "channels-last", 1)
    learner = Learner(run_of("imagenet"), 4, images, cpu)
    facts = ModelFacts.from_dict(learner.facts.to_dict())  # as it goes through run.json
    assert facts.weights_sha256 == sha256
    assert facts.weights is not None
    assert facts.weights.config is not None
    assert facts.weights.config["tag"] == "r160_in1k"
    assert facts.weights.config["interpolation"] == "bicubic"
    assert facts.normalisation is not None
    assert facts.normalisation.mean == (0.5, 0.5, 0.5)
    assert facts.normalisation.source == MODEL
    labels = torch.arange(8) % 4
    losses = [learner.step(torch.from_numpy(images), labels, 1e-3)[0].item() for _ in range(4)]
    assert losses[-1] < losses[0]
    assert Learner(run_of("random"), 4, images, cpu).facts.weights is None
