"""A study as event files for TensorBoard, one folder a run: curves, results and their settings."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import InputError
from ...extras import import_extra
from ...storage.whole_files import write_text
from ..tensorboard import EVENTS, FOLDER, EventFile
from . import Exported
from .places import require_folder
from .replay import Replay, replays

if TYPE_CHECKING:
    from ..study import Study


RUNS = "sixteenth-runs.json"
"""In the folder of them all: of each run a key of its study, and when it was begun."""


def export_event_files(study: Study, out: Path) -> Exported:
    """Write OUT/RUN_ID/events... of each run, in place of those that were there before.

    Raises:
        InputError: tensorboardX is not installed, `out` is a file, or it holds event files that
            are not known to be of these runs.
        OSError: `out` cannot be written.
    """
    require_folder(out)
    hparams = import_extra(
        "tensorboardX.summary", extra="tensorboard", needed_by="--to tensorboard"
    ).hparams
    runs = replays(study)
    before = _check_same_study(runs, out)
    # Only the study itself writes there, with --tensorboard.
    if out.resolve() != (study.folder / FOLDER).resolve():
        _check_own_files([run.run_id for run in runs if run.run_id not in before], out)
    # First: an export that is stopped must know its files again.
    now = before | {run.run_id: [run.study_key, run.began] for run in runs}
    write_text(out / RUNS, json.dumps(now, indent=2) + "\n")
    for run in runs:
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


def _check_same_study(runs: Sequence[Replay], out: Path) -> dict[str, Any]:
    """Refuse to replace runs of another study.

    A study whose first run was trained again has another key, and is known by its other runs.

    Returns:
        What `RUNS` holds.
    """
    path = out / RUNS
    if not path.is_file():
        return {}
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        there = [(run, *known[run.run_id]) for run in runs if run.run_id in known]
        own = {key for run, key, began in there if key == run.study_key or began == run.began}
    except (ValueError, TypeError, KeyError):
        raise InputError(f"{path} cannot be read: name another folder with --out") from None
    others = [run.run_id for run, key, _ in there if key not in own]
    if others:
        raise InputError(
            f"--out {out} holds {others[0]} of another study, or of this one before it was trained "
            "anew: name another folder, or remove that one"
        )
    return dict(known)


def _check_own_files(unlisted: Sequence[str], out: Path) -> None:
    """Refuse to replace event files of runs that `RUNS` does not list: somebody else may have
    written them."""
    for run_id in unlisted:
        if any((out / run_id).glob(EVENTS)):
            raise InputError(
                f"{out / run_id} holds event files that are not known to be of this study, and "
                "they are not written over: remove them, or name another folder with --out"
            )
