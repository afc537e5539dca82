"""How the head of a study grows with runs and workers, by simulated trainings.

    python -m benchmarks.scale                    # up to 1,000 runs: a few minutes
    python -m benchmarks.scale --runs 10000       # some minutes for each number of workers

Everything is the real program, `Study.run`, except for the training: a simulated executor has a
clock of its own, on which each run takes what the plan expects times a random factor, and writes a
finished run folder. Of each study are told: planning, the head's work a run while runs end, the
makespan against its lower bound, the report, and the head's peak memory so far. All seconds are of
processor time, so that they are the same on a busy machine.
"""

from __future__ import annotations

import argparse
import heapq
import io
import math
import resource
import tempfile
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from sixteenth import RunSpec, Study
from sixteenth.data import ImageDataset
from sixteenth.engine.execution import Execution
from sixteenth.engine.records import new_record
from sixteenth.engine.train import Progress
from sixteenth.spec import TrainSpec
from sixteenth.storage.run_facts import AugmentationFacts, Metrics, ModelFacts
from sixteenth.storage.run_folder import RunFolder
from sixteenth.storage.run_record import RunRecord
from sixteenth.study.executors import Place
from sixteenth.study.executors.base import Ended, Event, Executor, Progressed, Started
from sixteenth.study.planning.calibration import Speed
from sixteenth.study.planning.machine import Machine
from sixteenth.study.planning.schedule import Assignment, Placement, Schedule

SPREAD = 0.2
"""Standard deviation of the logarithm of what a run takes, relative to what is expected."""


EPOCHS = 10
HISTORY = "\n".join(
    [
        "epoch,step,images,learning_rate,train_loss,train_accuracy,test_loss,test_accuracy,test_images",
        *(f"{i},{i},{100 * i},0.1,{2 / i},{0.9 - 0.5 / i},{2.2 / i},{0.8 - 0.5 / i},360"
          for i in range(1, EPOCHS + 1)),
    ]
)  # fmt: skip
"""history.csv of every run."""


def tiny(num_classes: int) -> Any:
    """A network that costs nothing to build."""
    from torch import nn

    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, num_classes))


def small(num_classes: int) -> Any:
    """Another one."""
    from torch import nn

    return nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, num_classes))


@dataclass
class SimulatedMachine:
    """So many machines of one core, of which nothing has to be measured."""

    machines: int
    cores: int = 1

    def count(self, device: str) -> int:
        return self.machines

    def default_execution(self, device: str | None, recipe: TrainSpec) -> Execution:
        return Execution("cpu", "float32", "channels-last", 1)

    def free_memory(self, device: str) -> float:
        return 1e12

    def measure_speeds(
        self,
        models: Mapping[str, Any],
        placements: Sequence[Placement],
        progress: Callable[[int], None],
    ) -> dict[str, list[Speed]]:
        return {
            name: [
                Speed("float32", "channels-last", each.processes, 1, 100.0) for each in placements
            ]
            for name in models
        }

    def other_kinds(
        self, models: Mapping[str, Any], placement: Placement
    ) -> list[tuple[int, dict[str, list[Speed]]]]:
        return []

    def images_per_second(self, run: RunSpec, execution: Execution, seconds: float) -> float:
        return 100.0


@dataclass
class Simulated:
    """Trains on a clock of its own. `spent` are the seconds of this process that went into it."""

    schedule: Schedule
    dataset: ImageDataset
    folder: Path
    attempts: int = 1
    clock: float = 0.0
    spent: float = 0.0
    work: list[float] = field(default_factory=list)
    running: list[tuple[float, int, Assignment]] = field(default_factory=list)
    started: list[Assignment] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(0)
        rng, labels = np.random.default_rng(1), np.asarray(self.dataset.test.labels)
        self.predictions: list[tuple[bytes, float]] = []
        for accuracy in (0.5, 0.7, 0.9):
            logits = rng.normal(size=(len(labels), len(self.dataset.classes)))
            logits[np.arange(len(labels)), labels] += 4 * accuracy
            each = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
            buffer = io.BytesIO()
            np.savez_compressed(buffer, labels=labels, probabilities=each.astype(np.float32))
            right = float((each.argmax(1) == labels).mean())
            self.predictions.append((buffer.getvalue(), right))

    def may_begin(self, assignment: Assignment, running: Collection[Assignment]) -> bool:
        return self.schedule.may_begin(assignment, running)

    def submit(self, assignment: Assignment) -> None:
        takes = assignment.seconds * float(np.exp(self.rng.normal(0, SPREAD)))
        self.work.append(takes)
        heapq.heappush(self.running, (self.clock + takes, len(self.work), assignment))
        self.started.append(assignment)

    def wait(self, emit: Callable[[Event], None], timeout: float) -> None:
        while self.started:
            emit(Started(self.started.pop()))
        began = time.process_time()
        self.clock, number, assignment = heapq.heappop(self.running)
        record = self._train(assignment, number)
        self.spent += time.process_time() - began
        emit(Progressed(Progress(assignment.run.run_id, 1, 1, 1, 1, 100.0)))
        emit(Ended(assignment, record))

    def close(self) -> None:
        pass

    def _train(self, assignment: Assignment, number: int) -> RunRecord:
        content, accuracy = self.predictions[number % len(self.predictions)]
        target = RunFolder(self.folder / "runs" / assignment.run.run_id)
        target.path.mkdir(parents=True)
        target.predictions_path_of("1").write_bytes(content)
        target.history_path.write_text(HISTORY)
        record = (
            new_record(assignment.run, self.dataset, assignment.execution, None)
            .with_training_images(100, AugmentationFacts(crop=0, flip=False, cutout=0))
            .with_model(ModelFacts(parameters=40, train_flops_per_image=1000, final_map=(1, 1)))
            .as_finished(
                Metrics(
                    epoch=EPOCHS,
                    chosen_by="last",
                    steps=EPOCHS,
                    train_loss=0.5,
                    train_accuracy=accuracy,
                    train_measured=100,
                    test_loss=0.5,
                    test_accuracy=accuracy,
                ),
                train_flops=1e5,
                seconds=assignment.seconds,
                evaluation_seconds=0.0,
                images_per_second=100.0,
                peak_memory_bytes=10**8,
            )
        )
        target.record_path.write_text(record.to_json(), encoding="utf-8")
        return record

    @property
    def lower_bound(self) -> float:
        """No schedule is shorter: all workers busy to the end, and not less than the longest."""
        return max(sum(self.work) / self.schedule.workers, max(self.work))


class SimulatedPlace(Place):
    """Where trainings are simulated."""

    machines: int
    simulated: Simulated
    planned: float

    def machine(self, dataset: ImageDataset, runs: Sequence[RunSpec]) -> Machine:
        return SimulatedMachine(self.machines)

    def executor(self, schedule: Schedule, dataset: ImageDataset) -> Executor:
        self.planned = time.process_time()
        self.simulated = Simulated(schedule, dataset, self.folder)
        return self.simulated


@dataclass(frozen=True)
class Measured:
    """Processor seconds of planning, of the head for each run, and of the report; makespan / lower
    bound."""

    planning: float
    head_a_run: float
    stretch: float
    report: float
    peak_bytes: float


def measure(runs: int, workers: int, home: Path, *, report: bool = True) -> Measured:
    """A simulated study of so many runs, two models on five sizes, on so many workers."""
    spec = {
        "data": "digits",
        "image_size": 8,
        "models": ["benchmarks.scale:tiny", "benchmarks.scale:small"],
        "fractions": ["1/16", "1/8", "1/4", "1/2", 1],
        "seeds": list(range(max(1, runs // 10))),
        "lengths": ["1"],
        "train": {"epochs": EPOCHS},
    }
    study = Study(spec, home / f"{runs}-{workers}")
    place = SimulatedPlace(study.folder)
    place.machines = workers
    study.dataset()
    began = time.process_time()
    ended = math.nan

    def write_report(**_: bool) -> None:
        nonlocal ended
        ended = time.process_time()

    with (
        mock.patch("sixteenth.study.executors.place_of", return_value=place),
        mock.patch.object(study, "_write_report", write_report),
        mock.patch.object(study, "results"),
    ):
        study.run()
    reported = math.nan
    if report:
        again = time.process_time()
        Study.open(study.folder).report()
        reported = time.process_time() - again
    return Measured(
        planning=place.planned - began,
        head_a_run=(ended - place.planned - place.simulated.spent) / len(place.simulated.work),
        stretch=place.simulated.clock / place.simulated.lower_bound,
        report=reported,
        peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 8, 64, 512])
    given = parser.parse_args()
    print("  runs  workers  planning  head a run  makespan/bound    report    memory")
    with tempfile.TemporaryDirectory() as home:
        for runs in given.runs:
            for workers in given.workers:
                last = workers == given.workers[-1]
                found = measure(runs, workers, Path(home), report=last)
                report = f"{found.report:7.1f} s" if last else "         "
                head = f"{1e3 * found.head_a_run:.2f} ms"
                print(
                    f"{runs:6,} {workers:8,} {found.planning:7.2f} s {head:>11}"
                    f" {found.stretch:15.3f} {report} {found.peak_bytes / 1e9:6.2f} GB",
                    flush=True,
                )


if __name__ == "__main__":
    main()
