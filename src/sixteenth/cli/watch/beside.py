"""The page that follows a study, in a process of its own beside the training.

It has the lowest priority and one thread, so that training gets the processors; it ends with the
process that trains, however that ends, and whatever becomes of it changes nothing there.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator
from multiprocessing import get_context, parent_process
from pathlib import Path


@contextlib.contextmanager
def page_beside(folder: Path) -> Iterator[str]:
    """Serve the page of the study in `folder` for the time of a block; its address.

    Raises:
        InputError: no port can be had.
    """
    from .server import address, listen, new_token

    token = new_token()
    with listen() as listening:
        where = address(listening, token)
        process = get_context("spawn").Process(
            target=_serve, args=(listening, token, folder), daemon=True
        )
        process.start()
    try:
        yield where
    finally:
        process.terminate()
        process.join(2)


def _serve(listening: socket.socket, token: str, folder: Path) -> None:
    """What the process does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal reaches it as well
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(19)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"  # before numpy is imported
    from .server import WatchServer

    WatchServer(listening, token, folder).serve_forever()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
    os._exit(0)
