"""What a job of Slurm does: it trains one run on the machine that Slurm chose."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import Any

from ...engine.execution import Execution
from ...errors import RunError
from ...spec import RunSpec
from ...storage.study_folder import StudyFolder
from .node import Origin, train_here
from .slurm_queue import import_submitit
from .unshared import changed
from .worker import picklable

NOTICE_SECONDS = 150.0
"""Of a job's time that are left, at most, when it is told that its limit comes: submitit has that
done 90 seconds before, and Slurm looks twice a minute."""


class TrainJob:
    """What a job does: it trains one run on the machine that Slurm chose."""

    def __init__(
        self, origin: Origin, run: RunSpec, execution: Execution, event_path: Path, minutes: int
    ) -> None:
        self.origin, self.run, self.execution = origin, run, execution
        self.event_path, self.minutes = event_path, minutes
        self.checkpoint_path = StudyFolder(origin.folder).run(run.run_id).checkpoint_paths[0]

    def __call__(self) -> tuple[str, Any]:
        """Returns ended and the run's record, or raised and the error."""
        self.begun, self.saved = time.monotonic(), changed(self.checkpoint_path)
        try:
            return "ended", train_here(self.origin, self.run, self.execution, self.send)
        except Exception as error:
            return "raised", picklable(error)

    def checkpoint(self) -> Any:
        """For submitit, shortly before the time limit or a preemption: the same job again.

        The run goes on from its last checkpoint. It is minutes old, or as old as the cool-down of a
        shorter length that the run is in, which has none (`engine.lengths`).

        Raises:
            RunError: the time was not enough for a checkpoint, so that it would not be again.
        """
        over = time.monotonic() - self.begun > 60 * self.minutes - NOTICE_SECONDS
        if over and changed(self.checkpoint_path) == self.saved:
            raise RunError(
                f"its job's time of {self.minutes} minutes was over before a checkpoint was "
                "written: give jobs more with --slurm time=MINUTES"
            )
        return import_submitit().helpers.DelayedSubmission(self)

    def send(self, kind: str, content: Any) -> None:
        """Leave an event where the command finds it; only the last one matters."""
        fresh = self.event_path.with_suffix(".new")
        with contextlib.suppress(OSError):
            fresh.write_text(json.dumps([kind, content]), encoding="utf-8")
            os.replace(fresh, self.event_path)
