"""Where every command begins: Ctrl-C ends it in one line already while the commands are imported.

On a busy machine that takes seconds, in which Python would print a traceback. Nothing has begun by
then, so that the process ends at once; how a command ends from then on is in `exits`.
"""

from __future__ import annotations

import os
import signal
from collections.abc import MutableMapping
from types import FrameType
from typing import NoReturn

SPINS = "1000"
"""How often a thread looks whether the others are done before it sleeps (`GOMP_SPINCOUNT`)."""


def main() -> NoReturn:
    """Do what the command line says and exit."""
    _let_others_run(os.environ)
    # What a parent told this process to ignore (nohup, a shell's background) stays so.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _stop)
    from .commands import main as run_commands

    run_commands()


def _let_others_run(environment: MutableMapping[str, str]) -> None:
    """Let threads that wait for each other sleep soon: set before torch is imported.

    GNU's OpenMP, which torch has on Linux, lets them spin for milliseconds in each operation. Where
    another process has a core, they hold up the very thread that they wait for
    (docs/performance.md, "What was tried").
    """
    if "OMP_WAIT_POLICY" not in environment:
        environment.setdefault("GOMP_SPINCOUNT", SPINS)


def _stop(number: int, _: FrameType | None) -> NoReturn:
    os.write(2, b"sixteenth: stopped\n")
    os._exit(128 + number)
