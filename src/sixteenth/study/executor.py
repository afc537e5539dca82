"""How the runs of a study get done.

An executor takes runs and a dataset and leaves filled run folders. This one trains them one after
another in this process; another may spread them over processes or machines, since a run needs
nothing but its RunSpec and the dataset, and all that it produces is its folder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from ..data import ImageDataset
from ..run_folder import RunFolder
from ..spec import RunSpec
from .listener import Listener


class Executor(Protocol):
    """Train each run into ``folder/runs/RUN_ID`` and return the records, in the order of `runs`."""

    def __call__(
        self,
        runs: Sequence[RunSpec],
        dataset: ImageDataset,
        folder: Path,
        *,
        device: str | None,
        listener: Listener,
        after_run: Callable[[], None],
    ) -> list[dict[str, Any]]: ...


def one_after_another(
    runs: Sequence[RunSpec],
    dataset: ImageDataset,
    folder: Path,
    *,
    device: str | None,
    listener: Listener,
    after_run: Callable[[], None],
) -> list[dict[str, Any]]:
    """Train the runs in order in this process. A run that fails does not stop the others."""
    from ..engine.train import train_run, why

    records = []
    for run in runs:
        target = RunFolder(folder / "runs" / run.run_id)
        before = target.read_record()
        skipped = before is not None and before["status"] == "finished"
        if not skipped:
            listener.run_started(run)
        try:
            record = train_run(
                run, dataset, target, device=device, on_progress=listener.run_progressed
            )
        except Exception as error:
            # train_run has written the reason; where even that was impossible, this raises again.
            found = target.read_record()
            reason = (found or {}).get("error") or {}
            if found is None or found["status"] != "failed" or reason.get("message") != why(error):
                raise
            record = found
        listener.run_ended(run, record, skipped=skipped)
        if not skipped:
            after_run()
        records.append(record)
    return records
