"""How the runs of a study are computed, as asked for and as kept in STUDY/execution.json."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from numbers import Integral
from pathlib import Path

from ...engine.execution import Execution
from ...errors import InputError
from ...storage.study_folder import StudyFolder
from ...storage.whole_files import write_text
from .calibration import speeds_of
from .schedule import Schedule


@dataclass(frozen=True)
class ExecutionRequest:
    """What the user asks for; None leaves it open.

    Attributes:
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        workers: runs at the same time.
        threads: CPU threads of each run.
        executor, slurm, shared_folder: where runs are computed, see `executors.place_of`.

    Raises:
        InputError: `workers` or `threads` is no whole number of at least 1.
    """

    device: str | None = None
    workers: int | None = None
    threads: int | None = None
    executor: str | None = None
    slurm: str | None = None
    shared_folder: bool = True

    def __post_init__(self) -> None:
        for name in ("workers", "threads"):
            asked = getattr(self, name)
            whole = isinstance(asked, Integral) and not isinstance(asked, bool)
            if asked is not None and not (whole and asked >= 1):
                raise InputError(f"{name}: expected a whole number of at least 1, not {asked!r}")

    def apply(self, execution: Execution) -> Execution:
        """`execution` with the device and threads that are asked for."""
        return replace(
            execution,
            device=self.device or execution.device,
            threads=self.threads or execution.threads,
        )

    def threads_per_run(self, cores: int, machines: int = 1) -> int | None:
        """Threads of each run, where `threads` or `workers` determines them.

        Args:
            cores: of each machine.
        """
        if self.threads or self.workers is None:
            return self.threads
        return max(1, min(cores, cores * machines // self.workers))


def read_executions(folder: Path) -> dict[str, Execution]:
    """What the execution.json of a study's folder holds, by run_id; empty if there is none.

    Raises:
        InputError: it cannot be read.
    """
    executions: dict[str, Execution] = {}
    path = StudyFolder(folder).executions_path
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        for run_id, record in content["runs"].items():
            executions[run_id] = Execution.from_record(record)
            speeds_of(executions[run_id])  # raises where one is no speed
    except FileNotFoundError:
        pass
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(
            f"{path} cannot be read ({type(error).__name__}): delete it to choose anew how the "
            "runs that were not begun are computed"
        ) from None
    return executions


def write_executions(folder: Path, schedule: Schedule) -> None:
    """Add the executions of a schedule to the execution.json of a study's folder."""
    executions = read_executions(folder)
    executions |= {each.run.run_id: each.execution for each in schedule.assignments}
    content = {
        "format": 1,
        "runs": {run_id: each.as_record() for run_id, each in executions.items()},
    }
    write_text(StudyFolder(folder).executions_path, json.dumps(content, indent=2) + "\n")
