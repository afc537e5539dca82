"""Images that decode although they are not what they seem: nearly black, or with a lower part that
holds no picture; and photographs that lose what they show at a small size.

Nothing here refuses an image. What is found is counted and named in notes. Brightness is judged
without the one percent of the brightest values, so that one hot pixel hides nothing.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import IO, TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

DEEP_DARK = 256 // 4 + 1
"""An image of more than 8 bits is dark if its values are below this after scaling. Most likely it
uses 12 or 14 bits of the 16 that its file has: 14 are scaled to 64 at most."""

MOST_FLAT = 1 / 3
"""If more of the images than this end in one flat colour, it is the way they were made."""

SMALL = 64
"""Pixels below which `image_size` may be too small for photographs, as in a CIFAR preset."""

MUCH_LARGER = 4
"""A note is made where the median of the shorter sides is at least so many times `image_size`."""

_RUN = 32
"""Equal bytes at the end of a file that are not the end of compressed data."""

_PLAIN_ENDS = ("JPEG", "WEBP", "TIFF", "BMP", "PPM", "AVIF")
"""Formats in which a file that was cut off can decode with a flat rest. PNG has an end marker."""


@dataclass
class Oddities:
    """Names of odd images: `dark` ones, and those that stop early, `short`.

    Those that end in one flat colour are `flat` until all images are known: see `settle`.
    `sides` counts the shorter sides of all images in their files, in pixels.
    """

    dark: list[str] = field(default_factory=list)
    short: list[str] = field(default_factory=list)
    flat: list[str] = field(default_factory=list)
    sides: Counter[int] = field(default_factory=Counter, compare=False)

    def __iadd__(self, other: Oddities) -> Self:
        self.dark += other.dark
        self.short += other.short
        self.flat += other.flat
        self.sides += other.sides
        return self

    def settle(self, count: int) -> None:
        """Count the `flat` ones as `short`, unless too many of all `count` images are."""
        if len(self.flat) <= MOST_FLAT * count:
            self.short += self.flat
        self.flat = []


def small_note(sides: Counter[int], image_size: int) -> list[str]:
    """A note that images are read at a small part of their size, of which little may be left.

    Args:
        sides: how many images have each shorter side, in pixels.
        image_size: at which they are read.
    """
    if image_size >= SMALL or not sides:
        return []
    from_small, half = accumulate(sides[side] for side in sorted(sides)), sides.total() / 2
    median = next(s for s, sum_ in zip(sorted(sides), from_small, strict=True) if sum_ >= half)
    if median < MUCH_LARGER * image_size:
        return []
    return [
        f"images whose shorter side has {median} pixels (the median) are read at {image_size}: "
        f"set image_size, for example to {SMALL}, if that is too small for what they show"
    ]


def high_value(counts: NDArray[np.int64]) -> int:
    """The highest value without the top one percent, at least without the highest of 50 and more.

    Args:
        counts: how often each value occurs, (values,).
    """
    total = int(counts.sum())
    ignored = max(total // 100, min(1, total // 50))
    from_top = np.cumsum(counts[::-1])
    return len(counts) - 1 - int(np.searchsorted(from_top, ignored, side="right"))


def is_dark(image: Image.Image) -> bool:
    """Whether all channels of an 8-bit RGB image are below `DEEP_DARK`, hot pixels left aside."""
    counts = np.asarray(image.histogram()).reshape(3, 256)
    return max(map(high_value, counts)) < DEEP_DARK


def lacks_end(image: Image.Image) -> bool:
    """Whether the file of an opened image, not loaded yet, ends before its picture does.

    A JPEG then has no end marker behind its header, a PNG no IEND; a WebP or AVIF ends in a run of
    one byte. Other formats have nothing that tells it.
    """
    stream: IO[bytes] | None = getattr(image, "fp", None)
    if stream is None or image.format not in ("JPEG", "MPO", "PNG", "WEBP", "AVIF"):
        return False
    here = stream.tell()
    size = stream.seek(0, os.SEEK_END)
    try:
        stream.seek(max(0, size - _RUN))
        tail = stream.read()
        if image.format == "PNG":
            marker = b"IEND"
        elif image.format in ("JPEG", "MPO"):
            marker = b"\xff\xd9"
        else:
            return len(tail) == _RUN and tail == tail[:1] * _RUN
        if marker in tail:
            return False
        # An embedded preview has an end marker too: the header ends here, the picture begins.
        stream.seek(here)
        return marker not in stream.read()
    finally:
        stream.seek(here)


def flat_ends(pixels: NDArray[np.uint8], formats: Sequence[str]) -> list[int]:
    """Positions of the images that end in one flat colour that they do not begin with.

    Args:
        pixels: uint8 (n, size, size, 3).
        formats: of their files; rows of a BMP are stored from the bottom up.
    """
    size = pixels.shape[1]
    upward = np.array([name == "BMP" for name in formats])
    # Most images are told by a few pixels of their last row.
    few = pixels[np.arange(len(pixels)), np.where(upward, 0, size - 1), :: max(1, size // 4)]
    near = few - few[:, :1] + np.uint8(2) <= 4  # modulo 256
    likely = near.reshape(len(pixels), -1).all(1)
    found = np.array(
        [i for i in np.flatnonzero(likely).tolist() if formats[i] in _PLAIN_ENDS], np.int64
    )
    if not len(found):
        return []
    rows, over = max(2, size // 16), upward[found, None, None, None]
    top, bottom = (
        pixels[found, part].astype(np.int16) for part in (slice(rows), slice(-rows, None))
    )
    first, last = np.where(over, bottom, top), np.where(over, top, bottom)
    flat = (last.max((1, 2)) - last.min((1, 2))).max(1) <= 2
    differs = np.abs(first - last[:, :1, :1]).max((1, 2, 3)) > 4
    return [int(i) for i in found[flat & differs]]
