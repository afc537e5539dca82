"""Several GPUs of one machine, faked: which run goes where, and what a worker sees of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from sixteenth import InputError, RunSpec
from sixteenth.data import load_dataset
from sixteenth.engine.execution import Execution
from sixteenth.storage.study_folder import StudyFolder, StudySnapshot
from sixteenth.study.executors import local
from sixteenth.study.planning.cost import plan_table
from sixteenth.study.planning.machine import alike_gpus, use_gpus, visible_gpus
from sixteenth.study.planning.schedule import Assignment, Schedule

ON_GPU = Execution("cuda", "bfloat16", "channels-last", 1)


def assignments(*seconds: float, execution: Execution = ON_GPU) -> tuple[Assignment, ...]:
    """A run for each of the expected seconds, with the seeds 0, 1, ..."""
    return tuple(
        Assignment(
            RunSpec(model="m", init="random", fraction="1", seed=seed, data="digits", image_size=8),
            execution,
            each,
        )
        for seed, each in enumerate(seconds)
    )


class FakeWorker:
    """A worker that only remembers what it is to do."""

    def __init__(self, replies: Any, gpu: int | None = None) -> None:
        self.gpu, self.process = gpu, self
        self.requests: list[tuple[Any, ...]] = []

    def poll(self) -> None:
        return None

    def send(self, request: tuple[Any, ...]) -> None:
        self.requests.append(request)

    def stop(self) -> None:
        pass

    def join(self, deadline: float) -> None:
        pass


def fake_gpus(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(names))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda gpu: names[gpu])


def test_each_run_begins_on_the_gpu_that_has_fewest_and_is_planned_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "WorkerProcess", FakeWorker)
    digits = load_dataset("digits", image_size=8)
    runs = assignments(40, 10, 30, 30, 5)
    schedule = Schedule(runs, workers=4, slots=4, machines=2)
    snapshot = StudySnapshot.read(StudyFolder(tmp_path), [each.run for each in runs])
    table = plan_table(snapshot, digits, {}, schedule)
    assert list(table["device"]) == ["cuda:0", "cuda:1", "cuda:0", "cuda:1", "cuda:1"]
    assert list(table["ends"]) == [40, 10, 30, 30, 15]
    executor = local.LocalProcesses(schedule, digits, tmp_path)
    for each in runs[:4]:
        assert executor.may_begin(each, list(executor._busy.values()))
        executor.submit(each)
    assert not executor.may_begin(runs[4], list(executor._busy.values()))
    second = next(worker for worker, each in executor._busy.items() if each is runs[1])
    executor._pool._replies.put((second, ("ended", None)))  # type: ignore[arg-type]
    executor.wait(lambda _: None, 0.0)
    executor.submit(runs[4])
    trained = {each.run.seed: worker.gpu for worker, each in executor._busy.items()}
    assert trained == {0: 0, 2: 0, 3: 1, 4: 1}
    executor.close()


def test_on_processors_and_on_one_gpu_no_worker_is_pinned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "WorkerProcess", FakeWorker)
    digits = load_dataset("digits", image_size=8)
    on_cpu = assignments(1, 1, execution=Execution("cpu", "float32", "channels-last", 1))
    for runs in (on_cpu, assignments(1, 1)):
        executor = local.LocalProcesses(Schedule(runs, workers=2, slots=2), digits, tmp_path)
        executor.submit(runs[0])
        assert [worker.gpu for worker in executor._busy] == [None]
        executor.close()
    snapshot = StudySnapshot.read(StudyFolder(tmp_path), [each.run for each in on_cpu])
    table = plan_table(snapshot, digits, {}, Schedule(on_cpu, workers=2, slots=2))
    assert set(table["device"]) == {"cpu"}


@pytest.mark.parametrize(
    ("names", "count"),
    [([], 1), (["A"], 1), (["A", "A", "A"], 3), (["A", "A", "B", "A"], 2), (["A", "B"], 1)],
)
def test_runs_are_spread_over_the_gpus_of_the_first_ones_kind(
    monkeypatch: pytest.MonkeyPatch, names: list[str], count: int
) -> None:
    fake_gpus(monkeypatch, *names)
    assert alike_gpus() == count


def test_a_worker_sees_one_of_the_gpus_that_its_parent_sees(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert visible_gpus(1) == {"CUDA_VISIBLE_DEVICES": "1"}
    assert "CUDA_VISIBLE_DEVICES" not in local.worker_environment(None)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5,7")
    assert local.worker_environment(1)["CUDA_VISIBLE_DEVICES"] == "5"
    fake_gpus(monkeypatch, "A", "A", "A")
    use_gpus([2, 0])
    assert visible_gpus(0) == {"CUDA_VISIBLE_DEVICES": "7"}


@pytest.mark.parametrize(
    ("names", "here"), [([], "no GPU"), (["A"], "one GPU, 0"), (["A", "A"], "GPUs 0 to 1")]
)
def test_a_gpu_that_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch, names: list[str], here: str
) -> None:
    fake_gpus(monkeypatch, *names)
    with pytest.raises(InputError, match=rf"no GPU 4 here, there is {here}$"):
        use_gpus([0, 4] if names else [4])
