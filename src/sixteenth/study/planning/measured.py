"""What was measured on one machine: how fast networks train there, and how much memory they take.

`calibration` measures; this remembers, for one schedule, and answers what planning asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ...engine.execution import Execution
from .calibration import Speed
from .schedule import Placement


class MeasuredSpeeds:
    """The speeds of networks (`RunSpec.network`), by format and placement.

    Args:
        speeds: network -> its speeds, to begin with.
    """

    def __init__(self, speeds: Mapping[str, Sequence[Speed]] | None = None) -> None:
        self._speeds = dict(speeds or {})

    def put(self, network: str, speeds: Iterable[Speed]) -> None:
        """Take these speeds of a network, in place of those it had."""
        self._speeds[network] = tuple(speeds)

    def of(self, network: str) -> Sequence[Speed]:
        """All speeds of a network; none where it was not measured."""
        return self._speeds.get(network, ())

    def rate(self, network: str, execution: Execution, processes: int = 0) -> float:
        """Images a second of one process that trains a network so; 0 where none was measured so.

        Args:
            processes: at once; 0 for as many as are fastest.
        """
        rates = [
            speed.images_per_second / speed.processes
            for speed in self.of(network)
            if (speed.precision, speed.layout) == (execution.precision, execution.layout)
            and speed.threads == execution.threads
            and processes in (0, speed.processes)
        ]
        return max(rates, default=0.0)

    def memory(self, network: str) -> int:
        """Bytes that one run of a network was seen to take; 0 where that is not known."""
        return max((speed.memory for speed in self.of(network)), default=0)

    def fastest_share(self, network: str) -> int:
        """How many processes at once trained a network fastest; 1 where that is not known."""
        best = max(self.of(network), key=lambda speed: speed.images_per_second, default=None)
        return best.processes if best else 1

    def that_fit(self, placements: Sequence[Placement]) -> list[Placement]:
        """Those of `placements` that every network was measured in: others had too little memory.

        A network that was measured in none of them counts for nothing.
        """
        left = list(placements)
        for speeds in self._speeds.values():
            had = {speed.placement for speed in speeds}
            left = [each for each in left if each in had] or left
        return left
