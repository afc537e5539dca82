"""Writes that are repeated while a study runs, as often as their own cost allows."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

SHARE = 0.03
"""Of the time that passes, the most that is spent on a repeated write; of a budget, on reports."""
CHEAP = 0.5
"""Seconds that a write may always take."""


class PacedWrite:
    """A write that is skipped where it would take more than `SHARE` of the time since the last."""

    def __init__(self, write: Callable[[], object], *, expected: float = 0.0) -> None:
        """Nothing is written yet.

        Args:
            expected: seconds that the first write is expected to take.
        """
        self._write, self._takes = write, expected
        self._ended = time.monotonic() if expected else -math.inf

    def offer(self) -> None:
        """Write if it is time to."""
        began = time.monotonic()
        if self._takes > CHEAP and (began - self._ended) * SHARE < self._takes:
            return
        self._write()
        self._ended = time.monotonic()
        self._takes = self._ended - began
