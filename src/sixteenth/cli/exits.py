"""How a command ends: errors as one line, signals as a clean stop, and the exit code of each.

0    all is done
1    a run failed, or the machine did: disk, memory, a reader that went away
2    wrong usage, a wrong study file or wrong input; nothing was trained
70   an error that nobody foresaw: one line says where, --debug shows all of it
130  Ctrl-C         143  SIGTERM
"""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import signal
import socket
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from pathlib import Path
from types import FrameType

import typer

from ..errors import SixteenthError

_UsageError: type[Exception] = typer.BadParameter.__bases__[0]
"""Typer's own complaint about a command line, wherever this version of typer keeps it."""


UNFORESEEN = 70
"""sysexits.h's EX_SOFTWARE."""

STOP_SECONDS = 4.0
"""How long a clean stop may take after a signal: five seconds are promised."""

_EXIT_CODES: dict[int, int] = {signal.SIGINT: 130, signal.SIGTERM: 143}

_rewording: ContextVar[Callable[[Sequence[str]], list[str]]] = ContextVar("rewording", default=list)


class Terminated(KeyboardInterrupt):
    """SIGTERM: the same clean stop as Ctrl-C, with another exit code."""


def carry_out(app: typer.Typer, words: Sequence[str]) -> int:
    """Carry out a command line and return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character shows a question mark instead of a traceback.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    # Wherever it stands: it is added to a command that has just failed.
    debug = "--debug" in words
    _rewording.set(list)
    words = [word for word in words if word != "--debug"]
    with _clean_stops(lambda: _say_stopped(words)), _warnings_as_complaints():
        return _guarded(app, list(words), debug)


def go_on_with(rewording: Callable[[Sequence[str]], list[str]]) -> None:
    """Let `rewording` turn this command line into the one that goes on after a stop."""
    _rewording.set(rewording)


def complain(message: object, prefix: str = "sixteenth: ") -> None:
    """One line on standard error, whatever the message holds."""
    from ..language.text import plain

    print(f"{prefix}{plain(message)}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def _warnings_as_complaints() -> Iterator[None]:
    """Say what Python's warnings say as every other complaint is said: in one line, without code.

    A notebook that calls the same functions hears them as warnings.
    """
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_, **__: complain(message)
        yield


def _guarded(app: typer.Typer, words: list[str], debug: bool) -> int:
    try:
        # Typer's own way of running an app would take Ctrl-C and errors for itself.
        command = typer.main.get_command(app)
        with command.make_context("sixteenth", list(words)) as context:
            command.invoke(context)
        sys.stdout.flush()
    except typer.Exit as stop:
        return stop.exit_code
    except SixteenthError as error:
        complain(error)
        return error.exit_code
    except _UsageError as error:
        complain(_usage(error))
        return 2
    except KeyboardInterrupt as stop:
        _say_stopped(words)
        return _EXIT_CODES[signal.SIGTERM if isinstance(stop, Terminated) else signal.SIGINT]
    except BrokenPipeError:
        _forget_output()
        return 1
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        complain(f"{error.strerror or error}{where}")
        if way_on := _way_on(words):
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            first = "make room, then " if full else "when that is mended, "
            complain(f"what is finished is kept; {first}go on with:", prefix="")
            complain(way_on, prefix="  ")
        _forget_output()
        return 1
    except MemoryError:
        complain("out of memory: try a smaller image_size, train.batch_size or fraction")
        return 1
    except Exception as error:
        # Not foreseen, so a bug of ours: still one line, and what was finished is kept.
        if debug:
            traceback.print_exc()
        complain(_unforeseen(error, debug))
        return UNFORESEEN
    return 0


def _unforeseen(error: Exception, debug: bool) -> str:
    """What happened and where, for somebody who is to report it."""
    *_, last = traceback.extract_tb(error.__traceback__)
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    more = "" if debug else "; the same command with --debug says more"
    return (
        f"this should not have happened, please report it: {said[:300]} "
        f"({Path(last.filename).name}, line {last.lineno}){more}"
    )


@contextlib.contextmanager
def _clean_stops(last_words: Callable[[], None]) -> Iterator[None]:
    """Stop cleanly at the first Ctrl-C or SIGTERM; a second one is not argued with.

    One that takes too long ends the process after `last_words`, as a kill would: what is on the
    disk is whole at every moment, and the next command goes on from the last checkpoint.
    """

    def stop(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        raise Terminated if number == signal.SIGTERM else KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {}
    with _end_after(STOP_SECONDS, last_words):
        for number in _EXIT_CODES:
            # What a parent told this process to ignore (nohup, a shell's background) stays so.
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, stop)
        try:
            yield
        finally:
            for known, handler in before.items():
                signal.signal(known, handler)


@contextlib.contextmanager
def _end_after(seconds: float, last_words: Callable[[], None]) -> Iterator[None]:
    """End the process when, so long after a signal, the block has not ended by itself.

    A handler written in Python has to wait for the operation that runs: the backward pass of a big
    model on big images is one of a minute. So the signal's number also goes, in C, to a socket that
    a thread listens to.
    """
    ear, mouth = socket.socketpair()
    mouth.setblocking(False)
    over = threading.Event()

    def listen() -> None:
        with contextlib.suppress(OSError):
            while heard := ear.recv(1):
                code = _EXIT_CODES.get(heard[0])
                if code is not None and not over.wait(seconds):
                    last_words()
                    os._exit(code)

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    kept = signal.set_wakeup_fd(mouth.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        over.set()
        signal.set_wakeup_fd(kept)
        mouth.close()  # which ends the listening
        listener.join()
        ear.close()


def _say_stopped(words: Sequence[str]) -> None:
    complain("stopped")
    if way_on := _way_on(words):
        complain("what is finished is kept; go on with:", prefix="")
        complain(way_on, prefix="  ")


def _forget_output() -> None:
    """Drop what could not be written: Python would try again at exit, and complain once more."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _way_on(words: Sequence[str]) -> str:
    """The command that goes on after a stop: the same again, for what trains."""
    if not words or words[0] not in ("run", "demo"):
        return ""
    as_module = Path(sys.argv[0]).name == "__main__.py"
    program = ["python", "-m", "sixteenth"] if as_module else ["sixteenth"]
    return shlex.join([*program, *_rewording.get()(words)])


def _usage(error: Exception) -> str:
    """Typer's complaint in one line, and where to read more."""
    said = getattr(error, "format_message", error.__str__)()
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "sixteenth"
    return f"{said} (see {path} --help)"
