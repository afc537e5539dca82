"""CIFAR-10 and CIFAR-100 as their authors publish them, through torchvision.

torchvision downloads the archive if there is no copy yet. It compares the MD5 sums of the archive
and of every file in it before it opens them: the files are pickles, and only those of the authors
are ever loaded. Archives are unpacked with the ``data`` filter of `tarfile`, which Python has from
3.11.4 on, so nothing is written outside the folder. torchvision (and so torch) is imported only to
download or decode.
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

from ...errors import DataError, one_line
from ..dataset import Split
from ..decode import resize_array
from ..source import Content, Found, Options, stamp_files
from ..target import Target


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

DOWNLOAD_TIMEOUT = 30
"""Seconds without data after which a download fails."""


def find_named_cifar(name: str, options: Options) -> Found:
    """CIFAR in the data folder; downloaded if it is not there.

    Args:
        name: a key of `CIFARS`.

    Raises:
        DataError: it is not there and cannot be downloaded.
    """
    cifar, home = CIFARS[name], options.data_dir
    if not _files(home / cifar.folder):
        _open(cifar, home, train=False, download=True)
    return _found(cifar, home, download=True)


def find_cifar_copy(path: Path) -> Found | None:
    """CIFAR unpacked at `path` or in a folder in it; None if there is none."""
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
        layout=cifar.title,
        identity={"layout": cifar.title, "path": str(folder.resolve())},
        stamp=stamp_files(folder, _files(folder)),
        read=lambda target: _read(cifar, home, download, target),
    )


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.is_file())


def _read(cifar: _Cifar, home: Path, download: bool, target: Target) -> Content:
    splits = {}
    classes: tuple[str, ...] = ()
    for part in ("train", "test"):
        data = _open(cifar, home, train=part == "train", download=download)
        images = resize_array(np.asarray(data.data), target, part)
        splits[part] = Split(images, np.asarray(data.targets, dtype=np.int64))
        classes = tuple(str(name) for name in data.classes)
    return Content(classes, splits["train"], splits["test"])


def _open(cifar: _Cifar, home: Path, *, train: bool, download: bool) -> Any:
    """torchvision's dataset with its files checked; downloaded if needed and allowed."""
    from torchvision import datasets

    kind = getattr(datasets, cifar.torchvision_class)
    try:
        with _download_settings():
            return kind(str(home), train=train, download=download)
    # URLError and timeouts are OSErrors; a wrong MD5 sum is a RuntimeError.
    except (OSError, RuntimeError, tarfile.TarError) as error:
        reason = one_line(error)
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
def _download_settings() -> Iterator[None]:
    """Messages to stderr, no warnings about old pickles, a download timeout, safe unpacking."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT)
    try:
        with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings(), _data_filter():
            warnings.simplefilter("ignore", np.exceptions.VisibleDeprecationWarning)
            yield
    finally:
        socket.setdefaulttimeout(before)


@contextlib.contextmanager
def _data_filter() -> Iterator[None]:
    """Unpack tar archives with the ``data`` filter, as Python 3.14 does by default.

    torchvision sets no filter. Python 3.11.2 (Debian 12) has none: only the MD5 sum, which
    torchvision compares before it unpacks, protects there.
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
