"""What a user is told of Ray and Slurm without them, and what happens on another machine."""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from clusters import ON_CPU, Queue, spec

from sixteenth import InputError, Study
from sixteenth.data import ImageDataset
from sixteenth.engine.records import environment
from sixteenth.engine.train import Progress
from sixteenth.study.executors import node, place_of, ray, ray_cluster, ray_task, slurm, slurm_queue
from sixteenth.study.executors.base import Progressed
from sixteenth.study.executors.node import Origin, as_event, train_here, what_is_missing
from sixteenth.study.planning.executions import ExecutionRequest
from tiny_study import Command

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


def test_where_there_is_no_slurm_a_study_is_refused_before_its_images_are_read(
    tiny_folder: Path, sixteenth: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Study) -> None:
        raise AssertionError("images are read")

    monkeypatch.setitem(sys.modules, "submitit", SimpleNamespace())
    monkeypatch.setenv("PATH", str(tiny_folder))
    monkeypatch.setattr(Study, "dataset", refuse)
    ended = sixteenth("run", "tiny.yaml", "--executor", "slurm")
    assert ended.code == 2
    assert "--executor slurm: there is no sbatch on the PATH of this machine: run" in ended.err
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
