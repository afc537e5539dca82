"""Memory and CPUs that this process may use: the machine's, or its container's limits if lower.

Limits of Linux control groups (cgroup v1 and v2) are those of the process's own group and of all
groups above it, as far as they can be seen from inside.

    https://docs.kernel.org/admin-guide/cgroup-v2.html (memory.max, cpu.max)
    https://docs.kernel.org/admin-guide/cgroup-v1/memory.html
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import psutil

ROOT = Path("/")
"""Where /proc and /sys/fs/cgroup are read; another folder in tests."""


def memory_bytes(root: Path = ROOT) -> int:
    """Memory in bytes that this process may use at most, of which others may use a part."""
    limits = [limit for limit, _ in _memory_limits(root)]
    return min([int(psutil.virtual_memory().total), *limits])


def available_memory(root: Path = ROOT) -> int:
    """Memory in bytes that is free now: of the machine and in each of its control groups."""
    free = [max(0, limit - used) for limit, used in _memory_limits(root)]
    return min([int(psutil.virtual_memory().available), *free])


def cpu_count(root: Path = ROOT) -> int:
    """CPUs of the affinity mask, or as many as the control groups' quota keeps busy, rounded up."""
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:  # not on macOS and Windows
        count = os.cpu_count() or 1
    for folder in _control_groups("cpu", root):
        words = _words(folder / "cpu.max") or [
            *_words(folder / "cpu.cfs_quota_us"),
            *_words(folder / "cpu.cfs_period_us"),
        ]
        if len(words) == 2 and words[0].isdecimal() and words[1].isdecimal():
            quota, period = int(words[0]), int(words[1])
            if quota and period:
                count = min(count, math.ceil(quota / period))
    return max(1, count)


def _memory_limits(root: Path) -> Iterator[tuple[int, int]]:
    """(limit, used) in bytes of each control group that has a limit.

    Cached file content that was not used lately is not counted as used: the kernel drops it first.
    """
    for folder in _control_groups("memory", root):
        for limit, usage, cached in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            words = _words(folder / limit)
            if len(words) == 1 and words[0].isdecimal():  # "max": no limit
                stat = _words(folder / "memory.stat")
                counts = dict(zip(stat[::2], stat[1::2], strict=False))
                used = int((_words(folder / usage) or ["0"])[0])
                yield int(words[0]), used - int(counts.get(cached, "0"))


def _control_groups(controller: str, root: Path) -> Iterator[Path]:
    """The folders of this process's control groups for a controller, and of those above them.

    In a container the group's own path may not exist: its limits then lie at the top.
    """
    top = root / "sys/fs/cgroup"
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        return
    for line in lines:
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            mounts = [top, top / "unified"]
        elif controller in controllers.split(","):
            mounts = [top / controller]
        else:
            continue
        own = PurePosixPath(path.lstrip("/"))
        for mount in mounts:
            for group in (own, *own.parents):
                if ".." not in group.parts and (folder := mount / group).is_dir():
                    yield folder


def _words(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return []
