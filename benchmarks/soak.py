"""Kill a study at random moments, let it go on, and compare what it leaves with an undisturbed one.

    python -m benchmarks.soak --minutes 10

Every study has two networks on two fractions of scikit-learn's digits and is trained by the real
command line. It is ended with SIGKILL again and again, alone or with its workers, one run at a time
or two side by side, and started again by the same command, until it ends by itself. Then all that
is not wall-clock time has to be what the undisturbed study left, byte for byte. Ends with exit code
1 if anything differs, and stops after so many minutes or kills, whichever comes first.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

MODELS = '''\
"""A small and a big network with all that makes a step depend on more than its images."""

from torch import nn


def net(width, num_classes):
    return nn.Sequential(
        nn.Conv2d(3, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.Dropout2d(0.1),
        nn.Conv2d(width, width, 3, 2, padding=1), nn.BatchNorm2d(width), nn.ReLU(),
        nn.Flatten(), nn.Dropout(0.2), nn.Linear(16 * width, num_classes),
    )


def small(num_classes):
    return net(8, num_classes)


def big(num_classes):
    return net(24, num_classes)
'''

STUDY = """\
data: digits
image_size: 8
models: ["soak_models:small", "soak_models:big"]
fractions: ["1/2", 1]
train: {epochs: EPOCHS, batch_size: 32}
"""

KILLS_A_STUDY = 8
"""After so many it is left to end, so that it can be compared."""

CLOCKS = (
    *("seconds", "feature_seconds", "evaluation_seconds"),
    *("images_per_second", "started", "finished"),
)
CLOCKS_AND_MEMORY = (*CLOCKS, "peak_memory_bytes")


Start = Callable[[Sequence[str], Path], Any]
"""Begins ``sixteenth WORDS`` in a folder, in a process group of its own; returns a process that is
used as `subprocess.Popen` is."""


@dataclass
class Soak:
    """What was done, and what was found.

    Attributes:
        kills: commands that were ended by SIGKILL.
        in_training: how many of them while a run was being trained.
        studies: how many were brought to their end and compared.
        differences: in words; none is what there should be.
    """

    kills: int = 0
    in_training: int = 0
    studies: int = 0
    differences: list[str] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--kills", type=int, default=1000, help="at most so many")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="soak-") as scratch:
        done = soak(
            Path(scratch),
            seconds=60 * options.minutes,
            kills=options.kills,
            seed=options.seed,
            verbose=True,
        )
    minutes = (time.monotonic() - began) / 60
    print(
        f"{minutes:.1f} minutes, seed {options.seed}: {done.kills} kills, {done.in_training} of "
        f"them in training, in {done.studies} studies; {len(done.differences)} differences"
    )
    for difference in done.differences:
        print(f"  {difference}")
    sys.exit(bool(done.differences))


def soak(
    home: Path,
    *,
    seconds: float,
    kills: int,
    seed: int = 0,
    epochs: int = 24,
    start: Start | None = None,
    verbose: bool = False,
) -> Soak:
    """Kill studies in the empty folder `home`, for so long or so often, and compare what they left.

    The first study there is the undisturbed one. A study that was begun is brought to its end.

    Args:
        start: begins a command, by default ``python -m sixteenth WORDS``.
    """
    start = start or begin
    began, moments, done = time.monotonic(), random.Random(seed), Soak()
    (home / "soak_models.py").write_text(MODELS, encoding="utf-8")
    (home / "soak.yaml").write_text(STUDY.replace("EPOCHS", str(epochs)), encoding="utf-8")
    wanted, whole_seconds = _undisturbed(home, start)
    while not done.studies or (done.kills < kills and time.monotonic() - began < seconds):
        study = home / f"study{done.studies}"
        workers = moments.choice([1, 2])
        until = min(done.kills + KILLS_A_STUDY, kills)
        while done.kills < until and time.monotonic() - began < seconds:
            if _ends_within(start, home, study, workers, moments, whole_seconds, done):
                break
        code, err = _end_of(start(words(study, workers), home))
        if code:
            said = err.strip().splitlines()[-1:]
            done.differences.append(f"{study.name}: exit code {code}, {said}")
        else:
            found = remains(study)
            done.differences += [f"{study.name}: {each}" for each in differences(wanted, found)]
            shutil.rmtree(study)
        done.studies += 1
        if verbose:
            print(f"{done.studies} studies, {done.kills} kills", file=sys.stderr, flush=True)
    return done


def words(study: Path, workers: int) -> list[str]:
    """The command that trains, and that goes on."""
    placed = ["--device", "cpu", "--threads", "1", "--workers", str(workers)]
    return ["run", "soak.yaml", "--out", str(study), *placed]


def begin(words: Sequence[str], home: Path) -> subprocess.Popen[str]:
    """``python -m sixteenth WORDS``, begun in `home` in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "sixteenth", *words],
        cwd=home,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        process_group=0,
    )


def remains(study: Path) -> dict[str, Any]:
    """All that a study's runs left, by file, without wall-clock times and without what merely says
    how the runs were placed."""
    left: dict[str, Any] = {}
    for run in sorted((study / "runs").iterdir()):
        left[f"{run.name}: files"] = sorted(path.name for path in run.iterdir())
        for path in (run / "model.safetensors", *run.glob("predictions*.npz")):
            left[f"{run.name}: {path.name}"] = path.read_bytes()
        left[f"{run.name}: history.csv"] = _without_seconds(run / "history.csv")
        record = json.loads((run / "run.json").read_text(encoding="utf-8"))
        for length in record["lengths"]:
            del length["seconds"]
        left[f"{run.name}: run.json"] = {
            key: value for key, value in record.items() if key not in CLOCKS_AND_MEMORY
        }
    left["results.csv"] = _without_seconds(study / "results.csv")
    return left


def differences(wanted: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Which parts of what was left differ."""
    names = sorted(wanted.keys() | found.keys())
    return [f"{name} differs" for name in names if wanted.get(name) != found.get(name)]


def _end_of(command: Any) -> tuple[int, str]:
    """Wait for it: its exit code, and what it wrote to standard error."""
    with command as process:
        _, err = process.communicate(timeout=3600)
        return process.returncode, err


def _undisturbed(home: Path, start: Start) -> tuple[dict[str, Any], float]:
    """What a study leaves that nobody kills, and how long it takes."""
    began, study = time.monotonic(), home / "undisturbed"
    code, err = _end_of(start(words(study, 1), home))
    if code:
        raise RuntimeError(err)
    return remains(study), time.monotonic() - began


def _ends_within(
    start: Start,
    home: Path,
    study: Path,
    workers: int,
    moments: random.Random,
    whole: float,
    done: Soak,
) -> bool:
    """Start the command and kill it at a random moment; whether it had ended by then.

    Every second time the moment comes soon after a training has begun: on a fast machine the
    command is busy with other things most of the time.
    """
    group = moments.random() < 0.5
    moment = moments.uniform(0.0, whole)
    with start(words(study, workers), home) as process:
        soon = done.kills % 2 == 0
        while soon and not _in_training(study):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=0.02)
                return True
        try:
            process.communicate(timeout=moment / 8 if soon else moment)
        except subprocess.TimeoutExpired:
            done.in_training += _in_training(study)
            (os.killpg if group else os.kill)(process.pid, signal.SIGKILL)
            done.kills += 1
            return False
    return True


def _in_training(study: Path) -> bool:
    records = (study / "runs").glob("*/run.json")
    return any('"running"' in path.read_text(encoding="utf-8") for path in records)


def _without_seconds(table: Path) -> str:
    columns = pd.read_csv(table)
    return columns.drop(columns="seconds").to_csv(index=False)


if __name__ == "__main__":
    main()
