"""Encoded images to uint8 pixels of one size, many at a time; broken ones are collected by name.

An image is turned upright (EXIF), brought to 8-bit RGB (grey is repeated, transparent pixels
are laid over white, 16 bits are scaled to 8), resized with antialiased bilinear interpolation until
its shorter side fits, and cut to the square at its centre. Colour profiles are not applied; of an
animation the first frame is taken.
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

from ..errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, done, total)."""

Encoded = tuple[str, "bytes | Path | None"]
"""An image's name in messages, and its bytes or its file; None where there are none."""


class Broken(NamedTuple):
    """An image that cannot be decoded: its name, what is wrong with it, its place among all."""

    name: str
    reason: str
    position: int


MAX_PIXELS = 89_478_485
"""More pixels than this in one image (a quarter of a gigabyte as RGB, Pillow's own limit) are
refused before they are decoded."""

_FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "GIF", "TIFF", "PPM")
"""Formats that are opened, and AVIF where this Pillow knows it. Among the others are such that
start other programs to be read."""

DARK = 256 // 8
"""An image of more than 8 bits whose values all stay below this after scaling was most likely made
with fewer bits than its file has, 12 of 16 say, and is nearly black."""

NAMED = 50
"""Broken images that a message names; more stand in a file."""

_ORIENTED = {"exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"}
"""Where in an image's header its orientation may stand."""

_BATCH, _CHUNK = 512, 32
"""Images held encoded at a time, and images a thread decodes before it reports."""


def decode_images(
    images: Iterable[Encoded],
    count: int,
    image_size: int,
    *,
    what: str,
    progress: Progress | None = None,
    dark: list[str] | None = None,
) -> tuple[NDArray[np.uint8], list[Broken]]:
    """Decode `count` images to uint8 (count, image_size, image_size, 3), in threads.

    Broken images leave zeros behind and come back as a list, so that all of them can be named at
    once: see `refuse_broken`.

    Args:
        dark: the names of images that are nearly black are added here, see `DARK`.
    """
    from PIL import Image

    try:
        if count * image_size**2 * 3 > memory_bytes():
            raise MemoryError  # which the system might say only after hours, by ending the process
        pixels = np.zeros((count, image_size, image_size, 3), dtype=np.uint8)
    except (MemoryError, ValueError):
        gigabytes = count * image_size**2 * 3 / 1e9
        raise DataError(
            f"{count} images of {image_size} x {image_size} take {gigabytes:.1f} GB of memory, "
            f"more than there is: use a smaller image_size or fewer images"
        ) from None
    broken: list[Broken] = []

    def decode_chunk(start: int, chunk: Sequence[Encoded]) -> tuple[list[Broken], list[str]]:
        found: list[Broken] = []
        black: list[str] = []
        for place, (name, data) in enumerate(chunk, start):
            try:
                pixels[place], is_dark = _decode(data, image_size)
                if is_dark:
                    black.append(name)
            # Pillow's readers raise nearly everything on broken files, not only OSError.
            except Exception as error:
                found.append(Broken(name, _reason(error), place))
        return found, black

    # The filters are set here because they belong to the process, not to the threads. As an error,
    # a warning about a huge image is one more broken image.
    with warnings.catch_warnings(), _pillow_silent(), ThreadPoolExecutor(_cores()) as pool:
        warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        done = 0
        for batch in _batches(images, _BATCH):
            chunks = [batch[at : at + _CHUNK] for at in range(0, len(batch), _CHUNK)]
            starts = range(done, done + len(batch), _CHUNK)
            decoded = pool.map(decode_chunk, starts, chunks)
            for chunk, (found, black) in zip(chunks, decoded, strict=True):
                broken += found
                if dark is not None:
                    dark += black
                done += len(chunk)
                if progress is not None:
                    progress(what, done, count)
    return pixels, broken


@contextlib.contextmanager
def _pillow_silent() -> Iterator[None]:
    """Without Pillow's remarks on odd headers, which would drown the line that names broken images.

    What the user's own log handlers do with them stays as it is.
    """
    logger, silence = logging.getLogger("PIL"), logging.NullHandler()
    logger.addHandler(silence)
    try:
        yield
    finally:
        logger.removeHandler(silence)


def decode_image(data: bytes | Path | None, image_size: int) -> NDArray[np.uint8]:
    """One encoded image as uint8 (image_size, image_size, 3).

    Raises:
        Exception: of nearly any kind, when the image cannot be decoded.
    """
    return _decode(data, image_size)[0]


def _decode(data: bytes | Path | None, image_size: int) -> tuple[NDArray[np.uint8], bool]:
    """One encoded image, and whether it is `DARK`."""
    from PIL import Image, ImageOps

    if data is None:
        raise ValueError("it has no bytes")
    if isinstance(data, Path) and not stat.S_ISREG(data.stat().st_mode):
        raise ValueError("not a file")  # to open a named pipe would wait for ever
    stream = io.BytesIO(data) if isinstance(data, bytes) else data
    with Image.open(stream, formats=_formats()) as image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise ValueError(f"{width} x {height} pixels are too many")
        # Told by what the file holds: once it is read, 16-bit colours are 8-bit ones.
        deep = image.mode.startswith("I") or (
            image.format in ("PNG", "TIFF") and ";16" in str(image.tile)
        )
        # PNG and PGM have 16 bits at most, also where Pillow keeps them in 32.
        unscaled = image.mode == "I" and image.format not in ("PNG", "PPM")
        # Of a large JPEG, decode only what is needed to resize it well.
        image.draft("RGB", (2 * image_size, 2 * image_size))
        image.load()
        upright: Image.Image = image
        if image.format == "TIFF" or not _ORIENTED.isdisjoint(image.info):
            # A header that cannot be read says nothing of the orientation; the pixels are sound.
            with contextlib.suppress(Exception):
                upright = ImageOps.exif_transpose(image)
        rgb = to_rgb(upright, unscaled=unscaled)
        is_dark = deep and max(high for _, high in rgb.getextrema()) < DARK  # type: ignore[misc]
        return np.asarray(fit(rgb, image_size)), is_dark


def to_rgb(image: Image.Image, *, unscaled: bool = False) -> Image.Image:
    """`image` in 8-bit RGB, whatever its mode.

    Args:
        unscaled: its file has 32 bits a value: values that 8 bits can hold may mean a range of 255
            or of 65,535, and are refused.

    Raises:
        ValueError: pixels that have no agreed scale, such as floating-point ones.
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


def fit(image: Image.Image, image_size: int) -> Image.Image:
    """`image` with its shorter side resized to `image_size`, cut to the square at its centre."""
    from PIL import Image

    width, height = image.size
    if width == height == image_size:
        return image
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    # Resizing only the square's box gives the same pixels as cutting the resized image.
    box = (left, top, left + side, top + side)
    return image.resize((image_size, image_size), Image.Resampling.BILINEAR, box=box)


def fit_array(
    images: NDArray[np.uint8], image_size: int, *, what: str, progress: Progress | None = None
) -> NDArray[np.uint8]:
    """`images`, uint8 (N, H, W, 3), brought to (N, image_size, image_size, 3) as files would be."""
    from PIL import Image

    if images.shape[1:3] == (image_size, image_size):
        return np.ascontiguousarray(images)
    fitted = np.empty((len(images), image_size, image_size, 3), dtype=np.uint8)
    for i, pixels in enumerate(images, start=1):
        fitted[i - 1] = np.asarray(fit(Image.fromarray(np.ascontiguousarray(pixels)), image_size))
        if progress is not None and (i % _CHUNK == 0 or i == len(images)):
            progress(what, i, len(images))
    return fitted


def refuse_broken(
    broken: Sequence[Broken], total: int, way_out: str = "", listing: Path | None = None
) -> None:
    """Name the broken images in one line: all of them, or the first fifty and where all stand.

    Args:
        total: how many images were tried.
        way_out: what else can be done than to replace or remove them.
        listing: a file to write all their names to when they are too many for a line.

    Raises:
        DataError: there is a broken image.
    """
    if not broken:
        return
    named = "; ".join(f"{one.name} ({one.reason})" for one in broken[:NAMED])
    more = ""
    if len(broken) > NAMED:
        more = f"; and {len(broken) - NAMED} more"
        if listing is not None:
            # A full disk must not hide what is wrong with the images.
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
    """The formats that are opened by this version of Pillow."""
    try:
        from PIL import AvifImagePlugin  # noqa: F401
    except ImportError:
        return _FORMATS
    return (*_FORMATS, "AVIF")


def memory_bytes() -> int:
    """Memory that this machine has; where that is not told, more than any has."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not on Windows
        return 1 << 62


def _cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _reason(error: Exception) -> str:
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return f"not an image in a known format: {', '.join(_formats())}"
    if isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
        return f"more than {MAX_PIXELS} pixels"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split())[:100] or type(error).__name__


def _batches(images: Iterable[Encoded], size: int) -> Iterator[list[Encoded]]:
    iterator = iter(images)
    while batch := list(islice(iterator, size)):
        yield batch
