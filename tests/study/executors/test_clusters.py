"""Ray and Slurm, as far as it shows without them: messages, options, jobs that are found again."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import pickle
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sixteenth import InputError, Listener, RunSpec, Study
from sixteenth.data import ImageDataset, load_dataset
from sixteenth.engine.execution import Execution, environment, new_record
from sixteenth.engine.train import Progress
from sixteenth.errors import RunError
from sixteenth.spec import TrainSpec
from sixteenth.storage.run_record import RunRecord
from sixteenth.storage.study_folder import StudyFolder
from sixteenth.study.executors import (
    node,
    place_of,
    ray,
    ray_cluster,
    ray_task,
    run_all,
    slurm,
    slurm_jobs,
    slurm_queue,
    slurm_task,
)
from sixteenth.study.executors.base import Ended, Event, Lost, Noticed, Progressed, Started
from sixteenth.study.executors.node import Origin, as_event, train_here, what_is_missing
from sixteenth.study.executors.ray_machine import RayMachine
from sixteenth.study.planning.executions import ExecutionRequest
from sixteenth.study.planning.schedule import Assignment, Placement, Schedule
from tiny_study import Command, write_tiny_study

ON_CPU = Execution("cpu", "float32", "channels-last", 2)


def spec(seed: int, model: str = "tiny_models:small") -> RunSpec:
    return RunSpec(
        model=model,
        init="random",
        fraction="100 images",
        seed=seed,
        data="digits",
        image_size=8,
        train=TrainSpec(epochs=2, batch_size=50),
    )


@pytest.fixture(scope="module")
def digits() -> ImageDataset:
    return load_dataset("digits", image_size=8)


@pytest.fixture
def origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, digits: ImageDataset) -> Origin:
    """A study in ``study``, as another machine would be told of it."""
    write_tiny_study(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(node, "keep_freed_memory", lambda: None)
    monkeypatch.setattr(sys, "path", [*sys.path])
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "study.yaml").touch()
    return Origin.of(digits, folder, None)


# What a user is told


@pytest.mark.parametrize("name", ["ray", "submitit"])
def test_without_the_extra_the_message_names_it(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    read = {"ray": ray_cluster.import_ray, "submitit": slurm_queue.import_submitit}[name]
    extra = {"ray": "ray", "submitit": "slurm"}[name]
    with pytest.raises(InputError, match=rf"pip install 'sixteenth\[{extra}\]'$"):
        read()


@pytest.mark.parametrize(
    ("version", "fits"), [("2.53.1", False), ("1.99.0", False), ("2.54.0", True), ("3.0.0", True)]
)
def test_a_ray_that_is_too_old_is_named_with_the_version_that_is_needed(
    monkeypatch: pytest.MonkeyPatch, version: str, fits: bool
) -> None:
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(__version__=version))
    if fits:
        assert ray_cluster.import_ray().__version__ == version
    else:
        with pytest.raises(InputError, match=rf"ray {version} is too old, 2\.54 is needed"):
            ray_cluster.import_ray()


def test_a_folder_whose_path_is_too_long_for_rays_sockets_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = "/tmp/" + 50 * "long"

    def init(**given: Any) -> None:
        assert given["address"] == "auto"
        raise ConnectionError("nothing runs here")

    fake = SimpleNamespace(__version__="2.60.0", is_initialized=lambda: False, init=init)
    monkeypatch.setitem(sys.modules, "ray", fake)
    monkeypatch.setenv("RAY_TMPDIR", place)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with pytest.raises(InputError, match=f"the path {place} is too long .* RAY_TMPDIR"):
        _ = ray.RayCluster().ray
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    fake.init = lambda **given: (_ for _ in ()).throw(ConnectionError("no answer\nfrom there"))
    with pytest.raises(InputError, match=r"answers at 10\.0\.0\.1:6379: no answer from there; if"):
        _ = ray.RayCluster().ray
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    fake.init = lambda **given: (_ for _ in ()).throw(ValueError("needs ray[client]"))
    with pytest.raises(InputError, match=r"needs ray\[client\]; where .*: RAY_ADDRESS=HOST:6379$"):
        _ = ray.RayCluster("ray://10.0.0.1:10001").ray


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--executor", "rya"], "--executor rya: there is no such executor; did you mean ray?"),
        (["--executor", "ray:10.0.0.1"], "there is no such executor"),
        (["--slurm", "time=60"], "--slurm goes with --executor slurm"),
        (["--no-shared-folder"], "--no-shared-folder goes with --executor ray"),
        (["--no-shared-folder", "--executor", "slurm"], "folder goes with --executor ray"),
        (["--executor", "slurm", "--slurm", "gpu"], "--slurm 'gpu': write options of sbatch as"),
        (["--executor", "slurm", "--slurm", "time=4h"], "--slurm time=4h: write the minutes"),
        (["--executor", "slurm", "--slurm", "time=1"], "time=1: a job needs 3 minutes at least"),
        (["--devices", "0;1"], "--devices '0;1': write the numbers of GPUs, such as 0,2"),
    ],
)
def test_a_wrong_place_is_told_in_one_line_before_anything_is_read(
    tiny_folder: Path, sixteenth: Command, words: list[str], said: str
) -> None:
    ended = sixteenth("run", "tiny.yaml", *words)
    assert ended.code == 2
    assert said in ended.err
    assert len(ended.err.strip().splitlines()) == 1
    assert not Path("studies").exists()


def test_an_executor_is_only_imported_when_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ray", "submitit"):
        monkeypatch.setitem(sys.modules, name, None)  # an import would raise
    for name in ("local", "ray", "ray://10.0.0.1:10001", "slurm"):
        with place_of(ExecutionRequest(executor=name), tmp_path):
            pass


def test_options_of_jobs_are_read() -> None:
    assert slurm.parse_options("partition=gpu, time=240,account=a-b") == {
        "partition": "gpu",
        "time": 240,
        "account": "a-b",
    }
    assert slurm.parse_options("exclude=n1,n2,setup=module load x,") == {
        "exclude": "n1,n2",
        "setup": ["module load x"],
    }


# What happens on another machine


def test_a_machine_that_has_all_lacks_nothing_and_each_lack_is_named(
    origin: Origin, digits: ImageDataset, tmp_path: Path
) -> None:
    here = environment().to_dict()
    assert what_is_missing(origin, [spec(0)], here) == []
    elsewhere = replace(origin, folder=tmp_path / "elsewhere", fingerprint="0" * 64)
    missing = what_is_missing(
        elsewhere, [spec(0), spec(0, "tiny_models:none")], {**here, "torch": "1.0"}
    )
    assert [each.partition(": ")[0] for each in missing] == [
        f"has torch {here['torch']} and not 1.0",
        f"does not see the study's folder {tmp_path / 'elsewhere'} (--no-shared-folder does "
        "without)",
        "lacks tiny_models:none from random",
        "lacks the data",
    ]
    assert "are not those of the study (fingerprint " in missing[3]
    assert missing[3].endswith("bring the same files there, or share one --data-dir")
    apart = replace(origin, folder=tmp_path / "elsewhere", shared=False)
    assert what_is_missing(apart, [spec(0)], here) == []


@pytest.mark.parametrize("name", ["slurm", "ray://10.0.0.1:10001"])
def test_another_machine_takes_cifar_from_where_the_study_does(
    origin: Origin, digits: ImageDataset, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    named = list[Any]()
    archive = "http://mirror/cifar-10-python.tar.gz"
    monkeypatch.setattr(slurm, "SlurmJobs", lambda _, origin, *__: origin)
    monkeypatch.setattr(ray, "RayTasks", lambda _, __, origin, ___: origin)
    monkeypatch.setattr("sixteenth.study.executors.place_of", _recorded(named))
    monkeypatch.setattr(node, "load_dataset", lambda _, **how: named.append(how) or digits)
    study = Study.load("tiny.yaml", cifar_archive=archive)
    for begin in (study.run, study.plan):
        with pytest.raises(InputError, match="far enough"):
            begin(executor=name)
        there = named.pop().executor(None, digits)
        there.dataset(study.runs()[0])
        assert named.pop()["cifar_archive"] == archive


def _recorded(places: list[Any]) -> Any:
    """`place_of`, which keeps the place and goes no further."""

    def choose(*given: Any, **named: Any) -> Any:
        places.append(place_of(*given, **named))
        raise InputError("far enough")

    return choose


def test_a_study_for_the_gpus_of_a_cluster_is_planned_where_there_is_none(
    origin: Origin, queue: Queue
) -> None:
    study = Study.load("tiny.yaml", ["train.precision=float16", "fractions=[50 images]"])
    plan = study.plan(executor="slurm", device="cuda")
    assert plan["device"].str.startswith("cuda").all()
    with pytest.raises(InputError, match="float16 needs a GPU"):
        study.plan(executor="slurm", device="cpu")


@pytest.mark.parametrize(
    ("tag", "here", "there"),
    [
        ("en", "on this machine", "with --executor slurm"),
        ("zh-Hant", "在這台機器上", "用 --executor slurm"),
    ],
)
def test_a_plan_says_where_its_time_is_spent(
    origin: Origin, queue: Queue, sixteenth: Command, tag: str, here: str, there: str
) -> None:
    plan = ["plan", "tiny.yaml", "--lang", tag]
    local, cluster = sixteenth(*plan).out, sixteenth(*plan, "--executor", "slurm").out
    assert [here in local, there in local] == [True, False], local
    assert [here in cluster, there in cluster] == [False, True], cluster


def test_progress_goes_over_the_network_once_a_second(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = list[tuple[str, Any]]()

    def trains(*_: Any, on_progress: Any, **__: Any) -> str:
        for step in range(1, 100):
            clock.now += 0.1
            on_progress(Progress("run", 1, 1, step, 99, 1.0))
        return "the record"

    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(node, "train_run", trains)
    monkeypatch.setattr(node, "time", SimpleNamespace(monotonic=lambda: clock.now))
    record = train_here(origin, spec(0), ON_CPU, lambda *each: told.append(each))
    assert record == "the record"  # type: ignore[comparison-overlap]
    assert told[0][0] == "started"
    events = [as_event(*json.loads(json.dumps(each))) for each in told[1:]]
    steps = [event.progress.step for event in events if isinstance(event, Progressed)]
    assert 9 <= len(steps) <= 11
    assert steps[0] == 1
    assert all(b - a >= 10 for a, b in itertools.pairwise(steps))


def test_a_task_of_ray_hears_that_it_is_cancelled_also_where_ray_was_started_in_the_background(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script's background jobs ignore Ctrl-C, and so does every process of a Ray among them."""

    def cancelled(*_: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)

    exceptions = SimpleNamespace(RayError=RuntimeError)
    fake = SimpleNamespace(exceptions=exceptions, get=lambda *_, **__: None)
    monkeypatch.setattr(ray_task, "import_ray", lambda: fake)
    monkeypatch.setattr(ray_task, "train_here", cancelled)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        kind, error, _ = ray_task.train(0, origin, spec(0), ON_CPU, {}, 1.0, None)
    finally:
        signal.signal(signal.SIGINT, before)
    assert (kind, str(error)) == ("raised", "interrupted")


# Machines of several kinds


@dataclass
class Nodes:
    """A Ray cluster of nodes without processes: what each is asked, and that all answer."""

    kinds: dict[str, tuple[str, dict[str, float]]]
    asked: list[tuple[str, Any]] = field(default_factory=list)

    @property
    def ray(self) -> Any:
        def remote(*given: Any, **_: Any) -> Any:
            if given:  # the class of an actor
                return SimpleNamespace(
                    options=lambda *, scheduling_strategy, **_: SimpleNamespace(
                        remote=lambda *_: self.actor(scheduling_strategy)
                    )
                )
            return lambda _: SimpleNamespace(  # a task: what machine is it?
                options=lambda *, scheduling_strategy: SimpleNamespace(
                    remote=lambda: SimpleNamespace(
                        cpu=self.kinds[scheduling_strategy][0], instructions="AVX2"
                    )
                )
            )

        error = type("RayError", (Exception,), {})
        exceptions = SimpleNamespace(RayTaskError=error, RayError=error)
        return SimpleNamespace(remote=remote, get=lambda answer: answer, exceptions=exceptions)

    def actor(self, node: str) -> Any:
        def answers(method: str, models: Any, placements: Any) -> dict[str, Any]:
            self.asked.append((node, placements))
            return {name: [f"as on {node}"] for name in models}

        return SimpleNamespace(ask=SimpleNamespace(remote=answers))

    def nodes(self) -> list[dict[str, Any]]:
        return [{"NodeID": name, "Resources": has} for name, (_, has) in self.kinds.items()]

    def pinned(self, node: str) -> str:
        return node


@pytest.mark.parametrize(
    ("device", "kinds", "asked", "found"),
    [
        (
            "cpu",
            {
                "a": ("Xeon", {"CPU": 8.0}),
                "b": ("Xeon", {"CPU": 8.0}),
                "c": ("EPYC", {"CPU": 6.0}),
                "d": ("EPYC", {"CPU": 6.0}),
            },
            [("c", [Placement(3, 2)])],
            [(2, "c")],
        ),
        (
            "cuda",
            {
                "a": ("Xeon", {"CPU": 8.0, "GPU": 2.0, "accelerator_type:A100": 1.0}),
                "b": ("EPYC", {"CPU": 8.0, "GPU": 2.0, "accelerator_type:A100": 1.0}),
                "c": ("Xeon", {"CPU": 8.0, "GPU": 1.0, "accelerator_type:T4": 1.0}),
                "d": ("Xeon", {"CPU": 64.0}),
            },
            [("c", [Placement(4, 2)])],
            [(1, "c")],
        ),
        ("cpu", {"a": ("Xeon", {"CPU": 8.0}), "b": ("Xeon", {"CPU": 8.0})}, [], []),
    ],
)
def test_speeds_are_measured_on_one_machine_of_each_other_kind(
    origin: Origin, device: str, kinds: Any, asked: Any, found: Any
) -> None:
    cluster: Any = Nodes(kinds)
    machine = RayMachine(cluster, origin, spec(0))
    execution = replace(ON_CPU, device=device)
    models: Any = {"small": (spec(0), None, execution)}
    others = machine.other_kinds(models, Placement(4, 2))
    assert cluster.asked == asked
    assert others == [(count, {"small": [f"as on {node}"]}) for count, node in found]


# Jobs of Slurm


class FailedJobError(RuntimeError):
    """What submitit raises where sbatch fails."""


@dataclass
class Queue:
    """A Slurm that runs nothing: jobs end as the test says."""

    states: dict[str, str] = field(default_factory=dict)
    arrays: list[list[str]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    commands: list[list[str]] = field(default_factory=list)
    answers: bool = True
    folder: Path = Path()
    refuses: str = ""

    def module(self) -> SimpleNamespace:
        queue = self

        class Job:
            def __init__(self, folder: Path, job_id: str) -> None:
                self.job_id = job_id
                self.paths = SimpleNamespace(
                    result_pickle=folder / f"{job_id}_0_result.pkl",
                    stderr=folder / f"{job_id}_0_log.err",
                )

            def result(self) -> Any:
                return pickle.loads(self.paths.result_pickle.read_bytes())

            def stderr(self) -> str:
                return "much before\nwhat it said last\n"

        class AutoExecutor:
            def __init__(self, folder: Path, cluster: str, **given: Any) -> None:
                self.folder = queue.folder = Path(folder)
                self.folder.mkdir(parents=True, exist_ok=True)

            def update_parameters(self, **given: Any) -> None:
                self.given = given

            @contextlib.contextmanager
            def batch(self) -> Iterator[None]:
                if queue.refuses:
                    raise FailedJobError(queue.refuses)
                queue.arrays.append([])
                queue.asked.append(self.given)
                yield

            def submit(self, job: slurm_task.TrainJob) -> Job:
                job_id = f"7_{len(queue.states)}"
                queue.states[job_id] = "PENDING"
                queue.arrays[-1].append(job.run.run_id)
                return Job(self.folder, job_id)

        utils = SimpleNamespace(FailedJobError=FailedJobError)
        core = SimpleNamespace(utils=utils)
        return SimpleNamespace(AutoExecutor=AutoExecutor, SlurmJob=Job, core=core)

    def ends(self, job_id: str, result: Any) -> None:
        """A job ends as it should, and leaves its result."""
        self.states[job_id] = "COMPLETED"
        (self.folder / f"{job_id}_0_result.pkl").write_bytes(pickle.dumps(result))

    def ask(self, *command: str) -> str | None:
        """What squeue or scancel prints."""
        self.commands.append(list(command))
        if not self.answers:
            return None
        lines = [f"{job} {state}\n" for job, state in self.states.items()]
        return "".join(["this cluster is down on Friday\n", *lines])


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Queue:
    made = Queue()
    monkeypatch.setitem(sys.modules, "submitit", made.module())
    monkeypatch.setattr(slurm_jobs, "default_data_dir", lambda: tmp_path / "cache")
    monkeypatch.setattr(slurm_jobs, "LOOK_SECONDS", 0.0)
    for module in (slurm_jobs, slurm_queue):
        monkeypatch.setattr(module, "ask", made.ask)
    return made


def jobs(origin: Origin, *seeds: int) -> tuple[slurm_jobs.SlurmJobs, list[Assignment]]:
    """An executor that was given a run of each seed."""
    runs = [Assignment(spec(seed), ON_CPU) for seed in seeds]
    schedule = Schedule(tuple(runs), workers=1000, slots=1000)
    executor = slurm_jobs.SlurmJobs(schedule, origin, {"partition": "gpu", "time": 60})
    for each in runs:
        executor.submit(each)
    return executor, runs


def test_runs_are_submitted_as_one_array_and_a_command_called_again_submits_none_twice(
    origin: Origin, queue: Queue
) -> None:
    events = list[Event]()
    first, runs = jobs(origin, 0, 1, 2)
    first.wait(events.append, 0.0)
    assert queue.arrays == [[each.run.run_id for each in runs]]
    assert queue.asked[0]["slurm_partition"] == "gpu"
    assert queue.asked[0]["slurm_time"] == 60
    assert queue.asked[0]["cpus_per_task"] == 2
    # The command is left here: without `close`, as if its terminal was. The first job has ended.
    queue.states["7_0"], queue.states["7_1"] = "COMPLETED", "RUNNING"
    again, runs = jobs(origin, 1, 2, 3)
    again.wait(events.append, 0.0)
    assert queue.arrays[1:] == [[runs[2].run.run_id]]
    assert events == []
    shutil.rmtree(again._folder)  # somebody clears what looks like leftovers
    again.wait(events.append, 0.0)
    assert events == []
    queue.ends("7_1", ("ended", "its record"))
    again.wait(events.append, 0.0)
    assert events == [Started(runs[0]), Ended(runs[0], "its record")]  # type: ignore[arg-type]
    again.close()
    interrupted, cancelled = queue.commands[-2:]
    assert interrupted[-4:] == ["--state=RUNNING", "--signal=INT", "7_2", "7_3"]
    assert cancelled[-2:] == ["7_2", "7_3"]
    # While they end, a command that is called again does not take them for its own.
    queue.states["7_2"] = "COMPLETING"
    jobs(origin, 2)[0].wait(events.append, 0.0)
    assert queue.arrays[2:] == [[runs[1].run.run_id]]


def test_where_slurm_does_not_answer_nothing_is_submitted_twice_and_nothing_is_lost(
    origin: Origin, queue: Queue
) -> None:
    events = list[Event]()
    jobs(origin, 0)[0].wait(events.append, 0.0)
    queue.states["7_0"], queue.answers = "FAILED", False
    again, _ = jobs(origin, 0)
    for _ in range(3):
        again.wait(events.append, 0.0)
    assert events == []
    assert len(queue.arrays) == 1


@pytest.mark.parametrize(
    ("state", "again"),
    [("NODE_FAIL", True), ("PREEMPTED", True), ("OUT_OF_MEMORY", False), ("CANCELLED", False),
     ("UNKNOWN", False)],
)  # fmt: skip
def test_a_run_whose_machine_failed_begins_again_and_one_that_was_stopped_does_not(
    origin: Origin, queue: Queue, state: str, again: bool
) -> None:
    events = list[Event]()
    executor, _ = jobs(origin, 0)
    executor.wait(events.append, 0.0)
    queue.states["7_0"] = "COMPLETING"
    executor.wait(events.append, 0.0)
    queue.states["7_0"] = state
    if state == "UNKNOWN":
        del queue.states["7_0"]  # forgotten, and there is no database of accounts
    executor.wait(events.append, 0.0)
    assert events == []  # its result may come later than the end
    executor.wait(events.append, 0.0)
    started, lost = events
    assert isinstance(started, Started)
    assert isinstance(lost, Lost)
    assert lost.again is again
    assert f"its job 7_0 ended as {state}: what it said last (7_0_0_log.err in" in str(lost.error)
    assert json.loads(executor._ids_path.read_text())["jobs"] == {}


def test_jobs_that_slurm_refuses_end_the_command_only_where_none_is_queued(
    origin: Origin, queue: Queue
) -> None:
    events = list[Event]()
    queue.refuses = "sbatch: error: job submit limit"
    nothing, _ = jobs(origin, 0)
    with pytest.raises(InputError, match=r"takes no job: .* submit limit \(--workers N"):
        nothing.wait(events.append, 0.0)
    queue.refuses = ""
    executor, _ = jobs(origin, 1)
    executor.wait(events.append, 0.0)
    queue.refuses = "sbatch: error: job submit limit"
    executor.submit(Assignment(spec(2), ON_CPU))
    for _ in range(2):
        executor._not_before = 0.0
        executor.wait(events.append, 0.0)
    assert [type(event) for event in events] == [Noticed]
    queue.refuses, executor._not_before = "", 0.0
    executor.wait(events.append, 0.0)
    assert queue.arrays[1:] == [[spec(2).run_id]]


def test_a_machine_that_lacks_the_data_fails_its_run_and_no_other(
    origin: Origin, queue: Queue, digits: ImageDataset
) -> None:
    runs = tuple(Assignment(spec(seed), ON_CPU) for seed in (0, 1))
    schedule = Schedule(runs, workers=2, slots=2)
    executor = slurm_jobs.SlurmJobs(schedule, origin, {"time": 60})
    elsewhere = replace(origin, fingerprint="0" * 64)
    job = slurm_task.TrainJob(elsewhere, runs[0].run, ON_CPU, origin.folder / "an.event", 60)
    record = new_record(runs[1].run, digits, ON_CPU, None)
    for job_id, result in (("7_0", job()), ("7_1", ("ended", record))):
        (queue.folder / f"{job_id}_0_result.pkl").write_bytes(pickle.dumps(result))
    ended = list[RunRecord]()
    run_all(schedule, executor, digits, origin.folder, listener=Listener(), after_run=ended.append)
    failed = StudyFolder(origin.folder).run(runs[0].run.run_id).read_record()
    assert ended == [failed, record]
    assert failed is not None
    assert failed.status == "failed"
    assert "cannot read the data: the data digits on " in str(failed.error)


def test_what_a_job_tells_is_passed_on_once(origin: Origin, queue: Queue) -> None:
    events = list[Event]()
    executor, (run,) = jobs(origin, 0)
    executor.wait(events.append, 0.0)
    job = slurm_task.TrainJob(origin, run.run, ON_CPU, executor._event_path(run), 60)
    job.send("started", "a machine")
    executor.wait(events.append, 0.0)
    progress = Progress(run.run.run_id, 1, 2, 3, 4, 5.0)
    job.send("progress", asdict(progress))
    executor.wait(events.append, 0.0)
    executor.wait(events.append, 0.0)
    assert events == [Started(run), Progressed(progress)]


def test_a_job_that_reaches_its_time_limit_is_queued_again_unless_it_got_nowhere(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitit = pytest.importorskip("submitit", reason="pip install 'sixteenth[slurm]'")
    job = slurm_task.TrainJob(origin, spec(0), ON_CPU, origin.folder / "an.event", 3)
    monkeypatch.setattr(slurm_task, "train_here", lambda *_: "its record")
    assert job() == ("ended", "its record")
    assert job.checkpoint().function is job  # preempted soon after it began
    job.begun -= 60
    with pytest.raises(RunError, match=r"3 minutes was over before .* --slurm time=MINUTES"):
        job.checkpoint()
    job.checkpoint_path.parent.mkdir(parents=True)
    job.checkpoint_path.touch()
    delayed = job.checkpoint()
    assert isinstance(delayed, submitit.helpers.DelayedSubmission)
    assert delayed.function is job


def test_damaged_notes_of_jobs_are_named(origin: Origin, queue: Queue) -> None:
    executor, _ = jobs(origin, 0)
    executor._ids_path.parent.mkdir(parents=True)
    executor._ids_path.write_text("[1")
    with pytest.raises(InputError, match=r"\.json cannot be read .* cancel the jobs"):
        jobs(origin, 0)
