"""What is promised of every executor: the same events for a run, the same bytes in its folder."""

from __future__ import annotations

import contextlib
import importlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from forked import ForkedJob, ForkedWorker
from sixteenth import Listener, RunSpec
from sixteenth.data import ImageDataset, load_dataset
from sixteenth.engine.execution import Execution
from sixteenth.engine.train import Progress, train_run
from sixteenth.spec import TrainSpec
from sixteenth.storage.run_folder import RunFolder
from sixteenth.study.executors import EXECUTORS, Executor, place_of, run_all
from sixteenth.study.planning.executions import ExecutionRequest
from sixteenth.study.planning.schedule import Assignment, Schedule

SLURM = "pip install 'sixteenth[slurm]'"


class Recording(Listener):
    """What was told of each run, in order; of repeated progress once."""

    def __init__(self) -> None:
        self.told: dict[str, list[str]] = {}

    def run_started(self, run: RunSpec) -> None:
        self.told[run.run_id] = ["started"]

    def run_progressed(self, progress: Progress) -> None:
        if self.told[progress.run_id][-1] != "progressed":
            self.told[progress.run_id].append("progressed")

    def run_ended(self, run: RunSpec, record: Any, *, skipped: bool) -> None:
        self.told[run.run_id].append(record.status)


@pytest.fixture
def make_executor(
    monkeypatch: pytest.MonkeyPatch, forked_workers: list[ForkedWorker]
) -> Iterator[Callable[..., Executor]]:
    """Make an executor by its name; what it started is ended after the test.

    Workers of this machine and jobs of Slurm are forks: `test_side_by_side` has a script start real
    workers, and Ray starts its own.
    """
    with contextlib.ExitStack() as stack:

        def make(name: str, schedule: Schedule, dataset: ImageDataset, folder: Path) -> Executor:
            if name in EXECUTORS:
                return EXECUTORS[name](schedule, dataset, folder)
            if name == "slurm":
                local = pytest.importorskip("submitit.local.local", reason=SLURM)
                monkeypatch.setattr(
                    local,
                    "start_controller",
                    lambda folder, **_: stack.enter_context(ForkedJob(folder)),
                )
                slurm = importlib.import_module("sixteenth.study.executors.slurm")
                return slurm.SlurmPlace(folder, cluster="local").executor(schedule, dataset)
            pytest.importorskip("ray", reason="pip install 'sixteenth[ray]'")
            monkeypatch.setenv("RAY_ADDRESS", "local")  # no cluster that runs here already
            # Ray lets its workers give way to all else: beside other tests they would hardly begin.
            monkeypatch.setenv("RAY_worker_niceness", "0")
            # Sockets have short paths.
            scratch = tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp")
            monkeypatch.setenv("RAY_TMPDIR", stack.enter_context(scratch))
            request = ExecutionRequest(workers=1, executor=name)
            place = stack.enter_context(place_of(request, folder))
            return place.executor(schedule, dataset)

        yield make


# To start Ray takes as long as all other executors together.
@pytest.mark.parametrize("name", [*EXECUTORS, "slurm", pytest.param("ray", marks=pytest.mark.slow)])
def test_an_executor_trains_each_run_to_the_same_bytes_and_a_failure_stops_no_other(
    tiny_folder: Path, make_executor: Callable[..., Executor], name: str
) -> None:
    digits = load_dataset("digits", image_size=8)
    execution = Execution("cpu", "float32", "channels-last", 1)
    recipe = TrainSpec(epochs=2, batch_size=25)
    runs = [
        RunSpec(
            model=f"tiny_models:{model}",
            init="random",
            fraction="100 images",
            seed=0,
            data="digits",
            image_size=8,
            train=recipe,
        )
        for model in ("broken", "small")
    ]
    broken, fine = runs
    told, after = Recording(), []
    assignments = tuple(Assignment(run, execution) for run in runs)
    schedule = Schedule(assignments, workers=2, slots=2)
    executor = make_executor(name, schedule, digits, Path("study"))
    run_all(
        schedule,
        executor,
        digits,
        Path("study"),
        listener=told,
        after_run=lambda _: after.append(len(told.told)),
    )
    assert told.told.pop(broken.run_id) == ["started", "failed"]
    assert told.told == {fine.run_id: ["started", "progressed", "finished"]}
    assert len(after) == 2
    alone = RunFolder(Path("alone") / fine.run_id)
    train_run(fine, digits, alone, execution=execution)
    for path in (alone.weights_path, alone.predictions_path_of("1")):
        other = Path("study") / "runs" / fine.run_id / path.name
        assert other.read_bytes() == path.read_bytes()
