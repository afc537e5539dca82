"""Where exports go."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import InputError, SpecError
from ...language.text import shown_init
from ...spec import RunSpec, load_frozen
from ...storage.study_folder import StudyFolder
from ...storage.whole_files import check_writable

if TYPE_CHECKING:
    from ...engine.trained import TrainedNetwork


def run_id_without_path(spec: RunSpec) -> str:
    """The name of a run; of initial weights from a file it holds the file's name, and no folder."""
    return spec.model_copy(update={"init": shown_init(spec.init)}).run_id


def refuse_existing(out: Path, *, folder: bool = True) -> None:
    """Check that nothing would be written over; of a `folder`, an empty one may be there.

    Raises:
        InputError: there is something, or nothing can be written there.
    """
    if folder and out.is_dir() and not any(out.iterdir()):
        check_writable(out)
        return
    if out.exists() or out.is_symlink():
        raise InputError(f"{out} exists already, and is not written over: name another --out")
    check_writable(out.parent)


def require_folder(out: Path) -> None:
    """Check that a folder is there, or can be made there.

    Raises:
        InputError: there is a file, or nothing can be written there.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"--out {out} is a file: name a folder")
    check_writable(out)


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A folder to write into, which becomes `out` when all is written.

    Raises:
        InputError: there is something at `out`.
        OSError: it cannot be written.
    """
    refuse_existing(out)
    out = out.resolve()  # `.` has no name, and a link is no folder to be replaced
    out.parent.mkdir(parents=True, exist_ok=True)
    # In an empty folder that is there: the one above may be of another disk, or not to be written.
    home = out if out.is_dir() else out.parent
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=home) as scratch:
        place = Path(scratch) / out.name
        place.mkdir()
        yield place
        if out.is_dir():  # an empty one; it stays, since it may be the current folder
            for each in place.iterdir():
                os.replace(each, out / each.name)
        else:
            os.replace(place, out)


@contextmanager
def environment(**wanted: str) -> Iterator[None]:
    """Environment variables that hold within the block, and are put back after it."""
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def study_of_run(run: Path) -> Path:
    """The folder of the study that a run's folder lies in: ``STUDY`` of ``STUDY/runs/RUN_ID``."""
    return Path(os.path.normpath(run / ".." / ".."))


def with_data_name(network: TrainedNetwork) -> TrainedNetwork:
    """The network, whose data have the name that its study gives them now.

    That may have been changed after the run, whose record keeps the old one: the name of a folder,
    which may not be for others.
    """
    path, data = StudyFolder(study_of_run(network.folder.path)).spec_path, network.record.data
    if network.complete or data is None or not path.is_file():
        return network
    try:
        name = load_frozen(path).data_name
    except SpecError:
        return network
    data = data.model_copy(update={"name": name or data.name})
    return replace(network, record=network.record.model_copy(update={"data": data}))
