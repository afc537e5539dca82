"""Runs of which results.csv has results and whose folders are gone: nothing of them gets lost."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from ..errors import InputError
from ..messages import counted
from ..spec import RunSpec, StudySpec
from ..storage.kept_tables import KeptRows, has_result, read_table, run_of
from ..storage.study_folder import EXPLAIN, REPEATS, StudyFolder
from ..storage.whole_files import first_free, write_whole

_LEFT_OUT = "left out until trained anew by sixteenth explain"


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
    if lost := [key for key in before if key not in rows and run_of(key) not in here]:
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


def check_nothing_lost(
    folder: StudyFolder, planned: Sequence[RunSpec], *, repeats: bool = True
) -> None:
    """Check that the runs of which results.csv has results still lie in the folder.

    Else the table, which is made from the run folders, would be written over by one without them.

    Args:
        planned: the runs of the study's grid.
        repeats: also those by which `sixteenth explain` has repeated cells of it.

    Raises:
        InputError: how many are gone, and the ways on.
    """
    own, repeats_gone = _own_and_repeats(folder, planned)
    gone = [*own, *(repeats_gone if repeats else ())]
    if gone:
        _, known = gone_runs(folder)
        raise InputError(
            f"{folder.runs_path if own else folder.path / EXPLAIN} lacks {len(gone)} of the "
            f"{known} runs that results.csv has results of, {gone[0]} for one: bring their "
            f"folders back, train them anew with sixteenth {'run' if own else 'explain'}, keep "
            f"what the table says of them with {_keep(folder)}, or move results.csv away to have a "
            "report without them"
        )


def lost_reasons(folder: StudyFolder, spec: StudySpec) -> str:
    """Which reasons that `sixteenth explain` tested in the study of `spec` the report does not
    tell, as their runs are gone, and how to have them told by their tables; empty where none is."""
    from .levers import begun_reasons

    levers = begun_reasons(spec, folder.path)
    gone = [place.path.relative_to(folder.path) for place in levers if gone_runs(place)[0]]
    if not gone:
        return ""
    what = f"what {gone[0].as_posix()} tested"
    if len(gone) > 1:
        what = f"what {len(gone)} levers tested, {gone[0].as_posix()} for one"
    return f"left out: {what}, whose runs are gone; to tell it by its table: {_keep(folder)}"


def save_lost_rows(folder: StudyFolder, planned: Sequence[RunSpec]) -> str:
    """Copy a results.csv whose runs are gone, before it is written anew without them.

    Args:
        planned: the runs of the study's grid.

    Returns:
        What a person should know; empty where nothing would be lost.

    Raises:
        OSError: the disk is full, or cannot be written.
    """
    own, repeats = _own_and_repeats(folder, planned)
    if not own and not repeats:
        return ""
    path = _place_aside(folder)
    _copy(folder.results_path, path)
    said = [f"{_are_gone(own)}: trained anew"] if own else []
    said += [f"{_are_gone(repeats)}: {_LEFT_OUT}"] if repeats else []
    return (
        f"{'; '.join(said)}. The table as it was is {path}; to keep its numbers instead, stop, "
        f"move it back to results.csv, and: {_keep(folder)}"
    )


def set_lost_repeats_aside(folder: StudyFolder, planned: Sequence[RunSpec]) -> str:
    """Move a results.csv away that knows repeats of `sixteenth explain` which are gone.

    Else there could be no report of what it has trained besides them. Where runs of the grid are
    gone too, the table stays.

    Returns, raises: as `save_lost_rows`.
    """
    own, repeats = _own_and_repeats(folder, planned)
    if own or not repeats:
        return ""
    path = _place_aside(folder)
    folder.results_path.rename(path)
    return (
        f"{_are_gone(repeats)}: {_LEFT_OUT}. The table as it was is {path}; to keep its numbers, "
        f"move it back to results.csv, and: {_keep(folder)}"
    )


def _place_aside(folder: StudyFolder) -> Path:
    return first_free(folder.path / "results-before.csv")


def _are_gone(gone: Sequence[str]) -> str:
    one = len(gone) == 1
    runs = f"{gone[0]} is" if one else f"{counted(len(gone), 'run')}, {gone[0]} for one, are"
    places = "its folder is" if one else "their folders are"
    return f"{runs} in results.csv with results and {places} gone"


def _own_and_repeats(
    folder: StudyFolder, planned: Sequence[RunSpec]
) -> tuple[list[str], list[str]]:
    """`gone_runs`: those of the grid, and those that repeat cells of it."""
    ids = {run.run_id for run in planned}
    gone, _ = gone_runs(folder)
    return [one for one in gone if one in ids], [one for one in gone if one not in ids]


def lost_rows(folder: StudyFolder) -> str:
    """Which runs are left out as their folders are gone, and how to have their numbers."""
    gone, known = gone_runs(folder)
    if not gone:
        return ""
    return (
        f"left out: {len(gone)} of the {counted(known, 'run')} that results.csv has results of, "
        f"{gone[0]} for one, whose folders are gone; to count them by what the table says: "
        f"{_keep(folder)}"
    )


def gone_runs(folder: StudyFolder) -> tuple[list[str], int]:
    """The runs of which results.csv has results and that are gone, and of how many it has some.

    Of a run that was stopped it may have those of a shorter length alone. Runs whose rows are kept
    count as being there.

    Raises:
        InputError: results.csv or a kept table cannot be read.
    """
    table = read_table(folder.results_path)
    if table is None or not {"run_id", "status"} <= set(table):
        return [], 0
    known = table["run_id"][has_result(table)]
    seeds = folder.path.glob(f"{EXPLAIN}/*/{REPEATS}")
    here = {place.path.name for each in (folder, *map(StudyFolder, seeds)) for place in each.runs()}
    kept = KeptRows.read(folder.kept_path).rows
    gone = [run_of(key) for key in known if key not in kept and run_of(key) not in here]
    return list(dict.fromkeys(gone)), len(set(map(run_of, known)))


def _keep(folder: StudyFolder) -> str:
    return f"sixteenth report {shlex.quote(str(folder.path))} --from-table"


def _copy(table: Path, target: Path) -> None:
    write_whole(target, lambda file: file.write(table.read_bytes()))
