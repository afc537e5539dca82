"""A study as offline runs of Weights & Biases: folders that `wandb sync` uploads.

One folder a run, ``OUT/wandb/offline-run-...``, written by the client itself. Nothing is sent.
"""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import Exported
from .places import environment, new_folder, require
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


def export_wandb(study: Study, out: Path) -> Exported:
    """Write the runs of a study as offline runs into a new folder.

    Raises:
        InputError: wandb is not installed, or `out` holds something: to write a study again, name
            another folder and upload only one of them.
        OSError: `out` cannot be written.
    """
    with environment(**UNSENT), new_folder(out) as place:
        wandb = require("wandb", target="wandb-offline", extra="wandb")
        for run in replays(study):
            _write(wandb, run, place)
        for log in place.glob("wandb/debug*.log"):  # also links
            log.unlink()
        # They are about the export, and name this machine's folders.
        for logs in place.glob("wandb/offline-run-*/logs"):
            shutil.rmtree(logs)
        (place / "wandb" / "latest-run").unlink(missing_ok=True)
    runs = f"{shlex.quote(str(out / 'wandb'))}/offline-run-*"
    return Exported("wandb-offline", str(out), (f"upload them with: wandb sync {runs}",))


def _write(wandb: Any, run: Replay, place: Path) -> None:
    known = {key: value for key, value in PRIVATE.items() if key in wandb.Settings.model_fields}
    begun = wandb.init(
        mode="offline",
        dir=str(place),
        project=run.study,
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
