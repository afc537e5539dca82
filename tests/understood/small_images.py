"""Images of one grey value as the bytes of files."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image


def encoded(pixels: np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    """An array of pixels as the bytes of an image file."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


def png(value: int) -> bytes:
    """A PNG of 6 x 6 pixels of one grey value."""
    return encoded(np.full((6, 6), value, np.uint8))
