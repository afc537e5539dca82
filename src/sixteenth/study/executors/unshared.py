"""Training without a shared folder: a run's files go to the machine that trains it, and come back.

The machine trains in a folder of its own. The command alone writes into the study's: it has the
lease of each run that is being trained elsewhere, and publishes what comes back.
"""

from __future__ import annotations

import dataclasses
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...engine.execution import Execution
from ...errors import RunError
from ...spec import RunSpec
from ...storage.lease import Lease
from ...storage.run_files import RunFiles, pack, publish
from ...storage.run_folder import RunFolder
from ...storage.study_folder import StudyFolder
from ...storage.whole_files import is_disk_trouble
from .node import Origin, train_here
from .worker import picklable

RETURN_SECONDS = 180.0
"""Time between two returns of a run's files, and what a lost machine costs besides the time since
its last checkpoint. A checkpoint of a ResNet-50 has 200 MB: about a hundred such runs at once then
fill a network of one gigabit a second."""


def train_apart(
    origin: Origin,
    run: RunSpec,
    execution: Execution,
    given: RunFiles,
    every: float,
    send: Callable[[str, Any], None],
) -> tuple[str, Any, RunFiles]:
    """Train a run in a folder of this machine, which is removed afterwards.

    Args:
        given: what the run has left so far, from which it goes on.
        every: seconds between two returns, see `RETURN_SECONDS`.
        send: as that of `train_here`, and files (for `publish`): run.json at the first step, then
            all files where there is another checkpoint; also when the run is interrupted.

    Returns:
        ended and the run's record, or raised and the error (a RunError where it was interrupted);
        and all files of the run.
    """
    with tempfile.TemporaryDirectory(prefix="sixteenth-") as scratch:
        apart = dataclasses.replace(origin, folder=Path(scratch))
        folder = StudyFolder(apart.folder).run(run.run_id)
        publish(folder, given)
        newest, due = folder.checkpoint_paths[0], 0.0
        returned = changed(newest)

        def give_back() -> None:
            nonlocal due, returned
            now, due = changed(newest), time.monotonic() + every
            send("files", pack(folder, small=now == returned))
            returned = now

        def tell(kind: str, content: Any) -> None:
            send(kind, content)
            if kind == "progress" and time.monotonic() >= due:
                give_back()

        outcome: tuple[str, Any]
        try:
            outcome = "ended", train_here(apart, run, execution, tell)
        except Exception as error:
            if isinstance(error, OSError) and is_disk_trouble(error, folder.path):
                said = f"{error.strerror} on the machine {socket.gethostname()}"
                error = OSError(error.errno, said, error.filename)
            outcome = "raised", picklable(error)
        except KeyboardInterrupt:
            give_back()
            outcome = "raised", RunError("interrupted")
        return *outcome, pack(folder)


def changed(path: Path) -> int:
    """When a file was written, in nanoseconds; 0 if it is not there."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


class Keeper:
    """The command's side: the run folders of a study, into which nobody else writes meanwhile."""

    def __init__(self, folder: Path) -> None:
        self._folder = StudyFolder(folder)
        self._leased: dict[str, RunFolder] = {}

    def begin(self, run_id: str) -> RunFiles:
        """What a run has left so far; from now on no other process can write into its folder.

        The study's lock is this command's: whoever still trains the run there was given up, and
        writes nothing more.
        """
        folder = self._folder.run(run_id)
        self._leased[run_id] = folder.leased(Lease.acquire(folder.path, by_force=True))
        return pack(folder)

    def publish(self, run_id: str, files: RunFiles, *, whole: bool = False) -> None:
        """Write what came back of a run that has begun, see `run_files.publish`."""
        publish(self._leased[run_id], files, whole=whole)

    def end(self, run_id: str) -> None:
        """Give up the folder of a run; that of one that has not begun stays as it is."""
        folder = self._leased.pop(run_id, None)
        if folder is not None and folder.lease is not None:
            folder.lease.__exit__()

    def close(self) -> None:
        """Give up all folders."""
        for run_id in list(self._leased):
            self.end(run_id)
