"""A dataset as the other packages use it: uint8 images in memory, labels, class names."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..spec.fields import Interpolation
from ..storage.run_facts import DataChecks, Understood

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Split:
    """Images and their labels.

    Attributes:
        images: uint8, (N, height, width, 3), RGB; permuted to (N, 3, height, width), a batch is
            channels-last in torch without a copy.
        labels: int64, (N,), each in 0 .. classes - 1.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class ImageDataset:
    """A training and a test split over the same classes.

    Attributes:
        name: its name in reports, for example ``CIFAR-10``.
        source: the name or path given by the user.
        classes: class names; a label is an index into them.
        train, test: the splits; all images are square and of one size.
        fingerprint: SHA-256 (hex) of class names, shapes, pixels and labels of both splits.
        symbols: the images are digits or letters, which a flip may turn into others.
        checks: duplicates, leaks, conflicting labels and broken images that were found.
        understood: what the source was taken for.
        interpolation: by which images were resized.
        cache_dir: where what is computed from the images may be kept; None: nowhere.
    """

    name: str
    source: str
    classes: tuple[str, ...]
    train: Split
    test: Split
    fingerprint: str
    symbols: bool = False
    checks: DataChecks = field(default_factory=DataChecks)
    understood: Understood = field(default_factory=Understood)
    interpolation: Interpolation = "bilinear"
    cache_dir: Path | None = None

    @property
    def image_size(self) -> int:
        """Height and width of every image, in pixels."""
        return int(self.train.images.shape[1])
