"""Decoded images, kept on disk so that a source is decoded once.

Each source, image size and split setting has one folder of memory-mappable .npy files and a
dataset.json with the class names, the stamp of the files it was made from, the fingerprint of what
it holds, what was found when it was checked, and which images are broken and not in it. A stamp
that differs means the files changed: the copy is made again, in place of the old one. A copy is
used only if its pixels and labels still give its fingerprint, so a damaged, half-written or
mixed-up copy is never trained on.

A cache that cannot be written costs speed, and nothing else: it only warns.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from platformdirs import user_cache_path

from ..storage.run_record import DataChecks
from .dataset import Split
from .decode import Broken
from .source import Content, Found

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMAT = 2
"""Raise it when the layout of the cache, or how images are decoded and fitted, changes."""

_PARTS = ("train_images", "train_labels", "test_images", "test_labels")


def default_data_dir() -> Path:
    """The user's cache folder: downloads and decoded images go there by default."""
    return user_cache_path("sixteenth", appauthor=False)


def fingerprint(content: Content) -> str:
    """SHA-256 (hex) of pixels, labels and class names, and of their shapes."""
    digest = hashlib.sha256()
    shapes = [content.train.images.shape, content.test.images.shape]
    digest.update(json.dumps([content.classes, shapes]).encode())
    for split in (content.train, content.test):
        digest.update(np.ascontiguousarray(split.images).data)
        digest.update(np.ascontiguousarray(split.labels.astype("<i8")).data)
    return digest.hexdigest()


def cache_folder(data_dir: Path, found: Found, image_size: int) -> Path:
    """The folder that the decoded copy of a source has."""
    identity = {**found.identity, "image_size": str(image_size), "format": str(FORMAT)}
    key = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]
    return data_dir / "decoded" / key


def load_cached(folder: Path, stamp: str) -> tuple[Content, str, DataChecks] | None:
    """A decoded copy, its fingerprint and checks; None if there is none, or it is old or damaged.

    The arrays are mapped copy-on-write: processes share one copy in memory, and writing to one
    never reaches the disk. The names of the images are not kept.
    """
    try:
        record = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
        if record["stamp"] != stamp or record.pop("sum") != _sum(record):
            return None
        arrays = [np.load(folder / f"{part}.npy", mmap_mode="c") for part in _PARTS]
        classes = tuple(str(name) for name in record["classes"])
        broken = tuple(Broken(*one) for one in record["broken"])
        content = Content(classes, Split(*arrays[:2]), Split(*arrays[2:]), broken=broken)
        expected = str(record["fingerprint"])
        checks = DataChecks.from_dict(record["checks"])
        complete = checks.model_fields_set >= DataChecks.model_fields.keys()
        sound = complete and fingerprint(content) == expected
    # Whatever a damaged copy does to json or numpy, the answer is to make it again.
    except Exception:
        return None
    return (content, expected, checks) if sound else None


def store_cached(
    folder: Path, stamp: str, content: Content, digest: str, checks: DataChecks
) -> None:
    """Keep a decoded copy, each file whole or not at all; warn if that is not possible."""
    train, test = content.train, content.test
    arrays: list[NDArray[Any]] = [train.images, train.labels, test.images, test.labels]
    record: dict[str, Any] = {
        "stamp": stamp,
        "fingerprint": digest,
        "classes": content.classes,
        "checks": checks.to_dict(),
        "broken": content.broken,
    }
    record["sum"] = _sum(record)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        for part, array in zip(_PARTS, arrays, strict=True):
            with _replacing(folder / f"{part}.npy") as file:
                np.save(file, array, allow_pickle=False)
        with _replacing(folder / "dataset.json") as file:
            file.write(json.dumps(record).encode())
    except OSError as error:
        warnings.warn(
            f"decoded images are not kept, the next start decodes them again: cannot write "
            f"{folder}: {error.strerror}",
            stacklevel=2,
        )


def _sum(record: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def _sweep(folder: Path) -> None:
    """Remove what processes that were killed while they wrote here have left behind."""
    for temporary in folder.glob(".*.tmp"):
        if time.time() - temporary.stat().st_mtime > 3600:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """A new file that takes the place of `path` once it is whole and on the disk."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
