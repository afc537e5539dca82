"""Commands as processes of their own that need not import torch: forks of a process that has.

Most of what a short command takes are imports. The process that is forked has imported and done
nothing else, so that a command finds what `python -m sixteenth` finds. The real start is tested by
the tests that use `tiny_study.command_line`.
"""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

FORK_SERVER = multiprocessing.get_context("forkserver")
FORK_SERVER.set_forkserver_preload(
    [
        "scipy.stats",
        "sklearn.datasets",
        "torch._dynamo",
        "sixteenth.cli.commands",
        "sixteenth.cli.display",
        "sixteenth.report.page.build",
        "sixteenth.study.executors",
    ]
)


class Forked:
    """A function that runs in a process, and process group, of its own: as `subprocess.Popen`."""

    def __init__(
        self, function: Callable[..., Any], *given: Any, folder: Path, env: Mapping[str, str]
    ) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="forked-")
        pipes = [os.path.join(self._scratch.name, name) for name in ("out", "err")]
        self._said = (bytearray(), bytearray())
        for pipe in pipes:
            os.mkfifo(pipe)
        self._pipes = [os.open(pipe, os.O_RDONLY | os.O_NONBLOCK) for pipe in pipes]
        self._process = FORK_SERVER.Process(
            target=_run, args=(function, given, str(folder), dict(env), *pipes)
        )
        self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid
        while os.getpgid(self.pid) != self.pid:
            time.sleep(0.001)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._process.is_alive():
            self.kill()
        self._process.join()
        for pipe in self._pipes:
            os.close(pipe)
        self._scratch.cleanup()

    @property
    def returncode(self) -> int | None:
        """The exit code; minus the number of the signal that ended it; None while it runs."""
        return self._process.exitcode

    @property
    def out(self) -> str:
        """What it has written to standard output so far."""
        return self._read()[0]

    @property
    def err(self) -> str:
        """What it has written to standard error so far."""
        return self._read()[1]

    def wait_for(self, happened: Callable[[], object]) -> None:
        """Wait until something has happened, as long as the process lives."""
        while not happened():
            assert self.returncode is None, self.err
            self._read()
            time.sleep(0.02)

    def communicate(self, timeout: float) -> tuple[str, str]:
        """Wait for its end: what it wrote to standard output and to standard error."""
        until = time.monotonic() + timeout
        while self.returncode is None:
            self._read()
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired(str(self._process), timeout)
            self._process.join(0.02)
        return self._read()

    def _read(self) -> tuple[str, str]:
        """All that was written so far; a pipe that nobody reads would fill up."""
        for pipe, said in zip(self._pipes, self._said, strict=True):
            with contextlib.suppress(BlockingIOError):
                while part := os.read(pipe, 65536):
                    said += part
        out, err = (said.decode("utf-8", "replace") for said in self._said)
        return out, err

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        if self.returncode is None:
            self._process.kill()


class ForkedJob(Forked):
    """A job of submitit on this machine, in place of the one of its `start_controller`."""

    def __init__(self, jobs: Path) -> None:
        one = "NTASKS", "JOB_NUM_NODES"
        first = "NODEID", "LOCALID", "GLOBALID"
        env = {f"SUBMITIT_LOCAL_{name}": "1" for name in one}
        env |= {f"SUBMITIT_LOCAL_{name}": "0" for name in first}
        env |= {**os.environ, "SUBMITIT_EXECUTOR": "local"}
        super().__init__(submitit_job, str(jobs), folder=Path.cwd(), env=env)

    def poll(self) -> int | None:
        return self.returncode


class ForkedWorker:
    """A worker process, in place of the one of `local.start_process`.

    Its parent is the process that is forked, so that it outlives the one that asked for it.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        its = [FORK_SERVER.Pipe(duplex=False) for _ in range(3)]
        inside = its[0][0], its[1][1], its[2][1]
        self._process = FORK_SERVER.Process(
            target=_run_worker, args=(*inside, os.getcwd(), dict(environment)), daemon=True
        )
        self._process.start()
        self._lock = threading.Lock()  # two threads must not both read the exit code from its pipe
        ends = its[0][1], its[1][0], its[2][0]
        modes = "wb", "rb", "rb"
        self.stdin, self.stdout, self.stderr = (
            os.fdopen(os.dup(end.fileno()), mode) for end, mode in zip(ends, modes, strict=True)
        )
        for end in (*inside, *ends):
            end.close()

    @property
    def returncode(self) -> int | None:
        with self._lock:
            return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        connection.wait([self._process.sentinel], timeout)
        if (code := self.returncode) is None:
            raise subprocess.TimeoutExpired("worker", timeout or 0.0)
        return code

    def kill(self) -> None:
        self._process.kill()


def sixteenth_command(words: Sequence[str]) -> None:
    """What `python -m sixteenth WORDS` does after its imports."""
    main = importlib.import_module("sixteenth.cli.commands").main
    package = Path(importlib.import_module("sixteenth").__file__ or "").parent
    sys.argv = [str(package / "__main__.py"), *words]
    main()


def submitit_job(jobs: str) -> None:
    """What `python -m submitit.core._submit JOBS` does in a job whose number is its process's."""
    os.environ["SUBMITIT_LOCAL_JOB_ID"] = str(os.getpid())
    importlib.import_module("submitit.core.submission").process_job(jobs)


def python_program(code: str, words: Sequence[str]) -> None:
    """What `python -c CODE WORDS` does."""
    sys.argv = ["-c", *words]
    exec(compile(code, "<program>", "exec"), {"__name__": "__main__"})


def _run_worker(
    stdin: connection.Connection,
    stdout: connection.Connection,
    stderr: connection.Connection,
    folder: str,
    env: dict[str, str],
) -> None:
    for number, pipe in enumerate((stdin, stdout, stderr)):
        os.dup2(pipe.fileno(), number)
        pipe.close()
    sys.stdin, sys.stdout, sys.stderr = (
        os.fdopen(number, mode, closefd=False) for number, mode in enumerate(("r", "w", "w"))
    )
    os.environ.clear()
    os.environ.update(env)
    os.chdir(folder)
    sys.path[:] = env["PYTHONPATH"].split(os.pathsep)
    local = importlib.import_module("sixteenth.study.executors.local")
    python_program(local.WORKER_PROGRAM, [str(os.getppid())])


def _run(
    function: Callable[..., Any],
    given: tuple[Any, ...],
    folder: str,
    env: dict[str, str],
    out: str,
    err: str,
) -> None:
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, place in ((0, os.devnull), (1, out), (2, err)):
        os.dup2(os.open(place, os.O_WRONLY if number else os.O_RDONLY), number)
    sys.stdout, sys.stderr = (
        os.fdopen(number, "w", encoding="utf-8", buffering=1, closefd=False) for number in (1, 2)
    )
    os.environ.clear()
    os.environ.update(env)
    os.chdir(folder)
    sys.path.insert(0, folder)
    function(*given)
