"""A run for a cluster, and a Slurm that runs nothing."""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sixteenth import RunSpec
from sixteenth.engine.execution import Execution
from sixteenth.spec import TrainSpec
from sixteenth.study.executors import slurm_task

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
