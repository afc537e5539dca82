"""The process that holds a lock or a lease, as its note on disk names it."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self


@dataclass(frozen=True)
class Holder:
    """The process that holds a lock; `since` when, in local time, ISO 8601."""

    pid: int
    host: str
    since: str

    @classmethod
    def this_process(cls) -> Self:
        since = datetime.now().isoformat(sep=" ", timespec="seconds")
        return cls(os.getpid(), socket.gethostname(), since)

    @classmethod
    def of(cls, note: Mapping[str, Any]) -> Self:
        """The holder that a note names; a KeyError, TypeError or ValueError if it names none."""
        return cls(int(note["pid"]), str(note["host"]), str(note["since"]))

    def is_dead(self) -> bool:
        """Whether the process has ended; False if it is on another machine, so unknown."""
        if self.host != socket.gethostname() or sys.platform == "win32":
            return False
        try:
            os.kill(self.pid, 0)  # not psutil, to which hidden processes of others are none
        except ProcessLookupError:
            return True
        except OSError:  # the process of another user
            return False
        return False

    def __str__(self) -> str:
        place = "" if self.host == socket.gethostname() else f" on {self.host}"
        return f"process {self.pid}{place}, which began at {self.since}"
