"""One process at a time in a study's folder; the second one is refused and told of the first.

The lock belongs to the operating system (flock, by way of filelock) and ends with its process,
however that ends: what a killed process leaves behind refuses nobody. Beside the lock lies a note
of who holds it, which serves the message alone.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import sys
import time
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout

from ..errors import InUseError
from .run_folder import write_text

LOCK, NOTE = ".lock", ".lock.json"

PATIENCE_SECONDS = 5.0
"""How long to wait for a lock whose holder, as the note says, is dead: the note may be older than
the lock, and a network disk may learn late that a process has gone."""

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


@dataclass(frozen=True)
class Holder:
    """Who holds a lock."""

    pid: int
    host: str
    since: str
    """Local time, ISO 8601."""

    def is_dead(self) -> bool:
        """Whether no process of this machine has its number; of another machine nobody knows."""
        if self.host != socket.gethostname() or sys.platform == "win32":
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:  # it is somebody else's
            return False
        return False

    def __str__(self) -> str:
        here = self.host == socket.gethostname()
        place = "" if here else f" on {self.host}"
        return f"process {self.pid}{place}, which began at {self.since}"


class FolderLock:
    """The right to write into a folder, from `take` until the end of the with block."""

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

    def take(self) -> None:
        """Take the lock of the folder, which is there, unless this object has it already.

        Some network disks know no locks: there nobody is refused.

        Raises:
            InUseError: another process has it; which one.
            OSError: nothing can be written into the folder.
        """
        if self._lock is not None:
            return
        lock = FileLock(self.folder / LOCK)
        patience = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                lock.acquire(blocking=False)
                break
            except Timeout:
                holder = _holder(self.folder)
                if (holder and not holder.is_dead()) or time.monotonic() > patience:
                    who = holder or "another process"
                    raise InUseError(
                        f"{self.folder} is in use by {who}: wait for it or stop it, "
                        "or choose another folder with --out"
                    ) from None
                time.sleep(0.05)
            except NotImplementedError:  # how older versions of filelock say it
                return
            except OSError as error:
                if error.errno in _NO_LOCKS:
                    return
                raise
        self._lock = lock
        since = datetime.now().isoformat(sep=" ", timespec="seconds")
        holder = Holder(os.getpid(), socket.gethostname(), since)
        write_text(self.folder / NOTE, json.dumps(asdict(holder)) + "\n")


def _holder(folder: Path) -> Holder | None:
    """What the note says; None where there is none (yet), or none that can be read."""
    try:
        said: dict[str, Any] = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        return Holder(int(said["pid"]), str(said["host"]), str(said["since"]))
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
