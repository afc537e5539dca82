"""A process that trains runs for a study in another one: see `executor`.

Orders come in on standard input and answers go out on standard output, both pickled: parent and
worker are the same program of the same user. What a user's code prints goes to standard error.
"""

from __future__ import annotations

import _thread
import contextlib
import os
import pickle
import queue
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from types import FrameType
from typing import IO, Any

import torch

from ...data import ImageDataset
from ...engine.acceleration import keep_freed_memory
from ...engine.execution import Execution
from ...engine.record import peak_memory
from ...engine.rehearsal import Rehearsal
from ...engine.train import train_run
from ...errors import RunError
from ...spec import RunSpec
from ...storage.run_folder import RunFolder

PATIENCE_SECONDS = 10.0
"""A worker whose parent is gone, and that could not stop by then, ends all the same."""


class Station:
    """Takes orders until there are no more."""

    def __init__(self, answers: IO[bytes]) -> None:
        self._answers = answers
        self._dataset: ImageDataset | None = None
        self._rehearsal: tuple[tuple[object, ...], Rehearsal] | None = None

    def take(self, order: tuple[Any, ...]) -> None:
        kind, *content = order
        if kind == "data":
            self._dataset = content[0].open()
        elif kind == "train":
            self._train(*content)
        elif kind == "rehearse":
            self._rehearse(*content)

    def _train(self, run: RunSpec, runs: Path, execution: Execution) -> None:
        assert self._dataset is not None
        try:
            record = train_run(
                run,
                self._dataset,
                RunFolder(runs / run.run_id),
                execution=execution,
                on_progress=lambda progress: self._answer("progress", progress),
                on_notice=lambda notice: self._answer("noticed", notice),
            )
        except Exception as error:
            self._answer("raised", _portable(error))
        else:
            self._answer("ended", record)

    def _rehearse(self, run: RunSpec, execution: Execution, seconds: float) -> None:
        assert self._dataset is not None
        built = run.model, execution.device, execution.layout
        try:
            if self._rehearsal is None or self._rehearsal[0] != built:
                self._rehearsal = None  # so that two are never in memory at once
                self._rehearsal = built, Rehearsal(run, self._dataset, execution)
            rehearsal, rate = self._rehearsal[1], 0.0
            if seconds:
                rate = rehearsal.images_per_second(execution, seconds)
            else:
                rehearsal.prepare(execution)
            self._answer("rehearsed", (rate, peak_memory(torch.device(execution.device)) or 0))
        except Exception as error:
            self._answer("raised", _portable(error))

    def _answer(self, kind: str, content: object) -> None:
        pickle.dump((kind, content), self._answers)
        self._answers.flush()


def main() -> None:
    """Do what comes in until it ends, or until this process's parent does."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    parent = int(sys.argv[1])
    _die_with(parent)
    keep_freed_memory()
    stopping = threading.Event()

    def interrupted(_number: int, _frame: FrameType | None) -> None:
        # A Ctrl-C of the user is the parent's to hear, which then ends the orders.
        if stopping.is_set():
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupted)
    orders: queue.SimpleQueue[tuple[Any, ...] | None] = queue.SimpleQueue()
    station, code = Station(answers), 0
    try:
        # Inside, because the end of the orders may come before this returns.
        threading.Thread(target=_hear, args=(orders, stopping, parent), daemon=True).start()
        while (order := orders.get()) is not None:
            station.take(order)
    except (KeyboardInterrupt, BrokenPipeError):
        pass
    except BaseException:
        traceback.print_exc()
        code = 1
    finally:
        stopping.clear()
        # At once: nothing is left to write, and torch takes its time to go.
        sys.stderr.flush()
        os._exit(code)


def _hear(
    orders: queue.SimpleQueue[tuple[Any, ...] | None], stopping: threading.Event, parent: int
) -> None:
    """Pass orders on; when there are no more, interrupt what is being done."""
    with contextlib.suppress(EOFError, OSError):
        while True:
            orders.put(pickle.load(sys.stdin.buffer))
    if not _lives(parent):
        # It was killed, and another process may be in the study's folder any moment: the last
        # checkpoint is whole, and nothing more is written.
        os._exit(1)
    stopping.set()
    _thread.interrupt_main()  # first, so that it is not heard when the orders are over already
    orders.put(None)  # wakes who waits for an order, and does not hear of an interrupt then
    time.sleep(PATIENCE_SECONDS)
    os._exit(1)


def _die_with(parent: int) -> None:
    """Let the kernel end this process as soon as `parent` has ended, where it can (Linux)."""
    if sys.platform == "linux":
        import ctypes

        set_parent_death_signal = 1
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
    if not _lives(parent):
        os._exit(1)


def _lives(parent: int) -> bool:
    """Whether this process's parent is still there; where a system cannot tell, it is."""
    return sys.platform == "win32" or os.getppid() == parent


def _portable(error: Exception) -> Exception:
    """`error` as it can be sent: itself, or where it cannot be pickled what it says."""
    with contextlib.suppress(Exception):
        if str(pickle.loads(pickle.dumps(error))) == str(error):
            return error
    return RunError(str(error))
