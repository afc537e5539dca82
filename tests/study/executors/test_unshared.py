"""Training without a shared folder, as far as it shows without Ray: what goes back, and when."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sixteenth import InputError, RunError, RunSpec
from sixteenth.engine.execution import Execution
from sixteenth.errors import NodeError, ReplacedError
from sixteenth.spec import TrainSpec
from sixteenth.storage.lease import Lease
from sixteenth.storage.run_folder import RunFolder
from sixteenth.study.executors import ray, unshared
from sixteenth.study.executors.base import Ended, Event, Lost, Started
from sixteenth.study.executors.node import Origin
from sixteenth.study.executors.unshared import Keeper, train_apart
from sixteenth.study.planning.schedule import Assignment, Schedule

ON_CPU = Execution("cpu", "float32", "channels-last", 1)
RUN = RunSpec(
    model="tiny_models:small",
    init="random",
    fraction="100 images",
    seed=0,
    data="digits",
    image_size=8,
    train=TrainSpec(epochs=2, batch_size=50),
)


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin(
        tmp_path / "study",
        tmp_path,
        (),
        None,
        "digits",
        "digits",
        "0" * 64,
        "bilinear",
        shared=False,
    )


def data(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8)


class Machine:
    """Trains nothing, on a clock of its own: `steps` says after which seconds what is written."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, scratch: Path, steps: Any) -> None:
        self.clock, self.steps, self.found = 1000.0, steps, dict[str, str]()
        self.sent = list[tuple[str, dict[str, str]]]()
        scratch.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(scratch))
        monkeypatch.setattr(unshared, "train_here", self.train)
        monkeypatch.setattr(unshared, "time", SimpleNamespace(monotonic=lambda: self.clock))
        self.scratch = scratch

    def train(self, origin: Origin, run: RunSpec, execution: Execution, send: Any) -> Any:
        folder = RunFolder(origin.folder / "runs" / run.run_id)
        self.found = {path.name: path.read_text() for path in sorted(folder.path.glob("*"))}
        folder.path.mkdir(parents=True, exist_ok=True)
        (folder.path / "run.json").write_text("running")
        for seconds, name, text in self.steps:
            self.clock += seconds
            if isinstance(text, BaseException):
                raise text
            (folder.path / name).write_text(text)
            send("progress", {})
        return "the record"

    def send(self, kind: str, content: Any) -> None:
        if kind == "files":
            texts = {name: each.tobytes().decode() for name, each in content.items()}
            self.sent.append((f"{self.clock - 1000:.0f}", texts))


def test_files_go_back_at_the_first_step_then_at_most_every_few_minutes_and_at_the_end(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = [(10, "checkpoint.pt", "a"), (60, "checkpoint.pt", "b"), (120, "history.csv", "1")]
    machine = Machine(monkeypatch, tmp_path / "scratch", [*steps, (5, "model.safetensors", "w")])
    given = {"run.json": data("begun"), "checkpoint.pt": data("0")}
    kind, record, files = train_apart(origin, RUN, ON_CPU, given, 180.0, machine.send)
    assert machine.found == {"run.json": "begun", "checkpoint.pt": "0"}
    assert machine.sent == [
        ("10", {"run.json": "running", "checkpoint.pt": "a"}),
        ("190", {"run.json": "running", "checkpoint.pt": "b", "history.csv": "1"}),
    ]
    assert (kind, record) == ("ended", "the record")
    assert files.keys() == {"run.json", "checkpoint.pt", "history.csv", "model.safetensors"}
    assert list(machine.scratch.iterdir()) == []
    assert not origin.folder.exists()


def test_a_checkpoint_goes_back_once(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = [(200, "history.csv", "1"), (200, "history.csv", "2"), (200, "checkpoint.pt", "a")]
    machine = Machine(monkeypatch, tmp_path / "scratch", [*steps, (200, "history.csv", "3")])
    given = {"checkpoint.pt": data("0")}
    train_apart(origin, RUN, ON_CPU, given, 180.0, machine.send)
    assert ["checkpoint.pt" in files for _, files in machine.sent] == [False, False, True, False]
    assert [files["history.csv"] for _, files in machine.sent] == ["1", "2", "2", "3"]


def test_an_interrupted_run_gives_back_what_it_has(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = [(1, "history.csv", "1"), (1, "checkpoint.pt", "a"), (1, "", KeyboardInterrupt())]
    machine = Machine(monkeypatch, tmp_path / "scratch", steps)
    kind, raised, files = train_apart(origin, RUN, ON_CPU, {}, 180.0, machine.send)
    assert (kind, str(raised)) == ("raised", "interrupted")
    assert "checkpoint.pt" in files
    assert machine.sent[-1][1]["checkpoint.pt"] == "a"
    assert list(machine.scratch.iterdir()) == []


def test_a_failed_run_gives_back_its_files_and_a_full_disk_names_the_machine(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch, full = tmp_path / "scratch", OSError(28, "No space left on device", "checkpoint.pt")
    for error in (RunError("it failed"), full):
        machine = Machine(monkeypatch, scratch, [(1, "history.csv", "1"), (1, "", error)])
        monkeypatch.setattr(unshared.socket, "gethostname", lambda: "node-7")
        kind, raised, files = train_apart(origin, RUN, ON_CPU, {}, 180.0, machine.send)
        assert kind == "raised"
        assert files.keys() == {"run.json", "history.csv"}
        said = "it failed" if error is not full else "No space left on device on the machine node-7"
        assert said in str(raised)
        scratch.rmdir()


def test_a_command_that_lost_a_run_to_another_publishes_nothing_more(tmp_path: Path) -> None:
    first, second = Keeper(tmp_path), Keeper(tmp_path)
    assert first.begin("run") == {}
    first.publish("run", {"checkpoint.pt": data("first")})
    assert second.begin("run")["checkpoint.pt"].tobytes() == b"first"
    with pytest.raises(ReplacedError):
        first.publish("run", {"checkpoint.pt": data("stale")})
    second.publish("run", {"checkpoint.pt": data("second")})
    first.close()
    second.close()
    assert (tmp_path / "runs" / "run" / "checkpoint.pt").read_bytes() == b"second"
    assert [path.name for path in (tmp_path / "runs" / "run").iterdir()] == ["checkpoint.pt"]


class FakeRay:
    """A Ray whose tasks end as the test says; `mail` is what they have told."""

    def __init__(self) -> None:
        self.given, self.results = list[tuple[Any, ...]](), dict[str, Any]()
        self.mail = list[tuple[int, str, Any]]()
        self.exceptions = SimpleNamespace(
            **{name: type(name, (RuntimeError,), {}) for name in ("RayError",)},
            **dict.fromkeys(("RayTaskError", "OutOfMemoryError", "WorkerCrashedError"), OSError),
        )

    def remote(self, **_: Any) -> Any:
        def begin(*given: Any) -> str:
            self.given.append(given)
            return f"attempt {given[0]}"

        return lambda _: SimpleNamespace(options=lambda **_: SimpleNamespace(remote=begin))

    def wait(self, refs: Any, **_: Any) -> Any:
        ended = [ref for ref in refs if ref in self.results]
        return ended, [ref for ref in refs if ref not in ended]

    def get(self, ref: Any, timeout: float | None = None) -> Any:
        if not isinstance(ref, str):
            mail, self.mail = self.mail, []
            return mail
        if isinstance(self.results.get(ref), Exception):
            raise self.results[ref]
        return self.results[ref]

    def cancel(self, ref: Any, force: bool) -> None:
        self.mail.append((int(ref.split()[1]), "files", {"history.csv": data("interrupted")}))
        self.results[ref] = self.exceptions.RayError("cancelled")

    def kill(self, _: Any) -> None:
        pass


def cluster_of(fake: FakeRay) -> Any:
    """A cluster of two machines, one with a GPU."""
    nodes = [{"Resources": {"CPU": 2.0, "GPU": 1.0}}, {"Resources": {"CPU": 4.0}}]
    return SimpleNamespace(ray=fake, check=lambda *_: None, nodes=lambda: nodes)


@pytest.fixture
def tasks(origin: Origin, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An executor on a `FakeRay`, and the folder of its run."""
    fake = FakeRay()
    mailbox = SimpleNamespace(take=SimpleNamespace(remote=lambda: None))
    monkeypatch.setattr(ray, "new_mailbox", lambda _: mailbox)
    cluster = cluster_of(fake)
    assignment = Assignment(RUN, ON_CPU)
    executor = ray.RayTasks(cluster, Schedule((assignment,), 1, 1), origin)
    executor.submit(assignment)
    yield SimpleNamespace(
        ray=fake,
        executor=executor,
        assignment=assignment,
        folder=RunFolder(origin.folder / "runs" / RUN.run_id),
    )
    executor.close()


def test_what_an_attempt_that_was_given_up_sends_is_not_published(tasks: Any) -> None:
    events, executor, fake = list[Event](), tasks.executor, tasks.ray
    fake.mail = [(0, "started", "node"), (0, "files", {"checkpoint.pt": data("first")})]
    executor.wait(events.append, 0.0)
    assert tasks.folder.checkpoint_paths[0].read_text() == "first"
    fake.results["attempt 0"] = fake.exceptions.RayError("its machine is lost")
    executor.wait(events.append, 0.0)
    executor.submit(tasks.assignment)
    assert fake.given[1][4]["checkpoint.pt"].tobytes() == b"first"
    # The first machine was only slow: it goes on, and sends what it has.
    fake.mail = [(0, "files", {"checkpoint.pt": data("stale")}), (0, "started", "node")]
    executor.wait(events.append, 0.0)
    assert tasks.folder.checkpoint_paths[0].read_text() == "first"
    assert [type(event) for event in events] == [Started, Lost]
    files = {"run.json": data("{}"), "model.safetensors": data("weights")}
    fake.results["attempt 1"] = "ended", "its record", files
    executor.wait(events.append, 0.0)
    assert isinstance(events[-1], Ended)
    assert sorted(path.name for path in tasks.folder.path.iterdir()) == sorted(files)


def test_what_runs_give_back_when_the_command_ends_is_published(tasks: Any) -> None:
    tasks.executor.close()
    assert tasks.folder.history_path.read_text() == "interrupted"
    assert not (tasks.folder.path / ".writer").exists()


def test_a_run_that_another_command_took_over_ends_this_one(tasks: Any) -> None:
    tasks.ray.results["attempt 0"] = "ended", "its record", {"run.json": data("stale")}
    with Lease.acquire(tasks.folder.path, by_force=True), pytest.raises(ReplacedError):
        tasks.executor.wait(lambda _: None, 0.0)
    assert not tasks.folder.record_path.exists()


def test_a_shared_folder_is_left_to_the_machine_that_trains(tasks: Any, origin: Origin) -> None:
    shared = dataclasses.replace(origin, shared=True, folder=origin.folder / "shared")
    executor = ray.RayTasks(cluster_of(tasks.ray), Schedule((tasks.assignment,), 1, 1), shared)
    executor.submit(tasks.assignment)
    tasks.ray.results["attempt 0"] = "ended", "its record", {}
    executor.wait(lambda _: None, 0.0)
    assert not shared.folder.exists()


def test_a_run_that_no_machine_has_the_processors_for_is_refused(
    tasks: Any, origin: Origin
) -> None:
    for device, threads, said in (("cpu", 4, ""), ("cpu", 8, "no machine of"), ("cuda", 2, ""),
                                  ("cuda", 4, "no machine with a GPU of")):  # fmt: skip
        execution = dataclasses.replace(ON_CPU, device=device, threads=threads)
        schedule = Schedule((Assignment(RUN, execution),), 1, threads)
        if not said:
            ray.RayTasks(cluster_of(tasks.ray), schedule, origin)
            continue
        most = threads // 2
        with pytest.raises(InputError, match=f"needs {threads} .* {said} .* use --threads {most},"):
            ray.RayTasks(cluster_of(tasks.ray), schedule, origin)


def test_a_machine_that_lacks_the_data_fails_its_run_alone(tasks: Any) -> None:
    events, error = list[Event](), NodeError("the machine node-7 cannot read the data")
    tasks.ray.results["attempt 0"] = "raised", error, {}
    tasks.executor.wait(events.append, 0.0)
    assert events[-1] == Lost(tasks.assignment, error, again=False)
