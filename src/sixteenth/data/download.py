"""Download a file whose hash is known, from the first of several addresses that has it.

What has arrived is kept beside it, so that after a broken connection the same address, the next one
and the next call all go on from there. Only the hash tells whether the file is the right one.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO

from filelock import FileLock

from ..errors import DataError
from ..messages import one_line
from ..spec.work import Work, WorkCallback
from ..storage.lock import UNSUPPORTED

TIMEOUT = 30
"""Seconds without data after which a connection counts as broken."""
TRIES = 20
"""Connections to one address, of which each but the last brings something."""
PAUSE = 1.0
"""Seconds between two of them."""

MEGABYTE = 10**6

_CHUNK = 2**18
_FAILURES = (OSError, HTTPException, ValueError)
"""Of a connection; ValueError of an address that is none."""


def download(
    file: Path,
    expected: str,
    addresses: Sequence[str],
    progress: WorkCallback | None = None,
    *,
    algorithm: str = "md5",
    chosen_by: str = "--data-dir",
) -> dict[str, str]:
    """Why each address failed; empty if the file is there.

    Args:
        expected: the first digits of the file's hash, in hex. A file that has others is replaced.
            Without any, the first file that arrives whole is taken.
        addresses: of http or https, in the order in which they are tried.
        progress: told how many megabytes have arrived.
        algorithm: of the hash, as `hashlib` names it.
        chosen_by: what chooses the folder, for the message.

    Raises:
        DataError: the file cannot be written.
    """
    reasons: dict[str, str] = {}
    part = file.with_name(f"{file.name}.part")

    def tell(done: int, total: int) -> None:
        if progress is not None:
            progress(Work.DOWNLOADING, done // MEGABYTE, total // MEGABYTE, f"{file.name}, MB")

    try:
        if _is(file, expected, algorithm):
            return {}
        file.parent.mkdir(parents=True, exist_ok=True)
        with _only_one(file.with_name(f".{file.name}.lock")):
            if _is(file, expected, algorithm):  # another process has fetched it in the meantime
                return {}
            if not expected:  # nothing would tell what was kept of one file from another
                part.unlink(missing_ok=True)
            for address in addresses:
                reason = _fetch(address, part, expected, algorithm, tell)
                if not reason:
                    os.replace(part, file)
                    return {}
                reasons[address] = reason
                if not part.stat().st_size:
                    part.unlink()
    except OSError as error:
        raise DataError(
            f"cannot write {part}: {error.strerror or one_line(error)}: make room there, or choose "
            f"another folder with {chosen_by}"
        ) from None
    return reasons


def hash_of(file: Path, algorithm: str = "md5") -> str | None:
    """The hash of a file, in hex; None if there is no such file.

    Raises:
        OSError: it cannot be read.
    """
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, algorithm).hexdigest()
    except FileNotFoundError:
        return None


def _is(file: Path, expected: str, algorithm: str) -> bool:
    found = hash_of(file, algorithm)
    return found is not None and found.startswith(expected)


def _fetch(
    address: str, part: Path, expected: str, algorithm: str, tell: Callable[[int, int], None]
) -> str:
    """Make `part` the file with that hash; why that failed, or an empty text."""
    while True:
        with part.open("ab") as out:
            kept = out.tell()
            if reason := _receive(address, out, tell):
                return reason
        if _is(part, expected, algorithm):
            return ""
        found = hash_of(part, algorithm)
        part.write_bytes(b"")
        if not kept:
            return f"what it sends is another file ({algorithm} {found})"
        # What was kept may have been of another file: once more, from the start.


def _receive(address: str, out: IO[bytes], tell: Callable[[int, int], None]) -> str:
    """Append what follows to a file until it is whole; why that failed, or an empty text."""
    reason = ""
    for attempt in range(TRIES):
        time.sleep(PAUSE if attempt else 0)
        before = out.tell()
        headers = {"User-Agent": "sixteenth", **({"Range": f"bytes={before}-"} if before else {})}
        try:
            request = urllib.request.Request(address, headers=headers)
            response = urllib.request.urlopen(request, timeout=TIMEOUT)
        except urllib.error.HTTPError as error:
            error.close()
            # 416: nothing follows what was kept.
            return "" if error.code == 416 and before else f"HTTP {error.code} {error.reason}"
        except _FAILURES as error:
            return reason or one_line(getattr(error, "reason", None) or error)
        with response:
            if response.status != 206:  # all of it, from the start
                out.truncate(0)
                out.seek(0)
            left = response.length
            total = 0 if left is None else out.tell() + left
            while chunk := _read(response):
                out.write(chunk)
                tell(out.tell(), total)
        if chunk is not None and out.tell() >= total:
            return ""
        reason = f"the connection broke off after {out.tell():,} of {total:,} bytes"
        if out.tell() <= before:
            break
    return reason


def _read(response: HTTPResponse) -> bytes | None:
    """The next bytes, none at the end; None if the connection broke."""
    try:
        return response.read(_CHUNK)
    except _FAILURES:
        return None


@contextlib.contextmanager
def _only_one(lock_file: Path) -> Iterator[None]:
    """One process at a time; on a disk without locks, all of them."""
    lock = FileLock(lock_file, fallback_to_soft=False)
    try:
        lock.acquire()
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
    try:
        yield
    finally:
        lock.release()
