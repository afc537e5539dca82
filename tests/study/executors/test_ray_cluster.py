"""A cluster of Ray on this machine: a head without processors, and two nodes of one each."""

from __future__ import annotations

import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from benchmarks.soak import differences, remains

from sixteenth import InputError, Listener, Study
from sixteenth.engine.train import Progress
from tiny_study import command_line, environment, hear_interrupts, write_tiny_study

pytestmark = pytest.mark.slow

pytest.importorskip("ray", reason="pip install 'sixteenth[ray]'")

STUDY = {
    "name": "tiny",
    "data": "digits",
    "image_size": 8,
    "models": ["tiny_models:slow"],
    "fractions": ["100 images"],
    "seeds": [0, 1],
    "lengths": [1],
    "train": {"epochs": 20, "batch_size": 20},
}
SLEEP = "0.1"
"""Seconds of a step on the cluster."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patched:
        home = tmp_path_factory.mktemp("home")
        write_tiny_study(home)
        patched.chdir(home)
        patched.setenv("TINY_SLEEP", SLEEP)
        # Ray lets its workers give way to all else: on a busy machine they would hardly begin.
        patched.setenv("RAY_worker_niceness", "0")
        # Sockets have short paths.
        with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp") as scratch:
            patched.setenv("RAY_TMPDIR", scratch)
            from ray.cluster_utils import Cluster

            made = Cluster(
                initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False}
            )
            try:
                made.add_node(num_cpus=1)
                made.add_node(num_cpus=1)
                patched.setenv("RAY_ADDRESS", made.address)
                yield made
            finally:
                made.shutdown()


@pytest.fixture(scope="module")
def alone(cluster: Any) -> Path:
    """The same study, trained by this process."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TINY_SLEEP", "0")
        study = Study(STUDY, "alone")
        study.run(device="cpu", workers=1, threads=1)
    return study.folder.resolve()


class Watching(Listener):
    """Remembers what it was told; removes a node, or stops, when both runs have a checkpoint."""

    def __init__(self, folder: str, cluster: Any = None, *, stops: bool = False) -> None:
        self.folder, self.cluster, self.stops = Path(folder), cluster, stops
        self.notices, self.steps = list[str](), dict[str, list[int]]()
        self.together, self._lost = 0, dict[str, int]()

    @property
    def steps_after_loss(self) -> list[int]:
        """Of the run that was lost, since it was."""
        ((run_id, before),) = self._lost.items()
        return self.steps[run_id][before:]

    def noticed(self, what: str) -> None:
        self.notices.append(what)
        if "begins again" in what:
            run_id = what.split()[0]
            self._lost[run_id] = len(self.steps[run_id])

    def run_started(self, run: Any) -> None:
        self.together = max(self.together, sum(1 for _ in self.folder.glob("runs/*/.writer")))

    def run_progressed(self, progress: Progress) -> None:
        self.steps.setdefault(progress.run_id, []).append(progress.step)
        self.together = max(self.together, sum(1 for _ in self.folder.glob("runs/*/.writer")))
        both = len(list(self.folder.glob("runs/*/checkpoint.pt"))) == 2
        if both and self.stops:
            raise KeyboardInterrupt
        if self.cluster and both:
            node = self.cluster.worker_nodes.copy().pop()
            self.cluster.remove_node(node, allow_graceful=False)
            self.cluster = None


def test_a_study_on_two_nodes_leaves_the_bytes_of_one_that_was_trained_here(
    cluster: Any, alone: Path
) -> None:
    study, heard = Study(STUDY, "two-nodes"), Watching("two-nodes")
    results = study.run(device="cpu", threads=1, executor="ray", listener=heard)
    assert list(results["status"]) == ["finished"] * 2
    assert heard.together == 2
    assert differences(remains(alone), remains(study.folder)) == []


def test_a_run_whose_node_is_lost_goes_on_elsewhere_from_its_checkpoint(
    cluster: Any, alone: Path
) -> None:
    study, heard = Study(STUDY, "lost"), Watching("lost", cluster)
    try:
        study.run(device="cpu", threads=1, executor="ray", listener=heard)
    finally:
        cluster.add_node(num_cpus=1)
    (lost,) = [notice for notice in heard.notices if "begins again" in notice]
    assert "lost" in lost or "died" in lost
    assert min(heard.steps_after_loss) > 5  # not from its beginning
    assert differences(remains(alone), remains(study.folder)) == []


def test_without_a_shared_folder_a_run_whose_node_is_lost_goes_on_from_what_came_back(
    cluster: Any, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sixteenth.study.executors.ray.RETURN_SECONDS", 1.0)
    study, heard = Study(STUDY, "apart"), Watching("apart", cluster)
    try:
        study.run(device="cpu", threads=1, executor="ray", shared_folder=False, listener=heard)
    finally:
        cluster.add_node(num_cpus=1)
    assert min(heard.steps_after_loss) > 5
    assert differences(remains(alone), remains(study.folder)) == []


def test_without_a_shared_folder_what_ctrl_c_interrupts_comes_back_and_goes_on(
    cluster: Any, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sixteenth.study.executors.ray.RETURN_SECONDS", 1.0)
    study = Study(STUDY, "apart-stopped")
    given: dict[str, Any] = {"executor": "ray", "shared_folder": False}
    with pytest.raises(KeyboardInterrupt):
        study.run(device="cpu", threads=1, listener=Watching("apart-stopped", stops=True), **given)
    assert set(study.results()["status"]) == {"interrupted"}
    assert not any(study.folder.glob("runs/*/.writer"))
    heard = Watching("apart-stopped")
    study.run(device="cpu", threads=1, listener=heard, **given)
    assert all(steps[0] > 5 for steps in heard.steps.values())
    assert differences(remains(alone), remains(study.folder)) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_command_that_was_stopped_goes_on_from_the_checkpoints(
    cluster: Any, alone: Path, number: signal.Signals
) -> None:
    out = Path(number.name)
    words = ["run", "tiny.yaml", "--out", str(out), "--executor", "ray", "--device", "cpu"]
    words += ["--threads", "1"]
    words += [word for key in ("models", "fractions", "seeds", "lengths", "train")
              for word in ("--set", f"{key}={STUDY[key]}".replace("'", ""))]  # fmt: skip
    with subprocess.Popen(
        command_line(*words),
        env=environment(),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        encoding="utf-8",
        preexec_fn=hear_interrupts,
    ) as process:
        assert process.stderr is not None
        while len(list(out.glob("runs/*/checkpoint.pt"))) < 2:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.05)
        process.send_signal(number)
        err = process.stderr.read()
        code = process.wait()
    expected = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}
    assert code == expected[number], err
    if number != signal.SIGKILL:
        assert "go on with:\n  python -m sixteenth run tiny.yaml" in err
    assert any(out.glob("runs/*/checkpoint.pt"))
    again = subprocess.run(
        command_line(*words), env=environment(), capture_output=True, encoding="utf-8", check=False
    )
    assert again.returncode == 0, again.stderr
    assert differences(remains(alone), remains(out)) == []


def test_a_node_that_lacks_something_is_named_before_anything_is_trained(
    cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "sixteenth.study.executors.ray_cluster.environment",
        lambda **_: type("Other", (), {"to_dict": lambda _: _versions()})(),
    )
    with pytest.raises(InputError, match=r"has sixteenth 0\..* and not 99") as refused:
        Study(STUDY, "lacking").run(device="cpu", threads=1, executor="ray")
    assert str(refused.value).count("has sixteenth") == 2  # of both nodes
    assert not list(Path("lacking").glob("runs/*"))


def _versions() -> dict[str, str]:
    from sixteenth.engine.records import environment as real

    return {**real().to_dict(), "sixteenth": "99"}
