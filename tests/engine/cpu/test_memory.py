"""What a process that trains does with memory: its peak, what it keeps, and in which pages."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from forked import Forked, python_program
from sixteenth.engine.execution import peak_memory
from tiny_study import environment


def printed(code: str, folder: Path) -> list[str]:
    """The words that `python -c CODE` prints."""
    with Forked(python_program, code, [], folder=folder, env=environment()) as process:
        out, err = process.communicate(60)
    assert process.returncode == 0, err
    return out.split()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems count memory in another way")
def test_the_peak_of_memory_holds_what_was_written_to() -> None:
    """That it is a process's own is tested where one starts another, in `test_side_by_side`."""
    big = np.ones(125_000_000)  # 1 GB
    peak = peak_memory(torch.device("cpu"))
    assert peak is not None
    assert peak > big.nbytes


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators are left alone")
def test_freed_memory_is_kept_for_the_next_training_step(tmp_path: Path) -> None:
    measure = """
from pathlib import Path
from sixteenth.engine.acceleration import keep_freed_memory

def held():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

def growth():
    before = held()
    list(bytearray(1_000_000) for _ in range(300))
    return held() - before

print(growth())
keep_freed_memory()
print(growth())
"""
    without, kept = map(int, printed(measure, tmp_path))
    assert without < 50e6
    assert kept > 250e6


def _large_pages_are_offered() -> bool:
    try:
        said = Path("/sys/kernel/mm/transparent_hugepage/enabled").read_text()
        strict = Path("/proc/sys/vm/overcommit_memory").read_text().strip() == "2"
    except OSError:
        return False
    return "[never]" not in said and not strict and platform.libc_ver()[0] == "glibc"


@pytest.mark.skipif(not _large_pages_are_offered(), reason="this system has no large pages")
def test_training_is_given_large_pages(tmp_path: Path) -> None:
    measure = """
from pathlib import Path
import torch
from sixteenth.engine.acceleration import keep_freed_memory

def in_large_pages():
    text = Path("/proc/self/smaps_rollup").read_text()
    return 1024 * int(text.partition("AnonHugePages:")[2].split()[0])

assert keep_freed_memory()
assert keep_freed_memory()  # a second time takes nothing
before = in_large_pages()
maps = torch.zeros(100, 1000, 1000)
print(before, in_large_pages())
"""
    before, after = map(int, printed(measure, tmp_path))
    assert before < 50e6
    assert after > 0.9 * 400e6
