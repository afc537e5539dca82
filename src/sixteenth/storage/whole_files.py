"""Files and folders that are written whole or not at all, whatever they hold.

Needs neither torch nor pandas.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from ..errors import InputError

ABANDONED = 3600.0
"""Seconds after which nobody writes to a temporary file any more."""
_TEMPORARY = re.compile(r"\..+\.(?:[a-z0-9_]{8}|[0-9a-f]{32})\.tmp")
"""Names of `temporary_path`; earlier versions wrote decoded pixels under the longer ones."""


def write_whole(
    path: Path,
    write: Callable[[IO[bytes]], object],
    *,
    before_rename: Callable[[], object] = lambda: None,
    scratch: Path | None = None,
) -> None:
    """Write a file by `write(handle)` so that a reader sees the old one or the new one, never half.

    The bytes reach the disk before the name does (fsync, then rename), so this also holds across a
    power cut. On failure the temporary file is removed and the old file stays.

    Args:
        write: writes to the handle, or to the path that is the handle's `name`.
        before_rename: is called when the new bytes are on the disk and not yet under their name.
        scratch: folder of the temporary file, on the same disk; by default that of the file.

    Raises:
        OSError: with the file's own name, not the temporary one, whichever step of it failed.
    """
    if scratch is None:
        path.parent.mkdir(parents=True, exist_ok=True)
    # Not by tempfile, whose files only their owner may read.
    temporary = str(temporary_path(path, scratch))
    try:
        with open(temporary, "xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        before_rename()
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError) and error.filename in (None, temporary):
            raise OSError(error.errno, error.strerror or str(error), str(path)) from error
        raise


def write_all(files: Mapping[Path, bytes]) -> None:
    """Write files that belong together: all under temporary names, then renamed in their order.

    What killed processes left beside them is removed, where it is so old that it cannot be another
    process's work. On failure no temporary file stays.

    Raises:
        OSError: with the file's name. Unless a rename has failed, all old files are as they were.
    """
    for folder in {path.parent for path in files}:
        sweep(folder, older_than=ABANDONED)

    def write(paths: Sequence[Path]) -> None:
        if paths:
            *before, last = paths
            content = files[last]
            write_whole(last, lambda file: file.write(content), before_rename=lambda: write(before))

    write(list(files))


def copy_folder(source: Path, target: Path, scratch: Path) -> None:
    """Copy a folder of files that are replaced whole or not at all: as links, where that can be.

    Args:
        scratch: an existing folder on the disk of `target`, where half a copy is in nobody's way.

    Raises:
        OSError: the disk is full, or cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_path(target, scratch)
    try:
        shutil.copytree(source, temporary, copy_function=_link)
        os.replace(temporary, target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # of another disk, or a disk without links
        shutil.copy2(source, target)


_DISK = {
    number
    for name in ("ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EIO")
    if (number := getattr(errno, name, None)) is not None
}


def is_disk_trouble(error: OSError, folder: Path) -> bool:
    """Whether a disk is full or broken, or something in `folder` cannot be written or read.

    Every run would meet it, so that none of them has failed by itself.
    """
    if error.errno in _DISK:
        return True
    named = error.filename
    return isinstance(named, str) and Path(named).absolute().is_relative_to(folder.absolute())


def sync_folder(folder: Path) -> None:
    """Let renames in a folder reach the disk, where the system can be asked to."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def temporary_path(path: Path, scratch: Path | None = None) -> Path:
    """Where a file or folder may be written that is to be called `path`: `sweep` knows such names.

    Args:
        scratch: as in `write_whole`.
    """
    return (scratch or path.parent) / f".{path.name}.{secrets.token_hex(4)}.tmp"


def is_left_over(path: Path) -> bool:
    """Whether a file is at a `temporary_path`, where it stays when its process is killed."""
    return _TEMPORARY.fullmatch(path.name) is not None


def sweep(folder: Path, *, older_than: float = 0.0) -> None:
    """Remove what was left at a `temporary_path` in a folder when its process was killed.

    Args:
        older_than: seconds; where other processes may be writing, their files are to be kept.
    """
    for path in filter(is_left_over, folder.glob(".*.tmp")):
        if older_than and _age(path) <= older_than:
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _age(path: Path) -> float:
    """Seconds since a file was written; 0 of one that is gone."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text whole or not at all."""
    write_whole(path, lambda file: file.write(text.encode()))


def first_free(
    place: Path, is_taken: Callable[[Path], bool] = os.path.lexists, *, folder: bool = False
) -> Path:
    """`place`, or the first of NAME-2, NAME-3, ... that is free; a file's suffix stays behind.

    Args:
        folder: it is one, whose name has no suffix.
    """
    stem, suffix = (place.name, "") if folder else (place.stem, place.suffix)
    free, number = place, 2
    while is_taken(free):
        free, number = place.with_name(f"{stem}-{number}{suffix}"), number + 1
    return free


def file_stamp(path: Path) -> tuple[int, int, int] | None:
    """Inode, time and size of a file; another one as soon as it is written anew."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def check_writable(folder: Path) -> None:
    """Refuse a folder that cannot be made or written to, before anything is read or trained.

    Raises:
        InputError: the folder, and the one above it that is in the way.
    """
    place = folder.absolute()
    while not os.path.lexists(place):
        place = place.parent
    if place.is_dir() and os.access(place, os.W_OK | os.X_OK):
        return
    why = os.strerror(_why_not(place))
    where = "" if place == folder.absolute() else f"{place}: "
    raise InputError(f"cannot write to {folder}: {where}{why}; choose another place with --out")


def _why_not(place: Path) -> int:
    """The error number with which writing into a place would fail."""
    if not place.is_dir():
        return errno.ENOTDIR
    read_only = hasattr(os, "statvfs") and os.statvfs(place).f_flag & os.ST_RDONLY
    return errno.EROFS if read_only else errno.EACCES
