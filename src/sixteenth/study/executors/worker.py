"""The program of a worker process, which trains runs for the study of its parent: see `local`.

Requests come in on standard input and replies go out on standard output, both pickled: parent and
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
from ...engine.execution import Execution, peak_memory
from ...engine.rehearsal import Rehearsal
from ...engine.train import train_run
from ...errors import RunError
from ...spec import RunSpec
from ...storage.study_folder import StudyFolder

EXIT_SECONDS = 10.0
"""A worker that was told to stop, and has not stopped after so long, ends all the same."""


class Worker:
    """Does what its parent requests, one request at a time, and replies."""

    def __init__(self, replies: IO[bytes]) -> None:
        self._replies = replies
        self._dataset: ImageDataset | None = None
        self._rehearsal: tuple[tuple[object, ...], Rehearsal] | None = None

    def handle(self, request: tuple[Any, ...]) -> None:
        """Do one of: data (a shared dataset), train (run, folder of the study, execution, length
        to stop at), rehearse (run, execution, seconds)."""
        kind, *content = request
        if kind == "data":
            self._dataset = content[0].open()
        elif kind == "train":
            self._train(*content)
        elif kind == "rehearse":
            self._rehearse(*content)

    def _train(self, run: RunSpec, folder: Path, execution: Execution, until: str) -> None:
        assert self._dataset is not None
        try:
            record = train_run(
                run,
                self._dataset,
                StudyFolder(folder).run(run.run_id),
                execution=execution,
                until=until,
                on_progress=lambda progress: self._reply("progress", progress),
                on_notice=lambda notice: self._reply("notice", notice),
            )
        except Exception as error:
            self._reply("raised", picklable(error))
        else:
            self._reply("ended", record)

    def _rehearse(self, run: RunSpec, execution: Execution, seconds: float) -> None:
        assert self._dataset is not None
        built = run.network, execution.device, execution.layout
        try:
            if self._rehearsal is None or self._rehearsal[0] != built:
                self._rehearsal = None  # so that two are never in memory at once
                self._rehearsal = built, Rehearsal(run, self._dataset, execution)
            rehearsal, rate = self._rehearsal[1], 0.0
            if seconds:
                rate = rehearsal.images_per_second(execution, seconds)
            else:
                rehearsal.prepare(execution)
            self._reply("rehearsed", (rate, peak_memory(torch.device(execution.device)) or 0))
        except Exception as error:
            self._reply("raised", picklable(error))

    def _reply(self, kind: str, content: object) -> None:
        pickle.dump((kind, content), self._replies)
        self._replies.flush()


def main() -> None:
    """Handle requests until there are no more, or until this process's parent has ended."""
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    parent = int(sys.argv[1])
    _end_with(parent)
    keep_freed_memory()
    stopping = threading.Event()

    def interrupted(_number: int, _frame: FrameType | None) -> None:
        # The parent handles the user's Ctrl-C, and then ends the requests.
        if stopping.is_set():
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupted)
    requests: queue.SimpleQueue[tuple[Any, ...] | None] = queue.SimpleQueue()
    worker, code = Worker(replies), 0
    try:
        # Inside, because the end of the requests may come before this returns.
        reading = threading.Thread(
            target=_read_requests, args=(requests, stopping, parent), daemon=True
        )
        reading.start()
        while (request := requests.get()) is not None:
            worker.handle(request)
    except (KeyboardInterrupt, BrokenPipeError):
        pass
    except BaseException:
        traceback.print_exc()
        code = 1
    finally:
        stopping.clear()
        # At once: nothing is left to write, and torch takes long to shut down.
        sys.stderr.flush()
        os._exit(code)


def _read_requests(
    requests: queue.SimpleQueue[tuple[Any, ...] | None], stopping: threading.Event, parent: int
) -> None:
    """Put all requests into the queue; when there are no more, interrupt the current one."""
    with contextlib.suppress(EOFError, OSError):
        while True:
            requests.put(pickle.load(sys.stdin.buffer))
    if not _is_alive(parent):
        # The parent was killed, and another process may enter the study's folder at any moment:
        # nothing more is written; the last checkpoint is complete.
        os._exit(1)
    stopping.set()
    _thread.interrupt_main()  # before the next line, after which `main` may have returned
    requests.put(None)  # ends a wait for requests, which an interrupt does not
    time.sleep(EXIT_SECONDS)
    os._exit(1)


def _end_with(parent: int) -> None:
    """On Linux, let the kernel kill this process as soon as `parent` has ended."""
    if sys.platform == "linux":
        import ctypes

        set_parent_death_signal = 1
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
    if not _is_alive(parent):
        os._exit(1)


def _is_alive(parent: int) -> bool:
    """Whether this process's parent still runs; always true where a system cannot tell."""
    return sys.platform == "win32" or os.getppid() == parent


def picklable(error: Exception) -> Exception:
    """`error` itself, or if it cannot be pickled, a RunError with its message."""
    with contextlib.suppress(Exception):
        if str(pickle.loads(pickle.dumps(error))) == str(error):
            return error
    return RunError(str(error))
