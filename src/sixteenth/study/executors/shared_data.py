"""A dataset for several processes, whose images lie in memory once.

Images that are already mapped from the cache of decoded ones are mapped from there; others are
written to a scratch folder first. Processes send each other only where the images lie.
"""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...data import ImageDataset, Split
from ...data.cache import map_array, mapped_file
from ...errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class MappedArray:
    """Where an array lies in a file."""

    path: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    identity: tuple[int, ...]
    """Of the file: inode, size and time of change when the study was checked."""

    def open(self) -> NDArray[Any]:
        """The array, mapped; nothing that is written to it reaches the file.

        Raises:
            DataError: another command has decoded other images into that file since.
        """
        if _identity(self.path) != self.identity:
            raise DataError(
                f"{self.path} was written anew while the study ran, from images that changed: "
                "start it again"
            )
        return map_array(
            lambda mode: np.memmap(self.path, self.dtype, mode, self.offset, self.shape)
        )


@dataclass(frozen=True)
class SharedDataset:
    """A dataset without its images, and where these lie; small, and can be pickled."""

    dataset: ImageDataset
    train_images: MappedArray
    test_images: MappedArray

    def open(self) -> ImageDataset:
        train, test = self.dataset.train, self.dataset.test
        return dataclasses.replace(
            self.dataset,
            train=Split(self.train_images.open(), train.labels),
            test=Split(self.test_images.open(), test.labels),
        )


def share_dataset(dataset: ImageDataset, scratch: Path) -> SharedDataset:
    """Prepare a dataset for other processes; `scratch` has to stay as long as they work."""
    nothing = np.empty((0, *dataset.train.images.shape[1:]), np.uint8)
    return SharedDataset(
        dataclasses.replace(
            dataset,
            train=Split(nothing, np.asarray(dataset.train.labels)),
            test=Split(nothing, np.asarray(dataset.test.labels)),
        ),
        _mapped(dataset.train.images, scratch / "train.raw"),
        _mapped(dataset.test.images, scratch / "test.raw"),
    )


def _mapped(array: NDArray[Any], path: Path) -> MappedArray:
    if isinstance(array, np.memmap) and (file := mapped_file(array)) is not None:
        path, offset = file, array.offset
    else:
        _write(np.ascontiguousarray(array), path)
        offset = 0
    return MappedArray(str(path), array.dtype.str, array.shape, offset, _identity(path))


def _write(array: NDArray[Any], path: Path) -> None:
    """Write an array's bytes; `ndarray.tofile` raises errors without a reason and a path.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    try:
        with open(path, "wb") as file:
            file.write(array.data)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def _identity(path: Path | str) -> tuple[int, ...]:
    found = os.stat(path)
    return found.st_ino, found.st_size, found.st_mtime_ns
