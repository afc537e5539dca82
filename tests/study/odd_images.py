"""Images with a fault of each kind, and what a test of a study that reads them needs."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from PIL import Image

ONE_RUN = ("--set", "models=[tiny_models:small]", "--set", "train.epochs=1")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def write_images(folder: Path) -> None:
    """Ten images of two classes; one is broken, one stands in both splits under two labels."""
    rng = np.random.default_rng(0)
    for part, count in (("train", 6), ("test", 4)):
        for number in range(count):
            place = folder / part / ("cat" if number % 2 else "dog")
            place.mkdir(parents=True, exist_ok=True)
            pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(place / f"{number}.png")
    shutil.copy(folder / "train" / "cat" / "1.png", folder / "test" / "dog" / "leak.png")
    (folder / "train" / "dog" / "broken.png").write_bytes(b"no image")
