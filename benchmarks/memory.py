"""Memory of runs that go side by side: what `sixteenth run` takes, a run's share of it.

    python -m benchmarks.memory --data FOLDER --models resnet18 resnet50

Some training steps on all images by the real command, with evaluation, checkpoint and the writing
of the results, one thread each. Pages that processes share, the images and torch's code, count once
in the sum (Pss, of which each process bears its part), and in full in a process's resident size
(RSS). Linux only.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", default="cifar10")
    parser.add_argument("--models", nargs="+", default=["resnet18", "resnet50"])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    print(f"{options.workers} runs side by side, {options.steps} steps each")
    print(f"{'model':<12}{'all processes':>15}{'a run':>10}{'a worker, Pss':>16}{'RSS':>9}")
    for model in options.models:
        with tempfile.TemporaryDirectory() as scratch:
            together, worker = watch(command(model, options, Path(scratch) / "study"))
            records = Path(scratch).glob("study/runs/*/run.json")
            resident = max(json.loads(path.read_text())["peak_memory_bytes"] for path in records)
        figures = (together, together / options.workers, worker, resident)
        widths = (15, 10, 16, 9)
        print(
            f"{model:<12}"
            + "".join(
                f"{each / 1e9:.2f} GB".rjust(width)
                for each, width in zip(figures, widths, strict=True)
            ),
            flush=True,
        )


def command(model: str, options: argparse.Namespace, out: Path) -> list[str]:
    """`sixteenth run` of as many seeds as workers."""
    settings = [
        f"models=[{model}]",
        f"seeds={list(range(options.workers))}",
        "fractions=[1]",
        f"train.steps={options.steps}",
    ]
    return [
        sys.executable, "-m", "sixteenth", "run", "cifar10", "--data", options.data,
        *(word for setting in settings for word in ("--set", setting)),
        "--workers", str(options.workers), "--threads", "1", "--out", str(out),
    ]  # fmt: skip


def watch(words: list[str]) -> tuple[int, int]:
    """Run a command to its end.

    Returns:
        Peaks in bytes, of samples: the Pss of all of its processes together, and that of one alone.
    """
    most, of_one = 0, 0
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=said)
        while process.poll() is None:
            shares = shares_of(process.pid)
            most, of_one = max(most, sum(shares)), max(of_one, *shares)
            time.sleep(0.05)
        if process.returncode:
            said.seek(0)
            sys.exit(f"{' '.join(words)} failed:\n{said.read()}")
    return most, of_one


def shares_of(root: int) -> list[int]:
    """Pss in bytes of a process and of all that descend from it."""
    shares = [0]
    with contextlib.suppress(psutil.NoSuchProcess):
        first = psutil.Process(root)
        for process in (first, *first.children(recursive=True)):
            with contextlib.suppress(psutil.Error):  # it has ended just now
                shares.append(process.memory_full_info().pss)
    return shares


if __name__ == "__main__":
    main()
