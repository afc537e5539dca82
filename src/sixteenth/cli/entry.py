"""Where every command begins: Ctrl-C ends it in one line already while the commands are imported.

On a busy machine that takes seconds, in which Python would print a traceback. Nothing has begun by
then, so that the process ends at once; how a command ends from then on is in `exits`.
"""

from __future__ import annotations

import os
import signal
from types import FrameType
from typing import NoReturn


def main() -> NoReturn:
    """Do what the command line says and exit."""
    # What a parent told this process to ignore (nohup, a shell's background) stays so.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _stop)
    from .commands import main as run_commands

    run_commands()


def _stop(number: int, _: FrameType | None) -> NoReturn:
    os.write(2, b"sixteenth: stopped\n")
    os._exit(128 + number)
