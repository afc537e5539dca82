"""Runs that results.csv knows as finished and whose folders are gone: nothing of them gets lost."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from ..errors import InputError
from ..messages import counted
from ..spec import RunSpec
from ..storage.kept_tables import KeptRows, read_table
from ..storage.study_folder import EXPLAIN, REPEATS, StudyFolder
from ..storage.whole_files import write_whole


def keep_tables(folder: StudyFolder, planned: Sequence[RunSpec]) -> None:
    """Copy results.csv and per_class.csv to where their rows stand in for runs that are gone.

    Args:
        planned: the runs of the study's grid.

    Raises:
        InputError: there is no results.csv, it cannot be read, it holds runs of none of the study's
            cells, or it lacks rows that were kept before and stand in for runs that are gone.
        OSError: the disk is full, or cannot be written.
    """
    path = folder.results_path
    if read_table(path) is None:
        raise InputError(f"there is no {path} whose rows could be kept")
    cells = {run.cell for run in planned}
    rows, before = KeptRows.read(folder.path).rows, KeptRows.read(folder.kept_path).rows
    here = {place.path.name for place in folder.runs()}
    if lost := [key for key in before if key not in rows and key.partition("@")[0] not in here]:
        raise InputError(
            f"{path} lacks {lost[0]}, which was kept before in {folder.kept_path}: move that "
            "folder away to keep this table instead"
        )
    for run_id, row in rows.items():
        if (row["model"], row["init"], row["fraction"]) not in cells:
            raise InputError(f"{path} has {run_id}, which is no run of this study")
    for table in (path, folder.per_class_path):
        if table.is_file():
            _copy(table, folder.kept_path / table.name)


def check_nothing_lost(folder: StudyFolder) -> None:
    """Check that the runs which results.csv knows as finished still lie in the folder.

    Else the table, which is made from the run folders, would be written over by one without them.

    Raises:
        InputError: how many are gone, and the ways on.
    """
    gone, finished = gone_runs(folder)
    if gone:
        raise InputError(
            f"{folder.runs_path} lacks {len(gone)} of the {finished} runs that results.csv "
            f"knows as finished, {gone[0]} for one: bring their folders back, train them anew with "
            f"sixteenth run, keep what the table says of them with {_keep(folder)}, or move "
            "results.csv away to have a report without them"
        )


def save_lost_rows(folder: StudyFolder) -> str:
    """Copy a results.csv whose runs are gone, before it is written anew without them.

    Returns:
        What a person should know; empty where nothing would be lost.

    Raises:
        OSError: the disk is full, or cannot be written.
    """
    gone, _ = gone_runs(folder)
    if not gone:
        return ""
    path, number = folder.path / "results-before.csv", 2
    while path.exists():
        path, number = path.with_name(f"results-before-{number}.csv"), number + 1
    _copy(folder.results_path, path)
    one = len(gone) == 1
    runs = f"{gone[0]} is" if one else f"{counted(len(gone), 'run')}, {gone[0]} for one, are"
    return (
        f"{runs} finished in results.csv and {'its folder is' if one else 'their folders are'} "
        f"gone: trained anew. The table as it was is {path}; to keep its numbers instead, stop, "
        f"move it back to results.csv, and: {_keep(folder)}"
    )


def lost_rows(folder: StudyFolder) -> str:
    """Which runs are left out as their folders are gone, and how to have their numbers."""
    gone, finished = gone_runs(folder)
    if not gone:
        return ""
    return (
        f"left out: {len(gone)} of the {counted(finished, 'run')} that results.csv knows as "
        f"finished, {gone[0]} for one, whose folders are gone; to count them by what the table "
        f"says: {_keep(folder)}"
    )


def gone_runs(folder: StudyFolder) -> tuple[list[str], int]:
    """The runs that results.csv knows as finished and that are gone, and how many it knows so.

    Runs whose rows are kept count as being there.

    Raises:
        InputError: results.csv or a kept table cannot be read.
    """
    table = read_table(folder.results_path)
    if table is None or not {"run_id", "status"} <= set(table):
        return [], 0
    finished = [key for key in table["run_id"][table["status"] == "finished"] if "@" not in key]
    seeds = folder.path.glob(f"{EXPLAIN}/*/{REPEATS}")
    here = {place.path.name for each in (folder, *map(StudyFolder, seeds)) for place in each.runs()}
    here.update(KeptRows.read(folder.kept_path).rows)
    return [run_id for run_id in finished if run_id not in here], len(finished)


def _keep(folder: StudyFolder) -> str:
    return f"sixteenth report {shlex.quote(str(folder.path))} --from-table"


def _copy(table: Path, target: Path) -> None:
    write_whole(target, lambda file: file.write(table.read_bytes()))
