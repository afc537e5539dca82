"""Where runs are trained: in this process, in several of this machine, or on a cluster.

A new executor is a module beside these and a class that derives from `Place`, which `place_of`
chooses.

base.py         the events, the protocol of an executor, and the loop that runs a study
budget_queue.py which run begins next within a budget
in_process.py   one run after another in this process
local.py        several runs at once in worker processes
worker.py       the program of such a process
shared_data.py  a dataset whose images several processes share
place.py        where a study is computed: its machine for planning, and its executor
node.py         what happens on another machine
unshared.py     training where the study's folder is not seen
ray.py          one task of Ray a run; ray_cluster.py: the machines; ray_machine.py: what planning
                asks of them; ray_task.py: the task
slurm.py        a Slurm cluster; slurm_jobs.py: one job a run; slurm_task.py: what it does;
                slurm_queue.py: what is asked of Slurm
"""

from __future__ import annotations

from pathlib import Path

from ...errors import InputError
from ...messages import nearest
from ..planning.executions import ExecutionRequest
from .base import Executor, run_all
from .budget_queue import BudgetQueue
from .place import EXECUTORS, Place

__all__ = ["EXECUTORS", "BudgetQueue", "Executor", "Place", "place_of", "run_all"]


def place_of(
    request: ExecutionRequest,
    folder: Path,
    data_dir: Path | None = None,
    cifar_archive: str | None = None,
) -> Place:
    """The place that ``--executor`` names; nothing is started or connected to yet.

    Args:
        request: its `executor` is the name, its `slurm` are options of sbatch, see
            `slurm.parse_options`; with its `shared_folder` the machines see `folder`.
        folder: of the study.
        data_dir: the user's choice for decoded images and measured speeds; None for the default.
        cifar_archive: as of `load_dataset`, for machines elsewhere.

    Raises:
        InputError: there is no such executor, or no such option.
    """
    executor = request.executor
    if request.slurm is not None and executor != "slurm":
        raise InputError("--slurm goes with --executor slurm")
    on_ray = executor is not None and (executor == "ray" or executor.startswith("ray://"))
    if not request.shared_folder and not on_ray:
        raise InputError("--no-shared-folder goes with --executor ray")
    if executor == "slurm":
        from .slurm import SlurmPlace, parse_options

        options = parse_options(request.slurm or "")
        return SlurmPlace(folder, data_dir, request, options, cifar_archive=cifar_archive)
    if executor in (None, "local"):
        return Place(folder, data_dir, request)
    if on_ray:
        from .ray import RayPlace

        address = None if executor == "ray" else executor
        return RayPlace(folder, data_dir, request, address, cifar_archive=cifar_archive)
    known = ["local", "ray", "ray://HOST:PORT", "slurm"]
    raise InputError(
        f"--executor {executor}: there is no such executor{nearest(executor, known)} "
        f"(there are {', '.join(known)})"
    )
