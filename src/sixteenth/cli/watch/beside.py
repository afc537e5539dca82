"""The page that follows a study, in a process of its own beside the training.

It has the lowest priority, and numpy one thread, so that training gets the processors; it ends
with the process that trains, however that ends, and whatever becomes of it changes nothing there.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from ..exits import print_message


@contextlib.contextmanager
def page_beside(folder: Path, tag: str = "en") -> Iterator[str]:
    """Serve the page of the study in `folder`, in a language, for the time of a block.

    Yields its address, or an empty text if it cannot be served.
    """
    from ...study.executors.local import child_program, worker_environment

    with subprocess.Popen(
        [sys.executable, "-P", "-c", child_program(__name__), str(folder), tag],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**worker_environment(None), "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()  # it only reads


@contextlib.contextmanager
def watched(folder: Path, tag: str, *, wanted: bool) -> Iterator[None]:
    """Serve that page, if it is wanted, for the time of a block; its address is printed."""
    if not wanted:
        yield
        return
    with page_beside(folder, tag) as where:
        print_message(f"watch at {where}" if where else "the page of --watch did not start")
        yield


def main() -> None:
    """Serve the page of a study until standard input is closed.

    Arguments of the process: its folder, the language's tag.
    """
    from .server import serve

    threading.Thread(target=_end_with_parent, daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(19)
    serve(Path(sys.argv[1]), 0, sys.argv[2])


def _end_with_parent() -> None:
    """The parent writes nothing: standard input ends when it does."""
    sys.stdin.read()
    os._exit(0)
