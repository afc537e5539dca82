"""Images that cannot be decoded: why, and the one error that names them all."""

from __future__ import annotations

import contextlib
import functools
import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..errors import DataError
from ..messages import one_line
from ..storage.lfs import LFS_REASON, is_lfs_pointer

MAX_PIXELS = 89_478_485
"""Larger images are broken images and are not decoded. Pillow's own limit, 0.27 GB as RGB."""

MAX_NAMED = 50
"""Broken images named in an error message; if there are more, a file lists them."""

_FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "GIF", "TIFF", "PPM")
"""Formats that are opened, and AVIF if this Pillow supports it. Pillow reads some of the others by
running other programs."""


class Broken(NamedTuple):
    """An image that cannot be decoded: its name, the reason, its position in the split."""

    name: str
    reason: str
    position: int


@functools.cache
def formats() -> tuple[str, ...]:
    """The formats that are opened with this version of Pillow."""
    try:
        from PIL import AvifImagePlugin  # noqa: F401
    except ImportError:
        return _FORMATS
    return (*_FORMATS, "AVIF")


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


def reason_of(error: Exception, data: bytes | Path | None) -> str:
    """Why an image cannot be decoded, in a few words.

    Args:
        error: what was raised.
        data: the image's bytes or file.
    """
    from PIL import Image, UnidentifiedImageError

    if isinstance(data, Path) and (problem := file_problem(data)):
        return problem
    if isinstance(error, UnidentifiedImageError):
        with contextlib.suppress(OSError):
            return _unidentified(data)
    if isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
        return f"more than {MAX_PIXELS} pixels"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return one_line(error)[:100] or type(error).__name__


def file_problem(file: Path) -> str:
    """Why a file that cannot be read is none: a link that leads nowhere, a Git LFS pointer."""
    if file.is_symlink() and not file.exists():
        return "a link that leads nowhere"
    return LFS_REASON if file.is_file() and is_lfs_pointer(file) else ""


def _unidentified(data: bytes | Path | None) -> str:
    """What a file is that Pillow does not open, as far as its first bytes tell."""
    from PIL import Image

    with io.BytesIO(data) if isinstance(data, bytes) else open(data or "", "rb") as stream:
        head = stream.read(512)
        unknown = f"not an image in a known format: {', '.join(formats())}"
        for name in formats():
            if _begins_like(name, head):
                factory, _ = Image.OPEN[name]
                stream.seek(0)
                # Pillow hides this error, because the file could be of another format.
                try:
                    factory(stream, "")
                except Exception as error:
                    # Pillow puts errors of a damaged header into another, as they are.
                    if isinstance(error, SyntaxError) and isinstance(error.msg, str):
                        return f"a kind of {name} that cannot be read: {one_line(error)[:100]}"
                    return f"its {name} header is broken"
    if head.lstrip()[:9].lower() in (b"<!doctype", b"<html>"):
        return "an HTML page, not an image"
    Image.init()
    for name in Image.OPEN:
        if name not in formats() and _begins_like(name, head):
            return f"{unknown} (it is {name})"
    if head[4:8] == b"ftyp":
        return f"{unknown} (it is {head[8:12].decode('ascii', 'replace').strip()})"
    return unknown if head else f"an empty file, {unknown}"


def _begins_like(name: str, head: bytes) -> bool:
    """Whether a file begins as those of a format do; some formats cannot be told so."""
    from PIL import Image

    accepts = Image.OPEN[name][1]
    with contextlib.suppress(Exception):  # some expect more bytes than there are
        return bool(head) and accepts is not None and accepts(head[:16]) is True
    return False
