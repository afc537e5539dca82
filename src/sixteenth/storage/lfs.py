"""Git LFS pointers: small text files that stand for large ones which were not fetched."""

from __future__ import annotations

from pathlib import Path

_HEAD = b"version https://git-lfs.github.com/spec/"

LFS_REASON = "a Git LFS pointer, not the file itself: fetch it with git lfs pull"
"""What to say of such a file, after its name."""


def is_lfs_pointer(file: str | Path) -> bool:
    """Whether a file is a Git LFS pointer (its specification, version 1); False if unreadable."""
    try:
        with open(file, "rb") as opened:
            return opened.read(len(_HEAD)) == _HEAD
    except OSError:
        return False
