"""How far a run has come, and how fast. Without torch, for whoever only shows it."""

from __future__ import annotations

from dataclasses import dataclass

from ..storage.run_results import EpochRow


@dataclass(frozen=True)
class Progress:
    """Progress of a run, reported after every step; `row` is set at the end of an epoch.

    `step` and `steps` include the cool-downs of shorter lengths, see `engine.lengths`. Meanwhile
    `epoch` stays the one in which the whole run will go on, and there is no `row`. With
    `epochs: auto`, `steps` and `epochs` are those up to the end of the current doubling; the rows
    of the cool-down that the run ends with are in its history alone.
    """

    run_id: str
    epoch: int
    epochs: int
    step: int
    steps: int
    images_per_second: float
    row: EpochRow | None = None


def per_second(images: int, seconds: float) -> float:
    """Images per second; 0 if the clock has not moved.

    On Windows before Python 3.13, `time.monotonic` moves every 16 ms, and a step may take less.
    """
    return images / seconds if seconds > 0 else 0.0
