"""Writes that are repeated while a study runs, as often as their own cost allows."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

SHARE = 0.03
"""Of the time that passes, the most that is spent on a repeated write; of a budget, on reports."""
CHEAP, CHEAP_SHARE = 0.5, 0.25
"""Seconds up to which a write is cheap, and the most of the time that is spent on cheap ones: a few
runs never notice, while hundreds that end each second would wait for theirs."""


class PacedWrite:
    """A write that is skipped where it would take too large a share of the time since the last."""

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
        share = SHARE if self._takes > CHEAP else CHEAP_SHARE
        if (began - self._ended) * share < self._takes:
            return
        self._write()
        self._ended = time.monotonic()
        self._takes = self._ended - began
