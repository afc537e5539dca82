"""Writes that are repeated while a study runs, as often as their own cost allows."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

SHARE = 0.03
"""Of the time that passes, the most that is spent on a repeated write; of a budget, on reports."""
CHEAP, CHEAP_SHARE = 0.5, 0.25
"""Seconds up to which a write is cheap, and the most of the time that is spent on cheap ones:
hundreds of runs that end each second would wait for theirs."""
FREE = 1.0
"""Seconds of cheap writes in all that are made in any case: a small study has one after each run,
however fast these end."""


class PacedWrite:
    """A write that is skipped where it would take too large a share of the time since the last."""

    def __init__(self, write: Callable[[], object], *, expected: float = 0.0) -> None:
        """Nothing is written yet.

        Args:
            expected: seconds that the first write is expected to take.
        """
        self._write, self._takes = write, expected
        self._free = 0.0 if expected else FREE
        self._ended = time.monotonic() if expected else -math.inf

    def offer(self) -> None:
        """Write if it is time to."""
        began = time.monotonic()
        cheap = self._takes <= CHEAP
        share = CHEAP_SHARE if cheap else SHARE
        soon = (began - self._ended) * share < self._takes
        if soon and not (cheap and self._free > 0):
            return
        self._write()
        self._ended = time.monotonic()
        self._takes = self._ended - began
        self._free -= self._takes
