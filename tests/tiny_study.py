"""A study small enough to be trained for real within seconds, and the command line to do it with.

The models are small networks of the tests' own, written as a user would write them, so that
training costs tenths of a second; torchvision's networks have their tests in `tests/models`.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

TINY_MODELS = '''\
"""Two networks that learn digits within seconds, one that is slow, and one that cannot be built."""

import os
import time

import torch
from torch import nn


class Net(nn.Sequential):
    def __init__(self, width, num_classes):
        super().__init__(
            nn.Conv2d(3, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, 2, padding=1), nn.BatchNorm2d(width), nn.ReLU(),
            nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * width, num_classes),
        )


class Slow(Net):
    def forward(self, images):
        time.sleep(float(os.environ.get("TINY_SLEEP", "0")))
        return super().forward(images)


def small(num_classes):
    return Net(8, num_classes)


def big(num_classes):
    return Net(24, num_classes)


def slow(num_classes):
    return Slow(8, num_classes)


def broken(num_classes):
    raise RuntimeError("the tests broke it")
'''

TINY_STUDY = """\
data: digits
image_size: 8
models: ["tiny_models:small", "tiny_models:big"]
fractions: ["50 images", 1]
train: {epochs: 3, batch_size: 64}
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Command = Callable[..., Ended]


def write_tiny_study(folder: Path) -> None:
    """`tiny.yaml` and the module of its models, in a folder to work in."""
    (folder / "tiny_models.py").write_text(TINY_MODELS, encoding="utf-8")
    (folder / "tiny.yaml").write_text(TINY_STUDY, encoding="utf-8")


def environment(**more: str) -> dict[str, str]:
    """The environment of a command in the tests: 80 columns, and nothing that forces colour."""
    kept = {key: value for key, value in os.environ.items() if key not in ("FORCE_COLOR", "TERM")}
    return {**kept, "COLUMNS": "80", "OMP_NUM_THREADS": "1", **more}


def command_line(*words: str) -> list[str]:
    """A command line as a user would type it."""
    return [sys.executable, "-m", "sixteenth", *words]


def hear_interrupts() -> None:
    """Run in a child before it starts: a shell's background jobs are born deaf to Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run_process(words: Sequence[str], folder: Path, **more: str) -> Ended:
    """Run ``sixteenth WORDS`` as a process of its own in `folder`."""
    done = subprocess.run(
        command_line(*words),
        cwd=folder,
        env=environment(**more),
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@contextlib.contextmanager
def training(
    words: Sequence[str], has_begun: Callable[[], object]
) -> Iterator[subprocess.Popen[str]]:
    """The command as a process that has begun to train slowly; killed in the end."""
    with subprocess.Popen(
        command_line(*words),
        env=environment(TINY_SLEEP="0.2"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stderr is not None
        try:
            while not has_begun():
                assert process.poll() is None, process.stderr.read()
                time.sleep(0.05)
            yield process
        finally:
            process.kill()


@dataclass(frozen=True)
class TrainedStudy:
    """A study that was trained from the command line, and what the command said."""

    home: Path
    ended: Ended

    @property
    def folder(self) -> Path:
        return self.home / "studies" / "tiny"

    def run(self, *, model: str, fraction: str) -> Path:
        """The run folder of one cell."""
        for record in sorted(self.folder.glob("runs/*/run.json")):
            spec = json.loads(record.read_text(encoding="utf-8"))["spec"]
            if spec["model"] == f"tiny_models:{model}" and spec["fraction"] == fraction:
                return record.parent
        raise AssertionError(f"no run of {model} on {fraction} in {self.folder}")


def read_results(folder: Path, *, lengths: bool = False) -> list[dict[str, str]]:
    """The rows of results.csv: of whole runs, or with those of all their `lengths`."""
    with (folder / "results.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return [row for row in rows if lengths or float(row["length"]) == 1]
