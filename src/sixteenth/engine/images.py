"""Images of a run on its device: copied where they fit, else read batch by batch as they are used.

Images come mapped from the decoded copy on disk. On a CPU, all images of a data set are used
without a copy; a subset is copied unless it would take much of the memory. Images that a GPU has no
room for are moved to it batch by batch. Which way it is changes no number.
"""

from __future__ import annotations

import copy
import mmap
import warnings
from typing import Any, TypeGuard, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..data.cache import mapped_file
from ..data.device import to_device
from ..data.machine import available_memory

COPY_SHARE = 0.25
"""Of the free memory, that a copy may take: several runs may be trained at the same time."""

GPU_SHARE = 0.5
"""Of a GPU's free memory, that images may take."""


class Rows:
    """Some rows of an array of images, which are read when they are used."""

    def __init__(self, images: NDArray[np.uint8], rows: NDArray[np.int64]) -> None:
        self.images, self.rows = images, rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: slice | NDArray[np.int64]) -> NDArray[np.uint8]:
        return np.asarray(self.images[self.rows[index]])


def select_images(images: NDArray[np.uint8], rows: NDArray[np.int64]) -> NDArray[np.uint8] | Rows:
    """The images at sorted positions: all without a copy, a large part of a map as `Rows`."""
    if len(rows) == len(images):
        return images
    size = len(rows) * images.nbytes // len(images)
    if mapped_file(images) and size > COPY_SHARE * available_memory():
        return Rows(images, rows)
    return images[rows]


class DeviceImages:
    """Images for training and evaluation, indexed by slices and by positions.

    What an index gives is uint8 (n, height, width, 3) on the device.
    """

    def __init__(self, images: NDArray[np.uint8] | Rows, device: torch.device) -> None:
        """Copy the images to the device if it has the room; `images` as of `select_images`."""
        self.device = device
        self._rows = torch.from_numpy(images.rows) if isinstance(images, Rows) else None
        array = images.images if isinstance(images, Rows) else images
        self._tensor = _as_tensor(array)
        self._map: mmap.mmap | None = None
        if device.type != "cpu" and self._rows is None and _fits(array.nbytes, device):
            self._tensor = self._tensor.to(device)
        elif _is_large_map(array) and hasattr(mmap, "MADV_RANDOM"):
            self._map, self._offset = cast(mmap.mmap, array.base), array.offset
            self._map.madvise(mmap.MADV_RANDOM)

    def __len__(self) -> int:
        return len(self._tensor if self._rows is None else self._rows)

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self), *self._tensor.shape[1:])

    def __getitem__(self, index: slice | Tensor) -> Tensor:
        return to_device(self._tensor[self._positions(index)], self.device)

    def take(self, positions: Tensor) -> DeviceImages:
        """The images at some positions, which are read when they are used."""
        taken = copy.copy(self)
        taken._rows = self._positions(positions)
        return taken

    def expect(self, positions: Tensor) -> None:
        """Begin to read these images from the disk, if they may not be in memory."""
        if self._map is None:
            return
        size = self._tensor[0].nbytes
        for row in self._positions(positions).tolist():
            start = self._offset + row * size
            begin = start - start % mmap.PAGESIZE
            self._map.madvise(mmap.MADV_WILLNEED, begin, start + size - begin)

    def _positions(self, index: slice | Tensor) -> Any:
        """Positions in the tensor, where that lies."""
        if isinstance(index, Tensor):
            index = index.to(self._tensor.device if self._rows is None else self._rows.device)
        return index if self._rows is None else self._rows[index]


def _is_large_map(array: NDArray[np.uint8]) -> TypeGuard[np.memmap[Any, Any]]:
    return bool(mapped_file(array)) and array.nbytes > COPY_SHARE * available_memory()


def _fits(needed: int, device: torch.device) -> bool:
    if device.type != "cuda":  # others share the machine's memory
        return needed <= available_memory()
    return needed <= GPU_SHARE * torch.cuda.mem_get_info(device)[0]


def _as_tensor(images: NDArray[np.uint8]) -> Tensor:
    """The images without a copy; nothing here writes to them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(images)
