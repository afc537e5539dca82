"""Small real datasets, written in the layouts that users have."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

JPEG_COPY = Path(__file__).resolve().parents[3] / "shared" / "data" / "cifar10-jpeg"

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def encode(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    """An array of pixels as the bytes of an image file."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


def random_pixels(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def write_parquet(
    file: Path,
    images: Sequence[bytes | None],
    labels: dict[str, Sequence[Any]],
    names: dict[str, Sequence[str]] | None = None,
    image_column: str = "img",
) -> None:
    """A Parquet file as the Hugging Face hub writes it: integer labels, names in the schema."""
    file.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(
        {
            image_column: pa.array(
                [{"bytes": data, "path": f"{i}.png"} for i, data in enumerate(images)], IMAGE
            ),
            **{column: pa.array(values, pa.int64()) for column, values in labels.items()},
        }
    )
    if names is not None:
        features: dict[str, Any] = {image_column: {"_type": "Image"}}
        for column, classes in names.items():
            features[column] = {"names": list(classes), "_type": "ClassLabel"}
        metadata = {"huggingface": json.dumps({"info": {"features": features}})}
        table = table.replace_schema_metadata(metadata)
    pq.write_table(table, file)


def write_classes(folder: Path, classes: dict[str, int], size: int = 8, seed: int = 0) -> None:
    """`folder`/CLASS/NUMBER.png, as many images for each class as asked for; all are different."""
    for i, (name, count) in enumerate(classes.items()):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            pixels = random_pixels(size, size, 3, seed=seed + 100 * i + number)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
