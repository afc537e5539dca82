"""Decoded images on disk, so that a source is decoded only once.

Each source, image size, interpolation and split setting has its own folder: .npy files that can be
memory-mapped, and a dataset.json with the class names, the stamp of the source files, the
fingerprint of the decoded data, the results of the checks, the broken images, what was left out and
the notes. If the stamp differs, the files have changed, and the copy is replaced. A copy is used
only if its pixels and labels match its fingerprint, so damaged or half-written copies are never
trained on.

If the cache cannot be written, there is only a warning.
"""

from __future__ import annotations

import errno
import hashlib
import json
import mmap
import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from platformdirs import user_cache_path

from ..errors import InputError
from ..spec.fields import Interpolation
from ..storage.run_facts import DataChecks
from ..storage.whole_files import ABANDONED, sweep, write_text, write_whole
from .broken import Broken
from .dataset import Split
from .source import Content, Found

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMAT = 4
"""Increase it when the layout of the cache changes, or how images are decoded or resized."""

_PARTS = ("train_images", "train_labels", "test_images", "test_labels")


def default_data_dir() -> Path:
    """The user's cache folder, the default for downloads and decoded images.

    Raises:
        InputError: there is no HOME, and the system does not know this user.
    """
    try:
        folder = user_cache_path("sixteenth", appauthor=False)
    except RuntimeError:  # older versions of platformdirs return a path that begins with ~
        folder = None
    if folder is None or folder.parts[0].startswith("~"):
        raise InputError(
            "there is no home folder for decoded images (no HOME, and an unknown user): name a "
            "folder for them with --data-dir"
        ) from None
    return folder


def fingerprint(content: Content) -> str:
    """SHA-256 (hex) of class names, shapes, pixels and labels of both splits."""
    digest = hashlib.sha256()
    shapes = [content.train.images.shape, content.test.images.shape]
    digest.update(json.dumps([content.classes, shapes]).encode())
    for split in (content.train, content.test):
        digest.update(np.ascontiguousarray(split.images).data)
        digest.update(np.ascontiguousarray(split.labels.astype("<i8")).data)
    return digest.hexdigest()


def cache_folder(
    data_dir: Path, found: Found, image_size: int, interpolation: Interpolation = "bilinear"
) -> Path:
    """The folder of the decoded copy of a source."""
    identity = {**found.identity, "image_size": str(image_size), "format": str(FORMAT)}
    if interpolation != "bilinear":  # copies that are older than this setting keep their folders
        identity["interpolation"] = interpolation
    key = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]
    return data_dir / "decoded" / key


def load_cached(folder: Path, stamp: str) -> tuple[Content, str, DataChecks] | None:
    """A decoded copy with its fingerprint and checks; None if it is missing, old or damaged.

    The arrays are memory-mapped copy-on-write: processes share one copy in memory, changes never
    reach the disk, and a copy larger than memory is read as it is used. Names are not kept.
    """
    try:
        record = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
        if record["stamp"] != stamp or record.pop("sum") != _checksum(record):
            return None
        arrays = _mapped(folder)
        classes = tuple(str(name) for name in record["classes"])
        broken = tuple(Broken(*one) for one in record["broken"])
        content = Content(
            classes,
            Split(*arrays[:2]),
            Split(*arrays[2:]),
            broken=broken,
            left_out=tuple(record["left_out"]),
            notes=tuple(record["notes"]),
            validation_images=int(record["validation_images"]),
        )
        expected = str(record["fingerprint"])
        checks = DataChecks.from_dict(record["checks"])
        complete = checks.model_fields_set >= DataChecks.model_fields.keys()
        valid = complete and fingerprint(content) == expected
    # json and numpy raise nearly anything on damaged files; the copy is then made again.
    except Exception:
        return None
    return (content, expected, checks) if valid else None


def find_decoded(data_dir: Path, fingerprint: str) -> Content | None:
    """The decoded copy with that fingerprint, wherever its source lies by now; None without one."""
    for path in sorted((data_dir / "decoded").glob("*/dataset.json")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            stamp, here = record["stamp"], record["fingerprint"] == fingerprint
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if here and (found := load_cached(path.parent, stamp)):
            return found[0]
    return None


def store_cached(
    folder: Path, stamp: str, content: Content, digest: str, checks: DataChecks
) -> Content:
    """Write a decoded copy, each file atomically; warn if it cannot be written.

    Returns:
        The content, from the copy where there is one now.
    """
    train, test = content.train, content.test
    arrays: list[NDArray[Any]] = [train.images, train.labels, test.images, test.labels]
    record: dict[str, Any] = {
        "stamp": stamp,
        "fingerprint": digest,
        "classes": content.classes,
        "checks": checks.to_dict(),
        "broken": content.broken,
        "left_out": content.left_out,
        "notes": content.notes,
        "validation_images": content.validation_images,
    }
    record["sum"] = _checksum(record)
    try:
        sweep(folder, older_than=ABANDONED)
        for part, array in zip(_PARTS, arrays, strict=True):
            file = folder / f"{part}.npy"
            written = mapped_file(array)
            if isinstance(array, np.memmap) and written and written.parent == folder:
                array.flush()
                os.replace(written, file)
            else:
                write_whole(file, partial(np.save, arr=array, allow_pickle=False))
        write_text(folder / "dataset.json", json.dumps(record))
        arrays = _mapped(folder)
        return replace(content, train=Split(*arrays[:2]), test=Split(*arrays[2:]))
    except OSError as error:
        warnings.warn(
            f"decoded images are not kept, the next start decodes them again: cannot write "
            f"{folder}: {error.strerror}",
            stacklevel=2,
        )
        return content


def mapped_file(array: Any) -> Path | None:
    """The file that all of an array is mapped from; None of other arrays, and if it is gone."""
    whole = isinstance(array, np.memmap) and isinstance(array.base, mmap.mmap)
    if not whole or not array.flags.c_contiguous or array.filename is None:
        return None
    return Path(array.filename) if os.path.isfile(array.filename) else None


def map_array(opened: Callable[[Literal["c", "r"]], NDArray[Any]]) -> NDArray[Any]:
    """An array that `opened` maps copy-on-write, or read-only if it is larger than the memory."""
    try:
        return opened("c")
    except OSError as error:
        if error.errno != errno.ENOMEM:
            raise
        return opened("r")


def _mapped(folder: Path) -> list[NDArray[Any]]:
    return [
        map_array(lambda mode, file=folder / f"{part}.npy": np.load(file, mmap_mode=mode))  # type: ignore[misc]
        for part in _PARTS
    ]


def _checksum(record: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
