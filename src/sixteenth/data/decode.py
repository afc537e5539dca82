"""Encoded images to uint8 pixels of one size, in threads; broken images are collected by name.

An image is rotated as its EXIF orientation says and converted to 8-bit RGB: grey is repeated,
transparent pixels are composited over white, 16 bits are scaled to 8. It is resized with
antialiased bilinear or bicubic interpolation so that its shorter side fits, and cropped at its
centre. Colour profiles are not applied. Of an animation, the first frame is used. A JPEG that only
lacks its end marker is read; one that lacks a part of its picture is broken.
"""

from __future__ import annotations

import contextlib
import io
import logging
import stat
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..spec.fields import Interpolation
from ..spec.work import Work, WorkCallback
from .broken import MAX_PIXELS, Broken, formats, reason_of
from .machine import cpu_count
from .oddities import Oddities, flat_ends, high_value, is_dark, lacks_end
from .pixel_store import PixelStore, zeros

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image, ImageFile

Encoded = tuple[str, "bytes | Path | None"]
"""An image's name in messages, and its bytes or file; None if the dataset has no bytes of it."""

MAX_TEXT_BYTES = 64 << 20
"""Of a colour profile or a text in a PNG, which are not used; Pillow's own limit is 1 MB."""

_ENDS = (b"\xff\xd9", b"IEND\xae\x42\x60\x82")
"""Of complete JPEG and PNG files."""

_FILLER = bytes(range(1, 200))
"""What a JPEG is continued with, to see whether its picture is complete."""

_ORIENTATION_KEYS = {"exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"}
"""Entries of `Image.info` that may hold the orientation."""

_BATCH, _CHUNK = 512, 32
"""Encoded images in memory at a time, and images that a thread decodes as one task."""


class _Decoded(NamedTuple):
    """One image: uint8 (image_size, image_size, 3), what is odd about it, its file's format, and
    the shorter side there."""

    pixels: NDArray[np.uint8]
    dark: bool
    short: bool
    format: str
    side: int


def decode_images(
    images: Iterable[Encoded],
    count: int,
    image_size: int,
    *,
    what: Work = Work.DECODING_TEST,
    progress: WorkCallback | None = None,
    oddities: Oddities | None = None,
    into: NDArray[np.uint8] | None = None,
    interpolation: Interpolation = "bilinear",
    part: bool = False,
) -> tuple[NDArray[np.uint8], list[Broken]]:
    """Pixels, uint8 (count, image_size, image_size, 3), and the broken images, whose pixels are 0.

    Args:
        images: `count` of them; read lazily.
        what: what `progress` is told that this is.
        oddities: the names of odd images are appended.
        into: zeros to write the pixels to, by default a new array in memory.
        part: of all images; the caller settles `oddities` when all are decoded.

    Raises:
        DataError: the pixels do not fit in memory.
    """
    from PIL import Image

    pixels = zeros(count, image_size) if into is None else into
    broken: list[Broken] = []
    found = Oddities() if oddities is None else oddities

    def decode_chunk(
        start: int, chunk: Sequence[Encoded]
    ) -> tuple[list[Broken], Oddities, list[str]]:
        chunk_broken: list[Broken] = []
        odd, kinds = Oddities(), [""] * len(chunk)  # no format: not to be looked at again
        for i, (name, data) in enumerate(chunk):
            try:
                one = _decode(data, image_size, interpolation)
                pixels[start + i], dark, short, kind, side = one
            # Pillow raises nearly any exception on broken files, not only OSError.
            except Exception as error:
                chunk_broken.append(Broken(name, reason_of(error, data), start + i))
                continue
            odd.sides[side] += 1
            if dark:
                odd.dark.append(name)
            if short:
                odd.short.append(name)
            else:
                kinds[i] = kind
        return chunk_broken, odd, kinds

    # Warning filters belong to the process, not to the threads, so they are set here. The warning
    # about a huge image becomes an error, and the image a broken one.
    with warnings.catch_warnings(), _pillow_settings(), ThreadPoolExecutor(cpu_count()) as pool:
        warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        done = 0
        iterator = iter(images)
        while batch := list(islice(iterator, _BATCH)):
            chunks = [batch[at : at + _CHUNK] for at in range(0, len(batch), _CHUNK)]
            starts = range(done, done + len(batch), _CHUNK)
            decoded = pool.map(decode_chunk, starts, chunks)
            first, kinds = done, []
            for chunk, (chunk_broken, odd, chunk_kinds) in zip(chunks, decoded, strict=True):
                broken += chunk_broken
                found += odd
                kinds += chunk_kinds
                done += len(chunk)
                if progress is not None:
                    progress(what, done, count)
            found.flat += [batch[i][0] for i in flat_ends(pixels[first:done], kinds)]
    if not part:
        found.settle(count)
    return pixels, broken


@contextlib.contextmanager
def _pillow_settings() -> Iterator[None]:
    """Read PNG files with large texts and profiles, and keep Pillow's log messages off stderr.

    The messages, on odd headers, would hide the error line. Log handlers of the user get them.
    """
    from PIL import PngImagePlugin

    logger, handler = logging.getLogger("PIL"), logging.NullHandler()
    logger.addHandler(handler)
    before, PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_CHUNK, MAX_TEXT_BYTES
    try:
        yield
    finally:
        PngImagePlugin.MAX_TEXT_CHUNK = before
        logger.removeHandler(handler)


def _decode(data: bytes | Path | None, *how: Any) -> _Decoded:
    """One image; a JPEG also if it only lacks its end marker.

    Raises:
        Exception: nearly any kind, if the image cannot be decoded.
    """
    if data is None:
        raise ValueError("it has no bytes")
    if isinstance(data, Path) and not stat.S_ISREG(data.stat().st_mode):
        raise ValueError("not a file")  # opening a named pipe would block
    try:
        if isinstance(data, Path):
            return _decode_file(data, *how)
        return _decode_file(io.BytesIO(data), *how, ended=data.endswith(_ENDS))
    except OSError as error:
        if not str(error).startswith("image file is truncated"):
            raise
        ended = _with_end_marker(data if isinstance(data, bytes) else data.read_bytes())
        if ended is None:
            raise
        return _decode_file(io.BytesIO(ended), *how)._replace(short=True)


def _with_end_marker(data: bytes) -> bytes | None:
    """A JPEG file with the end marker that it lacks; None if it lacks a part of its picture too.

    What follows a complete picture changes no pixel; where a part is missing, it is read as that.
    """
    from PIL import Image

    data = data.rstrip(b"\xff")
    if not data.startswith(b"\xff\xd8"):
        return None

    def picture(file: bytes) -> NDArray[np.uint8]:
        with Image.open(io.BytesIO(file), formats=("JPEG",)) as image:
            return np.asarray(image)

    ended = data + b"\xff\xd9"
    return ended if np.array_equal(picture(ended), picture(data + _FILLER + ended[-2:])) else None


def _decode_file(
    stream: io.BytesIO | Path,
    image_size: int,
    interpolation: Interpolation,
    *,
    ended: bool = False,
) -> _Decoded:
    """One image; see `_decode`. It is known that the file is complete if it `ended`."""
    from PIL import Image, ImageOps

    with Image.open(stream, formats=formats()) as image:
        kind = image.format or ""
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise ValueError(f"{width} x {height} pixels are too many")
        # Must be read from the header: `load` converts 16-bit colours to 8 bits.
        deep = image.mode.startswith("I") or (kind in ("PNG", "TIFF") and ";16" in str(image.tile))
        # PNG and PGM have at most 16 bits, even if Pillow uses 32 for them.
        unscaled = image.mode == "I" and kind not in ("PNG", "PPM")
        # Pillow turns these over only if they have 8 bits or fewer.
        inverted = image.mode.startswith("I;16") and kind == "TIFF" and _is_white_zero(image)
        short = not ended and lacks_end(image)
        if kind == "PNG":
            _scale_transparent_value(image)
        # Decode a large JPEG at a lower resolution, still high enough to resize it well.
        image.draft("RGB", (2 * image_size, 2 * image_size))
        image.load()
        upright: Image.Image = image
        if kind == "TIFF" or not _ORIENTATION_KEYS.isdisjoint(image.info):
            # If the header cannot be read, there is no orientation; the pixels are still valid.
            with contextlib.suppress(Exception):
                upright = ImageOps.exif_transpose(image)
        rgb = _to_rgb(upright, unscaled=unscaled, inverted=inverted)
        dark = deep and is_dark(rgb)
        return _Decoded(
            np.asarray(_resize(rgb, image_size, interpolation)),
            dark,
            short,
            kind,
            min(width, height),
        )


def _scale_transparent_value(image: ImageFile.ImageFile) -> None:
    """Bring the value that a PNG declares transparent (tRNS) to the scale of the loaded pixels.

    Pillow scales pixels of 2 and 4 bits up to 8, and of 16-bit colours it keeps the upper byte, but
    leaves this value as it is in the file. `image` is not loaded yet.
    """
    value, raw = image.info.get("transparency"), str(image.tile[0][3]) if image.tile else ""
    if isinstance(value, int) and raw in ("L;2", "L;4"):
        most = 3 if raw == "L;2" else 15
        image.info["transparency"] = (value & most) * 255 // most
    elif isinstance(value, tuple) and raw == "RGB;16B":
        image.info["transparency"] = tuple(part >> 8 for part in value)


def _is_white_zero(image: Image.Image) -> bool:
    """Whether 0 is white in a TIFF (its tag PhotometricInterpretation is 0)."""
    tags = getattr(image, "tag_v2", {})
    return bool(tags.get(262) == 0)


def _to_rgb(image: Image.Image, *, unscaled: bool, inverted: bool) -> Image.Image:
    """`image` in 8-bit RGB, whatever its mode.

    Args:
        unscaled: its file has 32 bits per value, so values up to 255 are ambiguous: the full range
            may be 255 or 65,535.
        inverted: 0 is white, of 16 bits.

    Raises:
        ValueError: the scale of the pixels is ambiguous, as of floating-point pixels.
    """
    from PIL import Image

    if image.mode == "F":
        raise ValueError("floating-point pixels have no agreed scale: save it with 8 bits")
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64)
        low, high = int(values.min()), int(values.max())
        if low < 0:
            raise ValueError(
                f"its values are signed, from {low} to {high}, and have no agreed black: "
                "save it with 8 bits"
            )
        if high > 65535:
            raise ValueError(
                f"its pixels have more than 16 bits (values up to {high}): save it with 8 bits"
            )
        if unscaled and high and (most := high_value(np.bincount(values.ravel()))) <= 255:
            raise ValueError(
                f"values up to {most} in 32 bits have no agreed scale: save it with 8 bits"
            )
        if inverted:
            values = 65535 - values
        grey = np.rint(values / 257).astype(np.uint8)
        if isinstance(transparent := image.info.get("transparency"), int):
            grey[values == transparent] = 255  # the white that it is laid on
        image = Image.fromarray(grey)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _resize(image: Image.Image, image_size: int, interpolation: Interpolation) -> Image.Image:
    """`image` with its shorter side resized to `image_size`, then cropped at its centre."""
    from PIL import Image

    width, height = image.size
    if width == height == image_size:
        return image
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    # Resizing only the central square gives the same pixels as cropping the resized image.
    box = (left, top, left + side, top + side)
    filter_ = Image.Resampling[interpolation.upper()]
    return image.resize((image_size, image_size), filter_, box=box)


def resize_array(
    images: NDArray[Any],
    target: PixelStore,
    part: str,
    *,
    rows: NDArray[np.int64] | None = None,
    convert: Callable[[NDArray[Any]], NDArray[np.uint8]] = lambda images: images,
) -> NDArray[np.uint8]:
    """The images of a split, resized to uint8 (N, size, size, 3) as image files are.

    Args:
        images: of which `convert` makes uint8 (n, H, W, 3), some at a time.
        target: size and place of the result, and by which interpolation.
        part: the split, "train" or "test".
        rows: positions of its images, by default all.

    Raises:
        DataError: they do not fit in memory.
    """
    from PIL import Image

    rows = np.arange(len(images)) if rows is None else rows
    resized = target.new_pixels(part, len(rows))
    for start in range(0, len(rows), _CHUNK):
        chunk = convert(images[rows[start : start + _CHUNK]])
        if chunk.shape[1:3] == resized.shape[1:3]:
            resized[start : start + len(chunk)] = chunk
            continue
        for i, pixels in enumerate(chunk, start):
            image = Image.fromarray(np.ascontiguousarray(pixels))
            resized[i] = np.asarray(_resize(image, target.size, target.interpolation))
        if target.progress is not None:
            target.progress(Work.resizing(part), start + len(chunk), len(rows))
    return resized
