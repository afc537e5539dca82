"""The process that holds a lock or a lease, as its note on disk names it."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Holder:
    """The process that holds a lock."""

    pid: int
    host: str
    since: str
    """Local time, ISO 8601."""

    def is_dead(self) -> bool:
        """Whether the process has ended; False if it is on another machine, so unknown."""
        if self.host != socket.gethostname() or sys.platform == "win32":
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:  # the process of another user
            pass
        return False

    def __str__(self) -> str:
        here = self.host == socket.gethostname()
        place = "" if here else f" on {self.host}"
        return f"process {self.pid}{place}, which began at {self.since}"
