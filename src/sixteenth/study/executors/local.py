"""Trains several runs at once, each in a worker process of this machine.

Workers are started afresh (a fork would inherit locks of torch's threads). They map the images from
disk, so that these lie in memory once. No worker outlives this process: the end of its standard
input tells it to stop, and where this process was killed, Linux ends it at once.
"""

from __future__ import annotations

import contextlib
import functools
import os
import pickle
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Container, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ...data import ImageDataset
from ...errors import RunError
from ..planning.machine import visible_gpus
from ..planning.schedule import Assignment, Schedule
from .base import Ended, Event, Failed, Lost, Noticed, Progressed, Started
from .shared_data import SharedDataset, share_dataset

if TYPE_CHECKING:
    from ...engine.execution import Execution
    from ...spec import RunSpec

STOP_SECONDS = 3.0
"""How long a worker has to stop by itself: it ends its step and writes that it was interrupted."""


def child_program(module: str) -> str:
    """The code of a Python process that calls `main` of a module.

    Ctrl-C reaches all processes of a terminal at once: it is the parent that acts on it.
    """
    return f"""\
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
from {module} import main
main()
"""


WORKER_PROGRAM = child_program("sixteenth.study.executors.worker")


class LocalProcesses:
    """Trains in worker processes, as many runs at a time as the schedule says.

    A worker whose run failed trains no other: see `WorkerPool.retire`. A run whose worker dies is
    not begun again by itself, because that worker was most likely killed for its memory.
    """

    attempts = 1

    def __init__(self, schedule: Schedule, dataset: ImageDataset, folder: Path) -> None:
        self._schedule, self._folder = schedule, folder
        self._pool = WorkerPool(dataset)
        self._busy: dict[WorkerProcess, Assignment] = {}
        self._started: list[Assignment] = []

    def may_begin(self, assignment: Assignment, running: Collection[Assignment]) -> bool:
        return self._schedule.may_begin(assignment, running)

    def submit(self, assignment: Assignment) -> None:
        worker = self._pool.idle(self._busy, self._gpu_for(assignment))
        worker.send(("train", assignment.run, self._folder, assignment.execution, assignment.until))
        self._busy[worker] = assignment
        self._started.append(assignment)

    def _gpu_for(self, assignment: Assignment) -> int | None:
        """The GPU on which fewest runs are being trained; None where there is nothing to choose."""
        if assignment.execution.device != "cuda" or self._schedule.machines == 1:
            return None
        loads = Counter(worker.gpu for worker in self._busy)
        return min(range(self._schedule.machines), key=lambda gpu: loads[gpu])

    def wait(self, emit: Callable[[Event], None], timeout: float) -> None:
        while self._started:
            emit(Started(self._started.pop(0)))
        received = self._pool.receive(timeout)
        if received is None:
            return
        worker, (kind, content) = received
        if kind == "progress":
            emit(Progressed(content))
        elif kind == "notice":
            emit(Noticed(content))
        elif worker in self._busy:  # else a worker without a run has ended
            assignment = self._busy.pop(worker)
            if kind == "ended":
                emit(Ended(assignment, content))
            elif kind == "raised":
                self._pool.retire(worker)
                emit(Failed(assignment, content))
            else:
                emit(Lost(assignment, content))

    def close(self) -> None:
        self._pool.close()


Reply = tuple[str, Any]
"""Kind and content of what a worker sends: progress, notice, ended (the record), rehearsed, raised
(the error). The last one, died (an error that says how), is added here when its process ends."""


class WorkerProcess:
    """A process that trains runs, as its parent sees it.

    Args:
        gpu: the number of the only one that it sees, as ``cuda``; None for all of them.
    """

    def __init__(
        self, replies: queue.SimpleQueue[tuple[WorkerProcess, Reply]], gpu: int | None = None
    ) -> None:
        self.gpu = gpu
        self.process = start_process(worker_environment(gpu))
        self._last_line = ""
        self._replies = replies
        self._requests: queue.SimpleQueue[tuple[Any, ...] | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=work, daemon=True)
            for work in (self._read_replies, self._forward_stderr, self._write_requests)
        ]
        for thread in self._threads:
            thread.start()

    def send(self, request: tuple[Any, ...]) -> None:
        """Send a request without waiting until it is read: a new worker imports torch first."""
        self._requests.put(request)

    def stop(self) -> None:
        """Tell it to stop, without waiting: the run that it trains is interrupted."""
        self._requests.put(None)

    def join(self, deadline: float) -> None:
        """Wait until it has ended, and kill it after `deadline` (of the monotonic clock)."""
        try:
            self.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for thread in self._threads:
            thread.join()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()

    def _write_requests(self) -> None:
        stdin = self.process.stdin
        assert stdin is not None
        while (request := self._requests.get()) is not None:
            with contextlib.suppress(OSError):  # it has died, which `_read_replies` finds out
                pickle.dump(request, stdin)
                stdin.flush()
        with contextlib.suppress(OSError):
            stdin.close()

    def _read_replies(self) -> None:
        """Put all replies into the queue, and at the end that the process died and how."""
        assert self.process.stdout is not None
        with contextlib.suppress(EOFError, pickle.UnpicklingError, OSError):
            while True:
                self._replies.put((self, pickle.load(self.process.stdout)))
        self.process.wait()
        self._threads[1].join()
        self._replies.put((self, ("died", RunError(self._cause_of_death()))))

    def _forward_stderr(self) -> None:
        """Show what the user's code prints as if it were printed here."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            text = line.decode(errors="replace")
            self._last_line = text.strip() or self._last_line
            sys.stderr.write(text)

    def _cause_of_death(self) -> str:
        code = self.process.returncode
        if code >= 0:
            printed = f": {self._last_line}" if self._last_line else ""
            return f"the process that trained it ended with exit code {code}{printed}"
        name = signal.Signals(-code).name
        hint = ": probably out of memory, try --workers 1" if name == "SIGKILL" else ""
        return f"the process that trained it was ended by {name}{hint}"


def start_process(environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """A process that runs `worker.main`, with pipes."""
    return subprocess.Popen(
        [sys.executable, "-P", "-c", WORKER_PROGRAM, str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )


def worker_environment(gpu: int | None) -> dict[str, str]:
    """The environment of a worker that sees one GPU alone, or all that this process sees."""
    # Its import path is this process's, which a script may have changed; -P adds nothing to it.
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"} | visible_gpus(gpu)


class WorkerPool:
    """The worker processes of a study, started when they are needed."""

    def __init__(self, dataset: ImageDataset) -> None:
        self._dataset = dataset
        self._scratch = tempfile.TemporaryDirectory(prefix="sixteenth-")
        self._workers: list[WorkerProcess] = []
        self._retired: set[WorkerProcess] = set()
        self._replies: queue.SimpleQueue[tuple[WorkerProcess, Reply]] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Interrupt all workers; those that take longer than `STOP_SECONDS` are killed."""
        for worker in self._workers:
            worker.stop()
        deadline = time.monotonic() + STOP_SECONDS
        for worker in self._workers:
            worker.join(deadline)
        self._scratch.cleanup()

    def start(self, count: int) -> None:
        """Have `count` workers: they import torch at the same time, and are not waited for."""
        while len(self._workers) < count:
            self._new_worker()

    def rehearse(
        self, run: RunSpec, execution: Execution, seconds: float, processes: int = 1
    ) -> list[tuple[float, int]]:
        """Train on a throw-away model in several processes at once, each for `seconds`.

        Returns:
            Of each process, in no order: images a second, 0 where `seconds` is 0, which takes one
            step to prepare for the others; and the most memory that it has taken, in bytes.

        Raises:
            Exception: what one of them raised, or died of.
        """
        busy: list[WorkerProcess] = []
        for _ in range(processes):
            busy.append(self.idle(busy))
        for worker in busy:
            worker.send(("rehearse", run, execution, seconds))
        replies: list[Reply] = []
        while busy:
            received = self.receive(timeout=1.0)  # see `base.WAIT_SECONDS`
            if received is None or received[0] not in busy:
                continue
            worker, reply = received
            busy.remove(worker)
            replies.append(reply)
            if reply[0] == "raised":
                self.retire(worker)
        for kind, content in replies:
            if kind in ("raised", "died"):
                raise content
        return [content for _, content in replies]

    def retire(self, worker: WorkerProcess) -> None:
        """Give a worker nothing more to do: after some errors of a GPU, or of a model's own code,
        whatever its process tries next fails too."""
        self._retired.add(worker)
        worker.stop()

    def idle(self, busy: Container[WorkerProcess], gpu: int | None = None) -> WorkerProcess:
        """A worker of a GPU that has nothing to do, if need be a new one."""
        for worker in self._workers:
            usable = worker not in self._retired and worker.process.poll() is None
            if usable and worker.gpu == gpu and worker not in busy:
                return worker
        return self._new_worker(gpu)

    def receive(self, timeout: float) -> tuple[WorkerProcess, Reply] | None:
        """The next reply of any worker; None if there is none within `timeout` seconds."""
        with contextlib.suppress(queue.Empty):
            return self._replies.get(timeout=timeout)
        return None

    @functools.cached_property
    def _shared(self) -> SharedDataset:
        return share_dataset(self._dataset, Path(self._scratch.name))

    def _new_worker(self, gpu: int | None = None) -> WorkerProcess:
        shared = self._shared
        worker = WorkerProcess(self._replies, gpu)
        self._workers.append(worker)
        worker.send(("data", shared))
        return worker
