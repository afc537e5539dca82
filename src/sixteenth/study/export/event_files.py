"""A study as event files for TensorBoard, one folder a run: curves, results and their settings."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from ..tensorboard import EventFile
from . import Exported
from .places import require, require_folder
from .replay import replays

if TYPE_CHECKING:
    from ..study import Study


def export_event_files(study: Study, out: Path) -> Exported:
    """Write OUT/RUN_ID/events... of each run, in place of those that were there before.

    Raises:
        InputError: tensorboardX is not installed, or `out` is a file.
        OSError: `out` cannot be written.
    """
    require_folder(out)
    hparams = require("tensorboardX.summary", target="tensorboard", extra="tensorboard").hparams
    for run in replays(study):
        file = EventFile(out / run.run_id, asked="--to tensorboard")
        try:
            for summary in hparams(dict(run.settings), run.results):
                file.add_summary(run.began, summary)
            for point in run.points:
                file.add(point.step, point.moment, point.values)
        finally:
            file.close()
    return Exported(
        "tensorboard", str(out), (f"see it with: tensorboard --logdir {shlex.quote(str(out))}",)
    )
