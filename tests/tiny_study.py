"""A study small enough to be trained for real within seconds, and the command line to do it with.

The models are small networks of the tests' own, written as a user would write them, so that
training costs tenths of a second; torchvision's networks have their tests in `tests/models`.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import pkgutil
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forked import Forked, sixteenth_command

if TYPE_CHECKING:
    import pytest

    from sixteenth.engine.progress import Progress

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
    """Each step of training takes long; to be tried on two images or tested does not."""

    def forward(self, images):
        if self.training and torch.is_grad_enabled() and not images.is_meta:
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

FIGURES = (
    "sixteenth.report.parts.accuracy_figure",
    "sixteenth.report.parts.class_figure",
    "sixteenth.report.parts.options_figure",
    "sixteenth.report.parts.training_curves_figure",
    "sixteenth.report.page.build.talk_figure",
)
"""What draws the figures of a report: most of the time that a small study takes."""

TIMING = "sixteenth.study.planning.machine.LocalMachine.images_per_second"
"""What times each model of a plan: a second for each that was never trained."""


def interrupt_at(*, step: int = 0, epoch: int = 0) -> Callable[[Progress], None]:
    """An `on_progress` that presses Ctrl-C once a run has come so far."""

    def interrupt(progress: Progress) -> None:
        if progress.step >= step and progress.epoch >= epoch:
            raise KeyboardInterrupt

    return interrupt


def checkpoint_at_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a run write checkpoints as often as it can, whatever they cost."""
    monkeypatch.setattr("sixteenth.engine.loop.CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr("sixteenth.engine.loop.CHECKPOINT_SHARE", float("inf"))


def write_tiny_study(folder: Path) -> None:
    """`tiny.yaml` and the module of its models, in a folder to work in."""
    (folder / "tiny_models.py").write_text(TINY_MODELS, encoding="utf-8")
    (folder / "tiny.yaml").write_text(TINY_STUDY, encoding="utf-8")


def tiny(**changes: Any) -> dict[str, Any]:
    """The content of a study file: one run of three epochs, with `changes`."""
    study: dict[str, Any] = {
        "data": "digits",
        "image_size": 8,
        "models": ["tiny_models:small"],
        "fractions": ["100 images"],
        "train": {"epochs": 3, "batch_size": 50},
    }
    return {**study, **changes}


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


def blank(*_: object, **__: object) -> Any:
    """A figure with nothing on it, in place of one of `FIGURES`."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1, 1))  # a picture of few points is encoded at once
    figure.add_subplot().set_axis_off()
    return figure


def brief_timing() -> Callable[..., float]:
    """In place of `TIMING`: the same, for a moment."""
    from sixteenth.study.planning.machine import LocalMachine

    measured = LocalMachine.images_per_second

    def briefly(machine: LocalMachine, *of: Any, seconds: float) -> float:
        return measured(machine, *of, seconds=min(seconds, 0.02))

    return briefly


@contextlib.contextmanager
def tiny_home(home: Path) -> Iterator[None]:
    """What the fixture `tiny_folder` does, for fixtures that train once for many tests."""
    import pytest  # not in the forked commands, which import this module

    write_tiny_study(home)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        patch.syspath_prepend(home)
        for place in FIGURES:
            patch.setattr(place, blank)
        patch.setattr(TIMING, brief_timing())
        yield


def take_shortcuts() -> None:
    """From now on, reports of this process have blank figures, and models are timed briefly."""
    for place, instead in [*((place, blank) for place in FIGURES), (TIMING, brief_timing())]:
        owner, _, name = place.rpartition(".")
        setattr(pkgutil.resolve_name(owner), name, instead)


def short_command(words: Sequence[str]) -> None:
    """As `sixteenth_command`, with what `take_shortcuts` does."""
    take_shortcuts()
    sixteenth_command(words)


def command(words: Sequence[str], folder: Path, **more: str) -> Forked:
    """``sixteenth WORDS``, begun in `folder` as a process, and process group, of its own."""
    return Forked(short_command, list(words), folder=folder, env=environment(**more))


def run_process(words: Sequence[str], folder: Path, **more: str) -> Ended:
    """Run ``sixteenth WORDS`` as a process of its own in `folder`."""
    with command(words, folder, **more) as process:
        out, err = process.communicate(timeout=300)
    assert process.returncode is not None
    return Ended(process.returncode, out, err)


@contextlib.contextmanager
def training(words: Sequence[str], has_begun: Callable[[], object]) -> Iterator[Forked]:
    """The command as a process that has begun to train slowly; killed in the end."""
    with command(words, Path.cwd(), TINY_SLEEP="0.2") as process:
        process.wait_for(has_begun)
        yield process


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
