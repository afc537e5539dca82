"""What is asked of Slurm and of submitit, apart from training."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Collection
from typing import Any

from ...extras import import_extra

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
    return import_extra("submitit", extra="slurm", needed_by="--executor slurm")


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


def jobs_named(names: Collection[str]) -> list[str] | None:
    """This user's jobs of such names that have not ended; None where Slurm does not answer."""
    options = ["--all", "--array", "--noheader", "--format=%i"]
    told = ask("squeue", *options, f"--name={','.join(names)}", f"--user={os.getuid()}")
    return None if told is None else re.findall(r"^\s*(\d+(?:_\d+)?)\s*$", told, re.MULTILINE)


def cancel_apart(ids: Collection[str], names: Collection[str], seconds: float) -> bool | None:
    """Cancel jobs, and interrupt those that run, by a process that outlives this one.

    Args:
        ids: these are cancelled, those that wait first.
        names: the jobs of these names too.
        seconds: how long the end is waited for.

    Returns:
        Whether Slurm has taken it for all of `ids`; None if it goes on.
    """
    commands = [shlex.join(["scancel", "--quiet", f"--name={name}"]) for name in names]
    if ids:  # without any, scancel would cancel all jobs of this user
        commands += [
            'scancel --quiet --state=PENDING "$@"',
            # Jobs of submitit take no notice of the signal that scancel sends by itself. Where it
            # is to interrupt one that waits, it tries for longer than this command has.
            'scancel --quiet --state=RUNNING --signal=INT "$@"',
            'scancel --quiet "$@"',
        ]
    nothing = subprocess.DEVNULL
    process = subprocess.Popen(
        ["sh", "-c", "\n".join(commands), "sh", *ids],
        stdin=nothing,
        stdout=nothing,
        stderr=nothing,
        start_new_session=True,  # Ctrl-C is for this process alone
    )
    try:
        return process.wait(seconds) == 0
    except subprocess.TimeoutExpired:
        process.returncode = 0  # else its object would complain that the process lives on
        return None


def ask(*command: str) -> str | None:
    """What a command of Slurm prints; None if it fails."""
    try:
        return subprocess.run(
            command, capture_output=True, encoding="utf-8", timeout=60, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
