"""Disks that are full or may not be written: a clear end, and nothing that was kept is lost."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from benchmarks.soak import differences, remains

from tiny_study import Command, read_results, run_process, training, write_tiny_study

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="tmpfs, prlimit")

WORDS = [
    "run", "tiny.yaml", "--set", "models=[tiny_models:small, tiny_models:slow]",
    "--set", "fractions=[100 images]", "--set", "train.epochs=30", "--threads", "1",
]  # fmt: skip


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the same command leaves that meets no trouble."""
    home = tmp_path_factory.mktemp("undisturbed")
    write_tiny_study(home)
    ended = run_process([*WORDS, "--workers", "1", "--out", "whole"], home)
    assert ended.code == 0, ended.err
    return remains(home / "whole")


@pytest.fixture
def small_disk(tiny_folder: Path) -> Iterator[Path]:
    """A disk of eight megabytes."""
    place = tiny_folder / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no right to mount a small disk")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk: Path) -> None:
    """Write until nothing fits any more."""
    with (disk / "filler").open("wb") as filler, contextlib.suppress(OSError):
        while True:
            os.write(filler.fileno(), bytes(4096))


def goes_on_to_the_same_end(
    sixteenth: Command, out: Path, words: list[str], undisturbed: dict[str, Any]
) -> None:
    """The command again, against one that met no trouble."""
    ended = sixteenth(*words)
    assert ended.code == 0, ended.err
    assert "damaged" not in ended.err
    assert differences(undisturbed, remains(out)) == []


@pytest.mark.parametrize(
    "workers", ["1", pytest.param("2", marks=pytest.mark.slow)], ids=["alone", "side by side"]
)
def test_a_disk_that_fills_up_stops_the_study_and_keeps_its_checkpoints(
    tiny_folder: Path, small_disk: Path, sixteenth: Command, undisturbed: dict[str, Any],
    workers: str,
) -> None:  # fmt: skip
    out = small_disk / "study"
    words = [*WORDS, "--workers", workers, "--out", str(out)]
    with training(words, lambda: list(out.glob("runs/*slow*/checkpoint.pt"))) as process:
        fill(small_disk)
        _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "sixteenth: No space left on device" in err
    assert str(out) in err
    assert "make room, then go on with:\n  python -m sixteenth run tiny.yaml" in err
    assert "Traceback" not in err
    assert "runs failed" not in err  # none did: the disk was full
    (small_disk / "filler").unlink()
    assert not list(out.rglob("*.tmp"))
    goes_on_to_the_same_end(sixteenth, out, words, undisturbed)


def test_a_limit_on_file_sizes_is_the_same_clear_end(
    tiny_folder: Path, sixteenth: Command, undisturbed: dict[str, Any]
) -> None:
    import resource

    out = tiny_folder / "study"
    words = [*WORDS, "--workers", "1", "--out", str(out)]
    with training(words, lambda: list(out.glob("runs/*slow*/checkpoint.pt"))) as process:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (256, 256))
        _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "sixteenth: File too large" in err
    assert "go on with:" in err
    assert "Traceback" not in err
    goes_on_to_the_same_end(sixteenth, out, words, undisturbed)


@pytest.mark.parametrize("begun", [True, False], ids=["a begun study", "a new one"])
def test_a_disk_that_may_not_be_written_is_told_before_training(
    tiny_folder: Path, small_disk: Path, sixteenth: Command, begun: bool
) -> None:
    out = small_disk / "study"
    words = ["run", "tiny.yaml", "--set", "fractions=[50 images]", "--out", str(out)]
    words += ["--workers", "1"]
    if begun:
        assert sixteenth(*words).code == 0
        words += ["--set", "seeds=[0, 1]"]
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    refused = sixteenth(*words)
    assert refused.code == 2
    assert refused.err.strip().splitlines()[-1] == (
        f"sixteenth: cannot write to {out}: {'' if begun else f'{small_disk}: '}"
        "Read-only file system; choose another place with --out"
    )
    if begun:
        assert sixteenth("show", str(out)).code == 0
        assert {row["status"] for row in read_results(out)} == {"finished"}
