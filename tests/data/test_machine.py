"""Memory and CPUs are the smallest of the machine's and its control groups'."""

import os
from pathlib import Path

import psutil
import pytest

from sixteenth.data.machine import available_memory, cpu_count, memory_bytes

GIB = 1 << 30


@pytest.fixture
def machine(tmp_path):
    """A root folder with files of /proc and /sys, as given by their paths."""

    def make(files):
        for path, content in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(content)
        return tmp_path

    return make


TOP = "sys/fs/cgroup"
UNLIMITED_V1 = str((1 << 63) - 4096)


@pytest.mark.parametrize(
    ("files", "memory"),
    [
        ({}, None),
        ({"proc/self/cgroup": "0::/\n", f"{TOP}/memory.max": "max\n"}, None),
        ({"proc/self/cgroup": "0::/\n", f"{TOP}/memory.max": f"{GIB}\n"}, GIB),
        (
            {
                "proc/self/cgroup": "0::/slurm/job\n",
                f"{TOP}/slurm/job/memory.max": "max\n",
                f"{TOP}/slurm/memory.max": f"{GIB}\n",
            },
            GIB,
        ),
        (
            {
                "proc/self/cgroup": "5:memory:/docker/abc\n0::/\n",
                f"{TOP}/memory/memory.limit_in_bytes": f"{GIB}\n",
            },
            GIB,
        ),
        (
            {
                "proc/self/cgroup": "5:memory:/a/b\n",
                f"{TOP}/memory/a/b/memory.limit_in_bytes": f"{UNLIMITED_V1}\n",
                f"{TOP}/memory/a/memory.limit_in_bytes": f"{GIB}\n",
            },
            GIB,
        ),
        ({"proc/self/cgroup": "5:memory:/a\n", f"{TOP}/memory.max": f"{GIB}\n"}, None),
        ({"proc/self/cgroup": "0::/../..\n", f"{TOP}/memory.max": "nonsense\n"}, None),
    ],
)
def test_memory_is_that_of_the_tightest_group(machine, files, memory):
    total = psutil.virtual_memory().total
    assert memory_bytes(machine(files)) == min(total, memory or total)


@pytest.mark.parametrize(
    "files",
    [
        {
            "proc/self/cgroup": "0::/\n",
            f"{TOP}/memory.max": f"{GIB}\n",
            f"{TOP}/memory.current": f"{GIB // 2}\n",
            f"{TOP}/memory.stat": f"anon 5\ninactive_file {GIB // 4}\n",
        },
        {
            "proc/self/cgroup": "5:memory:/\n",
            f"{TOP}/memory/memory.limit_in_bytes": f"{GIB}\n",
            f"{TOP}/memory/memory.usage_in_bytes": f"{GIB // 2}\n",
            f"{TOP}/memory/memory.stat": f"cache 5\ntotal_inactive_file {GIB // 4}\n",
        },
    ],
)
def test_free_memory_is_the_limit_without_what_is_used_but_for_idle_cache(machine, files):
    assert available_memory(machine(files)) == 3 * GIB // 4


@pytest.mark.parametrize(
    ("files", "most"),
    [
        ({f"{TOP}/cpu.max": "max 100000\n"}, None),
        ({f"{TOP}/cpu.max": "100000 100000\n"}, 1),
        ({f"{TOP}/cpu.max": "50000 100000\n"}, 1),
        ({f"{TOP}/cpu.max": "150000 100000\n"}, 2),
        (
            {
                "proc/self/cgroup": "3:cpu,cpuacct:/\n",
                f"{TOP}/cpu/cpu.cfs_quota_us": "100000\n",
                f"{TOP}/cpu/cpu.cfs_period_us": "100000\n",
            },
            1,
        ),
        (
            {
                "proc/self/cgroup": "3:cpu,cpuacct:/\n",
                f"{TOP}/cpu/cpu.cfs_quota_us": "-1\n",
                f"{TOP}/cpu/cpu.cfs_period_us": "100000\n",
            },
            None,
        ),
    ],
)
def test_cpus_are_those_of_the_affinity_mask_and_the_quota(machine, files, most, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    assert cpu_count(machine({"proc/self/cgroup": "0::/\n", **files})) == (most or 3)


def test_this_machine_has_some_of_each():
    assert 0 < available_memory() <= memory_bytes() <= psutil.virtual_memory().total
    assert 0 < cpu_count() <= (os.cpu_count() or 1)
    assert memory_bytes(Path("/nowhere")) == psutil.virtual_memory().total
