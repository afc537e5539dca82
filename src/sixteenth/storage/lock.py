"""A lock for a study's folder, so that only one process writes to it.

It is a lock of the operating system (flock, by filelock), which ends with its process, even if that
is killed. A note next to it names the holder, for the error message only.
"""

from __future__ import annotations

import contextlib
import errno
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from ..errors import InUseError
from .holder import Holder
from .whole_files import write_text

LOCK, NOTE = ".lock", ".lock.json"

TIMEOUT_SECONDS = 5.0
"""How long to wait for a lock whose holder is dead according to the note. The note may be older
than the lock, and a network disk may release a lock late."""

UNSUPPORTED = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}
"""What a disk without locks answers."""


class FolderLock:
    """A lock on a folder, from `acquire` to the end of the with block."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock: FileLock | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._lock is not None:
            with contextlib.suppress(OSError):
                (self.folder / NOTE).unlink(missing_ok=True)
            self._lock.release()
            self._lock = None

    def acquire(self) -> None:
        """Acquire the lock, unless this object has it already. The folder must exist.

        On disks without locks, such as some network disks, it does nothing.

        Raises:
            InUseError: another process has the lock.
            OSError: the folder is not writable.
        """
        if self._lock is not None:
            return
        # The fallback is a file that outlives a killed process.
        lock = FileLock(self.folder / LOCK, fallback_to_soft=False)
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while True:
            try:
                lock.acquire(blocking=False)
                break
            except Timeout:
                holder = _holder(self.folder)
                if (holder and not holder.is_dead()) or time.monotonic() > deadline:
                    raise InUseError(
                        f"{self.folder} is in use by {holder or 'another process'}: wait for it or "
                        "stop it, or choose another folder with --out"
                    ) from None
                time.sleep(0.05)
            except OSError as error:
                if error.errno in UNSUPPORTED:
                    return
                raise
        self._lock = lock
        note = asdict(Holder.this_process())
        write_text(self.folder / NOTE, json.dumps(note) + "\n")


def _holder(folder: Path) -> Holder | None:
    """The holder named in the note; None if there is no note yet or it cannot be read."""
    try:
        return Holder.of(json.loads((folder / NOTE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
