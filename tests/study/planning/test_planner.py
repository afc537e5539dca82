"""How the runs of a study are computed on a machine: how many at once, and where."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from sixteenth import DataError, Listener, RunSpec, Study
from sixteenth.data import ImageDataset, load_dataset
from sixteenth.engine import workload
from sixteenth.engine.execution import Execution
from sixteenth.engine.workload import split_of
from sixteenth.spec import TrainSpec
from sixteenth.storage.study_folder import StudyFolder, StudySnapshot
from sixteenth.study.executors.slurm import SlurmMachine
from sixteenth.study.planning import planner
from sixteenth.study.planning.calibration import Speed
from sixteenth.study.planning.cost import Cost
from sixteenth.study.planning.executions import ExecutionRequest, write_executions
from sixteenth.study.planning.machine import GPU_SHARES, Machine
from sixteenth.study.planning.schedule import Placement, Schedule


@dataclass
class FakeMachine:
    """A machine with GPUs, where models are fastest with as many processes as is said."""

    fastest: Mapping[str, int]
    gpu_bytes: float = 1e12
    cores: int = 2
    gpus: int = 1
    slower: Sequence[float] = ()
    measured: list[tuple[str, list[Placement]]] = field(default_factory=list)

    def count(self, device: str) -> int:
        return self.gpus if device.startswith("cuda") else 1

    def default_execution(self, device: str | None, recipe: TrainSpec) -> Execution:
        return Execution(device or "cuda:7", "bfloat16", "channels-last", self.cores)

    def free_memory(self, device: str) -> float:
        assert device in ("cpu", "cuda:7")
        return 1e12 if device == "cpu" else self.gpu_bytes

    def measure_speeds(
        self,
        models: Mapping[str, tuple[RunSpec, Cost, Execution]],
        placements: Sequence[Placement],
        progress: Callable[[int], None],
    ) -> dict[str, list[Speed]]:
        self.measured += [(name, list(placements)) for name in models]
        speeds: dict[str, list[Speed]] = {}
        for name in models.keys() & self.fastest.keys():
            speeds[name] = [
                Speed(
                    "bfloat16",
                    "channels-last",
                    each.processes,
                    each.threads,
                    100.0 + 50 * (each.processes == self.fastest[name]),
                )
                for each in placements
            ]
        return speeds

    def busy(self) -> float:
        return 0.0

    def other_kinds(
        self, models: Mapping[str, tuple[RunSpec, Cost, Execution]], placement: Placement
    ) -> list[tuple[int, dict[str, list[Speed]]]]:
        """One GPU for each entry of `slower`, on which models take so many times as long."""
        speeds = FakeMachine(self.fastest).measure_speeds(models, [placement], lambda _: None)

        def slowed(speed: Speed, times: float) -> Speed:
            return replace(speed, images_per_second=speed.images_per_second / times)

        return [
            (1, {name: [slowed(one, times) for one in each] for name, each in speeds.items()})
            for times in self.slower
        ]

    def images_per_second(self, run: RunSpec, execution: Execution, seconds: float) -> float:
        raise NotImplementedError


def plan_for(
    machine: Machine, folder: Path, models: str, request: ExecutionRequest | None = None
) -> Schedule:
    """The schedule of one run for each letter of `models`."""
    runs = [
        RunSpec(model=model, init="random", fraction="1", seed=seed, data="digits", image_size=8)
        for seed, model in enumerate(models)
    ]
    return planner.make_schedule(
        StudySnapshot.read(StudyFolder(folder), runs),
        load_dataset("digits", image_size=8),
        {model: Cost(parameters=1000, flops=10**12) for model in models},
        request or ExecutionRequest(),
        machine=machine,
        listener=Listener(),
    )


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("threads", [1, 4])
def test_a_job_of_slurm_has_as_many_cores_as_its_run_has_threads(
    tmp_path: Path, device: str, threads: int
) -> None:
    request = ExecutionRequest(device, threads=threads)
    assert plan_for(SlurmMachine(1000), tmp_path, 36 * "a", request).workers == 36
    assert plan_for(SlurmMachine(10), tmp_path, 36 * "a", request).workers == 10


def test_a_gpu_is_shared_by_as_many_runs_as_were_fastest_together_whatever_the_cores(
    tmp_path: Path,
) -> None:
    assert plan_for(FakeMachine({}), tmp_path, "aabbbb").workers == 1, "nothing was measured"
    machine = FakeMachine({"a": 4, "b": 2})
    schedule = plan_for(machine, tmp_path, "aabbbb")
    assert schedule.workers == 2
    assert {each.execution.device for each in schedule.assignments} == {"cuda:7"}
    assert [[each.processes for each in tried] for _, tried in machine.measured] == [
        list(GPU_SHARES)
    ] * 2
    four = plan_for(machine, tmp_path, "aaaa")
    assert four.workers == 4
    write_executions(tmp_path, four)  # so that the speeds are known
    assert plan_for(machine, tmp_path, "aa").workers == 2, "no more than there are"
    (tmp_path / "execution.json").unlink()
    scarce = FakeMachine({"a": 4, "b": 2}, gpu_bytes=3e9)
    assert plan_for(scarce, tmp_path, "aabbbb").workers == 1, "no memory for two"


def test_runs_are_spread_over_all_gpus_as_many_on_each_as_were_fastest_together(
    tmp_path: Path,
) -> None:
    machine = FakeMachine({"a": 2}, cores=16, gpus=4)
    schedule = plan_for(machine, tmp_path, "a" * 12)
    assert (schedule.workers, schedule.machines) == (8, 4)
    threads = {each.execution.threads for each in schedule.assignments}
    assert threads <= {2, 4}, "16 cores for 8 runs or, at the end, 4"
    ((_, tried),) = machine.measured
    assert [each.processes for each in tried] == [1, 2, 3], "on one GPU; no more than come to it"
    assert plan_for(machine, tmp_path, "aaaaa").workers == 5, "no more than there are"
    one = plan_for(FakeMachine({"a": 2}, cores=16, gpus=1), tmp_path, "a" * 12)
    assert (one.workers, one.machines) == (2, 1)


def test_a_run_on_a_slower_kind_of_machine_is_expected_to_take_as_long_as_measured_there(
    tmp_path: Path,
) -> None:
    machine = FakeMachine({"a": 1, "b": 1}, gpus=3, slower=[4.0])
    schedule = plan_for(machine, tmp_path, "aaabbb")
    assert schedule.paces == {"a": [1.0, 1.0, 4.0], "b": [1.0, 1.0, 4.0]}
    expected = schedule.expected()
    took = [schedule.seconds_on(each, on) for each, (_, on) in
            zip(schedule.assignments, expected, strict=True)]  # fmt: skip
    alone = schedule.assignments[0].seconds
    assert took == [alone * (4 if on == 2 else 1) for _, on in expected]
    assert [on for _, on in expected[:3]] == [0, 1, 2], "the slow one last"
    assert max(schedule.ends()) == 4 * alone
    alike = plan_for(FakeMachine({"a": 1, "b": 1}, gpus=3), tmp_path, "aaabbb")
    assert alike.paces == {}
    assert max(alike.ends()) == 2 * alone


@pytest.mark.parametrize("subsets", ["nested", "disjoint"])
def test_runs_that_differ_in_their_seed_or_model_alone_share_the_draw_of_a_subset(
    subsets: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, drawn = load_dataset("digits", image_size=8), []

    def counted(run: RunSpec, dataset: ImageDataset) -> tuple[Any, Any]:
        drawn.append(run)
        return split_of(run, dataset)

    spec = {
        "data": "digits",
        "image_size": 8,
        "models": ["resnet18", "resnet50"],
        "fractions": ["1/4", "100 images"],
        "seeds": [3, 1, 2],
        "subsets": subsets,
        "train": {"validation": 0.1},
    }
    runs = Study(spec, "mine").runs()
    monkeypatch.setattr(workload, "split_of", counted)
    sizes = workload.split_sizes(runs, dataset)
    assert len(drawn) == (2 if subsets == "nested" else 6)
    assert sizes == [tuple(map(len, split_of(run, dataset))) for run in runs]


def test_the_last_of_many_disjoint_subsets_is_looked_at() -> None:
    spec = {"data": "digits", "image_size": 8, "models": ["resnet18"], "fractions": ["1/4"]}
    runs = Study(spec | {"seeds": [0, 1, 2, 3, 4], "subsets": "disjoint"}, "mine").runs()
    with pytest.raises(DataError, match="run out at replicate 4"):
        workload.split_sizes(runs, load_dataset("digits", image_size=8))
