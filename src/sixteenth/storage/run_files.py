"""A run's files as bytes, for machines that share no disk: packed on one, published on another.

Nothing that comes from elsewhere chooses a path: only files are taken that a run writes itself,
known by their names, and no link is followed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .run_folder import RunFolder

RunFiles = Mapping[str, NDArray[np.uint8]]
"""The content of a run's files by their names; as arrays, which are sent without being copied."""

_NAMES = re.compile(
    r"run\.json|history\.csv|predictions[\w-]*\.npz|model\.safetensors|checkpoint(-before)?\.pt"
)


def pack(folder: RunFolder, *, small: bool = False) -> RunFiles:
    """The files of a run, but the older one of two checkpoints.

    Args:
        small: run.json and history.csv alone.
    """
    last, before = folder.checkpoint_paths
    left_out = before if last.is_file() else None
    paths = [folder.record_path, folder.history_path] if small else sorted(folder.path.glob("*"))
    return {
        path.name: np.fromfile(path, np.uint8)
        for path in paths
        if path != left_out and _NAMES.fullmatch(path.name) and _is_plain(path)
    }


def publish(folder: RunFolder, files: RunFiles, *, whole: bool = False) -> None:
    """Write what `pack` gave, run.json last.

    Args:
        whole: it is all that the run left: other files of the run are removed.

    Raises:
        InputError: a file's name is none of a run's; nothing was written.
        ReplacedError: the folder's lease is another's.
        OSError: the disk is full, or cannot be written.
    """
    for name in files:
        if not _NAMES.fullmatch(name):
            raise InputError(f"a machine sent {name[:80]!r}, which is no file of a run")
    for name in sorted(files, key=lambda name: folder.path / name == folder.record_path):
        _write(folder, name, files[name])
    if whole and files:
        for path in sorted(folder.path.glob("*")):
            if path.name not in files and _NAMES.fullmatch(path.name):
                folder.remove(path)


def _write(folder: RunFolder, name: str, content: NDArray[np.uint8]) -> None:
    folder.write(folder.path / name, lambda file: file.write(content.data))


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
