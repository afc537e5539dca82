"""Copies to a device: a source on the CPU may be dropped at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.overrides import TorchFunctionMode

import sixteenth
from sixteenth.data.augment import crop_and_flip, cut_out
from sixteenth.data.device import to_device
from sixteenth.engine.images import DeviceImages, Rows


class Copies(TorchFunctionMode):
    """Keeps what `Tensor.to` was told; nothing is copied to a GPU, which may not be there."""

    def __init__(self) -> None:
        self.told: list[tuple[str, bool]] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.Tensor.to and len(args) > 1 and isinstance(args[1], torch.device):
            self.told.append((args[1].type, (kwargs or {}).get("non_blocking", False)))
            if args[1].type in ("cuda", "mps"):
                return args[0]
        return func(*args, **(kwargs or {}))


@pytest.fixture
def copies() -> Iterator[Copies]:
    with Copies() as mode:
        yield mode


@pytest.mark.parametrize(("kind", "queued"), [("cuda", True), ("mps", False), ("cpu", False)])
def test_only_copies_to_cuda_are_queued(copies: Copies, kind: str, queued: bool) -> None:
    to_device(torch.arange(3), torch.device(kind))
    assert copies.told == [(kind, queued)]


def test_augmentation_and_batches_wait_for_copies_to_other_devices(copies: Copies) -> None:
    meta = torch.device("meta")
    images = torch.zeros(4, 8, 8, 3, dtype=torch.uint8, device=meta)
    generator = torch.Generator().manual_seed(0)
    crop_and_flip(images, crop=2, flip=True, generator=generator)
    cut_out(images, size=2, colour=(0, 0, 0), generator=generator)
    on_disk = Rows(np.zeros((9, 8, 8, 3), np.uint8), np.arange(4))
    assert DeviceImages(on_disk, meta)[torch.arange(2)].device == meta
    told = [queued for kind, queued in copies.told if kind == "meta"]
    assert len(told) >= 6
    assert not any(told)


def test_no_other_module_queues_copies() -> None:
    package = Path(sixteenth.__file__).parent
    found = [
        path.name for path in package.rglob("*.py") if "non_blocking" in path.read_text("utf-8")
    ]
    assert found == ["device.py"]
