"""CIFAR-10 and CIFAR-100 as their authors publish them, through torchvision.

torchvision downloads the archive, checks it and every file in it by their MD5 sums before it opens
them (the files are pickles: only those of the authors are ever opened), and a copy that is
there already is used without a network. Whatever an archive holds, it is unpacked with Python's
filter for data, where Python has it (from 3.11.4 on): nothing is written outside its folder.
torchvision (and so torch) is imported only when something has to be downloaded or decoded.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import tarfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DataError
from ..dataset import Split
from ..decode import Progress, fit_array
from ..source import Content, Found, Options, stamp_files


@dataclass(frozen=True)
class _Cifar:
    title: str
    torchvision_class: str
    folder: str
    """The folder in the archive."""


CIFARS = {
    "cifar10": _Cifar("CIFAR-10", "CIFAR10", "cifar-10-batches-py"),
    "cifar100": _Cifar("CIFAR-100", "CIFAR100", "cifar-100-python"),
}

_STALLED = 30
"""Seconds without a byte after which a download has failed."""


def find_named_cifar(name: str, options: Options) -> Found:
    """`name` in the data folder, downloaded if it is not there.

    Raises:
        DataError: it is not there and cannot be downloaded; the message says what to put where.
    """
    cifar, home = CIFARS[name], options.data_dir
    if not _files(home / cifar.folder):
        _open(cifar, home, train=False, download=True)
    return _found(cifar, home, download=True)


def find_cifar_copy(path: Path) -> Found | None:
    """An unpacked archive: `path` is its folder, or holds it; else None."""
    for cifar in CIFARS.values():
        if path.name == cifar.folder and _files(path):
            return _found(cifar, path.parent, download=False)
        if _files(path / cifar.folder):
            return _found(cifar, path, download=False)
    return None


def _found(cifar: _Cifar, home: Path, *, download: bool) -> Found:
    folder = home / cifar.folder
    return Found(
        name=cifar.title,
        identity={"layout": cifar.title, "path": str(folder.resolve())},
        stamp=stamp_files(folder, _files(folder)),
        read=lambda size, progress: _read(cifar, home, download, size, progress),
    )


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.is_file())


def _read(
    cifar: _Cifar, home: Path, download: bool, size: int, progress: Progress | None
) -> Content:
    splits = {}
    classes: tuple[str, ...] = ()
    for part in ("train", "test"):
        data = _open(cifar, home, train=part == "train", download=download)
        what = f"resizing {part} images"
        images = fit_array(np.asarray(data.data), size, what=what, progress=progress)
        splits[part] = Split(images, np.asarray(data.targets, dtype=np.int64))
        classes = tuple(str(name) for name in data.classes)
    return Content(classes, splits["train"], splits["test"])


def _open(cifar: _Cifar, home: Path, *, train: bool, download: bool) -> Any:
    """torchvision's dataset, its files checked, and downloaded if that is allowed."""
    from torchvision import datasets

    kind = getattr(datasets, cifar.torchvision_class)
    try:
        with _quiet_torchvision():
            return kind(str(home), train=train, download=download)
    # URLError and a timeout are OSErrors; a wrong MD5 sum is a RuntimeError.
    except (OSError, RuntimeError, tarfile.TarError) as error:
        reason = " ".join(str(error).split())
    if not download:
        raise DataError(
            f"the copy of {cifar.title} in {home / cifar.folder} is incomplete or damaged: "
            f"unpack {kind.filename} (md5 {kind.tgz_md5}) there again"
        )
    raise DataError(
        f"{cifar.title} is not in {home} and cannot be downloaded ({reason}): put "
        f"{kind.filename} (md5 {kind.tgz_md5}) from {kind.url} into {home}, "
        f"or give a copy of your own with --data PATH"
    )


@contextlib.contextmanager
def _quiet_torchvision() -> Iterator[None]:
    """Messages to stderr, no warnings about old pickles, no download that stalls for ever, and no
    archive that writes outside its folder."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_STALLED)
    try:
        with (
            contextlib.redirect_stdout(sys.stderr),
            warnings.catch_warnings(),
            _data_alone_unpacked(),
        ):
            warnings.simplefilter("ignore", np.exceptions.VisibleDeprecationWarning)
            yield
    finally:
        socket.setdefaulttimeout(before)


@contextlib.contextmanager
def _data_alone_unpacked() -> Iterator[None]:
    """What Python 3.14 does by itself; torchvision names no filter.

    Python 3.11.2, which Debian 12 has, knows none: there the checksum alone, which torchvision asks
    for before it unpacks, keeps out what the authors did not pack.
    """
    data_filter = getattr(tarfile, "data_filter", None)
    if data_filter is None:
        yield
        return
    before = tarfile.TarFile.__dict__.get("extraction_filter")
    tarfile.TarFile.extraction_filter = staticmethod(data_filter)
    try:
        yield
    finally:
        if before is None:
            del tarfile.TarFile.extraction_filter
        else:
            tarfile.TarFile.extraction_filter = before
