"""A study as offline runs of Weights & Biases: folders that `wandb sync` uploads.

One folder a run, ``OUT/wandb/offline-run-...``, written by the client itself. Nothing is sent.
"""

from __future__ import annotations

import re
import shlex
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import InputError, SixteenthError
from ...extras import import_extra
from ...messages import one_line
from . import Exported
from .places import environment, new_folder
from .replay import Replay, replays

if TYPE_CHECKING:
    from ..study import Study

UNSENT = {"WANDB_MODE": "offline", "WANDB_ERROR_REPORTING": "false", "WANDB_SILENT": "true"}
"""Environment of the client: its reports of its own errors are not sent either."""

PRIVATE = {
    "disable_git": True,
    "save_code": False,
    "disable_job_creation": True,
    "console": "off",
    "silent": True,
    "host": "",
    "x_disable_stats": True,
    "x_disable_meta": True,
    "x_disable_machine_info": True,
    "x_save_requirements": False,
}
"""Settings of the client: what it would note of this machine is not of the one that trained."""


LONGEST = 128
"""Letters of a project's name, in which W&B wants none of the letters below."""
_NOT_IN_PROJECTS = re.compile(r"[/\\#?%:]")

HEADER = 7
"""Bytes of a run's file without a record."""
QUIET, PATIENCE = 2.0, 120.0
"""Seconds without a change after which a file is whole, and that are waited for it at most."""


def export_wandb(study: Study, out: Path) -> Exported:
    """Write the runs of a study as offline runs into a new folder.

    Raises:
        InputError: wandb is not installed or refuses a run, or `out` holds something: to write a
            study again, name another folder and upload only one of them.
        OSError: `out` cannot be written.
        SixteenthError: the client lost a run.
    """
    notes = []
    with environment(**UNSENT), new_folder(out) as place:
        wandb = import_extra("wandb", extra="wandb", needed_by="--to wandb-offline")
        runs, project = replays(study), _NOT_IN_PROJECTS.sub("-", study.spec.name)[:LONGEST]
        if project != study.spec.name:
            notes.append(f"the project is called {project}: W&B does not take {study.spec.name}")
        try:
            for run in runs:
                _write(wandb, run, place, project)
        except wandb.Error as error:
            raise InputError(f"--to wandb-offline: W&B says: {one_line(error)[:300]}") from None
        finally:
            _end_writing(wandb, place)
        _check_written(place, len(runs))
        for log in place.glob("wandb/debug*.log"):  # also links
            log.unlink()
        # They are about the export, and name this machine's folders.
        for logs in place.glob("wandb/offline-run-*/logs"):
            shutil.rmtree(logs)
        (place / "wandb" / "latest-run").unlink(missing_ok=True)
    files = f"{shlex.quote(str(out / 'wandb'))}/offline-run-*"
    return Exported("wandb-offline", str(out), (*notes, f"upload them with: wandb sync {files}"))


def _end_writing(wandb: Any, place: Path) -> None:
    """Return when the client's own process has written its files.

    It closes a file some time after `finish` has returned. It is ended here, which waits for it; if
    the caller has a run of its own under way, the files are waited for instead.
    """
    if wandb.run is None:
        wandb.teardown()
        return
    began = changed = time.monotonic()
    sizes: list[int] = []
    while time.monotonic() - changed < QUIET and time.monotonic() - began < PATIENCE:
        before, sizes = sizes, [path.stat().st_size for path in _files(place)]
        if sizes != before or min(sizes, default=0) <= HEADER:
            changed = time.monotonic()
        time.sleep(0.1)


def _check_written(place: Path, runs: int) -> None:
    written = [path for path in _files(place) if path.stat().st_size > HEADER]
    if len(written) != runs:
        raise SixteenthError(
            f"--to wandb-offline: W&B's client wrote {len(written)} of {runs} runs; export again"
        )


def _files(place: Path) -> list[Path]:
    return sorted(place.glob("wandb/offline-run-*/run-*.wandb"))


def _write(wandb: Any, run: Replay, place: Path, project: str) -> None:
    known = {key: value for key, value in PRIVATE.items() if key in wandb.Settings.model_fields}
    begun = wandb.init(
        mode="offline",
        dir=str(place),
        project=project,
        group=run.settings.get("model"),
        id=run.key,
        name=run.run_id,
        tags=[run.status],
        config={**run.settings, **run.tags},
        reinit="create_new",
        settings=wandb.Settings(**known),
    )
    for point in run.points:
        # The client's own relative time is that of the export: seconds are for an axis of time.
        times = {"seconds": point.moment - run.began, "_timestamp": point.moment}
        begun.log({**point.values, **times}, step=point.step)
    begun.finish(exit_code=0 if run.status == "finished" else 1)
