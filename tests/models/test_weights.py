"""Weights from a file: read as data, all of them or none of them."""

from __future__ import annotations

import hashlib
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from safetensors.torch import save_file

from sixteenth.errors import WeightsError
from sixteenth.models import (
    build_model,
    load_initial_weights,
    load_trained_weights,
)

NARROW = "shufflenet_v2_x0_5"
"""Of all of torchvision's networks the one with the smallest file."""


@pytest.fixture(scope="module")
def narrow() -> dict[str, torch.Tensor]:
    """The narrow network as torchvision's file holds it: 1000 classes, no counters of norms."""
    state = torchvision.models.shufflenet_v2_x0_5().state_dict()
    return {k: v for k, v in state.items() if "num_batches" not in k}


def test_a_safetensors_file_of_the_same_network_is_loaded_whole(tmp_path: Path) -> None:
    source = build_model(NARROW, 10, image_size=32, seed=1)
    path = tmp_path / "own.safetensors"
    save_file(source.state_dict(), path)
    model = build_model(NARROW, 10, image_size=32, seed=2)
    found = load_initial_weights(model, NARROW, str(path), stem="default")
    assert found is not None
    assert found.normalisation is None
    assert all(torch.equal(v, source.state_dict()[k]) for k, v in model.state_dict().items())


def test_a_path_can_ask_for_imagenets_normalisation(tmp_path: Path) -> None:
    path = tmp_path / "own.safetensors"
    model = build_model(NARROW, 10, image_size=32)
    save_file(model.state_dict(), path)
    found = load_initial_weights(model, NARROW, f"{path}#imagenet", stem="default")
    assert found is not None
    normalisation = found.normalisation
    assert normalisation is not None
    assert normalisation.mean == (0.485, 0.456, 0.406)
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("wrap", ["state_dict", "model", "module."])
def test_usual_wrappings_of_a_pth_are_taken_off(wrap: str, tmp_path: Path) -> None:
    source = build_model(NARROW, 10, image_size=32, seed=1).state_dict()
    content = {f"module.{k}": v for k, v in source.items()} if wrap[-1] == "." else {wrap: source}
    torch.save(content, tmp_path / "own.pth")
    model = build_model(NARROW, 10, image_size=32, seed=2)
    load_initial_weights(model, NARROW, str(tmp_path / "own.pth"), stem="default")
    assert torch.equal(model.fc.weight, source["fc.weight"])


def test_a_classifier_for_other_classes_is_refused_or_starts_anew(tmp_path: Path) -> None:
    path = tmp_path / "five.safetensors"
    save_file(build_model(NARROW, 5, image_size=32, seed=1).state_dict(), path)
    model = build_model(NARROW, 10, image_size=32, seed=2)
    before = model.fc.weight.clone()
    with pytest.raises(WeightsError, match=r"made for other classes .* with --allow-partial it"):
        load_initial_weights(model, NARROW, str(path), stem="default")
    model = build_model(NARROW, 10, image_size=32, seed=2)
    load_initial_weights(model, NARROW, str(path), stem="default", allow_partial=True)
    assert torch.equal(model.fc.weight, before)
    with pytest.raises(WeightsError, match=r"fc\S* has shape \(5,.*, this network needs \(10,"):
        load_trained_weights(model, path)


def _drop(state: dict[str, torch.Tensor]) -> None:
    del state["stage3.0.branch2.0.weight"]


def _add(state: dict[str, torch.Tensor]) -> None:
    state["stage9.weight"] = torch.zeros(1)


def _reshape(state: dict[str, torch.Tensor]) -> None:
    state["conv1.0.weight"] = torch.zeros(24, 3, 7, 7)


def _spoil(state: dict[str, torch.Tensor]) -> None:
    state["conv1.1.weight"] = state["conv1.1.weight"].clone()
    state["conv1.1.weight"][3] = float("nan")


def _overflow(state: dict[str, torch.Tensor]) -> None:
    state["conv1.1.bias"] = torch.full_like(state["conv1.1.bias"], float("inf"))


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_drop, "lacks stage3.0.branch2.0.weight"),
        (_add, "has, unexpectedly, stage9.weight"),
        (_reshape, r"conv1.0.weight has shape \(24, 3, 7, 7\), this network needs \(24, 3, 3, 3\)"),
        (_spoil, "conv1.1.weight holds NaN or infinity"),
        (_overflow, "conv1.1.bias holds NaN or infinity"),
    ],
)
def test_weights_of_another_network_are_refused_by_the_tensors_name(
    damage: Any, message: str, suffix: str, narrow: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    state = dict(narrow)
    damage(state)
    path = tmp_path / f"own{suffix}"
    if suffix == ".pth":
        torch.save(state, path)
    else:
        save_file(state, path)
    model = build_model(NARROW, 10, image_size=32)
    with pytest.raises(WeightsError, match=message):
        load_initial_weights(model, NARROW, str(path), stem="default")


class _Bomb:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".safetensors"])
@pytest.mark.parametrize("writer", ["torch", "pickle"])
def test_a_pickle_that_would_execute_is_refused_and_does_not_execute(
    suffix: str, writer: str, tmp_path: Path
) -> None:
    path, exploded = tmp_path / f"bomb{suffix}", tmp_path / "exploded"
    content = {"conv1.weight": torch.zeros(1), "x": _Bomb(exploded)}
    if writer == "torch":
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content))
    model = build_model(NARROW, 10, image_size=32)
    with pytest.raises(
        WeightsError, match=r"bomb\S* is (refused|not a safetensors file)"
    ) as caught:
        load_initial_weights(model, NARROW, str(path), stem="default")
    assert "\n" not in str(caught.value)
    assert not exploded.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"a": 3}, "'a' is not a tensor but int"),
        ([torch.zeros(1)], "no named tensors but list"),
        ({}, "no named tensors"),
        ({"a": torch.zeros(2).to_sparse()}, "'a' is a sparse"),
        ({"a": torch.empty(2, device="meta")}, "'a' is a sparse, nested, quantised or empty"),
        ({"a": torch.zeros(1).expand(10**14)}, "it lacks conv1.0.weight"),
        ({"conv1.0.weight": torch.zeros(1).expand(10**14)}, r"has shape \(100000000000000,\)"),
    ],
)
def test_a_file_of_anything_but_named_tensors_is_refused(
    content: Any, message: str, tmp_path: Path
) -> None:
    torch.save(content, tmp_path / "odd.pth")
    model = build_model(NARROW, 10, image_size=32)
    with pytest.raises(WeightsError, match=message):
        load_initial_weights(model, NARROW, str(tmp_path / "odd.pth"), stem="default")


def test_a_compressed_archive_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    torch.save({"conv1.weight": torch.zeros(1_000_000)}, tmp_path / "stored.pth")
    with (
        zipfile.ZipFile(tmp_path / "stored.pth") as stored,
        zipfile.ZipFile(tmp_path / "packed.pth", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for member in stored.namelist():
            packed.writestr(member, stored.read(member))
    model = build_model(NARROW, 10, image_size=32)
    with pytest.raises(WeightsError, match=r"packed\.pth is a compressed archive"):
        load_initial_weights(model, NARROW, str(tmp_path / "packed.pth"), stem="default")


def test_missing_empty_and_truncated_files_are_named(
    narrow: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    model = build_model(NARROW, 10, image_size=32)
    torch.save(narrow, tmp_path / "whole.pth")
    (tmp_path / "half.pth").write_bytes((tmp_path / "whole.pth").read_bytes()[:100_000])
    (tmp_path / "empty.pth").touch()
    (tmp_path / "empty.safetensors").touch()
    (tmp_path / "folder.pth").mkdir()
    for name in ("half.pth", "empty.pth", "empty.safetensors", "folder.pth", "nowhere.pt"):
        with pytest.raises(WeightsError, match=name) as caught:
            load_initial_weights(model, NARROW, str(tmp_path / name), stem="default")
        assert "\n" not in str(caught.value)
