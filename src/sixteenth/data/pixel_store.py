"""Where a layout puts the pixels that it reads: into files that can be mapped, else into memory.

A data set larger than memory is decoded piece by piece into such files, which become the decoded
copy in the cache. Where they cannot be written, the pixels have to fit in memory.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from ..errors import DataError
from ..spec.fields import Interpolation
from ..spec.work import WorkCallback
from ..storage.whole_files import temporary_path
from .machine import memory_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray


class PixelStore:
    """The size of the images that are wanted, and room for their pixels.

    Used as a context, which removes the files that were not kept.

    Attributes:
        size: height and width of every image, in pixels.
        progress: told how many images are read.
        interpolation: by which images are resized.
    """

    def __init__(
        self,
        size: int,
        progress: WorkCallback | None = None,
        folder: Path | None = None,
        interpolation: Interpolation = "bilinear",
    ) -> None:
        """`folder` is that of the decoded copy; None to use memory only."""
        self.size, self.progress, self.interpolation = size, progress, interpolation
        self._folder, self._files = folder, list[Path]()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files:
            with contextlib.suppress(OSError):  # one that was kept has another name
                file.unlink(missing_ok=True)

    def new_pixels(self, part: str, count: int) -> NDArray[np.uint8]:
        """Zeros for the pixels of a split, uint8 (count, size, size, 3).

        Raises:
            DataError: they cannot be written to a file, and do not fit in memory.
        """
        reason = ""
        if self._folder is not None and count:
            file = temporary_path(self._folder / f"{part}_images.npy")
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._files.append(file)
                return _new_file(file, (count, self.size, self.size, 3))
            except OSError as error:
                reason = f", and cannot be written to {self._folder} ({error.strerror})"
        return zeros(count, self.size, reason)


def zeros(count: int, size: int, reason: str = "") -> NDArray[np.uint8]:
    """Zeros for the pixels of `count` images in memory, uint8 (count, size, size, 3).

    Args:
        reason: why they are not in a file, for the message.

    Raises:
        DataError: they do not fit.
    """
    needed, limit = count * size**2 * 3, memory_bytes()
    try:
        if needed > limit:
            raise MemoryError  # else the system might kill the process after hours of decoding
        return np.zeros((count, size, size, 3), dtype=np.uint8)
    except (MemoryError, ValueError):
        raise DataError(
            f"{count} images of {size} x {size} take {needed / 1e9:.1f} GB of memory; there are "
            f"{limit / 1e9:.1f} GB{reason}: use a smaller image_size or fewer images"
        ) from None


def _new_file(file: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Zeros in a new .npy file, mapped.

    Its space is taken at once: writing to a map that the disk has no room for kills the process.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    needed = int(np.prod(shape))
    if shutil.disk_usage(file.parent).free < needed:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    array: NDArray[np.uint8] = np.lib.format.open_memmap(file, "w+", np.uint8, shape)
    if hasattr(os, "posix_fallocate"):
        with file.open("r+b") as handle:
            os.posix_fallocate(handle.fileno(), 0, file.stat().st_size)
    return array
