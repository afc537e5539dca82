"""How the runs of a study get done: in this process, or side by side in processes of their own.

An executor takes a schedule and a dataset and leaves filled run folders. A run needs nothing but
its RunSpec, its execution and the dataset, and all that it produces is its folder: so its result is
the same to the last bit whichever executor trains it, in whatever order and company.

Runs side by side are trained by `worker` processes, each started afresh (a fork would inherit locks
of torch's threads). They map the images from disk, so that these lie in memory once. No worker
outlives this process: the end of its standard input tells it to stop, and where this process was
killed, Linux ends it at once.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from ...data import ImageDataset
from ...errors import RunError
from ...storage.run_folder import RunFolder
from ..listener import Listener
from ..planning.schedule import Assignment, Schedule
from .shared_data import share_dataset

if TYPE_CHECKING:
    from ...engine.execution import Execution

STOP_SECONDS = 3.0
"""How long a worker has to stop by itself: it ends its step and writes that it was interrupted."""


_BIRTH = """\
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
from sixteenth.study.executors.worker import main
main()
"""
"""A worker's first words: Ctrl-C, which reaches all processes of a terminal, is its parent's."""


class Executor(Protocol):
    """Train each run of a schedule into ``folder/runs/RUN_ID``; one that fails stops no other."""

    def __call__(
        self,
        schedule: Schedule,
        dataset: ImageDataset,
        folder: Path,
        *,
        listener: Listener,
        after_run: Callable[[], None],
    ) -> None: ...


def one_after_another(
    schedule: Schedule,
    dataset: ImageDataset,
    folder: Path,
    *,
    listener: Listener,
    after_run: Callable[[], None],
) -> None:
    """Train the runs in order in this process; after one that spoilt it, in another."""
    from ...engine.train import train_run

    for done, assignment in enumerate(schedule.assignments, start=1):
        run, target, spoilt = assignment.run, _folder_of(assignment, folder), False
        listener.run_started(run)
        try:
            record = train_run(
                run,
                dataset,
                target,
                execution=assignment.execution,
                on_progress=listener.run_progressed,
                on_notice=listener.noticed,
            )
        except Exception as error:
            record = _failed_record(assignment, dataset, target, error)
            spoilt = _may_spoil(assignment.execution)
        listener.run_ended(run, record, skipped=False)
        after_run()
        if spoilt:
            rest = replace(schedule, assignments=schedule.assignments[done:])
            return side_by_side(rest, dataset, folder, listener=listener, after_run=after_run)
    return None


def side_by_side(
    schedule: Schedule,
    dataset: ImageDataset,
    folder: Path,
    *,
    listener: Listener,
    after_run: Callable[[], None],
) -> None:
    """Train the runs in worker processes, as many at a time as the schedule says.

    The next run begins as soon as enough threads are free; none overtakes another. A worker that
    dies takes its own run along and no other, and one whose run failed trains no other.
    """
    waiting = deque(schedule.assignments)
    with Pool(dataset) as pool:
        live: dict[Worker, Assignment] = {}
        while waiting or live:
            while waiting and schedule.may_begin(waiting[0], live.values()):
                assignment = waiting.popleft()
                worker = pool.idle(live)
                worker.send(("train", assignment.run, folder / "runs", assignment.execution))
                live[worker] = assignment
                listener.run_started(assignment.run)
            worker, (kind, content) = pool.hear()
            if kind == "progress":
                listener.run_progressed(content)
            elif kind == "noticed":
                listener.noticed(content)
            elif worker in live:  # else one that had nothing to do has gone
                ended = live.pop(worker)
                if kind == "raised":
                    pool.retire(worker)
                target = _folder_of(ended, folder)
                record = (
                    content if kind == "ended" else _failed_record(ended, dataset, target, content)
                )
                listener.run_ended(ended.run, record, skipped=False)
                after_run()


class Worker:
    """A process that trains runs, as its parent sees it."""

    def __init__(self, answers: queue.SimpleQueue[tuple[Worker, Any]]) -> None:
        # Its import path is this process's, which a script may have changed; -P adds nothing to it.
        path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", _BIRTH, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        )
        self.last_words = ""
        self._answers = answers
        self._orders: queue.SimpleQueue[tuple[Any, ...] | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=work, daemon=True)
            for work in (self._hear, self._forward, self._write)
        ]
        for thread in self._threads:
            thread.start()

    def send(self, order: tuple[Any, ...]) -> None:
        """Give an order, and do not wait until it is read: a new worker imports torch first."""
        self._orders.put(order)

    def dismiss(self) -> None:
        """Ask it to stop: whatever it trains is interrupted."""
        self._orders.put(None)

    def end(self, deadline: float) -> None:
        """Wait until it is gone, and after `deadline` (of the monotonic clock) wait no longer."""
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

    def _write(self) -> None:
        """Write the orders; to one that has died in vain, but its death is heard of anyway."""
        stdin = self.process.stdin
        assert stdin is not None
        while (order := self._orders.get()) is not None:
            with contextlib.suppress(OSError):
                pickle.dump(order, stdin)
                stdin.flush()
        with contextlib.suppress(OSError):
            stdin.close()

    def _hear(self) -> None:
        """Put all that it says into the queue, in the end that it died and of what."""
        assert self.process.stdout is not None
        with contextlib.suppress(EOFError, pickle.UnpicklingError, OSError):
            while True:
                self._answers.put((self, pickle.load(self.process.stdout)))
        self.process.wait()
        self._threads[1].join()
        self._answers.put((self, ("died", RunError(self._death()))))

    def _forward(self) -> None:
        """Show what its code prints as if it were printed here."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            text = line.decode(errors="replace")
            self.last_words = text.strip() or self.last_words
            sys.stderr.write(text)

    def _death(self) -> str:
        code = self.process.returncode
        if code >= 0:
            said = f": {self.last_words}" if self.last_words else ""
            return f"the process that trained it ended with exit code {code}{said}"
        name = signal.Signals(-code).name
        hint = ": probably out of memory, try --workers 1" if name == "SIGKILL" else ""
        return f"the process that trained it was ended by {name}{hint}"


class Pool:
    """The workers of a study, started when they are needed and gone when it is left."""

    def __init__(self, dataset: ImageDataset) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="sixteenth-")
        self._shared = share_dataset(dataset, Path(self._scratch.name))
        self._workers: list[Worker] = []
        self._retired: set[Worker] = set()
        self._answers: queue.SimpleQueue[tuple[Worker, Any]] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.dismiss()
        deadline = time.monotonic() + STOP_SECONDS
        for worker in self._workers:
            worker.end(deadline)
        self._scratch.cleanup()

    def start(self, count: int) -> None:
        """Have so many workers: they import torch at the same time, and need not be waited for."""
        while len(self._workers) < count:
            self._new_worker()

    def ask(self, orders: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Give orders to as many workers at once, and wait for all answers, in some order.

        Raises:
            Exception: what one of them raised, or died of.
        """
        busy: dict[Worker, tuple[Any, ...]] = {}
        for order in orders:
            worker = self.idle(busy)
            busy[worker] = order
        for worker, order in busy.items():
            worker.send(order)
        answers: list[tuple[str, Any]] = []
        while busy:
            worker, answer = self.hear()
            if busy.pop(worker, None) is not None:
                answers.append(answer)
                if answer[0] == "raised":
                    self.retire(worker)
        for kind, content in answers:
            if kind in ("raised", "died"):
                raise content
        return [content for _, content in answers]

    def retire(self, worker: Worker) -> None:
        """Give a worker nothing more to do: after some errors of a GPU, or of a model's own code,
        whatever its process tries next fails too."""
        self._retired.add(worker)
        worker.dismiss()

    def idle(self, busy: Mapping[Worker, object]) -> Worker:
        """A worker that has nothing to do, if need be a new one."""
        for worker in self._workers:
            if worker not in (*busy, *self._retired) and worker.process.poll() is None:
                return worker
        return self._new_worker()

    def _new_worker(self) -> Worker:
        worker = Worker(self._answers)
        self._workers.append(worker)
        worker.send(("data", self._shared))
        return worker

    def hear(self) -> tuple[Worker, tuple[str, Any]]:
        """Wait for what a worker says: progress, ended, raised, or died."""
        while True:
            # On Windows a wait without an end would not hear Ctrl-C.
            with contextlib.suppress(queue.Empty):
                return self._answers.get(timeout=1.0)


def _may_spoil(execution: Execution) -> bool:
    """Whether a failure may leave the process useless, as some errors of a GPU do."""
    return not execution.device.startswith("cpu")


def _folder_of(assignment: Assignment, folder: Path) -> RunFolder:
    return RunFolder(folder / "runs" / assignment.run.run_id)


def _failed_record(
    assignment: Assignment, dataset: ImageDataset, target: RunFolder, error: Exception
) -> dict[str, Any]:
    """The record of a run that failed, where `error` is a matter of this run alone.

    Raises:
        Exception: `error`, when not even the record could be written.
    """
    from ...engine.record import new_record
    from ...engine.train import record_failure, why

    found = target.read_record()
    if isinstance(error, RunError) and (found is None or found["status"] == "running"):
        # Its process died before it could say so, maybe before it could say anything.
        begun = found or new_record(assignment.run, dataset, assignment.execution, None)
        found = record_failure(target, begun, error)
    reason = (found or {}).get("error") or {}
    if found is None or found["status"] != "failed" or reason.get("message") != why(error):
        raise error
    return found
