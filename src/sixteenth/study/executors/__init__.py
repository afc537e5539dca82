"""Where runs are trained: in this process, or in several processes of this machine.

A new executor is a module beside these and an entry in `EXECUTORS`.

base.py         the events, the protocol of an executor, and the loop that runs a study
budget_queue.py which run begins next within a budget
in_process.py   one run after another in this process
local.py        several runs at once in worker processes
worker.py       the program of such a process
shared_data.py  a dataset whose images several processes share
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ...data import ImageDataset
from ..planning.machine import LocalMachine
from ..planning.schedule import Schedule
from .base import Executor, run_all
from .budget_queue import BudgetQueue
from .in_process import InProcess
from .local import LocalProcesses, WorkerPool

__all__ = ["EXECUTORS", "BudgetQueue", "Executor", "local_machine", "make_executor", "run_all"]

EXECUTORS: dict[str, Callable[[Schedule, ImageDataset, Path], Executor]] = {
    "in-process": InProcess,
    "processes": LocalProcesses,
}


def make_executor(schedule: Schedule, dataset: ImageDataset, folder: Path) -> Executor:
    """The executor of a schedule; its caller has to close it, as `run_all` does.

    Args:
        folder: of the study.
    """
    return EXECUTORS["processes" if schedule.workers > 1 else "in-process"](
        schedule, dataset, folder
    )


def local_machine(dataset: ImageDataset, data_dir: Path) -> LocalMachine:
    """This machine, as planning asks about it; measured speeds are kept in `data_dir`."""
    return LocalMachine(dataset, data_dir, lambda: WorkerPool(dataset))
