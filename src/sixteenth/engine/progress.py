"""How far a run has come. Without torch, for whoever only shows it."""

from __future__ import annotations

from dataclasses import dataclass

from ..storage.run_results import EpochRow


@dataclass(frozen=True)
class Progress:
    """Progress of a run, reported after every step; `row` is set at the end of an epoch.

    `step` and `steps` include the cool-downs of shorter lengths, see `engine.lengths`. Meanwhile
    `epoch` stays the one in which the whole run will go on. With
    `epochs: auto`, `steps` and `epochs` are those up to the end of the current doubling.
    """

    run_id: str
    epoch: int
    epochs: int
    step: int
    steps: int
    images_per_second: float
    row: EpochRow | None = None
