"""A loader with a data folder of its own, and one small dataset."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_data import encode, random_pixels, write_parquet

from sixteenth.data import ImageDataset, load_dataset


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., ImageDataset]:
    """`load_dataset` with a data folder of the test's own, and images of 8 pixels."""

    def load_here(source: str | Path, **options: Any) -> ImageDataset:
        return load_dataset(source, **{"image_size": 8, "data_dir": tmp_path / "cache", **options})

    return load_here


@pytest.fixture
def parquet_folder(tmp_path: Path) -> Path:
    """12 training and 6 test images of three named classes."""
    folder = tmp_path / "animals"
    for part, count in (("train", 12), ("test", 6)):
        write_parquet(
            folder / f"{part}.parquet",
            [encode(random_pixels(8, 8, 3, seed=i)) for i in range(count)],
            {"label": [i % 3 for i in range(count)]},
            {"label": ["cat", "dog", "emu"]},
        )
    return folder
