"""What every layout answers: what was found, when it has changed, how to read it.

A layout (a Parquet folder, a folder of classes, an .npz, a named dataset) looks at a path and
returns a `Found`. Looking is cheap; only `Found.read` decodes, and only when no cached copy holds.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import DataError
from .dataset import Split
from .decode import Broken, Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Options:
    """How the user wants a source to be read; each layout uses what it needs of it."""

    data_dir: Path
    image_column: str | None
    label_column: str | None
    test_fraction: float
    split_seed: int


@dataclass(frozen=True)
class Decoded:
    """One split as a layout reads it; broken images still have their places in it.

    `dark` are the names of those that `decode.decode_images` calls so.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    names: Sequence[str]
    broken: Sequence[Broken]
    dark: Sequence[str] = ()


@dataclass(frozen=True)
class Content:
    """A source that was read: both splits decoded, all images of one size.

    Attributes:
        names: of the images of the splits "train" and "test"; None where they have no names.
        broken: images that could not be decoded; they are not among the splits.
        ignored: what lay there and was not read, each as a sentence that says why.
        dark: names of images that came with more than 8 bits and are nearly black.
    """

    classes: tuple[str, ...]
    train: Split
    test: Split
    names: Mapping[str, Sequence[str]] | None = None
    broken: tuple[Broken, ...] = ()
    ignored: tuple[str, ...] = ()
    dark: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, classes: Sequence[str], train: Decoded, test: Decoded, ignored: Sequence[str] = ()
    ) -> Content:
        """What a layout decoded, without the images that are broken."""
        splits, names = {}, {}
        for part, read in (("train", train), ("test", test)):
            images, labels, kept = read.images, read.labels, list(read.names)
            if read.broken:
                sound = np.ones(len(labels), dtype=bool)
                sound[[one.position for one in read.broken]] = False
                images, labels = images[sound], labels[sound]
                kept = [name for name, good in zip(kept, sound, strict=True) if good]
            splits[part], names[part] = Split(images, labels), kept
        broken = (*train.broken, *test.broken)
        dark = (*train.dark, *test.dark)
        return cls(
            tuple(classes), splits["train"], splits["test"], names, broken, tuple(ignored), dark
        )

    @property
    def total(self) -> int:
        """Images that were read, broken ones included."""
        return len(self.train) + len(self.test) + len(self.broken)


@dataclass(frozen=True)
class Found:
    """A source that was recognised, not yet read.

    Attributes:
        name: what a report calls it.
        identity: where it is and which settings its pixels depend on; one cached copy for each.
        stamp: changes whenever the files change.
        read: decodes everything, given the image size and a progress callback.
        symbols: the images are digits or letters.
        cached: decoding takes long enough to keep a copy.
    """

    name: str
    identity: Mapping[str, str]
    stamp: str
    read: Callable[[int, Progress | None], Content]
    symbols: bool = False
    cached: bool = True


def stamp_files(root: Path, files: Iterable[Path], ignored: Iterable[str] = ()) -> str:
    """A short text that changes when one of `files` under `root` changes, or what is `ignored`.

    It is made of each file's path, size and times of change, not of its content: a file that was
    written over is noticed, also when its size and modification time were kept.

    Raises:
        DataError: a file vanished meanwhile, or cannot be looked at.
    """
    digest = hashlib.sha256()
    for file in files:
        try:
            stat = file.stat()
        except OSError as error:
            raise DataError(f"cannot read {file}: {error.strerror}") from None
        line = f"{file.relative_to(root).as_posix()}\0{stat.st_size}\0{stat.st_mtime_ns}"
        digest.update(f"{line}\0{stat.st_ctime_ns}\n".encode("utf-8", "surrogateescape"))
    digest.update("\n".join(ignored).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def numbered_classes(labels: Sequence[NDArray[np.int64]]) -> tuple[str, ...]:
    """The classes "0", "1", ... of labels that came without names.

    Raises:
        DataError: a label so large that some class could have no image.
    """
    most = max((int(part.max()) for part in labels if len(part)), default=-1)
    images = sum(map(len, labels))
    if most >= images:
        raise DataError(
            f"label {most} is out of range: {images} images have at most {images} classes, "
            f"numbered from 0"
        )
    return tuple(str(i) for i in range(most + 1))


def check_content(content: Content, source: str) -> None:
    """Refuse splits that no run could use.

    Raises:
        DataError: an empty split, a label that is no class, a class without training images or
            with a name that no file can hold.
    """
    for name in content.classes:
        if re.search(r"[\ud800-\udfff]", name):
            raise DataError(
                f"{source} has a class named {name!r}, which is no valid Unicode: rename it"
            )
    for part, split in (("training", content.train), ("test", content.test)):
        if not len(split):
            raise DataError(f"{source} has no {part} images")
        outside = (split.labels < 0) | (split.labels >= len(content.classes))
        if outside.any():
            at = int(np.argmax(outside))
            raise DataError(
                f"label {split.labels[at]} of {part} image {at} in {source} is out of range: "
                f"labels are 0 to {len(content.classes) - 1}"
            )
    missing = np.flatnonzero(np.bincount(content.train.labels, minlength=len(content.classes)) == 0)
    if len(missing):
        named = ", ".join(content.classes[i] for i in missing[:10])
        raise DataError(
            f"{source} has no training image of class {named}"
            f"{f' and {len(missing) - 10} more' if len(missing) > 10 else ''}: "
            f"every label from 0 to {len(content.classes) - 1} needs one"
        )
    if len(content.classes) < 2:
        raise DataError(f"{source} has only one class, {content.classes[0]!r}: two are needed")
