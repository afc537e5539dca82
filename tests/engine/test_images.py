"""Images that are read as they are used give the same numbers as those in memory."""

import dataclasses

import numpy as np
import pytest
import torch

from sixteenth import parse_spec
from sixteenth.engine import images
from sixteenth.engine.images import DeviceImages, Rows, select_images
from sixteenth.engine.learner import channel_statistics
from sixteenth.engine.train import train_run
from sixteenth.storage.run_folder import RunFolder

PIXELS = np.random.default_rng(0).integers(0, 256, (50, 8, 8, 3), dtype=np.uint8)
ROWS = np.arange(3, 50, 3)


@pytest.fixture
def mapped(tmp_path):
    np.save(tmp_path / "images.npy", PIXELS)
    return np.load(tmp_path / "images.npy", mmap_mode="c")


@pytest.fixture
def little_memory(monkeypatch):
    monkeypatch.setattr(images, "available_memory", lambda: PIXELS.nbytes // 10)


def test_a_large_part_of_a_map_is_not_copied(mapped, little_memory):
    part = select_images(mapped, ROWS)
    assert isinstance(part, Rows)
    assert len(part) == len(ROWS)
    assert np.array_equal(part[2:7], PIXELS[ROWS][2:7])
    assert channel_statistics(part) == channel_statistics(PIXELS[ROWS])


def test_a_part_that_fits_is_copied_and_the_whole_never(mapped):
    assert np.array_equal(select_images(mapped, ROWS), PIXELS[ROWS])
    assert select_images(mapped, np.arange(50)) is mapped


@pytest.mark.parametrize("mode", ["copied", "as they are used", "read-only"])
def test_slices_positions_and_parts_are_the_same_in_each_way(mapped, mode, request):
    if mode != "copied":
        request.getfixturevalue("little_memory")
    if mode == "read-only":
        mapped = np.load(mapped.filename, mmap_mode="r")
    device = torch.device("cpu")
    chosen = DeviceImages(select_images(mapped, ROWS), device)
    expected = torch.from_numpy(PIXELS[ROWS])
    positions = torch.tensor([4, 0, 9])
    chosen.expect(positions)
    assert torch.equal(chosen[2:5], expected[2:5])
    assert torch.equal(chosen[positions], expected[positions])
    part = chosen.take(positions)
    assert part.shape == (3, 8, 8, 3)
    assert torch.equal(part[0:2], expected[positions][:2])
    assert torch.equal(part.take(torch.tensor([2]))[0:9], expected[[9]])
    whole = DeviceImages(mapped, device)
    assert torch.equal(whole[torch.tensor([49])], torch.from_numpy(PIXELS[[49]]))


def test_a_run_is_the_same_from_a_map_larger_than_the_memory(
    digits, tiny_models, tmp_path, monkeypatch
):
    run = parse_spec(
        {
            "data": "digits",
            "image_size": 8,
            "models": ["tiny_models:small"],
            "fractions": ["64 images"],
            "train": {"epochs": 1, "batch_size": 32, "curve_images": 100, "validation": 0.25},
        }
    ).runs()[0]
    train_run(run, digits, RunFolder(tmp_path / "memory"))
    splits = {}
    for part in ("train", "test"):
        split = getattr(digits, part)
        np.save(tmp_path / f"{part}.npy", split.images)
        array = np.load(tmp_path / f"{part}.npy", mmap_mode="r")
        splits[part] = dataclasses.replace(split, images=array)
    monkeypatch.setattr(images, "available_memory", lambda: 1000)
    train_run(run, dataclasses.replace(digits, **splits), RunFolder(tmp_path / "mapped"))
    for name in ("model.safetensors", "predictions.npz"):
        one, other = ((tmp_path / place / name).read_bytes() for place in ("memory", "mapped"))
        assert one == other
