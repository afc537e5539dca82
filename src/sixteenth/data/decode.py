"""Encoded images to uint8 pixels of one size, in threads; broken images are collected by name.

An image is rotated as its EXIF orientation says and converted to 8-bit RGB: grey is repeated,
transparent pixels are composited over white, 16 bits are scaled to 8. It is resized with
antialiased bilinear interpolation so that its shorter side fits, and cropped at its centre. Colour
profiles are not applied. Of an animation, the first frame is used.
"""

from __future__ import annotations

import contextlib
import functools
import io
import logging
import os
import stat
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..errors import DataError, one_line
from ..storage.lfs import LFS_REASON, is_lfs_pointer

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

ProgressCallback = Callable[[str, int, int], None]
"""Called with (name of the task, done, total)."""

Encoded = tuple[str, "bytes | Path | None"]
"""An image's name in messages, and its bytes or file; None if the dataset has no bytes of it."""


class Broken(NamedTuple):
    """An image that cannot be decoded: its name, the reason, its position in the split."""

    name: str
    reason: str
    position: int


MAX_PIXELS = 89_478_485
"""Larger images are broken images and are not decoded. Pillow's own limit, 0.27 GB as RGB."""

_FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "GIF", "TIFF", "PPM")
"""Formats that are opened, and AVIF if this Pillow supports it. Pillow reads some of the others by
running other programs."""

DARK_LIMIT = 256 // 8
"""An image of more than 8 bits is nearly black if all its values are below this after scaling. Most
likely it uses fewer bits than its file has, for example 12 of 16."""

MAX_NAMED = 50
"""Broken images named in an error message; if there are more, a file lists them."""

_ORIENTATION_KEYS = {"exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"}
"""Entries of `Image.info` that may hold the orientation."""

_BATCH, _CHUNK = 512, 32
"""Encoded images in memory at a time, and images that a thread decodes as one task."""


def decode_images(
    images: Iterable[Encoded],
    count: int,
    image_size: int,
    *,
    what: str,
    progress: ProgressCallback | None = None,
    dark: list[str] | None = None,
) -> tuple[NDArray[np.uint8], list[Broken]]:
    """Pixels, uint8 (count, image_size, image_size, 3), and the broken images, whose pixels are 0.

    Args:
        images: `count` of them; read lazily.
        what: name of the task, for `progress`.
        dark: the names of nearly black images are appended, see `DARK_LIMIT`.

    Raises:
        DataError: the pixels do not fit in memory.
    """
    from PIL import Image

    try:
        if count * image_size**2 * 3 > memory_bytes():
            raise MemoryError  # else the system might kill the process after hours of decoding
        pixels = np.zeros((count, image_size, image_size, 3), dtype=np.uint8)
    except (MemoryError, ValueError):
        gigabytes = count * image_size**2 * 3 / 1e9
        raise DataError(
            f"{count} images of {image_size} x {image_size} take {gigabytes:.1f} GB of memory, "
            f"more than there is: use a smaller image_size or fewer images"
        ) from None
    broken: list[Broken] = []

    def decode_chunk(start: int, chunk: Sequence[Encoded]) -> tuple[list[Broken], list[str]]:
        chunk_broken: list[Broken] = []
        chunk_dark: list[str] = []
        for position, (name, data) in enumerate(chunk, start):
            try:
                pixels[position], is_dark = _decode(data, image_size)
                if is_dark:
                    chunk_dark.append(name)
            # Pillow raises nearly any exception on broken files, not only OSError.
            except Exception as error:
                reason = file_problem(data) if isinstance(data, Path) else ""
                chunk_broken.append(Broken(name, reason or _reason(error), position))
        return chunk_broken, chunk_dark

    # Warning filters belong to the process, not to the threads, so they are set here. The warning
    # about a huge image becomes an error, and the image a broken one.
    with warnings.catch_warnings(), _silent_pillow_log(), ThreadPoolExecutor(_cores()) as pool:
        warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        done = 0
        iterator = iter(images)
        while batch := list(islice(iterator, _BATCH)):
            chunks = [batch[at : at + _CHUNK] for at in range(0, len(batch), _CHUNK)]
            starts = range(done, done + len(batch), _CHUNK)
            decoded = pool.map(decode_chunk, starts, chunks)
            for chunk, (chunk_broken, chunk_dark) in zip(chunks, decoded, strict=True):
                broken += chunk_broken
                if dark is not None:
                    dark += chunk_dark
                done += len(chunk)
                if progress is not None:
                    progress(what, done, count)
    return pixels, broken


@contextlib.contextmanager
def _silent_pillow_log() -> Iterator[None]:
    """Keep Pillow's log messages on odd headers off stderr, where they would hide the error line.

    Log handlers of the user still get them.
    """
    logger, handler = logging.getLogger("PIL"), logging.NullHandler()
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _decode(data: bytes | Path | None, image_size: int) -> tuple[NDArray[np.uint8], bool]:
    """Pixels of one image, uint8 (image_size, image_size, 3), and whether it is nearly black.

    Raises:
        Exception: nearly any kind, if the image cannot be decoded.
    """
    from PIL import Image, ImageOps

    if data is None:
        raise ValueError("it has no bytes")
    if isinstance(data, Path) and not stat.S_ISREG(data.stat().st_mode):
        raise ValueError("not a file")  # opening a named pipe would block
    stream = io.BytesIO(data) if isinstance(data, bytes) else data
    with Image.open(stream, formats=_formats()) as image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise ValueError(f"{width} x {height} pixels are too many")
        # Must be read from the header: `load` converts 16-bit colours to 8 bits.
        deep = image.mode.startswith("I") or (
            image.format in ("PNG", "TIFF") and ";16" in str(image.tile)
        )
        # PNG and PGM have at most 16 bits, even if Pillow uses 32 for them.
        unscaled = image.mode == "I" and image.format not in ("PNG", "PPM")
        # Decode a large JPEG at a lower resolution, still high enough to resize it well.
        image.draft("RGB", (2 * image_size, 2 * image_size))
        image.load()
        upright: Image.Image = image
        if image.format == "TIFF" or not _ORIENTATION_KEYS.isdisjoint(image.info):
            # If the header cannot be read, there is no orientation; the pixels are still valid.
            with contextlib.suppress(Exception):
                upright = ImageOps.exif_transpose(image)
        rgb = _to_rgb(upright, unscaled=unscaled)
        is_dark = deep and max(high for _, high in rgb.getextrema()) < DARK_LIMIT  # type: ignore[misc]
        return np.asarray(_resize(rgb, image_size)), is_dark


def _to_rgb(image: Image.Image, *, unscaled: bool) -> Image.Image:
    """`image` in 8-bit RGB, whatever its mode.

    Args:
        unscaled: its file has 32 bits per value, so values up to 255 are ambiguous: the full range
            may be 255 or 65,535.

    Raises:
        ValueError: the scale of the pixels is ambiguous, as of floating-point pixels.
    """
    from PIL import Image

    if image.mode == "F":
        raise ValueError("floating-point pixels have no agreed scale: save it with 8 bits")
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64)
        if values.min() < 0 or values.max() > 65535:
            raise ValueError("its pixels have more than 16 bits: save it with 8 bits")
        if unscaled and 0 < values.max() <= 255:
            raise ValueError(
                f"values up to {values.max()} in 32 bits have no agreed scale: save it with 8 bits"
            )
        image = Image.fromarray(np.rint(values / 257).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _resize(image: Image.Image, image_size: int) -> Image.Image:
    """`image` with its shorter side resized to `image_size`, then cropped at its centre."""
    from PIL import Image

    width, height = image.size
    if width == height == image_size:
        return image
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    # Resizing only the central square gives the same pixels as cropping the resized image.
    box = (left, top, left + side, top + side)
    return image.resize((image_size, image_size), Image.Resampling.BILINEAR, box=box)


def resize_array(
    images: NDArray[np.uint8], image_size: int, *, what: str, progress: ProgressCallback | None
) -> NDArray[np.uint8]:
    """Images, uint8 (N, H, W, 3), resized to (N, image_size, image_size, 3) as image files are."""
    from PIL import Image

    if images.shape[1:3] == (image_size, image_size):
        return np.ascontiguousarray(images)
    resized = np.empty((len(images), image_size, image_size, 3), dtype=np.uint8)
    for i, pixels in enumerate(images, start=1):
        image = Image.fromarray(np.ascontiguousarray(pixels))
        resized[i - 1] = np.asarray(_resize(image, image_size))
        if progress is not None and (i % _CHUNK == 0 or i == len(images)):
            progress(what, i, len(images))
    return resized


def refuse_broken(
    broken: Sequence[Broken], total: int, way_out: str = "", listing: Path | None = None
) -> None:
    """Raise an error that names the broken images, if there are any.

    Args:
        total: number of images that were decoded, broken ones included.
        way_out: appended to the advice to replace or remove them.
        listing: a file to write all names to, if there are more than `MAX_NAMED`.

    Raises:
        DataError: there is a broken image.
    """
    if not broken:
        return
    named = "; ".join(f"{one.name} ({one.reason})" for one in broken[:MAX_NAMED])
    more = ""
    if len(broken) > MAX_NAMED:
        more = f"; and {len(broken) - MAX_NAMED} more"
        if listing is not None:
            # If the list cannot be written, the error about the images still counts.
            with contextlib.suppress(OSError):
                listing.parent.mkdir(parents=True, exist_ok=True)
                lines = "".join(f"{one.name}\t{one.reason}\n" for one in broken)
                listing.write_text(lines, encoding="utf-8", errors="backslashreplace")
                more += f", all of them in {listing}"
    raise DataError(
        f"{len(broken)} of {total} images cannot be read: {named}{more}. "
        f"Replace or remove {'it' if len(broken) == 1 else 'them'}{way_out}"
    )


@functools.cache
def _formats() -> tuple[str, ...]:
    """The formats that are opened with this version of Pillow."""
    try:
        from PIL import AvifImagePlugin  # noqa: F401
    except ImportError:
        return _FORMATS
    return (*_FORMATS, "AVIF")


def memory_bytes() -> int:
    """Memory of this machine; 2**62 where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not on Windows
        return 1 << 62


def _cores() -> int:
    """Number of CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def file_problem(file: Path) -> str:
    """Why a file that cannot be read is none: a link that leads nowhere, a Git LFS pointer."""
    if file.is_symlink() and not file.exists():
        return "a link that leads nowhere"
    return LFS_REASON if file.is_file() and is_lfs_pointer(file) else ""


def _reason(error: Exception) -> str:
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return f"not an image in a known format: {', '.join(_formats())}"
    if isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
        return f"more than {MAX_PIXELS} pixels"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return one_line(error)[:100] or type(error).__name__
