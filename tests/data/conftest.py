"""A loader with a data folder of its own, and one small dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_hub import FakeHub
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


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A fake hub that the real client asks, with a cache and no token of the test's own.

    The client has read its environment variables when it was imported, so its constants are set.
    """
    from huggingface_hub import constants, file_download

    home = tmp_path / "hf"
    for name, value in {
        "HF_HUB_CACHE": str(home / "hub"),
        "HF_TOKEN_PATH": str(home / "token"),
        "HF_HUB_OFFLINE": False,
        "HF_HUB_DISABLE_PROGRESS_BARS": None,
    }.items():
        monkeypatch.setattr(constants, name, value)
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(file_download.time, "sleep", lambda _: None)
    with FakeHub().running() as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        template = f"{hub.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        yield hub
