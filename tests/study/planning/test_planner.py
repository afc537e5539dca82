"""How the runs of a study are computed: as they were begun, or as was measured to be fastest."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from forked import ForkedWorker
from sixteenth import DataError, InputError, Listener, MismatchError, RunSpec, Study
from sixteenth.data import ImageDataset, load_dataset
from sixteenth.engine import workload
from sixteenth.engine.execution import Execution
from sixteenth.engine.train import Progress
from sixteenth.engine.workload import split_of
from sixteenth.spec import TrainSpec
from sixteenth.storage.study_folder import StudyFolder, StudySnapshot
from sixteenth.study.executors.slurm import SlurmMachine
from sixteenth.study.planning import estimates, planner
from sixteenth.study.planning.calibration import OtherWork, Speed, best_format
from sixteenth.study.planning.cost import Cost
from sixteenth.study.planning.executions import ExecutionRequest, write_executions
from sixteenth.study.planning.machine import GPU_SHARES, LocalMachine, Machine
from sixteenth.study.planning.schedule import Placement, Schedule
from tiny_study import checkpoint_at_every_step

# The machine is asked, whichever it is


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


# A study goes on as it was begun


def tiny(**changes: Any) -> dict[str, Any]:
    study: dict[str, Any] = {
        "data": "digits",
        "image_size": 8,
        "models": ["tiny_models:small"],
        "fractions": ["100 images"],
        "train": {"epochs": 3, "batch_size": 50},
    }
    return {**study, **changes}


class Interrupting(Listener):
    """Presses Ctrl-C in the second epoch."""

    def run_progressed(self, progress: Progress) -> None:
        if progress.epoch == 2:
            raise KeyboardInterrupt


def test_a_run_goes_on_with_the_threads_it_was_begun_with(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint_at_every_step(monkeypatch)
    study = Study(tiny(), "mine")
    with pytest.raises(KeyboardInterrupt):
        study.run(device="cpu", threads=2, listener=Interrupting())
    with pytest.raises(MismatchError, match=r"2 threads there, .* 1 thread asked for"):
        study.run(device="cpu", threads=1)
    assert study.records()[0].status == "interrupted"
    monkeypatch.setattr(LocalMachine, "images_per_second", lambda *_, **__: 100.0)
    left, all_of_it = (each.plan()["seconds"][0] for each in (study, Study(tiny(), "whole")))
    assert left == pytest.approx(all_of_it * 2 / 3, abs=0.01), "one of three epochs is done"
    # Also where the study would be begun otherwise: the tests give torch one thread.
    study.run(device="cpu")
    assert study.records()[0].execution.threads == 2
    whole = Study(tiny(), "whole")
    whole.run(device="cpu", threads=2)
    weights = [next(one.folder.glob("runs/*/model.safetensors")) for one in (study, whole)]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_what_was_decided_is_kept_for_runs_that_were_not_begun_until_asked_otherwise(
    tiny_folder: Path,
) -> None:
    study = Study(tiny(seeds=[0, 1]), "mine")

    class AtOnce(Listener):
        def run_started(self, run: RunSpec) -> None:
            raise KeyboardInterrupt

    for asked, threads in ((3, 3), (None, 3), (2, 2)):
        with pytest.raises(KeyboardInterrupt):
            study.run(device="cpu", threads=asked, listener=AtOnce())
        kept = json.loads((study.folder / "execution.json").read_text(encoding="utf-8"))
        assert [run["threads"] for run in kept["runs"].values()] == [threads] * 2


def test_a_damaged_execution_file_is_named(tiny_folder: Path) -> None:
    study = Study(tiny(), "mine")
    study.run(device="cpu")
    (study.folder / "execution.json").write_text('{"runs": [', encoding="utf-8")
    with pytest.raises(InputError, match=r"execution\.json"):
        Study(tiny(seeds=[0, 1]), "mine").run(device="cpu")


def test_an_execution_file_whose_speeds_are_none_is_named(tiny_folder: Path) -> None:
    study = Study(tiny(), "mine")
    study.run(device="cpu")
    path = study.folder / "execution.json"
    kept = json.loads(path.read_text(encoding="utf-8"))
    for record in kept["runs"].values():
        record["measured"] = [{"speed": "high"}]
    path.write_text(json.dumps(kept), encoding="utf-8")
    with pytest.raises(InputError, match=r"execution\.json cannot be read"):
        Study(tiny(seeds=[0, 1]), "mine").run(device="cpu")


# Measuring


def speed(precision: str, rate: float, layout: str = "channels-last") -> Speed:
    return Speed(precision, layout, 1, 1, rate)


def test_the_default_format_stays_unless_another_is_clearly_faster() -> None:
    default = Execution("cpu", "bfloat16", "channels-last", 1)
    near = [speed("bfloat16", 100), speed("float32", 104)]
    far = [speed("bfloat16", 100), speed("float32", 120), speed("float32", 90, "channels-first")]
    assert best_format(near, default) == ("bfloat16", "channels-last")
    assert best_format(far, default) == ("float32", "channels-last")
    assert best_format([], default) == ("bfloat16", "channels-last")
    chosen = [speed("bfloat16", 90), replace(speed("bfloat16", 80), processes=2)]
    assert best_format([*chosen, speed("float32", 99)], default) == ("bfloat16", "channels-last")


@pytest.fixture
def measured_on_two_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Small studies are measured too, and in a moment, but to the end on a busy machine, too; torch
    has two threads."""
    monkeypatch.setattr(estimates, "SMALL_FLOPS", 0.0)
    monkeypatch.setattr("sixteenth.study.planning.calibration.WINDOW_SECONDS", 0.05)
    monkeypatch.setattr("sixteenth.study.planning.calibration.MOST_SECONDS", 300.0)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_models_are_measured_once_and_the_choice_stands_in_the_record(
    tiny_folder: Path,
    forked_workers: list[ForkedWorker],
    measured_on_two_threads: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(OtherWork, "share", lambda _: 0.01)
    two = tiny(seeds=[0, 1], train={"epochs": 1})
    first = Study(two, "first", data_dir="cache")
    plan = first.plan(device="cpu")
    assert plan["seconds"].gt(0).all()
    assert plan["ends"].max() <= plan["seconds"].sum() + 0.1
    (kept,) = Path("cache/calibration").iterdir()
    text = kept.read_text(encoding="utf-8")

    first.run(device="cpu")
    assert kept.read_text(encoding="utf-8") == text, "it was not measured again"
    for record in first.records():
        measured = record.execution.measured
        assert {(each["processes"], each["threads"]) for each in measured} == {(1, 2), (2, 1)}
        assert all(each["images_per_second"] > 0 for each in measured)
        assert all(1e8 < each["memory"] < 2e9 for each in measured)
        assert record.execution.reason

    kept.write_text(text[:100], encoding="utf-8")
    assert Study(two, "second", data_dir="cache").plan(device="cpu")["seconds"].gt(0).all()
    assert json.loads(kept.read_text(encoding="utf-8"))["speeds"]


def test_only_as_many_go_side_by_side_as_were_seen_to_have_the_memory(
    tiny_folder: Path,
    forked_workers: list[ForkedWorker],
    measured_on_two_threads: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(OtherWork, "share", lambda _: 0.01)
    # A constant would have let two of them in, and each takes more than 0.3 GB.
    monkeypatch.setattr("sixteenth.study.planning.machine.RUN_BYTES", 1e8)
    monkeypatch.setattr(LocalMachine, "free_memory", lambda *_: 3e8)
    two = tiny(seeds=[0, 1], train={"epochs": 1})
    study = Study(two, "scarce", data_dir="cache")
    study.run(device="cpu")
    for record in study.records():
        assert {each["processes"] for each in record.execution.measured} == {1}
        assert record.execution.threads == 2
    # What was measured is known to be all that fits; with more memory more is measured.
    (kept,) = Path("cache/calibration").iterdir()
    before = kept.read_bytes()
    Study(two, "again", data_dir="cache").plan(device="cpu")
    assert kept.read_bytes() == before
    monkeypatch.setattr(LocalMachine, "free_memory", lambda *_: 1e11)
    Study(two, "ample", data_dir="cache").plan(device="cpu")
    assert kept.read_bytes() != before


PICKY = """
import torch
from torch import nn

from tiny_models import Net


class Picky(Net):
    def __init__(self, num_classes, wanted):
        super().__init__(8, num_classes)
        self.wanted = wanted

    def forward(self, images):
        fits = self[0].weight.is_contiguous(memory_format=self.wanted)
        if len(images) > 2 and not fits:  # two images are a look at the costs, not yet a step
            raise RuntimeError("not in this layout")
        return super().forward(images)


def last(num_classes):
    return Picky(num_classes, torch.channels_last)


def first(num_classes):
    return Picky(num_classes, torch.contiguous_format)
"""


@pytest.mark.parametrize("wanted", ["last", "first"])
def test_a_model_that_refuses_one_layout_is_measured_and_trained_in_the_other(
    tiny_folder: Path,
    forked_workers: list[ForkedWorker],
    measured_on_two_threads: None,
    wanted: str,
) -> None:
    Path("picky_models.py").write_text(PICKY, encoding="utf-8")
    study = Study(
        tiny(models=[f"picky_models:{wanted}"], seeds=[0, 1], train={"epochs": 1}), "picky"
    )
    results = study.run(device="cpu")
    assert list(results["status"]) == ["finished"] * 2, list(results["error"])
    for record in study.records():
        layouts = {each["layout"] for each in record.execution.measured}
        assert layouts == {f"channels-{wanted}"}
        assert record.execution.layout == f"channels-{wanted}"


class Heard(Listener):
    """Keeps what it is told to notice."""

    def __init__(self) -> None:
        self.notices: list[str] = []

    def noticed(self, what: str) -> None:
        self.notices.append(what)


def test_what_was_measured_on_a_busy_machine_is_used_and_not_kept(
    tiny_folder: Path,
    forked_workers: list[ForkedWorker],
    measured_on_two_threads: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(OtherWork, "share", lambda _: 0.3)
    study = Study(tiny(seeds=[0, 1], train={"epochs": 1}), "busy", data_dir="cache")
    heard = Heard()
    assert study.plan(device="cpu", listener=heard)["seconds"].gt(0).all()
    assert not list(Path("cache").glob("calibration/*"))
    (said,) = [line for line in heard.notices if "other processes" in line]
    assert "used 30% of this machine's cores" in said
    assert "not kept" in said


def spin(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def test_other_work_is_what_processes_do_that_are_not_ours() -> None:
    """What this process does is taken off; what one does that nobody here started is not."""
    cores = psutil.cpu_count() or 1
    psutil.cpu_percent()
    others, began, used = OtherWork(), time.monotonic(), time.process_time()
    spin(0.5)
    all_work, found = psutil.cpu_percent() / 100, others.share()
    own = (time.process_time() - used) / (time.monotonic() - began)  # of one core
    assert all_work * cores > 0.9 * own > 0
    assert found < all_work - 0.8 * own / cores

    # Its parent, a shell, ends at once: it is no child of this process.
    spinning = "import time\nend = time.time() + 20\nwhile time.time() < end: pass"
    shell = ["sh", "-c", '"$0" -c "$1" > /dev/null 2>&1 & echo $!', sys.executable, spinning]
    orphan = int(subprocess.run(shell, stdout=subprocess.PIPE, check=True).stdout)
    try:
        others = OtherWork()
        time.sleep(0.8)
        assert others.share() > 0.3 / cores
    finally:
        os.kill(orphan, signal.SIGKILL)


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


def test_a_study_that_is_finished_does_not_need_its_device_any_more(tiny_folder: Path) -> None:
    def study(**more: Any) -> Study:
        return Study(tiny(fractions=["50 images"], models=["tiny_models:small"], **more), "mine")

    study().run(device="cpu")
    path = Path("mine/execution.json")
    path.write_text(path.read_text("utf-8").replace('"cpu"', '"cuda:99"'), encoding="utf-8")
    assert set(study(expect="none").run()["status"]) == {"finished"}
    with pytest.raises(InputError, match="cuda:99"):
        study(seeds=[0, 1]).run()
