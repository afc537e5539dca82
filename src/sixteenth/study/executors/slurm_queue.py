"""What is asked of Slurm and of submitit, apart from training."""

from __future__ import annotations

import os
import subprocess
from typing import Any

from ...errors import InputError

GONE = "UNKNOWN"
"""In place of the state of a job that Slurm has forgotten, minutes after its end."""

ENDED = (
    "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY",
    "PREEMPTED", "REVOKED", "TIMEOUT", GONE,
)  # fmt: skip
"""States of jobs that train no more; one that is to be queued again has another."""


def import_submitit() -> Any:
    """The module submitit.

    Raises:
        InputError: it is not installed.
    """
    try:
        import submitit
    except ImportError as error:
        raise InputError(
            f"--executor slurm needs the package submitit ({error}): pip install 'sixteenth[slurm]'"
        ) from None
    return submitit


def job_states() -> dict[str, str] | None:
    """The state of each job of this user that is queued, runs or has ended a short time ago.

    None where Slurm does not answer. It is asked by squeue: sacct knows nothing on a cluster
    without a database of accounts.
    """
    options = ["--all", "--array", "--noheader", "--states=all", "--format=%i %T"]
    told = ask("squeue", *options, f"--user={os.getuid()}")
    if told is None:
        return None
    # A site's own lines, such as of a wrapper, are none of these.
    return dict(words for line in told.splitlines() if len(words := line.split()) == 2)


def ask(*command: str) -> str | None:
    """What a command of Slurm prints; None if it fails."""
    try:
        return subprocess.run(
            command, capture_output=True, encoding="utf-8", timeout=60, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
